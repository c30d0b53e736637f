//! Sessions over the wire.

use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::ids::{SessionId, Timestamp};
use crate::domain::sessions::Session;
use crate::domain::tokens::RefreshToken;
use crate::http::times::Instant;

/// A session.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Session")]
pub struct SessionOut {
    /// Never used again for another.
    id: i64,
    /// Name in tokens (`sid`).
    uuid: String,
    /// Whose it is.
    user_id: i64,
    /// Where the sign-in came from.
    ip_address: Option<String>,
    /// What the client called itself.
    user_agent: String,
    /// The sign-in.
    created_at: Instant,
    /// When it ends unless it is refreshed before.
    expires_at: Instant,
    /// Whether its tokens are accepted.
    is_active: bool,
}

impl SessionOut {
    /// A session as it is `now`.
    pub fn of(session: Session, now: Timestamp) -> Self {
        let is_active = session.is_live(now);
        Self {
            id: session.id.0,
            uuid: session.uuid,
            user_id: session.user_id.0,
            ip_address: session.ip_address.map(|address| address.to_string()),
            user_agent: session.user_agent,
            created_at: Instant(session.created_at),
            expires_at: Instant(session.expires_at),
            is_active,
        }
    }
}

/// A live session and its newest refresh token, without the token.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "LiveSession")]
pub struct LiveSessionOut {
    #[serde(flatten)]
    session: SessionOut,
    /// Unique name of the refresh token.
    jti: String,
    /// When it was issued.
    issued_at: Instant,
    /// Whether it was revoked.
    is_revoked: bool,
    /// When it was revoked.
    revoked_at: Option<Instant>,
    /// Last time that it, or the one that it replaced, was used.
    last_used_at: Option<Instant>,
    /// Whether this is the session of the request itself.
    current: bool,
}

impl LiveSessionOut {
    /// A session as it is `now`, seen from the session `current`, if one is.
    pub fn of((session, token): (Session, RefreshToken), now: Timestamp, current: Option<SessionId>) -> Self {
        Self {
            last_used_at: token.last_use().map(Instant),
            current: Some(session.id) == current,
            session: SessionOut::of(session, now),
            jti: token.jti,
            issued_at: Instant(token.issued_at),
            is_revoked: token.revoked_at.is_some(),
            revoked_at: token.revoked_at.map(Instant),
        }
    }
}
