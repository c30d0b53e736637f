//! Roles: what they allow, and who has them.

use serde_json::json;

use crate::domain::catalog::{Kind, Named, NamedPatch, NewNamed, Permission};
use crate::domain::error::{Entity, Error, Result};
use crate::domain::ids::{PermissionId, RoleId, UserId};
use crate::domain::pages::{Listing, PageOf};
use crate::domain::rights::{Right, action, resource};
use crate::service::permissions::{self, PermissionRef};
use crate::service::{Ctx, Ensured, Ref, bounds, catalog, missing_reference};
use crate::store::Tx;

/// A role and the ids of its permissions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// Its names.
    pub named: Named,
    /// Its permissions, in order.
    pub permissions: Vec<PermissionId>,
}

/// Roles.
///
/// Needs `roles:read`.
///
/// # Errors
/// `Forbidden`, and those of the store.
pub fn list(ctx: &Ctx, listing: &Listing) -> Result<PageOf<Role>> {
    ctx.require(&Right::of(resource::ROLES, action::READ))?;
    ctx.env.store.read(|tx| {
        let items = tx.list_named(Kind::Role, listing)?;
        let items = items.into_iter().map(|named| with_permissions(tx, named)).collect::<Result<_>>()?;
        Ok(PageOf { items, total: tx.count_named(Kind::Role, listing)? })
    })
}

/// One role.
///
/// Needs `roles:read`.
///
/// # Errors
/// `Forbidden`, `NotFound(Role)`, and those of the store.
pub fn get(ctx: &Ctx, id: RoleId) -> Result<Role> {
    ctx.require(&Right::of(resource::ROLES, action::READ))?;
    ctx.env.store.read(|tx| with_permissions(tx, catalog::resolve(tx, Kind::Role, &Ref::Id(id.0))?))
}

/// How many users have a role.
///
/// Needs `roles:read`.
///
/// # Errors
/// `Forbidden`, and those of the store.
pub fn members(ctx: &Ctx, id: RoleId) -> Result<u64> {
    ctx.require(&Right::of(resource::ROLES, action::READ))?;
    ctx.env.store.read(|tx| tx.count_members(id))
}

/// Makes a role.
///
/// Needs `roles:create`, and every right given. Writes it and one `role.created` event, and for each permission one
/// `role.allowed` event.
///
/// # Errors
/// `Forbidden`; `Invalid` — as for a resource, or `permissions`: one that does not exist; `Conflict(Taken)`; and those of the
/// store.
pub fn create(ctx: &Ctx, new: NewNamed, permissions: &[PermissionRef]) -> Result<Role> {
    ctx.require(&Right::of(resource::ROLES, action::CREATE))?;
    ctx.write(|tx| {
        let named = catalog::insert(ctx, tx, Kind::Role, new)?;
        set_permissions(ctx, tx, RoleId(named.id), permissions)?;
        with_permissions(tx, named)
    })
}

/// Makes a role unless there is one of its code name or its name. Of one that is there its names are compared, and that
/// it has these permissions; it may have more.
///
/// Needs `roles:create`, `roles:read`, and every right given. Writes what [`create`] writes, or nothing.
///
/// # Errors
/// Those of [`create`].
pub fn ensure(ctx: &Ctx, new: NewNamed, permissions: &[PermissionRef]) -> Result<Ensured<Role>> {
    ctx.require(&Right::of(resource::ROLES, action::CREATE))?;
    ctx.require(&Right::of(resource::ROLES, action::READ))?;
    ctx.write(|tx| {
        if let Some((there, mut fields)) = catalog::there(tx, Kind::Role, &new)? {
            let held = tx.permissions_of_role(RoleId(there.id))?;
            let holds = |which: &PermissionRef| match which {
                PermissionRef::Id(id) => held.iter().any(|permission| permission.id.0 == *id),
                PermissionRef::Right(right) => held.iter().any(|permission| permission.right == *right),
            };
            if !permissions.iter().all(holds) {
                fields.push("permissions");
            }
            let there = with_permissions(tx, there)?;
            return Ok(Ensured::of(there, fields));
        }
        let named = catalog::insert(ctx, tx, Kind::Role, new)?;
        set_permissions(ctx, tx, RoleId(named.id), permissions)?;
        with_permissions(tx, named).map(Ensured::Created)
    })
}

/// Changes a role; `permissions`, if given, are all it has afterwards.
///
/// Needs `roles:update`; every right added or taken; for a new code name every right it gives. Writes it and one
/// `role.updated`, `role.allowed` or `role.denied` event for each thing that changes.
///
/// # Errors
/// `Forbidden`; `NotFound(Role)`; `Invalid` — as for [`create`]; `Conflict(Taken)`; and those of the store.
pub fn update(ctx: &Ctx, id: RoleId, patch: NamedPatch, permissions: Option<&[PermissionRef]>) -> Result<Role> {
    ctx.require(&Right::of(resource::ROLES, action::UPDATE))?;
    ctx.write(|tx| {
        let named = catalog::change(ctx, tx, Kind::Role, id.0, patch)?;
        if let Some(permissions) = permissions {
            set_permissions(ctx, tx, id, permissions)?;
        }
        with_permissions(tx, named)
    })
}

