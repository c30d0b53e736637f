//! What goes over the wire: bodies in, answers out. Only fields written here can leave the program.

pub mod api_tokens;
pub mod audit;
pub mod checks;
pub mod keys;
pub mod named;
pub mod sessions;
pub mod sign_in;
pub mod users;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::domain::catalog::{Named, Permission};
use crate::domain::error::{Error, Result};
use crate::domain::rights::Right;
use crate::service::Ref;
use crate::service::permissions::PermissionRef;

/// A role, resource or action, by id or code name.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum RefIn {
    /// By id.
    Id(i64),
    /// By code name.
    Code(String),
}

impl JsonSchema for RefIn {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "IdOrCodeName".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": ["integer", "string"], "minLength": 1, "description": "Id or code name."})
    }
}

impl From<RefIn> for Ref {
    fn from(which: RefIn) -> Self {
        match which {
            RefIn::Id(id) => Ref::Id(id),
            RefIn::Code(code) => Ref::Code(code),
        }
    }
}

/// A permission, by id or as `resource:action`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum PermissionIn {
    /// By id.
    Id(i64),
    /// By its pair.
    Right(String),
}

impl JsonSchema for PermissionIn {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "IdOrPermission".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["integer", "string"],
            "format": "permission",
            "minLength": 1,
            "description": "Id, or `resource:action`.",
        })
    }
}

impl PermissionIn {
    /// What it names.
    ///
    /// # Errors
    /// `Invalid("permission")` when it is a text of another form.
    pub fn into_ref(self) -> Result<PermissionRef> {
        match self {
            PermissionIn::Id(id) => Ok(PermissionRef::Id(id)),
            PermissionIn::Right(text) => Right::parse(&text)
                .map(PermissionRef::Right)
                .ok_or_else(|| Error::invalid("permission", "invalid", "Enter a permission as \"resource:action\".")),
        }
    }
}

/// Several of them.
///
/// # Errors
/// Those of [`PermissionIn::into_ref`].
pub fn permission_refs(several: Vec<PermissionIn>) -> Result<Vec<PermissionRef>> {
    several.into_iter().map(PermissionIn::into_ref).collect()
}

/// A role, resource or action.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Named")]
pub struct NamedOut {
    /// Never used again for another.
    pub id: i64,
    /// For people; unique.
    pub name: String,
    /// For programs; unique.
    pub code_name: String,
    /// Free text.
    pub description: Option<String>,
}

impl From<Named> for NamedOut {
    fn from(named: Named) -> Self {
        let Named { id, name, code_name, description } = named;
        Self { id, name, code_name, description }
    }
}

/// A permission: an action on a resource.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Permission")]
pub struct PermissionOut {
    /// Never used again for another.
    pub id: i64,
    /// Id of the resource.
    pub resource: i64,
    /// Id of the action.
    pub action: i64,
    /// Code name of the resource.
    pub resource_code: String,
    /// Code name of the action.
    pub action_code: String,
    /// Both: `users:read`.
    pub code_name: String,
}

impl From<Permission> for PermissionOut {
    fn from(permission: Permission) -> Self {
        Self {
            id: permission.id.0,
            resource: permission.resource_id.0,
            action: permission.action_id.0,
            code_name: permission.right.to_string(),
            resource_code: permission.right.resource.into_owned(),
            action_code: permission.right.action.into_owned(),
        }
    }
}
