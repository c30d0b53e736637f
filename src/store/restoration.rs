//! What the services ask of a database that was a backup a moment ago, and is about to be the database.

use crate::domain::backups::Former;
use crate::domain::error::Result;

/// What no other operation does to a database.
pub trait Restoration {
    /// Deletes all one-time tokens, and what all mails say that were not sent: they may hold links. Says how many of each.
    fn end_links(&self) -> Result<(u64, u64)>;
    /// Keeps what must not be undone of what the former database tells: no number is given again that it gave, the count of
    /// how often everybody's sessions were ended is above its own, and a key that was revoked in it is. Where it tells
    /// nothing, or is another installation's, numbers leap instead.
    fn follow(&self, former: Option<&Former>) -> Result<()>;
}