/// Deletes a role and takes it from everybody.
///
/// Needs `roles:delete`, and every right of the role. Writes the deletion and one `role.deleted` event.
///
/// # Errors
/// `Forbidden`, `NotFound(Role)`, and those of the store.
pub fn delete(ctx: &Ctx, id: RoleId) -> Result<()> {
    ctx.require(&Right::of(resource::ROLES, action::DELETE))?;
    ctx.end(|tx| catalog::remove(ctx, tx, Kind::Role, id.0))
}

/// Permissions of a role.
///
/// Needs `roles:read`.
///
/// # Errors
/// `Forbidden`, `NotFound(Role)`, and those of the store.
pub fn permissions(ctx: &Ctx, role: RoleId) -> Result<Vec<Permission>> {
    ctx.require(&Right::of(resource::ROLES, action::READ))?;
    ctx.env.store.read(|tx| {
        catalog::resolve(tx, Kind::Role, &Ref::Id(role.0))?;
        tx.permissions_of_role(role)
    })
}

/// Gives a role permissions, all or none; a pair of existing code names that is no permission yet is made one. Says for
/// each whether it is new to the role.
///
/// Needs `roles:update`, and the rights themselves. Writes one `role.allowed` event for each that is new.
///
/// # Errors
/// `Forbidden`; `NotFound(Role)`; `Invalid("permissions")` — one does not exist; and those of the store.
pub fn allow(ctx: &Ctx, role: RoleId, which: &[PermissionRef]) -> Result<Vec<(Permission, bool)>> {
    ctx.require(&Right::of(resource::ROLES, action::UPDATE))?;
    ctx.write(|tx| {
        catalog::resolve(tx, Kind::Role, &Ref::Id(role.0))?;
        let permissions = which.iter().map(|which| permissions::resolve(ctx, tx, which, true));
        let permissions: Vec<Permission> = permissions.collect::<Result<_>>()?;
        permissions.into_iter().map(|permission| give(ctx, tx, role, permission)).collect()
    })
}

/// Takes permissions from a role, all or none. Says for each whether the role had it.
///
/// Needs `roles:update`, and the rights themselves: to weaken a role is to reach the people who have it. Writes one
/// `role.denied` event for each that it had.
///
/// # Errors
/// `Forbidden`; `NotFound(Role)`; `NotFound(Permission)` — no permission has this id; `Invalid("permissions")` — a pair is no
/// permission; and those of the store.
pub fn deny(ctx: &Ctx, role: RoleId, which: &[PermissionRef]) -> Result<Vec<(Permission, bool)>> {
    ctx.require(&Right::of(resource::ROLES, action::UPDATE))?;
    ctx.end(|tx| {
        catalog::resolve(tx, Kind::Role, &Ref::Id(role.0))?;
        let permissions = which.iter().map(|which| match (which, permissions::resolve(ctx, tx, which, false)) {
            // Named by its id, it is what the operation is about, not a word in a body.
            (PermissionRef::Id(_), Err(Error::Invalid(_))) => Err(Error::NotFound(Entity::Permission)),
            (_, found) => found,
        });
        let permissions: Vec<Permission> = permissions.collect::<Result<_>>()?;
        permissions.into_iter().map(|permission| take(ctx, tx, role, permission)).collect()
    })
}

/// Roles of a user.
///
/// Needs `users:read`.
///
/// # Errors
/// `Forbidden`, `NotFound(User)`, and those of the store.
pub fn of_user(ctx: &Ctx, user: UserId) -> Result<Vec<Named>> {
    ctx.require(&Right::of(resource::USERS, action::READ))?;
    ctx.env.store.read(|tx| {
        tx.user(user)?.ok_or(Error::NotFound(Entity::User))?;
        tx.roles_of_user(user)
    })
}

/// Gives a user a role; `false` if he had it.
///
/// Needs `users:update`, and every right of the role. Writes the link and one `role.granted` event.
///
/// # Errors
/// `Forbidden`; `NotFound(User)`; `NotFound(Role)`; and those of the store.
pub fn grant(ctx: &Ctx, user: UserId, role: &Ref) -> Result<(Named, bool)> {
    ctx.require(&Right::of(resource::USERS, action::UPDATE))?;
    ctx.write(|tx| {
        let user = tx.user(user)?.ok_or(Error::NotFound(Entity::User))?;
        let role = catalog::resolve(tx, Kind::Role, role)?;
        bounds::may_touch(ctx, &user)?;
        let new = link(ctx, tx, user.id, &role)?;
        Ok((role, new))
    })
}

