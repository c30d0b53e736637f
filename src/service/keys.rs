//! Signing keys: which one signs, which ones verify. Secret halves rest sealed in the database.
//!
//! Parsed keys are kept in memory, since a `kid` names one key for ever; whether a key still signs or verifies is read
//! from the database at each use, so that the command line and the server agree. What an administrator does with
//! keys is in `admin.rs` and `import.rs`, how one takes the place of another in `rotation.rs`, and a change of the master
//! key in `reseal.rs`.

mod admin;
mod import;
mod locksmith;
mod reseal;
mod rotation;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::crypto::jwt::{self, NewKey, Proven, SigningKey, VerifyingKey};
use crate::crypto::mac::MacKey;
use crate::domain::error::{Error, Result, TokenFault};
use crate::domain::ids::Timestamp;
use crate::domain::keys::{Ring, StoredKey};
use crate::domain::settings::Settings;
use crate::service::{Ctx, Env, seals, settings};
use crate::store::Tx;

pub use admin::{ORDER, Revoked, generate, list, page, pem, public, revoke};
pub use import::{SECRET_MIN, import_hs256, import_private, import_shared};
pub use locksmith::Locksmith;
pub use reseal::{Resealed, reseal, settle};
pub use rotation::{Rotated, When, due_at, rotate, tend};

/// Keys that were parsed before, by `kid`.
#[derive(Default)]
pub struct Cache {
    signing: Mutex<HashMap<String, Arc<SigningKey>>>,
    verifying: Mutex<HashMap<String, Arc<VerifyingKey>>>,
    imported: Mutex<HashMap<String, Arc<MacKey>>>,
    /// Tokens that they were seen to have signed.
    pub(super) proven: Proven,
}

/// Makes the first signing key if there is none; true if it did. The master key file must exist.
///
/// # Errors
/// `Internal` when the master key cannot be read, `Unavailable` when the database cannot be written.
pub fn ensure(ctx: &Ctx) -> Result<bool> {
    if ctx.env.store.read(|tx| Ok(ring(tx, ctx.now)?.current().is_some()))? {
        return Ok(false);
    }
    let new = jwt::generate(settings::in_force(ctx.env)?.key_algorithm())?;
    ctx.env.store.write(|tx| {
        // Another process may have been first.
        if ring(tx, ctx.now)?.current().is_some() {
            return Ok(false);
        }
        insert(ctx, tx, &new, Some(ctx.now))?;
        Ok(true)
    })
}

/// Whether nothing in the database needs the master key, so that one may be made.
///
/// # Errors
/// Those of the store.
pub fn is_unsealed(env: &Env) -> Result<bool> {
    env.store.read(|tx| Ok(!seals::any(tx)?))
}

/// All keys as a transaction finds them.
fn ring(tx: &dyn Tx, now: Timestamp) -> Result<Ring> {
    Ok(Ring::new(tx.signing_keys()?, now))
}

/// Adds a key of this server, sealed, with its event.
fn insert(ctx: &Ctx, tx: &dyn Tx, new: &NewKey, signs_from: Option<Timestamp>) -> Result<StoredKey> {
    let key = StoredKey {
        kid: new.kid.clone(),
        algorithm: new.algorithm.name().to_owned(),
        sealed: seals::seal(ctx.env, tx, &purpose(&new.kid), &new.secret)?,
        public_jwk: new.public_jwk.clone(),
        // It was long in the making, or waited for the database.
        created_at: ctx.env.clock.now(),
        signs: true,
        signs_from,
        access_until: None,
        refresh_until: None,
        revoked_at: None,
        expires_at: None,
    };
    tx.insert_key(&key)?;
    tx.record(&ctx.event("key.created", "key", None, json!({"kid": key.kid, "algorithm": key.algorithm})))?;
    Ok(key)
}

