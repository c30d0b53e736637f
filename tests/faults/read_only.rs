//! Files that cannot be written any more: mounted read-only, cut off, or locked by the administrator.

use rustix::process::Signal;
use serde_json::json;

use super::disks::{Disk, runs};
use crate::ledger::{Census, Commands, Event, Outcome, Teams, World};
use crate::support::PASSWORD;
use crate::support::process::Process;
use crate::support::shell::run;

#[test]
fn a_start_on_a_read_only_file_system_is_refused_in_a_line() {
    let Some(mut disk) = Disk::new(48) else { return };
    let world = World::new(&disk.place().join("site"), &disk.outside("ledger"));
    let mut server = world.serve();
    server.stop(Signal::TERM);
    drop(server);
    disk.unmount();
    disk.mount("ro");
    for words in [&["serve", "--listen", "127.0.0.1:0"][..], &["roles", "grant", "root@example.com", "viewer"]] {
        let ran = run(&world.folder, words, "");
        assert_eq!(ran.code, 1, "{words:?}: {ran:?}");
        let lines: Vec<&str> = ran.err.lines().collect();
        assert!((1..=2).contains(&lines.len()) && !ran.err.contains("panicked"), "what, and what to do: {ran:?}");
        assert!(ran.err.to_lowercase().contains("read-only"), "{ran:?}");
    }
    disk.unmount();
    disk.mount("");
    drop(world.serve());
}

/// No login is judged where the guess cannot be counted.
fn no_guess_is_judged(server: &Process) {
    for password in [PASSWORD, "wrong"] {
        let login = server.anonymous().post("/login/", json!({"email": "h0-0@example.com", "password": password}));
        assert_eq!(login.status, 503, "R-13: {login:?}");
        assert!(login.header("retry-after").is_some(), "{login:?}");
    }
}

/// Everything refused since then was refused as it should be, and nothing was done.
fn nothing_was_done(world: &World, since: u64) {
    let events = world.ledger.between((since, world.ledger.now()));
    let writes: Vec<&Event> = events.iter().filter(|event| event.is_write()).collect();
    let done: Vec<_> = writes.iter().filter(|event| event.outcome == Outcome::Done).collect();
    assert!(done.is_empty(), "R-33: acknowledged, and not written: {done:?}");
    assert!(writes.iter().all(|event| event.said == 503) && !writes.is_empty(), "R-60: {writes:?}");
}

/// The file system is cut off under load: from then on every write fails, and what was acknowledged before is there.
#[test]
#[ignore = "what a disk keeps that is cut off in the middle of a commit is not promised, and the checker does not doubt all of it yet"]
fn a_file_system_that_is_cut_off() {
    let Some(mut disk) = Disk::new(64) else { return };
    let world = World::new(&disk.place().join("site"), &disk.outside("ledger"));
    let (mut teams, mut server) = (Teams::new(&world, 4, 0), world.serve());
    let down = std::sync::OnceLock::new();
    teams.work(&world, server.address, (1, Commands::Run), || {
        world.ledger.hears(20);
        let since = *down.get_or_init(|| world.ledger.now());
        disk.goes_down();
        std::thread::sleep(std::time::Duration::from_millis(500));
        no_guess_is_judged(&server);
        nothing_was_done(&world, since);
    });
    server.signal(Signal::KILL);
    server.wait();
    world.ledger.died();
    world.ledger.doubts(down.into_inner().unwrap());
    disk.unmount();
    disk.mount("");
    let server = world.serve();
    teams.settle(&world, &server);
    world.ledger.counted(Census::with_trail(&world.folder, &world.ledger));
    world.holds("R-33, R-60: a file system that was cut off");
}

/// The log may not be written for a while: tokens are checked, everything else waits, and then all is well again.
#[test]
fn a_log_that_may_not_be_written() {
    let Some(disk) = Disk::new(64) else { return };
    let world = World::new(&disk.place().join("site"), &disk.outside("ledger"));
    let (mut teams, server) = (Teams::new(&world, 4, 0), world.serve());
    let immutable = |sign: &str| runs(&world.folder, &["chattr", sign, "authsrv.db-wal"]);
    teams.work(&world, server.address, (1, Commands::Run), || {
        world.ledger.hears(20);
        assert!(immutable("+i"));
        let since = world.ledger.now();
        std::thread::sleep(std::time::Duration::from_millis(500));
        no_guess_is_judged(&server);
        nothing_was_done(&world, since);
        let events = world.ledger.between((since, world.ledger.now()));
        let mut looks = events.iter().filter(|event| !event.is_write());
        assert!(looks.all(|event| event.outcome == Outcome::Done), "R-61: checks of tokens write nothing");
        assert!(immutable("-i"));
        world.ledger.hears(20);
    });
    teams.settle(&world, &server);
    world.holds("R-60: a log that may not be written");
}
