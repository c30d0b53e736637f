//! Copies of a whole database file: one state of it, taken while others write; and whether a file is whole.
//!
//! SQLite copies pages here (<https://sqlite.org/backup.html>), in steps under one open read transaction, so that a commit
//! in between neither gets into the copy nor begins it anew. That was twice as fast as `VACUUM INTO`, and what matters
//! while others write is how long that transaction is open. The copy is looked through after it has ended.

mod partial;

use std::ffi::OsStr;
use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::Sqlite;
use super::open::{self, APPLICATION_ID, SCHEMA_VERSION};
use crate::domain::backups::{Fault, Hear, Progress, Whole};
use crate::store::backups::Backups;
pub(super) use partial::{Partial, name_folder, sync_folder};

/// Pages of one step: 10 MB, after which progress is told.
const STEP: i32 = 2560;
/// How long a copy waits for a lock that readers of a file with a log never need.
const PATIENCE: Duration = Duration::from_secs(10);
/// Faults that are told at most.
const FAULTS: usize = 10;
/// Tables whose rows are counted by triggers.
const COUNTED: [&str; 5] = ["users", "sessions", "tokens", "audit", "guard"];

impl Backups for Sqlite {
    fn back_up(&self, to: &Path, hear: Hear) -> Result<Whole, Fault> {
        write(&self.path, to, hear)
    }

    fn look_through(&self, hear: Hear) -> Result<Vec<String>, Fault> {
        let copy = Partial::begin(name_folder(&self.path))?;
        copy_into(&self.path, &copy, hear)?;
        copy.without_log()?;
        hear(Progress::Checking);
        Ok(deep_faults(copy.path()).unwrap_or_else(|cause| vec![cause.to_string()]))
    }
}

/// Writes one state of the database at `source` into the new file `to`. See [`Backups::back_up`].
pub(super) fn write(source: &Path, to: &Path, hear: Hear) -> Result<Whole, Fault> {
    may_become(source, to)?;
    let copy = Partial::begin(name_folder(to))?;
    copy_into(source, &copy, hear)?;
    let whole = examine(copy.path(), hear).map_err(|fault| match fault {
        Fault::Damaged { found, .. } => {
            let cause = format!("it is damaged: {}", found.first().map_or("", String::as_str));
            Fault::Unreadable { path: source.to_owned(), cause }
        }
        fault => fault,
    })?;
    copy.keep(to)?;
    Ok(whole)
}

/// Whether a file is a database of ours, not newer than this program, and whole. Makes and changes nothing.
///
/// # Errors
/// The [`Fault`] of the file.
pub fn verify(path: &Path, hear: Hear) -> Result<Whole, Fault> {
    plain(path)?;
    examine(path, hear)
}

/// Passes if there is a plain file of this path, after links, that stands for itself.
pub(super) fn plain(path: &Path) -> Result<Metadata, Fault> {
    let found = path.metadata().map_err(|cause| unread(path, cause))?;
    if !found.is_file() {
        return Err(Fault::NotAFile(path.to_owned()));
    }
    let log = with_ending(path, "-wal");
    match log.metadata() {
        Ok(there) if there.len() > 0 => Err(Fault::Log { path: path.to_owned(), log }),
        _ => Ok(found),
    }
}

pub(super) fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

pub(super) fn unread(path: &Path, cause: io::Error) -> Fault {
    match cause.kind() {
        io::ErrorKind::NotFound => Fault::Missing(path.to_owned()),
        _ => Fault::Unreadable { path: path.to_owned(), cause: cause.to_string() },
    }
}

