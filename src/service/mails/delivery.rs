//! Sending: one mail after the other is taken out of the outbox, sent with no transaction open, and marked.
//!
//! A mail is marked after it was sent: a crash in between sends it twice, and never not at all. While one process has a
//! mail in hand, its lease keeps others away.

use chrono::TimeDelta;

use super::{Content, PURPOSE};
use crate::domain::advice::Advice;
use crate::domain::error::{Error, Result};
use crate::domain::ids::{MailId, Timestamp};
use crate::domain::mails::Kind;
use crate::domain::settings::mail::Mails;
use crate::mail::{Failure, Message, Transport, Words, render};
use crate::service::{Env, settings};
use crate::store::outbox::{Claimed, Next};

/// How long a mail may be in hand. A mail server gets ten seconds for each answer, and gives about ten of them.
const LEASE: TimeDelta = TimeDelta::minutes(5);
/// Wait after the first failure; it doubles with each further one.
const FIRST_WAIT: i64 = 30;
/// Longest wait.
const LONGEST_WAIT: i64 = 3600;
/// Most mails of one round, so that changed settings are obeyed soon.
const ROUND: usize = 100;
/// How long mails are remembered that were sent, dropped or given up.
const KEPT: TimeDelta = TimeDelta::days(30);
/// Most rows that are deleted at once.
const PURGE: u32 = 1000;

/// One round: gives up what has expired by `now`, and sends what is due then; says how many mails went.
///
/// # Errors
/// Those of the store. A mail that does not go is no error: it is tried again later.
pub fn deliver(env: &Env, transport: &dyn Transport, now: Timestamp) -> Result<u32> {
    sweep(env, now)?;
    let settings = settings::in_force(env)?.mails();
    let mut sent = 0;
    for _ in 0..ROUND {
        if env.mail.bell.is_over() {
            break;
        }
        let lease = env.clock.now().max(now) + LEASE;
        let Some(claimed) = env.store.write(|tx| tx.claim_mail(now, lease))? else { break };
        sent += u32::from(send(env, transport, &settings, &claimed)?);
    }
    Ok(sent)
}

/// Gives up what has expired, and forgets what is long over.
pub(super) fn sweep(env: &Env, now: Timestamp) -> Result<()> {
    env.store.write(|tx| {
        tx.give_up_mails(now)?;
        tx.purge_mails(now - KEPT, PURGE).map(drop)
    })
}

/// Sends a mail that is in hand, and marks it; says whether it went.
fn send(env: &Env, transport: &dyn Transport, settings: &Mails, claimed: &Claimed) -> Result<bool> {
    let mail = &claimed.mail;
    let (id, kind) = (mail.id, mail.kind.as_str());
    let failure = match opened(env, claimed) {
        Ok(content) => {
            let message = message((id, mail.kind, mail.created_at), &content, settings);
            transport.send(&message).err().map(|failure| without_link(failure, &content.link))
        }
        Err(text) => Some(Failure { permanent: false, text, advice: Advice::default() }),
    };
    let now = env.clock.now();
    let Some(failure) = failure else {
        env.store.write(|tx| tx.mark_sent(id, now))?;
        tracing::info!(id = id.0, kind, "mail sent");
        return Ok(true);
    };
    tracing::warn!(id = id.0, kind, attempts = mail.attempts, permanent = failure.permanent, "{}", failure.text);
    let next = if failure.permanent { Next::Ask } else { Next::At(now + wait(env, mail.attempts)?) };
    env.store.write(|tx| tx.mark_failed(id, claimed.lease, &failure.text, next))?;
    Ok(false)
}

/// The failure without what is secret in the link: a server may quote what it does not like.
fn without_link(failure: Failure, link: &str) -> Failure {
    /// A part of a link that is at least so long may be a token.
    const SECRET: usize = 12;
    let path = link.splitn(4, '/').nth(3).unwrap_or_default();
    let secrets = path.split(['/', '?', '&', '=', '#']).filter(|part| part.len() >= SECRET);
    Failure { text: secrets.fold(failure.text, |text, secret| text.replace(secret, "…")), ..failure }
}

fn opened(env: &Env, claimed: &Claimed) -> Result<Content, String> {
    let told = |error: Error| match error {
        Error::Internal(cause) => cause.to_string(),
        error => error.to_string(),
    };
    let opened = env.master.open(PURPOSE, &claimed.sealed).map_err(told)?;
    Content::read(&opened).map_err(told)
}

/// The mail of this id, kind and time as it leaves. Templates that cannot be used are told to the log, and by `doctor`.
pub(super) fn message((id, kind, date): (MailId, Kind, Timestamp), content: &Content, settings: &Mails) -> Message {
    let words = Words { site_name: &settings.site_name, username: &content.username, link: &content.link };
    let (rendered, faults) = render(kind, content.language, &settings.templates, words);
    for fault in faults {
        tracing::warn!(template = fault.file, "the built-in template serves in its place: {}", fault.text);
    }
    let (name, from, to) = (content.name.clone(), settings.from.clone(), content.to.clone());
    Message { id, kind, name, date, from, to, content: rendered }
}

/// How long a mail waits after so many attempts: 30 s, 1 m, 2 m … 1 h, and up to a quarter more, so that mails that
/// failed together do not all come back together.
fn wait(env: &Env, attempts: u32) -> Result<TimeDelta> {
    let doubled = FIRST_WAIT.saturating_mul(1 << attempts.saturating_sub(1).min(10));
    let least = doubled.min(LONGEST_WAIT);
    let mut random = [0; 2];
    env.random.fill(&mut random)?;
    let extra = least * 250 * i64::from(u16::from_be_bytes(random)) / i64::from(u16::MAX);
    Ok(TimeDelta::milliseconds(least * 1000 + extra))
}
