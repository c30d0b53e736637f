//! Why a request fails at this door: an operation refused it, or it could not be read. Each dialect words it in its own
//! `failure.rs`.

use crate::domain::error::Error;

/// Shorthand for results that fail with [`Fault`].
pub type Result<T, E = Fault> = std::result::Result<T, E>;

/// Why a request fails.
#[derive(Debug)]
pub enum Fault {
    /// A service said so.
    Refused(Error),
    /// The body could not be read.
    Unreadable(Unreadable),
}

/// What is wrong with a body before its content is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unreadable {
    /// Longer than [`super::body::BODY_MAX`].
    TooLarge,
    /// Not JSON by its `Content-Type`, which is this.
    MediaType(String),
    /// Not JSON by its content, for this reason.
    Json(String),
    /// It did not arrive in time.
    TooSlow,
    /// The client went away in the middle of it.
    CutOff,
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Fault::Refused(error)
    }
}

impl From<Unreadable> for Fault {
    fn from(why: Unreadable) -> Self {
        Fault::Unreadable(why)
    }
}
