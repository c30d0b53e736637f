//! Recovery: a new password or a new name for whoever has the mailbox of an account (S3-24, S3-26).

use serde_json::json;

use crate::domain::error::{Conflict, Entity, Error, Result};
use crate::domain::guard::Bucket;
use crate::domain::identifiers::{Email, Username};
use crate::domain::mails::Kind;
use crate::domain::one_time_tokens::Purpose;
use crate::domain::passwords::{self, Password, Person, Rules};
use crate::domain::sessions::EndReason;
use crate::domain::settings::Settings;
use crate::domain::users::{NewUser, User, UserPatch};
use crate::service::guard::{self, Post};
use crate::service::links::{self, Link};
use crate::service::{Ctx, api_tokens, audit, me, settings};
use crate::store::sessions::Which;

/// Mails a link that sets a new password; an older one dies. Gives whether there is an account that got one, which only
/// `djoser.password_reset_show_email_not_found` lets a door tell: both cost the same.
///
/// Needs no right; only active accounts with a password get a mail. Writes the token, the mail and one
/// `password_reset.requested` event, or only the event, refused; so too for one that comes too soon after another, whose
/// link stays good (E.3).
///
/// # Errors
/// `TooMany` — too many mails were asked for from this address; those of the store.
pub fn request_password_reset(ctx: &Ctx, email: &Email) -> Result<bool> {
    request(ctx, email, Purpose::PasswordReset, "password_reset.requested")
}

/// The same for a new username: `djoser.username_reset_show_email_not_found`, `username_reset.requested`.
///
/// # Errors
/// Those of [`request_password_reset`].
pub fn request_username_reset(ctx: &Ctx, email: &Email) -> Result<bool> {
    request(ctx, email, Purpose::UsernameReset, "username_reset.requested")
}

fn request(ctx: &Ctx, email: &Email, purpose: Purpose, event: &'static str) -> Result<bool> {
    let settings = settings::in_force(ctx.env)?;
    let link = Link::draft(ctx, settings, purpose)?;
    let bucket = match purpose {
        Purpose::PasswordReset => Bucket::PasswordReset,
        Purpose::UsernameReset => Bucket::UsernameReset,
        Purpose::Activation => Bucket::Activation,
    };
    let (post, is_known) = ctx.write(|tx| {
        let holder = links::holder(tx, email)?;
        let post = guard::mail(ctx, tx, bucket, (email.key(), holder.as_ref().map(|user| user.id)))?;
        let active = holder.filter(|user| user.is_active);
        let hash = active.as_ref().map(|user| tx.password_hash(user.id)).transpose()?.flatten();
        let found = active.filter(|_| hash.is_some());
        let mut event = ctx.event(event, "user", found.as_ref().map(|user| user.id.0), json!({"by": "mail"}));
        match (&found, post) {
            (_, Post::Refuse(_)) => return Ok((post, false)),
            (Some(user), Post::Send) => link.send(ctx, tx, user)?,
            (None, Post::Send) | (_, Post::Feign) => {
                link.feign(ctx, tx, Some(email))?;
                event.result = if post == Post::Feign { "limited" } else { "refused" };
            }
        }
        // Whether there is such an account makes no difference.
        audit::record_in(ctx, tx, event)?;
        Ok((post, found.is_some()))
    })?;
    match post {
        Post::Refuse(retry_after) => Err(Error::TooMany { retry_after }),
        Post::Send | Post::Feign => Ok(is_known),
    }
}

/// The account that a link is about, as it is called; changes nothing.
///
/// Needs a good link.
///
/// # Errors
/// `Invalid("uid")`, `Invalid("token")`, and those of the store.
pub fn look(ctx: &Ctx, purpose: Purpose, link: (&str, &str)) -> Result<User> {
    ctx.env.store.read(|tx| Ok(links::judge(ctx, tx, purpose, link)?.0))
}

/// Passes if a password is good enough for somebody of whom nothing is known. Changes nothing.
///
/// # Errors
/// `Invalid("new_password")`, and those of the store.
pub fn check_password(ctx: &Ctx, new: &Password) -> Result<()> {
    let settings = settings::in_force(ctx.env)?;
    let rules = Rules::for_account(settings.nist_passwords(), false);
    passwords::check("new_password", new, rules, &Person::of(&NewUser::default()))
}

fn strong(settings: &Settings, user: &User, new: &Password) -> Result<()> {
    let rules = Rules::for_account(settings.nist_passwords(), user.is_privileged());
    passwords::check("new_password", new, rules, &Person::of(&NewUser::of(user)))
}