/// Takes a role from a user; `false` if he did not have it.
///
/// Needs `users:update`, and every right that the user holds. Writes the link and one `role.revoked` event.
///
/// # Errors
/// `Forbidden`; `NotFound(User)`; `NotFound(Role)`; and those of the store.
pub fn revoke(ctx: &Ctx, user: UserId, role: &Ref) -> Result<(Named, bool)> {
    ctx.require(&Right::of(resource::USERS, action::UPDATE))?;
    ctx.end(|tx| {
        let user = tx.user(user)?.ok_or(Error::NotFound(Entity::User))?;
        let role = catalog::resolve(tx, Kind::Role, role)?;
        bounds::may_command(ctx, tx, &user)?;
        let had = unlink(ctx, tx, user.id, &role)?;
        Ok((role, had))
    })
}

/// Makes these the roles of a user.
pub(super) fn set_of_user(ctx: &Ctx, tx: &dyn Tx, user: UserId, wanted: &[Named]) -> Result<()> {
    let there = tx.roles_of_user(user)?;
    let gone: Vec<&Named> = there.iter().filter(|role| !wanted.contains(role)).collect();
    if !gone.is_empty() {
        bounds::may_command(ctx, tx, &tx.user(user)?.ok_or(Error::NotFound(Entity::User))?)?;
    }
    for role in gone {
        unlink(ctx, tx, user, role)?;
    }
    for role in wanted.iter().filter(|role| !there.contains(role)) {
        link(ctx, tx, user, role)?;
    }
    Ok(())
}

/// Their code names, for the audit trail.
pub(super) fn code_names(roles: &[Named]) -> Vec<&str> {
    roles.iter().map(|role| role.code_name.as_str()).collect()
}

/// The roles that a body names, each once, by id.
pub(super) fn resolve_all(tx: &dyn Tx, wanted: &[Ref]) -> Result<Vec<Named>> {
    let mut roles = Vec::new();
    for which in wanted {
        let role = catalog::resolve(tx, Kind::Role, which).map_err(|error| match error {
            Error::NotFound(Entity::Role) => missing_reference("roles", &which.to_string()),
            other => other,
        })?;
        if !roles.contains(&role) {
            roles.push(role);
        }
    }
    roles.sort_by_key(|role| role.id);
    Ok(roles)
}

fn with_permissions(tx: &dyn Tx, named: Named) -> Result<Role> {
    let permissions = tx.permissions_of_role(RoleId(named.id))?;
    Ok(Role { named, permissions: permissions.into_iter().map(|permission| permission.id).collect() })
}

/// Makes these the permissions of a role.
pub(super) fn set_permissions(ctx: &Ctx, tx: &dyn Tx, role: RoleId, wanted: &[PermissionRef]) -> Result<()> {
    let wanted = wanted.iter().map(|which| permissions::resolve(ctx, tx, which, true));
    let wanted: Vec<Permission> = wanted.collect::<Result<_>>()?;
    for there in tx.permissions_of_role(role)? {
        if !wanted.contains(&there) {
            take(ctx, tx, role, there)?;
        }
    }
    for permission in wanted {
        give(ctx, tx, role, permission)?;
    }
    Ok(())
}

fn give(ctx: &Ctx, tx: &dyn Tx, role: RoleId, permission: Permission) -> Result<(Permission, bool)> {
    let new = tx.allow(role, permission.id)?;
    if new {
        // An error undoes the whole transaction.
        bounds::holds_all(ctx, [&permission.right])?;
        let details = json!({"right": permission.right.to_string()});
        tx.record(&ctx.event("role.allowed", "role", Some(role.0), details))?;
    }
    Ok((permission, new))
}

fn take(ctx: &Ctx, tx: &dyn Tx, role: RoleId, permission: Permission) -> Result<(Permission, bool)> {
    let had = tx.deny(role, permission.id)?;
    if had {
        bounds::holds_all(ctx, [&permission.right])?;
        let details = json!({"right": permission.right.to_string()});
        tx.record(&ctx.event("role.denied", "role", Some(role.0), details))?;
    }
    Ok((permission, had))
}

/// Gives a user a role; false if he had it.
pub(super) fn link(ctx: &Ctx, tx: &dyn Tx, user: UserId, role: &Named) -> Result<bool> {
    let rights: Vec<Right> = tx.permissions_of_role(RoleId(role.id))?.into_iter().map(|p| p.right).collect();
    bounds::holds_all(ctx, &rights)?;
    let new = tx.grant(user, RoleId(role.id))?;
    if new {
        tx.record(&ctx.event("role.granted", "user", Some(user.0), json!({"role": role.code_name})))?;
    }
    Ok(new)
}

fn unlink(ctx: &Ctx, tx: &dyn Tx, user: UserId, role: &Named) -> Result<bool> {
    let had = tx.revoke(user, RoleId(role.id))?;
    if had {
        tx.record(&ctx.event("role.revoked", "user", Some(user.0), json!({"role": role.code_name})))?;
    }
    Ok(had)
}
