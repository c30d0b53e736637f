//! Writes by 64 threads: through the product's store, which is careful, and as one would do it alone.
//!
//! Each write is what counts an attempt to sign in: one row of `guard`, put in place of what was there. The product's side
//! is `Store::write`, with `synchronous=FULL`. The others do the same statement on a connection of their own under one lock,
//! each write a transaction with its own commit: with `NORMAL`, which a power loss may undo, and with `FULL`.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use authsrv::app::{Missing, Parts};
use authsrv::domain::guard::{Attempts, Bucket, Count, Key};
use authsrv::domain::ids::Timestamp;
use rusqlite::Connection;

use crate::Plan;
use crate::support::shell::Shell;
use crate::table::{Aim, Sides, Table};

/// Threads that write.
const WRITERS: usize = 64;
/// Rows that each of them writes in turn.
const ROWS: usize = 16;

/// Measures.
pub fn measure(plan: &Plan, table: &mut Table) {
    let [shell, normal, full] = [Shell::new(), Shell::new(), Shell::new()];
    let env =
        Parts::real(&shell.file("authsrv.db"), &shell.file("authsrv.key")).unwrap().open(Missing::Refuse).unwrap().0;
    let alone = [(&normal, "NORMAL"), (&full, "FULL")].map(|(shell, mode)| Mutex::new(connection(shell, mode)));
    let mut found = [Sides::default(), Sides::default()];
    for _ in 0..plan.rounds {
        let ours = rate(plan.length.counting, |count| env.store.write(|tx| tx.store_attempts(count)).is_ok());
        for (connection, found) in alone.iter().zip(&mut found) {
            let theirs = rate(plan.length.counting, |count| write(&connection.lock().unwrap(), count).is_ok());
            found.add(ours.0, theirs.0);
            found.failed(ours.1, theirs.1);
        }
    }
    table.compared("commits, 64 writers", ("alone, synchronous=NORMAL", &found[0]), "/s", Aim::AtLeast(1.0));
    table.compared("commits, 64 writers", ("alone, synchronous=FULL", &found[1]), "/s", Aim::None);
}

/// Writes in a second, and how many failed; `write` says whether it was done.
fn rate(length: Duration, write: impl Fn(&Count) -> bool + Sync) -> (f64, u64) {
    let (done, failed, stop) = (AtomicU64::new(0), AtomicU64::new(0), AtomicBool::new(false));
    let (written, unwritten, stop, write) = (&done, &failed, &stop, &write);
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            scope.spawn(move || {
                for row in (0..ROWS).cycle() {
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                    let counter = if write(&count(writer, row)) { written } else { unwritten };
                    counter.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        std::thread::sleep(length);
        stop.store(true, Ordering::Relaxed);
    });
    (done.load(Ordering::Relaxed) as f64 / length.as_secs_f64(), failed.load(Ordering::Relaxed))
}

fn count(writer: usize, row: usize) -> Count {
    let now = Timestamp::from_timestamp_micros(1_767_323_045_678_901).unwrap();
    Count {
        key: Key { bucket: Bucket::Account, subject: format!("{writer}:{row}") },
        user: None,
        address: None,
        attempts: Attempts::from_stored(vec![now.timestamp_micros()], None),
        expires_at: now,
    }
}

/// A connection to the same tables, set up as the product's are but for this.
fn connection(shell: &Shell, synchronous: &str) -> Connection {
    let connection = Connection::open(shell.file("authsrv.db")).unwrap();
    authsrv::store::sqlite::open::configure(&connection, Duration::from_secs(5), false).unwrap();
    connection.pragma_update(None, "synchronous", synchronous).unwrap();
    connection
}

fn write(connection: &Connection, count: &Count) -> rusqlite::Result<()> {
    connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
    let times: Vec<u8> = count.attempts.times().iter().flat_map(|time| time.to_be_bytes()).collect();
    let sql = "INSERT INTO guard (bucket, subject, user_id, times, closed_until, address, expires_at)
               VALUES (?1, ?2, NULL, ?3, NULL, NULL, ?4)
               ON CONFLICT (bucket, subject) DO UPDATE SET
                   user_id = excluded.user_id, times = excluded.times, closed_until = excluded.closed_until,
                   address = excluded.address, expires_at = excluded.expires_at";
    let values = (count.key.bucket.as_str(), &count.key.subject, times, count.expires_at.timestamp_micros());
    connection.prepare_cached(sql)?.execute(values)?;
    connection.prepare_cached("COMMIT")?.execute([])?;
    Ok(())
}
