//! Whether mails can leave, and lead where they should.

use chrono::TimeDelta;

use super::{Finding, Level};
use crate::domain::advice::Advice;
use crate::domain::error::Result;
use crate::domain::mails::Status;
use crate::domain::pages::Listing;
use crate::domain::settings::Settings;
use crate::domain::settings::mail::Transport;
use crate::domain::times;
use crate::mail;
use crate::service::{Ctx, settings};

/// How long a mail may wait before somebody should know.
const WAIT_MAX: TimeDelta = TimeDelta::hours(1);

/// Looks at the settings of mails, the templates and the outbox. Connects to nothing: that is for `mail send-test`.
pub(super) fn look(ctx: &Ctx) -> Result<Vec<Finding>> {
    let settings = settings::in_force(ctx.env)?;
    let mut findings = vec![transport(ctx, &settings)];
    findings.extend(links(&settings, &ctx.env.default_url));
    let broken = mail::faults(&settings.mails().templates).into_iter().map(|fault| {
        let text = format!("{}: {}; the one built in serves in its place", fault.file, fault.text);
        Finding::new(Level::Warning, "mail.templates", text, "mend the file, or take it away")
    });
    findings.extend(broken);
    findings.extend(waiting(ctx)?);
    Ok(findings)
}

fn transport(ctx: &Ctx, settings: &Settings) -> Finding {
    const SUBJECT: &str = "mail.transport";
    let mails = settings.mails();
    if let Err(failure) = mail::open(&mails, &ctx.env.mail) {
        return Finding::new(Level::Problem, SUBJECT, format!("no mail can leave: {}", failure.text), failure.advice);
    }
    let set = Advice::run("settings set mail.transport smtp");
    match (mails.transport, settings.activation()) {
        (Transport::Log, true) => {
            let text = "new accounts wait for a link that is written into the server's log and reaches nobody";
            Finding::new(Level::Warning, SUBJECT, text, set)
        }
        (Transport::Log, false) => {
            let text = "log, for development: mails are written whole, with their links, into the server's log";
            Finding::new(Level::Note, SUBJECT, text, set)
        }
        (Transport::Folder, _) => Finding::ok(SUBJECT, format!("mails are put into {}", mails.folder)),
        (Transport::Smtp, _) => Finding::ok(SUBJECT, format!("mails leave by {}", mails.smtp.host)),
    }
}

/// Links that lead to this server need its public name.
fn links(settings: &Settings, default_url: &str) -> Option<Finding> {
    let leads_here = settings.public_url().is_none() && !settings.has_front_end();
    if settings.mails().transport != Transport::Smtp || !leads_here {
        return None;
    }
    let text = format!("not set, so links in mails lead to {default_url}, which those who get them may not reach");
    let advice = Advice::run("settings set public_url https://auth.example.com");
    Some(Finding::new(Level::Problem, "public_url", text, advice))
}

fn waiting(ctx: &Ctx) -> Result<Option<Finding>> {
    let oldest = Listing { limit: 1, ..Listing::default() };
    let (mails, many) = ctx.env.store.read(|tx| {
        let queued = Some(Status::Queued);
        Ok((tx.list_mails(&oldest, queued)?, tx.count_mails(&oldest, queued)?))
    })?;
    let Some(mail) = mails.into_iter().find(|mail| mail.created_at < ctx.now - WAIT_MAX) else { return Ok(None) };
    let why = mail.last_error.unwrap_or_else(|| "no server is running that sends them".to_owned());
    let text = format!("{many} waiting, the oldest since {}: {why}", times::written(mail.created_at));
    Ok(Some(Finding::new(Level::Warning, "mails", text, Advice::run("mail list --status queued"))))
}
