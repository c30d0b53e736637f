//! What the services ask about runtime settings.

use crate::domain::error::Result;
use crate::domain::ids::Timestamp;

/// Runtime settings that differ from their defaults, as JSON texts by key.
pub trait Settings {
    /// All of them.
    fn stored_settings(&self) -> Result<Vec<(String, String)>>;
    /// Sets one.
    fn store_setting(&self, key: &str, json: &str, now: Timestamp) -> Result<()>;
    /// Goes back to the default; false if it was there.
    fn forget_setting(&self, key: &str) -> Result<bool>;
}
