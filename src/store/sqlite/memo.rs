//! What connections remember that only read: small tables that are asked for at each request. SQLite counts for a connection
//! what others have changed (`PRAGMA data_version`), also from other processes; while the count stands still, what was read
//! is what would be read.

use std::cell::RefMut;

use super::{Hold, SqliteTx};
use crate::domain::error::Result;
use crate::domain::keys::StoredKey;

/// What one connection remembers.
#[derive(Debug, Default)]
pub struct Memo {
    version: Option<i64>,
    /// All settings.
    pub settings: Option<Vec<(String, String)>>,
    /// Keys that were asked for, and found.
    pub keys: Vec<StoredKey>,
    /// Issuers that were asked for, and found.
    pub issuers: Vec<String>,
}

impl SqliteTx<'_> {
    /// What is remembered and still so; none where something may be written, since a connection does not count its own
    /// changes.
    pub(super) fn memo(&self) -> Result<Option<RefMut<'_, Memo>>> {
        let Hold::Read(look) = &self.hold else { return Ok(None) };
        let connection = &look.connection;
        if !look.is_current.replace(true) {
            let version = connection.run(|raw| {
                raw.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get::<_, i64>(0)).map(Some)
            })?;
            if connection.memo.borrow().version != version {
                connection.memo.replace(Memo { version, ..Memo::default() });
            }
        }
        Ok(Some(connection.memo.borrow_mut()))
    }
}
