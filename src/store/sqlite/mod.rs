//! SQLite: one file, one writer, many readers.
//!
//! WAL with `synchronous=FULL`. Readers are `query_only` and see one state each; the one writer of this process begins
//! with `BEGIN IMMEDIATE`, so it never has to upgrade and fail half-way ([`group`]). Each method has its SQL in it.

mod api_tokens;
mod audit;
pub mod backup;
mod ballast;
mod catalog;
pub mod connections;
pub mod django;
mod errors;
pub mod group;
mod guard;
mod instance;
mod list;
mod memo;
mod one_time_tokens;
pub mod open;
mod outbox;
pub mod restore;
mod sessions;
mod settings;
mod tokens;
mod users;

use std::cell::{Cell, RefCell};
use std::fmt::Display;
use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use r2d2::{Pool, PooledConnection};
use rusqlite::{CachedStatement, Connection, Params, Row, RowIndex};

use crate::domain::error::{Error, Result};
use crate::domain::ids::Timestamp;
use crate::domain::users::User;
use crate::store::audit::Chain;
use crate::store::{Mode, Store, Tx};

use ballast::Ballast;
use connections::{Connection as Link, Connections};
use group::{Share, Writer};
use open::{Missing, OpenError, Opened};

/// Readers at once. Each takes some 100 KB when used.
const READERS: u32 = 16;
/// How long a short look waits for a connection. One that is not open yet is opened meanwhile, for the next.
const AT_ONCE: Duration = Duration::from_millis(1);

/// A database file that is open.
pub struct Sqlite {
    readers: Pool<Connections>,
    /// For short looks, one for each that can be at it.
    glances: Pool<Connections>,
    writer: Writer,
    ballast: Ballast,
    path: PathBuf,
    /// Device and number of the file that was opened.
    identity: (u64, u64),
    chain: Arc<dyn Chain>,
    faults: Arc<AtomicU64>,
    _lock: File,
}

impl Sqlite {
    /// Opens a database file, makes it if allowed, and migrates it. `patience` is how long a writer waits for writers in
    /// other processes; `chain` hashes and seals the audit trail.
    ///
    /// # Errors
    /// Every [`OpenError`].
    pub fn open(
        path: &Path,
        missing: Missing,
        patience: Duration,
        chain: Arc<dyn Chain>,
    ) -> Result<(Self, Opened), OpenError> {
        let (lock, opened) = open::prepare(path, missing)?;
        let identity = identity(path).map_err(|cause| OpenError::Io { path: path.to_owned(), cause })?;
        let faults = Arc::new(AtomicU64::new(0));
        let connections = |mode| Connections::new(path, mode, patience).counting(&faults);
        let readers = pool(connections(Mode::Read), READERS, patience);
        let glances = pool(Connections::new(path, Mode::Glance, Duration::ZERO).counting(&faults), cores(), AT_ONCE);
        let writer = Writer::new(pool(connections(Mode::Write), 1, patience), patience);
        let ballast = Ballast::of(path);
        Ok((
            Self { readers, glances, writer, ballast, path: path.to_owned(), identity, chain, faults, _lock: lock },
            opened,
        ))
    }

    /// Passes while the path still leads to the file that was opened. Connections would go on in a file that was moved
    /// away or deleted, and what they acknowledge would be lost, or unknown to the command line.
    fn still_there(&self) -> Result<()> {
        match identity(&self.path) {
            Ok(now) if now == self.identity => Ok(()),
            _ => {
                tracing::error!(path = %self.path.display(), "the database file was replaced or removed; stop, then start");
                Err(Error::Unavailable { retry_after: Duration::from_secs(1) })
            }
        }
    }
}

/// Threads that answer requests, of which each takes one short look at a time.
fn cores() -> u32 {
    std::thread::available_parallelism().ok().and_then(|cores| u32::try_from(cores.get()).ok()).unwrap_or(1)
}

fn identity(path: &Path) -> std::io::Result<(u64, u64)> {
    std::fs::metadata(path).map(|file| (file.dev(), file.ino()))
}

/// A pool that opens connections when they are asked for and keeps them until they break.
fn pool(connections: Connections, size: u32, patience: Duration) -> Pool<Connections> {
    Pool::builder()
        .max_size(size)
        .min_idle(Some(0))
        .idle_timeout(None)
        .max_lifetime(None)
        .test_on_check_out(false)
        .connection_timeout(patience)
        .build_unchecked(connections)
}

impl Store for Sqlite {
    fn begin(&self, mode: Mode) -> Result<Box<dyn Tx + '_>> {
        let pool = match mode {
            Mode::Write | Mode::End => {
                if mode == Mode::End {
                    self.ballast.give_up();
                }
                let share = self.writer.begin(|| {
                    self.still_there()?;
                    if mode == Mode::Write { self.ballast.spare() } else { Ok(()) }
                })?;
                return Ok(Box::new(SqliteTx { hold: Hold::Write(Box::new(share)), chain: Arc::clone(&self.chain) }));
            }
            Mode::Read => &self.readers,
            Mode::Glance => &self.glances,
        };
        self.still_there()?;
        let connection = pool.get()?;
        connection.run(|raw| raw.prepare_cached("BEGIN DEFERRED")?.execute([]))?;
        Ok(Box::new(SqliteTx { hold: Hold::Read(Box::new(Look::at(connection))), chain: Arc::clone(&self.chain) }))
    }

    fn checkpoint(&self) -> Result<()> {
        self.writer.alone(|raw| raw.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())))
    }

    fn keep_ballast(&self) -> std::io::Result<()> {
        self.ballast.keep()
    }

    fn faults(&self) -> u64 {
        self.faults.load(Ordering::Relaxed)
    }
}

