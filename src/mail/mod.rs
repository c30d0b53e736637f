//! Mails leave by here: they are rendered, put into the form of RFC 5322, and handed to a mail server, a folder or the
//! log. lettre and minijinja are named nowhere else.
//!
//! It knows no outbox and no users: it is handed what a mail says, and tells whether it went. What is sent when, and what
//! comes after a failure, is in `service/mails.rs`. Start at [`open`].

mod bell;
mod compose;
mod folder;
mod log;
mod password;
mod smtp;
mod templates;

use std::path::{Path, PathBuf};

use crate::domain::advice::Advice;
use crate::domain::ids::{MailId, Timestamp};
use crate::domain::mails::Kind;
use crate::domain::settings::mail::{Mails, Transport as Choice};

pub use bell::{Bell, Woken};
pub use password::PasswordFileError;
pub use templates::{Fault, Rendered, Words, built_in, faults, render};

/// A mail, ready to leave.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// Its row in the outbox; 0 for one that has none.
    pub id: MailId,
    /// What it is about.
    pub kind: Kind,
    /// What makes it one of a kind, 32 hex digits: the same at each attempt, so that a mail that was sent twice is known.
    pub name: String,
    /// When it was written.
    pub date: Timestamp,
    /// Whom it is from.
    pub from: String,
    /// Whom it is to.
    pub to: String,
    /// What it says.
    pub content: Rendered,
}

impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Message").field("id", &self.id).field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// Why a mail did not leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Whether this mail will never leave, however often it is tried.
    pub permanent: bool,
    /// What happened; never with what the mail says.
    pub text: String,
    /// What to do about it; empty where only time helps.
    pub advice: Advice,
}

impl Failure {
    fn passing(text: impl Into<String>) -> Self {
        Self { permanent: false, text: text.into(), advice: Advice::default() }
    }

    fn permanent(text: impl Into<String>) -> Self {
        Self { permanent: true, ..Self::passing(text) }
    }

    fn advised(self, advice: impl Into<Advice>) -> Self {
        Self { advice: advice.into(), ..self }
    }
}

/// A way out for mails.
pub trait Transport: Send {
    /// Sends one. When this returns `Ok`, it is somebody else's or on the disk.
    ///
    /// # Errors
    /// A [`Failure`]; then it may have left nevertheless, where the answer to it was lost.
    fn send(&self, message: &Message) -> Result<(), Failure>;
}

/// What this process knows of mails by how it was started.
#[derive(Debug, Default)]
pub struct Office {
    /// File of the password for the mail server.
    pub password_file: Option<PathBuf>,
    /// Rung when a mail was written.
    pub bell: Bell,
}

impl Office {
    /// An office that reads the password for the mail server out of this file.
    pub fn new(password_file: Option<PathBuf>) -> Self {
        Self { password_file, bell: Bell::default() }
    }

    /// Passes if there is no password file, or one that can be used.
    ///
    /// # Errors
    /// [`PasswordFileError`].
    pub fn check(&self) -> Result<(), PasswordFileError> {
        self.password_file.as_deref().map_or(Ok(()), |path| password::read(path).map(drop))
    }
}

/// The way out that the settings choose.
///
/// # Errors
/// A [`Failure`] that says which setting is missing or wrong; nothing was connected to.
pub fn open(settings: &Mails, office: &Office) -> Result<Box<dyn Transport>, Failure> {
    compose::sender(&settings.from)?;
    Ok(match settings.transport {
        Choice::Log => Box::new(log::Log),
        Choice::Folder => Box::new(folder::Folder::new(Path::new(&settings.folder))?),
        Choice::Smtp => Box::new(smtp::Smtp::new(&settings.smtp, office)?),
    })
}
