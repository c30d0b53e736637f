//! The connections to one file, and after which errors one is not used again.

use std::cell::{Cell, RefCell};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use r2d2::ManageConnection;
use r2d2_sqlite::SqliteConnectionManager;
use rusqlite::{ErrorCode, OpenFlags, ffi};

use super::memo::Memo;
use super::open::configure;
use crate::store::Mode;

/// Opens the connections of one pool.
#[derive(Debug)]
pub struct Connections {
    inner: SqliteConnectionManager,
    mode: Mode,
    /// Whether one of them met an error after which the file itself may not be whole.
    is_suspect: AtomicBool,
    faults: Arc<AtomicU64>,
}

/// An open connection. Everything goes through [`Connection::run`], so that it knows what it has met.
#[derive(Debug)]
pub struct Connection {
    raw: rusqlite::Connection,
    /// The first error after which nobody knows what the connection still holds for true.
    met: Cell<Option<ErrorCode>>,
    /// What it has read of small tables, if it only reads.
    pub(super) memo: RefCell<Memo>,
    faults: Arc<AtomicU64>,
}

impl Connections {
    /// Connections to the file at `path`, which is there, that wait for others as long as `patience`.
    pub fn new(path: &Path, mode: Mode, patience: Duration) -> Self {
        let inner = SqliteConnectionManager::file(path)
            .with_flags(OpenFlags::default().difference(OpenFlags::SQLITE_OPEN_CREATE))
            .with_init(move |raw| {
                configure(raw, patience, matches!(mode, Mode::Read | Mode::Glance))?;
                raw.pragma_update(None, "cache_size", -cache(mode))
            });
        Self { inner, mode, is_suspect: AtomicBool::new(false), faults: Arc::default() }
    }

    /// The same, with a count of the connections that meet such an error.
    pub fn counting(self, faults: &Arc<AtomicU64>) -> Self {
        Self { faults: Arc::clone(faults), ..self }
    }
}

impl ManageConnection for Connections {
    type Connection = Connection;
    type Error = rusqlite::Error;

    fn connect(&self) -> rusqlite::Result<Connection> {
        let raw = self.inner.connect()?;
        if self.mode == Mode::Write && self.is_suspect.load(Ordering::SeqCst) {
            quick_check(&raw)?;
            self.is_suspect.store(false, Ordering::SeqCst);
        }
        Ok(Connection { raw, met: Cell::new(None), memo: RefCell::default(), faults: Arc::clone(&self.faults) })
    }

    fn is_valid(&self, _: &mut Connection) -> rusqlite::Result<()> {
        Ok(())
    }

    fn has_broken(&self, connection: &mut Connection) -> bool {
        let of_the_disk = |code| matches!(code, ErrorCode::DiskFull | ErrorCode::ReadOnly);
        if connection.met.get().is_some_and(|code| !of_the_disk(code)) {
            self.is_suspect.store(true, Ordering::SeqCst);
        }
        connection.met.get().is_some() || connection.is_in_transaction()
    }
}

impl Connection {
    /// Does something, and remembers an error after which the connection is not used again.
    ///
    /// # Errors
    /// Those of `work`.
    pub fn run<T>(&self, work: impl FnOnce(&rusqlite::Connection) -> rusqlite::Result<T>) -> rusqlite::Result<T> {
        let done = work(&self.raw);
        if let Err(error) = &done
            && let Some(code) = error.sqlite_error_code().filter(|code| breaks(*code))
            && self.met.get().is_none()
        {
            self.met.set(Some(code));
            self.faults.fetch_add(1, Ordering::Relaxed);
        }
        done
    }

    /// Whether it met an error after which nobody knows what it still holds for true.
    pub fn is_suspect(&self) -> bool {
        self.met.get().is_some()
    }

    /// Whether a transaction is open.
    pub fn is_in_transaction(&self) -> bool {
        !self.raw.is_autocommit()
    }
}

/// How many KiB of the file a connection keeps in memory. Many are open for what reads much, one or a few for the rest.
fn cache(mode: Mode) -> i64 {
    match mode {
        Mode::Read => 512,
        Mode::Glance => 2048,
        Mode::Write | Mode::End => 4096,
    }
}

/// After a failed write or fsync the system may hold for clean what never reached the disk, and SQLite with it.
fn breaks(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::SystemIoFailure
            | ErrorCode::DiskFull
            // Opened while the log could not be written, it would stay so.
            | ErrorCode::ReadOnly
            | ErrorCode::DatabaseCorrupt
            | ErrorCode::NotADatabase
    )
}

fn quick_check(raw: &rusqlite::Connection) -> rusqlite::Result<()> {
    let found: String = raw.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if found == "ok" {
        return Ok(());
    }
    tracing::error!(found, "the database is damaged and is not written any more; the command doctor says more");
    Err(rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_CORRUPT), Some(found)))
}
