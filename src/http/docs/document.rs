//! The OpenAPI document, made of the route table and the types of its handlers.

use std::collections::BTreeSet;

use aide::generate::{self, GenContext};
use aide::openapi::{
    ApiKeyLocation, Components, Info, OpenApi, Operation, Parameter, ParameterData, ParameterSchemaOrContent, PathItem,
    PathStyle, ReferenceOr, SchemaObject, SecurityScheme, StatusCode, Tag,
};
use aide::operation::{OperationInput, OperationOutput};
use axum::http::Method;
use schemars::generate::SchemaSettings;
use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};

use super::{errors, twins};
use crate::http::routes::{Guard, Reading, Route, RouteInfo, Table, bare};

/// Names of the two security schemes.
const BEARER: &str = "bearerAuth";
const TOKEN: &str = "tokenAuth";

const DESCRIPTION: &str = "Users, sign-in, sessions and rights.\n\n\
    Sign in at `login/`, put the access token into the header `Authorization: Bearer …`, and exchange the refresh token \
    at `token/refresh/` when the access token ends. A program is better off with an API token of its own, which it sends as \
    `Authorization: Token …`. Rights are pairs of a resource and an action, such as `users:read`; \
    roles give them. What a route needs stands in its description. All paths work with and without the slash at their \
    end; HEAD works wherever GET does; OPTIONS names the methods of a path and needs no right. Every answer carries \
    `X-Request-Id`.";

/// The whole document.
pub fn document(table: Table) -> OpenApi {
    generate::in_context(|context| {
        context.schema = generator(false);
        let mut answers = generator(true);
        let extensions = [("x-tagGroups".to_owned(), groups(&table))].into_iter().collect();
        let mut document = OpenApi { info: info(), tags: tags(&table), extensions, ..OpenApi::default() };
        let mut closed = Vec::new();
        let paths = document.paths.get_or_insert_default();
        for route in &table.routes {
            let mut operation = operation_of(context, &mut answers, route);
            if route.reading == Reading::Strict {
                closed.extend(operation.request_body.as_ref().and_then(|body| serde_json::to_value(body).ok()));
            }
            let is_twin = |twin: &&Route| {
                bare(&twin.info.path) == bare(&route.info.path) && twin.info.method == route.info.method
            };
            if let Some(twin) = table.twins.iter().find(is_twin) {
                twins::join(&mut operation, operation_of(context, &mut answers, twin));
            }
            let item =
                paths.paths.entry(route.info.path.clone()).or_insert_with(|| ReferenceOr::Item(PathItem::default()));
            if let ReferenceOr::Item(item) = item {
                *place(item, &route.info.method) = Some(operation);
            }
        }
        document.components = Some(components(context, answers, &closed));
        context.schema = generator(false);
        document
    })
}

fn generator(for_answers: bool) -> SchemaGenerator {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "#/components/schemas/".into();
        settings.meta_schema = None;
    });
    if for_answers { settings.for_serialize() } else { settings.for_deserialize() }.into_generator()
}

fn info() -> Info {
    Info {
        title: "authsrv".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        description: Some(DESCRIPTION.to_owned()),
        ..Info::default()
    }
}

/// The sections, in the order of the table.
fn tags(table: &Table) -> Vec<Tag> {
    let mut seen = BTreeSet::new();
    let mut names = table.routes.iter().map(|route| &route.tag).filter(|tag| seen.insert((*tag).clone()));
    names.by_ref().map(|name| Tag { name: name.clone(), ..Tag::default() }).collect()
}

/// The sections of each dialect together, as ReDoc shows them, in the order of the table.
fn groups(table: &Table) -> Value {
    let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
    for route in table.routes.iter().filter(|route| !route.info.alias) {
        let title = title(route.info.dialect);
        let at = groups.iter().position(|(known, _)| *known == title).unwrap_or_else(|| {
            groups.push((title, Vec::new()));
            groups.len() - 1
        });
        if !groups[at].1.contains(&route.tag.as_str()) {
            groups[at].1.push(&route.tag);
        }
    }
    groups.into_iter().map(|(name, tags)| json!({ "name": name, "tags": tags })).collect()
}

/// What people call a dialect; all that belongs to none is the server's.
fn title(dialect: &str) -> &str {
    match dialect {
        "rbac" => "RBAC",
        "djoser" | "djoser-phone" => "Djoser",
        "simplejwt" => "Simple JWT",
        "authtoken" => "DRF token",
        "pyjwt" => "PyJWT",
        "account" => "Account",
        "oauth" => "OAuth",
        "authzen" => "AuthZEN",
        _ => "Server",
    }
}

/// `closed`: bodies that take no unknown keys.
fn components(context: &mut GenContext, mut answers: SchemaGenerator, closed: &[Value]) -> Components {
    let bearer = SecurityScheme::Http {
        scheme: "bearer".to_owned(),
        bearer_format: Some("JWT".to_owned()),
        description: Some("The access token that `login/`, `register/` and `token/refresh/` give.".to_owned()),
        extensions: Default::default(),
    };
    let token = SecurityScheme::ApiKey {
        location: ApiKeyLocation::Header,
        name: "Authorization".to_owned(),
        description: Some("`Token` and the key of an API token, with a blank between them.".to_owned()),
        extensions: Default::default(),
    };
    let schemes = [(BEARER.to_owned(), ReferenceOr::Item(bearer)), (TOKEN.to_owned(), ReferenceOr::Item(token))];
    let mut definitions = context.schema.take_definitions(true);
    let mut strict = BTreeSet::new();
    closed.iter().for_each(|body| reach(body, &definitions, &mut strict));
    definitions.iter_mut().filter(|(name, _)| strict.contains(*name)).for_each(|(_, schema)| close(schema));
    definitions.append(&mut answers.take_definitions(true));
    let schemas =
        definitions.into_iter().filter_map(|(name, value)| Some((name, object(Schema::try_from(value).ok()?))));
    Components { security_schemes: schemes.into_iter().collect(), schemas: schemas.collect(), ..Components::default() }
}

