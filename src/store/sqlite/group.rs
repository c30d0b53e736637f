//! The one writer of a process. Writes that come at once share a transaction, and so one wait for the disk: each has a
//! savepoint of its own, and none is answered before what all of them wrote is on the disk.
//!
//! No thread is kept for it. Whoever has written hands the open transaction to the next who waits, and the last one
//! commits it for all; a write that comes alone is committed at once. (Group commit, as DeWitt et al. 1984 describe it.)

mod fate;

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use r2d2::{Pool, PooledConnection};
use rusqlite::ErrorCode;

use super::connections::{Connection, Connections};
use super::errors::RETRY;
use crate::domain::error::{Error, Result};
use fate::Fate;

/// Writes that share one transaction at most.
const MEMBERS_MAX: u32 = 256;
/// How long a transaction waits for more writes at most, while there are some. A reader of what it writes waits as long.
const OPEN_MAX: Duration = Duration::from_millis(10);
/// How long one of those who wait looks out for the turn before it goes to sleep. To be woken takes longer than a write.
const WATCH: Duration = Duration::from_micros(5);
/// How long it sleeps then, unless it is woken.
const LULL: Duration = Duration::from_millis(5);
/// How long a transaction waits for one more while it has fewer writes than the last one had: those were answered together,
/// and may be about to write again (`commit_delay` and `commit_siblings` of PostgreSQL). Less than a commit takes.
const SIBLINGS: Duration = Duration::from_micros(100);
/// How often a writer looks whether those of other processes have left the file.
const LOOK_EVERY: Duration = Duration::from_millis(1);
/// How long this process may write without a pause while others may be waiting; no queue reaches over processes.
const YIELD_EVERY: Duration = Duration::from_millis(50);
/// How long the pause is: long enough for all others to look once.
const YIELD_FOR: Duration = Duration::from_millis(2);

/// Lets one write at a time to its connection.
pub struct Writer {
    pool: Pool<Connections>,
    /// How long a write waits for others, in this process and in others.
    patience: Duration,
    turn: Mutex<Turn>,
    free: Condvar,
}

/// Whose turn it is.
struct Turn {
    is_taken: bool,
    /// Writes that wait for it, also those that sleep.
    waiting: usize,
    sleeping: usize,
    /// Whether one of them looks out for it, awake.
    is_watched: bool,
    /// A transaction that somebody who waits will go on with.
    open: Option<Group>,
    paused: Instant,
    /// Writes in the transaction that was committed last.
    together: u32,
}

/// A transaction that writes share.
struct Group {
    connection: PooledConnection<Connections>,
    opened: Instant,
    /// Writes in it that are to stay.
    members: u32,
    fate: Arc<Fate>,
}

/// One write's share in a transaction. Dropped, it is undone.
pub struct Share<'a> {
    writer: &'a Writer,
    group: Option<Group>,
    /// Whether others wrote before it in the same transaction.
    is_nested: bool,
}

impl Writer {
    /// Writes through the one connection of `pool`.
    pub fn new(pool: Pool<Connections>, patience: Duration) -> Self {
        let turn = Turn {
            is_taken: false,
            waiting: 0,
            sleeping: 0,
            is_watched: false,
            open: None,
            paused: Instant::now(),
            together: 0,
        };
        Self { pool, patience, turn: Mutex::new(turn), free: Condvar::new() }
    }

