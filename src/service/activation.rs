//! Activation: an account is let in by the link that was mailed to its address (S3-26).
//!
//! The API takes the link alone, as Djoser does. The server's own page asks for the password as well, so that whoever has
//! the mailbox does not let in an account that somebody else registered with his address, and lets him disown it.

use serde_json::json;

use crate::crypto::hash::Verdict;
use crate::domain::error::{Entity, Error, Result};
use crate::domain::guard::Bucket;
use crate::domain::identifiers::Email;
use crate::domain::ids::UserId;
use crate::domain::mails::Kind;
use crate::domain::one_time_tokens::{OneTimeToken, Purpose};
use crate::domain::passwords::Password;
use crate::domain::rights::{Right, action, resource};
use crate::domain::settings::Settings;
use crate::domain::users::{Pending, User};
use crate::service::guard::{self, Post, Whose};
use crate::service::links::{self, Link};
use crate::service::{Ctx, audit, bounds, settings};
use crate::store::Tx;

/// What a good link shows of the account that it would let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// E-mail, else phone, else username.
    pub label: String,
    /// Why the account waits.
    pub pending: Pending,
}

/// Mails a new link to an account that waits for its activation; the old one dies. False if no account has to be
/// activated by a link at all; whether there is an account, nobody learns.
///
/// Needs no right. Writes the token, the mail and one `activation.requested` event, or only the event, refused; so too for
/// one that comes too soon after another, whose link stays good (E.3).
///
/// # Errors
/// `TooMany` — too many mails were asked for from this address; those of the store.
pub fn resend(ctx: &Ctx, email: &Email) -> Result<bool> {
    let settings = settings::in_force(ctx.env)?;
    if !settings.activation() {
        return Ok(false);
    }
    let link = Link::draft(ctx, settings, Purpose::Activation)?;
    let post = ctx.write(|tx| {
        let holder = links::holder(tx, email)?;
        let post = guard::mail(ctx, tx, Bucket::Activation, (email.key(), holder.as_ref().map(|user| user.id)))?;
        let waiting = holder.filter(|user| user.pending.is_some() && !user.is_active);
        let mut event =
            ctx.event("activation.requested", "user", waiting.as_ref().map(|user| user.id.0), json!({"by": "mail"}));
        match (waiting, post) {
            (_, Post::Refuse(_)) => return Ok(post),
            (Some(user), Post::Send) => link.send(ctx, tx, &user)?,
            (None, Post::Send) | (_, Post::Feign) => {
                link.feign(ctx, tx, Some(email))?;
                event.result = if post == Post::Feign { "limited" } else { "refused" };
            }
        }
        // Whether anybody waits there makes no difference.
        audit::record_in(ctx, tx, event)?;
        Ok(post)
    })?;
    match post {
        Post::Refuse(retry_after) => Err(Error::TooMany { retry_after }),
        Post::Send | Post::Feign => Ok(true),
    }
}

/// Makes an inactive account wait for its activation as if it had been registered, and mails the link. One that waits
/// already is left as it is.
///
/// Needs `users:update`, and what R-38 asks for a change of who may sign in. Writes the user, the token, the mail and one
/// `activation.requested` event.
///
/// # Errors
/// - `Forbidden`, `NotFound(User)`, and those of the store
/// - `Invalid("is_active")` — the account is active; `Invalid("is_staff")` — it is staff's or a superuser's, which nobody
///   lets in by a link
pub fn await_link(ctx: &Ctx, id: UserId) -> Result<User> {
    ctx.require(&Right::of(resource::USERS, action::UPDATE))?;
    let settings = settings::in_force(ctx.env)?;
    let link = Link::draft(ctx, settings, Purpose::Activation)?;
    ctx.write(|tx| {
        let mut user = tx.user(id)?.ok_or(Error::NotFound(Entity::User))?;
        bounds::may_command(ctx, tx, &user)?;
        if user.is_active {
            return Err(Error::invalid("is_active", "invalid", "The account is active."));
        }
        if user.is_privileged() {
            let message = "Staff and superusers are activated by an administrator only.";
            return Err(Error::invalid("is_staff", "invalid", message));
        }
        if user.pending.is_none() {
            user.pending = Some(Pending::Registration);
            user.updated_at = ctx.now;
            tx.update_user(&user)?;
            link.send(ctx, tx, &user)?;
            let details = json!({"by": "administrator"});
            tx.record(&ctx.event("activation.requested", "user", Some(id.0), details))?;
        }
        Ok(user)
    })
}

