//! Mails: written into the outbox in the transaction of the operation that causes them, and sent by whoever calls
//! [`deliver`] later. So no answer waits for a mail server or tells of it, and no mail is lost or sent for
//! something that did not happen.
//!
//! An operation calls [`prepare`] before its transaction and [`post`] in it; where only the transaction knows the token,
//! both. When a token is spent or an address changes, [`drop_of`] and [`drop_of_token`] take back what was not sent yet.

mod delivery;
mod postman;

use std::fmt;

use chrono::TimeDelta;
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use crate::crypto::random;
use crate::domain::error::{Entity, Error, Result};
use crate::domain::identifiers::Email;
use crate::domain::ids::{MailId, Timestamp, UserId};
use crate::domain::mails::{Kind, Language, Letter, Mail, NOTICE_LIFETIME, NewMail, Status};
use crate::domain::pages::{Listing, PageOf};
use crate::domain::rights::{Right, action, resource};
use crate::domain::settings::mail::{Mails, Transport as Choice};
use crate::mail;
use crate::service::{Ctx, seals, settings};
use crate::store::Tx;

pub use crate::mail::{Failure, built_in};
pub use crate::store::outbox::MAIL_ORDER as ORDER;
pub use delivery::deliver;
pub use postman::Postman;

/// For what the contents of mails are sealed.
pub(super) const PURPOSE: &str = "mail";

/// A letter that may be posted. Its `Debug` shows nothing of what it says.
#[derive(Clone, PartialEq, Eq)]
pub struct Prepared {
    mail: NewMail,
    /// What it says, to be sealed.
    content: Zeroizing<String>,
}

impl fmt::Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prepared").field("kind", &self.mail.kind).finish_non_exhaustive()
    }
}

/// Writes a letter. It is given up at `expires_at`: that of the token it carries, or [`notice_expiry`].
///
/// # Errors
/// `Internal` without randomness.
pub fn prepare(ctx: &Ctx, letter: &Letter, expires_at: Timestamp) -> Result<Prepared> {
    let content = Zeroizing::new(Content::of(ctx, letter)?.written());
    let (kind, user, token, to) = (letter.kind, letter.user, letter.token, letter.to.clone());
    Ok(Prepared { mail: NewMail { kind, user, token, to, sealed: Vec::new(), expires_at }, content })
}

/// Seals a prepared letter and writes it into the outbox, in the transaction of the operation that causes it, and wakes
/// whoever sends.
///
/// # Errors
/// `Internal` when the master key cannot be used; those of the store.
pub fn post(ctx: &Ctx, tx: &dyn Tx, mail: &Prepared) -> Result<()> {
    let sealed = seals::seal(ctx.env, tx, PURPOSE, mail.content.as_bytes())?;
    tx.insert_mail(&NewMail { sealed, ..mail.mail.clone() }, ctx.now)?;
    // Whoever wakes asks for a transaction of his own, which begins when this one has ended.
    ctx.env.mail.bell.ring();
    Ok(())
}

/// Takes the time of [`post`] where nobody gets a letter.
///
/// # Errors
/// Those of [`post`].
pub fn feign(ctx: &Ctx, tx: &dyn Tx, mail: &Prepared) -> Result<()> {
    let sealed = seals::seal(ctx.env, tx, PURPOSE, mail.content.as_bytes())?;
    tx.feign_mail(&NewMail { sealed, ..mail.mail.clone() }, ctx.now)
}

/// When a mail without a token is given up.
pub fn notice_expiry(ctx: &Ctx) -> Timestamp {
    ctx.now + TimeDelta::from_std(NOTICE_LIFETIME).unwrap_or_default()
}

/// Takes back what was not sent yet of these kinds to a user: his address has changed, or what it asks for is done.
///
/// # Errors
/// Those of the store.
pub fn drop_of(tx: &dyn Tx, user: UserId, kinds: &[Kind]) -> Result<()> {
    tx.drop_mails(user, kinds).map(drop)
}

/// Takes back what was not sent yet and carries this one-time token.
///
/// # Errors
/// Those of the store.
pub fn drop_of_token(tx: &dyn Tx, token: i64) -> Result<()> {
    tx.drop_mails_of_token(token).map(drop)
}

/// Mails of the outbox, of this status or all.
///
/// Needs `settings:read`.
///
/// # Errors
/// `Forbidden`, and those of the store.
pub fn list(ctx: &Ctx, listing: &Listing, status: Option<Status>) -> Result<PageOf<Mail>> {
    ctx.require(&Right::of(resource::SETTINGS, action::READ))?;
    ctx.env.store.read(|tx| PageOf::of(listing, tx.list_mails(listing, status)?, || tx.count_mails(listing, status)))
}

