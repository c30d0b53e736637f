//! `authsrv keys`: the keys that tokens are verified by. No command prints a secret, and none takes one as an argument.

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::Read;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::call::{Call, unknown};
use super::failure::Failure;
use super::lists::Fields;
use super::output::{Cell, List, Output, Record};
use super::prompt::line_from_stdin;
use crate::domain::advice::{Advice, quoted};
use crate::domain::error::{Entity, Error};
use crate::domain::ids::Timestamp;
use crate::domain::times;
use crate::domain::tokens::StoredKey;
use crate::service::{Ensured, keys};

/// How long an imported key is good if nothing else is said: as long as a refresh token of S3's settings.
const USUAL: &str = "42d";
/// Longest file that is read as a secret, in bytes.
const FILE_MAX: u64 = 16 * 1024;

/// What can be done with keys.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// List the keys that tokens are verified by, oldest first
    List,
    /// Take the secret of a former system, so that the tokens that it signed stay good until they expire
    #[command(
        after_help = "Examples:\n  authsrv keys import --hs256 --file secret.txt --for 42d\n  authsrv keys import --hs256 --secret-stdin --until 2026-12-31 < secret.txt\n\nIt is the value of SIMPLE_JWT's SIGNING_KEY, which is Django's SECRET_KEY if not set.\nAgain with the same secret only changes the end."
    )]
    Import(Import),
    /// Revoke an imported key: tokens that it signed are refused from the next request on; does not ask. Sessions that
    /// such tokens began go on, until they are ended
    Revoke(Revoke),
}

/// Options of `keys import`.
#[derive(Debug, clap::Args)]
pub struct Import {
    /// The tokens are signed with HMAC-SHA-256, SimpleJWT's default
    #[arg(long, required = true)]
    hs256: bool,
    /// Read the secret from this file, which only its owner may read
    #[arg(long, value_name = "PATH")]
    file: Option<PathBuf>,
    /// Read the secret from the first line of standard input
    #[arg(long, conflicts_with = "file")]
    secret_stdin: bool,
    /// When the key ends: a time, or a day, which counts to its end (UTC)
    #[arg(long, value_name = "TIME", conflicts_with = "length")]
    until: Option<String>,
    /// How long the key is good from now on, such as 42d [default: 42d]
    #[arg(long = "for", id = "length", value_name = "TIME")]
    length: Option<String>,
    // Taken so that it can be refused without repeating it, as the parser would.
    #[arg(hide = true)]
    typed: Vec<OsString>,
}

/// Options of `keys revoke`.
#[derive(Debug, clap::Args)]
pub struct Revoke {
    /// The key's kid, as `keys list` shows it; it may begin with a hyphen
    #[arg(value_name = "KID", allow_hyphen_values = true)]
    kid: String,
}

/// Runs one of them.
pub fn run(command: Command, call: &Call) -> Result<Output<'_>, Failure> {
    match command {
        Command::List => list(call),
        Command::Import(args) => import(&args, call),
        Command::Revoke(args) => revoke(&args.kid, call),
    }
}

const FIELDS: Fields = Fields {
    all: &["kid", "algorithm", "signs", "is_imported", "is_active", "created_at", "expires_at", "revoked_at"],
    usual: &["kid", "algorithm", "signs", "is_imported", "is_active", "created_at", "expires_at", "revoked_at"],
    table: &["kid", "is_active", "algorithm", "signs", "is_imported", "expires_at", "created_at"],
};

fn list(call: &Call) -> Result<Output<'_>, Failure> {
    let ctx = call.ctx();
    let mut page = Some(keys::list(&ctx)?.iter().map(|key| record(key, ctx.now)).collect());
    let columns = FIELDS.usual(call.format, "-o json");
    Ok(Output::many(List { columns, none: "No keys.", pages: Box::new(move || Ok(page.take())) }))
}

fn import<'a>(args: &Import, call: &'a Call) -> Result<Output<'a>, Failure> {
    if !args.typed.is_empty() {
        let text = "a secret is never given as an argument: others could read it in the list of processes";
        return Err(Failure::usage(text)
            .hint(Advice::from("put it into a file of your own: ").and_run("keys import --hs256 --file secret.txt")));
    }
    let until = end(args, call.ctx().now)?;
    let secret = read(args, call)?;
    if is_assignment(&secret) {
        return Err(Failure::usage("this looks like a line of Django's settings, not like the secret itself")
            .hint("give only what stands between the quotes"));
    }
    let (key, text) = match keys::import_hs256(&call.ctx(), &secret, until)? {
        Ensured::Created(key) => (key, "Imported key"),
        Ensured::Unchanged(key) => (key, "Had been imported already: key"),
        Ensured::Differs(key, _) => (key, "Had been imported already and has a new end: key"),
    };
    let text = format!("{text} {}, good until {}.", key.kid, times::written(until));
    Ok(Output::done(text, record(&key, call.ctx().now)))
}

