//! Why a request fails at this door: an operation refused it, or it could not be read. Each dialect words it in its own
//! `failure.rs`.

use std::time::Duration;

use crate::domain::error::{ApiTokenFault, Error, FieldError, Reason, TokenFault};

/// Shorthand for results that fail with [`Fault`].
pub type Result<T, E = Fault> = std::result::Result<T, E>;

/// When to come again where what is stored cannot be read.
const DAMAGED: Duration = Duration::from_secs(5);

/// Why a request fails.
#[derive(Debug)]
pub enum Fault {
    /// A service said so.
    Refused(Error),
    /// The credentials in the header were not accepted.
    Credentials(Error),
    /// It is there, and not for the caller to know of.
    Hidden,
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
    /// Not multipart by its content, for this reason.
    Multipart(String),
    /// It did not arrive in time.
    TooSlow,
    /// The client went away in the middle of it.
    CutOff,
}

impl Fault {
    /// Where what is stored cannot be read, nothing can be said of what was asked: 503 in place of 500, since somebody will
    /// mend it.
    pub fn told_later(self) -> Self {
        match self {
            Fault::Refused(error) | Fault::Credentials(error) if error.is_damaged() => {
                tracing::error!(%error, "the database is damaged; the command `doctor --deep` says more");
                Error::Unavailable { retry_after: DAMAGED }.into()
            }
            other => other,
        }
    }
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

/// What is said of an `Authorization` header that is not a keyword and a token.
pub const MALFORMED_HEADER: &str = "Authorization header must contain two space-delimited values";

/// What is said of a request without credentials.
pub const NO_CREDENTIALS: &str = "Authentication credentials were not provided.";

/// Why somebody is not let in, in the words of the packages of Django, after a word for programs.
pub fn unauthenticated(reason: &Reason) -> (&'static str, String) {
    match reason {
        Reason::Missing => ("not_authenticated", NO_CREDENTIALS.to_owned()),
        Reason::MalformedHeader => ("bad_authorization_header", MALFORMED_HEADER.to_owned()),
        Reason::BadCredentials => {
            ("no_active_account", "No active account found with the given credentials".to_owned())
        }
        Reason::Token(fault) => ("token_not_valid", token(*fault)),
        Reason::ApiToken(fault) => api_token(*fault),
        Reason::UserInactive => ("user_inactive", "User is inactive".to_owned()),
        Reason::UserGone => ("user_not_found", "User not found".to_owned()),
    }
}

/// What is wrong with a token, in the words of Simple JWT.
pub fn token(fault: TokenFault) -> String {
    match fault {
        TokenFault::Malformed
        | TokenFault::UnknownKey
        | TokenFault::WrongHeader
        | TokenFault::BadSignature
        | TokenFault::NotYetValid
        | TokenFault::WrongIssuer => "Token is invalid".to_owned(),
        TokenFault::Expired => "Token is expired".to_owned(),
        TokenFault::WrongType => "Token has wrong type".to_owned(),
        TokenFault::Claim("jti") => "Token has no id".to_owned(),
        TokenFault::Claim("token_type") => "Token has no type".to_owned(),
        TokenFault::Claim("user_id") => "Token contained no recognizable user identification".to_owned(),
        TokenFault::Claim(name) => format!("Token has no '{name}' claim"),
        TokenFault::Revoked | TokenFault::Reused => "Token is blacklisted".to_owned(),
    }
}

/// What is wrong with an API token, in the words of Django REST framework, with a word for programs.
pub fn api_token(fault: ApiTokenFault) -> (&'static str, String) {
    let (code, detail) = match fault {
        ApiTokenFault::NoKey => ("bad_authorization_header", "Invalid token header. No credentials provided."),
        ApiTokenFault::Spaces => {
            ("bad_authorization_header", "Invalid token header. Token string should not contain spaces.")
        }
        ApiTokenFault::Unknown => ("token_not_valid", "Invalid token."),
        ApiTokenFault::UserInactive => ("user_inactive", "User inactive or deleted."),
    };
    (code, detail.to_owned())
}

/// Everything that is wrong with the input, where there is room for one sentence.
pub fn in_one_line(fields: &[FieldError]) -> String {
    let said = fields.iter().map(|fault| match fault.field.as_str() {
        "" => fault.message.clone(),
        field => format!("{field}: {}", fault.message),
    });
    said.collect::<Vec<_>>().join(" ")
}

/// A clause as a sentence: with a capital and a full stop.
pub fn sentence(clause: &str) -> String {
    let mut letters = clause.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(letters).chain(['.']).collect()
}
