//! Signing keys: which one signs, which ones verify. Private halves rest sealed in the database.
//!
//! Parsed keys are kept in memory, since a `kid` names one key for ever; whether a key still signs or verifies is read
//! from the database at each use, so that the command line and the server agree.

mod import;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};

use crate::crypto::jwt::{self, Algorithm, SigningKey, VerifyingKey};
use crate::crypto::mac::MacKey;
use crate::domain::error::{Error, Result, TokenFault};
use crate::domain::ids::Timestamp;
use crate::domain::tokens::StoredKey;
use crate::service::{Ctx, Env};
use crate::store::Tx;

pub use import::{SECRET_MIN, import_hs256, list, revoke};

/// Keys that were parsed before, by `kid`.
#[derive(Default)]
pub struct Cache {
    signing: Mutex<HashMap<String, Arc<SigningKey>>>,
    verifying: Mutex<HashMap<String, Arc<VerifyingKey>>>,
    imported: Mutex<HashMap<String, Arc<MacKey>>>,
}

/// Makes the first signing key if there is none; true if it did. The master key file must exist.
///
/// # Errors
/// `Internal` when the master key cannot be read, `Unavailable` when the database cannot be written.
pub fn ensure(ctx: &Ctx) -> Result<bool> {
    if ctx.env.store.read(|tx| tx.current_key())?.is_some() {
        return Ok(false);
    }
    let new = jwt::generate(Algorithm::Es256)?;
    let sealed = ctx.env.master.seal(&purpose(&new.kid), &new.pkcs8, ctx.env.random.as_ref())?;
    let key = StoredKey {
        kid: new.kid,
        algorithm: new.algorithm.name().to_owned(),
        sealed,
        public_jwk: new.public_jwk,
        created_at: ctx.now,
        signs: true,
        revoked_at: None,
        expires_at: None,
    };
    ctx.env.store.write(|tx| {
        // Another process may have been first.
        if tx.current_key()?.is_some() {
            return Ok(false);
        }
        tx.insert_key(&key)?;
        tx.record(&ctx.event("key.created", "key", None, json!({"kid": key.kid, "algorithm": key.algorithm})))?;
        Ok(true)
    })
}

/// The public halves of all keys of ours that verify, as a JWK set (RFC 7517); imported secrets are never in it.
///
/// # Errors
/// Those of the store.
pub fn public_jwks(env: &Env) -> Result<Value> {
    let keys = env.store.read(|tx| tx.signing_keys())?;
    let keys: Vec<Value> = keys
        .iter()
        .filter(|key| key.revoked_at.is_none() && !key.is_imported())
        .map(|key| serde_json::from_str(&key.public_jwk).map_err(Error::internal))
        .collect::<Result<_>>()?;
    Ok(json!({ "keys": keys }))
}

/// Whether the private half of the key that signs now can be opened with the master key.
///
/// # Errors
/// `Internal` with the reason when it cannot, or when there is no key.
pub fn probe(env: &Env) -> Result<()> {
    let stored = required(env.store.read(|tx| tx.current_key())?)?;
    env.master.open(&purpose(&stored.kid), &stored.sealed).map(drop)
}

/// The key that new tokens are signed with.
pub(super) fn signing(env: &Env, tx: &dyn Tx) -> Result<Arc<SigningKey>> {
    let stored = required(tx.current_key()?)?;
    let mut cache = env.keys.signing.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(key) = cache.get(&stored.kid) {
        return Ok(Arc::clone(key));
    }
    let pkcs8 = env.master.open(&purpose(&stored.kid), &stored.sealed)?;
    let key = Arc::new(SigningKey::new(&stored.kid, &stored.algorithm, &pkcs8)?);
    cache.insert(stored.kid.clone(), Arc::clone(&key));
    Ok(key)
}

/// The key of ours with this `kid`; none if there never was one. One that does not verify any more is an unknown key.
pub(super) fn verifying(env: &Env, tx: &dyn Tx, kid: &str) -> Result<Option<Arc<VerifyingKey>>> {
    let Some(stored) = tx.signing_key(kid)? else { return Ok(None) };
    // An imported key goes by no name: no token can ask for it.
    if stored.revoked_at.is_some() || stored.is_imported() {
        return Err(TokenFault::UnknownKey.into());
    }
    let mut cache = env.keys.verifying.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(key) = cache.get(kid) {
        return Ok(Some(Arc::clone(key)));
    }
    let key = Arc::new(VerifyingKey::new(&stored.kid, &stored.algorithm, &stored.public_jwk)?);
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

fn required(stored: Option<StoredKey>) -> Result<StoredKey> {
    stored.ok_or_else(|| Error::internal("there is no signing key; start the server once to make one"))
}

fn purpose(kid: &str) -> String {
    format!("signing-key:{kid}")
}