fn revoke<'a>(kid: &str, call: &'a Call) -> Result<Output<'a>, Failure> {
    let revoked = keys::revoke(&call.ctx(), kid).map_err(|error| match error {
        Error::NotFound(_) => unknown(Entity::Key, kid, &[]),
        error => error.into(),
    })?;
    let text = if revoked { "Revoked key" } else { "Had been revoked already: key" };
    let record = Record(vec![("kid", Cell::text(kid)), ("revoked", Cell::Bool(revoked))]);
    Ok(Output::done(format!("{text} {kid}."), record))
}

/// When the key ends.
fn end(args: &Import, now: Timestamp) -> Result<Timestamp, Failure> {
    let Some(text) = &args.until else {
        let text = args.length.as_deref().unwrap_or(USUAL);
        let seconds = times::seconds(text).and_then(|seconds| i64::try_from(seconds).ok());
        let length = seconds.filter(|seconds| *seconds > 0).and_then(chrono::Duration::try_seconds);
        let end = length.and_then(|length| now.checked_add_signed(length));
        let sane = end.filter(|end| times::instant(&times::written(*end)).is_some());
        return sane.ok_or_else(|| Failure::usage("--for: enter a length of time such as 42d, 24h or 90m"));
    };
    let day = || Some(times::instant(&format!("{text}T00:00:00Z"))? + chrono::Duration::days(1));
    times::instant(text)
        .or_else(day)
        .ok_or_else(|| Failure::usage("--until: enter a time such as 2026-12-31 or 2026-12-31T18:00:00Z"))
}

/// The secret, from where the flags say, or asked for.
fn read(args: &Import, call: &Call) -> Result<Zeroizing<String>, Failure> {
    match &args.file {
        Some(path) => from_file(path),
        None if args.secret_stdin => line_from_stdin("the secret"),
        None => call.prompt.secret("Secret", "give it with --file, or pipe it to standard input with --secret-stdin"),
    }
}

/// The one line of a file that only its owner may read.
fn from_file(path: &Path) -> Result<Zeroizing<String>, Failure> {
    let refuse = |what: String| Failure::usage(format!("--file: {} {what}", path.display()));
    let nonblocking = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(nonblocking).open(path);
    let mut file = file.map_err(|error| refuse(format!("cannot be read: {error}")))?;
    let about = file.metadata().map_err(|error| refuse(format!("cannot be read: {error}")))?;
    if !about.is_file() {
        return Err(refuse("is no file".to_owned()));
    }
    if about.mode() & 0o077 != 0 {
        return Err(refuse("holds a secret and can be read by others".to_owned())
            .hint(Advice::shell(format!("chmod 600 {}", quoted(path)))));
    }
    if about.len() > FILE_MAX {
        return Err(refuse("is too long for a secret".to_owned()));
    }
    let mut text = Zeroizing::new(String::with_capacity(FILE_MAX as usize + 1));
    let read = file.by_ref().take(FILE_MAX + 1).read_to_string(&mut text);
    read.map_err(|error| refuse(format!("cannot be read: {error}")))?;
    let line = text.strip_suffix('\n').unwrap_or(&text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    match line {
        "" => Err(refuse("is empty".to_owned())),
        line if line.contains(['\n', '\r']) => Err(refuse("has more than one line".to_owned())),
        line => Ok(Zeroizing::new(line.to_owned())),
    }
}

/// Whether this is `SECRET_KEY = "…"`, or the value with its quotes.
fn is_assignment(text: &str) -> bool {
    let named = ["SECRET_KEY", "SIGNING_KEY", "DJANGO_SECRET_KEY"]
        .iter()
        .any(|name| text.trim_start().strip_prefix(name).is_some_and(|rest| rest.trim_start().starts_with(['=', ':'])));
    let quoted = |quote: char| text.len() > 1 && text.starts_with(quote) && text.ends_with(quote);
    named || quoted('"') || quoted('\'')
}

fn record(key: &StoredKey, now: Timestamp) -> Record {
    Record(vec![
        ("kid", Cell::text(&key.kid)),
        ("algorithm", Cell::text(&key.algorithm)),
        ("signs", Cell::Bool(key.signs && key.revoked_at.is_none())),
        ("is_imported", Cell::Bool(key.is_imported())),
        ("is_active", Cell::Bool(key.is_live(now))),
        ("created_at", Cell::Time(key.created_at)),
        ("expires_at", Cell::time(key.expires_at)),
        ("revoked_at", Cell::time(key.revoked_at)),
    ])
}
