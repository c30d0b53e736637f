//! Identifiers of stored things: never reused, never mixed up.

use std::fmt;

macro_rules! id {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )+};
}

id! {
    /// A user.
    UserId,
    /// A role.
    RoleId,
    /// A resource.
    ResourceId,
    /// An action.
    ActionId,
    /// A permission: the pair of a resource and an action.
    PermissionId,
    /// A session: one sign-in.
    SessionId,
    /// An issued refresh token.
    TokenId,
    /// An API token.
    ApiTokenId,
    /// A mail in the outbox.
    MailId,
}

/// An instant, in UTC, to the microsecond: the resolution in which times are stored and shown.
pub type Timestamp = chrono::DateTime<chrono::Utc>;
