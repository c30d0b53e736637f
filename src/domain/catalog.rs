//! Roles, resources and actions: three lists of named things with the same columns (S4-43, S4-50, S4-52), and
//! permissions, which pair a resource with an action (S4-49).

use super::error::{Entity, Error, Result};
use super::ids::{ActionId, PermissionId, ResourceId};
use super::rights::{Right, resource};
use super::users::{filled, trimmed};

/// Longest name and code name, in characters (S4-43).
pub const NAME_MAX: usize = 100;
/// Longest description, in characters.
pub const DESCRIPTION_MAX: usize = 2000;

/// Which of the three lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each variant is the noun itself")]
pub enum Kind {
    Role,
    Resource,
    Action,
}

impl Kind {
    /// The kind of thing, for errors.
    pub fn entity(self) -> Entity {
        match self {
            Kind::Role => Entity::Role,
            Kind::Resource => Entity::Resource,
            Kind::Action => Entity::Action,
        }
    }

    /// Code name of the resource that guards the list (D-9).
    pub fn resource(self) -> &'static str {
        match self {
            Kind::Role => resource::ROLES,
            Kind::Resource => resource::RESOURCES,
            Kind::Action => resource::ACTIONS,
        }
    }
}

/// A role, a resource or an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Never reused.
    pub id: i64,
    /// For people; unique in its list.
    pub name: String,
    /// For programs; unique in its list.
    pub code_name: String,
    /// Free text.
    pub description: Option<String>,
}

/// A new role, resource or action.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of `Named`")]
pub struct NewNamed {
    pub name: String,
    pub code_name: CodeName,
    pub description: Option<String>,
}

impl NewNamed {
    /// The same with its texts as they are kept: white space around them is no part of them, and an empty description
    /// is none.
    #[must_use]
    pub fn normalised(self) -> Self {
        Self { name: trimmed(self.name), description: filled(self.description), ..self }
    }
}

/// A change; `None` leaves a field as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of `Named`")]
pub struct NamedPatch {
    pub name: Option<String>,
    pub code_name: Option<CodeName>,
    pub description: Option<Option<String>>,
}

impl NamedPatch {
    /// The same with its texts as they are kept; see [`NewNamed::normalised`].
    #[must_use]
    pub fn normalised(self) -> Self {
        Self { name: self.name.map(trimmed), description: self.description.map(filled), ..self }
    }
}

/// A name for programs: 1 to 100 of `a-z 0-9 _ - .`, beginning with a letter (S4-44: Latin letters). One alphabet and
/// one case, so that no look-alike of `all` or `admin` can exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeName(String);

impl CodeName {
    /// # Errors
    /// `Invalid("code_name")` when the text is not of that form.
    pub fn parse(text: &str) -> Result<Self> {
        let text = text.trim();
        let good = text.len() <= NAME_MAX
            && text.starts_with(|c: char| c.is_ascii_lowercase())
            && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-.".contains(c));
        if good {
            return Ok(Self(text.to_owned()));
        }
        let message = "Enter a code name of at most 100 lower-case Latin letters, digits, \"_\", \"-\" and \".\" that \
             begins with a letter.";
        Err(Error::invalid("code_name", "invalid", message))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// One concrete right as data: an action on a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permission {
    /// Never reused.
    pub id: PermissionId,
    /// The resource.
    pub resource_id: ResourceId,
    /// The action.
    pub action_id: ActionId,
    /// The pair by code names.
    pub right: Right,
}
