//! Hashes and seals of the audit trail.
//!
//! The hash of an event tells whether it was changed to whoever knows the hash from elsewhere: anybody can compute it. The
//! seal is an HMAC under a key that follows from the installation's secret, which rests sealed under the master key: who
//! has the database file alone can change events, but seal none. Who has the master key as well can.

use std::sync::{Arc, OnceLock};

use crate::crypto::mac::{self, MacKey};
use crate::crypto::seal::MasterKey;
use crate::domain::audit::Hash;
use crate::domain::error::Result;
use crate::service::secrets;
use crate::store::Instance;
use crate::store::audit::Chain;

/// What the key is derived for.
const PURPOSE: &str = "audit-trail";

/// Seals with a key that follows from the installation's secret. That one never changes, so the key is derived once.
pub struct Sealer {
    master: Arc<MasterKey>,
    key: OnceLock<MacKey>,
}

impl Sealer {
    /// One for the database that this master key belongs to.
    pub fn new(master: Arc<MasterKey>) -> Self {
        Self { master, key: OnceLock::new() }
    }

    fn key(&self, tx: &dyn Instance) -> Result<&MacKey> {
        if let Some(key) = self.key.get() {
            return Ok(key);
        }
        let key = MacKey::new(&secrets::derived(&self.master, tx, PURPOSE, b"")?);
        Ok(self.key.get_or_init(|| key))
    }
}

impl Chain for Sealer {
    fn hash(&self, text: &str) -> Hash {
        Hash(mac::sha256(text.as_bytes()))
    }

    fn seal(&self, tx: &dyn Instance, text: &str) -> Result<Hash> {
        Ok(Hash(self.key(tx)?.sign(text.as_bytes())))
    }
}
