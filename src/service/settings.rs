//! Runtime settings: seen by the next request, whichever door changed them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value, json};

use crate::domain::error::{Entity, Error, FieldError, Result};
use crate::domain::mails::Language;
use crate::domain::rights::{Right, action, resource};
use crate::domain::settings::{ALL, Setting, Settings, find};
use crate::service::{Actor, Ctx, Env, bounds, nearest};
use crate::store::Tx;

/// A setting as it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Current {
    /// Which.
    pub setting: &'static Setting,
    /// Its value.
    pub value: Value,
    /// Whether that differs from the default.
    pub changed: bool,
}

/// All settings, by name.
///
/// Needs `settings:read`.
///
/// # Errors
/// `Forbidden`, and those of the store.
pub fn list(ctx: &Ctx) -> Result<Vec<Current>> {
    ctx.require(&Right::of(resource::SETTINGS, action::READ))?;
    let settings = in_force(ctx.env)?;
    Ok(ALL.iter().map(|setting| current(&settings, setting)).collect())
}

/// One setting.
///
/// Needs `settings:read`.
///
/// # Errors
/// `Forbidden`, `NotFound(Setting)`, and those of the store.
pub fn get(ctx: &Ctx, key: &str) -> Result<Current> {
    let all = list(ctx)?;
    all.into_iter().find(|current| current.setting.key == key).ok_or(Error::NotFound(Entity::Setting))
}

/// All settings as they are now. Needs no right: they say how the server is to behave, and the doors obey them.
///
/// # Errors
/// Those of the store.
pub fn in_force(env: &Env) -> Result<Arc<Settings>> {
    env.store.read(|tx| of(env, tx))
}

/// All settings as a transaction finds them.
///
/// # Errors
/// Those of the store.
pub fn of(env: &Env, tx: &dyn Tx) -> Result<Arc<Settings>> {
    let stored = tx.stored_settings()?;
    let mut last = env.settings.0.lock().unwrap_or_else(PoisonError::into_inner);
    if last.stored != stored {
        let settings = Arc::new(Settings::from_stored(stored.iter().cloned()));
        *last = Last { stored, settings };
    }
    Ok(Arc::clone(&last.settings))
}

/// The settings that were read last: as they are stored, and what they mean. What is stored is read each time.
#[derive(Default)]
pub struct Parsed(Mutex<Last>);

#[derive(Default)]
struct Last {
    stored: Vec<(String, String)>,
    settings: Arc<Settings>,
}

/// The URL that clients reach the server by, if it is set.
///
/// # Errors
/// Those of the store.
pub fn public_url(env: &Env) -> Result<Option<String>> {
    Ok(in_force(env)?.public_url())
}

/// The URL that tokens name as their issuer, and that every address of this server begins with.
///
/// # Errors
/// Those of the store.
pub fn issuer_url(env: &Env) -> Result<String> {
    Ok(public_url(env)?.unwrap_or_else(|| env.default_url.clone()))
}

/// The language of mails.
///
/// # Errors
/// Those of the store.
pub fn language(env: &Env) -> Result<Language> {
    Ok(in_force(env)?.mail_language())
}

/// Setting names near a text that named none, nearest first.
pub fn similar(key: &str) -> Vec<String> {
    nearest(key, ALL.iter().map(|setting| setting.key.to_owned()).collect())
}

/// Changes settings, all or none; `None` goes back to the default. Values are brought into their form here.
///
/// Needs `settings:update`, and to be a superuser where that gives away accounts. Writes them and one `settings.changed` event, if anything changes.
///
/// # Errors
/// `Forbidden`; `Invalid(<key>)` — an unknown setting, or a value that it does not take, all at once; and those of the
/// store.
pub fn change(ctx: &Ctx, changes: &[(String, Option<Value>)]) -> Result<Vec<Current>> {
    ctx.require(&Right::of(resource::SETTINGS, action::UPDATE))?;
    ctx.write(|tx| {
        write(ctx, tx, changes)?;
        let now = Settings::from_stored(tx.stored_settings()?);
        Ok(ALL.iter().map(|setting| current(&now, setting)).collect())
    })
}

/// Forgets what is stored under these names, all or none, so that settings have their defaults; also what another program
/// stored and this one does not know or take. Says for each whether there was anything.
///
/// Needs what [`change`] does. Deletes it and writes one `settings.changed` event, if there is anything.
///
/// # Errors
/// `Forbidden`; `Invalid(<key>)` — neither a setting nor stored, all at once; and those of the store.
pub fn reset(ctx: &Ctx, keys: &[String]) -> Result<Vec<bool>> {
    ctx.require(&Right::of(resource::SETTINGS, action::UPDATE))?;
    let changes: Vec<_> = keys.iter().map(|key| (key.clone(), None)).collect();
    ctx.write(|tx| write(ctx, tx, &changes))
}

