//! Sealing under the master key that the database names. The seal is made in the transaction that writes it: a change of
//! the master key is a transaction too, so nothing is sealed under a key that was given up a moment ago.

use crate::domain::error::Result;
use crate::service::{Env, keys};
use crate::store::Tx;

/// Mark that names the master key under which all that is sealed in the database can be opened.
const MASTER_KEY: &str = "master_key";

/// Seals `plain` for a purpose. `tx` must be one that writes; the first seal of all names the master key.
///
/// # Errors
/// `Internal` when the master key is not the one that the database names, or cannot be read; those of the store.
pub(super) fn seal(env: &Env, tx: &dyn Tx, purpose: &str, plain: &[u8]) -> Result<Vec<u8>> {
    let id = match master_key_id(tx)? {
        Some(id) => id,
        None => {
            // Of a file of an earlier release; that the key is the right one shows in what is sealed already.
            if let Some(key) = tx.signing_keys()?.last() {
                env.master.open(&keys::purpose(&key.kid), &key.sealed)?;
            }
            let id = env.master.id()?;
            name_master_key(tx, &id)?;
            id
        }
    };
    env.master.seal_as(&id, purpose, plain, env.random.as_ref())
}

/// The name of the master key, if the database names one.
pub(super) fn master_key_id(tx: &dyn Tx) -> Result<Option<String>> {
    tx.mark(MASTER_KEY)
}

/// Names the master key.
pub(super) fn name_master_key(tx: &dyn Tx, id: &str) -> Result<()> {
    tx.set_mark(MASTER_KEY, id)
}

/// Passes if the master key opens what is sealed in the database: it is the one that the database names, or else opens the
/// newest key.
///
/// # Errors
/// `Internal` when it does not, or cannot be read; those of the store.
pub(super) fn usable(env: &Env) -> Result<()> {
    env.master.check()?;
    let (id, newest) = env.store.read(|tx| Ok((master_key_id(tx)?, tx.signing_keys()?.pop())))?;
    match (id, newest) {
        (Some(id), _) => env.master.is(&id),
        (None, Some(key)) => env.master.open(&keys::purpose(&key.kid), &key.sealed).map(drop),
        (None, None) => Ok(()),
    }
}

/// Whether anything in the database is sealed, so that no new master key may be made for it.
pub(super) fn any(tx: &dyn Tx) -> Result<bool> {
    let named = master_key_id(tx)?.is_some();
    Ok(named || !tx.signing_keys()?.is_empty() || !tx.sealed_secrets()?.is_empty() || !tx.sealed_mails()?.is_empty())
}