    /// Begins a write, in a transaction of its own or in one that others have written in. `check` is asked before a
    /// transaction is opened.
    ///
    /// # Errors
    /// `Unavailable` when others do not finish in time, those of `check`, and SQLite's.
    pub fn begin(&self, check: impl FnOnce() -> Result<()>) -> Result<Share<'_>> {
        let until = Instant::now() + self.patience;
        let open = self.take_turn(until)?;
        let is_nested = open.is_some();
        let group = open.map_or_else(|| check().and_then(|()| self.open(until)), Ok);
        let group = Some(group.inspect_err(|_| self.give_turn())?);
        let share = Share { writer: self, group, is_nested };
        if is_nested {
            share.connection()?.run(|raw| raw.prepare_cached("SAVEPOINT share")?.execute([]))?;
        }
        Ok(share)
    }

    /// Does something with the connection while nobody writes.
    ///
    /// # Errors
    /// `Unavailable` when others do not finish in time, and SQLite's.
    pub fn alone<T>(&self, work: impl FnOnce(&rusqlite::Connection) -> rusqlite::Result<T>) -> Result<T> {
        // Whoever takes the turn ends what is open, or goes on with it.
        let settled = self.take_turn(Instant::now() + self.patience)?.map_or(Ok(()), |group| {
            let fate = Arc::clone(&group.fate);
            let committed = group.commit();
            fate.tell(committed.is_ok());
            committed
        });
        let done = settled.and_then(|()| Ok(self.pool.get()?.run(work)?));
        self.give_turn();
        done
    }

    fn turn(&self) -> MutexGuard<'_, Turn> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for its turn; gives the transaction that is to be gone on with, if there is one.
    fn take_turn(&self, until: Instant) -> Result<Option<Group>> {
        let mut turn = self.turn();
        turn.waiting += 1;
        while turn.is_taken {
            if Instant::now() >= until {
                turn.waiting -= 1;
                tracing::warn!("a write gave up: others did not finish in time");
                return Err(Error::Unavailable { retry_after: RETRY });
            }
            turn = if turn.is_watched { self.sleep(turn, until) } else { self.watch(turn) };
        }
        turn.waiting -= 1;
        turn.is_taken = true;
        let wakes = turn.sleeping > 0 && !turn.is_watched;
        let open = turn.open.take();
        drop(turn);
        // Whoever is next is awake by the time that this write is done.
        if wakes {
            self.free.notify_one();
        }
        Ok(open)
    }

    /// Looks out for the turn for a while: one at a time does, all others sleep.
    fn watch<'a>(&'a self, mut turn: MutexGuard<'a, Turn>) -> MutexGuard<'a, Turn> {
        let until = Instant::now() + WATCH;
        turn.is_watched = true;
        while turn.is_taken {
            drop(turn);
            (0..20).for_each(|_| std::hint::spin_loop());
            turn = self.turn();
            if Instant::now() >= until {
                turn.is_watched = false;
                return self.sleep(turn, until + LULL);
            }
        }
        turn.is_watched = false;
        turn
    }

    fn sleep<'a>(&self, mut turn: MutexGuard<'a, Turn>, until: Instant) -> MutexGuard<'a, Turn> {
        turn.sleeping += 1;
        let left = until.saturating_duration_since(Instant::now());
        let mut turn = self.free.wait_timeout(turn, left).unwrap_or_else(PoisonError::into_inner).0;
        turn.sleeping -= 1;
        turn
    }

    fn give_turn(&self) {
        self.freed(self.turn());
    }

    fn freed(&self, mut turn: MutexGuard<'_, Turn>) {
        turn.is_taken = false;
        let wakes = turn.sleeping > 0 && !turn.is_watched;
        drop(turn);
        if wakes {
            self.free.notify_one();
        }
    }

    /// Leaves an open transaction to somebody who waits; gives it back where nobody does, or it has been open for long.
    fn pass_on(&self, group: Group) -> Option<Group> {
        let mut turn = self.turn();
        let until = Instant::now() + SIBLINGS;
        while turn.waiting == 0 && group.members < turn.together && Instant::now() < until {
            drop(turn);
            thread::yield_now();
            turn = self.turn();
        }
        if turn.waiting == 0 || group.members >= MEMBERS_MAX || group.opened.elapsed() >= OPEN_MAX {
            return Some(group);
        }
        turn.open = Some(group);
        self.freed(turn);
        None
    }

    /// Begins a transaction, as soon as no other process writes.
    fn open(&self, until: Instant) -> Result<Group> {
        let connection = self.pool.get()?;
        // SQLite itself would look ever more seldom, and come away empty while this process writes on and on.
        connection.run(|raw| raw.busy_timeout(Duration::ZERO))?;
        let begun = loop {
            match connection.run(|raw| raw.prepare_cached("BEGIN IMMEDIATE")?.execute([])) {
                Err(error) if is_busy(&error) && Instant::now() < until => thread::sleep(LOOK_EVERY),
                begun => break begun,
            }
        };
        connection.run(|raw| raw.busy_timeout(self.patience))?;
        begun?;
        Ok(Group { connection, opened: Instant::now(), members: 0, fate: Arc::default() })
    }

    /// Writes over a commit that failed. Its pages are in the log, and a crash now would make them count although their
    /// writers were refused. What is written here may fail in the same way: then it is what a crash leaves, and that
    /// harms nobody.
    fn overwrite(&self) {
        let write = |raw: &rusqlite::Connection| {
            raw.execute_batch(
                "BEGIN IMMEDIATE;
                 INSERT INTO marks (name, value) VALUES ('overwritten', '1')
                 ON CONFLICT (name) DO UPDATE SET value = value + 1;
                 COMMIT",
            )
        };
        let written = self.pool.get().map_err(Error::from).and_then(|connection| Ok(connection.run(write)?));
        if let Err(error) = written {
            tracing::warn!(%error, "a commit failed, and what is in the log of it could not be written over");
        }
    }

    /// Whether the file is to be left to others for a moment: this process has more to write, and has written for long.
    fn owes_a_pause(&self) -> bool {
        let mut turn = self.turn();
        let is_due = turn.paused.elapsed() >= YIELD_EVERY;
        if is_due || turn.waiting == 0 {
            turn.paused = Instant::now();
        }
        is_due && turn.waiting > 0
    }

    /// Gives the turn back after a commit by so many, and tells them. They need not be woken before others may begin.
    fn settle(&self, (fate, members): (&Fate, u32), committed: &Result<()>) {
        let pauses = self.owes_a_pause();
        if pauses {
            fate.tell(committed.is_ok());
            thread::sleep(YIELD_FOR);
        }
        self.turn().together = members;
        self.give_turn();
        fate.tell(committed.is_ok());
    }
}

