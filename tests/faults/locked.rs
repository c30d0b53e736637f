//! Another program holds the lock of writers for long: whoever reads does not notice, whoever writes is told to come
//! again, and nothing is done twice or half.

use std::time::Duration;

use rusqlite::Connection;
use tempfile::TempDir;

use super::rounds;
use crate::ledger::{Commands, Event, Outcome, Teams, World};
use crate::support::shell::run;

/// Somebody else in the file, by that SQLite which the program has in it; older ones could damage it.
fn somebody(world: &World) -> Connection {
    Connection::open(world.folder.join("authsrv.db")).unwrap()
}

fn holds(time: Duration) {
    let folder = TempDir::new().unwrap();
    let world = World::new(&folder.path().join("site"), &folder.path().join("ledger"));
    let (mut teams, server) = (Teams::new(&world, 4, 0), world.serve());
    let (ledger, mut held) = (&world.ledger, (0, 0));
    teams.work(&world, server.address, (1, Commands::Run), || {
        ledger.hears(10);
        let lock = somebody(&world);
        lock.busy_timeout(crate::support::PATIENCE).unwrap();
        lock.execute_batch("BEGIN IMMEDIATE").unwrap();
        held.0 = ledger.now();
        let command = run(&world.folder, &["roles", "grant", "root@example.com", "viewer"], "");
        assert_eq!(command.code, 1, "a command is refused as well: {command:?}");
        assert!(!command.err.is_empty() && !command.err.contains("panicked"), "{command:?}");
        std::thread::sleep(time.saturating_sub(Duration::from_nanos(ledger.now() - held.0)));
        held.1 = ledger.now();
        lock.execute_batch("ROLLBACK").unwrap();
        drop(lock);
        ledger.hears(20);
    });
    let during = ledger.between(held);
    let (writes, looks): (Vec<&Event>, Vec<&Event>) = during.iter().partition(|event| event.is_write());
    let slowest = looks.iter().map(|event| event.answered - event.invoked).max().map(Duration::from_nanos);
    assert!(looks.iter().all(|event| event.outcome == Outcome::Done), "R-63: a check of a token waits for nobody");
    assert!(looks.len() > 20, "{} looks, the slowest {slowest:?}", looks.len());
    assert!(writes.iter().all(|event| event.said == 503), "R-33: nothing is done before it is written: {writes:?}");
    assert!(!writes.is_empty(), "those who wait are told to come again");
    println!(
        "lock held {time:?}: {} checks, the slowest {slowest:?}; {} told to come again",
        looks.len(),
        writes.len()
    );
    teams.settle(&world, &server);
    world.holds("R-63: a lock held by another program");
}

/// A reader that does not end keeps the log from being written back: it grows, and shrinks when the reader is gone.
fn starves(writes: usize) {
    let folder = TempDir::new().unwrap();
    let world = World::new(&folder.path().join("site"), &folder.path().join("ledger"));
    let (mut teams, mut server) = (Teams::new(&world, 6, 0), world.serve());
    let size = || std::fs::metadata(world.folder.join("authsrv.db-wal")).map_or(0, |file| file.len());
    let (mut before, mut grown, mut after) = (0, 0, 0);
    let ledger = &world.ledger;
    let mut work = |seed, until: &mut dyn FnMut()| {
        teams.top_up(&world);
        teams.work(&world, server.address, (seed, Commands::Run), until);
    };
    work(1, &mut || {
        let reader = somebody(&world);
        reader.execute_batch("BEGIN; SELECT COUNT(*) FROM users").unwrap();
        let _: i64 = reader.query_row("SELECT COUNT(*) FROM users", [], |row| row.get(0)).unwrap();
        before = size();
        ledger.hears(writes);
        grown = size();
        drop(reader);
        ledger.hears(writes / 4);
        after = size();
    });
    let mut more = 0;
    work(2, &mut || {
        ledger.hears(writes / 2);
        more = size();
    });
    assert!(grown > before, "the control: the reader has kept the log from being begun anew: {before}, {grown}");
    // A quarter of the writes may still have gone to the end of the log; after that it is begun anew.
    assert!(more <= after.max(grown), "R-68: the log goes on growing: {before}, {grown}, {after}, {more}");
    assert!(more <= 64 << 20, "R-68: the log stays long: {more}");
    let tally = ledger.tally();
    println!("log of {before} bytes with a reader in it: {grown}, after: {after}, {more}; {} refused", tally.refused);
    assert_eq!(tally.refused, 0, "nobody who writes is kept out by one who reads");
    teams.settle(&world, &server);
    world.holds("a reader that does not end");
    server.stop(rustix::process::Signal::TERM);
    assert_eq!(size(), 0, "R-65");
}

#[test]
fn a_lock_of_another_program_keeps_no_check_waiting() {
    holds(Duration::from_secs(7));
}

#[test]
#[ignore = "takes half a minute"]
fn a_lock_of_another_program_keeps_no_check_waiting_in_full() {
    holds(Duration::from_secs(rounds(30) as u64));
}

#[test]
fn a_reader_that_does_not_end_stops_nobody() {
    starves(240);
}

#[test]
#[ignore = "takes some minutes"]
fn a_reader_that_does_not_end_stops_nobody_in_full() {
    starves(rounds(8_000));
}
