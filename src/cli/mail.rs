//! `authsrv mail`: the outbox, and whether mails arrive. No command shows what a mail says.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::call::{Call, unknown};
use super::failure::Failure;
use super::lists::{Fields, Part};
use super::output::{Cell, Output, Record, counted};
use crate::domain::advice::{Advice, quoted};
use crate::domain::error::{Entity, Error};
use crate::domain::ids::MailId;
use crate::domain::mails::{Mail, Status};
use crate::domain::settings::mail::Transport;
use crate::service::mails::{self, Tested};

/// What can be done with mails.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// List mails: what is queued, and what became of the rest in the last thirty days
    #[command(after_help = "Example:\n  authsrv mail list --status queued --fields all")]
    List(List),
    /// Send a test mail at once and tell what the mail server answered; exits 0 if it took it, 1 if not
    #[command(after_help = "Example:\n  authsrv mail send-test you@example.com")]
    SendTest(SendTest),
    /// Try a mail again now, or all that are queued or were refused
    Retry(Retry),
    /// Write the built-in templates into a folder, to be changed there; files that are there already are left alone
    #[command(
        after_help = "Example:\n  authsrv mail templates /etc/authsrv/mail\n  authsrv settings set mail.templates /etc/authsrv/mail"
    )]
    Templates(Templates),
}

/// Options of `mail list`.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub struct List {
    #[command(flatten)]
    part: Part,
    /// Only those that are queued, sent, failed or dropped
    #[arg(long, value_name = "STATUS", value_parser = status)]
    status: Option<Status>,
}

/// Options of `mail send-test`.
#[derive(Debug, clap::Args)]
pub struct SendTest {
    /// Where to
    #[arg(value_name = "ADDRESS")]
    address: String,
    /// Put it into the outbox instead, so that the running server sends it like all others
    #[arg(long)]
    queue: bool,
}

/// Options of `mail retry`.
#[derive(Debug, clap::Args)]
pub struct Retry {
    /// The mail's id, as `mail list` shows it (default: all)
    #[arg(value_name = "ID")]
    id: Option<i64>,
}

/// Options of `mail templates`.
#[derive(Debug, clap::Args)]
pub struct Templates {
    /// The folder; made if there is none
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

/// Runs one of them.
pub fn run(command: Command, call: &Call) -> Result<Output<'_>, Failure> {
    match command {
        Command::List(args) => list(&args, call),
        Command::SendTest(args) if args.queue => queue(&args.address, call),
        Command::SendTest(args) => send(&args.address, call),
        Command::Retry(Retry { id: Some(id) }) => retry(id, call),
        Command::Retry(Retry { id: None }) => retry_all(call),
        Command::Templates(args) => templates(&args.folder),
    }
}

const FIELDS: Fields = Fields {
    all: &[
        "id",
        "kind",
        "to",
        "status",
        "attempts",
        "next_attempt_at",
        "last_error",
        "created_at",
        "sent_at",
        "expires_at",
    ],
    usual: &["id", "kind", "to", "status", "attempts", "next_attempt_at", "last_error"],
    table: &["id", "status", "to", "kind", "last_error", "attempts", "next_attempt_at", "created_at"],
};

fn status(text: &str) -> Result<Status, String> {
    Status::parse(text).ok_or_else(|| {
        let words: Vec<&str> = Status::ALL.iter().map(|status| status.as_str()).collect();
        format!("the words are {}", words.join(", "))
    })
}

fn list<'a>(args: &List, call: &'a Call) -> Result<Output<'a>, Failure> {
    let listing = args.part.listing(mails::ORDER)?;
    let columns = args.part.columns(&FIELDS, call.format)?;
    let status = args.status;
    let fetch = move |listing: &_| mails::list(&call.ctx(), listing, status);
    Ok(Output::many(args.part.list("No mails.", columns, listing, fetch, |mail| record(&mail))))
}

