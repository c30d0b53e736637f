//! Keys of a former system, and what an administrator does with keys.

use serde_json::json;

use super::purpose;
use crate::crypto::imported::HS256;
use crate::crypto::mac::sha256;
use crate::crypto::random::uuid;
use crate::domain::error::{Entity, Error, Result};
use crate::domain::ids::Timestamp;
use crate::domain::rights::{Right, action, resource};
use crate::domain::tokens::StoredKey;
use crate::service::{Ctx, Ensured};
use crate::store::Tx;

/// Shortest secret that is taken, in bytes: who can guess it is whoever he likes (RFC 7518, section 3.2).
pub const SECRET_MIN: usize = 32;

/// All keys, oldest first; what is sealed in them stays sealed.
///
/// Needs `keys:read`.
///
/// # Errors
/// `Forbidden`, and those of the store.
pub fn list(ctx: &Ctx) -> Result<Vec<StoredKey>> {
    ctx.require(&Right::of(resource::KEYS, action::READ))?;
    ctx.env.store.read(|tx| tx.signing_keys())
}

/// Takes the secret by which a former system signed its tokens with HS256, so that they are good here until they expire,
/// and no longer than `until` (D-12). A secret that was imported before keeps its name and gets the new end.
///
/// Needs `keys:create`. Writes the sealed secret or its end, and one `key.imported` event, if anything changes.
///
/// # Errors
/// - `Forbidden`
/// - `Invalid("secret")` — shorter than [`SECRET_MIN`] bytes; `Invalid("until")` — not in the future
/// - `Invalid("secret")` — it was imported before and revoked
/// - `Internal` when the master key cannot be read, and those of the store
pub fn import_hs256(ctx: &Ctx, secret: &str, until: Timestamp) -> Result<Ensured<StoredKey>> {
    ctx.require(&Right::of(resource::KEYS, action::CREATE))?;
    if secret.len() < SECRET_MIN {
        let message = format!("The secret is too short: it must have at least {SECRET_MIN} bytes.");
        return Err(Error::invalid("secret", "min_length", message));
    }
    if until <= ctx.now {
        return Err(Error::invalid("until", "invalid", "The end must lie in the future."));
    }
    let env = ctx.env;
    let kid = uuid(env.random.as_ref())?;
    let sealed = env.master.seal(&purpose(&kid), secret.as_bytes(), env.random.as_ref())?;
    let key = StoredKey {
        kid,
        algorithm: HS256.to_owned(),
        sealed,
        public_jwk: String::new(),
        created_at: ctx.now,
        signs: false,
        revoked_at: None,
        expires_at: Some(until),
    };
    ctx.write(|tx| match same(ctx, tx, secret)? {
        Some(known) => prolong(ctx, tx, known, until),
        None => {
            tx.insert_key(&key)?;
            tx.record(&event(ctx, &key))?;
            Ok(Ensured::Created(key))
        }
    })
}

/// The key of the same secret, if it was imported before.
fn same(ctx: &Ctx, tx: &dyn Tx, secret: &str) -> Result<Option<StoredKey>> {
    for key in tx.signing_keys()?.into_iter().filter(StoredKey::is_imported) {
        let known = ctx.env.master.open(&purpose(&key.kid), &key.sealed)?;
        // By their hashes, so that the time tells nothing of the secret.
        if sha256(&known) == sha256(secret.as_bytes()) {
            return Ok(Some(key));
        }
    }
    Ok(None)
}

fn prolong(ctx: &Ctx, tx: &dyn Tx, known: StoredKey, until: Timestamp) -> Result<Ensured<StoredKey>> {
    if known.revoked_at.is_some() {
        let message = "This secret was imported before and revoked; a revoked key never comes back.";
        return Err(Error::invalid("secret", "invalid", message));
    }
    if known.expires_at == Some(until) {
        return Ok(Ensured::Unchanged(known));
    }
    tx.set_key_end(&known.kid, until)?;
    let key = StoredKey { expires_at: Some(until), ..known };
    tx.record(&event(ctx, &key))?;
    Ok(Ensured::Differs(key, vec!["expires_at"]))
}

fn event(ctx: &Ctx, key: &StoredKey) -> crate::domain::audit::Event {
    let until = key.expires_at.map(crate::domain::times::written);
    ctx.event("key.imported", "key", None, json!({"kid": key.kid, "algorithm": key.algorithm, "until": until}))
}

/// Revokes an imported key: from the next request on, tokens that it signed are refused. `false` if it was revoked
/// before.
///
/// Needs `keys:delete`. Writes the revocation and one `key.revoked` event.
///
/// # Errors
/// `Forbidden`, `NotFound(Key)`; `Invalid("kid")` — it is a key that this server signs with; and those of the store.
pub fn revoke(ctx: &Ctx, kid: &str) -> Result<bool> {
    ctx.require(&Right::of(resource::KEYS, action::DELETE))?;
    ctx.write(|tx| {
        let key = tx.signing_key(kid)?.ok_or(Error::NotFound(Entity::Key))?;
        if !key.is_imported() {
            let message = "This server signs with this key; only imported keys can be revoked.";
            return Err(Error::invalid("kid", "invalid", message));
        }
        let revoked = tx.revoke_key(kid, ctx.now)?;
        if revoked {
            tx.record(&ctx.event("key.revoked", "key", None, json!({ "kid": kid })))?;
        }
        Ok(revoked)
    })
}
