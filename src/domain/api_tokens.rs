//! API tokens: keys that a program sends with every request as `Authorization: Token <key>`. One carries the rights of its
//! user and nothing more. The one without a name is the user's login token, the same at every login (S3-18); those with a
//! name are made one by one and shown once.

use super::error::{Error, FieldError, Result};
use super::ids::{ApiTokenId, Timestamp, UserId};

/// Letters of a key: 160 bits in lower-case hexadecimal, the form of Django REST framework's (S3-18).
pub const KEY_LEN: usize = 40;
/// Longest name, in characters.
pub const NAME_MAX: usize = 100;
/// Most live tokens of one user: a list that one can still look through.
pub const PER_USER: u64 = 100;

/// An API token, as it is at one moment. Its key is not among its fields: nobody can read that again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiToken {
    /// Never reused.
    pub id: ApiTokenId,
    /// Whose it is.
    pub user_id: UserId,
    /// What it is for; none for the login token.
    pub name: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Not accepted at or after this instant, if there is one.
    pub expires_at: Option<Timestamp>,
    /// A recent use: noted at most once a minute.
    pub last_used_at: Option<Timestamp>,
    /// When it was revoked, also by a forced logout that has come.
    pub revoked_at: Option<Timestamp>,
}

impl ApiToken {
    /// Whether it is accepted, as far as the token itself decides.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }
}

/// An API token that is about to be written. Its `Debug` shows neither hash nor nonce.
#[derive(Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of `ApiToken`")]
pub struct NewApiToken {
    pub user_id: UserId,
    pub kind: Kind,
    /// SHA-256 of the key.
    pub key_hash: [u8; 32],
    pub created_at: Timestamp,
    pub expires_at: Option<Timestamp>,
}

/// Which of the two sorts a token is.
#[derive(Clone, PartialEq, Eq)]
pub enum Kind {
    /// The user's login token, with what its key is derived from.
    Login(Vec<u8>),
    /// One with a name.
    Named(String),
}

impl std::fmt::Debug for NewApiToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewApiToken").field("user_id", &self.user_id).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Kind::Login(_) => f.write_str("Login(…)"),
            Kind::Named(name) => f.debug_tuple("Named").field(name).finish(),
        }
    }
}

/// A name out of a text, trimmed.
///
/// # Errors
/// `Invalid("name")` when nothing is left, or it is too long or has control characters.
pub fn name(text: &str) -> Result<String> {
    let name = text.trim();
    if name.is_empty() {
        return Err(FieldError::blank("name").into());
    }
    if name.chars().count() > NAME_MAX {
        return Err(FieldError::too_long("name", NAME_MAX).into());
    }
    if name.chars().any(char::is_control) {
        return Err(Error::invalid("name", "invalid", "Control characters are not allowed."));
    }
    Ok(name.to_owned())
}

/// Whether a text has the form of a key.
pub fn is_key(text: &str) -> bool {
    text.len() == KEY_LEN && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}