/// Adds the names of all definitions that a value refers to, also by way of others.
fn reach(value: &Value, definitions: &Map<String, Value>, reached: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            let name = object.get("$ref").and_then(Value::as_str).and_then(|path| path.rsplit('/').next());
            if let Some((name, schema)) = name.and_then(|name| Some((name, definitions.get(name)?)))
                && reached.insert(name.to_owned())
            {
                reach(schema, definitions, reached);
            }
            object.values().for_each(|value| reach(value, definitions, reached));
        }
        Value::Array(items) => items.iter().for_each(|value| reach(value, definitions, reached)),
        _ => {}
    }
}

/// Says that unknown keys are refused, as the strict reading of bodies does.
fn close(schema: &mut Value) {
    if let Some(object) = schema.as_object_mut()
        && object.contains_key("properties")
    {
        object.entry("additionalProperties").or_insert(Value::Bool(false));
    }
}

fn operation_of(context: &mut GenContext, answers: &mut SchemaGenerator, route: &Route) -> Operation {
    let info = &route.info;
    let mut operation = Operation {
        tags: vec![route.tag.clone()],
        summary: Some(route.summary.to_owned()),
        description: Some(description(route)),
        operation_id: Some(operation_id(info)),
        deprecated: info.alias,
        security: security(route),
        ..Operation::default()
    };
    (route.describe)(context, answers, &mut operation);
    if let Some(ReferenceOr::Item(body)) = &mut operation.request_body {
        body.content.values_mut().for_each(|media| media.example.clone_from(&route.example));
    }
    if let Some(responses) = &mut operation.responses {
        let known = std::mem::take(&mut responses.responses);
        let kept = known.into_iter().filter(|(status, _)| match status {
            StatusCode::Code(code @ 400..) => errors::possible(*code, route, &operation),
            StatusCode::Code(_) | StatusCode::Range(_) => true,
        });
        let mut kept: Vec<_> = kept.collect();
        kept.sort_by(|(one, _), (other, _)| one.cmp(other));
        for (status, response) in &mut kept {
            if let (StatusCode::Code(code), ReferenceOr::Item(response)) = (status, response)
                && route.bare.contains(code)
            {
                response.content.clear();
            }
        }
        if let Some(responses) = &mut operation.responses {
            responses.responses = kept.into_iter().collect();
        }
    }
    let names = info.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let ids = names.map(|name| ReferenceOr::Item(path_parameter(name, route.by_uuid_too)));
    operation.parameters.splice(0..0, ids);
    operation
}

fn description(route: &Route) -> String {
    let needs = route.info.guard.needs();
    let alias = if route.info.alias { "\n\nAnother spelling of the same path." } else { "" };
    if route.description.is_empty() {
        format!("{needs}{alias}")
    } else {
        format!("{}\n\n{needs}{alias}", route.description)
    }
}

/// Method and path: `get_users_id`.
fn operation_id(info: &RouteInfo) -> String {
    let words = info.path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    std::iter::once(info.method.as_str().to_ascii_lowercase().as_str()).chain(words).collect::<Vec<_>>().join("_")
}

fn security(route: &Route) -> Vec<aide::openapi::SecurityRequirement> {
    let scheme = |name: &str| [(name.to_owned(), Vec::new())].into_iter().collect();
    match route.info.guard {
        Guard::Public if route.takes_bearer => vec![Default::default(), scheme(BEARER), scheme(TOKEN)],
        Guard::Public => Vec::new(),
        Guard::SignedIn | Guard::Right(..) => vec![scheme(BEARER), scheme(TOKEN)],
    }
}

fn path_parameter(name: &str, by_uuid_too: bool) -> Parameter {
    let id = json_schema!({"type": "integer", "format": "int64", "minimum": 1});
    let schema = match name {
        "file" | "uid" | "token" => json_schema!({"type": "string"}),
        _ if by_uuid_too => json_schema!({"anyOf": [id, {"type": "string", "format": "uuid"}]}),
        _ => id,
    };
    Parameter::Path {
        parameter_data: ParameterData {
            name: name.to_owned(),
            description: None,
            required: true,
            deprecated: None,
            format: ParameterSchemaOrContent::Schema(object(schema)),
            example: None,
            examples: Default::default(),
            explode: None,
            extensions: Default::default(),
        },
        style: PathStyle::Simple,
    }
}

fn object(json_schema: Schema) -> SchemaObject {
    SchemaObject { json_schema, external_docs: None, example: None }
}

fn place<'a>(item: &'a mut PathItem, method: &Method) -> &'a mut Option<Operation> {
    match *method {
        Method::POST => &mut item.post,
        Method::PUT => &mut item.put,
        Method::PATCH => &mut item.patch,
        Method::DELETE => &mut item.delete,
        _ => &mut item.get,
    }
}

/// Writes down what a handler takes and gives, out of its types.
pub fn describe<I: OperationInput, O: OperationOutput>(
    context: &mut GenContext,
    answers: &mut SchemaGenerator,
    operation: &mut Operation,
) {
    I::operation_input(context, operation);
    std::mem::swap(&mut context.schema, answers);
    for (status, response) in O::inferred_responses(context, operation) {
        let Some(status) = status else { continue };
        let known = operation.responses.get_or_insert_default();
        known.responses.entry(StatusCode::Code(status)).or_insert(ReferenceOr::Item(response));
    }
    std::mem::swap(&mut context.schema, answers);
}
