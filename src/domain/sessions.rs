//! Sessions. Each sign-in begins one, and its tokens are worth no more than it is: once it has ended, the next request
//! refuses them, refresh and access tokens alike (D-10).

use std::net::IpAddr;

use super::ids::{SessionId, Timestamp, UserId};
use super::settings::Profile;

/// Longest user agent that is kept, in characters.
pub const USER_AGENT_MAX: usize = 512;

/// One sign-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Never reused.
    pub id: SessionId,
    /// Name in tokens (`sid`) and in the API.
    pub uuid: String,
    /// Whose it is.
    pub user_id: UserId,
    /// Rules of lifetime that it obeys, at whatever door its tokens are shown.
    pub profile: Profile,
    /// Where the sign-in came from.
    pub ip_address: Option<IpAddr>,
    /// What the client called itself.
    pub user_agent: String,
    /// The sign-in.
    pub created_at: Timestamp,
    /// When it ends unless it is refreshed before; never after `ends_at`.
    pub expires_at: Timestamp,
    /// When it ends whatever happens.
    pub ends_at: Timestamp,
    /// When somebody or something ended it, if it did not just expire.
    pub ended_at: Option<Timestamp>,
    /// Why it was ended.
    pub end_reason: Option<EndReason>,
}

impl Session {
    /// Whether its tokens are accepted, as far as the session itself decides.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.ended_at.is_none() && now < self.expires_at
    }
}

/// Why a session was ended before its time. Stored as its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each variant says it")]
pub enum EndReason {
    Logout,
    Revoked,
    RevokedAll,
    Deactivated,
    PasswordChanged,
    EmailChanged,
    ForcedLogout,
    RefreshReused,
    TooManySessions,
    Restored,
}

impl EndReason {
    const ALL: [(EndReason, &'static str); 10] = [
        (EndReason::Logout, "logout"),
        (EndReason::Revoked, "revoked"),
        (EndReason::RevokedAll, "revoked_all"),
        (EndReason::Deactivated, "deactivated"),
        (EndReason::PasswordChanged, "password_changed"),
        (EndReason::EmailChanged, "email_changed"),
        (EndReason::ForcedLogout, "forced_logout"),
        (EndReason::RefreshReused, "refresh_reused"),
        (EndReason::TooManySessions, "too_many_sessions"),
        (EndReason::Restored, "restored"),
    ];

    /// The stored text.
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(reason, _)| *reason == self).map_or("", |(_, text)| text)
    }

    /// Reads the stored text.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == text).map(|(reason, _)| *reason)
    }
}

/// A session that is about to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of `Session`")]
pub struct NewSession {
    pub uuid: String,
    pub user_id: UserId,
    pub profile: Profile,
    pub ip_address: Option<IpAddr>,
    pub user_agent: String,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    pub ends_at: Timestamp,
}
