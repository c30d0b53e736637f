//! The only error type of the operations. Its variants tell the caller how to go on: correct the input, sign in, wait.
//!
//! Doors translate it last: `http/<dialect>/failure.rs` into a status and a body, `cli/mod.rs` into a text and an exit
//! code. It must never carry a secret: messages and field values in it may be shown to whoever called.

use std::fmt;
use std::time::Duration;

use super::rights::Right;

/// Shorthand for results that fail with [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why an operation did not happen.
#[derive(Debug)]
pub enum Error {
    /// The input is wrong; every wrong field is named at once.
    Invalid(Vec<FieldError>),
    /// The caller has not proved who he is.
    Unauthenticated(Reason),
    /// The caller is known and may not do this.
    Forbidden(Refusal),
    /// Nothing is there by that name; what the caller must not know of looks the same.
    NotFound(Entity),
    /// The state of the data speaks against it.
    Conflict(Conflict),
    /// Too many attempts; it may be tried again after this time.
    TooMany {
        /// Time to wait.
        retry_after: Duration,
    },
    /// Storage or hashing capacity is not to be had now; nothing happened.
    Unavailable {
        /// Time to wait.
        retry_after: Duration,
    },
    /// A fault of ours. Logged once at the door, never shown.
    Internal(Box<dyn std::error::Error + Send + Sync>),
}

/// One complaint about one field. An empty `field` speaks of the input as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// Name as in the API (`first_name`), or empty.
    pub field: String,
    /// Stable machine code in Django REST framework's words: `required`, `blank`, `null`, `invalid`, `max_length` …
    pub code: &'static str,
    /// Sentence for people.
    pub message: String,
}

impl FieldError {
    /// A complaint about `field`.
    pub fn new(field: impl Into<String>, code: &'static str, message: impl Into<String>) -> Self {
        Self { field: field.into(), code, message: message.into() }
    }

    /// Nothing stands where something must.
    pub fn blank(field: impl Into<String>) -> Self {
        Self::new(field, "blank", "This field may not be blank.")
    }

    /// More than `most` characters.
    pub fn too_long(field: impl Into<String>, most: usize) -> Self {
        Self::new(field, "max_length", format!("Ensure this field has no more than {most} characters."))
    }

    /// A NUL, at which other programs take a text to end.
    pub fn null_characters(field: impl Into<String>) -> Self {
        Self::new(field, "null_characters_not_allowed", "Null characters are not allowed.")
    }
}

/// Kinds of things that can be missing or taken; the words are those of error texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each variant is the noun itself")]
pub enum Entity {
    User,
    Role,
    Resource,
    Action,
    Permission,
    Session,
    Token,
    ApiToken,
    Setting,
    Mail,
    Key,
    Page,
}

impl Entity {
    /// The word for people, lower case.
    pub fn noun(self) -> &'static str {
        match self {
            Entity::User => "user",
            Entity::Role => "role",
            Entity::Resource => "resource",
            Entity::Action => "action",
            Entity::Permission => "permission",
            Entity::Session => "session",
            Entity::Token => "token",
            Entity::ApiToken => "API token",
            Entity::Setting => "setting",
            Entity::Mail => "mail",
            Entity::Key => "key",
            Entity::Page => "page",
        }
    }

    /// `a` or `an`, as the noun asks.
    pub fn article(self) -> &'static str {
        if matches!(self, Entity::Action | Entity::ApiToken) { "an" } else { "a" }
    }
}

/// Why credentials were not accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// None were sent.
    Missing,
    /// The `Authorization` header is not `Bearer <token>`.
    MalformedHeader,
    /// Identifier and password do not belong to an active account. Says no more than that.
    BadCredentials,
    /// The token is not good.
    Token(TokenFault),
    /// The key in `Authorization: Token …` is not good.
    ApiToken(ApiTokenFault),
    /// The token is good, its user is not active.
    UserInactive,
    /// The token is good, its user is gone.
    UserGone,
}

