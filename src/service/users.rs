//! Users, as administrators see them.

mod delete;
mod ensure;
mod own;

use serde_json::json;

use crate::domain::error::{Conflict, Entity, Error, Result};
use crate::domain::identifiers::sign_in_keys;
use crate::domain::ids::{RoleId, UserId};
use crate::domain::one_time_tokens::Purpose;
use crate::domain::pages::{Listing, PageOf};
use crate::domain::passwords::{self, Password, Person, Rules};
use crate::domain::rights::{Right, action, resource};
use crate::domain::sessions::EndReason;
use crate::domain::settings::Settings;
use crate::domain::users::{NewUser, User, UserPatch};
use crate::service::{Actor, Ctx, Ref, api_tokens, bounds, guard, links, nearest, roles};
use crate::store::Tx;
use crate::store::api_tokens::Those;
use crate::store::sessions::Which;

pub use crate::store::users::USER_ORDER as ORDER;
pub(super) use delete::remove;
pub use delete::{delete, delete_by};
pub use ensure::{acceptable, differences, ensure, holder};
pub use own::{change, change_all, erase, id_of, is_anothers, may, see, seen};

/// A user and the ids of his roles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The user.
    pub user: User,
    /// His roles, in order.
    pub roles: Vec<RoleId>,
}

/// An account to make.
#[derive(Debug)]
pub struct NewAccount {
    /// Its columns.
    pub profile: NewUser,
    /// None makes an account that cannot sign in until it gets one.
    pub password: Option<Password>,
    /// Its roles.
    pub roles: Vec<Ref>,
}

/// A change of an account; `None` leaves a part as it is.
#[derive(Debug, Default)]
pub struct AccountPatch {
    /// Its columns.
    pub profile: UserPatch,
    /// A new password; ends the sessions.
    pub password: Option<Password>,
    /// All its roles.
    pub roles: Option<Vec<Ref>>,
}

/// Users.
///
/// Needs `users:read`.
///
/// # Errors
/// `Forbidden`, and those of the store.
pub fn list(ctx: &Ctx, listing: &Listing) -> Result<PageOf<Account>> {
    ctx.require(&Right::of(resource::USERS, action::READ))?;
    ctx.env.store.read(|tx| {
        let users = tx.list_users(listing)?;
        let ids: Vec<UserId> = users.iter().map(|user| user.id).collect();
        let links = tx.roles_of_users(&ids)?;
        let roles_of = |id| links.iter().filter(|(user, _)| *user == id).map(|(_, role)| *role).collect();
        let items = users.into_iter().map(|user| Account { roles: roles_of(user.id), user }).collect();
        PageOf::of(listing, items, || tx.count_users(listing))
    })
}

/// One user.
///
/// Needs `users:read`.
///
/// # Errors
/// `Forbidden`, `NotFound(User)`, and those of the store.
pub fn get(ctx: &Ctx, id: UserId) -> Result<Account> {
    ctx.require(&Right::of(resource::USERS, action::READ))?;
    ctx.env.store.read(|tx| account(tx, id))
}

/// The user that a text names: an id if it is all digits and there is such an id, else an e-mail, a phone or a username
/// (D-15).
///
/// Needs `users:read`.
///
/// # Errors
/// `Forbidden`, `NotFound(User)`, and those of the store.
pub fn find(ctx: &Ctx, text: &str) -> Result<Account> {
    ctx.require(&Right::of(resource::USERS, action::READ))?;
    let text = text.trim();
    ctx.env.store.read(|tx| {
        let number = text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten();
        if let Some(id) = number.map(UserId)
            && tx.user(id)?.is_some()
        {
            return account(tx, id);
        }
        let keys = sign_in_keys(text);
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let user = tx.user_by_keys(&keys)?.ok_or(Error::NotFound(Entity::User))?;
        account(tx, user.id)
    })
}