fn is_busy(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
}

impl Share<'_> {
    /// The connection to write through.
    ///
    /// # Errors
    /// `Internal` when the share is over.
    pub fn connection(&self) -> Result<&Connection> {
        self.group.as_ref().map(|group| &*group.connection).ok_or_else(|| Error::internal("a transaction is over"))
    }

    /// Keeps what was written; returns when it is on the disk.
    ///
    /// # Errors
    /// `Unavailable` and `Internal`: nothing of it is there.
    pub fn keep(mut self) -> Result<()> {
        self.end(Verdict::Keep)?.map_or(Ok(()), |fate| fate.wait())
    }

    /// Undoes what was written; returns when all that it has seen is on the disk.
    ///
    /// # Errors
    /// `Unavailable` when that is not there after all.
    pub fn undo(mut self) -> Result<()> {
        self.end(Verdict::Undo)?.map_or(Ok(()), |fate| fate.wait())
    }

    /// Ends the share, and the transaction with it where nobody goes on. Gives what is to be waited for.
    fn end(&mut self, verdict: Verdict) -> Result<Option<Arc<Fate>>> {
        let Some(mut group) = self.group.take() else { return Ok(None) };
        let ended = group.end_share(&verdict, self.is_nested);
        if ended.is_err() || !group.is_sound() {
            // What the others wrote in it is gone as well; dropped, the transaction tells them.
            drop(group);
            self.writer.give_turn();
            return ended.and(Err(Error::Unavailable { retry_after: RETRY }));
        }
        if group.members == 0 {
            drop(group);
            self.writer.give_turn();
            return Ok(None);
        }
        let fate = Arc::clone(&group.fate);
        let Some(group) = self.writer.pass_on(group) else { return Ok(Some(fate)) };
        let members = group.members;
        let committed = group.commit();
        if committed.is_err() {
            self.writer.overwrite();
        }
        self.writer.settle((&fate, members), &committed);
        committed.map(|()| None)
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        if self.group.is_none() {
            return;
        }
        if let Err(error) = self.end(Verdict::Undo) {
            tracing::error!(%error, "a rollback failed");
        }
    }
}

/// What is to become of a share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Keep,
    Undo,
}

impl Group {
    fn end_share(&mut self, verdict: &Verdict, is_nested: bool) -> Result<()> {
        let sql: &[&str] = match (verdict, is_nested) {
            (Verdict::Keep, false) => &[],
            (Verdict::Keep, true) => &["RELEASE share"],
            (Verdict::Undo, false) if self.connection.is_in_transaction() => &["ROLLBACK"],
            (Verdict::Undo, false) => &[],
            (Verdict::Undo, true) => &["ROLLBACK TO share", "RELEASE share"],
        };
        for sql in sql {
            self.connection.run(|raw| raw.prepare_cached(sql)?.execute([]))?;
        }
        self.members += u32::from(*verdict == Verdict::Keep);
        Ok(())
    }

    /// Whether it can still be committed: some errors end a transaction, and after others nobody knows what it holds.
    fn is_sound(&self) -> bool {
        self.members == 0 || (self.connection.is_in_transaction() && !self.connection.is_suspect())
    }

    /// Makes it permanent. Whether it is, is for the caller to tell, also if it is not: he may have to do something first.
    fn commit(mut self) -> Result<()> {
        self.fate = Arc::default();
        self.connection.run(|raw| raw.prepare_cached("COMMIT")?.execute([]))?;
        Ok(())
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.fate.tell(false);
    }
}
