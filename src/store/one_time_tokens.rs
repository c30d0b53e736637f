//! What the services ask about one-time tokens.

use crate::domain::error::Result;
use crate::domain::ids::{Timestamp, UserId};
use crate::domain::one_time_tokens::{NewOneTimeToken, OneTimeToken, Purpose};

/// Tokens of mailed links, found by their fingerprints.
pub trait OneTimeTokens {
    /// The token with this fingerprint, used and expired ones too.
    fn one_time_token(&self, fingerprint: &[u8]) -> Result<Option<OneTimeToken>>;
    /// Adds one in place of the one that the user has for this purpose; gives its id.
    fn insert_one_time_token(&self, new: &NewOneTimeToken) -> Result<i64>;
    /// Writes what `insert_one_time_token` writes and takes it back, for nobody; so that the one takes as long as the other.
    fn feign_one_time_token(&self, new: &NewOneTimeToken) -> Result<()>;
    /// Marks a token as used at `now`; false if it was used before.
    fn use_one_time_token(&self, id: i64, now: Timestamp) -> Result<bool>;
    /// Deletes those of a user for these purposes that were not used; says how many.
    fn drop_one_time_tokens(&self, user: UserId, purposes: &[Purpose]) -> Result<u64>;
    /// Deletes tokens that expired before this instant, at most `limit`; says how many.
    fn purge_one_time_tokens(&self, before: Timestamp, limit: u32) -> Result<u64>;
}