/// Writes changes and their event; says for each whether it changed what is stored.
fn write(ctx: &Ctx, tx: &dyn Tx, changes: &[(String, Option<Value>)]) -> Result<Vec<bool>> {
    let stored: BTreeMap<String, String> = tx.stored_settings()?.into_iter().collect();
    let changes = accept(changes, &stored)?;
    let in_force = Settings::from_stored(stored.clone());
    keeps_trail(ctx, &in_force, &changes)?;
    let mut changed = Map::new();
    let mut answers = Vec::new();
    for (key, value) in &changes {
        let setting = find(key);
        let default = setting.map_or(Value::Null, Setting::default_value);
        let value = value.as_ref().filter(|value| **value != default);
        let stays = |value: &Value| setting.is_some_and(|it| in_force.is_changed(it) && in_force.value(it) == *value);
        let is_kept = value.map_or_else(|| !stored.contains_key(key), stays);
        if !is_kept && gives_away(key) {
            bounds::superuser(ctx)?;
        }
        let wrote = match value {
            Some(_) if is_kept => false,
            Some(value) => tx.store_setting(key, &value.to_string(), ctx.now).map(|()| true)?,
            None => tx.forget_setting(key)?,
        };
        if wrote {
            // As it was stored, though it may not have been obeyed.
            let was = stored.get(key).map(|json| serde_json::from_str(json).unwrap_or_else(|_| json!(json)));
            let (was, is) = (was.as_ref().unwrap_or(&default), value.unwrap_or(&default));
            changed.insert(key.clone(), json!({"before": was, "after": is}));
        }
        answers.push(wrote);
    }
    if !changed.is_empty() {
        tx.record(&ctx.event("settings.changed", "setting", None, Value::Object(changed)))?;
    }
    Ok(answers)
}

/// Whether who sets this gets into accounts of others, who may hold more than he does: it says where links with
/// secrets lead and who delivers them, or lets in everybody.
fn gives_away(key: &str) -> bool {
    key.starts_with("mail.") || ["public_url", "account.open"].contains(&key)
}

/// Passes unless somebody who is not at the command line would shorten how long the audit trail is kept: it is not for the
/// API to remove events.
fn keeps_trail(ctx: &Ctx, in_force: &Settings, changes: &[(String, Option<Value>)]) -> Result<()> {
    const KEY: &str = "audit.retention";
    let Some((_, value)) = changes.iter().find(|(key, _)| key == KEY) else { return Ok(()) };
    let value = value.clone().or_else(|| find(KEY).map(Setting::default_value));
    let becomes = value.and_then(|value| value.as_i64()).filter(|seconds| *seconds > 0).unwrap_or(i64::MAX);
    let is = in_force.audit_retention().map_or(i64::MAX, |kept| kept.num_seconds());
    if becomes >= is || matches!(ctx.actor, Actor::Operator(_)) {
        return Ok(());
    }
    Err(Error::invalid(KEY, "command_line_only", "Only the command line can shorten this."))
}

/// The changes with their values in form. A name that no setting has can only be forgotten.
fn accept(
    changes: &[(String, Option<Value>)],
    stored: &BTreeMap<String, String>,
) -> Result<Vec<(String, Option<Value>)>> {
    let (mut accepted, mut faults) = (Vec::new(), Vec::new());
    for (key, value) in changes {
        let form = |value: &Value| find(key).ok_or_else(|| Error::from(unknown(key)))?.accept(value);
        match value.as_ref().map(form).transpose() {
            Ok(None) if find(key).is_none() && !stored.contains_key(key) => faults.push(unknown(key)),
            Ok(value) => accepted.push((key.clone(), value)),
            Err(Error::Invalid(more)) => faults.extend(more),
            Err(other) => return Err(other),
        }
    }
    if faults.is_empty() { Ok(accepted) } else { Err(Error::Invalid(faults)) }
}

fn unknown(key: &str) -> FieldError {
    let hint = similar(key).first().map_or(String::new(), |near| format!(" Did you mean \"{near}\"?"));
    FieldError::new(key, "unknown", format!("There is no such setting.{hint}"))
}

fn current(settings: &Settings, setting: &'static Setting) -> Current {
    Current { setting, value: settings.value(setting), changed: settings.is_changed(setting) }
}
