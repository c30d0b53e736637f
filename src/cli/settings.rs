//! `authsrv settings`: the runtime settings, which a running server obeys at once.

use serde_json::Value;

use super::call::{Call, unknown};
use super::failure::Failure;
use super::lists::Fields;
use super::output::{Cell, List, Output, Record};
use crate::domain::error::{Entity, Error};
use crate::domain::settings::{Setting, find};
use crate::service::settings::{self, Current};

/// What can be done with runtime settings.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// List all settings with their values; `settings get` says what each is for
    List,
    /// Show one setting, what it is for and what is allowed
    Get(Key),
    /// Change a setting
    #[command(
        after_help = "Examples:\n  authsrv settings set rbac.access_lifetime 10m\n  authsrv settings set registration.mode closed\n  authsrv settings set registration.mode example.com,example.org"
    )]
    Set(Set),
    /// Go back to the default
    Reset(Reset),
}

/// One setting.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub struct Key {
    /// Name of the setting
    #[arg(value_name = "KEY")]
    key: String,
}

/// Options of `settings set`.
#[derive(Debug, clap::Args)]
pub struct Set {
    #[command(flatten)]
    key: Key,
    /// Value; times in seconds, or as 90s, 5m, 24h or 30d
    #[arg(value_name = "VALUE", allow_hyphen_values = true)]
    value: String,
}

/// Options of `settings reset`.
#[derive(Debug, clap::Args)]
pub struct Reset {
    /// Names of the settings
    #[arg(value_name = "KEY", required = true)]
    keys: Vec<String>,
}

/// Runs one of them.
pub fn run(command: Command, call: &Call) -> Result<Output<'_>, Failure> {
    match command {
        Command::List => list(call),
        Command::Get(key) => get(&key, call),
        Command::Set(args) => set(&args, call),
        Command::Reset(args) => reset(&args.keys, call),
    }
}

const FIELDS: Fields = Fields {
    all: &["key", "value", "default", "unit", "allowed", "help"],
    usual: &["key", "value", "default", "unit", "allowed", "help"],
    table: &["key", "value", "changed", "default", "unit"],
};

fn list(call: &Call) -> Result<Output<'_>, Failure> {
    let row = |current: &Current| {
        let mut record = record(current);
        record.0.push(("changed", Cell::maybe(current.changed.then_some("changed"))));
        record
    };
    let mut records = Some(settings::list(&call.ctx())?.iter().map(row).collect());
    let columns = FIELDS.usual(call.format, "settings get KEY");
    Ok(Output::many(List { columns, none: "No settings.", pages: Box::new(move || Ok(records.take())) }))
}

fn get<'a>(key: &Key, call: &'a Call) -> Result<Output<'a>, Failure> {
    let setting = known(&key.key)?;
    Ok(Output::one(record(&settings::get(&call.ctx(), setting.key)?)))
}

fn set<'a>(args: &Set, call: &'a Call) -> Result<Output<'a>, Failure> {
    let setting = known(&args.key.key)?;
    let value = setting.accept_text(&args.value).map_err(Failure::of_input)?;
    let before = settings::get(&call.ctx(), setting.key)?.value;
    let after = settings::change(&call.ctx(), &[(setting.key.to_owned(), Some(value))]).map_err(Failure::of_input)?;
    let after = after.into_iter().find(|current| current.setting.key == setting.key);
    let after = after.map_or_else(|| settings::get(&call.ctx(), setting.key), Ok)?;
    let (key, value) = (setting.key, shown(&after.value, setting));
    let text = if before == after.value {
        format!("{key} is {value} already.")
    } else {
        format!("{key} is {value} now; it was {}.", shown(&before, setting))
    };
    Ok(Output::done(text, record(&after)))
}

fn reset<'a>(keys: &[String], call: &'a Call) -> Result<Output<'a>, Failure> {
    let forgotten = settings::reset(&call.ctx(), keys).map_err(|error| match &error {
        Error::Invalid(fields) => {
            let unknown = fields.iter().find_map(|field| known(&field.field).err());
            unknown.unwrap_or_else(|| error.into())
        }
        _ => error.into(),
    })?;
    let told = keys.iter().zip(forgotten).map(|(key, forgotten)| match (find(key), forgotten) {
        (Some(setting), true) => format!("{key} is {} again.", shown(&setting.default_value(), setting)),
        (Some(setting), false) => {
            format!("{key} is {} already, which is the default.", shown(&setting.default_value(), setting))
        }
        (None, _) => format!("What was stored as {key} is forgotten."),
    });
    let record = Record(vec![("reset", Cell::List(keys.to_vec()))]);
    Ok(told.fold(Output::said(Vec::new(), record), Output::with_note))
}

fn known(key: &str) -> Result<&'static Setting, Failure> {
    find(key).ok_or_else(|| unknown(Entity::Setting, key, &settings::similar(key)))
}

fn shown(value: &Value, setting: &Setting) -> String {
    let text = match value {
        Value::String(text) if text.is_empty() => "empty".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.is_empty() => "empty".to_owned(),
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    };
    format!("{text} {}", setting.unit()).trim_end().to_owned()
}

fn record(current: &Current) -> Record {
    let setting = current.setting;
    Record(vec![
        ("key", Cell::text(setting.key)),
        ("value", cell(&current.value)),
        ("default", cell(&setting.default_value())),
        ("unit", Cell::maybe(Some(setting.unit()).filter(|unit| !unit.is_empty()))),
        ("allowed", Cell::text(setting.bounds())),
        ("help", Cell::text(setting.help)),
    ])
}

fn cell(value: &Value) -> Cell {
    match value {
        Value::Null | Value::Object(_) => Cell::Null,
        Value::Bool(yes) => Cell::Bool(*yes),
        Value::Number(number) => number.as_i64().map_or_else(|| Cell::text(number), Cell::Number),
        Value::String(text) => Cell::text(text),
        Value::Array(items) => Cell::List(items.iter().filter_map(Value::as_str).map(str::to_owned).collect()),
    }
}
