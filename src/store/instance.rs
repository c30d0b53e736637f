//! What the services ask about the installation itself: its signing keys, its secrets and the names it issued tokens under.

use crate::domain::error::Result;
use crate::domain::ids::Timestamp;
use crate::domain::keys::StoredKey;

/// Keys, issuers and marks of this installation.
pub trait Instance {
    /// All signing keys, oldest first.
    fn signing_keys(&self) -> Result<Vec<StoredKey>>;
    /// The key with this `kid`.
    fn signing_key(&self, kid: &str) -> Result<Option<StoredKey>>;
    /// Adds a key.
    fn insert_key(&self, key: &StoredKey) -> Result<()>;
    /// Sets when a key ends; false if there is none of this `kid`.
    fn set_key_end(&self, kid: &str, expires_at: Timestamp) -> Result<bool>;
    /// Sets from when on a key of this server signs; others that were to begin later wait again. False if there is none of
    /// this `kid`.
    fn set_key_start(&self, kid: &str, from: Timestamp) -> Result<bool>;
    /// Remembers that a key signed tokens that expire then, if that is later than what it signed before. False if there is
    /// no such key that signs, or it was revoked.
    fn note_key_use(&self, kid: &str, access: Option<Timestamp>, refresh: Option<Timestamp>) -> Result<bool>;
    /// Replaces what is sealed of a key; false if there is none of this `kid`.
    fn reseal_key(&self, kid: &str, sealed: &[u8]) -> Result<bool>;
    /// Marks a key as revoked at `now`, so that it neither signs nor verifies; false if there is none or it was revoked.
    fn revoke_key(&self, kid: &str, now: Timestamp) -> Result<bool>;
    /// The sealed secret of this name.
    fn sealed_secret(&self, name: &str) -> Result<Option<Vec<u8>>>;
    /// All sealed secrets with their names.
    fn sealed_secrets(&self) -> Result<Vec<(String, Vec<u8>)>>;
    /// Replaces a sealed secret; false if there is none of this name.
    fn reseal_secret(&self, name: &str, sealed: &[u8]) -> Result<bool>;
    /// Adds a sealed secret; the name must be free.
    fn insert_sealed_secret(&self, name: &str, sealed: &[u8]) -> Result<()>;
    /// Whether tokens were ever issued under this name (the claim `iss`).
    fn is_issuer(&self, url: &str) -> Result<bool>;
    /// Remembers that tokens are issued under this name.
    fn remember_issuer(&self, url: &str, now: Timestamp) -> Result<()>;
    /// A mark, such as that the seed was loaded.
    fn mark(&self, name: &str) -> Result<Option<String>>;
    /// Sets a mark.
    fn set_mark(&self, name: &str, value: &str) -> Result<()>;
    /// Faults of the stored data that a quick look finds; reads the whole file.
    fn quick_check(&self) -> Result<Vec<String>>;
}
