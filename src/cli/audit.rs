//! `authsrv audit`: who did what, from where, when; and whether that record is as it was written.

use std::ffi::OsString;
use std::path::Path;

use super::call::Call;
use super::failure::{Code, Failure};
use super::lists::{Fields, Part};
use super::output::{Cell, Lines, Output, Record, counted};
use crate::app;
use crate::domain::audit::{Entry, Hash, Link};
use crate::domain::ids::{Timestamp, UserId};
use crate::domain::pages::Listing;
use crate::domain::times;
use crate::service::audit::{self, Verified};

/// What can be done with the audit trail.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// List events, newest first
    #[command(
        after_help = "Examples:\n  authsrv audit list --user ann@example.com --since 7d\n  authsrv audit list --event login.failed --limit 20"
    )]
    List(List),
    /// Say whether the trail is as it was written, or where it is broken first; exits 0 if whole, 1 if broken
    #[command(after_help = "Examples:\n  authsrv audit verify\n  authsrv audit verify --expect 1042:5f0c…")]
    Verify(Verify),
    /// Write events as JSON lines, oldest first, with what is needed to verify them without authsrv
    #[command(after_help = "Example:\n  authsrv audit export --since 30d --file audit.jsonl")]
    Export(Export),
    /// Delete what is older than the setting audit.retention, as a running server does; does not ask
    Prune,
}

/// Which events.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub struct Which {
    /// Only what this user did, or what was done to this user; an id also of one who was deleted
    #[arg(long, value_name = "USER")]
    user: Option<String>,
    /// Only events whose name begins so, such as login, or login.failed
    #[arg(long, value_name = "NAME")]
    event: Option<String>,
    /// Only what happened then or later: a time, a day, or how long ago, such as 12h or 7d
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Only what happened before: a time, a day, or how long ago
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
}

/// Options of `audit list`.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub struct List {
    #[command(flatten)]
    part: Part,
    #[command(flatten)]
    which: Which,
}

/// Options of `audit verify`.
#[derive(Debug, clap::Args)]
pub struct Verify {
    /// An event that must be in it, as an earlier run named the newest: this shows a trail that was replaced by an older one
    #[arg(long, value_name = "ID:HASH")]
    expect: Option<String>,
}

/// Options of `audit export`.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub struct Export {
    #[command(flatten)]
    which: Which,
    /// A new file for it, for you alone; without it, standard output
    #[arg(long, value_name = "FILE")]
    file: Option<OsString>,
}

/// Runs one of them.
pub fn run(command: Command, call: &Call) -> Result<Output<'_>, Failure> {
    match command {
        Command::List(args) => list(&args, call),
        Command::Verify(args) => verify(&args, call),
        Command::Export(args) => export(&args, call),
        Command::Prune => prune(call),
    }
}

const FIELDS: Fields = Fields {
    all: &[
        "id",
        "at",
        "actor_kind",
        "actor_id",
        "actor",
        "door",
        "ip_address",
        "user_agent",
        "action",
        "entity",
        "entity_id",
        "subject_id",
        "result",
        "details",
        "hash",
    ],
    usual: &["id", "at", "actor", "door", "ip_address", "action", "entity", "entity_id", "result", "details"],
    table: &["id", "at", "action", "actor", "result", "entity", "entity_id", "ip_address", "door", "details"],
};

impl Which {
    fn listing(&self, call: &Call) -> Result<Listing, Failure> {
        let now = call.ctx().now;
        let time = |flag: &str, text: &Option<String>| text.as_deref().map(|text| moment(flag, text, now)).transpose();
        Ok(Listing {
            user: self.user.as_deref().map(|user| subject(user, call)).transpose()?,
            event: self.event.clone(),
            since: time("--since", &self.since)?,
            until: time("--until", &self.until)?,
            ..Listing::default()
        })
    }
}

/// The user whom a text names. Events outlive users: an id need not be anybody's any more.
fn subject(text: &str, call: &Call) -> Result<UserId, Failure> {
    match (call.user(text), text.parse::<i64>()) {
        (Ok(account), _) => Ok(account.user.id),
        (Err(_), Ok(id)) => Ok(UserId(id)),
        (Err(failure), Err(_)) => Err(failure),
    }
}

/// A time as people type it.
fn moment(flag: &str, text: &str, now: Timestamp) -> Result<Timestamp, Failure> {
    let ago = || {
        let seconds = times::seconds(text).and_then(|seconds| i64::try_from(seconds).ok())?;
        now.checked_sub_signed(chrono::Duration::try_seconds(seconds)?)
    };
    let day = || times::instant(&format!("{text}T00:00:00Z"));
    times::instant(text).or_else(ago).or_else(day).ok_or_else(|| {
        Failure::usage(format!(
            "{flag}: enter a time such as 2026-01-31T12:00:00Z, a day such as 2026-01-31, or how long ago, such as 12h or 7d"
        ))
    })
}

