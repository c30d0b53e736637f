//! Mailed links: one-time tokens from their making to their end, and the letters around them.
//!
//! Whoever sets a password or changes an address calls [`kill`] in the same transaction.

use std::sync::Arc;

use std::time::Duration;

use crate::crypto::opaque;
use crate::domain::error::{Error, Refusal, Result};
use crate::domain::identifiers::Email;
use crate::domain::ids::{Timestamp, UserId};
use crate::domain::mails::{Kind, Letter};
use crate::domain::one_time_tokens::{self, NewOneTimeToken, OneTimeToken, Purpose};
use crate::domain::settings::Settings;
use crate::domain::users::User;
use crate::service::{Ctx, mails};
use crate::store::Tx;

/// A link that is made and not yet stored.
pub(super) struct Link {
    pub settings: Arc<Settings>,
    purpose: Purpose,
    secret: String,
}

/// No user has this id.
const NOBODY: UserId = UserId(0);

/// The letter that carries a token.
fn carrier(purpose: Purpose) -> Kind {
    match purpose {
        Purpose::Activation => Kind::Activation,
        Purpose::PasswordReset => Kind::PasswordReset,
        Purpose::UsernameReset => Kind::UsernameReset,
    }
}

fn later(ctx: &Ctx, after: Duration) -> Timestamp {
    ctx.now + chrono::Duration::from_std(after).unwrap_or_default()
}

impl Link {
    /// Makes the secret of a link. To be done before the transaction.
    pub fn draft(ctx: &Ctx, settings: Arc<Settings>, purpose: Purpose) -> Result<Self> {
        Ok(Self { settings, purpose, secret: opaque::secret(ctx.env.random.as_ref())? })
    }

    /// Writes the token and its letter in place of those that the user has for this purpose. Who has no address gets
    /// neither.
    pub fn send(&self, ctx: &Ctx, tx: &dyn Tx, user: &User) -> Result<()> {
        let Some(email) = &user.email else { return Ok(()) };
        let expires_at = self.expires_at(ctx);
        let token = tx.insert_one_time_token(&self.token(ctx, user.id, expires_at))?;
        mails::drop_of(tx, user.id, &[carrier(self.purpose)])?;
        let letter = Letter { token: Some(token), ..self.letter(ctx, (Some(user.id), user.sign_in_name()), email) };
        mails::post(ctx, tx, &mails::prepare(ctx, &letter, expires_at)?)
    }

    /// Takes the time of [`Link::send`] where nobody gets a letter, by doing the same for nobody.
    pub fn feign(&self, ctx: &Ctx, tx: &dyn Tx, to: Option<&Email>) -> Result<()> {
        let Some(email) = to else { return Ok(()) };
        let expires_at = self.expires_at(ctx);
        tx.feign_one_time_token(&self.token(ctx, NOBODY, expires_at))?;
        mails::drop_of(tx, NOBODY, &[carrier(self.purpose)])?;
        mails::feign(ctx, tx, &mails::prepare(ctx, &self.letter(ctx, (None, email.as_str()), email), expires_at)?)
    }

    fn token(&self, ctx: &Ctx, user_id: UserId, expires_at: Timestamp) -> NewOneTimeToken {
        let (purpose, fingerprint) = (self.purpose, opaque::fingerprint(&self.secret));
        NewOneTimeToken { user_id, purpose, fingerprint, created_at: ctx.now, expires_at }
    }

    fn expires_at(&self, ctx: &Ctx) -> Timestamp {
        let life = match self.purpose {
            Purpose::Activation => self.settings.activation_lifetime(),
            Purpose::PasswordReset | Purpose::UsernameReset => self.settings.reset_lifetime(),
        };
        later(ctx, life)
    }

