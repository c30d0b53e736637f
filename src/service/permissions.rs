//! Permissions: which actions there are on which resources (S4-49).

use serde_json::json;

use crate::domain::catalog::{Kind, Permission};
use crate::domain::error::{Conflict, Entity, Error, Result};
use crate::domain::ids::{ActionId, PermissionId, ResourceId};
use crate::domain::pages::{Listing, PageOf};
use crate::domain::rights::{Right, action, resource};
use crate::service::{Ctx, Ref, bounds, catalog, missing_reference};
use crate::store::Tx;

pub use crate::store::catalog::PERMISSION_ORDER as ORDER;

/// How a door names a permission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PermissionRef {
    /// By id.
    Id(i64),
    /// By the code names of its two sides.
    Right(Right),
}

/// Permissions.
///
/// Needs `permissions:read`.
///
/// # Errors
/// `Forbidden`, and those of the store.
pub fn list(ctx: &Ctx, listing: &Listing) -> Result<PageOf<Permission>> {
    ctx.require(&Right::of(resource::PERMISSIONS, action::READ))?;
    ctx.env.store.read(|tx| Ok(PageOf { items: tx.list_permissions(listing)?, total: tx.count_permissions(listing)? }))
}

/// One permission.
///
/// Needs `permissions:read`.
///
/// # Errors
/// `Forbidden`, `NotFound(Permission)`, and those of the store.
pub fn get(ctx: &Ctx, id: PermissionId) -> Result<Permission> {
    ctx.require(&Right::of(resource::PERMISSIONS, action::READ))?;
    ctx.env.store.read(|tx| tx.permission(id))?.ok_or(Error::NotFound(Entity::Permission))
}

/// Makes a pair of resource and action a permission.
///
/// Needs `permissions:create`, and the right itself. Writes it and one `permission.created` event.
///
/// # Errors
/// `Forbidden`; `Invalid` — `resource` or `action` does not exist; `Conflict(Taken)`; and those of the store.
pub fn create(ctx: &Ctx, resource: &Ref, action: &Ref) -> Result<Permission> {
    ctx.require(&Right::of(resource::PERMISSIONS, action::CREATE))?;
    ctx.write(|tx| {
        let (resource, action, right) = pair(tx, resource, action)?;
        bounds::holds_all(ctx, [&right])?;
        if tx.permission_of(resource, action)?.is_some() {
            return Err(Error::Conflict(Conflict::Taken(Entity::Permission, "")));
        }
        insert(ctx, tx, resource, action, &right)
    })
}

/// Makes a permission another pair; `None` keeps a side. Every role that has it then gives the new right.
///
/// Needs `permissions:update`, the old right and the new one. Writes it and one `permission.updated` event.
///
/// # Errors
/// `Forbidden`; `NotFound(Permission)`; `Invalid` — `resource` or `action` does not exist; `Conflict(Taken)`; and those
/// of the store.
pub fn update(ctx: &Ctx, id: PermissionId, resource: Option<&Ref>, action: Option<&Ref>) -> Result<Permission> {
    ctx.require(&Right::of(resource::PERMISSIONS, action::UPDATE))?;
    ctx.write(|tx| {
        let there = tx.permission(id)?.ok_or(Error::NotFound(Entity::Permission))?;
        let resource = resource.cloned().unwrap_or(Ref::Id(there.resource_id.0));
        let action = action.cloned().unwrap_or(Ref::Id(there.action_id.0));
        let (resource, action, right) = pair(tx, &resource, &action)?;
        if right == there.right {
            return Ok(there);
        }
        bounds::holds_all(ctx, [&there.right, &right])?;
        if tx.permission_of(resource, action)?.is_some() {
            return Err(Error::Conflict(Conflict::Taken(Entity::Permission, "")));
        }
        tx.update_permission(id, resource, action)?;
        let details = json!({"right": right.to_string(), "before": there.right.to_string()});
        tx.record(&ctx.event("permission.updated", "permission", Some(id.0), details))?;
        tx.permission(id)?.ok_or(Error::NotFound(Entity::Permission))
    })
}

/// Deletes a permission and takes it from every role.
///
/// Needs `permissions:delete`, and the right itself. Writes the deletion and one `permission.deleted` event.
///
/// # Errors
/// `Forbidden`, `NotFound(Permission)`, and those of the store.
pub fn delete(ctx: &Ctx, id: PermissionId) -> Result<()> {
    ctx.require(&Right::of(resource::PERMISSIONS, action::DELETE))?;
    ctx.write(|tx| {
        let there = tx.permission(id)?.ok_or(Error::NotFound(Entity::Permission))?;
        bounds::holds_all(ctx, [&there.right])?;
        tx.delete_permission(id)?;
        let details = json!({"right": there.right.to_string()});
        tx.record(&ctx.event("permission.deleted", "permission", Some(id.0), details))
    })
}

/// The permission that a door names inside another body; a pair of existing code names that is no permission yet is
/// made one, if `make` and the actor may make permissions.
pub(super) fn resolve(ctx: &Ctx, tx: &dyn Tx, which: &PermissionRef, make: bool) -> Result<Permission> {
    let unknown = |what: String| missing_reference("permissions", &what);
    match which {
        PermissionRef::Id(id) => tx.permission(PermissionId(*id))?.ok_or_else(|| unknown(id.to_string())),
        PermissionRef::Right(right) => {
            if let Some(found) = tx.permission_by_right(right)? {
                return Ok(found);
            }
            let resource = tx.named_by_code(Kind::Resource, &right.resource)?;
            let action = tx.named_by_code(Kind::Action, &right.action)?;
            let (Some(resource), Some(action), true) = (resource, action, make) else {
                return Err(unknown(right.to_string()));
            };
            ctx.require(&Right::of(resource::PERMISSIONS, action::CREATE))?;
            bounds::holds_all(ctx, [right])?;
            insert(ctx, tx, ResourceId(resource.id), ActionId(action.id), right)
        }
    }
}

fn insert(ctx: &Ctx, tx: &dyn Tx, resource: ResourceId, action: ActionId, right: &Right) -> Result<Permission> {
    let id = tx.insert_permission(resource, action)?;
    tx.record(&ctx.event("permission.created", "permission", Some(id.0), json!({"right": right.to_string()})))?;
    tx.permission(id)?.ok_or(Error::NotFound(Entity::Permission))
}

fn pair(tx: &dyn Tx, resource: &Ref, action: &Ref) -> Result<(ResourceId, ActionId, Right)> {
    let side = |kind, which: &Ref, field: &str| {
        catalog::resolve(tx, kind, which).map_err(|error| match error {
            Error::NotFound(_) => missing_reference(field, &which.to_string()),
            other => other,
        })
    };
    let (resource, action) = match (side(Kind::Resource, resource, "resource"), side(Kind::Action, action, "action")) {
        (Err(Error::Invalid(mut wrong)), Err(Error::Invalid(more))) => {
            wrong.extend(more);
            return Err(Error::Invalid(wrong));
        }
        (resource, action) => (resource?, action?),
    };
    let right = Right::new(resource.code_name, action.code_name);
    Ok((ResourceId(resource.id), ActionId(action.id), right))
}
