//! The words of a plan, for people, and the writes behind them.

use crate::domain::catalog::{Kind, NamedPatch, NewNamed};
use crate::domain::ids::{PermissionId, RoleId};
use crate::domain::rights::Right;

/// What happens to one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each variant is the word itself")]
pub enum Change {
    Added,
    Changed,
    Unchanged,
    Removed,
}

impl Change {
    /// The word, lower case.
    pub fn as_str(self) -> &'static str {
        match self {
            Change::Added => "added",
            Change::Changed => "changed",
            Change::Unchanged => "unchanged",
            Change::Removed => "removed",
        }
    }
}

/// To what kind of thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    /// A resource.
    Resource,
    /// An action.
    Action,
    /// A pair of both.
    Permission,
    /// A role.
    Role,
    /// One permission of one role.
    RolePermission,
}

impl Part {
    /// The word, lower case.
    pub fn as_str(self) -> &'static str {
        match self {
            Part::Resource => "resource",
            Part::Action => "action",
            Part::Permission => "permission",
            Part::Role => "role",
            Part::RolePermission => "role_permission",
        }
    }
}

impl From<Kind> for Part {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Role => Part::Role,
            Kind::Resource => Part::Resource,
            Kind::Action => Part::Action,
        }
    }
}

/// One line of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What happens.
    pub change: Change,
    /// To what kind of thing.
    pub kind: Part,
    /// Code name, or `resource:action` for a permission; for a permission of a role, the role's.
    pub name: String,
    /// What changes; for a permission of a role, the permission. May be empty.
    pub detail: String,
}

/// What a load would do, or has done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// In the order of the files, what goes at the end.
    pub steps: Vec<Step>,
}

impl Plan {
    /// How many steps are of this sort.
    pub fn count(&self, change: Change) -> usize {
        self.steps.iter().filter(|step| step.change == change).count()
    }
}

/// A step and how it is done.
pub(super) struct Work {
    pub step: Step,
    pub op: Option<Op>,
}

impl Work {
    pub(super) fn new(change: Change, kind: Part, name: &str, detail: String, op: Option<Op>) -> Self {
        Self { step: Step { change, kind, name: name.to_owned(), detail }, op }
    }

    pub(super) fn unchanged(kind: Part, name: &str, detail: String) -> Self {
        Self::new(Change::Unchanged, kind, name, detail, None)
    }
}

/// One write.
pub(super) enum Op {
    Insert(Kind, NewNamed),
    Patch { kind: Kind, id: i64, code_name: String, patch: NamedPatch },
    Delete { kind: Kind, id: i64, code_name: String },
    Pair(Right),
    Unpair(PermissionId, Right),
    Allow { role: String, right: Right },
    Deny { role: RoleId, permission: PermissionId, right: Right },
}
