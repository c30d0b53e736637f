//! Opening a database file: creating it, refusing what is not ours or newer than we are, migrating.
//!
//! Nothing here or elsewhere opens the file but SQLite itself once SQLite has it open: closing any other descriptor of
//! it would drop SQLite's locks (howtocorrupt, section 2.2). The file is created before SQLite sees it.

mod error;

use std::ffi::OsString;
use std::fs::{File, Metadata, OpenOptions, TryLockError};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use rusqlite_migration::{M, Migrations};
use rustix::fs::OFlags;

use super::backup;
use crate::domain::backups::{Fault, stamp};
use crate::domain::ids::Timestamp;
pub use error::OpenError;

/// Marks our files: `ASRV` (the header field that <https://sqlite.org/fileformat.html#application_id> describes).
pub const APPLICATION_ID: i32 = 0x4153_5256;

/// Oldest SQLite without the WAL-reset bug, as `sqlite3_libversion_number` gives it.
pub const OLDEST_SQLITE: i32 = 3_051_003;

/// Endings of the names of the files beside a database.
const BESIDE: [&str; 4] = ["-wal", "-shm", ".lock", super::ballast::ENDING];

/// How long a start waits for others to leave a file that must be migrated.
const MIGRATION_WAIT: Duration = Duration::from_secs(10);

/// Migrations in order. Append only: a released one never changes.
const MIGRATIONS: &[M] = &[
    M::up(include_str!("migrations/0001_init.sql")),
    M::up(include_str!("migrations/0002_api_tokens.sql")),
    M::up(include_str!("migrations/0003_one_time_tokens.sql")),
    M::up(include_str!("migrations/0004_outbox.sql")),
    M::up(include_str!("migrations/0005_token_services.sql")),
    M::up(include_str!("migrations/0006_audit_trail.sql")),
    M::up(include_str!("migrations/0007_guard.sql")),
    M::up(include_str!("migrations/0008_key_rotation.sql")),
    M::up(include_str!("migrations/0009_former_hashes.sql")),
];

/// Version of the schema that this program works with: `user_version` of the file.
pub const SCHEMA_VERSION: i64 = MIGRATIONS.len() as i64;

/// Whether a missing file is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// Make it.
    Create,
    /// Refuse.
    Refuse,
}

/// What was done to the file at opening.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opened {
    /// It did not exist.
    Created,
    /// It had an older version.
    Migrated {
        /// This one.
        from: i64,
        /// Where it is as it was.
        backup: PathBuf,
    },
    /// Nothing.
    AsItWas,
}

/// Makes sure that `path` is a database of ours in the present schema. The lock that comes back is shared with every
/// other user of the file and must be held as long as the file is used: whoever migrates waits for it.
///
/// # Errors
/// Every [`OpenError`]; a refused file is left untouched.
pub fn prepare(path: &Path, missing: Missing) -> Result<(File, Opened), OpenError> {
    if rusqlite::version_number() < OLDEST_SQLITE {
        return Err(OpenError::OldSqlite(rusqlite::version()));
    }
    let created = ensure_file(path, missing)?;
    let is_locked = || plain_file(&beside(path, ".lock")).map(|found| found.is_some());
    // Whoever made the lock has judged the file, or is about to write it while it is looked at.
    if !created && !is_locked()? {
        look(path, missing).or_else(|error| if is_locked()? { Ok(()) } else { Err(error) })?;
    }
    let lock = lock_file(path)?;
    lock.lock_shared().map_err(|cause| io_error(path, cause))?;
    let found = inspect(path, missing)?;
    // Not before it is known to be ours: what is wrong with a file of others is that it is theirs.
    for ending in BESIDE {
        is_private(&beside(path, ending))?;
    }
    if found == SCHEMA_VERSION {
        return Ok((lock, Opened::AsItWas));
    }
    lock.unlock().map_err(|cause| io_error(path, cause))?;
    let found = lock_alone(path, &lock, missing)?;
    let opened = match found {
        SCHEMA_VERSION => Opened::AsItWas,
        0 => {
            migrate(path)?;
            Opened::Created
        }
        from => {
            let backup = kept(path, from)?;
            migrate(path)?;
            let (to, file) = (SCHEMA_VERSION, backup.display());
            tracing::info!(from, to, backup = %file, "the database was brought to a newer schema; what it was is kept");
            Opened::Migrated { from, backup }
        }
    };
    // Turning an exclusive lock into a shared one lets nobody migrate in between: the schema is the newest by now.
    lock.lock_shared().map_err(|cause| io_error(path, cause))?;
    Ok((lock, opened))
}

