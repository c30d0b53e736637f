//! Making an account unless it is there, and what such a command needs to know before.

use super::{Account, AccountPatch, NewAccount, account, apply, create};
use crate::domain::error::Result;
use crate::domain::identifiers::{Email, Phone, Username};
use crate::domain::ids::RoleId;
use crate::domain::passwords::{self, Password, Person, Rules};
use crate::domain::rights::{Right, action, resource};
use crate::domain::settings::Settings;
use crate::domain::users::{NewUser, UserPatch};
use crate::service::{Ctx, Ensured, roles};

/// Makes an account unless there is one. Of one that is there only what `wanted` names is compared: its fields, its
/// password, and that it has these roles; it may have more.
///
/// Needs `users:create` and `users:read`. Writes what [`create`] writes, or nothing.
///
/// # Errors
/// Those of [`create`].
pub fn ensure(ctx: &Ctx, wanted: AccountPatch) -> Result<Ensured<Account>> {
    ctx.require(&Right::of(resource::USERS, action::CREATE))?;
    let Some(there) = holder(ctx, &wanted.profile)? else {
        let AccountPatch { profile, password, roles } = wanted;
        let new = NewAccount { profile: profile.into_new(), password, roles: roles.unwrap_or_default() };
        return create(ctx, new).map(Ensured::Created);
    };
    let fields = differences(ctx, &there, wanted)?;
    Ok(Ensured::of(there, fields))
}

/// The account that has one of these identifiers, whatever else it has. Never looks among ids.
///
/// Needs `users:read`.
///
/// # Errors
/// `Forbidden`, and those of the store.
pub fn holder(ctx: &Ctx, identifiers: &UserPatch) -> Result<Option<Account>> {
    ctx.require(&Right::of(resource::USERS, action::READ))?;
    let keys: Vec<&str> = [
        identifiers.email.iter().flatten().map(Email::key).next(),
        identifiers.phone.iter().flatten().map(Phone::key).next(),
        identifiers.username.iter().flatten().map(Username::key).next(),
    ]
    .into_iter()
    .flatten()
    .collect();
    if keys.is_empty() {
        return Ok(None);
    }
    ctx.env.store.read(|tx| tx.user_by_keys(&keys)?.map(|user| account(tx, user.id)).transpose())
}

/// Fields of an account that are not what `wanted` names; `roles` if it lacks one of those. Another spelling of the same
/// address or name is no difference.
///
/// Needs `users:read`.
///
/// # Errors
/// - `Forbidden`, and those of the store
/// - `Invalid` — a name that is too long; `roles`: one that does not exist
/// - `Unavailable` — too many hashes are being computed
pub fn differences(ctx: &Ctx, there: &Account, wanted: AccountPatch) -> Result<Vec<&'static str>> {
    ctx.require(&Right::of(resource::USERS, action::READ))?;
    let profile = wanted.profile.normalised();
    profile.check()?;
    let user = &there.user;
    let mut after = user.clone();
    let mut fields = apply(&mut after, &profile);
    fields.retain(|field| match *field {
        "email" => user.email.as_ref().map(Email::key) != after.email.as_ref().map(Email::key),
        "phone" => user.phone.as_ref().map(Phone::key) != after.phone.as_ref().map(Phone::key),
        "username" => user.username.as_ref().map(Username::key) != after.username.as_ref().map(Username::key),
        _ => true,
    });
    let (roles, hash) = ctx.env.store.read(|tx| {
        Ok((roles::resolve_all(tx, wanted.roles.as_deref().unwrap_or_default())?, tx.password_hash(user.id)?))
    })?;
    if roles.iter().any(|role| !there.roles.contains(&RoleId(role.id))) {
        fields.push("roles");
    }
    let same_password = match (&wanted.password, &hash) {
        (Some(password), Some(hash)) => ctx.env.hasher.check(password, hash)?.is_right(),
        (password, _) => password.is_none(),
    };
    if !same_password {
        fields.push("password");
    }
    Ok(fields)
}

/// Passes if [`create`] takes this profile and password, whoever may hold its names. Without a database (`None`) the
/// settings are the defaults.
///
/// Needs `users:create`.
///
/// # Errors
/// `Forbidden`; `Invalid` — as for [`create`]; and those of the store.
pub fn acceptable(ctx: Option<&Ctx>, profile: NewUser, password: &Password) -> Result<()> {
    let settings = match ctx {
        Some(ctx) => {
            ctx.require(&Right::of(resource::USERS, action::CREATE))?;
            ctx.env.store.read(|tx| tx.stored_settings())?
        }
        None => Vec::new(),
    };
    let profile = profile.normalised();
    profile.check()?;
    let rules = Rules::for_account(Settings::from_stored(settings).nist_passwords(), profile.is_privileged());
    passwords::check("password", password, rules, &Person::of(&profile))
}