fn send<'a>(address: &str, call: &'a Call) -> Result<Output<'a>, Failure> {
    let Tested { transport, failure } = mails::send_test(&call.ctx(), address).map_err(of_address)?;
    if let Some(failure) = failure {
        let refused = Failure::refused(format!("the test mail was not sent: {}", failure.text));
        return Err(if failure.advice.is_empty() { refused } else { refused.hint(failure.advice) });
    }
    let record = Record(vec![
        ("to", Cell::text(address)),
        ("transport", Cell::text(transport.as_str())),
        ("sent", Cell::Bool(transport != Transport::Log)),
    ]);
    Ok(match transport {
        Transport::Smtp => Output::done(format!("The mail server took the test mail to {address}."), record),
        Transport::Folder => Output::done(format!("The test mail to {address} is in the folder mail.folder."), record),
        Transport::Log => {
            let set = call.command("settings set mail.transport smtp");
            Output::done("Nothing was sent: mail.transport is log, and mails go into the server's log.", record)
                .with_note(format!("To send mails: {set}"))
        }
    })
}

fn queue<'a>(address: &str, call: &'a Call) -> Result<Output<'a>, Failure> {
    mails::queue_test(&call.ctx(), address).map_err(of_address)?;
    let text = format!("Queued a test mail to {address}; a running server sends it.");
    Ok(Output::done(text, Record(vec![("to", Cell::text(address)), ("queued", Cell::Bool(true))])))
}

/// An address is no flag.
fn of_address(error: Error) -> Failure {
    match error {
        Error::Invalid(fields) => {
            let said: Vec<&str> = fields.iter().map(|field| field.message.as_str()).collect();
            Failure::usage(format!("ADDRESS: {}", said.join(" ")))
        }
        error => error.into(),
    }
}

fn retry<'a>(id: i64, call: &'a Call) -> Result<Output<'a>, Failure> {
    let (mail, queued) = mails::retry(&call.ctx(), MailId(id)).map_err(|error| match error {
        Error::NotFound(_) => unknown(Entity::Mail, &id.to_string(), &[]),
        error => error.into(),
    })?;
    if !queued {
        let text = match mail.status {
            Status::Queued => format!("mail {id} is being sent just now, or has expired"),
            Status::Sent => format!("mail {id} was sent, and what it said was wiped"),
            Status::Failed => format!("mail {id} was given up, and what it said was wiped"),
            Status::Dropped => format!("mail {id} was dropped, since its link is not wanted any more"),
        };
        return Err(Failure::refused(text).hint(Advice::run("mail list").and(" shows what became of each")));
    }
    Ok(Output::done(format!("Mail {id} is due now; a running server sends it."), record(&mail)))
}

fn retry_all(call: &Call) -> Result<Output<'_>, Failure> {
    let queued = mails::retry_all(&call.ctx())?;
    let text = match queued {
        0 => "There is nothing to send.".to_owned(),
        1 => "1 mail is due now; a running server sends it.".to_owned(),
        many => format!("{} are due now; a running server sends them.", counted(many, "mail")),
    };
    Ok(Output::done(text, Record(vec![("queued", Cell::count(queued))])))
}

fn templates<'a>(folder: &Path) -> Result<Output<'a>, Failure> {
    let refuse = |error: std::io::Error| Failure::refused(format!("cannot write into {}: {error}", folder.display()));
    let mut written = 0;
    for (name, source) in mails::built_in() {
        let path = folder.join(name);
        let directory = path.parent().unwrap_or(folder);
        DirBuilder::new().recursive(true).mode(0o755).create(directory).map_err(refuse)?;
        match OpenOptions::new().write(true).create_new(true).mode(0o644).open(&path) {
            Ok(mut file) => file.write_all(source.as_bytes()).map_err(refuse)?,
            Err(error) if error.kind() == ErrorKind::AlreadyExists => continue,
            Err(error) => return Err(refuse(error)),
        }
        written += 1;
    }
    let text = format!("Wrote {} into {}.", counted(written, "template"), quoted(folder));
    Ok(Output::done(text, Record(vec![("written", Cell::count(written))])))
}

fn record(mail: &Mail) -> Record {
    let next = Some(mail.next_attempt_at).filter(|_| mail.status == Status::Queued);
    Record(vec![
        ("id", Cell::Number(mail.id.0)),
        ("kind", Cell::text(mail.kind.as_str())),
        ("to", Cell::text(&mail.to)),
        ("status", Cell::text(mail.status.as_str())),
        ("attempts", Cell::Number(i64::from(mail.attempts))),
        ("next_attempt_at", Cell::time(next)),
        ("last_error", Cell::maybe(mail.last_error.as_deref())),
        ("created_at", Cell::Time(mail.created_at)),
        ("sent_at", Cell::time(mail.sent_at)),
        ("expires_at", Cell::Time(mail.expires_at)),
    ])
}