    fn letter(&self, ctx: &Ctx, (user, username): (Option<UserId>, &str), to: &Email) -> Letter {
        let kind = carrier(self.purpose);
        let uid = one_time_tokens::uid(user.unwrap_or(UserId(1)));
        Letter {
            kind,
            user,
            to: to.as_str().to_owned(),
            language: ctx.origin.language.unwrap_or_else(|| self.settings.mail_language()),
            username: username.to_owned(),
            link: Some(self.settings.mail_link(kind, &uid, &self.secret, &ctx.env.default_url)),
            token: None,
        }
    }
}

/// Writes a letter without a link, if the user has an address.
pub(super) fn tell(ctx: &Ctx, tx: &dyn Tx, settings: &Settings, (user, kind): (&User, Kind)) -> Result<()> {
    let Some(email) = &user.email else { return Ok(()) };
    let letter = Letter {
        kind,
        user: Some(user.id),
        to: email.as_str().to_owned(),
        language: ctx.origin.language.unwrap_or_else(|| settings.mail_language()),
        username: user.sign_in_name().to_owned(),
        link: None,
        token: None,
    };
    mails::post(ctx, tx, &mails::prepare(ctx, &letter, mails::notice_expiry(ctx))?)
}

/// Ends the tokens of a user for these purposes, with the letters that carry them.
pub(super) fn kill(tx: &dyn Tx, user: UserId, purposes: &[Purpose]) -> Result<()> {
    tx.drop_one_time_tokens(user, purposes)?;
    let kinds: Vec<Kind> = purposes.iter().copied().map(carrier).collect();
    mails::drop_of(tx, user, &kinds)
}

/// Forgets every letter to a user who is about to be deleted.
pub(super) fn forget(tx: &dyn Tx, user: UserId) -> Result<()> {
    let news = [Kind::Confirmation, Kind::PasswordChanged, Kind::UsernameChanged];
    kill(tx, user, &Purpose::ALL)?;
    mails::drop_of(tx, user, &news)
}

/// The user and the token that the two parts of a link name, if the link is good now: his, for this purpose, not used,
/// not expired, and he in the state that it is for. To be asked again in the transaction that uses it.
///
/// # Errors
/// `Invalid("uid")`, `Invalid("token")`; `Forbidden(StaleToken)` — it has activated the account, which is active still.
pub(super) fn judge(ctx: &Ctx, tx: &dyn Tx, purpose: Purpose, link: (&str, &str)) -> Result<(User, OneTimeToken)> {
    let (uid, secret) = link;
    let unknown = || Error::invalid("uid", "invalid_uid", "Invalid user id or user doesn't exist.");
    let wrong = || Error::invalid("token", "invalid_token", "Invalid token for given user.");
    let user = one_time_tokens::user_of(uid).map(|id| tx.user(id)).transpose()?.flatten().ok_or_else(unknown)?;
    let token = tx.one_time_token(&opaque::fingerprint(secret))?;
    let token = token.filter(|token| token.user_id == user.id && token.purpose == purpose).ok_or_else(wrong)?;
    if purpose == Purpose::Activation && token.used_at.is_some() && user.is_active {
        return Err(Error::Forbidden(Refusal::StaleToken));
    }
    let fits = match purpose {
        Purpose::Activation => user.pending.is_some() && !user.is_active,
        Purpose::PasswordReset | Purpose::UsernameReset => user.is_active,
    };
    let good = fits && token.used_at.is_none() && ctx.env.clock.now() < token.expires_at;
    if good { Ok((user, token)) } else { Err(wrong()) }
}

/// Spends a token that [`judge`] found good in the same transaction.
pub(super) fn spend(ctx: &Ctx, tx: &dyn Tx, token: &OneTimeToken) -> Result<()> {
    match tx.use_one_time_token(token.id, ctx.now)? {
        true => Ok(()),
        false => Err(Error::internal("a good token was used before")),
    }
}

/// The account that has this address as its e-mail address, and not as its username.
pub(super) fn holder(tx: &dyn Tx, email: &Email) -> Result<Option<User>> {
    let found = tx.user_by_keys(&[email.key()])?;
    Ok(found.filter(|user| user.email.as_ref().is_some_and(|own| own.key() == email.key())))
}
