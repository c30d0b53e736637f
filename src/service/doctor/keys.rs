//! The keys: whether they can be used, and how old the one is that signs.

use super::{Facts, Finding, Level, of_key};
use crate::domain::advice::Advice;
use crate::domain::error::{Error, Result};
use crate::domain::keys::State;
use crate::domain::settings::Settings;
use crate::service::{Ctx, keys, settings};

/// How long after its time a key is worth a warning: the server sees to it within seconds.
const LATE: chrono::TimeDelta = chrono::TimeDelta::hours(1);

/// Looks at the keys that are stored.
pub(super) fn look(ctx: &Ctx) -> Result<Vec<Finding>> {
    // A master key that cannot be used is a finding already.
    if ctx.env.master.check().is_err() {
        return Ok(Vec::new());
    }
    let ring = keys::list(ctx)?;
    let Some(current) = ring.current() else {
        let text = "there is none, so nobody can sign in";
        return Ok(vec![Finding::new(Level::Problem, SIGNING, text, Advice::run("serve"))]);
    };
    let mut findings = match keys::probe(ctx.env) {
        Ok(()) => vec![age(ctx, current.signs_from.unwrap_or(current.created_at))?],
        Err(error @ Error::Unavailable { .. }) => return Err(error),
        Err(error) => vec![of_key(SIGNING, error)],
    };
    if current.is_symmetric() {
        findings.push(shared(settings::in_force(ctx.env)?.as_ref()));
    }
    let waiting = ring.keys().iter().filter(|key| ring.state(key) == State::Next && key.signs_from.is_none()).count();
    if waiting > 1 {
        let text = format!("{waiting} next keys wait to be rotated to; one is enough");
        findings.push(Finding::new(Level::Note, SIGNING, text, Advice::run("keys list")));
    }
    Ok(findings)
}

const SIGNING: &str = "signing key";

/// What there is to say of a key that has signed since then.
fn age(ctx: &Ctx, since: crate::domain::ids::Timestamp) -> Result<Finding> {
    let days = (ctx.now - since).num_days();
    let ring = keys::list(ctx)?;
    let settings = settings::in_force(ctx.env)?;
    match keys::due_at(&ring, &settings) {
        Some(due) if due + LATE < ctx.now => {
            let text = format!("it has signed for {days} days, longer than keys.rotate_every says");
            let advice = Advice::from("a server that runs replaces it; or do it by ").and_run("keys rotate");
            Ok(Finding::new(Level::Warning, SIGNING, text, advice))
        }
        None if settings.key_rotation().is_none() => {
            let text = format!("it has signed for {days} days, and the server never replaces it");
            Ok(Finding::new(Level::Warning, SIGNING, text, Advice::run("settings reset keys.rotate_every")))
        }
        _ => Ok(Finding::ok(SIGNING, format!("it opens with the master key, and has signed for {days} days"))),
    }
}

/// What there is to say of a shared secret that signs.
fn shared(settings: &Settings) -> Finding {
    let what = if settings.status_list_enabled() { "tokens and status lists" } else { "tokens" };
    let text = format!(
        "it is a shared secret (HS256) and is not published: nobody else can verify {what} who could not sign them, too"
    );
    let advice = match settings.key_algorithm().is_symmetric() {
        true => Advice::run("settings reset keys.algorithm").and(", then ").and_run("keys rotate"),
        false => Advice::run("keys rotate"),
    };
    Finding::new(Level::Warning, SIGNING, text, advice)
}

/// Where the master key lies, which can be read.
pub(super) fn place(facts: &Facts) -> Finding {
    let folder =
        |path: &std::path::Path| path.canonicalize().ok().and_then(|path| path.parent().map(ToOwned::to_owned));
    if folder(&facts.master_key).is_some() && folder(&facts.master_key) == folder(&facts.database) {
        let text = "it can be read; it lies beside the database, and who copies both can forge tokens";
        return Finding::ok("master key", text);
    }
    Finding::ok("master key", "it is there and can be read")
}