impl Reason {
    /// Whether somebody may be guessing: what was shown was never anybody's, or is not any more. What was good once and has
    /// only expired, or whose session or user is gone, is no guess.
    pub fn is_a_guess(&self) -> bool {
        match self {
            Reason::MalformedHeader | Reason::ApiToken(ApiTokenFault::Unknown) => true,
            Reason::Token(fault) => matches!(
                fault,
                TokenFault::Malformed | TokenFault::UnknownKey | TokenFault::WrongHeader | TokenFault::BadSignature
            ),
            Reason::Missing | Reason::BadCredentials | Reason::ApiToken(_) => false,
            Reason::UserInactive | Reason::UserGone => false,
        }
    }
}

/// What is wrong with `Authorization: Token …`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApiTokenFault {
    /// There is nothing after the word.
    NoKey,
    /// There is more than one word after it.
    Spaces,
    /// No live API token has this key.
    Unknown,
    /// The user is not active.
    UserInactive,
}

/// What is wrong with a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenFault {
    /// Not three base64url parts with a JSON header and JSON claims of the right types, and no other token of ours.
    Malformed,
    /// The header's `kid` names no key of this server, or there is none.
    UnknownKey,
    /// The header's algorithm, `typ` or `crit` is not what the key and the place ask for.
    WrongHeader,
    /// The signature is not the key's.
    BadSignature,
    /// `exp` has come.
    Expired,
    /// `nbf` or `iat` lies in the future.
    NotYetValid,
    /// A good token of another kind: access for refresh, or the reverse.
    WrongType,
    /// This required claim is absent or has the wrong type; in a token of a former system, `exp`, `jti` and `token_type`
    /// are absent, and `user_id` names nobody.
    Claim(&'static str),
    /// It was issued by another issuer or for another audience.
    WrongIssuer,
    /// Its session has ended, or it was revoked.
    Revoked,
    /// A refresh token that was spent before; its session has been ended for it.
    Reused,
}

/// Why a known caller is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// He lacks this right.
    Lacks(Right),
    /// He would give away, or touch somebody who holds, this right that he lacks himself.
    Beyond(Right),
    /// Only a superuser may do this.
    SuperuserOnly,
    /// Registration is closed, or closed to this address (D-14).
    RegistrationClosed,
    /// The token has activated the account before.
    StaleToken,
    /// Another site made the browser send this.
    ForeignPage,
}

impl Refusal {
    /// One word for the audit trail.
    pub fn word(&self) -> &'static str {
        match self {
            Refusal::Lacks(_) => "lacks",
            Refusal::Beyond(_) => "beyond",
            Refusal::SuperuserOnly => "superuser_only",
            Refusal::RegistrationClosed => "registration_closed",
            Refusal::StaleToken => "stale_token",
            Refusal::ForeignPage => "foreign_page",
        }
    }

    /// The right that is missing, if one is.
    pub fn right(&self) -> Option<&Right> {
        match self {
            Refusal::Lacks(right) | Refusal::Beyond(right) => Some(right),
            Refusal::SuperuserOnly | Refusal::RegistrationClosed | Refusal::StaleToken | Refusal::ForeignPage => None,
        }
    }
}

/// What speaks against an otherwise right request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Conflict {
    /// Another `Entity` has this value of `field`.
    Taken(Entity, &'static str),
    /// It would leave no active superuser.
    LastSuperuser,
    /// A built-in thing that may not be changed, such as the action `all`.
    BuiltIn(Entity),
}

impl Error {
    /// One complaint about one field.
    pub fn invalid(field: impl Into<String>, code: &'static str, message: impl Into<String>) -> Self {
        Error::Invalid(vec![FieldError::new(field, code, message)])
    }

    /// What is stored cannot be read, for this reason.
    pub fn damaged(why: impl Into<String>) -> Self {
        Error::internal(Damaged(why.into()))
    }

    /// Whether what is stored cannot be read: no fault of the program, and no answer to what was asked.
    pub fn is_damaged(&self) -> bool {
        matches!(self, Error::Internal(cause) if cause.is::<Damaged>())
    }

    /// Wraps a fault of ours.
    pub fn internal(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Error::Internal(cause.into())
    }

    /// Wraps a fault of an API token.
    pub fn api_token(fault: ApiTokenFault) -> Self {
        Error::Unauthenticated(Reason::ApiToken(fault))
    }