/// Passes if a file of this name may be made: there is none, and it is none that SQLite or this program would take for a part
/// of the database.
fn may_become(source: &Path, to: &Path) -> Result<(), Fault> {
    if to.file_name().is_none() || to.as_os_str().as_encoded_bytes().ends_with(b"/") {
        return Err(Fault::NoName(to.to_owned()));
    }
    let folder = |path: &Path| name_folder(path).canonicalize();
    let there = folder(to).map_err(|cause| match cause.kind() {
        io::ErrorKind::NotFound => Fault::NoFolder(name_folder(to).to_owned()),
        _ => Fault::Unwritten { path: to.to_owned(), cause },
    })?;
    let is_named = |own: &Path| own.file_name() == to.file_name();
    let is_beside = folder(source).is_ok_and(|home| home == there);
    let own = open::files(source).into_iter().chain([with_ending(source, "-journal")]);
    if is_beside && own.into_iter().any(|own| is_named(&own)) {
        return Err(Fault::Own(to.to_owned()));
    }
    // A link that leads to the database, by whatever name.
    if to.metadata().is_ok_and(|found| source.metadata().is_ok_and(|own| is_same(&found, &own))) {
        return Err(Fault::Own(to.to_owned()));
    }
    if to.symlink_metadata().is_ok() { Err(Fault::Taken(to.to_owned())) } else { Ok(()) }
}

pub(super) fn is_same(one: &Metadata, other: &Metadata) -> bool {
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

/// Copies one state of the database.
fn copy_into(source: &Path, copy: &Partial, hear: Hear) -> Result<(), Fault> {
    let mut into = Connection::open_with_flags(copy.path(), flags(OpenFlags::SQLITE_OPEN_READ_WRITE))
        .map_err(|cause| unwritten(copy.path(), &cause))?;
    // Nobody has any use for a part of it: what was begun is thrown away, and what is whole is synced as a whole.
    into.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;")
        .map_err(|cause| unwritten(copy.path(), &cause))?;
    pages(source, &mut into, hear).map_err(|cause| match cause.sqlite_error_code() {
        Some(ErrorCode::DiskFull | ErrorCode::SystemIoFailure) => unwritten(copy.path(), &cause),
        _ => Fault::Unreadable { path: source.to_owned(), cause: cause.to_string() },
    })
}

fn pages(source: &Path, into: &mut Connection, hear: Hear) -> rusqlite::Result<()> {
    let from = Connection::open_with_flags(source, flags(OpenFlags::SQLITE_OPEN_READ_WRITE))?;
    open::configure(&from, PATIENCE, true)?;
    let state = from.unchecked_transaction()?;
    state.query_row("SELECT COUNT(*) FROM sqlite_schema", [], |_| Ok(()))?;
    let backup = Backup::new(&state, into)?;
    loop {
        let step = backup.step(STEP)?;
        let now = backup.progress();
        let (left, all) = (u64::try_from(now.remaining).unwrap_or(0), u64::try_from(now.pagecount).unwrap_or(0));
        hear(Progress::Copied(all.saturating_sub(left), all));
        match step {
            StepResult::Done => return Ok(()),
            StepResult::More => {}
            // The one lock that it needs is its own.
            _ => {
                return Err(rusqlite::Error::SqliteFailure(
                    rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY),
                    None,
                ));
            }
        }
    }
}

fn flags(mode: OpenFlags) -> OpenFlags {
    mode | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX
}

/// A failure of SQLite's to write, as the system tells it.
fn unwritten(path: &Path, cause: &rusqlite::Error) -> Fault {
    let cause = match cause.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => io::Error::from(io::ErrorKind::StorageFull),
        _ => io::Error::other(cause.to_string()),
    };
    Fault::Unwritten { path: path.to_owned(), cause }
}