/// What a link would do; changes nothing.
///
/// Needs a good link.
///
/// # Errors
/// Those of [`activate`].
pub fn look(ctx: &Ctx, uid: &str, token: &str) -> Result<Waiting> {
    let user = ctx.env.store.read(|tx| Ok(links::judge(ctx, tx, Purpose::Activation, (uid, token))?.0))?;
    Ok(Waiting { label: user.label().to_owned(), pending: user.pending.unwrap_or(Pending::Registration) })
}

/// Lets an account in by the link that was mailed to it.
///
/// Needs a good link. Writes the user, the use of the token, one `user.activated` event, and a mail if
/// `djoser.send_confirmation_email` is on.
///
/// # Errors
/// - `Invalid("uid")` — it names nobody; `Invalid("token")` — it is not the newest of this user, was used, or has expired,
///   or the account does not wait
/// - `Forbidden(StaleToken)` — it has activated this account before
/// - those of the store
pub fn activate(ctx: &Ctx, uid: &str, token: &str) -> Result<User> {
    let link = (uid, token);
    // Whoever guesses takes the writer's place from nobody.
    ctx.env.store.read(|tx| links::judge(ctx, tx, Purpose::Activation, link).map(drop))?;
    ctx.write(|tx| {
        let (user, token) = links::judge(ctx, tx, Purpose::Activation, link)?;
        let_in(ctx, tx, user, &token)
    })
}

/// The same for the page, which also asks for the password that was chosen at the registration.
///
/// Needs a good link and the password. Writes what [`activate`] writes, or one `password_check.failed` event for a wrong
/// password.
///
/// # Errors
/// Those of [`activate`]; `Invalid("password")` — it is not the account's; `TooMany` — too many guesses at it;
/// `Unavailable` — too many hashes are being computed.
pub fn activate_with_password(ctx: &Ctx, uid: &str, token: &str, password: &str) -> Result<User> {
    let env = ctx.env;
    let link = (uid, token);
    let wrong = || Error::invalid("password", "invalid", "Invalid password.");
    let (user, hash) = env.store.read(|tx| {
        let (user, _) = links::judge(ctx, tx, Purpose::Activation, link)?;
        Ok((user.id, tx.password_hash(user.id)?))
    })?;
    let pass = guard::admit(ctx, &Whose::User(user))?;
    let right = match (&hash, Password::parse("password", password)) {
        (Some(hash), Ok(password)) => pass.judged(env.hasher.check(&password, hash).map(Verdict::is_right))?,
        _ => false,
    };
    if !right {
        let mut event = ctx.event("password_check.failed", "user", Some(user.0), json!({"by": "link"}));
        event.result = "refused";
        audit::record(ctx, event)?;
        return Err(wrong());
    }
    ctx.write(|tx| {
        let (user, token) = links::judge(ctx, tx, Purpose::Activation, link)?;
        if tx.password_hash(user.id)? != hash {
            return Err(wrong());
        }
        pass.take_back(tx)?;
        let_in(ctx, tx, user, &token)
    })
}

/// "That was not me": deletes the account that somebody registered with the address of whoever has this link, with
/// everything issued to it. An account that is older than its address only loses the link, as do staff and superusers.
///
/// Needs a good link. Writes the deletion and one `user.disowned` event, or the end of the token and one
/// `activation.withdrawn` event.
///
/// # Errors
/// Those of [`activate`].
pub fn disown(ctx: &Ctx, uid: &str, token: &str) -> Result<()> {
    let link = (uid, token);
    ctx.env.store.read(|tx| links::judge(ctx, tx, Purpose::Activation, link).map(drop))?;
    ctx.write(|tx| {
        let (user, _) = links::judge(ctx, tx, Purpose::Activation, link)?;
        let id = Some(user.id.0);
        if user.pending == Some(Pending::Registration) && !user.is_privileged() {
            links::forget(tx, user.id)?;
            tx.delete_user(user.id)?;
            return tx.record(&ctx.event("user.disowned", "user", id, json!({"user": user.label()})));
        }
        links::kill(tx, user.id, &[Purpose::Activation])?;
        tx.record(&ctx.event("activation.withdrawn", "user", id, json!({"user": user.label()})))
    })
}

fn let_in(ctx: &Ctx, tx: &dyn Tx, mut user: User, token: &OneTimeToken) -> Result<User> {
    let settings = Settings::from_stored(tx.stored_settings()?);
    links::spend(ctx, tx, token)?;
    links::kill(tx, user.id, &Purpose::ALL)?;
    user.is_active = true;
    user.pending = None;
    user.updated_at = ctx.now;
    tx.update_user(&user)?;
    tx.record(&ctx.event("user.activated", "user", Some(user.id.0), json!({"by": "link"})))?;
    if settings.confirms_activation() {
        links::tell(ctx, tx, &settings, (&user, Kind::Confirmation))?;
    }
    Ok(user)
}
