//! Secrets that are the same each time they are asked for, and of which nothing readable is stored: each is derived from
//! one secret of the installation, which rests sealed under the master key.

use crate::crypto::mac::{self, Secret};
use crate::crypto::seal::MasterKey;
use crate::domain::error::{Error, Result};
use crate::service::{Env, seals};
use crate::store::{Instance, Tx};

/// Name of the installation's secret among the sealed ones.
const INSTANCE: &str = "instance-secret";
/// Mark that names the generation, which there is since the first restoration.
const GENERATION: &str = "credential-generation";

/// Makes the installation's secret if there is none. Whoever asks for what is derived from it may rely on its being there.
///
/// # Errors
/// `Internal` when the master key cannot be used; those of the store.
pub(super) fn ensure(env: &Env) -> Result<()> {
    if env.store.read(|tx| tx.sealed_secret(INSTANCE))?.is_some() {
        return Ok(());
    }
    let secret = mac::secret(env.random.as_ref())?;
    // Another process may have been first.
    env.store.write(|tx| match tx.sealed_secret(INSTANCE)? {
        Some(_) => Ok(()),
        None => tx.insert_sealed_secret(INSTANCE, &seals::seal(env, tx, purpose(INSTANCE), &secret)?),
    })
}

/// What `input` yields for a purpose; nothing can be concluded from it on what was derived for another.
///
/// # Errors
/// Those of [`known`].
pub(super) fn derive(env: &Env, tx: &dyn Tx, purpose: &'static str, input: &[u8]) -> Result<[u8; 32]> {
    derived(&env.master, tx.instance(), purpose, input)
}

/// The same for whoever has no more than the master key.
///
/// # Errors
/// Those of [`known`].
pub(super) fn derived(master: &MasterKey, tx: &dyn Instance, purpose: &'static str, input: &[u8]) -> Result<[u8; 32]> {
    Ok(mac::derive(&known(master, tx)?, purpose, input))
}

/// The installation's secret, to derive more than one from.
///
/// # Errors
/// `Internal` when there is no secret, or the master key does not open it; those of the store.
pub(super) fn known(master: &MasterKey, tx: &dyn Instance) -> Result<Secret> {
    let sealed = tx.sealed_secret(INSTANCE)?;
    let missing = || Error::internal("the installation has no secret; start the server once to make one");
    master.open(purpose(INSTANCE), &sealed.ok_or_else(missing)?)
}

/// What is known to whoever has shown a credential that no row tells of: another secret after each restoration of a backup,
/// so that none from before is known any more.
///
/// # Errors
/// Those of [`known`].
pub(super) fn of_generation(master: &MasterKey, tx: &dyn Instance) -> Result<Secret> {
    let secret = known(master, tx)?;
    Ok(match tx.mark(GENERATION)? {
        Some(generation) => Secret::new(mac::derive(&secret, GENERATION, generation.as_bytes()).to_vec()),
        None => secret,
    })
}

/// Begins a generation of such credentials; `name` is one that nobody can foresee.
pub(super) fn begin_generation(tx: &dyn Instance, name: &str) -> Result<()> {
    tx.set_mark(GENERATION, name)
}

/// For what the secret of a name is sealed.
pub(super) fn purpose(name: &str) -> &str {
    name
}
