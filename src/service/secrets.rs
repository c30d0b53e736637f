//! Secrets that are the same each time they are asked for, and of which nothing readable is stored: each is derived from
//! one secret of the installation, which rests sealed under the master key.

use crate::crypto::mac;
use crate::domain::error::Result;
use crate::service::Env;
use crate::store::Tx;

/// Name of the installation's secret among the sealed ones, and what it is sealed for.
const INSTANCE: &str = "instance-secret";

/// What `input` yields for a purpose; nothing can be concluded from it on what was derived for another. `tx` must be one
/// that writes, unless something was derived before: the first call of all makes the installation's secret.
///
/// # Errors
/// `Internal` when the master key does not open it; those of the store.
pub(super) fn derive(env: &Env, tx: &dyn Tx, purpose: &'static str, input: &[u8]) -> Result<[u8; 32]> {
    if let Some(sealed) = tx.sealed_secret(INSTANCE)? {
        return Ok(mac::derive(&env.master.open(INSTANCE, &sealed)?, purpose, input));
    }
    let secret = mac::secret(env.random.as_ref())?;
    tx.insert_sealed_secret(INSTANCE, &env.master.seal(INSTANCE, &secret, env.random.as_ref())?)?;
    Ok(mac::derive(&secret, purpose, input))
}
