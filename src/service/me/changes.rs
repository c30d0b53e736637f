//! Changes of one's own names to sign in by, and one's own end.

use serde_json::json;

use crate::domain::error::{Conflict, Entity, Error, Reason, Result};
use crate::domain::identifiers::{Email, Phone, Username};
use crate::domain::mails::Kind;
use crate::domain::one_time_tokens::Purpose;
use crate::domain::sessions::EndReason;
use crate::domain::users::{NewUser, Pending, User, UserPatch};
use crate::service::links::{self, Link};
use crate::service::me::Proof;
use crate::service::users::{self, Account};
use crate::service::{Actor, Ctx, api_tokens, bounds, settings};
use crate::store::Tx;
use crate::store::sessions::Which;

/// A change of one's own account; `None` leaves a field as it is, `Some(None)` empties it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of `User`")]
pub struct OwnPatch {
    pub email: Option<Option<Email>>,
    pub phone: Option<Option<Phone>>,
    pub username: Option<Option<Username>>,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub middle_name: Option<Option<String>>,
}

impl From<OwnPatch> for UserPatch {
    fn from(own: OwnPatch) -> Self {
        let OwnPatch { email, phone, username, first_name, last_name, middle_name } = own;
        Self { email, phone, username, first_name, last_name, middle_name, ..Self::default() }
    }
}

/// Changes the caller's account. A new e-mail address ends his other sessions and the mailed links; with
/// `registration.activation` on, the account is then inactive until the link that is mailed to the new address is
/// followed, and his own session answers that meanwhile.
///
/// Writes the user, the ends, one `user.updated` event, the token and mail of the activation, and a mail of a new
/// username if `djoser.username_changed_email_confirmation` is on; nothing if nothing changes.
///
/// # Errors
/// - `Unauthenticated`
/// - `Conflict(Taken)` — an account has this e-mail, phone or username; `Conflict(LastSuperuser)` — he is the last, and
///   would have to be activated
/// - `Invalid` — a name that is too long; `""`: no identifier would be left
/// - those of the store
pub fn update_own(ctx: &Ctx, patch: OwnPatch) -> Result<Account> {
    change(ctx, None, patch)
}

/// The same for whoever proves that he still knows the password.
///
/// # Errors
/// `Invalid("current_password")` — it is not his; those of [`update_own`]; `Unavailable` — too many hashes are being
/// computed.
pub fn update_own_by(ctx: &Ctx, current: &str, patch: OwnPatch) -> Result<Account> {
    let proof = Proof::of(ctx, current)?;
    change(ctx, Some(proof), patch)
}

/// Changes the caller's username.
///
/// # Errors
/// Those of [`update_own_by`].
pub fn set_username(ctx: &Ctx, current_password: &str, new: Username) -> Result<Account> {
    update_own_by(ctx, current_password, OwnPatch { username: Some(Some(new)), ..OwnPatch::default() })
}

/// Deletes the caller's account with its sessions, tokens and role memberships.
///
/// Writes the deletion and one `user.deleted` event.
///
/// # Errors
/// - `Invalid("current_password")` — it is not his
/// - `Conflict(LastSuperuser)`; `Unauthenticated`
/// - `Unavailable` — too many hashes are being computed, or the database cannot be written
pub fn delete(ctx: &Ctx, current_password: &str) -> Result<()> {
    let proof = Proof::of(ctx, current_password)?;
    delete_proved(ctx, Some(proof))
}

/// The same without asking for the password, as S0's routes have it (D-17).
///
/// # Errors
/// Those of [`delete`] but the first.
pub fn leave(ctx: &Ctx) -> Result<()> {
    delete_proved(ctx, None)
}

fn delete_proved(ctx: &Ctx, proof: Option<Proof>) -> Result<()> {
    let me = ctx.caller()?.user;
    ctx.end(|tx| {
        proof.as_ref().map(|proof| proof.holds(tx)).transpose()?;
        let user = tx.user(me)?.ok_or(Error::Unauthenticated(Reason::UserGone))?;
        users::remove(ctx, tx, &user)
    })
}

fn change(ctx: &Ctx, proof: Option<Proof>, patch: OwnPatch) -> Result<Account> {
    let me = ctx.caller()?.user;
    let patch = UserPatch::from(patch).normalised();
    patch.check()?;
    let settings = settings::in_force(ctx.env)?;
    let link = Link::draft(ctx, settings, Purpose::Activation)?;
    ctx.write(|tx| {
        proof.as_ref().map(|proof| proof.holds(tx)).transpose()?;
        let user = tx.user(me)?.ok_or(Error::Unauthenticated(Reason::UserGone))?;
        store_change(ctx, tx, &user, (&patch, &link))
    })
}

/// Writes what somebody changes of his own account, by whatever proof that it is his. The link is sent if the change asks
/// for an activation.
pub(in crate::service) fn store_change(
    ctx: &Ctx,
    tx: &dyn Tx,
    before: &User,
    (patch, link): (&UserPatch, &Link),
) -> Result<Account> {
    let mut user = before.clone();
    let changed = users::apply(&mut user, patch);
    if changed.is_empty() {
        return users::account(tx, user.id);
    }
    let wanted = NewUser::of(&user);
    wanted.check()?;
    if let Some(field) = tx.taken_identifier(&wanted, Some(user.id))? {
        return Err(Error::Conflict(Conflict::Taken(Entity::User, field)));
    }
    let new_address = before.email.as_ref().map(Email::key) != user.email.as_ref().map(Email::key);
    let waits = new_address && user.email.is_some() && link.settings.activation();
    if waits {
        bounds::not_the_last(tx, user.id)?;
        user.is_active = false;
        user.pending = Some(Pending::Address);
    }
    user.updated_at = ctx.now;
    tx.update_user(&user)?;
    let mut ended = 0;
    if new_address {
        let which = match ctx.actor {
            Actor::User(caller) if caller.user == user.id => caller.others(),
            _ => Which::OfUser(user.id),
        };
        ended = tx.end_sessions(which, EndReason::EmailChanged, ctx.now)?;
        api_tokens::end_login(ctx, tx, user.id)?;
        links::kill(tx, user.id, &Purpose::ALL)?;
    }
    if waits {
        link.send(ctx, tx, &user)?;
    }
    let details = json!({"changed": changed, "is_active": user.is_active, "sessions_ended": ended});
    tx.record(&ctx.event("user.updated", "user", Some(user.id.0), details))?;
    if changed.contains(&"username") && link.settings.confirms_username() {
        links::tell(ctx, tx, &link.settings, (&user, Kind::UsernameChanged))?;
    }
    users::account(tx, user.id)
}
