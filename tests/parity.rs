//! One operation through every door leaves the same rows and the same audit events: HTTP at `/`, HTTP at `/api/auth/`,
//! and the real command line on the same file.
//!
//! Each door gets an installation of its own, all arranged alike, so that even ids agree. Afterwards everything in the
//! file is compared; of what differs from run to run (times, hashes, random names, who and from where) it is compared
//! whether it is null, as it was, or new.

/// What people do for themselves, through the door of every dialect.
mod dialects;
/// The operations, and how each is asked for at every door.
mod operations;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use authsrv::domain::ids::Timestamp;
use authsrv::service::Clock;
use serde_json::Value;

use crate::support::dump::{Dump, Row};
use crate::support::http::Server;
use crate::support::shell::run;
use crate::support::{PASSWORD, TestApp};
use operations::{Asked, Ids, Operation, REFUSALS, Refusal, arrange, operations};

/// A way in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Door {
    Http(&'static str),
    Cli,
}

/// Where the doors stand: an installation that is arranged, and its server.
struct House {
    app: TestApp,
    server: Server,
    ids: Ids,
}

/// What came of asking: a status or an exit code, and what was said.
struct Outcome {
    code: i32,
    said: String,
}

impl House {
    /// Its clock stands a minute before the real one, by which the command line goes.
    fn new() -> Self {
        let app = TestApp::new();
        let since = Duration::from_micros(u64::try_from(real_now() - app.clock.now().timestamp_micros()).unwrap());
        app.clock.advance(since.saturating_sub(Duration::from_secs(60)));
        let ids = arrange(&app);
        app.clock.advance(Duration::from_secs(30));
        let server = Server::start(&app);
        Self { app, server, ids }
    }

    fn dump(&self) -> Dump {
        Dump::of(&self.app.folder.path().join("authsrv.db"))
    }

    fn ask(&self, door: Door, asked: &Asked) -> Outcome {
        match (door, asked) {
            (Door::Http(prefix), Asked::Http(method, path, body)) => {
                let client = self.server.bearer(&self.ids.access);
                let (method, path) = (*method, format!("{prefix}{path}"));
                let answer = match body {
                    Value::Null => client.send(method, &path, None),
                    body => client.json(method, &path, body),
                };
                Outcome { code: answer.status.into(), said: String::from_utf8_lossy(&answer.body).into_owned() }
            }
            (Door::Cli, Asked::Cli(words)) => {
                let ran = run(self.app.folder.path(), words, &format!("{PASSWORD}!\n"));
                Outcome { code: ran.code, said: ran.err }
            }
            _ => panic!("{asked:?} is not for {door:?}"),
        }
    }
}

fn real_now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros()).unwrap()
}

/// Every way to ask for an operation.
fn ways(ways: &[Asked]) -> Vec<(Door, &Asked)> {
    let mut all = Vec::new();
    for asked in ways {
        match asked {
            Asked::Http(..) => all.extend([(Door::Http("/"), asked), (Door::Http("/api/auth/"), asked)]),
            Asked::Cli(_) => all.push((Door::Cli, asked)),
        }
    }
    all
}

/// Who, from where, when: what an event says besides what happened.
fn attributed(event: &Row, door: Door, house: &House, begun: i64) {
    let text = |column: &str| event[column].as_deref();
    let at: i64 = text("at").unwrap().parse().unwrap();
    match door {
        Door::Http(_) => {
            let who = (text("actor_kind"), text("actor_id"), text("actor"));
            assert_eq!(who, (Some("user"), Some("1"), Some("root@example.com")), "{event:?}");
            assert_eq!((text("door"), text("ip_address")), (Some("rbac"), Some("127.0.0.1")), "{event:?}");
            assert!(text("user_agent").unwrap().starts_with("ureq/"), "{event:?}");
            assert_eq!(Timestamp::from_timestamp_micros(at).unwrap(), house.app.clock.now());
        }
        Door::Cli => {
            assert_eq!((text("actor_kind"), text("actor_id")), (Some("operator"), None), "{event:?}");
            assert!(text("actor").unwrap().contains('@'), "{event:?}");
            assert_eq!((text("door"), text("ip_address")), (Some("cli"), None), "{event:?}");
            assert!(text("user_agent").unwrap().starts_with("authsrv/"), "{event:?}");
            assert!((begun..=real_now()).contains(&at), "{event:?}");
        }
    }
    assert_eq!(text("result"), Some("ok"), "{event:?}");
    assert!(serde_json::from_str::<Value>(text("details").unwrap()).unwrap().is_object(), "{event:?}");
    assert!(!event.values().flatten().any(|value| value.contains(PASSWORD)), "{event:?}");
}