/// Sets a new password by a mailed link. Nobody is signed in by it, and all sessions end, as do the login token and the
/// other mailed links. Guesses at the old one count no more, and the caller is given a device credential.
///
/// Needs a good link. Writes the hash, the use of the token, the ends, one `user.password_changed` event, and a mail if
/// `djoser.password_changed_email_confirmation` is on.
///
/// # Errors
/// - `Invalid("uid")` — it names nobody; `Invalid("token")` — it is not the newest of this user, was used, or has expired,
///   or the account is not active
/// - `Invalid("new_password")` — weaker than the rules ask
/// - `Unavailable` — too many hashes are being computed, or the database cannot be written
pub fn reset_password(ctx: &Ctx, uid: &str, token: &str, new: Password) -> Result<()> {
    let env = ctx.env;
    let link = (uid, token);
    let (user, settings) = env.store.read(|tx| {
        let (user, _) = links::judge(ctx, tx, Purpose::PasswordReset, link)?;
        Ok((user, settings::of(ctx.env, tx)?))
    })?;
    strong(&settings, &user, &new)?;
    let hash = env.hasher.hash(new.as_str(), env.random.as_ref())?;
    ctx.write(|tx| {
        let (mut user, token) = links::judge(ctx, tx, Purpose::PasswordReset, link)?;
        links::spend(ctx, tx, &token)?;
        links::kill(tx, user.id, &Purpose::ALL)?;
        user.updated_at = ctx.now;
        tx.update_user(&user)?;
        tx.set_password_hash(user.id, Some(&hash))?;
        // Whoever guesses meanwhile would keep its owner out, who may be known by no device.
        guard::forgive(tx, user.id)?;
        guard::remember(ctx, tx, user.id, &hash)?;
        let ended = tx.end_sessions(Which::OfUser(user.id), EndReason::PasswordChanged, ctx.now)?;
        api_tokens::end_login(ctx, tx, user.id)?;
        let details = json!({"by": "reset", "sessions_ended": ended});
        tx.record(&ctx.event("user.password_changed", "user", Some(user.id.0), details))?;
        if settings.confirms_password() {
            links::tell(ctx, tx, &settings, (&user, Kind::PasswordChanged))?;
        }
        Ok(())
    })
}

/// Sets a new username by a mailed link.
///
/// Needs a good link. Writes the user, the use of the token, one `user.updated` event, and a mail if
/// `djoser.username_changed_email_confirmation` is on.
///
/// # Errors
/// - `Invalid("uid")`, `Invalid("token")` — as for [`reset_password`]
/// - `Conflict(Taken)` — an account has this username
/// - those of the store
pub fn reset_username(ctx: &Ctx, uid: &str, token: &str, new: Username) -> Result<()> {
    reset_name(ctx, (uid, token), UserPatch { username: Some(Some(new)), ..UserPatch::default() })
}

/// The same where people sign in by their e-mail address: sets a new address, which ends the sessions and, with
/// `registration.activation` on, must be activated by a link that is mailed to it.
///
/// Needs a good link of [`request_username_reset`].
///
/// # Errors
/// Those of [`reset_username`]; `Conflict(LastSuperuser)` — the account would wait for its activation.
pub fn reset_email(ctx: &Ctx, uid: &str, token: &str, new: Email) -> Result<()> {
    reset_name(ctx, (uid, token), UserPatch { email: Some(Some(new)), ..UserPatch::default() })
}

fn reset_name(ctx: &Ctx, link: (&str, &str), patch: UserPatch) -> Result<()> {
    let settings = ctx.env.store.read(|tx| {
        let (user, _) = links::judge(ctx, tx, Purpose::UsernameReset, link)?;
        let wanted = NewUser {
            email: patch.email.clone().flatten(),
            username: patch.username.clone().flatten(),
            ..NewUser::default()
        };
        if let Some(field) = tx.taken_identifier(&wanted, Some(user.id))? {
            return Err(Error::Conflict(Conflict::Taken(Entity::User, field)));
        }
        settings::of(ctx.env, tx)
    })?;
    let activation = Link::draft(ctx, settings, Purpose::Activation)?;
    ctx.write(|tx| {
        let (user, token) = links::judge(ctx, tx, Purpose::UsernameReset, link)?;
        links::spend(ctx, tx, &token)?;
        links::kill(tx, user.id, &[Purpose::UsernameReset])?;
        me::store_change(ctx, tx, &user, (&patch, &activation)).map(drop)
    })
}
