//! What the services ask about attempts that are limited.

use crate::domain::error::Result;
use crate::domain::guard::{Count, Key};
use crate::domain::ids::{Timestamp, UserId};

/// Which counts are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Counts {
    /// All of them.
    All,
    /// All that are about the account of this user.
    OfUser(UserId),
    /// Only this one.
    One(Key),
}

/// Attempts by bucket and subject.
pub trait Guard {
    /// What is known of a subject in a bucket.
    fn attempts(&self, key: &Key) -> Result<Option<Count>>;
    /// Writes it, in place of what is known.
    fn store_attempts(&self, count: &Count) -> Result<()>;
    /// How many are stored.
    fn count_attempts(&self) -> Result<u64>;
    /// Those after this key, in the order of keys.
    fn list_attempts(&self, after: Option<&Key>, limit: u32) -> Result<Vec<Count>>;
    /// Forgets them; says how many.
    fn forget_attempts(&self, which: &Counts) -> Result<u64>;
    /// Deletes those that matter no more at this instant; says how many.
    fn purge_attempts(&self, now: Timestamp, limit: u32) -> Result<u64>;
}