/// A backup of a file that is about to be migrated, beside it.
fn kept(path: &Path, schema: i64) -> Result<PathBuf, OpenError> {
    let now = stamp(Timestamp::from(SystemTime::now()));
    let backup = beside(path, &format!(".schema-{schema}-{now}"));
    match backup::write(path, &backup, &mut |_| {}) {
        // One of a moment ago, when the file was the same: nobody uses it but whoever migrates.
        Ok(_) | Err(Fault::Taken(_)) => Ok(backup),
        Err(fault) => Err(OpenError::NoBackup { path: path.to_owned(), schema, fault }),
    }
}

/// The connection settings that every use of the file shares.
///
/// # Errors
/// SQLite's.
pub fn configure(connection: &Connection, busy: Duration, read_only: bool) -> rusqlite::Result<()> {
    connection.busy_timeout(busy)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.execute_batch(
        "PRAGMA synchronous = FULL;
         PRAGMA foreign_keys = ON;
         PRAGMA trusted_schema = OFF;
         PRAGMA cell_size_check = ON;
         PRAGMA mmap_size = 0;
         PRAGMA temp_store = MEMORY;
         PRAGMA wal_autocheckpoint = 1000;
         PRAGMA journal_size_limit = 67108864;
         PRAGMA secure_delete = FAST;",
    )?;
    connection.pragma_update(None, "query_only", read_only)?;
    connection.set_prepared_statement_cache_capacity(128);
    Ok(())
}

/// Creates an empty file with mode 0600 if there is none; true if it did. Nothing beside it may be a link.
fn ensure_file(path: &Path, missing: Missing) -> Result<bool, OpenError> {
    for ending in BESIDE {
        plain_file(&beside(path, ending))?;
    }
    match (is_private(path)?, missing) {
        (true, _) => Ok(false),
        (false, Missing::Refuse) => Err(OpenError::Missing(path.to_owned())),
        (false, Missing::Create) => create_file(path),
    }
}

/// What there is to know of a file, if it is there.
fn plain_file(path: &Path) -> Result<Option<Metadata>, OpenError> {
    match std::fs::symlink_metadata(path) {
        Ok(found) if !found.is_file() => Err(OpenError::NotAFile(path.to_owned())),
        Ok(found) => Ok(Some(found)),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(io_error(path, cause)),
    }
}

/// Whether there is such a file; nobody but its owner may use it.
fn is_private(path: &Path) -> Result<bool, OpenError> {
    match plain_file(path)?.map(|found| found.mode() & 0o7777) {
        Some(mode) if mode & 0o077 != 0 => Err(OpenError::TooOpen { path: path.to_owned(), mode }),
        found => Ok(found.is_some()),
    }
}

/// Passes if nobody but its owner may put files into the directory of `path`: they could put in their own under our names.
///
/// # Errors
/// `OpenDirectory`; `NoFolder` when there is none; `Io` when it cannot be looked at.
pub fn closed_directory(path: &Path) -> Result<(), OpenError> {
    let directory = folder(path);
    let mode = std::fs::metadata(directory).map_err(|cause| of_folder(directory, cause))?.mode() & 0o7777;
    if mode & 0o022 == 0 { Ok(()) } else { Err(OpenError::OpenDirectory { path: directory.to_owned(), mode }) }
}

/// The files that a database consists of, whether they are there or not.
pub fn files(path: &Path) -> Vec<PathBuf> {
    std::iter::once(path.to_owned()).chain(BESIDE.iter().map(|ending| beside(path, ending))).collect()
}

/// A file beside the database.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

fn create_file(path: &Path) -> Result<bool, OpenError> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_) => Ok(true),
        Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Err(of_folder(folder(path), cause)),
        Err(cause) => Err(io_error(path, cause)),
    }
}

/// Refuses what is plainly not ours, before anything is put beside it. What cannot be told by the file alone, without
/// its log, passes: it is judged again when the lock is held.
fn look(path: &Path, missing: Missing) -> Result<(), OpenError> {
    let is_empty = plain_file(path)?.is_some_and(|found| found.len() == 0);
    if is_empty && missing == Missing::Refuse && plain_file(&beside(path, "-wal"))?.is_none() {
        return Err(OpenError::Empty(path.to_owned()));
    }
    let sqlite = |cause| sqlite_error(path, cause);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(immutable(path), flags).map_err(sqlite)?;
    let number = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
    let read = || -> rusqlite::Result<_> {
        let id = number("PRAGMA application_id")?;
        Ok((id, id != 0 || number("PRAGMA user_version")? != 0 || number("SELECT COUNT(*) FROM sqlite_schema")? != 0))
    };
    match read() {
        Ok((id, is_used)) if is_used && id != i64::from(APPLICATION_ID) => Err(OpenError::NotOurs(path.to_owned())),
        Err(cause) if cause.sqlite_error_code() != Some(ErrorCode::DatabaseCorrupt) => Err(sqlite(cause)),
        _ => Ok(()),
    }
}

