//! Putting a backup in the place of the database. Nobody else uses the database meanwhile: the lock beside it is held alone.
//!
//! The order makes it safe to be cut off anywhere. The new file is made and changed in a folder of its own; the log of the
//! former one is written into it, and it gets a second name; one renaming puts the new one in its place. Until then the
//! former is whole under its name, from then on the new one is, and no log but its own ever lies beside it. Only where the
//! former is so damaged that SQLite does not take its log is that moved away before, and lies beside the second name.

use std::fs::{DirBuilder, File, Metadata, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::types::FromSql;
use rusqlite::{Connection, OpenFlags};
use rustix::fs::OFlags;

use super::backup::{is_same, name_folder, plain, sync_folder, unread, verify, with_ending};
use super::open::{APPLICATION_ID, OpenError, SCHEMA_VERSION, lock_file, migrate};
use super::{SqliteTx, micros};
use crate::domain::backups::{Fault, Former, FormerKey, Hear, Progress, Whole, stamp};
use crate::domain::error::Result as Checked;
use crate::domain::ids::Timestamp;
use crate::store::Restoration;

/// What is added to the path of the database for the folder that the new one is made in.
const FOLDER: &str = ".restoring";
/// What is added to it, with a stamp, for the former one.
const FORMER: &str = ".before-restore-";
/// Bytes that are copied at once.
const CHUNK: usize = 1 << 20;
/// How far numbers leap where nothing tells which were given after the backup: sessions, of which there are many, by as
/// many as stand in 32 status lists.
const LEAPS: [(&str, i64); 3] = [("users", 10_000), ("roles", 10_000), ("sessions", 1 << 20)];

/// A restoration that was begun; what was made for it is gone when it is dropped.
#[derive(Debug)]
pub struct Restoring {
    database: PathBuf,
    folder: PathBuf,
    /// What is in the file that is restored.
    pub whole: Whole,
    /// What the database tells that is there now; nothing if there is none.
    pub former: Option<Former>,
    lock: File,
}

impl Restoring {
    /// Takes the database for itself, copies the backup to beside it, looks through the copy and brings it to the present
    /// schema.
    ///
    /// # Errors
    /// `InUse` with the lock; every other [`Fault`] of the backup. Then nothing is changed.
    pub fn begin(database: &Path, backup: &Path, hear: Hear) -> Result<Self, Fault> {
        let source = plain(backup)?;
        let present = present(database)?;
        if present.as_ref().is_some_and(|present| is_same(present, &source)) {
            return Err(Fault::Own(backup.to_owned()));
        }
        let lock = alone(database)?;
        let folder = with_ending(database, FOLDER);
        clear(&folder)
            .and_then(|()| DirBuilder::new().mode(0o700).create(&folder))
            .map_err(|cause| unwritten(&folder, cause))?;
        let whole = Whole { bytes: source.len(), pages: 0, schema: 0 };
        let mut restoring = Self { database: database.to_owned(), folder, whole, former: None, lock };
        copied(backup, &restoring.staged(), hear)?;
        restoring.whole = verify(&restoring.staged(), hear).map_err(|fault| of_source(fault, backup))?;
        if restoring.whole.schema < SCHEMA_VERSION {
            migrate(&restoring.staged()).map_err(|error| unreadable(backup, &error))?;
        }
        restoring.former = present.map(|_| told(database));
        Ok(restoring)
    }

    /// The new database, until it gets its place.
    pub fn staged(&self) -> PathBuf {
        self.folder.join("authsrv.db")
    }

    /// Puts the new database, which nobody may have open any more, in its place; says how the former is called now.
    ///
    /// # Errors
    /// `Unwritten`; then this can be done again.
    pub fn finish(self, now: Timestamp) -> Result<Option<PathBuf>, Fault> {
        let (database, staged) = (&self.database, self.staged());
        let unwritten = |cause| unwritten(database, cause);
        emptied(&staged).map_err(|cause| unreadable(&staged, &cause))?;
        let file = File::open(&staged).map_err(unwritten)?;
        let former = free_name(database, now);
        let present = present(database)?;
        self.give_away(present.as_ref()).map_err(unwritten)?;
        if present.is_some() {
            std::fs::hard_link(database, &former).map_err(|cause| match cause.kind() {
                io::ErrorKind::AlreadyExists => Fault::Taken(former.clone()),
                _ => unwritten(cause),
            })?;
        }
        file.sync_all().map_err(unwritten)?;
        for ending in ["-wal", "-journal"] {
            moved(&with_ending(database, ending), &with_ending(&former, ending)).map_err(unwritten)?;
        }
        forget(&with_ending(database, "-shm")).map_err(unwritten)?;
        sync_folder(database).map_err(unwritten)?;
        std::fs::rename(&staged, database).map_err(unwritten)?;
        sync_folder(database).map_err(unwritten)?;
        Ok(present.map(|_| former))
    }
}

impl Restoring {
    /// Root may do this for the server's user: whose the former is, or else whose the folder is, his is the new one.
    fn give_away(&self, present: Option<&Metadata>) -> io::Result<()> {
        let folder = name_folder(&self.database).metadata()?;
        let owner = present.unwrap_or(&folder);
        let (uid, gid) = (Some(owner.uid()), Some(owner.gid()));
        let given = std::os::unix::fs::chown(self.staged(), uid, gid)
            .and_then(|()| std::os::unix::fs::fchown(&self.lock, uid, gid));
        // Nobody else gives files away, and what he makes is his, as the former was.
        if rustix::process::geteuid().is_root() { given } else { Ok(()) }
    }
}

impl Drop for Restoring {
    fn drop(&mut self) {
        // What is left behind is deleted when the next one begins.
        let _ = clear(&self.folder);
    }
}

/// A name for the former database that nothing has: of two restorations within a second the other gets the next second's.
fn free_name(database: &Path, now: Timestamp) -> PathBuf {
    let (mut at, second) = (now, Duration::from_secs(1));
    loop {
        let name = with_ending(database, &format!("{FORMER}{}", stamp(at)));
        if name.symlink_metadata().is_err() {
            return name;
        }
        at += second;
    }
}

/// The lock beside the database, held alone.
fn alone(database: &Path) -> Result<File, Fault> {
    let lock = lock_file(database).map_err(|error| match error {
        OpenError::Io { path, cause } if cause.kind() == io::ErrorKind::NotFound => {
            Fault::NoFolder(name_folder(&path).to_owned())
        }
        OpenError::Io { path, cause } => unwritten(&path, cause),
        error => unreadable(database, &error),
    })?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(Fault::InUse(database.to_owned())),
        Err(TryLockError::Error(cause)) => Err(unwritten(database, cause)),
    }
}