/// The public halves of all keys that verify or soon will, as a JWK set (RFC 7517); secrets are never in it.
///
/// # Errors
/// Those of the store.
pub fn public_jwks(env: &Env) -> Result<Value> {
    let (ring, lists) = env.store.read(|tx| {
        let settings = Settings::from_stored(tx.stored_settings()?);
        Ok((ring(tx, env.clock.now())?, settings.status_list_lifetime()))
    })?;
    let keys: Vec<Value> = ring
        .published(TimeDelta::from_std(lists).unwrap_or(TimeDelta::zero()))
        .map(|key| serde_json::from_str(&key.public_jwk).map_err(Error::internal))
        .collect::<Result<_>>()?;
    Ok(json!({ "keys": keys }))
}

/// Whether the private half of the key that signs now can be opened with the master key.
///
/// # Errors
/// `Internal` with the reason when it cannot, or when there is no key.
pub fn probe(env: &Env) -> Result<()> {
    let (stored, id) = env.store.read(|tx| Ok((required(&ring(tx, env.clock.now())?)?, seals::master_key_id(tx)?)))?;
    if let Some(id) = id {
        env.master.is(&id)?;
    }
    env.master.open(&purpose(&stored.kid), &stored.sealed).map(drop)
}

/// The key that new tokens are signed with.
pub(super) fn signing(env: &Env, tx: &dyn Tx) -> Result<Arc<SigningKey>> {
    let stored = required(&ring(tx, env.clock.now())?)?;
    let mut cache = env.keys.signing.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(key) = cache.get(&stored.kid) {
        return Ok(Arc::clone(key));
    }
    let secret = env.master.open(&purpose(&stored.kid), &stored.sealed)?;
    let key = Arc::new(SigningKey::new(&stored.kid, &stored.algorithm, &secret)?);
    cache.insert(stored.kid, Arc::clone(&key));
    Ok(key)
}

/// The key of ours with this `kid`; none if there never was one. One that does not verify any more is an unknown key.
pub(super) fn verifying(env: &Env, tx: &dyn Tx, (kid, now): (&str, Timestamp)) -> Result<Option<Arc<VerifyingKey>>> {
    let Some(stored) = tx.signing_key(kid)? else { return Ok(None) };
    // An imported key goes by no name: no token can ask for it. Of the key that signs, what is over is not unknown.
    if !stored.verifies(now) && ring(tx, now)?.current().is_none_or(|current| current.kid != kid) {
        return Err(TokenFault::UnknownKey.into());
    }
    let mut cache = env.keys.verifying.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(key) = cache.get(kid) {
        return Ok(Some(Arc::clone(key)));
    }
    let key = Arc::new(if stored.is_symmetric() {
        VerifyingKey::of_secret(kid, &env.master.open(&purpose(kid), &stored.sealed)?)?
    } else {
        VerifyingKey::new(kid, &stored.algorithm, &stored.public_jwk)?
    });
    cache.insert(stored.kid, Arc::clone(&key));
    Ok(Some(key))
}

/// The imported keys that verify now, with their names.
pub(super) fn imported(env: &Env, tx: &dyn Tx, now: Timestamp) -> Result<Vec<(String, Arc<MacKey>)>> {
    let live = tx.signing_keys()?.into_iter().filter(|key| key.is_imported() && key.is_live(now));
    let mut cache = env.keys.imported.lock().unwrap_or_else(PoisonError::into_inner);
    live.map(|stored| {
        if let Some(key) = cache.get(&stored.kid) {
            return Ok((stored.kid, Arc::clone(key)));
        }
        let key = Arc::new(MacKey::new(&env.master.open(&purpose(&stored.kid), &stored.sealed)?));
        cache.insert(stored.kid.clone(), Arc::clone(&key));
        Ok((stored.kid, key))
    })
    .collect()
}

fn required(ring: &Ring) -> Result<StoredKey> {
    let none = || Error::internal("there is no signing key; start the server once to make one");
    ring.current().cloned().ok_or_else(none)
}

/// For what the secret half of a key is sealed.
pub(super) fn purpose(kid: &str) -> String {
    format!("signing-key:{kid}")
}