/// Identifiers near a text that named nobody, nearest first.
///
/// Needs `users:read`.
///
/// # Errors
/// `Forbidden`, and those of the store.
pub fn similar(ctx: &Ctx, text: &str) -> Result<Vec<String>> {
    ctx.require(&Right::of(resource::USERS, action::READ))?;
    /// Enough to find a slip of the fingers among; more would only cost time.
    const CANDIDATES: u32 = 1000;
    let candidates = ctx.env.store.read(|tx| tx.similar_identifiers(text, CANDIDATES))?;
    Ok(nearest(text, candidates))
}

/// Makes an account.
///
/// Needs `users:create`; every right of its roles; for staff or superusers, to be a superuser. Writes the user
/// with one `user.created` event, and his roles with one `role.granted` event each.
///
/// # Errors
/// - `Forbidden` — see above
/// - `Conflict(Taken)` — an account has this e-mail, phone or username
/// - `Invalid` — `password`: weaker than the rules ask; `roles`: one that does not exist; `""`: no identifier; a name
///   that is too long
/// - `Unavailable` — too many hashes are being computed, or the database cannot be written
pub fn create(ctx: &Ctx, new: NewAccount) -> Result<Account> {
    ctx.require(&Right::of(resource::USERS, action::CREATE))?;
    let new = NewAccount { profile: new.profile.normalised(), ..new };
    let env = ctx.env;
    let privileged = new.profile.is_privileged();
    if privileged {
        bounds::superuser(ctx)?;
    }
    new.profile.check()?;
    let settings = env.store.read(|tx| {
        free(tx, &new.profile, None)?;
        Ok(Settings::from_stored(tx.stored_settings()?))
    })?;
    let rules = Rules::for_account(settings.nist_passwords(), privileged);
    let hash = prepare(ctx, new.password.as_ref(), rules, &Person::of(&new.profile))?;
    ctx.write(|tx| {
        free(tx, &new.profile, None)?;
        let id = tx.insert_user(&new.profile, hash.as_deref(), ctx.now)?;
        let made = account(tx, id)?.user;
        let roles = roles::resolve_all(tx, &new.roles)?;
        let details = json!({
            "user": made.label(), "is_active": made.is_active, "is_staff": made.is_staff,
            "is_superuser": made.is_superuser, "roles": roles::code_names(&roles),
        });
        tx.record(&ctx.event("user.created", "user", Some(id.0), details))?;
        roles::set_of_user(ctx, tx, id, &roles)?;
        account(tx, id)
    })
}

/// Changes an account. A new password and a new e-mail end its sessions and its login token, except what the caller calls
/// by if the account is his own. A deactivation ends all sessions, and API tokens are refused while it lasts; a
/// forced logout ends all of both that are older than its instant, his own too. Each of the first three kills the mailed
/// links as well. Who was told to be active or inactive does not wait for an activation any more.
///
/// Needs `users:update`, and what R-38 asks besides. Writes the user, the ends of sessions and one event (`user.updated`,
/// `user.activated`, `user.deactivated` or `user.password_changed`) if any of that changes, and his roles with one
/// `role.granted` or `role.revoked` event for each that is new or gone.
///
/// # Errors
/// - `Forbidden` — see above
/// - `NotFound(User)`
/// - `Conflict(Taken)` — an account has this e-mail, phone or username; `Conflict(LastSuperuser)`
/// - `Invalid` — as for [`create`]
/// - `Unavailable` — too many hashes are being computed, or the database cannot be written
pub fn update(ctx: &Ctx, id: UserId, patch: AccountPatch) -> Result<Account> {
    ctx.require(&Right::of(resource::USERS, action::UPDATE))?;
    let patch = AccountPatch { profile: patch.profile.normalised(), ..patch };
    let env = ctx.env;
    let (target, settings) = env.store.read(|tx| {
        let target = tx.user(id)?.ok_or(Error::NotFound(Entity::User))?;
        authorize(ctx, tx, &target, &patch)?;
        Ok((target, Settings::from_stored(tx.stored_settings()?)))
    })?;
    patch.profile.check()?;
    let mut wanted = target;
    apply(&mut wanted, &patch.profile);
    let rules = Rules::for_account(settings.nist_passwords(), wanted.is_privileged());
    let hash = prepare(ctx, patch.password.as_ref(), rules, &Person::of(&NewUser::of(&wanted)))?;
    let change = |tx: &dyn Tx| {
        // Read and judged again, now that nobody else can write.
        let target = tx.user(id)?.ok_or(Error::NotFound(Entity::User))?;
        authorize(ctx, tx, &target, &patch)?;
        store(ctx, tx, &target, &patch, hash.as_deref())
    };
    if patch.profile.is_active == Some(false) { ctx.end(change) } else { ctx.write(change) }
}