/// What there is in the place of the database.
fn present(database: &Path) -> Result<Option<Metadata>, Fault> {
    match database.symlink_metadata() {
        Ok(found) if found.is_file() => Ok(Some(found)),
        Ok(_) => Err(Fault::NotAFile(database.to_owned())),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(unread(database, cause)),
    }
}

fn copied(from: &Path, to: &Path, hear: Hear) -> Result<(), Fault> {
    let mut source = File::open(from).map_err(|cause| unread(from, cause))?;
    let all = source.metadata().map_err(|cause| unread(from, cause))?.len();
    let flags = OFlags::NOFOLLOW.bits().cast_signed();
    let mut target = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .custom_flags(flags)
        .open(to)
        .map_err(|cause| unwritten(to, cause))?;
    let (mut buffer, mut done) = (vec![0; CHUNK], 0);
    loop {
        let read = source.read(&mut buffer).map_err(|cause| unread(from, cause))?;
        if read == 0 {
            return Ok(());
        }
        target.write_all(&buffer[..read]).map_err(|cause| unwritten(to, cause))?;
        done += read as u64;
        hear(Progress::Copied(done, all));
    }
}

/// The fault of a copy as one of what it was copied from.
fn of_source(fault: Fault, path: &Path) -> Fault {
    let path = path.to_owned();
    match fault {
        Fault::Empty(_) => Fault::Empty(path),
        Fault::NotOurs(_) => Fault::NotOurs(path),
        Fault::Newer { found, known, .. } => Fault::Newer { path, found, known },
        Fault::Damaged { found, .. } => Fault::Damaged { path, found },
        Fault::Unreadable { cause, .. } => Fault::Unreadable { path, cause },
        other => other,
    }
}

fn unwritten(path: &Path, cause: io::Error) -> Fault {
    Fault::Unwritten { path: path.to_owned(), cause }
}

fn unreadable(path: &Path, cause: &dyn std::error::Error) -> Fault {
    Fault::Unreadable { path: path.to_owned(), cause: cause.to_string() }
}

/// Writes the log beside a database into it.
fn emptied(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let file = Connection::open_with_flags(path, flags)?;
    file.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    Ok(file)
}

