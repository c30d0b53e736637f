//! API tokens over the wire.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::api_tokens::ApiToken;
use crate::domain::error::{Error, Result};
use crate::domain::ids::{Timestamp, UserId};
use crate::http::body::Sent;
use crate::http::times::{self, Instant};
use crate::service::api_tokens::{Key, NewToken};

/// An API token, without its key.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ApiToken")]
pub struct ApiTokenOut {
    /// Never used again for another.
    id: i64,
    /// Whose it is.
    user_id: i64,
    /// What it is for; `null` for the login token.
    name: Option<String>,
    /// When it was made.
    created_at: Instant,
    /// When it expires, if ever.
    expires_at: Option<Instant>,
    /// A recent use; noted once a minute at most.
    last_used_at: Option<Instant>,
    /// When it was revoked.
    revoked_at: Option<Instant>,
    /// Whether it is neither revoked nor expired. While its user is not active it is refused all the same.
    is_active: bool,
}

impl ApiTokenOut {
    /// A token as it is `now`.
    pub fn of(token: ApiToken, now: Timestamp) -> Self {
        Self {
            is_active: token.is_live(now),
            id: token.id.0,
            user_id: token.user_id.0,
            name: token.name,
            created_at: Instant(token.created_at),
            expires_at: token.expires_at.map(Instant),
            last_used_at: token.last_used_at.map(Instant),
            revoked_at: token.revoked_at.map(Instant),
        }
    }
}

/// An API token that was made just now, with its key: the only time that it is shown.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "NewApiToken")]
pub struct NewApiTokenOut {
    #[serde(flatten)]
    token: ApiTokenOut,
    /// What is sent as `Authorization: Token <key>`: 40 letters in lower-case hexadecimal.
    key: String,
}

impl NewApiTokenOut {
    /// A token and its key.
    pub fn of(token: ApiToken, key: Key, now: Timestamp) -> Self {
        Self { token: ApiTokenOut::of(token, now), key: key.0 }
    }
}

/// An API token to make.
#[derive(Deserialize, JsonSchema)]
pub struct ApiTokenCreate {
    /// What it is for; unique among the user's live ones.
    #[schemars(length(min = 1, max = 100))]
    name: String,
    /// When it expires; never unless given.
    #[serde(default)]
    #[schemars(extend("format" = "date-time"))]
    expires_at: Sent<Option<String>>,
    /// Whose it is to be: the caller's unless given.
    #[serde(default)]
    #[schemars(range(min = 1))]
    user: Sent<i64>,
}

impl ApiTokenCreate {
    /// Whose, if that is said, and what it is to be.
    ///
    /// # Errors
    /// `Invalid("expires_at")` when that is no instant.
    pub fn into_command(self) -> Result<(Option<UserId>, NewToken)> {
        let instant = |text: String| {
            times::parse(&text).ok_or_else(|| Error::invalid("expires_at", "invalid", times::WRONG_FORMAT))
        };
        let expires_at = self.expires_at.0.flatten().map(instant).transpose()?;
        Ok((self.user.0.map(UserId), NewToken { name: self.name, expires_at }))
    }
}