/// The name by which SQLite reads a file as it lies there: without locks, and without making files beside it.
pub(super) fn immutable(path: &Path) -> OsString {
    // Else a path that begins with two slashes would name a host.
    let mut name = if path.is_absolute() { b"file://".to_vec() } else { b"file:".to_vec() };
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'?' | b'#' | b'%' => name.extend(format!("%{byte:02x}").bytes()),
            byte => name.push(*byte),
        }
    }
    name.extend(b"?immutable=1");
    OsString::from_vec(name)
}

fn sqlite_error(path: &Path, cause: rusqlite::Error) -> OpenError {
    match cause.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => OpenError::NotOurs(path.to_owned()),
        _ => OpenError::Sqlite { path: path.to_owned(), cause },
    }
}

/// Opens the lock file beside the database.
pub(super) fn lock_file(path: &Path) -> Result<File, OpenError> {
    let name = beside(path, ".lock");
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
        .open(&name)
        .map_err(|cause| io_error(&name, cause))
}

/// Waits until nobody else uses the file, or somebody else has migrated it and keeps it open; gives the schema version
/// that it has then.
fn lock_alone(path: &Path, lock: &File, missing: Missing) -> Result<i64, OpenError> {
    let until = Instant::now() + MIGRATION_WAIT;
    loop {
        match lock.try_lock() {
            Ok(()) => return inspect(path, missing),
            Err(TryLockError::WouldBlock) if Instant::now() < until => std::thread::sleep(Duration::from_millis(20)),
            Err(TryLockError::WouldBlock) => return Err(OpenError::InUse(path.to_owned())),
            Err(TryLockError::Error(cause)) => return Err(io_error(path, cause)),
        }
        if inspect(path, missing)? == SCHEMA_VERSION {
            return Ok(SCHEMA_VERSION);
        }
    }
}

/// Reads the schema version without changing anything; 0 for an empty file that may be made into a database.
fn inspect(path: &Path, missing: Missing) -> Result<i64, OpenError> {
    let sqlite = |cause| sqlite_error(path, cause);
    let connection = Connection::open(path).map_err(sqlite)?;
    connection.busy_timeout(Duration::from_secs(10)).map_err(sqlite)?;
    // Else closing would write the log of a file that is not ours, or newer than we are, into it.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).map_err(sqlite)?;
    // One state, though somebody else may be making a database of it just now.
    let state = connection.unchecked_transaction().map_err(sqlite)?;
    let number = |sql: &str| state.query_row(sql, [], |row| row.get::<_, i64>(0)).map_err(sqlite);
    let id = number("PRAGMA application_id")?;
    let version = number("PRAGMA user_version")?;
    let objects = number("SELECT COUNT(*) FROM sqlite_schema")?;
    match (id == i64::from(APPLICATION_ID), version) {
        (false, 0) if id == 0 && objects == 0 => match missing {
            Missing::Create => Ok(0),
            Missing::Refuse => Err(OpenError::Empty(path.to_owned())),
        },
        (false, _) => Err(OpenError::NotOurs(path.to_owned())),
        (true, found) if found > SCHEMA_VERSION => {
            Err(OpenError::Newer { path: path.to_owned(), found, known: SCHEMA_VERSION })
        }
        (true, found) => Ok(found),
    }
}

/// Brings a file of ours that nobody else uses to the present schema.
pub(super) fn migrate(path: &Path) -> Result<(), OpenError> {
    let sqlite = |cause| OpenError::Sqlite { path: path.to_owned(), cause };
    let mut connection = Connection::open(path).map_err(sqlite)?;
    configure(&connection, Duration::from_secs(10), false).map_err(sqlite)?;
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get::<_, String>(0)).map_err(sqlite)?;
    connection.pragma_update(None, "application_id", APPLICATION_ID).map_err(sqlite)?;
    Migrations::from_slice(MIGRATIONS)
        .to_latest(&mut connection)
        .map_err(|cause| OpenError::Migration { path: path.to_owned(), cause })
}

/// The directory that a file is in.
fn folder(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn of_folder(folder: &Path, cause: io::Error) -> OpenError {
    match cause.kind() {
        io::ErrorKind::NotFound => OpenError::NoFolder(folder.to_owned()),
        _ => io_error(folder, cause),
    }
}

fn io_error(path: &Path, cause: io::Error) -> OpenError {
    OpenError::Io { path: path.to_owned(), cause }
}
