//! What everybody may do with his own account (D-8).

mod changes;

use serde_json::json;

use crate::crypto::hash::Verdict;
use crate::domain::error::{Entity, Error, Reason, Result};
use crate::domain::ids::UserId;
use crate::domain::mails::Kind;
use crate::domain::one_time_tokens::Purpose;
use crate::domain::passwords::{self, Password, Person, Rules};
use crate::domain::sessions::EndReason;
use crate::domain::settings::Settings;
use crate::domain::users::{NewUser, UserPatch};
use crate::service::guard::{self, Whose};
use crate::service::users::{self, Account};
use crate::service::{Ctx, api_tokens, audit, links, settings};
use crate::store::Tx;

pub(super) use changes::store_change;
pub use changes::{OwnPatch, delete, leave, set_username, update_own, update_own_by};

/// A change of one's own names; `None` leaves one as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of `User`")]
pub struct Names {
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub middle_name: Option<Option<String>>,
}

/// The caller's account.
///
/// # Errors
/// `Unauthenticated`, and those of the store.
pub fn get(ctx: &Ctx) -> Result<Account> {
    let me = ctx.caller()?.user;
    ctx.read(|tx| users::account(tx, me))
}

/// Changes the caller's names.
///
/// Writes the user and one `user.updated` event, if anything changes.
///
/// # Errors
/// `Unauthenticated`; `Invalid` — a name that is too long; and those of the store.
pub fn rename(ctx: &Ctx, names: Names) -> Result<Account> {
    let me = ctx.caller()?.user;
    let patch = UserPatch {
        first_name: names.first_name,
        last_name: names.last_name,
        middle_name: names.middle_name,
        ..UserPatch::default()
    }
    .normalised();
    patch.check()?;
    ctx.write(|tx| {
        let mut user = tx.user(me)?.ok_or(Error::Unauthenticated(Reason::UserGone))?;
        let changed = users::apply(&mut user, &patch);
        if !changed.is_empty() {
            user.updated_at = ctx.now;
            tx.update_user(&user)?;
            tx.record(&ctx.event("user.updated", "user", Some(me.0), json!({ "changed": changed })))?;
        }
        users::account(tx, me)
    })
}

/// That the caller knows his password, found out before the transaction that asks for it.
pub(super) struct Proof {
    user: UserId,
    hash: String,
}

impl Proof {
    /// Verifies the caller's password: a guess as any other, which counts. Writes one `password_check.failed` event
    /// for a wrong one, or counts it where there are many.
    pub(super) fn of(ctx: &Ctx, current: &str) -> Result<Self> {
        let user = ctx.caller()?.user;
        let pass = guard::admit(ctx, &Whose::User(user))?;
        let hash = ctx.env.store.read(|tx| tx.password_hash(user))?;
        let right = match (&hash, Password::parse("current_password", current)) {
            (Some(hash), Ok(current)) => pass.judged(ctx.env.hasher.check(&current, hash).map(Verdict::is_right))?,
            _ => false,
        };
        match hash.filter(|_| right) {
            Some(hash) => pass.give_back().map(|()| Self { user, hash }),
            None => {
                let mut event = ctx.event("password_check.failed", "user", Some(user.0), json!({}));
                event.result = "refused";
                audit::record(ctx, event)?;
                Err(wrong())
            }
        }
    }

    /// Passes if it is his password still: somebody else who knew it may have been quicker.
    pub(super) fn holds(&self, tx: &dyn Tx) -> Result<()> {
        if tx.password_hash(self.user)?.as_ref() == Some(&self.hash) { Ok(()) } else { Err(wrong()) }
    }
}

fn wrong() -> Error {
    Error::invalid("current_password", "invalid", "Invalid password.")
}

/// Passes if this is the caller's password.
///
/// # Errors
/// `Invalid("current_password")` — it is not; `Unauthenticated`; `Unavailable` — too many hashes are being computed.
pub fn check_password(ctx: &Ctx, current: &str) -> Result<()> {
    Proof::of(ctx, current).map(drop)
}

/// Passes if this could be the caller's new password.
///
/// # Errors
/// `Invalid("new_password")` — weaker than the rules ask; `Unauthenticated`; those of the store.
pub fn check_new_password(ctx: &Ctx, new: &Password) -> Result<()> {
    let user = get(ctx)?.user;
    let settings = settings::in_force(ctx.env)?;
    let rules = Rules::for_account(settings.nist_passwords(), user.is_privileged());
    passwords::check("new_password", new, rules, &Person::of(&NewUser::of(&user)))
}

/// Changes the caller's password, and ends his other sessions, his login token and the mailed links. What he calls
/// by goes on, but a login token only while the setting `djoser.logout_on_password_change` is off. API tokens with a name
/// go on. The device credentials of the account die, and the caller is given a new one.
///
/// Writes the hash, the ends, one `user.password_changed` event, and a mail if
/// `djoser.password_changed_email_confirmation` is on.
///
/// # Errors
/// - `Invalid("current_password")` — it is not his; `Invalid("new_password")` — weaker than the rules ask
/// - `Unauthenticated`; `Unavailable` — too many hashes are being computed, or the database cannot be written
pub fn change_password(ctx: &Ctx, current: &str, new: Password) -> Result<()> {
    let (env, caller) = (ctx.env, ctx.caller()?);
    let (user, settings) = env.store.read(|tx| {
        let user = tx.user(caller.user)?.ok_or(Error::Unauthenticated(Reason::UserGone))?;
        Ok((user, Settings::from_stored(tx.stored_settings()?)))
    })?;
    let proof = Proof::of(ctx, current)?;
    let rules = Rules::for_account(settings.nist_passwords(), user.is_privileged());
    passwords::check("new_password", &new, rules, &Person::of(&NewUser::of(&user)))?;
    let renewed = env.hasher.hash(new.as_str(), env.random.as_ref())?;
    ctx.write(|tx| {
        proof.holds(tx)?;
        let mut user = tx.user(user.id)?.ok_or(Error::NotFound(Entity::User))?;
        user.updated_at = ctx.now;
        tx.update_user(&user)?;
        tx.set_password_hash(user.id, Some(&renewed))?;
        guard::remember(ctx, tx, user.id, &renewed)?;
        links::kill(tx, user.id, &Purpose::ALL)?;
        let ended = tx.end_sessions(caller.others(), EndReason::PasswordChanged, ctx.now)?;
        api_tokens::end_login(ctx, tx, user.id)?;
        tx.record(&ctx.event("user.password_changed", "user", Some(user.id.0), json!({ "sessions_ended": ended })))?;
        if settings.confirms_password() {
            links::tell(ctx, tx, &settings, (&user, Kind::PasswordChanged))?;
        }
        Ok(())
    })
}