    /// Wraps a token fault.
    pub fn token(fault: TokenFault) -> Self {
        Error::Unauthenticated(Reason::Token(fault))
    }
}

impl From<FieldError> for Error {
    fn from(fault: FieldError) -> Self {
        Error::Invalid(vec![fault])
    }
}

impl From<TokenFault> for Error {
    fn from(fault: TokenFault) -> Self {
        Error::token(fault)
    }
}

impl fmt::Display for TokenFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TokenFault::Malformed => f.write_str("the token is malformed"),
            TokenFault::UnknownKey => f.write_str("the token is signed with a key that this server does not have"),
            TokenFault::WrongHeader => f.write_str("the token's header does not fit its key"),
            TokenFault::BadSignature => f.write_str("the token's signature is wrong"),
            TokenFault::Expired => f.write_str("the token has expired"),
            TokenFault::NotYetValid => f.write_str("the token is not valid yet"),
            TokenFault::WrongType => f.write_str("the token is of another kind"),
            TokenFault::Claim(name) => write!(f, "the token's claim \"{name}\" is missing or wrong"),
            TokenFault::WrongIssuer => f.write_str("the token was issued by or for somebody else"),
            TokenFault::Revoked => f.write_str("the token was revoked or its session has ended"),
            TokenFault::Reused => f.write_str("the refresh token was used before; its session has been ended"),
        }
    }
}

impl fmt::Display for ApiTokenFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ApiTokenFault::NoKey => "the Authorization header holds no key after \"Token\"",
            ApiTokenFault::Spaces => "the Authorization header holds more than one key after \"Token\"",
            ApiTokenFault::Unknown => "no API token has this key, or it was revoked or has expired",
            ApiTokenFault::UserInactive => "the user of the API token is not active",
        })
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::Missing => f.write_str("no credentials were given"),
            Reason::MalformedHeader => f.write_str("the Authorization header is not \"Bearer <token>\""),
            Reason::BadCredentials => f.write_str("no active account has these credentials"),
            Reason::Token(fault) => fault.fmt(f),
            Reason::ApiToken(fault) => fault.fmt(f),
            Reason::UserInactive => f.write_str("the user is not active"),
            Reason::UserGone => f.write_str("the user does not exist any more"),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::Lacks(right) => write!(f, "the permission {right} is missing"),
            Refusal::Beyond(right) => write!(f, "this reaches beyond the caller's own rights: {right} is missing"),
            Refusal::SuperuserOnly => f.write_str("only a superuser may do this"),
            Refusal::RegistrationClosed => f.write_str("registration is closed"),
            Refusal::StaleToken => f.write_str("the account is active already"),
            Refusal::ForeignPage => f.write_str("another site sent this"),
        }
    }
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Conflict::Taken(entity, field) => {
                write!(f, "{} {} with this {field} already exists", entity.article(), entity.noun())
            }
            Conflict::LastSuperuser => f.write_str("this would leave no active superuser"),
            Conflict::BuiltIn(entity) => {
                write!(f, "this {} is built in and cannot be changed or deleted", entity.noun())
            }
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Invalid(fields) => {
                let mut first = true;
                for FieldError { field, message, .. } in fields {
                    if !std::mem::take(&mut first) {
                        f.write_str("; ")?;
                    }
                    if field.is_empty() { f.write_str(message)? } else { write!(f, "{field}: {message}")? }
                }
                Ok(())
            }
            Error::Unauthenticated(reason) => reason.fmt(f),
            Error::Forbidden(refusal) => refusal.fmt(f),
            Error::NotFound(entity) => write!(f, "no such {}", entity.noun()),
            Error::Conflict(conflict) => conflict.fmt(f),
            Error::TooMany { retry_after } => write!(f, "too many attempts; try again in {} s", retry_after.as_secs()),
            Error::Unavailable { retry_after } => write!(f, "busy; try again in {} s", retry_after.as_secs()),
            Error::Internal(cause) => write!(f, "internal error: {cause}"),
        }
    }
}

impl std::error::Error for Error {}

/// See [`Error::damaged`].
#[derive(Debug)]
struct Damaged(String);

impl fmt::Display for Damaged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Damaged {}
