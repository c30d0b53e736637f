//! Mails: what is to be told to somebody, and the row of the outbox that stands for it until it is sent.
//!
//! What a mail says is rendered when it is sent, and rests sealed until then: it may hold a one-time link.

use std::fmt;
use std::time::Duration;

use super::ids::{MailId, Timestamp, UserId};

/// How long a mail that carries no token is tried: three days. One that does is tried as long as its token is good.
pub const NOTICE_LIFETIME: Duration = Duration::from_secs(3 * 86_400);

/// What a mail is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Carries the link that activates an account.
    Activation,
    /// The account was activated.
    Confirmation,
    /// Carries the link by which another password is chosen.
    PasswordReset,
    /// Carries the link by which another username is chosen.
    UsernameReset,
    /// The password was changed.
    PasswordChanged,
    /// The username was changed.
    UsernameChanged,
    /// Shows that mails arrive.
    Test,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 7] = [
        Kind::Activation,
        Kind::Confirmation,
        Kind::PasswordReset,
        Kind::UsernameReset,
        Kind::PasswordChanged,
        Kind::UsernameChanged,
        Kind::Test,
    ];

    /// The stored text, and the name of its templates.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Activation => "activation",
            Kind::Confirmation => "confirmation",
            Kind::PasswordReset => "password_reset",
            Kind::UsernameReset => "username_reset",
            Kind::PasswordChanged => "password_changed",
            Kind::UsernameChanged => "username_changed",
            Kind::Test => "test",
        }
    }

    /// Reads the stored text.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// In what language a mail is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Language {
    /// English.
    #[default]
    En,
    /// Russian.
    Ru,
}

impl Language {
    /// All of them.
    pub const ALL: [Language; 2] = [Language::En, Language::Ru];

    /// The code of ISO 639-1, which is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Language::En => "en",
            Language::Ru => "ru",
        }
    }

    /// Reads the code.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.as_str() == text)
    }
}

/// A mail to be written. Its `Debug` shows no link.
#[derive(Clone, PartialEq, Eq)]
pub struct Letter {
    /// What it is about.
    pub kind: Kind,
    /// Whom it concerns; it dies with him.
    pub user: Option<UserId>,
    /// Address.
    pub to: String,
    /// Language.
    pub language: Language,
    /// The login name that it shows.
    pub username: String,
    /// The link that it carries.
    pub link: Option<String>,
    /// Id of the one-time token in that link.
    pub token: Option<i64>,
}

impl fmt::Debug for Letter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Letter").field("kind", &self.kind).field("user", &self.user).finish_non_exhaustive()
    }
}

/// What has become of a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// To be sent.
    Queued,
    /// The transport took it.
    Sent,
    /// Refused for good, or given up.
    Failed,
    /// Not wanted any more: its token is spent, or the address has changed.
    Dropped,
}

impl Status {
    /// All of them.
    pub const ALL: [Status; 4] = [Status::Queued, Status::Sent, Status::Failed, Status::Dropped];

    /// The stored text.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Queued => "queued",
            Status::Sent => "sent",
            Status::Failed => "failed",
            Status::Dropped => "dropped",
        }
    }

    /// Reads the stored text.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

/// A mail in the outbox, without what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// Never reused.
    pub id: MailId,
    /// What it is about.
    pub kind: Kind,
    /// Address.
    pub to: String,
    /// What has become of it.
    pub status: Status,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is tried next, if it is queued.
    pub next_attempt_at: Timestamp,
    /// What the transport said at the last failure.
    pub last_error: Option<String>,
    /// When it was written.
    pub created_at: Timestamp,
    /// When the transport took it.
    pub sent_at: Option<Timestamp>,
    /// When it is given up.
    pub expires_at: Timestamp,
}

/// A mail that is about to be written into the outbox.
#[derive(Clone, PartialEq, Eq)]
pub struct NewMail {
    /// What it is about.
    pub kind: Kind,
    /// Whom it concerns.
    pub user: Option<UserId>,
    /// Id of the one-time token that it carries.
    pub token: Option<i64>,
    /// Address.
    pub to: String,
    /// What it says, sealed under the master key.
    pub sealed: Vec<u8>,
    /// When it is given up.
    pub expires_at: Timestamp,
}

impl fmt::Debug for NewMail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewMail").field("kind", &self.kind).field("user", &self.user).finish_non_exhaustive()
    }
}
