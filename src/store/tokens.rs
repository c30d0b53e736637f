//! What the services ask about refresh tokens.

use crate::domain::error::Result;
use crate::domain::ids::{SessionId, Timestamp, TokenId};
use crate::domain::pages::Listing;
use crate::domain::tokens::{NewRefreshToken, RefreshToken, SecretHash};

/// Fields that a list of refresh tokens can be ordered by.
pub const TOKEN_ORDER: &[&str] = &["id", "issued_at", "expires_at", "user_id"];

/// Issued refresh tokens. One whose session has ended is revoked, also by a forced logout that has come.
pub trait Tokens {
    /// The token with this `jti`, as it is `now`.
    fn refresh_token(&self, jti: &str, now: Timestamp) -> Result<Option<RefreshToken>>;
    /// The token that is known by this hash of its secret, as it is `now`.
    fn refresh_token_by_hash(&self, hash: &SecretHash, now: Timestamp) -> Result<Option<RefreshToken>>;
    /// The newest token of a session, as it is `now`.
    fn newest_token(&self, session: SessionId, now: Timestamp) -> Result<Option<RefreshToken>>;
    /// How many match; `active` asks whether they are neither revoked nor expired at `now`.
    fn count_tokens(&self, listing: &Listing, now: Timestamp) -> Result<u64>;
    /// Those that match. Searched: `jti` and address, from their beginning.
    fn list_tokens(&self, listing: &Listing, now: Timestamp) -> Result<Vec<RefreshToken>>;
    /// Adds one.
    fn insert_token(&self, new: &NewRefreshToken) -> Result<TokenId>;
    /// Marks a token as spent, revoked and used at `now`, and keeps the sealed successor; forgets the successors of those of
    /// its session that were spent at `forget` or before.
    fn spend_token(&self, id: TokenId, successor: &[u8], now: Timestamp, forget: Timestamp) -> Result<()>;
    /// Marks a token as used at `now`.
    fn touch_token(&self, id: TokenId, now: Timestamp) -> Result<()>;
    /// Forgets sealed successors of tokens spent before this instant; says how many.
    fn forget_successors(&self, before: Timestamp, limit: u32) -> Result<u64>;
    /// Whether the token of a former system with this hash was spent or revoked.
    fn is_import_revoked(&self, hash: &SecretHash) -> Result<bool>;
    /// Remembers that the token of a former system with this hash is spent or revoked; false if that was known.
    fn revoke_import(&self, hash: &SecretHash, expires_at: Timestamp) -> Result<bool>;
    /// Forgets spent and revoked tokens of a former system that expired before this instant, at most `limit`; says how many.
    fn purge_revoked_imports(&self, before: Timestamp, limit: u32) -> Result<u64>;
    /// Deletes tokens that expired before this instant, at most `limit`; says how many.
    fn purge_tokens(&self, before: Timestamp, limit: u32) -> Result<u64>;
}