/// A transaction.
struct SqliteTx<'a> {
    hold: Hold<'a>,
    chain: Arc<dyn Chain>,
}

/// What a transaction works through.
enum Hold<'a> {
    /// A connection of its own.
    Read(Box<Look>),
    /// A share in the writer's.
    Write(Box<Share<'a>>),
}

impl Tx for SqliteTx<'_> {
    fn commit(self: Box<Self>) -> Result<()> {
        match self.hold {
            Hold::Read(look) => look.end(),
            Hold::Write(share) => share.keep(),
        }
    }

    fn roll_back(self: Box<Self>) -> Result<()> {
        match self.hold {
            Hold::Read(look) => look.end(),
            Hold::Write(share) => share.undo(),
        }
    }
}

/// A connection in a transaction that only reads.
struct Look {
    connection: PooledConnection<Connections>,
    /// Whether what the connection remembers was compared with this state of the file.
    is_current: Cell<bool>,
    /// The user who was read last: in one state of the file he is the same.
    user: RefCell<Option<User>>,
}

impl Look {
    fn at(connection: PooledConnection<Connections>) -> Self {
        Self { connection, is_current: Cell::new(false), user: RefCell::default() }
    }

    fn end(&self) -> Result<()> {
        self.connection.run(|raw| raw.prepare_cached("ROLLBACK")?.execute([]))?;
        Ok(())
    }
}

impl Drop for Look {
    fn drop(&mut self) {
        // Some errors have rolled back already. A connection on which this fails is still in its transaction, and so the
        // pool does not keep it.
        if self.connection.is_in_transaction()
            && let Err(error) = self.end()
        {
            tracing::error!(%error, "a transaction that only read did not end");
        }
    }
}

impl SqliteTx<'_> {
    fn connection(&self) -> Result<&Link> {
        match &self.hold {
            Hold::Read(look) => Ok(&look.connection),
            Hold::Write(share) => share.connection(),
        }
    }

    /// The first row, if there is one.
    fn one<T>(
        &self,
        sql: &str,
        params: impl Params,
        map: impl FnOnce(&Row) -> rusqlite::Result<T>,
    ) -> Result<Option<T>> {
        let read = |raw: &Connection| {
            let mut statement = prepare(raw, sql)?;
            let mut rows = statement.query(params)?;
            rows.next()?.map(map).transpose()
        };
        Ok(self.connection()?.run(read)?)
    }

    /// All rows.
    fn all<T>(&self, sql: &str, params: impl Params, map: impl FnMut(&Row) -> rusqlite::Result<T>) -> Result<Vec<T>> {
        Ok(self.connection()?.run(|raw| prepare(raw, sql)?.query_map(params, map)?.collect())?)
    }

    /// Changes rows; says how many.
    fn change(&self, sql: &str, params: impl Params) -> Result<usize> {
        Ok(self.connection()?.run(|raw| prepare(raw, sql)?.execute(params))?)
    }

    /// Inserts a row; gives its id.
    fn insert(&self, sql: &str, params: impl Params) -> Result<i64> {
        Ok(self.connection()?.run(|raw| prepare(raw, sql)?.insert(params))?)
    }

    /// A number of rows.
    fn count(&self, sql: &str, params: impl Params) -> Result<u64> {
        let number: i64 = self.one(sql, params, |row| row.get(0))?.unwrap_or(0);
        Ok(number.max(0).unsigned_abs())
    }

    /// The number of all rows of one of the long tables, kept by triggers.
    fn counted(&self, table: &str) -> Result<u64> {
        self.count("SELECT n FROM counts WHERE name = ?", [table])
    }
}

/// The statement, out of the cache if it was asked for before. Logged without its values, so that plans can be checked.
fn prepare<'c>(raw: &'c Connection, sql: &str) -> rusqlite::Result<CachedStatement<'c>> {
    tracing::trace!(sql);
    raw.prepare_cached(sql)
}

/// A time as it is stored.
fn micros(time: Timestamp) -> i64 {
    time.timestamp_micros()
}

/// A time out of a column, by its name or its number.
fn time<C: RowIndex + Display + Copy>(row: &Row, column: C) -> rusqlite::Result<Timestamp> {
    let micros: i64 = row.get(column)?;
    Timestamp::from_timestamp_micros(micros).ok_or_else(|| broken(column, &format!("{micros} is no time")))
}

/// A time out of a column that may be empty.
fn maybe_time<C: RowIndex + Display + Copy>(row: &Row, column: C) -> rusqlite::Result<Option<Timestamp>> {
    let there: Option<i64> = row.get(column)?;
    there.map(|_| time(row, column)).transpose()
}

/// The error of a stored value that cannot be: names the column.
fn broken(column: impl Display, what: &str) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, format!("column {column}: {what}").into())
}
