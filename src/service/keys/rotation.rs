//! How one key takes the place of another: the next key is published as long before it signs as others keep the
//! published keys. The instant is written down ahead, so nothing has to happen when it comes.

use serde_json::json;

use super::{insert, ring};
use crate::crypto::jwt::{self, Algorithm};
use crate::domain::error::{Entity, Error, Result};
use crate::domain::ids::Timestamp;
use crate::domain::keys::{PUBLISHED_AHEAD, Ring, State, StoredKey};
use crate::domain::rights::{Right, action, resource};
use crate::domain::settings::Settings;
use crate::domain::times;
use crate::service::{Actor, Ctx, Env, Origin, settings};
use crate::store::Tx;

/// When the next key begins to sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Once it has been published for as long as others keep the published keys.
    Published,
    /// At once. Who keeps the published keys refuses its tokens until he asks for them again.
    Now,
}

/// A rotation that is decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotated {
    /// The key that signs next, with the instant from which it does.
    pub key: StoredKey,
    /// The key that signs until then.
    pub previous: Option<String>,
    /// Whether this was decided before.
    pub known: bool,
}

/// Lets the next key sign, or the one of this name; if there is no next key it is made.
///
/// Needs `keys:update`. Writes from when on it signs and one `key.rotated` event, if that is new; for a new key one
/// `key.created` event before.
///
/// # Errors
/// `Forbidden`, `NotFound(Key)`; `Invalid("kid")` — it is no next key; `Internal` when the master key cannot be used and a
/// new key is needed; and those of the store.
pub fn rotate(ctx: &Ctx, kid: Option<&str>, when: When) -> Result<Rotated> {
    ctx.require(&Right::of(resource::KEYS, action::UPDATE))?;
    let algorithm = settings::in_force(ctx.env)?.key_algorithm();
    let there = ctx.env.store.read(|tx| Ok(chosen(&ring(tx, ctx.now)?, kid)?.is_some()))?;
    let made = (!there).then(|| jwt::generate(algorithm)).transpose()?;
    ctx.write(|tx| {
        let now = ctx.env.clock.now();
        let ring = ring(tx, now)?;
        let next = match (chosen(&ring, kid)?, made) {
            (Some(next), _) => next.clone(),
            (None, Some(made)) => insert(ctx, tx, &made, None)?,
            (None, None) => insert(ctx, tx, &jwt::generate(algorithm)?, None)?,
        };
        let previous = ring.current().map(|key| key.kid.clone());
        if when == When::Published && next.signs_from.is_some() {
            return Ok(Rotated { key: next, previous, known: true });
        }
        let from = match when {
            When::Published => now.max(next.created_at + PUBLISHED_AHEAD),
            When::Now => now,
        };
        let key = begin(ctx, tx, (next, from), previous.as_deref())?;
        Ok(Rotated { key, previous, known: false })
    })
}

/// The next key, or the one of this name if it is one.
fn chosen<'a>(ring: &'a Ring, kid: Option<&str>) -> Result<Option<&'a StoredKey>> {
    let Some(kid) = kid else { return Ok(ring.next()) };
    let key = ring.key(kid).ok_or(Error::NotFound(Entity::Key))?;
    let why = match ring.state(key) {
        State::Next => return Ok(Some(key)),
        State::Current => "This key signs already.",
        State::Retiring | State::Expired => "This key has signed before, and never does again.",
        State::Revoked => "This key was revoked, and never signs again.",
        State::Imported => "This is the secret of a former system, which only verifies that system's tokens.",
    };
    Err(Error::invalid("kid", "invalid", why))
}

/// Writes from when on a key signs, with the event.
pub(super) fn begin(
    ctx: &Ctx,
    tx: &dyn Tx,
    (key, from): (StoredKey, Timestamp),
    previous: Option<&str>,
) -> Result<StoredKey> {
    if !tx.set_key_start(&key.kid, from)? {
        return Err(Error::internal("a key is gone"));
    }
    let details = json!({"kid": key.kid, "previous": previous, "from": times::written(from)});
    tx.record(&ctx.event("key.rotated", "key", None, details))?;
    Ok(StoredKey { signs_from: Some(from), ..key })
}

/// When the settings have the signing key replaced; none if they do not, if it is decided already, or if the key is a
/// shared secret, which others could not follow.
pub fn due_at(ring: &Ring, settings: &Settings) -> Option<Timestamp> {
    let every = chrono::TimeDelta::from_std(settings.key_rotation()?).ok()?;
    let current = ring.current().filter(|key| !key.is_symmetric())?;
    if ring.scheduled().is_some() {
        return None;
    }
    current.signs_from?.checked_add_signed(every)
}

/// Does what the settings ask for: makes and publishes the next key ahead of time, and writes down when it signs. Of many
/// who do so at once, one does it; says whether it was this one.
///
/// Writes what [`rotate`] does.
///
/// # Errors
/// `Internal` when the master key cannot be used; those of the store.
pub fn tend(env: &Env) -> Result<bool> {
    let (actor, origin) = (Actor::Operator("authsrv".to_owned()), Origin { door: "server", ..Origin::default() });
    let ctx = env.ctx(&actor, &origin);
    let Some((algorithm, _)) = env.store.read(|tx| due(tx, ctx.now))? else { return Ok(false) };
    let made = jwt::generate(algorithm)?;
    env.store.write(|tx| {
        let now = env.clock.now();
        let Some((_, at)) = due(tx, now)? else { return Ok(false) };
        let ring = ring(tx, now)?;
        let next = ring.waiting().cloned().map_or_else(|| insert(&ctx, tx, &made, None), Ok)?;
        let from = at.max(now).max(next.created_at + PUBLISHED_AHEAD);
        begin(&ctx, tx, (next, from), ring.current().map(|key| key.kid.as_str()))?;
        Ok(true)
    })
}

/// Whether the next key is to be published now; with what algorithm, and when it is to sign.
fn due(tx: &dyn Tx, now: Timestamp) -> Result<Option<(Algorithm, Timestamp)>> {
    let settings = Settings::from_stored(tx.stored_settings()?);
    let at = due_at(&ring(tx, now)?, &settings);
    Ok(at.filter(|at| *at <= now + PUBLISHED_AHEAD).map(|at| (settings.key_algorithm(), at)))
}
