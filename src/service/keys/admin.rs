//! What an administrator does with keys one by one.

use serde_json::json;

use super::{insert, ring};
use crate::crypto::jwt::{self, Algorithm};
use crate::domain::error::{Entity, Error, Result};
use crate::domain::keys::{KeyEntry, Ring, State, StoredKey};
use crate::domain::pages::{Listing, PageOf};
use crate::domain::rights::{Right, action, resource};
use crate::service::{Ctx, Ensured, settings};

/// All keys, oldest first; what is sealed in them stays sealed.
///
/// Needs `keys:read`.
///
/// # Errors
/// `Forbidden`, and those of the store.
pub fn list(ctx: &Ctx) -> Result<Ring> {
    ctx.require(&Right::of(resource::KEYS, action::READ))?;
    ctx.env.store.read(|tx| ring(tx, ctx.now))
}

/// Fields that the list of keys can be ordered by.
pub const ORDER: &[&str] = &["created_at"];

/// A page of all keys, oldest first unless asked otherwise. Searched: name, algorithm and state. They are few.
///
/// Needs `keys:read`.
///
/// # Errors
/// `Forbidden`, and those of the store.
pub fn page(ctx: &Ctx, listing: &Listing) -> Result<PageOf<KeyEntry>> {
    let matches = |key: &KeyEntry| {
        let of_key = [&key.kid, &key.algorithm, key.state.as_str()].map(str::to_lowercase);
        listing.search.iter().all(|word| of_key.iter().any(|text| text.contains(&word.to_lowercase())))
    };
    let mut found: Vec<KeyEntry> = list(ctx)?.entries().filter(matches).collect();
    if listing.order.first().is_some_and(|order| order.descending) {
        found.reverse();
    }
    let (total, limit) = (found.len() as u64, usize::try_from(listing.limit).unwrap_or(usize::MAX));
    let skipped = usize::try_from(listing.offset).unwrap_or(usize::MAX);
    Ok(PageOf { items: found.into_iter().skip(skipped).take(limit).collect(), total })
}

/// Makes the next key, of the algorithm that is asked for or of the one in the settings: it is published from now on, and
/// signs once it is rotated to. If such a key waits already it stays as it is.
///
/// Needs `keys:create`. Writes the sealed key and one `key.created` event.
///
/// # Errors
/// `Forbidden`; `Internal` when the master key cannot be used; those of the store.
pub fn generate(ctx: &Ctx, algorithm: Option<Algorithm>) -> Result<Ensured<StoredKey>> {
    ctx.require(&Right::of(resource::KEYS, action::CREATE))?;
    let algorithm = match algorithm {
        Some(algorithm) => algorithm,
        None => settings::in_force(ctx.env)?.key_algorithm(),
    };
    let waiting = |ring: Ring| {
        let next = |key: &&StoredKey| ring.state(key) == State::Next && key.algorithm == algorithm.name();
        ring.keys().iter().rev().find(next).cloned()
    };
    if let Some(key) = waiting(ctx.env.store.read(|tx| ring(tx, ctx.now))?) {
        return Ok(Ensured::Unchanged(key));
    }
    let new = jwt::generate(algorithm)?;
    ctx.write(|tx| match waiting(ring(tx, ctx.now)?) {
        Some(key) => Ok(Ensured::Unchanged(key)),
        None => insert(ctx, tx, &new, None).map(Ensured::Created),
    })
}

/// A key that has a public half: the one of this name, or the one that signs.
///
/// Needs `keys:read`.
///
/// # Errors
/// `Forbidden`, `NotFound(Key)`; `Invalid("kid")` — who could verify by the key could sign with it too; and those of the
/// store.
pub fn public(ctx: &Ctx, kid: Option<&str>) -> Result<StoredKey> {
    let ring = list(ctx)?;
    let found = kid.map_or_else(|| ring.current(), |kid| ring.key(kid));
    let key = found.ok_or(Error::NotFound(Entity::Key))?;
    if key.is_symmetric() {
        let message =
            "This key is a shared secret (HS256) and has no public half: who could verify by it could sign, too.";
        return Err(Error::invalid("kid", "invalid", message));
    }
    Ok(key.clone())
}

/// The public half of a key as PEM.
///
/// # Errors
/// `Internal` when it is broken, or there is none.
pub fn pem(key: &StoredKey) -> Result<String> {
    jwt::export_pem(&key.algorithm, &key.public_jwk)
}

/// What became of a key, and what signs in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revoked {
    /// False if it was revoked before.
    pub revoked: bool,
    /// The key that signs from now on, if the revoked one did.
    pub successor: Option<StoredKey>,
}

/// Kills a key: from the next request on, tokens that it signed are refused, and it is published no more. If it is the one
/// that signs, the next key signs at once, or a new one if there is none.
///
/// Needs `keys:delete`. Writes the revocation and one `key.revoked` event; for the successor one `key.rotated`, and one
/// `key.created` event if it is new.
///
/// # Errors
/// `Forbidden`, `NotFound(Key)`; `Internal` when the master key cannot be used and a new key is needed; and those of the
/// store.
pub fn revoke(ctx: &Ctx, kid: &str) -> Result<Revoked> {
    ctx.require(&Right::of(resource::KEYS, action::DELETE))?;
    let signs = |ring: &Ring| ring.current().is_some_and(|key| key.kid == kid);
    let before = ctx.env.store.read(|tx| ring(tx, ctx.now))?;
    before.key(kid).ok_or(Error::NotFound(Entity::Key))?;
    let algorithm = settings::in_force(ctx.env)?.key_algorithm();
    let made = (signs(&before) && before.next().is_none()).then(|| jwt::generate(algorithm)).transpose()?;
    ctx.end(|tx| {
        // Another key may have begun while this waited for the database.
        let now = ctx.env.clock.now();
        let ring = ring(tx, now)?;
        let signed = signs(&ring);
        let revoked = tx.revoke_key(kid, now)?;
        if revoked {
            tx.record(&ctx.event("key.revoked", "key", None, json!({ "kid": kid })))?;
        }
        if !signed {
            return Ok(Revoked { revoked, successor: None });
        }
        let next = match (ring.next(), &made) {
            (Some(next), _) => next.clone(),
            (None, Some(made)) => insert(ctx, tx, made, None)?,
            // Somebody else rotated to this key a moment ago.
            (None, None) => insert(ctx, tx, &jwt::generate(algorithm)?, None)?,
        };
        let successor = super::rotation::begin(ctx, tx, (next, now), Some(kid))?;
        Ok(Revoked { revoked, successor: Some(successor) })
    })
}
