//! `settings/`: the runtime settings as one object.

use std::borrow::Cow;

use axum::Json;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::failure::Answer;
use crate::domain::settings::{ALL, Kind, Setting};
use crate::http::body::Body;
use crate::http::call::Call;
use crate::service::settings::{self, Current};

/// Settings by name; in a change, `null` goes back to the default.
#[derive(Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Settings(Map<String, Value>);

/// What is judged by the service stands in `allOf`, which the reading of bodies does not look into.
impl JsonSchema for Settings {
    fn schema_name() -> Cow<'static, str> {
        "Settings".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let property = |setting: &Setting| {
            let schema =
                json!({"description": setting.help, "default": setting.default_value(), "allOf": [form(setting.kind)]});
            (setting.key.to_owned(), schema)
        };
        let properties: Map<String, Value> = ALL.iter().map(property).collect();
        json_schema!({
            "type": "object",
            "description": "Settings by name; in a change, `null` goes back to the default.",
            "properties": properties,
            "additionalProperties": true,
        })
    }
}

/// The values that a setting takes.
fn form(kind: Kind) -> Value {
    match kind {
        Kind::Seconds(least, most) | Kind::Count(least, most) => {
            json!({"type": ["integer", "null"], "minimum": least, "maximum": most})
        }
        Kind::Switch => json!({"type": ["boolean", "null"]}),
        Kind::Choice(words) => {
            let words: Vec<Value> = words.iter().map(|word| json!(word)).chain([Value::Null]).collect();
            json!({ "enum": words })
        }
        Kind::Text(most) => json!({"type": ["string", "null"], "maxLength": most}),
        Kind::Words(_) => json!({"type": ["string", "null"]}),
        Kind::Url => {
            json!({"type": ["string", "null"], "description": "An http or https URL without a path, or empty."})
        }
        Kind::Folder => {
            json!({"type": ["string", "null"], "description": "The absolute path of a folder, or empty."})
        }
        Kind::Link => {
            json!({"type": ["string", "null"], "maxLength": 200, "description": "A path with {uid} and {token} in it."})
        }
        Kind::Registration => {
            let domains = json!({"type": "array", "items": {"type": "string"}});
            json!({"anyOf": [{"type": "string"}, domains, {"type": "null"}]})
        }
        Kind::List(_) => {
            let items = json!({"type": "array", "items": {"type": "string"}});
            json!({"anyOf": [items, {"type": "string"}, {"type": "null"}]})
        }
    }
}

/// `GET settings/`
pub async fn get(call: Call) -> Answer<Json<Settings>> {
    Ok(Json(all(call.run(|ctx| Ok(settings::list(ctx)?)).await?)))
}

/// `PATCH settings/`
pub async fn change(call: Call, body: Body<Settings>) -> Answer<Json<Settings>> {
    let changed = call.run(|ctx| {
        let Settings(sent) = body.parse()?;
        let changes: Vec<_> =
            sent.into_iter().map(|(key, value)| (key, Some(value).filter(|value| !value.is_null()))).collect();
        Ok(settings::change(ctx, &changes)?)
    });
    Ok(Json(all(changed.await?)))
}

fn all(settings: Vec<Current>) -> Settings {
    Settings(settings.into_iter().map(|one| (one.setting.key.to_owned(), one.value)).collect())
}