/// Asks for an operation through one door; gives what the file holds afterwards.
fn through(operation: &Operation, door: Door, way: usize) -> Vec<String> {
    let house = House::new();
    let asked = (operation.ways)(&house.ids);
    let asked = ways(&asked)[way].1;
    let what = format!("{} through {door:?}: {asked:?}", operation.name);
    let (before, begun) = (house.dump(), real_now());
    let outcome = house.ask(door, asked);
    let good = if door == Door::Cli { outcome.code == 0 } else { (200..300).contains(&outcome.code) };
    assert!(good, "{what}: {} {}", outcome.code, outcome.said);
    let after = house.dump();
    let events = after.events_since(&before);
    let names: Vec<&str> = events.iter().map(|event| event["action"].as_deref().unwrap()).collect();
    assert_eq!(names, operation.events, "{what}");
    events.iter().for_each(|event| attributed(event, door, &house, begun));
    if operation.once {
        house.ask(door, asked);
        after.is(&house.dump(), &format!("{what}: the second time did something"));
    }
    after.settled(&before)
}

/// What the ways to do one operation leave that the first of them does not.
fn differences(operation: &Operation) -> Vec<String> {
    let asked = (operation.ways)(&Ids::default());
    let doors: Vec<Door> = ways(&asked).into_iter().map(|(door, _)| door).collect();
    assert!(doors.contains(&Door::Cli) && doors.contains(&Door::Http("/")), "{}", operation.name);
    let first = through(operation, doors[0], 0);
    let mut found = Vec::new();
    for (way, door) in doors.iter().enumerate().skip(1) {
        let other = through(operation, *door, way);
        let only = |a: &[String], b: &[String]| -> Vec<String> {
            a.iter().filter(|line| !b.contains(line)).cloned().collect()
        };
        let (here, there) = (only(&first, &other), only(&other, &first));
        if !here.is_empty() || !there.is_empty() {
            let name = operation.name;
            found.push(format!("{name}: {:?} leaves {here:#?}, {door:?} ({way}) leaves {there:#?}", doors[0]));
        }
    }
    found
}

/// What is found in all of them, several looked at at once.
fn together<T: Sync>(all: &[T], look: impl Fn(&T) -> Vec<String> + Sync) -> Vec<String> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut found = Vec::new();
        while let Some(one) = all.get(next.fetch_add(1, Ordering::SeqCst)) {
            found.extend(look(one));
        }
        found
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(work)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    })
}

#[test]
fn every_operation_through_every_door() {
    let found = together(&operations(), differences);
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// What one door refuses, every door refuses, and nothing is written.
#[test]
fn every_refusal_at_every_door() {
    let house = House::new();
    let before = house.dump();
    for Refusal { name, status, code, ways: asked } in REFUSALS {
        for (door, asked) in ways(&asked(&house.ids)) {
            let outcome = house.ask(door, asked);
            let wanted = if door == Door::Cli { *code } else { i32::from(*status) };
            assert_eq!(outcome.code, wanted, "{name} through {door:?}: {}", outcome.said);
            before.is(&house.dump(), &format!("{name} through {door:?} wrote something"));
        }
    }
}