/// Makes a mail due at once that is queued or was refused; the answer says whether that was possible: what was sent,
/// dropped or given up is wiped, and what is being sent is left alone.
///
/// Needs `settings:update`. Writes it and one `mail.retried` event.
///
/// # Errors
/// `Forbidden`, `NotFound(Mail)`, and those of the store.
pub fn retry(ctx: &Ctx, id: MailId) -> Result<(Mail, bool)> {
    ctx.require(&Right::of(resource::SETTINGS, action::UPDATE))?;
    ctx.write(|tx| {
        let queued = tx.requeue_mail(id, ctx.now)?;
        let mail = tx.mail(id)?.ok_or(Error::NotFound(Entity::Mail))?;
        if queued {
            tx.record(&ctx.event("mail.retried", "mail", Some(id.0), json!({"kind": mail.kind.as_str()})))?;
            ctx.env.mail.bell.ring();
        }
        Ok((mail, queued))
    })
}

/// Makes all mails due at once that are queued or were refused; says how many.
///
/// Needs `settings:update`. Writes them and one `mail.retried` event, if there are any.
///
/// # Errors
/// `Forbidden`, and those of the store.
pub fn retry_all(ctx: &Ctx) -> Result<u64> {
    ctx.require(&Right::of(resource::SETTINGS, action::UPDATE))?;
    ctx.write(|tx| {
        let queued = tx.requeue_mails(ctx.now)?;
        if queued > 0 {
            tx.record(&ctx.event("mail.retried", "mail", None, json!({"count": queued})))?;
            ctx.env.mail.bell.ring();
        }
        Ok(queued)
    })
}

/// What came of a test mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tested {
    /// The way it was to leave.
    pub transport: Choice,
    /// Why it did not.
    pub failure: Option<Failure>,
}

/// Sends a test mail at once, past the outbox, and says what the transport answered.
///
/// Needs `settings:update`. Writes one `mail.tested` event.
///
/// # Errors
/// `Forbidden`; `Invalid("email")` — no address; and those of the store. That the mail did not leave is no error here.
pub fn send_test(ctx: &Ctx, to: &str) -> Result<Tested> {
    ctx.require(&Right::of(resource::SETTINGS, action::UPDATE))?;
    let (letter, settings) = test_letter(ctx, to)?;
    let content = Content::of(ctx, &letter)?;
    let message = delivery::message((MailId(0), letter.kind, ctx.now), &content, &settings);
    let failure = mail::open(&settings, &ctx.env.mail).and_then(|transport| transport.send(&message)).err();
    let tested = Tested { transport: settings.transport, failure };
    let details = json!({"transport": tested.transport.as_str(), "sent": tested.failure.is_none()});
    ctx.write(|tx| tx.record(&ctx.event("mail.tested", "mail", None, details)))?;
    Ok(tested)
}

/// Puts a test mail into the outbox, from where it takes the way of all others.
///
/// Needs `settings:update`. Writes the mail and one `mail.queued` event.
///
/// # Errors
/// `Forbidden`; `Invalid("email")` — no address; and those of the store.
pub fn queue_test(ctx: &Ctx, to: &str) -> Result<()> {
    ctx.require(&Right::of(resource::SETTINGS, action::UPDATE))?;
    let (letter, _) = test_letter(ctx, to)?;
    let prepared = prepare(ctx, &letter, notice_expiry(ctx))?;
    ctx.write(|tx| {
        post(ctx, tx, &prepared)?;
        tx.record(&ctx.event("mail.queued", "mail", None, json!({"kind": letter.kind.as_str()})))
    })
}

fn test_letter(ctx: &Ctx, to: &str) -> Result<(Letter, Mails)> {
    let to = Email::parse(to)?;
    let settings = settings::in_force(ctx.env)?;
    let link = settings.mail_link(Kind::Test, "", "", &ctx.env.default_url);
    let letter = Letter {
        kind: Kind::Test,
        user: None,
        to: to.as_str().to_owned(),
        language: settings.mail_language(),
        username: to.as_str().to_owned(),
        link: Some(link),
        token: None,
    };
    Ok((letter, settings.mails()))
}

/// What is sealed of a letter. The address is in it too, so that nobody who writes to the file redirects a link.
struct Content {
    name: String,
    to: String,
    language: Language,
    username: String,
    link: String,
}

impl Content {
    fn of(ctx: &Ctx, letter: &Letter) -> Result<Self> {
        let name = random::uuid(ctx.env.random.as_ref())?.replace('-', "");
        let (to, username, link) =
            (letter.to.clone(), letter.username.clone(), letter.link.clone().unwrap_or_default());
        Ok(Self { name, to, language: letter.language, username, link })
    }

    fn written(&self) -> String {
        let (name, to, language) = (&self.name, &self.to, self.language.as_str());
        json!({"name": name, "to": to, "language": language, "username": self.username, "link": self.link}).to_string()
    }

    fn read(opened: &[u8]) -> Result<Self> {
        let fields: Map<String, Value> =
            serde_json::from_slice(opened).map_err(|_| Error::internal("what a mail says is damaged"))?;
        let text = |key: &str| fields.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let language = Language::parse(&text("language")).unwrap_or_default();
        Ok(Self { name: text("name"), to: text("to"), language, username: text("username"), link: text("link") })
    }
}
