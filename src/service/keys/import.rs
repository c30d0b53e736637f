//! Keys that come from elsewhere: secrets of a former system, and keys that this server is to sign with.

use serde_json::json;

use super::{insert, purpose};
use crate::crypto::imported::HS256;
use crate::crypto::jwt::{self, NewKey};
use crate::crypto::mac::sha256;
use crate::crypto::random::uuid;
use crate::domain::error::{Error, Result};
use crate::domain::ids::Timestamp;
use crate::domain::keys::StoredKey;
use crate::domain::rights::{Right, action, resource};
use crate::service::{Ctx, Ensured, seals};
use crate::store::Tx;

/// Shortest secret that is taken, in bytes: who can guess it is whoever he likes (RFC 7518, section 3.2).
pub const SECRET_MIN: usize = 32;

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
    let kid = uuid(ctx.env.random.as_ref())?;
    ctx.write(|tx| match same(ctx, tx, secret)? {
        Some(known) => prolong(ctx, tx, known, until),
        None => {
            let key = StoredKey {
                sealed: seals::seal(ctx.env, tx, &purpose(&kid), secret.as_bytes())?,
                kid,
                algorithm: HS256.to_owned(),
                public_jwk: String::new(),
                created_at: ctx.now,
                signs: false,
                signs_from: None,
                access_until: None,
                refresh_until: None,
                revoked_at: None,
                expires_at: Some(until),
            };
            tx.insert_key(&key)?;
            tx.record(&event(ctx, &key))?;
            Ok(Ensured::Created(key))
        }
    })
}

/// Takes a private key, PKCS#8 in PEM, as the next key of this server: who verifies by its public half already need not
/// change anything. It signs once it is rotated to.
///
/// Needs `keys:create`. Writes the sealed key with a `key.created` and a `key.imported` event, if it is new.
///
/// # Errors
/// - `Forbidden`
/// - `Invalid("private_key")` — it is no such key, or it was here before and was revoked or has signed
/// - `Internal` when the master key cannot be read, and those of the store
pub fn import_private(ctx: &Ctx, pem: &str) -> Result<Ensured<StoredKey>> {
    ctx.require(&Right::of(resource::KEYS, action::CREATE))?;
    let new = jwt::of_pem(pem)?;
    ctx.write(|tx| match tx.signing_key(&new.kid)? {
        Some(known) => known_before("private_key", known),
        None => take(ctx, tx, &new),
    })
}

/// Takes a secret that services share as the next key of this server, which signs by HS256 with it once it is rotated to.
/// Whoever has the secret can sign, too.
///
/// Needs `keys:create`. Writes the sealed secret with a `key.created` and a `key.imported` event, if it is new.
///
/// # Errors
/// - `Forbidden`
/// - `Invalid("secret")` — shorter than [`SECRET_MIN`] bytes, or it was here before and was revoked
/// - `Internal` when the master key cannot be read, and those of the store
pub fn import_shared(ctx: &Ctx, secret: &str) -> Result<Ensured<StoredKey>> {
    ctx.require(&Right::of(resource::KEYS, action::CREATE))?;
    let new = jwt::of_secret(secret.as_bytes())?;
    ctx.write(|tx| match of_same_secret(ctx, tx, secret, |key| !key.is_imported())? {
        Some(known) => known_before("secret", known),
        None => take(ctx, tx, &new),
    })
}

fn take(ctx: &Ctx, tx: &dyn Tx, new: &NewKey) -> Result<Ensured<StoredKey>> {
    let key = insert(ctx, tx, new, None)?;
    tx.record(&event(ctx, &key))?;
    Ok(Ensured::Created(key))
}

fn known_before(field: &str, known: StoredKey) -> Result<Ensured<StoredKey>> {
    if known.revoked_at.is_some() {
        let message = "This key was here before and was revoked; a revoked key never comes back.";
        return Err(Error::invalid(field, "invalid", message));
    }
    Ok(Ensured::Unchanged(known))
}

/// The key of the same secret, if it was imported before.
fn same(ctx: &Ctx, tx: &dyn Tx, secret: &str) -> Result<Option<StoredKey>> {
    of_same_secret(ctx, tx, secret, StoredKey::is_imported)
}

fn of_same_secret(
    ctx: &Ctx,
    tx: &dyn Tx,
    secret: &str,
    among: impl Fn(&StoredKey) -> bool,
) -> Result<Option<StoredKey>> {
    for key in tx.signing_keys()?.into_iter().filter(|key| among(key) && key.is_symmetric()) {
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
