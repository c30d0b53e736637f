//! One-time tokens: the secrets in mailed links. Of each only a fingerprint is stored; it is good once, for one purpose
//! and one user.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::ids::{Timestamp, UserId};

/// What a token is for; it is refused for anything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// To prove an address, and let its account in.
    Activation,
    /// To set a new password without the old one.
    PasswordReset,
    /// To set a new name to sign in by.
    UsernameReset,
}

impl Purpose {
    /// All of them.
    pub const ALL: [Purpose; 3] = [Purpose::Activation, Purpose::PasswordReset, Purpose::UsernameReset];

    /// The stored text.
    pub fn as_str(self) -> &'static str {
        match self {
            Purpose::Activation => "activation",
            Purpose::PasswordReset => "password_reset",
            Purpose::UsernameReset => "username_reset",
        }
    }

    /// Reads the stored text.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.as_str() == text)
    }
}

/// An issued token, as stored. There is at most one for a user and a purpose: the newest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OneTimeToken {
    /// Never reused.
    pub id: i64,
    /// Whose it is.
    pub user_id: UserId,
    /// What it is for.
    pub purpose: Purpose,
    /// When it was made.
    pub created_at: Timestamp,
    /// Not accepted at or after this instant.
    pub expires_at: Timestamp,
    /// When it was used.
    pub used_at: Option<Timestamp>,
}

/// A token that is about to be written.
#[derive(Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of `OneTimeToken`")]
pub struct NewOneTimeToken {
    pub user_id: UserId,
    pub purpose: Purpose,
    /// SHA-256 of its text.
    pub fingerprint: Vec<u8>,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
}

impl std::fmt::Debug for NewOneTimeToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewOneTimeToken").field("purpose", &self.purpose).finish_non_exhaustive()
    }
}

/// The id of a user as links carry it, Djoser's `uid`: its decimal digits in base64url, `MQ` for 1.
pub fn uid(user: UserId) -> String {
    URL_SAFE_NO_PAD.encode(user.to_string())
}

/// The id in a `uid`; each has one spelling.
pub fn user_of(text: &str) -> Option<UserId> {
    let digits = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
    let user = UserId(digits.parse().ok().filter(|id| *id > 0)?);
    (uid(user) == text).then_some(user)
}
