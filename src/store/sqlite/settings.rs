//! Runtime settings in SQLite.

use super::{SqliteTx, micros};
use crate::domain::error::Result;
use crate::domain::ids::Timestamp;
use crate::store::Settings;

impl Settings for SqliteTx<'_> {
    fn stored_settings(&self) -> Result<Vec<(String, String)>> {
        if let Some(known) = self.memo()?.and_then(|memo| memo.settings.clone()) {
            return Ok(known);
        }
        let found =
            self.all("SELECT key, value FROM settings ORDER BY key", [], |row| Ok((row.get(0)?, row.get(1)?)))?;
        if let Some(mut memo) = self.memo()? {
            memo.settings = Some(found.clone());
        }
        Ok(found)
    }

    fn store_setting(&self, key: &str, json: &str, now: Timestamp) -> Result<()> {
        self.change(
            "INSERT INTO settings (key, value, updated_at) VALUES (?1, ?2, ?3)
             ON CONFLICT (key) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at",
            (key, json, micros(now)),
        )?;
        Ok(())
    }

    fn forget_setting(&self, key: &str) -> Result<bool> {
        Ok(self.change("DELETE FROM settings WHERE key = ?", [key])? == 1)
    }
}