fn list<'a>(args: &List, call: &'a Call) -> Result<Output<'a>, Failure> {
    let Listing { search, order, .. } = args.part.listing(audit::ORDER)?;
    let listing = Listing { search, order, ..args.which.listing(call)? };
    let columns = args.part.columns(&FIELDS, call.format)?;
    let fetch = move |listing: &_| audit::list(&call.ctx(), listing);
    Ok(Output::many(args.part.list("No events.", columns, listing, fetch, |entry| record(&entry))))
}

fn verify<'a>(args: &Verify, call: &'a Call) -> Result<Output<'a>, Failure> {
    let expected = args.expect.as_deref().map(|text| {
        let found = text.split_once(':').and_then(|(id, hash)| Some((id.parse().ok()?, Hash::parse(hash)?)));
        let wrong =
            || Failure::usage("--expect: enter what an earlier run named, the id and the hash with a colon between");
        found.map(|(id, hash)| Link { id, hash }).ok_or_else(wrong)
    });
    let found = audit::verify(&call.ctx(), expected.transpose()?)?;
    let output = Output::said(Vec::new(), verified(&found));
    let Some(broken) = &found.broken else {
        let mut text = match found.first {
            Some(first) => format!("The audit trail is whole: events {first} to {}.", found.last.id),
            None => "The audit trail is whole: it has no events.".to_owned(),
        };
        if found.pruned > 0 {
            text.push_str(&format!(" Those up to {} were pruned.", found.pruned));
        }
        if let Some(at) = found.chained_at {
            text.push_str(&format!(" Those before {at} were chained only then."));
        }
        let noted = format!("Newest: {}:{}", found.last.id, found.last.hash);
        return Ok(output.with_note(text).with_note(noted));
    };
    let good = format!("{} before it are as they were written.", counted(found.checked, "event"));
    Ok(output.with_note(format!("The audit trail is broken: {broken}.")).with_note(good).with_code(Code::Refused))
}

fn verified(found: &Verified) -> Record {
    let number = |number: Option<i64>| number.map_or(Cell::Null, Cell::Number);
    let broken = found.broken.as_ref();
    Record(vec![
        ("whole", Cell::Bool(broken.is_none())),
        ("checked", Cell::count(found.checked)),
        ("first_id", number(found.first)),
        ("last_id", Cell::Number(found.last.id)),
        ("last_hash", Cell::text(found.last.hash)),
        ("pruned_up_to", Cell::Number(found.pruned)),
        ("chained_at", number(found.chained_at)),
        ("broken_id", number(broken.map(|broken| broken.id))),
        ("fault", Cell::maybe(broken.map(|broken| broken.fault.as_str()))),
    ])
}

fn export<'a>(args: &Export, call: &'a Call) -> Result<Output<'a>, Failure> {
    let listing = args.which.listing(call)?;
    let mut after = 0;
    let mut pages: Lines<'a> = Box::new(move || {
        let Some((lines, last)) = audit::export(&call.ctx(), &listing, after)? else { return Ok(None) };
        after = last;
        Ok(Some(lines))
    });
    let Some(file) = &args.file else { return Ok(Output::streamed(pages)) };
    let path = Path::new(file);
    let mut count = 0;
    let lines = std::iter::from_fn(|| pages().transpose());
    app::write_new(path, lines.map(|page| page.inspect(|lines| count += lines.len() as u64))).map_err(|error| {
        match error {
            app::Unwritten::File(cause) if cause.kind() == std::io::ErrorKind::AlreadyExists => {
                let text = format!("{} is there already", path.display());
                Failure::refused(text).hint("name a new file; none is overwritten")
            }
            app::Unwritten::File(cause) => Failure::refused(format!("cannot write {}: {cause}", path.display())),
            app::Unwritten::Source(failure) => failure,
        }
    })?;
    let text = format!("Wrote {} to {}.", counted(count, "event"), path.display());
    Ok(Output::done(text, Record(vec![("events", Cell::count(count)), ("file", Cell::text(path.display()))])))
}

fn prune(call: &Call) -> Result<Output<'_>, Failure> {
    let gone = audit::prune(&call.ctx())?;
    let text = match gone {
        0 => "No event is older than audit.retention; nothing was deleted.".to_owned(),
        gone => format!("Deleted {}.", counted(gone, "event")),
    };
    Ok(Output::done(text, Record(vec![("deleted", Cell::count(gone))])))
}

fn record(entry: &Entry) -> Record {
    let number = |number: Option<i64>| number.map_or(Cell::Null, Cell::Number);
    Record(vec![
        ("id", Cell::Number(entry.id)),
        ("at", Cell::Time(entry.at)),
        ("actor_kind", Cell::text(&entry.actor_kind)),
        ("actor_id", number(entry.actor_id)),
        ("actor", Cell::text(&entry.actor)),
        ("door", Cell::text(&entry.door)),
        ("ip_address", Cell::maybe(entry.ip_address.as_ref())),
        ("user_agent", Cell::text(&entry.user_agent)),
        ("action", Cell::text(&entry.action)),
        ("entity", Cell::text(&entry.entity)),
        ("entity_id", number(entry.entity_id)),
        ("subject_id", number(entry.subject_id)),
        ("result", Cell::text(&entry.result)),
        ("details", Cell::Json(entry.details.clone())),
        ("hash", Cell::maybe(entry.hash)),
    ])
}
