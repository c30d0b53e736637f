//! A new master key: everything that is sealed is opened with the old one and sealed with the new one.
//!
//! The order makes it safe to be cut off anywhere: the new key is written beside the old one; one transaction seals
//! everything anew and names the new key; the new key takes the old one's place. In between the database says which of
//! the two files is its key, and whoever opens a seal tries both. Both files are touched by the one writer only.

use serde_json::json;

use super::purpose;
use crate::domain::error::Result;
use crate::domain::rights::{Right, action, resource};
use crate::service::{Ctx, Env, mails, seals, secrets};
use crate::store::Tx;

/// What was sealed anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resealed {
    /// Keys and imported secrets.
    pub keys: u64,
    /// Secrets of the installation.
    pub secrets: u64,
    /// Mails on their way.
    pub mails: u64,
}

/// Changes the master key. Running servers follow. Copies of the database that were made before open with the old key only.
///
/// Needs `keys:update`. Writes everything that is sealed and one `key.resealed` event; replaces the file of the master key.
///
/// # Errors
/// `Forbidden`; `Internal` when the master key cannot be used, its folder cannot be written, or something sealed does not
/// open: then nothing is changed; and those of the store.
pub fn reseal(ctx: &Ctx) -> Result<Resealed> {
    ctx.require(&Right::of(resource::KEYS, action::UPDATE))?;
    let env = ctx.env;
    settle(env)?;
    env.master.check()?;
    let resealed = ctx.write(|tx| {
        // Another process may be doing the same, and be about to put its key in place.
        settle_in(env, tx)?;
        let new = env.master.stage(env.random.as_ref())?;
        let resealed = all(env, tx, &new)?;
        seals::name_master_key(tx, &new)?;
        let details = json!({"keys": resealed.keys, "secrets": resealed.secrets, "mails": resealed.mails});
        tx.record(&ctx.event("key.resealed", "key", None, details))?;
        Ok(resealed)
    });
    // Either way: the new key takes the old one's place, or is forgotten.
    settle(env)?;
    let resealed = resealed?;
    // What was sealed before should not lie in the log any longer; it is overwritten later in any case.
    if let Err(error) = env.store.checkpoint() {
        tracing::debug!(?error, "no checkpoint after the change of the master key");
    }
    Ok(resealed)
}

/// Puts the new master key in its place if a change of it was cut off after it was made; forgets it if it was cut off before.
///
/// # Errors
/// `Internal` when the files cannot be changed; those of the store.
pub fn settle(env: &Env) -> Result<()> {
    if env.master.has_staged() { env.store.write(|tx| settle_in(env, tx)) } else { Ok(()) }
}

fn settle_in(env: &Env, tx: &dyn Tx) -> Result<()> {
    env.master.settle(seals::master_key_id(tx)?.as_deref())
}

/// Seals everything under another key. A further place where something is sealed is a further part of this.
fn all(env: &Env, tx: &dyn Tx, new: &str) -> Result<Resealed> {
    let again = |purpose: &str, sealed: &[u8]| {
        let plain = env.master.open(purpose, sealed)?;
        env.master.seal_as(new, purpose, &plain, env.random.as_ref())
    };
    let mut resealed = Resealed { keys: 0, secrets: 0, mails: 0 };
    for key in tx.signing_keys()? {
        tx.reseal_key(&key.kid, &again(&purpose(&key.kid), &key.sealed)?)?;
        resealed.keys += 1;
    }
    for (name, sealed) in tx.sealed_secrets()? {
        tx.reseal_secret(&name, &again(secrets::purpose(&name), &sealed)?)?;
        resealed.secrets += 1;
    }
    for (id, sealed) in tx.sealed_mails()? {
        tx.reseal_mail(id, &again(mails::PURPOSE, &sealed)?)?;
        resealed.mails += 1;
    }
    Ok(resealed)
}
