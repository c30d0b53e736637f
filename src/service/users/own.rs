//! Accounts as the dialects of self-service know them: everybody has his own, and whoever holds rights on users has the
//! others' as well (D-8, D-17).

use crate::domain::error::{Entity, Error, Result};
use crate::domain::identifiers::{Email, Username, sign_in_keys};
use crate::domain::ids::UserId;
use crate::domain::pages::{Listing, PageOf};
use crate::domain::rights::{Right, action, resource};
use crate::domain::settings::Settings;
use crate::domain::users::{NewUser, UserPatch};
use crate::service::me::OwnPatch;
use crate::service::users::{self, Account, AccountPatch};
use crate::service::{Ctx, Env, me};

/// Those that the caller may see: all of them with `users:read`, else himself.
///
/// # Errors
/// `Unauthenticated`, and those of the store.
pub fn seen(ctx: &Ctx, listing: &Listing) -> Result<PageOf<Account>> {
    if ctx.require(&Right::of(resource::USERS, action::READ)).is_ok() {
        return users::list(ctx, listing);
    }
    let items = if listing.offset == 0 && listing.limit > 0 { vec![me::get(ctx)?] } else { Vec::new() };
    Ok(PageOf { items, total: 1 })
}

/// One user.
///
/// Needs `users:read`, or to be that user.
///
/// # Errors
/// `NotFound(User)`, also before `Forbidden`; those of the store.
pub fn see(ctx: &Ctx, id: UserId) -> Result<Account> {
    may(ctx, id, action::READ)?;
    ctx.env.store.read(|tx| users::account(tx, id))
}

/// Passes if there is such a user and the caller may do this to him: he is it himself, or holds the right on users.
///
/// # Errors
/// `NotFound(User)`, `Forbidden(Lacks)`, `Unauthenticated`, and those of the store.
pub fn may(ctx: &Ctx, id: UserId, action: &'static str) -> Result<()> {
    ctx.env.store.read(|tx| tx.user(id)?.map(drop).ok_or(Error::NotFound(Entity::User)))?;
    if is_me(ctx, id) { Ok(()) } else { ctx.require(&Right::of(resource::USERS, action)) }
}

/// Changes an account: one's own by the rules of [`me::update_own`], another's by those of [`users::update`].
///
/// # Errors
/// `NotFound(User)`, and those of the two.
pub fn change(ctx: &Ctx, id: UserId, patch: AccountPatch) -> Result<Account> {
    if is_me(ctx, id) { me::update_own(ctx, own(patch.profile)) } else { users::update(ctx, id, patch) }
}

/// Changes an account wholly, its password too. One's own password is changed by [`me::change_password`], which asks for
/// the old one: here it may only be said again.
///
/// # Errors
/// `Invalid("password")` for another password of one's own, and those of [`change`].
pub fn change_all(ctx: &Ctx, id: UserId, patch: AccountPatch) -> Result<Account> {
    let has_right = ctx.require(&Right::of(resource::USERS, action::UPDATE)).is_ok();
    if has_right || !is_me(ctx, id) {
        return users::update(ctx, id, patch);
    }
    if let Some(password) = &patch.password {
        me::check_password(ctx, password.as_str()).map_err(elsewhere)?;
    }
    me::update_own(ctx, own(patch.profile))
}

/// What of a change anybody may do to himself.
fn own(patch: UserPatch) -> OwnPatch {
    let UserPatch { email, phone, username, first_name, last_name, middle_name, .. } = patch;
    OwnPatch { email, phone, username, first_name, last_name, middle_name }
}

/// What to do for a new password of one's own.
fn elsewhere(error: Error) -> Error {
    match error {
        Error::Invalid(_) => {
            let message = "This is not your password. To change it, send both to me/password/ or users/set_password/.";
            Error::invalid("password", "invalid", message)
        }
        other => other,
    }
}

/// Deletes an account: one's own, or with the right another's.
///
/// # Errors
/// `NotFound(User)`, `Forbidden`, and those of [`me::leave`] and [`users::delete`].
pub fn erase(ctx: &Ctx, id: UserId) -> Result<()> {
    may(ctx, id, action::DELETE)?;
    if is_me(ctx, id) { me::leave(ctx) } else { users::delete(ctx, id) }
}

/// The id of the user of this username; the caller may know of him or not.
///
/// # Errors
/// `NotFound(User)`, and those of the store.
pub fn id_of(env: &Env, username: &str) -> Result<UserId> {
    let keys = sign_in_keys(username);
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let found = env.store.read(|tx| tx.user_by_keys(&keys))?;
    let found = found.filter(|user| user.username.as_ref().is_some_and(|name| keys.contains(&name.key())));
    found.map(|user| user.id).ok_or(Error::NotFound(Entity::User))
}

/// Whether another account than this has this e-mail address or username, as whoever may change the account is told: of an
/// address not where it is kept from strangers.
///
/// # Errors
/// Those of the store.
pub fn is_anothers(env: &Env, id: UserId, (field, text): (&str, &str)) -> Result<bool> {
    let wanted = match field {
        "email" => NewUser { email: Email::parse(text).ok(), ..NewUser::default() },
        "username" => NewUser { username: Username::parse(text).ok(), ..NewUser::default() },
        _ => return Ok(false),
    };
    env.store.read(|tx| {
        let is_secret = field == "email" && Settings::from_stored(tx.stored_settings()?).activation();
        Ok(!is_secret && tx.taken_identifier(&wanted, Some(id))?.is_some())
    })
}

fn is_me(ctx: &Ctx, id: UserId) -> bool {
    ctx.caller().is_ok_and(|caller| caller.user == id)
}
