//! Errors of the disk, injected into the running server by strace: what fails is refused and has not happened, and once the
//! disk is well again so is the server.

use std::io::Read;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, geteuid, kill_process};
use tempfile::TempDir;

use super::rounds;
use crate::ledger::{Census, Commands, Outcome, Teams, World};
use crate::support::once;
use crate::support::process::{Process, isolated};

/// System calls of the server on one file that fail as long as this lives.
struct Injection(Child);

impl Injection {
    /// `what` as strace has it: `fsync:error=EIO:when=1`. Where that is not allowed, says so, and gives none.
    fn into(server: &Process, (folder, file): (&Path, &str), what: &str) -> Option<Self> {
        let (call, _) = what.split_once(':').unwrap();
        let mut command = isolated("strace", folder);
        command.args(["-f", "-p", &server.id().to_string(), "-o", "/dev/null", "-P"]).arg(folder.join(file));
        command.args(["-e", &format!("trace={call}"), "-e", &format!("inject={what}")]);
        // Others than root may not look into a process that keeps to itself.
        let started = if geteuid().is_root() { command.stderr(Stdio::piped()).spawn().ok() } else { None };
        let Some(mut strace) = started else {
            eprintln!("left out: this needs root and strace");
            return None;
        };
        let mut pipe = strace.stderr.take().unwrap();
        let (mut said, mut byte) = (String::new(), [0]);
        while !said.contains("attached") && pipe.read(&mut byte).unwrap() == 1 {
            said.push(byte[0].into());
        }
        assert!(said.contains("attached"), "{said}");
        // Or it could not tell of the threads that follow.
        std::thread::spawn(move || drop(pipe.read_to_end(&mut Vec::new())));
        Some(Self(strace))
    }

    /// Lets the disk be well again.
    fn ends(mut self) {
        kill_process(Pid::from_child(&self.0), Signal::INT).unwrap();
        once(|| self.0.try_wait().unwrap()).expect("strace lets go");
    }
}

impl Drop for Injection {
    fn drop(&mut self) {
        // It has ended already where the test went well.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Errors, on the log of the database, where every commit goes.
const ERRORS: [&str; 4] = ["fsync:error=EIO", "pwrite64:error=EIO", "pwrite64:error=ENOSPC", "fsync:error=ENOSPC"];
/// How often: once in each thread, in a row, until further notice.
const TIMES: [&str; 3] = [":when=1", ":when=1..10", ""];

/// Works while calls fail and after; what was refused must not have happened.
fn fails(world: &World, teams: &mut Teams, (server, seed): (Process, u64), what: &str) -> Option<Process> {
    let mut server = server;
    let injection = Injection::into(&server, (&world.folder, "authsrv.db-wal"), what)?;
    teams.top_up(world);
    teams.work(world, server.address, (seed, Commands::Run), || {
        let begun = world.ledger.now();
        let refused = || {
            let events = world.ledger.between((begun, world.ledger.now()));
            events.iter().filter(|event| event.is_write() && event.outcome == Outcome::Refused).count()
        };
        once(|| (refused() >= 3).then_some(())).unwrap_or_else(|| panic!("{what}: nothing is refused"));
        std::thread::sleep(Duration::from_millis(200));
        let looks = world.ledger.between((begun, world.ledger.now()));
        let blind = looks.iter().filter(|event| !event.is_write() && event.outcome != Outcome::Done).count();
        assert_eq!(blind, 0, "R-61: {what}: checks of tokens need no disk");
        injection.ends();
        world.ledger.hears(10);
    });
    // And it has not happened later either, when the log is read again.
    server.signal(Signal::KILL);
    server.wait();
    world.ledger.died();
    server = world.serve();
    teams.settle(world, &server);
    Some(server)
}

fn all(times: &[&str], rounds: usize) -> Option<()> {
    let folder = TempDir::new().unwrap();
    let world = World::new(&folder.path().join("site"), &folder.path().join("ledger"));
    let (mut teams, mut server) = (Teams::new(&world, 4, 0), world.serve());
    for round in 0..rounds {
        for error in ERRORS {
            for times in times {
                server = fails(&world, &mut teams, (server, round as u64), &format!("{error}{times}"))?;
            }
        }
    }
    drop(server);
    world.ledger.counted(Census::with_trail(&world.folder, &world.ledger));
    world.holds("R-60: what was refused has happened, or what was acknowledged has not");
    let tally = world.ledger.tally();
    println!("errors of the disk: {} acknowledged, {} refused, none the other way", tally.acknowledged, tally.refused);
    Some(())
}

/// The server is killed while its commits fail: what was refused stays undone when the log is read again, although its pages
/// may have got there.
fn crashes(rounds: usize) -> Option<()> {
    let folder = TempDir::new().unwrap();
    let world = World::new(&folder.path().join("site"), &folder.path().join("ledger"));
    let (mut teams, mut server) = (Teams::new(&world, 4, 0), world.serve());
    for round in 0..rounds as u64 {
        let injection = Injection::into(&server, (&world.folder, "authsrv.db-wal"), "fsync:error=EIO")?;
        teams.top_up(&world);
        let begun = world.ledger.now();
        teams.work(&world, server.address, (round, Commands::Run), || {
            let refused = || {
                let events = world.ledger.between((begun, world.ledger.now()));
                events.iter().filter(|event| event.is_write() && event.outcome == Outcome::Refused).count()
            };
            once(|| (refused() >= 3).then_some(())).expect("refusals");
            server.signal(Signal::KILL);
        });
        server.wait();
        drop(injection);
        world.ledger.died();
        server = world.serve();
        teams.settle(&world, &server);
    }
    drop(server);
    world.holds("R-60: what was refused has happened after a crash");
    Some(())
}

#[test]
fn a_commit_that_failed_does_not_come_back_after_a_crash() {
    crashes(1);
}

#[test]
fn what_cannot_be_written_is_refused() {
    all(&TIMES[..1], 1);
    all(&TIMES[2..], 1);
}

#[test]
#[ignore = "takes a minute or two, and root"]
fn what_cannot_be_written_is_refused_in_full() {
    all(&TIMES, rounds(5));
}
