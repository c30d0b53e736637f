//! `authsrv keys import`: a secret or a private key out of a file, shown nowhere.

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::Read;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::record;
use crate::cli::call::Call;
use crate::cli::failure::Failure;
use crate::cli::output::Output;
use crate::cli::prompt::line_from_stdin;
use crate::domain::advice::{Advice, quoted};
use crate::domain::ids::Timestamp;
use crate::domain::keys::StoredKey;
use crate::domain::times;
use crate::service::{Ensured, keys};

/// How long an imported secret is good if nothing else is said: as long as a refresh token of S3's settings.
const USUAL: &str = "42d";
/// Longest file that is read as a secret or a key, in bytes.
const FILE_MAX: u64 = 16 * 1024;

/// Options of `keys import`.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("kind").required(true))]
pub struct Import {
    /// A secret of HMAC-SHA-256: tokens that a former system signed with it stay good
    #[arg(long, group = "kind")]
    hs256: bool,
    /// A private key of one's own, as the next key of this server: PKCS#8 in PEM, EC on P-256, Ed25519 or RSA
    #[arg(long, group = "kind", requires = "file", conflicts_with_all = ["until", "length", "next"])]
    private_key: bool,
    /// Sign with the secret, once it is rotated to, for services that share it
    #[arg(long, requires = "hs256", conflicts_with_all = ["until", "length"])]
    next: bool,
    /// Read it from this file, which only its owner may read
    #[arg(long, value_name = "PATH")]
    file: Option<PathBuf>,
    /// Read the secret from the first line of standard input
    #[arg(long, conflicts_with = "file")]
    secret_stdin: bool,
    /// When the secret of a former system ends: a time, or a day, which counts to its end (UTC)
    #[arg(long, value_name = "TIME", conflicts_with = "length")]
    until: Option<String>,
    /// How long it is good from now on, such as 42d [default: 42d]
    #[arg(long = "for", id = "length", value_name = "TIME")]
    length: Option<String>,
    // Taken so that it can be refused without repeating it, as the parser would.
    #[arg(hide = true)]
    typed: Vec<OsString>,
}

/// Runs it.
pub fn run<'a>(args: &Import, call: &'a Call) -> Result<Output<'a>, Failure> {
    if !args.typed.is_empty() {
        let text = "a secret is never given as an argument: others could read it in the list of processes";
        return Err(Failure::usage(text)
            .hint(Advice::from("put it into a file of your own: ").and_run("keys import --hs256 --file secret.txt")));
    }
    if let (true, Some(path)) = (args.private_key, &args.file) {
        let text = from_file(path)?;
        let imported = keys::import_private(&call.ctx(), &text).map_err(Failure::of_input)?;
        return own(call, imported);
    }
    let until = end(args, call.ctx().now)?;
    let secret = read(args, call)?;
    if is_assignment(&secret) {
        return Err(Failure::usage("this looks like a line of Django's settings, not like the secret itself")
            .hint("give only what stands between the quotes"));
    }
    if args.next {
        return own(call, keys::import_shared(&call.ctx(), &secret)?);
    }
    let (key, text) = match keys::import_hs256(&call.ctx(), &secret, until)? {
        Ensured::Created(key) => (key, "Imported key"),
        Ensured::Unchanged(key) => (key, "Had been imported already: key"),
        Ensured::Differs(key, _) => (key, "Had been imported already and has a new end: key"),
    };
    let text = format!("{text} {}, good until {}.", key.kid, times::written(until));
    Ok(Output::done(text, record(&keys::list(&call.ctx())?, &key)))
}

/// What is told of a key that this server is to sign with.
fn own(call: &Call, imported: Ensured<StoredKey>) -> Result<Output<'_>, Failure> {
    let (key, text) = match imported {
        Ensured::Created(key) => (key, "Imported key"),
        Ensured::Unchanged(key) | Ensured::Differs(key, _) => (key, "Is here already: key"),
    };
    let text = format!("{text} {} ({}).", key.kid, key.algorithm);
    let output = Output::done(text, record(&keys::list(&call.ctx())?, &key));
    if key.signs_from.is_some() {
        return Ok(output);
    }
    Ok(output.with_note(format!("It signs once you rotate to it: {}", call.command("keys rotate"))))
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
        Some(path) => line_of(path),
        None if args.secret_stdin => line_from_stdin("the secret"),
        None => call.prompt.secret("Secret", "give it with --file, or pipe it to standard input with --secret-stdin"),
    }
}

/// The one line of a file that only its owner may read.
fn line_of(path: &Path) -> Result<Zeroizing<String>, Failure> {
    let refuse = |what: &str| Failure::usage(format!("--file: {} {what}", path.display()));
    let text = from_file(path)?;
    let line = text.strip_suffix('\n').unwrap_or(&text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    match line {
        "" => Err(refuse("is empty")),
        line if line.contains(['\n', '\r']) => Err(refuse("has more than one line")),
        line => Ok(Zeroizing::new(line.to_owned())),
    }
}

/// The text of a file that only its owner may read.
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
        return Err(refuse("is too long".to_owned()));
    }
    let mut text = Zeroizing::new(String::with_capacity(FILE_MAX as usize + 1));
    let read = file.by_ref().take(FILE_MAX + 1).read_to_string(&mut text);
    read.map_err(|error| refuse(format!("cannot be read: {error}")))?;
    Ok(text)
}

/// Whether this is `SECRET_KEY = "…"`, or the value with its quotes.
fn is_assignment(text: &str) -> bool {
    let named = ["SECRET_KEY", "SIGNING_KEY", "DJANGO_SECRET_KEY"]
        .iter()
        .any(|name| text.trim_start().strip_prefix(name).is_some_and(|rest| rest.trim_start().starts_with(['=', ':'])));
    let quoted = |quote: char| text.len() > 1 && text.starts_with(quote) && text.ends_with(quote);
    named || quoted('"') || quoted('\'')
}