/// The transaction of [`update`].
fn store(ctx: &Ctx, tx: &dyn Tx, target: &User, patch: &AccountPatch, hash: Option<&str>) -> Result<Account> {
    let mut user = target.clone();
    let mut changed = apply(&mut user, &patch.profile);
    let identifiers = NewUser {
        email: user.email.clone(),
        phone: user.phone.clone(),
        username: user.username.clone(),
        ..NewUser::default()
    };
    identifiers.check()?;
    free(tx, &identifiers, Some(user.id))?;
    if !(user.is_superuser && user.is_active) {
        bounds::not_the_last(tx, user.id)?;
    }
    if let Some(hash) = hash {
        tx.set_password_hash(user.id, Some(hash))?;
        // Whoever guessed at the old one would keep its owner out, as after a reset by mail.
        guard::forgive(tx, user.id)?;
        changed.push("password");
    }
    // Roles have events of their own, whichever way they are given and taken.
    let roles = patch.roles.as_ref().map(|roles| roles::resolve_all(tx, roles)).transpose()?;
    if let Some(roles) = &roles {
        roles::set_of_user(ctx, tx, user.id, roles)?;
    }
    if patch.profile.is_active.is_some() && user.pending.take().is_some() && changed.is_empty() {
        changed.push("pending");
    }
    if changed.iter().any(|field| ["password", "email", "is_active", "pending"].contains(field)) {
        links::kill(tx, user.id, &Purpose::ALL)?;
    }
    if !changed.is_empty() {
        user.updated_at = ctx.now;
        tx.update_user(&user)?;
        let ended = end_sessions(ctx, tx, target, &user, hash.is_some())?;
        let event = match changed.as_slice() {
            ["is_active"] if user.is_active => "user.activated",
            ["is_active"] => "user.deactivated",
            ["password"] => "user.password_changed",
            _ => "user.updated",
        };
        let details = json!({
            "changed": changed, "is_active": user.is_active, "is_staff": user.is_staff,
            "is_superuser": user.is_superuser, "roles": roles.as_deref().map(roles::code_names), "sessions_ended": ended,
        });
        tx.record(&ctx.event(event, "user", Some(user.id.0), details))?;
    }
    account(tx, user.id)
}

/// Ends the sessions that a change does not leave standing; says how many.
fn end_sessions(ctx: &Ctx, tx: &dyn Tx, before: &User, after: &User, new_password: bool) -> Result<u64> {
    // API tokens are refused while he is not active, and are what they were when he is again.
    if before.is_active && !after.is_active {
        return tx.end_sessions(Which::OfUser(after.id), EndReason::Deactivated, ctx.now);
    }
    let mut ended = 0;
    if before.force_logout_at != after.force_logout_at {
        // What the old instant has voided stays void when it is taken away.
        for at in [before.force_logout_at, after.force_logout_at].into_iter().flatten().filter(|at| *at <= ctx.now) {
            ended += tx.end_sessions(Which::BegunBefore(after.id, at), EndReason::ForcedLogout, ctx.now)?;
            tx.revoke_api_tokens(Those::MadeBefore(after.id, at), ctx.now)?;
        }
    }
    let which = match ctx.actor {
        Actor::User(caller) if caller.user == after.id => caller.others(),
        _ => Which::OfUser(after.id),
    };
    let new_email = before.email.as_ref().map(|email| email.key()) != after.email.as_ref().map(|email| email.key());
    if new_password || new_email {
        api_tokens::end_login(ctx, tx, after.id)?;
    }
    if new_password {
        ended += tx.end_sessions(which, EndReason::PasswordChanged, ctx.now)?;
    } else if new_email {
        ended += tx.end_sessions(which, EndReason::EmailChanged, ctx.now)?;
    }
    Ok(ended)
}

