//! Power loss: the server is killed, and then the file system loses whatever was not synced.
//!
//! The order matters: with the server alive the control below has lost nothing. What this cannot show is a disk that lies
//! about what it has written, and sectors that were written by half.

use rustix::process::Signal;

use super::disks::Disk;
use super::{native, rounds};
use crate::ledger::{Census, Commands, Dice, Teams, World, broken};
use crate::support::process::Process;

/// Rounds on one installation.
const EACH: usize = 25;
/// Rounds in which the control must lose something.
const CONTROLS: usize = 10;

/// One loss: load, kill, no power, mounted again, started again.
fn loses(disk: &mut Disk, world: &World, teams: &mut Teams, (seed, load, server): (u64, usize, Process)) {
    let mut server = server;
    let heard = load / 2 + Dice::new(seed).below(load);
    teams.work(world, server.address, (seed, Commands::Run), || {
        world.ledger.hears(heard);
        server.signal(Signal::KILL);
    });
    server.wait();
    world.ledger.died();
    disk.goes_down();
    disk.unmount();
    // What is promised does not hang on how the file system orders its own writes.
    disk.mount(if seed.is_multiple_of(2) { "" } else { "data=writeback" });
}

/// Acknowledged operations of these rounds.
fn lost(rounds: usize, offset: u64, load: usize) -> Option<usize> {
    let mut disk = Disk::new(128)?;
    let world = World::new(&disk.place().join("site"), &disk.outside("ledger"));
    let mut teams = Teams::new(&world, 6, 2);
    for round in 0..rounds as u64 {
        teams.top_up(&world);
        let server = world.serve();
        loses(&mut disk, &world, &mut teams, (offset + round, load, server));
        let mut server = world.serve();
        teams.settle(&world, &server);
        server.stop(Signal::TERM);
    }
    world.ledger.counted(Census::with_trail(&world.folder, &world.ledger));
    world.holds("R-58, R-59: power loss");
    Some(world.ledger.tally().acknowledged)
}

/// The same with a log that is not synced by commits; how many acknowledged operations are lost.
fn lost_unsynced(round: u64) -> Option<usize> {
    let mut disk = Disk::new(128)?;
    let world = World::new(&disk.place().join("site"), &disk.outside("ledger"));
    let mut teams = Teams::new(&world, 6, 0);
    let mut command = world.server();
    native::between(&mut command, "sync");
    loses(&mut disk, &world, &mut teams, (round, 60, Process::of(command)));
    let server = world.serve();
    world.counted();
    drop(server);
    Some(broken(&world.ledger.history()).len())
}

/// The control must fail, or the runs say nothing.
fn control() -> Option<()> {
    for round in 0..CONTROLS {
        let lost = lost_unsynced(round as u64)?;
        println!("power loss, control without syncs, round {}: {lost} rules broken", round + 1);
        if lost > 0 {
            return Some(());
        }
    }
    panic!("void: without syncs nothing was lost in {CONTROLS} rounds");
}

fn all(rounds: usize, load: usize) -> Option<()> {
    control()?;
    let (mut done, mut acknowledged) = (0, 0);
    while done < rounds {
        let part = EACH.min(rounds - done);
        acknowledged += lost(part, done as u64, load)?;
        done += part;
        println!("power loss, none lost: {done} rounds, {acknowledged} acknowledged");
    }
    Some(())
}

#[test]
fn nothing_acknowledged_is_lost() {
    all(5, 40);
}

#[test]
#[ignore = "takes five minutes, and root"]
fn nothing_acknowledged_is_lost_in_full() {
    all(rounds(200), 250);
}
