//! What an API behind a proxy may ask of its callers (D-18): the permission classes of Django REST framework, a role, or
//! the rights on a resource.

use crate::domain::rights::action;

/// One policy. Of several, all must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Policy {
    /// Everybody passes, signed in or not.
    AllowAny,
    /// Whoever is signed in.
    IsAuthenticated,
    /// Staff (`is_staff`, as that framework's `IsAdminUser` has it) and superusers.
    IsAdmin,
    /// Whoever is signed in; others may read.
    AuthenticatedOrReadOnly,
    /// Whoever has the role of this code name, and superusers.
    Role(String),
    /// Whoever may do to the resource of this code name what the method does (S4-54).
    Resource(String),
}

impl Policy {
    /// Reads the name of a policy: one of the four, `role:<code_name>`, or the code name of a resource. Whether there is
    /// such a role or resource is not known here. `None` for what cannot be the name of anything.
    pub fn parse(text: &str) -> Option<Self> {
        let is_name = |text: &str| {
            let known = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
            !text.is_empty() && text.bytes().all(known)
        };
        match text {
            "allow_any" => Some(Self::AllowAny),
            "is_authenticated" => Some(Self::IsAuthenticated),
            "is_admin" => Some(Self::IsAdmin),
            "authenticated_or_read_only" => Some(Self::AuthenticatedOrReadOnly),
            _ => match text.strip_prefix("role:") {
                Some(role) => is_name(role).then(|| Self::Role(role.to_owned())),
                None => is_name(text).then(|| Self::Resource(text.to_owned())),
            },
        }
    }
}

/// What a method does (D-7, R-36). There are no others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// GET and HEAD.
    Read,
    /// POST.
    Create,
    /// PUT and PATCH.
    Update,
    /// DELETE.
    Delete,
    /// OPTIONS, which needs no right.
    Ask,
}

impl Verb {
    /// By the name of the method, which is exact (RFC 9110, section 9.1).
    pub fn of(method: &str) -> Option<Self> {
        Some(match method {
            "GET" | "HEAD" => Verb::Read,
            "POST" => Verb::Create,
            "PUT" | "PATCH" => Verb::Update,
            "DELETE" => Verb::Delete,
            "OPTIONS" => Verb::Ask,
            _ => return None,
        })
    }

    /// The action that it needs, if any.
    pub fn action(self) -> Option<&'static str> {
        match self {
            Verb::Read => Some(action::READ),
            Verb::Create => Some(action::CREATE),
            Verb::Update => Some(action::UPDATE),
            Verb::Delete => Some(action::DELETE),
            Verb::Ask => None,
        }
    }

    /// Whether it changes nothing (the `SAFE_METHODS` of Django REST framework).
    pub fn is_safe(self) -> bool {
        matches!(self, Verb::Read | Verb::Ask)
    }
}
