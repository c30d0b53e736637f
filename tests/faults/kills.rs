//! `kill -9` of the server under load, and of commands in their middle.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use tempfile::TempDir;

use super::{proxy, rounds};
use crate::ledger::{Census, Commands, Dice, Event, Teams, World, broken};

/// Rounds on one installation: its history is judged as a whole.
const EACH: usize = 50;

/// What was done.
#[derive(Debug, Default)]
struct Report {
    rounds: usize,
    acknowledged: usize,
    by_cli: usize,
    unknown: usize,
    looks: usize,
    slowest_start: Duration,
}

fn killed(rounds: usize, offset: u64, load: usize) -> Report {
    let folder = TempDir::new().unwrap();
    let world = World::new(&folder.path().join("site"), &folder.path().join("ledger"));
    let (mut teams, mut dice) = (Teams::new(&world, 6, 4), Dice::new(offset));
    let (mut server, mut slowest_start) = (world.serve(), Duration::ZERO);
    for round in 0..rounds as u64 {
        teams.top_up(&world);
        let commands = if round % 4 == 3 { Commands::Killed } else { Commands::Run };
        let heard = load / 2 + dice.below(load);
        teams.work(&world, server.address, (offset + round, commands), || {
            world.ledger.hears(heard);
            server.signal(Signal::KILL);
        });
        server.wait();
        world.ledger.died();
        let begun = Instant::now();
        server = world.serve();
        assert_eq!(server.anonymous().get("/readyz").status, 200, "R-64: no hand is needed");
        slowest_start = slowest_start.max(begun.elapsed());
        teams.settle(&world, &server);
    }
    world.ledger.counted(Census::with_trail(&world.folder, &world.ledger));
    world.holds("R-58, R-59: kill -9");
    let tally = world.ledger.tally();
    let (acknowledged, by_cli, unknown, looks) = (tally.acknowledged, tally.by_cli, tally.unknown, tally.looks);
    Report { rounds, acknowledged, by_cli, unknown, looks, slowest_start }
}

/// The control: a logout that is acknowledged a moment before it is done must be found out by one of these rounds.
fn haste_is_found_out() {
    const CONTROLS: u64 = 10;
    for round in 0..CONTROLS {
        let folder = TempDir::new().unwrap();
        let world = World::new(&folder.path().join("site"), &folder.path().join("ledger"));
        let (mut teams, mut server) = (Teams::new(&world, 6, 0), world.serve());
        let address = proxy::hasty(server.address, Duration::from_millis(500));
        teams.work(&world, address, (round, Commands::Run), || {
            world.ledger.hears(30);
            server.signal(Signal::KILL);
        });
        server.wait();
        world.ledger.died();
        server = world.serve();
        world.counted();
        drop(server);
        // Only what is in the file: who looked between the answer and the deed has found it out already.
        let mut history = world.ledger.history();
        history.events.retain(Event::is_write);
        let lost = broken(&history).len();
        println!("kill -9, control that acknowledges too early, round {}: {lost} rules broken", round + 1);
        if lost > 0 {
            return;
        }
    }
    panic!("void: what was acknowledged too early was not lost in {CONTROLS} rounds");
}

/// So many rounds, each with about so many acknowledged writes.
fn all(rounds: usize, load: usize) -> Report {
    let mut whole = Report::default();
    while whole.rounds < rounds {
        let part = killed(EACH.min(rounds - whole.rounds), whole.rounds as u64, load);
        whole = Report {
            rounds: whole.rounds + part.rounds,
            acknowledged: whole.acknowledged + part.acknowledged,
            by_cli: whole.by_cli + part.by_cli,
            unknown: whole.unknown + part.unknown,
            looks: whole.looks + part.looks,
            slowest_start: whole.slowest_start.max(part.slowest_start),
        };
        println!("kill -9, none lost: {whole:?}");
    }
    whole
}

#[test]
fn nothing_acknowledged_is_lost() {
    haste_is_found_out();
    let report = all(15, 40);
    assert!(report.by_cli > 0 && report.unknown > 0, "there was load on both sides at the kills: {report:?}");
}

#[test]
#[ignore = "takes half an hour"]
fn nothing_acknowledged_is_lost_in_full() {
    haste_is_found_out();
    all(rounds(1_000), 200);
}