/// Whether there is an active superuser.
///
/// Needs `users:read`.
///
/// # Errors
/// `Forbidden`, and those of the store.
pub fn has_superuser(ctx: &Ctx) -> Result<bool> {
    ctx.require(&Right::of(resource::USERS, action::READ))?;
    Ok(ctx.env.store.read(|tx| tx.count_active_superusers())? > 0)
}

/// A user with his roles.
pub(super) fn account(tx: &dyn Tx, id: UserId) -> Result<Account> {
    let user = tx.user(id)?.ok_or(Error::NotFound(Entity::User))?;
    let roles = tx.roles_of_users(&[id])?.into_iter().map(|(_, role)| role).collect();
    Ok(Account { user, roles })
}

/// Applies a patch; gives the names of the fields that it really changes.
pub(super) fn apply(user: &mut User, patch: &UserPatch) -> Vec<&'static str> {
    fn set<T: Clone + PartialEq>(
        field: &mut T,
        value: &Option<T>,
        name: &'static str,
        changed: &mut Vec<&'static str>,
    ) {
        if let Some(value) = value
            && field != value
        {
            *field = value.clone();
            changed.push(name);
        }
    }
    let mut changed = Vec::new();
    set(&mut user.email, &patch.email, "email", &mut changed);
    set(&mut user.phone, &patch.phone, "phone", &mut changed);
    set(&mut user.username, &patch.username, "username", &mut changed);
    set(&mut user.first_name, &patch.first_name, "first_name", &mut changed);
    set(&mut user.last_name, &patch.last_name, "last_name", &mut changed);
    set(&mut user.middle_name, &patch.middle_name, "middle_name", &mut changed);
    set(&mut user.is_active, &patch.is_active, "is_active", &mut changed);
    set(&mut user.is_staff, &patch.is_staff, "is_staff", &mut changed);
    set(&mut user.is_superuser, &patch.is_superuser, "is_superuser", &mut changed);
    set(&mut user.force_logout_at, &patch.force_logout_at, "force_logout_at", &mut changed);
    changed
}

/// What R-38 asks of whoever changes this account in this way. Values that stay the same need no more than touching it.
fn authorize(ctx: &Ctx, tx: &dyn Tx, target: &User, patch: &AccountPatch) -> Result<()> {
    let mut after = target.clone();
    let changed = apply(&mut after, &patch.profile);
    if changed.contains(&"is_staff") || changed.contains(&"is_superuser") {
        bounds::superuser(ctx)?;
    }
    bounds::may_touch(ctx, target)?;
    const COMMANDING: [&str; 5] = ["email", "phone", "username", "is_active", "force_logout_at"];
    if patch.password.is_some() || changed.iter().any(|field| COMMANDING.contains(field)) {
        bounds::may_command(ctx, tx, target)?;
    }
    Ok(())
}

/// Checks a password by the rules and hashes it.
fn prepare(ctx: &Ctx, password: Option<&Password>, rules: Rules, person: &Person) -> Result<Option<String>> {
    let Some(password) = password else { return Ok(None) };
    passwords::check("password", password, rules, person)?;
    ctx.env.hasher.hash(password.as_str(), ctx.env.random.as_ref()).map(Some)
}

fn free(tx: &dyn Tx, user: &NewUser, except: Option<UserId>) -> Result<()> {
    match tx.taken_identifier(user, except)? {
        Some(field) => Err(Error::Conflict(Conflict::Taken(Entity::User, field))),
        None => Ok(()),
    }
}
