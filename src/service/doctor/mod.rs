//! What is wrong or risky with this installation, and what to do about it.
//!
//! Looks and changes nothing. [`ready`] is for load balancers, [`examine`] for the person at the shell; files are looked
//! at in `files.rs`, processes in `process.rs`, settings in `settings.rs`, mails in `mail.rs`, proxies in `proxies.rs`, a
//! certificate in `tls.rs`. [`examine_in_depth`] takes its time (`deep.rs`).

mod deep;
mod files;
mod keys;
mod mail;
mod process;
mod proxies;
mod settings;
mod tls;

use std::path::PathBuf;

use crate::crypto::seal::{MasterKey, MasterKeyError};
use crate::domain::advice::Advice;
use crate::domain::catalog::Kind;
use crate::domain::error::{Error, Result};
use crate::domain::rights::resource;
use crate::domain::tls::TlsFiles;
use crate::service::{Ctx, Env, audit, bounds};

pub use deep::examine_in_depth;
pub use process::Confinement;
pub use proxies::{Forwarder, note_forwarder};

/// How bad it is; the worst comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Something does not work, or is open to others.
    Problem,
    /// It works, and is riskier than it need be.
    Warning,
    /// Worth knowing; nothing need be done.
    Note,
    /// As it should be.
    Ok,
}

impl Level {
    /// The word, lower case.
    pub fn as_str(self) -> &'static str {
        match self {
            Level::Problem => "problem",
            Level::Warning => "warning",
            Level::Note => "note",
            Level::Ok => "ok",
        }
    }

    /// Whether an installation with such a finding is not healthy.
    pub fn is_bad(self) -> bool {
        matches!(self, Level::Problem | Level::Warning)
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub level: Level,
    /// What was looked at: `superusers`, or the name of a setting.
    pub subject: &'static str,
    /// What there is to say about it, one sentence.
    pub text: String,
    /// What to do, as a command where there is one; empty when nothing is to be done.
    pub advice: Advice,
}

impl Finding {
    fn new(level: Level, subject: &'static str, text: impl Into<String>, advice: impl Into<Advice>) -> Self {
        Self { level, subject, text: text.into(), advice: advice.into() }
    }

    fn ok(subject: &'static str, text: impl Into<String>) -> Self {
        Self::new(Level::Ok, subject, text, "")
    }
}

/// What only the door knows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// The database file. It is never opened here, only asked about: closing it would drop the locks of SQLite.
    pub database: PathBuf,
    /// All files that the engine keeps the database in, whether they are there or not.
    pub files: Vec<PathBuf>,
    /// The master key file.
    pub master_key: PathBuf,
    /// Certificate and key of the server, where it speaks TLS itself.
    pub tls: Option<TlsFiles>,
    /// Other files in their directories that are copies of the database or of a master key.
    pub copies: Vec<PathBuf>,
    /// This process, and the servers on the database.
    pub processes: Vec<Confinement>,
    /// Where the password of the first superuser still stands, if it does.
    pub left_over: Option<String>,
}

/// Passes when the database answers; that it is migrated is certain once it is open.
///
/// # Errors
/// Those of the store.
pub fn ready(env: &Env) -> Result<()> {
    env.store.read(|tx| tx.signing_keys().map(drop))
}

/// Examines the installation; worst first. Operators and superusers only. Reads the whole database file.
///
/// # Errors
/// `Forbidden(SuperuserOnly)` for others.
pub fn examine(ctx: &Ctx, facts: &Facts) -> Result<Vec<Finding>> {
    bounds::superuser(ctx)?;
    let mut findings = around(facts);
    findings.extend(facts.tls.as_ref().map(|files| tls::look(files, ctx.now)));
    findings.extend(process::look(&facts.processes));
    findings.extend(left_over(ctx, facts));
    for look in [data, clock, keys::look, trail, superusers, guarded, settings::look, proxies::look, mail::look] {
        match look(ctx) {
            Ok(found) => findings.extend(found),
            Err(Error::Internal(cause)) => findings.push(unreadable(&cause.to_string())),
            Err(Error::Unavailable { .. }) => {
                findings.push(silent());
                // Each further question would wait as long for as little.
                break;
            }
            Err(other) => return Err(other),
        }
    }
    findings.sort_by_key(|finding| finding.level);
    // What is damaged is met by more than one look.
    findings.dedup();
    Ok(findings)
}

/// What can be said of an installation whose database was not opened, and why it was not; worst first.
pub fn unopened(facts: &Facts, what: String, advice: Advice) -> Vec<Finding> {
    let mut findings = vec![Finding::new(Level::Problem, "database", format!("not examined: {what}"), advice)];
    findings.extend(around(facts));
    findings.extend(process::look(&facts.processes));
    findings.sort_by_key(|finding| finding.level);
    findings
}