/// What the database tells that is about to be replaced; little if it is damaged, or somebody else's.
fn told(database: &Path) -> Former {
    let Ok(file) = emptied(database) else { return Former::default() };
    let is_ours = one::<i32>(&file, "PRAGMA application_id") == Some(APPLICATION_ID);
    let numbers = rows(&file, "SELECT name, seq FROM sqlite_sequence");
    let Some(numbers) = numbers.filter(|_| is_ours) else { return Former::default() };
    let mark = |name: &str| {
        one::<String>(&file, &format!("SELECT value FROM marks WHERE name = '{name}'"))
            .and_then(|text| text.parse().ok())
    };
    let newest = one::<i64>(&file, "SELECT at FROM audit ORDER BY id DESC LIMIT 1");
    let keys = rows(&file, "SELECT kid, revoked_at FROM signing_keys").unwrap_or_default();
    let keys = keys.into_iter().map(|(kid, revoked_at): (String, Option<i64>)| FormerKey {
        kid,
        revoked_at: revoked_at.and_then(Timestamp::from_timestamp_micros),
    });
    Former {
        numbers,
        epoch: mark("epoch").unwrap_or(0),
        keys: keys.collect(),
        latest: newest.max(mark("clock")).and_then(Timestamp::from_timestamp_micros),
    }
}

fn one<T: FromSql>(file: &Connection, sql: &str) -> Option<T> {
    file.query_row(sql, [], |row| row.get(0)).ok()
}

fn rows<A: FromSql, B: FromSql>(file: &Connection, sql: &str) -> Option<Vec<(A, B)>> {
    let mut statement = file.prepare(sql).ok()?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).ok()?;
    rows.collect::<rusqlite::Result<_>>().ok()
}

/// Gives a file another name, if it is there.
fn moved(from: &Path, to: &Path) -> io::Result<()> {
    match std::fs::rename(from, to) {
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

fn forget(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Deletes a folder of ours with all that is in it, if it is there.
fn clear(folder: &Path) -> io::Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

impl Restoration for SqliteTx<'_> {
    fn end_links(&self) -> Checked<(u64, u64)> {
        let links = self.change("DELETE FROM one_time_tokens", [])?;
        let mails = self.change(
            "UPDATE outbox SET status = CASE status WHEN 'queued' THEN 'dropped' ELSE status END, sealed = NULL,
                 leased_until = NULL
             WHERE sealed IS NOT NULL",
            [],
        )?;
        Ok((links as u64, mails as u64))
    }

    fn follow(&self, former: Option<&Former>) -> Checked<()> {
        let known = self.knows_one_of(former.map_or(&[], |former| &former.keys))?;
        if !known {
            for (table, leap) in LEAPS {
                self.raise(table, "seq + ?2", leap)?;
            }
        }
        let Some(former) = former else { return Ok(()) };
        for (table, number) in former.numbers.iter().filter(|(table, _)| table != "audit") {
            self.raise(table, "MAX(seq, ?2)", *number)?;
        }
        let epoch = "UPDATE marks SET value = MAX(CAST(value AS INTEGER), ?1) WHERE name = 'epoch'";
        self.change(epoch, [former.epoch + 1])?;
        for key in former.keys.iter().filter(|key| key.revoked_at.is_some()) {
            let revoked = "UPDATE signing_keys SET revoked_at = MIN(IFNULL(revoked_at, ?2), ?2) WHERE kid = ?1";
            self.change(revoked, (&key.kid, key.revoked_at.map(micros)))?;
        }
        Ok(())
    }
}

impl SqliteTx<'_> {
    /// Whether one of these keys is here too, so that both databases are of one installation.
    fn knows_one_of(&self, keys: &[FormerKey]) -> Checked<bool> {
        for key in keys {
            if self.one("SELECT 1 FROM signing_keys WHERE kid = ?", [&key.kid], |_| Ok(()))?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Sets the last number that a table has given to what an expression makes of it.
    fn raise(&self, table: &str, to: &'static str, number: i64) -> Checked<()> {
        let there = "INSERT INTO sqlite_sequence (name, seq)
             SELECT ?1, 0 WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = ?1)
                 AND EXISTS (SELECT 1 FROM sqlite_schema WHERE name = ?1 AND type = 'table')";
        self.change(there, [table])?;
        self.change(&format!("UPDATE sqlite_sequence SET seq = {to} WHERE name = ?1"), (table, number)).map(drop)
    }
}
