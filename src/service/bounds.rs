//! Bounds: nobody gives what he does not hold, nor reaches above himself, and an active superuser always remains
//! . An operator at the command line holds everything.

use crate::domain::error::{Conflict, Error, Refusal, Result};
use crate::domain::ids::UserId;
use crate::domain::rights::{Right, action, resource};
use crate::domain::users::User;
use crate::service::{Actor, Ctx};
use crate::store::Tx;

/// Passes if the actor holds every one of these rights himself.
///
/// # Errors
/// `Forbidden(Beyond)` with the first that he lacks.
pub(super) fn holds_all<'r>(ctx: &Ctx, rights: impl IntoIterator<Item = &'r Right>) -> Result<()> {
    let own = ctx.grants();
    match rights.into_iter().find(|right| !own.allow(right)) {
        Some(right) => Err(Error::Forbidden(Refusal::Beyond(right.clone()))),
        None => Ok(()),
    }
}

/// Passes superusers and operators.
///
/// # Errors
/// `Forbidden(SuperuserOnly)`.
pub(super) fn superuser(ctx: &Ctx) -> Result<()> {
    if ctx.grants().is_superuser() { Ok(()) } else { Err(Error::Forbidden(Refusal::SuperuserOnly)) }
}

/// Passes if the actor may change this account at all: only a superuser changes staff and superusers.
///
/// # Errors
/// `Forbidden(SuperuserOnly)`.
pub(super) fn may_touch(ctx: &Ctx, target: &User) -> Result<()> {
    if target.is_privileged() { superuser(ctx) } else { Ok(()) }
}

/// Passes if the actor may take over or shut out this user, by changing how he signs in, whether he may, or what he
/// holds: then he must hold every right that the user holds. A guest takes over nobody who has a role at all.
///
/// # Errors
/// `Forbidden(SuperuserOnly)` or `Forbidden(Beyond)`.
pub(super) fn may_command(ctx: &Ctx, tx: &dyn Tx, target: &User) -> Result<()> {
    may_touch(ctx, target)?;
    if matches!(ctx.actor, Actor::User(caller) if caller.user == target.id) {
        return Ok(());
    }
    let rights = tx.rights_of_user(target.id)?;
    // A guest is one at a single door: whoever takes an account with a role uses it at all of them.
    if matches!(ctx.actor, Actor::Guest(_)) && !tx.roles_of_user(target.id)?.is_empty() {
        let beyond = rights.into_iter().next().unwrap_or_else(|| Right::of(resource::USERS, action::ALL));
        return Err(Error::Forbidden(Refusal::Beyond(beyond)));
    }
    holds_all(ctx, &rights)
}

/// Passes if there is an active superuser left besides this user. To be asked before he stops being one, in the same
/// transaction.
///
/// # Errors
/// `Conflict(LastSuperuser)`.
pub(super) fn not_the_last(tx: &dyn Tx, user: UserId) -> Result<()> {
    let counts = tx.user(user)?.is_some_and(|user| user.is_superuser && user.is_active);
    let left = tx.count_active_superusers()?.saturating_sub(u64::from(counts));
    if counts && left == 0 { Err(Error::Conflict(Conflict::LastSuperuser)) } else { Ok(()) }
}
