//! Checks that begin right after an end was acknowledged, while others check all the time: none may pass.

use std::net::SocketAddr;
use std::time::Duration;

use rustix::process::Signal;
use tempfile::TempDir;

use super::{proxy, rounds};
use crate::ledger::{Ender, Load, Person, World, broken};
use crate::support::http::Client;

/// Threads that end sessions, each of people of his own.
const ENDERS: usize = 4;
/// People of each.
const PEOPLE: usize = 8;
/// Ends on one installation, whose history is judged as a whole.
const EACH: usize = 2_000;

/// What clients talk to: the server itself, or a proxy that keeps answers for a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Directly,
    ThroughACache,
}

fn people(world: &World) -> Vec<Vec<Person>> {
    let names = |ender| (0..PEOPLE).map(move |one| format!("p{ender}-{one}@example.com")).collect::<Vec<_>>();
    (0..ENDERS).map(|ender| world.people(&names(ender))).collect()
}

/// Ends all sessions of these people in all ways, looking at each at every door right after; says in how many operations.
/// The server has just been started.
fn ends_all(world: &World, people: &mut [Vec<Person>], (seed, way): (u64, Way)) -> usize {
    let mut server = world.serve();
    let address = match way {
        Way::Directly => server.address,
        Way::ThroughACache => proxy::caching(server.address, Duration::from_secs(1)),
    };
    let load = &Load::new(world, address, people.iter().flatten());
    let ended = std::thread::scope(|scope| {
        for number in 0..2 {
            scope.spawn(move || load.looks(seed * 10 + number));
        }
        let ender = |(people, number)| scope.spawn(move || ends_theirs(load, address, (people, number)));
        let enders: Vec<_> = people.iter_mut().zip(seed * 10 + 2..).map(ender).collect();
        let _stopping = load.stops_at_last();
        enders.into_iter().map(|ender| ender.join().unwrap()).sum()
    });
    server.stop(Signal::TERM);
    ended
}

fn ends_theirs(load: &Load, address: SocketAddr, (people, seed): (&mut Vec<Person>, u64)) -> usize {
    let (mut ender, client, mut done) = (Ender::new(load, seed), Client::of(address), 0);
    while let Some(person) = people.iter_mut().find(|person| !person.cards.is_empty()) {
        let card = person.cards.last().unwrap().clone();
        for door in 0..3 {
            assert!(load.look(&client, &card, door).expect("an answer").is_live(), "it is good until it ends");
        }
        let ended = ender.ends(person);
        // Some of them at the doors, each at one at least.
        for (number, card) in ended.iter().rev().enumerate() {
            for door in 0..3 {
                if number == 0 || number % 3 == door {
                    load.look(&client, card, door).expect("an answer");
                }
            }
        }
        ender.lets_in(person);
        done += 1;
    }
    done
}

/// Passes if of so many ends none was overlooked once.
fn none_is_overlooked(ends: usize) {
    let mut done = 0;
    while done < ends {
        let folder = TempDir::new().unwrap();
        let world = World::new(&folder.path().join("site"), &folder.path().join("ledger"));
        let (mut people, mut here) = (people(&world), 0);
        while here < EACH.min(ends - done) {
            world.top_up(people.iter_mut().flatten());
            here += ends_all(&world, &mut people, ((done + here) as u64, Way::Directly));
        }
        world.counted();
        world.holds("R-26, R-28: an end that was acknowledged was overlooked");
        done += here;
        let tally = world.ledger.tally();
        println!("ends: {done}, none overlooked; here {here}, {} by commands, in {} looks", tally.by_cli, tally.looks);
    }
}

/// The control: what is kept for a second is found out.
fn a_cache_is_found_out() {
    let folder = TempDir::new().unwrap();
    let world = World::new(&folder.path().join("site"), &folder.path().join("ledger"));
    let mut people = people(&world);
    people.iter_mut().for_each(|people| people.truncate(2));
    ends_all(&world, &mut people, (1, Way::ThroughACache));
    let found = broken(&world.ledger.history());
    let stale = found.iter().filter(|broken| [2, 3].contains(&broken.rule)).count();
    println!("ends, control with a cache of one second: {stale} overlooked");
    assert!(stale > 0, "void: a cache was not found out");
}

#[test]
fn no_end_is_overlooked() {
    a_cache_is_found_out();
    none_is_overlooked(2_000);
}

#[test]
#[ignore = "takes ten minutes"]
fn no_end_is_overlooked_in_full() {
    a_cache_is_found_out();
    none_is_overlooked(rounds(100_000));
}