/// Looks through a file that nobody else uses, as it lies there: without locks, and without making files beside it.
fn examine(path: &Path, hear: Hear) -> Result<Whole, Fault> {
    hear(Progress::Checking);
    let bytes = path.metadata().map_err(|cause| unread(path, cause))?.len();
    if bytes == 0 {
        return Err(Fault::Empty(path.to_owned()));
    }
    let told = |cause: rusqlite::Error| match cause.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => Fault::NotOurs(path.to_owned()),
        Some(ErrorCode::DatabaseCorrupt) => Fault::Damaged { path: path.to_owned(), found: vec![cause.to_string()] },
        _ => Fault::Unreadable { path: path.to_owned(), cause: cause.to_string() },
    };
    let file =
        Connection::open_with_flags(open::immutable(path), flags(OpenFlags::SQLITE_OPEN_READ_ONLY)).map_err(told)?;
    let number = |sql: &str| file.query_row(sql, [], |row| row.get::<_, i64>(0)).map_err(told);
    let (id, schema) = (number("PRAGMA application_id")?, number("PRAGMA user_version")?);
    if id != i64::from(APPLICATION_ID) || schema < 1 {
        return Err(Fault::NotOurs(path.to_owned()));
    }
    if schema > SCHEMA_VERSION {
        return Err(Fault::Newer { path: path.to_owned(), found: schema, known: SCHEMA_VERSION });
    }
    let found = faults(&file).map_err(told)?;
    if !found.is_empty() {
        return Err(Fault::Damaged { path: path.to_owned(), found });
    }
    let pages = u64::try_from(number("PRAGMA page_count")?).unwrap_or(0);
    Ok(Whole { bytes, pages, schema })
}

/// What SQLite finds wrong with a file: its pages, its indexes, its references.
fn faults(file: &Connection) -> rusqlite::Result<Vec<String>> {
    // Indexes are read in no order, so what is kept of the file decides how long that takes; mapped, each page would be
    // looked through again each time.
    file.execute_batch("PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA cache_size = -65536;")?;
    let texts = |sql: &str, text: fn(&rusqlite::Row) -> rusqlite::Result<String>| {
        let mut statement = file.prepare(sql)?;
        statement.query_map([], text)?.take(FAULTS).collect::<rusqlite::Result<Vec<String>>>()
    };
    let found = texts(&format!("PRAGMA integrity_check({FAULTS})"), |row| row.get(0))?;
    let missing = texts("PRAGMA foreign_key_check", |row| {
        Ok(format!("{}: a row refers to a missing row of {}", row.get::<_, String>(0)?, row.get::<_, String>(2)?))
    })?;
    let found = found.into_iter().filter(|line| line != "ok").map(|line| line.replace('\n', " "));
    Ok(found.chain(missing).collect())
}

/// The same, and whether what is kept beside the tables agrees with them: the index for searches, the numbers of rows.
fn deep_faults(path: &Path) -> rusqlite::Result<Vec<String>> {
    let file = Connection::open_with_flags(path, flags(OpenFlags::SQLITE_OPEN_READ_WRITE))?;
    file.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;")?;
    let mut found = faults(&file)?;
    // With the rank 1 it is compared with the table, too (<https://sqlite.org/fts5.html#the_integrity_check_command>).
    let sql = "INSERT INTO users_search (users_search, rank) VALUES ('integrity-check', 1)";
    if let Err(cause) = file.execute(sql, []) {
        found.push(format!("users_search: the index for searches does not agree with the users: {cause}"));
    }
    for table in COUNTED {
        let sql = format!("SELECT COUNT(*), (SELECT n FROM counts WHERE name = '{table}') FROM {table}");
        match file.query_row(&sql, [], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Option<i64>>(1)?))) {
            Ok((there, Some(kept))) if there == kept => {}
            Ok((there, kept)) => {
                let kept = kept.unwrap_or(0);
                found.push(format!("counts: {kept} rows of {table} are counted, and there are {there}"));
            }
            Err(cause) => found.push(format!("{table}: {cause}")),
        }
    }
    Ok(found)
}

/// Whether the name of a file has this beginning and this end.
fn is_between(name: &OsStr, (start, end): (&str, &str)) -> bool {
    let name = name.as_encoded_bytes();
    name.strip_prefix(start.as_bytes()).is_some_and(|rest| rest.ends_with(end.as_bytes()))
}