/// What there is around the database.
fn around(facts: &Facts) -> Vec<Finding> {
    let mut findings = files::look(facts);
    findings.push(match MasterKey::at(facts.master_key.clone()).check() {
        Ok(()) => keys::place(facts),
        Err(error) => of_key("master key", error),
    });
    findings
}

fn unreadable(cause: &str) -> Finding {
    Finding::new(Level::Problem, "database", format!("it cannot be read: {cause}"), restore())
}

fn silent() -> Finding {
    let advice = "look for a full disk, or a program that keeps the file locked; else restore it from the backup";
    Finding::new(Level::Problem, "database", "it does not answer", advice)
}

/// What to do about damage.
fn restore() -> Advice {
    Advice::from(
        "stop the server and put the newest backup that is whole in its place, with the master key of its time: ",
    )
    .and_run("restore FILE")
    .and("; without a backup, `sqlite3 OLD .recover` saves what can be read of a copy")
}

fn data(ctx: &Ctx) -> Result<Vec<Finding>> {
    let faults = ctx.env.store.read(|tx| tx.quick_check())?;
    if faults.is_empty() {
        return Ok(vec![Finding::ok("database", "its data is whole")]);
    }
    Ok(faults.into_iter().map(|fault| Finding::new(Level::Problem, "database", fault, restore())).collect())
}

/// The newest events: all of them may be many.
fn trail(ctx: &Ctx) -> Result<Vec<Finding>> {
    const NEWEST: u32 = 1000;
    // A master key that cannot be used is a finding already, as is a database that cannot be read.
    if ctx.env.master.check().is_err() || crate::service::keys::probe(ctx.env).is_err() {
        return Ok(Vec::new());
    }
    let found = audit::verify_newest(ctx, NEWEST)?;
    Ok(vec![match found.broken {
        Some(broken) => trail_fault("audit trail", &broken),
        None => Finding::ok("audit trail", format!("its newest {} events are as they were written", found.checked)),
    }])
}

fn trail_fault(subject: &'static str, broken: &audit::Broken) -> Finding {
    let advice =
        Advice::from("find out who can write the database file; what is left of the trail: ").and_run("audit verify");
    Finding::new(Level::Problem, subject, broken.to_string(), advice)
}

/// A clock that stands before what the database has seen.
fn clock(ctx: &Ctx) -> Result<Vec<Finding>> {
    let Some(behind) = crate::service::clock::behind(ctx.env)? else { return Ok(Vec::new()) };
    let advice = Advice::from("set it right, or a server does not start; if it is right, and was wrong before: ");
    let advice = advice.and_run("doctor --reset-clock");
    Ok(vec![Finding::new(Level::Problem, "clock", behind.to_string(), advice)])
}

/// A fault of a key.
fn of_key(subject: &'static str, error: Error) -> Finding {
    let Error::Internal(cause) = error else { return Finding::new(Level::Problem, subject, error.to_string(), "") };
    match cause.downcast_ref::<MasterKeyError>() {
        Some(fault) => Finding::new(Level::Problem, subject, fault.what(), fault.advice()),
        None => Finding::new(Level::Problem, subject, cause.to_string(), restore()),
    }
}

fn superusers(ctx: &Ctx) -> Result<Vec<Finding>> {
    let text = match ctx.env.store.read(|tx| tx.count_active_superusers())? {
        0 => {
            let text = "there is no active one, so nobody can administer the server over HTTP";
            return Ok(vec![Finding::new(Level::Problem, "superusers", text, Advice::run("createsuperuser"))]);
        }
        1 => "there is one active superuser".to_owned(),
        many => format!("there are {many} active superusers"),
    };
    Ok(vec![Finding::ok("superusers", text)])
}

/// The environment needs to name a superuser's password only until there is one.
fn left_over(ctx: &Ctx, facts: &Facts) -> Option<Finding> {
    let place = facts.left_over.as_ref()?;
    let there = ctx.env.store.read(|tx| tx.count_active_superusers()).is_ok_and(|count| count > 0);
    let text = format!("the password of the first superuser still stands in {place}, and is of no use any more");
    there.then(|| Finding::new(Level::Warning, "superusers", text, "take it out there, or change the password"))
}

/// The server's own routes ask for these resources by name: without them no role can give rights on the routes.
fn guarded(ctx: &Ctx) -> Result<Vec<Finding>> {
    let there = ctx.env.store.read(|tx| tx.code_names(Kind::Resource))?;
    let missing: Vec<&str> =
        resource::GUARDED.into_iter().filter(|name| !there.iter().any(|code_name| code_name == name)).collect();
    if missing.is_empty() {
        return Ok(Vec::new());
    }
    let text = format!("no role can give rights on {}: the database does not have them", missing.join(", "));
    Ok(vec![Finding::new(Level::Warning, "resources", text, Advice::run("seed"))])
}
