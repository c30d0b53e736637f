//! `authsrv guard`: what is limited since somebody tried too often, and lifting that.

use std::net::IpAddr;

use super::call::{Call, unknown};
use super::failure::Failure;
use super::lists::Fields;
use super::output::{Cell, List as Printed, Output, Record, counted};
use crate::domain::error::{Entity, Error};
use crate::service::guard::{self, Limited, Range, Those};
use crate::service::users;

/// What can be done about limits.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// List what is limited now: whose attempts, until when, and who tried last
    #[command(after_help = "Example:\n  authsrv guard list --all -o json")]
    List(List),
    /// Forget attempts, so that the next is let in at once; without an argument all of them
    #[command(
        after_help = "Examples:\n  authsrv guard clear\n  authsrv guard clear ann@example.com\n  authsrv guard clear 192.0.2.7\n\nUSER may be a name that nobody has. A running server obeys at once."
    )]
    Clear(Clear),
}

/// Options of `guard list`.
#[derive(Debug, clap::Args)]
pub struct List {
    /// Attempts too that are counted and not limited yet
    #[arg(long)]
    all: bool,
}

/// Options of `guard clear`.
#[derive(Debug, clap::Args)]
pub struct Clear {
    /// Only those at this account, or from this address (and its network) or network
    #[arg(value_name = "USER|ADDRESS")]
    which: Option<String>,
}

/// Runs one of them.
pub fn run(command: Command, call: &Call) -> Result<Output<'_>, Failure> {
    match command {
        Command::List(args) => list(&args, call),
        Command::Clear(args) => clear(args.which.as_deref(), call),
    }
}

const FIELDS: Fields = Fields {
    all: &["bucket", "subject", "user_id", "user", "attempts", "is_limited", "until", "last_at", "ip_address"],
    usual: &["bucket", "subject", "user_id", "user", "attempts", "is_limited", "until", "last_at", "ip_address"],
    table: &["bucket", "subject", "user", "until", "attempts", "ip_address", "last_at"],
};

fn list<'a>(args: &List, call: &'a Call) -> Result<Output<'a>, Failure> {
    let range = if args.all { Range::Counted } else { Range::Limited };
    let mut page = Some(guard::list(&call.ctx(), range)?.iter().map(record).collect());
    let columns = FIELDS.usual(call.format, "-o json");
    let none = if args.all { "No attempts are counted." } else { "Nothing is limited." };
    Ok(Output::many(Printed { columns, none, pages: Box::new(move || Ok(page.take())) }))
}

fn record(limited: &Limited) -> Record {
    let (id, label) = limited.user.clone().map_or((None, None), |(id, label)| (Some(id), label));
    Record(vec![
        ("bucket", Cell::text(limited.bucket.as_str())),
        ("subject", Cell::text(&limited.subject)),
        ("user_id", id.map_or(Cell::Null, |id| Cell::Number(id.0))),
        ("user", Cell::maybe(label)),
        ("attempts", Cell::count(limited.attempts)),
        ("is_limited", Cell::Bool(limited.until.is_some())),
        ("until", Cell::time(limited.until)),
        ("last_at", Cell::time(limited.last)),
        ("ip_address", Cell::maybe(limited.address)),
    ])
}

fn clear<'a>(which: Option<&str>, call: &'a Call) -> Result<Output<'a>, Failure> {
    let (those, of) = match which {
        None => (Those::All, String::new()),
        Some(text) => (meant(text, call)?, format!(" about {text}")),
    };
    let cleared = guard::clear(&call.ctx(), &those)?;
    if let (Those::Name(name), 0) = (&those, cleared) {
        return Err(unknown(Entity::User, name, &users::similar(&call.ctx(), name)?));
    }
    let text = match cleared {
        0 => format!("Nothing was counted{of}."),
        counts => format!("Cleared {}{of}.", counted(counts, "count")),
    };
    Ok(Output::done(text, Record(vec![("cleared", Cell::count(cleared))])))
}

/// What a text names: an address, a network, a user, or else a name that nobody has.
fn meant(text: &str, call: &Call) -> Result<Those, Failure> {
    if let Ok(address) = text.parse() {
        return Ok(Those::Address(address));
    }
    if text.split_once('/').is_some_and(|(address, _)| address.parse::<IpAddr>().is_ok()) {
        return Ok(Those::Network(text.to_owned()));
    }
    match users::find(&call.ctx(), text) {
        Ok(account) => Ok(Those::User(account.user.id)),
        Err(Error::NotFound(_)) => Ok(Those::Name(text.to_owned())),
        Err(error) => Err(error.into()),
    }
}
