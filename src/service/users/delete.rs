//! Deleting an account.

use serde_json::json;

use crate::domain::error::{Entity, Error, Result};
use crate::domain::ids::UserId;
use crate::domain::rights::{Right, action, resource};
use crate::domain::users::User;
use crate::service::me::{self, Proof};
use crate::service::{Ctx, bounds, links};
use crate::store::Tx;

/// Deletes an account with its sessions, tokens and role memberships.
///
/// Needs `users:delete`, and what R-38 asks besides. Writes the deletion and one `user.deleted` event.
///
/// # Errors
/// `Forbidden`, `NotFound(User)`, `Conflict(LastSuperuser)`, and those of the store.
pub fn delete(ctx: &Ctx, id: UserId) -> Result<()> {
    delete_proved(ctx, id, None)
}

/// The same for whoever also shows his own password, as Djoser has it. Nobody needs a right to delete himself.
///
/// Needs `users:delete` for anybody else. Writes what [`delete`] writes.
///
/// # Errors
/// Those of [`delete`]; `Invalid("current_password")` — it is not the caller's; `Unauthenticated`; `Unavailable` — too
/// many hashes are being computed.
pub fn delete_by(ctx: &Ctx, id: UserId, current_password: &str) -> Result<()> {
    if ctx.caller()?.user == id {
        return me::delete(ctx, current_password);
    }
    ctx.require(&Right::of(resource::USERS, action::DELETE))?;
    ctx.env.store.read(|tx| tx.user(id))?.ok_or(Error::NotFound(Entity::User))?;
    let proof = Proof::of(ctx, current_password)?;
    delete_proved(ctx, id, Some(proof))
}

fn delete_proved(ctx: &Ctx, id: UserId, proof: Option<Proof>) -> Result<()> {
    ctx.require(&Right::of(resource::USERS, action::DELETE))?;
    ctx.end(|tx| {
        proof.as_ref().map(|proof| proof.holds(tx)).transpose()?;
        let user = tx.user(id)?.ok_or(Error::NotFound(Entity::User))?;
        bounds::may_command(ctx, tx, &user)?;
        remove(ctx, tx, &user)
    })
}

/// Writes the deletion, whoever was found to be allowed to do it.
pub(in crate::service) fn remove(ctx: &Ctx, tx: &dyn Tx, user: &User) -> Result<()> {
    bounds::not_the_last(tx, user.id)?;
    links::forget(tx, user.id)?;
    tx.delete_user(user.id)?;
    tx.record(&ctx.event("user.deleted", "user", Some(user.id.0), json!({"user": user.label()})))
}
