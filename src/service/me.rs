//! What everybody may do with his own account (D-8).

use serde_json::json;

use crate::domain::error::{Entity, Error, Reason, Result};
use crate::domain::passwords::{self, Password, Person, Rules};
use crate::domain::sessions::EndReason;
use crate::domain::settings::Settings;
use crate::domain::users::{NewUser, UserPatch};
use crate::service::users::{self, Account};
use crate::service::{Ctx, api_tokens};

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
    ctx.env.store.read(|tx| users::account(tx, me))
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

/// Changes the caller's password and ends his other sessions and his login token. What he calls by goes on, but a
/// login token only while the setting `djoser.logout_on_password_change` is off. API tokens with a name go on.
///
/// Writes the hash, the ends and one `user.password_changed` event.
///
/// # Errors
/// - `Invalid("current_password")` — it is not his; `Invalid("new_password")` — weaker than the rules ask
/// - `Unauthenticated`; `Unavailable` — too many hashes are being computed, or the database cannot be written
pub fn change_password(ctx: &Ctx, current: &str, new: Password) -> Result<()> {
    let (env, caller) = (ctx.env, ctx.caller()?);
    let (user, hash, settings) = env.store.read(|tx| {
        let user = tx.user(caller.user)?.ok_or(Error::Unauthenticated(Reason::UserGone))?;
        Ok((user, tx.password_hash(caller.user)?, Settings::from_stored(tx.stored_settings()?)))
    })?;
    let wrong = || Error::invalid("current_password", "invalid", "Invalid password.");
    let right = match (&hash, Password::parse("current_password", current)) {
        (Some(hash), Ok(current)) => env.hasher.verify(current.as_str(), hash)?.is_right(),
        _ => false,
    };
    if !right {
        return Err(wrong());
    }
    let rules = Rules::for_account(settings.nist_passwords(), user.is_privileged());
    passwords::check("new_password", &new, rules, &Person::of(&NewUser::of(&user)))?;
    let renewed = env.hasher.hash(new.as_str(), env.random.as_ref())?;
    ctx.write(|tx| {
        // Somebody else who knew it was quicker; then it is not his password any more.
        if tx.password_hash(user.id)? != hash {
            return Err(wrong());
        }
        let mut user = tx.user(user.id)?.ok_or(Error::NotFound(Entity::User))?;
        user.updated_at = ctx.now;
        tx.update_user(&user)?;
        tx.set_password_hash(user.id, Some(&renewed))?;
        let ended = tx.end_sessions(caller.other_sessions(), EndReason::PasswordChanged, ctx.now)?;
        api_tokens::end_login(ctx, tx, user.id)?;
        tx.record(&ctx.event("user.password_changed", "user", Some(user.id.0), json!({ "sessions_ended": ended })))
    })
}
