//! Tokens: what is issued at a sign-in and at each refresh. Only refresh tokens are stored, and never their text
//! (S4-38): a JWT is known by its `jti`.

use std::net::IpAddr;

use super::ids::{SessionId, Timestamp, TokenId, UserId};
use super::status_lists::StatusReference;

/// The two kinds of signed tokens; each is refused where the other is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenType {
    /// Presented with every request.
    Access,
    /// Presented to get new tokens.
    Refresh,
}

impl TokenType {
    /// The claim `token_type`.
    pub fn as_str(self) -> &'static str {
        match self {
            TokenType::Access => "access",
            TokenType::Refresh => "refresh",
        }
    }

    /// The header `typ` (D-12; RFC 9068 names `at+jwt`).
    pub fn header_type(self) -> &'static str {
        match self {
            TokenType::Access => "at+jwt",
            TokenType::Refresh => "rt+jwt",
        }
    }
}

/// Hash by which a refresh token is known that is no JWT of ours: SHA-256.
pub type SecretHash = [u8; 32];

/// Claims of a token of ours (D-12). Times are whole seconds since 1970, as RFC 7519 has them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// Access or refresh.
    pub token_type: TokenType,
    /// Not accepted at or after this second.
    pub exp: i64,
    /// Issued in this second.
    pub iat: i64,
    /// Unique name of the token: a UUID.
    pub jti: String,
    /// Whose it is; `sub` is the same as text.
    pub user_id: UserId,
    /// UUID of the session.
    pub sid: String,
    /// Public URL of the server at the time.
    pub iss: String,
    /// For whom, where that is restricted.
    pub aud: Option<String>,
    /// Name of the user at the sign-in, in tokens of the profile `simplejwt` (S3-32). Told to clients, never asked.
    pub username: Option<String>,
    /// Where others look whether the session has ended, in access tokens. Told to them, never asked.
    pub status: Option<StatusReference>,
}

/// Claims of a token of a former system, signed with a key that was imported (D-12). Its times were looked at already;
/// what else it lacks is for the place to judge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportedClaims {
    /// `access`, `refresh` or whatever that system had.
    pub token_type: Option<String>,
    /// Not accepted at or after this second.
    pub exp: i64,
    /// Issued in this second, where it says so.
    pub iat: Option<i64>,
    /// Name of the token.
    pub jti: String,
    /// Whose it is.
    pub user_id: Option<UserId>,
    /// The custom claim of this name, where there is one.
    pub username: Option<String>,
    /// Who issued it; empty where it does not say.
    pub issuers: Vec<String>,
    /// Whom it is for; empty where it does not say.
    pub audience: Vec<String>,
}

/// A pair as handed out; only its holder knows it. Its `Debug` shows nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenPair {
    /// Access token.
    pub access: String,
    /// Refresh token.
    pub refresh: String,
}

impl std::fmt::Debug for TokenPair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenPair(…)")
    }
}

/// An issued refresh token, as stored (S4-38).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefreshToken {
    /// Never reused.
    pub id: TokenId,
    /// UUID, unique.
    pub jti: String,
    /// Its session.
    pub session_id: SessionId,
    /// Whose it is.
    pub user_id: UserId,
    /// Place in the chain of its session, from 1; order is decided by it and never by time.
    pub generation: i64,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// Not accepted at or after this instant.
    pub expires_at: Timestamp,
    /// When it was spent by a rotation.
    pub spent_at: Option<Timestamp>,
    /// When it was revoked, by rotation or with its session: the blacklist (S4-39, S4-41).
    pub revoked_at: Option<Timestamp>,
    /// Address at issue.
    pub ip_address: Option<IpAddr>,
    /// Client at issue.
    pub user_agent: String,
    /// Last time it was presented and accepted.
    pub last_used_at: Option<Timestamp>,
    /// The pair that replaced it, sealed under a key that only the spent token itself yields; given out within the grace, and
    /// forgotten when its session is refreshed after that or when tokens are purged.
    pub successor: Option<Vec<u8>>,
}

impl RefreshToken {
    /// Place of the first in the chain.
    pub const FIRST: i64 = 1;

    /// When it, or the one that it replaced, was last used.
    pub fn last_use(&self) -> Option<Timestamp> {
        self.last_used_at.or((self.generation > Self::FIRST).then_some(self.issued_at))
    }
}

/// A refresh token that is about to be written.
#[derive(Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of `RefreshToken`")]
pub struct NewRefreshToken {
    pub jti: String,
    pub session_id: SessionId,
    pub user_id: UserId,
    pub generation: i64,
    pub issued_at: Timestamp,
    pub expires_at: Timestamp,
    pub ip_address: Option<IpAddr>,
    pub user_agent: String,
    /// Hash of its secret, if it is no JWT of ours.
    pub secret_hash: Option<SecretHash>,
}

impl std::fmt::Debug for NewRefreshToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewRefreshToken").field("session_id", &self.session_id).finish_non_exhaustive()
    }
}
