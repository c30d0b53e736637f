//! What the services ask about the installation itself: its signing keys, its secrets and the names it issued tokens under.

use crate::domain::error::Result;
use crate::domain::ids::Timestamp;
use crate::domain::tokens::StoredKey;

/// Keys, issuers and marks of this installation.
pub trait Instance {
    /// All signing keys, oldest first.
    fn signing_keys(&self) -> Result<Vec<StoredKey>>;
    /// The key with this `kid`.
    fn signing_key(&self, kid: &str) -> Result<Option<StoredKey>>;
    /// The key that new tokens are signed with: the newest that signs and is not revoked.
    fn current_key(&self) -> Result<Option<StoredKey>>;
    /// Adds a key.
    fn insert_key(&self, key: &StoredKey) -> Result<()>;
    /// Sets when a key ends; false if there is none of this `kid`.
    fn set_key_end(&self, kid: &str, expires_at: Timestamp) -> Result<bool>;
    /// Marks a key as revoked at `now`, so that it neither signs nor verifies; false if there is none or it was revoked.
    fn revoke_key(&self, kid: &str, now: Timestamp) -> Result<bool>;
    /// The sealed secret of this name.
    fn sealed_secret(&self, name: &str) -> Result<Option<Vec<u8>>>;
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
