//! Rights: what may be done to what, and who may (S4-54, D-7, D-8).
//!
//! A right is a pair of code names, `users:read`. Resources and actions are data, so the names are text; the ones that
//! the server itself guards are constants in [`resource`] and [`action`].

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Code names of the resources that the server guards itself (D-9).
#[expect(missing_docs, reason = "each constant is the code name itself")]
pub mod resource {
    pub const USERS: &str = "users";
    pub const ROLES: &str = "roles";
    pub const ACTIONS: &str = "actions";
    pub const RESOURCES: &str = "resources";
    pub const PERMISSIONS: &str = "permissions";
    pub const SESSIONS: &str = "sessions";
    pub const TOKENS: &str = "tokens";
    pub const SETTINGS: &str = "settings";
    pub const AUDIT: &str = "audit";
    pub const KEYS: &str = "keys";

    /// All of them: they cannot be renamed or deleted, since the server's own routes ask for them by name.
    pub const GUARDED: [&str; 10] =
        [USERS, ROLES, ACTIONS, RESOURCES, PERMISSIONS, SESSIONS, TOKENS, SETTINGS, AUDIT, KEYS];
}

/// Code names of the actions that HTTP methods map to (S4-53), and the built-in that grants them all.
#[expect(missing_docs, reason = "each constant is the code name itself")]
pub mod action {
    pub const READ: &str = "read";
    pub const CREATE: &str = "create";
    pub const UPDATE: &str = "update";
    pub const DELETE: &str = "delete";
    /// Grants every action on its resource. Built in: never created, renamed or deleted (D-7, R-37).
    pub const ALL: &str = "all";

    /// The actions the server's own routes ask for by name; they cannot be renamed or deleted.
    pub const BUILT_IN: [&str; 5] = [READ, CREATE, UPDATE, DELETE, ALL];
}

/// One right: an action on a resource, by code names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Right {
    /// Code name of the resource.
    pub resource: Cow<'static, str>,
    /// Code name of the action.
    pub action: Cow<'static, str>,
}

impl Right {
    /// A right that the program itself asks for.
    pub const fn of(resource: &'static str, action: &'static str) -> Self {
        Self { resource: Cow::Borrowed(resource), action: Cow::Borrowed(action) }
    }

    /// A right out of data.
    pub fn new(resource: impl Into<String>, action: impl Into<String>) -> Self {
        Self { resource: Cow::Owned(resource.into()), action: Cow::Owned(action.into()) }
    }

    /// Reads `resource:action`; `None` unless there is one colon with text on both sides.
    pub fn parse(text: &str) -> Option<Self> {
        let (resource, action) = text.split_once(':')?;
        let (resource, action) = (resource.trim(), action.trim());
        (!resource.is_empty() && !action.is_empty() && !action.contains(':')).then(|| Self::new(resource, action))
    }

    /// The decision of S4-54: whether whoever holds this right may do what `wanted` says. On the same resource `all` allows
    /// it, and so does the action itself.
    pub fn covers(&self, wanted: &Right) -> bool {
        self.resource == wanted.resource && (self.action == action::ALL || self.action == wanted.action)
    }
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.resource, self.action)
    }
}

/// Everything that one user may do: the sum of his roles, or all of it for a superuser.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grants {
    superuser: bool,
    by_resource: BTreeMap<String, BTreeSet<Right>>,
}

impl Grants {
    /// The grants of a superuser: every right there is or will be (D-8).
    pub fn superuser() -> Self {
        Self { superuser: true, by_resource: BTreeMap::new() }
    }

    /// The grants of somebody with these rights.
    pub fn of(rights: impl IntoIterator<Item = Right>) -> Self {
        let mut by_resource: BTreeMap<String, BTreeSet<Right>> = BTreeMap::new();
        for right in rights {
            by_resource.entry(right.resource.clone().into_owned()).or_default().insert(right);
        }
        Self { superuser: false, by_resource }
    }

    /// Whether these are a superuser's.
    pub fn is_superuser(&self) -> bool {
        self.superuser
    }

    /// Whether one of the rights covers this one; a superuser needs none.
    pub fn allow(&self, right: &Right) -> bool {
        let held = self.by_resource.get(right.resource.as_ref());
        self.superuser || held.is_some_and(|held| held.iter().any(|held| held.covers(right)))
    }

    /// Every right, in order of resource and action; none for a superuser, who needs none.
    pub fn rights(&self) -> impl Iterator<Item = Right> + '_ {
        self.by_resource.values().flatten().cloned()
    }
}
