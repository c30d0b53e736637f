//! Roles, resources, actions and permissions over the wire.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{NamedOut, PermissionIn, RefIn, permission_refs};
use crate::domain::catalog::{CodeName, NamedPatch, NewNamed};
use crate::domain::error::Result;
use crate::http::body::{ReadOnly, Sent};
use crate::service::Ref;
use crate::service::permissions::PermissionRef;
use crate::service::roles::Role;

/// A resource or an action to make, or to write anew.
#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "what is read-only is taken and not looked at")]
pub struct NamedCreate {
    /// For people; unique.
    #[schemars(length(min = 1, max = 100))]
    name: String,
    /// For programs; unique. At most 100 of `a-z 0-9 _ - .`, beginning with a letter.
    #[schemars(length(min = 1, max = 100), extend("format" = "code_name"))]
    code_name: String,
    /// Free text.
    #[serde(default)]
    #[schemars(length(max = 2000))]
    description: Sent<Option<String>>,
    #[serde(default)]
    id: ReadOnly,
}

/// A resource or an action to change: what is left out stays as it is.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct NamedUpdate {
    /// For people; unique.
    #[schemars(length(min = 1, max = 100))]
    name: Sent<String>,
    /// For programs; unique.
    #[schemars(length(min = 1, max = 100), extend("format" = "code_name"))]
    code_name: Sent<String>,
    /// Free text.
    #[schemars(length(max = 2000))]
    description: Sent<Option<String>>,
    id: ReadOnly,
}

impl NamedCreate {
    /// What it means to make.
    ///
    /// # Errors
    /// `Invalid("code_name")`.
    pub fn into_command(self) -> Result<NewNamed> {
        let code_name = CodeName::parse(&self.code_name)?;
        Ok(NewNamed { name: self.name, code_name, description: self.description.0.flatten() })
    }

    /// The same as a change.
    ///
    /// # Errors
    /// `Invalid("code_name")`.
    pub fn into_patch(self) -> Result<NamedPatch> {
        let code_name = CodeName::parse(&self.code_name)?;
        Ok(NamedPatch { name: Some(self.name), code_name: Some(code_name), description: self.description.0 })
    }
}

impl NamedUpdate {
    /// The change it means.
    ///
    /// # Errors
    /// `Invalid("code_name")`.
    pub fn into_command(self) -> Result<NamedPatch> {
        let code_name = self.code_name.0.as_deref().map(CodeName::parse).transpose()?;
        Ok(NamedPatch { name: self.name.0, code_name, description: self.description.0 })
    }
}

/// A role.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Role")]
pub struct RoleOut {
    #[serde(flatten)]
    named: NamedOut,
    /// Ids of its permissions.
    permissions: Vec<i64>,
}

impl From<Role> for RoleOut {
    fn from(Role { named, permissions }: Role) -> Self {
        Self { named: named.into(), permissions: permissions.into_iter().map(|permission| permission.0).collect() }
    }
}

/// A role to make, or to write anew.
#[derive(Deserialize, JsonSchema)]
pub struct RoleCreate {
    #[serde(flatten)]
    named: NamedCreate,
    /// Permissions, by id or as `resource:action`: all that the role is to have.
    #[serde(default)]
    #[schemars(length(max = 1000))]
    permissions: Sent<Vec<PermissionIn>>,
}

/// A role to change: what is left out stays as it is.
#[derive(Deserialize, JsonSchema)]
pub struct RoleUpdate {
    #[serde(flatten)]
    named: NamedUpdate,
    /// Permissions, by id or as `resource:action`: all that the role is to have.
    #[serde(default)]
    #[schemars(length(max = 1000))]
    permissions: Sent<Vec<PermissionIn>>,
}

impl RoleCreate {
    /// What it means to make.
    ///
    /// # Errors
    /// `Invalid` with what is wrong.
    pub fn into_command(self) -> Result<(NewNamed, Vec<PermissionRef>)> {
        Ok((self.named.into_command()?, permission_refs(self.permissions.0.unwrap_or_default())?))
    }

    /// The same as a change.
    ///
    /// # Errors
    /// `Invalid` with what is wrong.
    pub fn into_patch(self) -> Result<(NamedPatch, Option<Vec<PermissionRef>>)> {
        Ok((self.named.into_patch()?, self.permissions.0.map(permission_refs).transpose()?))
    }
}

impl RoleUpdate {
    /// The change it means.
    ///
    /// # Errors
    /// `Invalid` with what is wrong.
    pub fn into_command(self) -> Result<(NamedPatch, Option<Vec<PermissionRef>>)> {
        Ok((self.named.into_command()?, self.permissions.0.map(permission_refs).transpose()?))
    }
}

/// A permission to make, or to write anew.
#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "what is read-only is taken and not looked at")]
pub struct PermissionCreate {
    /// The resource, by id or code name.
    resource: RefIn,
    /// The action, by id or code name.
    action: RefIn,
    #[serde(default)]
    id: ReadOnly,
    #[serde(default)]
    resource_code: ReadOnly,
    #[serde(default)]
    action_code: ReadOnly,
    #[serde(default)]
    code_name: ReadOnly,
}

/// A permission to change: what is left out stays as it is.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct PermissionUpdate {
    /// The resource, by id or code name.
    resource: Sent<RefIn>,
    /// The action, by id or code name.
    action: Sent<RefIn>,
    id: ReadOnly,
    resource_code: ReadOnly,
    action_code: ReadOnly,
    code_name: ReadOnly,
}

impl PermissionCreate {
    /// Resource and action.
    pub fn into_command(self) -> (Ref, Ref) {
        (self.resource.into(), self.action.into())
    }
}

impl PermissionUpdate {
    /// Resource and action, as far as they are to change.
    pub fn into_command(self) -> (Option<Ref>, Option<Ref>) {
        (self.resource.0.map(Ref::from), self.action.0.map(Ref::from))
    }
}

/// A role to give to a user.
#[derive(Deserialize, JsonSchema)]
pub struct RoleGrant {
    /// The role, by id or code name.
    pub role: RefIn,
}

/// A permission to give to a role.
#[derive(Deserialize, JsonSchema)]
pub struct PermissionGrant {
    /// The permission, by id or as `resource:action`.
    pub permission: PermissionIn,
}
