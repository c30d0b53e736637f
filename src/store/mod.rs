//! What the services ask of a database, as traits. The engines are in the folders beside this file.
//!
//! Rules that every engine keeps:
//! - [`Store::begin`] with [`Mode::Write`] excludes every other writer until the transaction ends, in this process and
//!   in others; what it reads cannot change under it. [`Mode::Read`] sees one state and changes nothing.
//! - A [`Tx`] that is dropped is rolled back. After [`Tx::commit`] returns, the changes survive a power loss. Writes that come
//!   at once may become permanent together, or not at all; each is all or nothing by itself.
//! - Lookups give `Option`; that something is missing is for the service to judge. A write by id says whether it hit.
//! - Names of fields to order by come from allowlists; everything else is a bound parameter.
//! - Contention and a full disk are [`Error::Unavailable`]: nothing happened.

pub mod api_tokens;
pub mod audit;
pub mod backups;
pub mod catalog;
pub mod guard;
pub mod instance;
pub mod one_time_tokens;
pub mod outbox;
pub mod restoration;
pub mod sessions;
pub mod settings;
pub mod sqlite;
pub mod tokens;
pub mod users;

use crate::domain::error::{Error, Result};

pub use api_tokens::ApiTokens;
pub use audit::Audit;
pub use backups::Backups;
pub use catalog::{Catalog, RolePermission};
pub use guard::Guard;
pub use instance::Instance;
pub use one_time_tokens::OneTimeTokens;
pub use outbox::Outbox;
pub use restoration::Restoration;
pub use sessions::Sessions;
pub use settings::Settings;
pub use tokens::Tokens;
pub use users::Users;

/// What a transaction may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Look only.
    Read,
    /// Look only, for a moment, on a thread that must not wait: at most one for each core at once. Never queues.
    Glance,
    /// Change, alone.
    Write,
    /// Change, alone, so that somebody may do less than before: there is room for it although the disk is full, as long as
    /// ballast is kept. `Write` leaves that room alone.
    End,
}

/// A database.
pub trait Store: Backups + Send + Sync {
    /// Begins a transaction.
    ///
    /// # Errors
    /// `Unavailable` when no connection is free or another writer does not finish in time; `Internal` for the rest.
    fn begin(&self, mode: Mode) -> Result<Box<dyn Tx + '_>>;

    /// Writes everything into the main file and empties the log beside it, as far as readers allow.
    ///
    /// # Errors
    /// `Unavailable` or `Internal`.
    fn checkpoint(&self) -> Result<()>;

    /// Keeps room on the disk for [`Mode::End`], if there is enough.
    ///
    /// # Errors
    /// That there is not, and whatever else keeps a file from being made.
    fn keep_ballast(&self) -> std::io::Result<()>;

    /// How many connections met an error of the storage since the database was opened: a full disk, or worse.
    fn faults(&self) -> u64;
}

/// A transaction: everything the services ask.
pub trait Tx:
    Users
    + Catalog
    + Sessions
    + Tokens
    + ApiTokens
    + OneTimeTokens
    + Settings
    + Audit
    + Instance
    + Outbox
    + Guard
    + Restoration
{
    /// Makes the changes permanent.
    ///
    /// # Errors
    /// `Unavailable` or `Internal`; then nothing happened.
    fn commit(self: Box<Self>) -> Result<()>;

    /// Undoes the changes. Returns when everything that the transaction has seen is permanent, so that a refusal never rests
    /// on what a crash takes back.
    ///
    /// # Errors
    /// `Unavailable` when what it has seen does not last.
    fn roll_back(self: Box<Self>) -> Result<()>;
}

impl dyn Store + '_ {
    /// Runs `look` on one unchanging state.
    ///
    /// # Errors
    /// Those of `look`, and those of [`Store::begin`].
    pub fn read<T>(&self, look: impl FnOnce(&dyn Tx) -> Result<T>) -> Result<T> {
        let tx = self.begin(Mode::Read)?;
        look(tx.as_ref())
    }

    /// Runs `look` on one unchanging state, at once or not at all: for a thread that must not wait.
    ///
    /// # Errors
    /// Those of `look`; `Unavailable` when it cannot be looked at once.
    pub fn glance<T>(&self, look: impl FnOnce(&dyn Tx) -> Result<T>) -> Result<T> {
        let tx = self.begin(Mode::Glance)?;
        look(tx.as_ref())
    }

    /// Runs `change` in a transaction of its own and commits if it gives `Ok`, else rolls back: a refusal that leaves a
    /// trace comes as a verdict in the `Ok`. Outside the transaction `change` must alter nothing.
    ///
    /// # Errors
    /// Those of `change`, of [`Store::begin`] and of [`Tx::commit`].
    pub fn write<T>(&self, change: impl FnOnce(&dyn Tx) -> Result<T>) -> Result<T> {
        self.change(Mode::Write, change)
    }

    /// Like `write`, for what ends access.
    ///
    /// # Errors
    /// Those of `write`.
    pub fn end<T>(&self, change: impl FnOnce(&dyn Tx) -> Result<T>) -> Result<T> {
        self.change(Mode::End, change)
    }

    fn change<T>(&self, mode: Mode, change: impl FnOnce(&dyn Tx) -> Result<T>) -> Result<T> {
        let tx = self.begin(mode)?;
        match change(tx.as_ref()) {
            Ok(value) => tx.commit().map(|()| value),
            Err(refusal) => Err(tx.roll_back().err().unwrap_or(refusal)),
        }
    }
}

/// The error of a write by id that should have hit one row and did not: a bug or a broken file.
pub(crate) fn missed(what: &str) -> Error {
    Error::internal(format!("a write to {what} hit no row"))
}
