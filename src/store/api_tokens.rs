//! What the services ask about API tokens.

use crate::domain::api_tokens::{ApiToken, NewApiToken};
use crate::domain::error::Result;
use crate::domain::ids::{ApiTokenId, Timestamp, UserId};
use crate::domain::pages::Listing;

/// Fields that a list of API tokens can be ordered by.
pub const API_TOKEN_ORDER: &[&str] = &["id", "created_at", "expires_at", "last_used_at", "user_id"];

/// Which API tokens to revoke.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Those {
    /// This one.
    One(ApiTokenId),
    /// The login token of a user.
    LoginOf(UserId),
    /// All of a user.
    OfUser(UserId),
    /// All of a user that were made before this instant.
    MadeBefore(UserId, Timestamp),
    /// All there are.
    Everyone,
}

/// What the key of a live login token is made of.
#[derive(Clone, PartialEq, Eq)]
pub struct LoginToken {
    /// Which one.
    pub id: ApiTokenId,
    /// What its key is derived from.
    pub nonce: Vec<u8>,
    /// SHA-256 of its key.
    pub key_hash: Vec<u8>,
}

/// API tokens. One that was made before its user's `force_logout_at` is revoked at that instant (S4-35).
pub trait ApiTokens {
    /// The token with this id, as it is `now`.
    fn api_token(&self, id: ApiTokenId, now: Timestamp) -> Result<Option<ApiToken>>;
    /// The token whose key has this SHA-256, as it is `now`.
    fn api_token_by_hash(&self, key_hash: &[u8; 32], now: Timestamp) -> Result<Option<ApiToken>>;
    /// The live token of this name.
    fn api_token_named(&self, user: UserId, name: &str, now: Timestamp) -> Result<Option<ApiToken>>;
    /// The live login token of a user.
    fn login_token(&self, user: UserId, now: Timestamp) -> Result<Option<LoginToken>>;
    /// How many match; `active` asks whether they are live at `now`.
    fn count_api_tokens(&self, listing: &Listing, now: Timestamp) -> Result<u64>;
    /// Those that match. Searched: the name, anywhere in it.
    fn list_api_tokens(&self, listing: &Listing, now: Timestamp) -> Result<Vec<ApiToken>>;
    /// Adds one, in place of the one of the same user and name, which must not be live.
    fn insert_api_token(&self, new: &NewApiToken) -> Result<ApiTokenId>;
    /// Notes a use at `now`, unless one is noted between `since` and `now`.
    fn note_use(&self, id: ApiTokenId, since: Timestamp, now: Timestamp) -> Result<()>;
    /// Revokes those that are not revoked; says how many of them were live. Expired ones are revoked too, so that none
    /// comes back when a clock that ran ahead is set right.
    fn revoke_api_tokens(&self, those: Those, now: Timestamp) -> Result<u64>;
    /// Deletes those that expired or were revoked before this instant, at most `limit`; says how many.
    fn purge_api_tokens(&self, before: Timestamp, limit: u32) -> Result<u64>;
}
