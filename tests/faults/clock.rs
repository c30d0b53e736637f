//! A clock that is set forward and back under the running server: what has ended stays so, and what is good is so
//! again when the clock is right again. Nothing of the database is thrown away for it.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;

use super::{native, rounds};
use crate::ledger::{Card, Census, Load, Person, World};
use crate::support::process::{Process, authsrv};

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;
/// How far the clock is off, one after the other.
const STEPS: [i64; 7] = [HOUR, -HOUR, DAY, -DAY, 3650 * DAY, -30 * DAY, 5];

/// An installation whose clock can be set.
struct Site {
    folder: TempDir,
    world: World,
    server: Process,
    offset: File,
}

impl Site {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let world = World::new(&folder.path().join("site"), &folder.path().join("ledger"));
        let path = folder.path().join("offset");
        let offset = File::options().create_new(true).write(true).open(&path).unwrap();
        offset.write_all_at(&0_i64.to_ne_bytes(), 0).unwrap();
        let mut command = world.server();
        native::between(&mut command, "clock");
        command.env("CLOCK_OFFSET", path);
        Self { server: Process::of(command), folder, world, offset }
    }

    fn set(&self, seconds: i64) {
        self.offset.write_all_at(&seconds.to_ne_bytes(), 0).unwrap();
    }

    /// Runs a command whose clock is as wrong as that of the server.
    fn runs(&self, words: &[&str]) {
        let mut command = authsrv(&self.world.folder);
        native::between(&mut command, "clock");
        let ran = command.args(words).env("CLOCK_OFFSET", self.folder.path().join("offset")).output().unwrap();
        assert!(ran.status.success(), "{ran:?}");
    }

    /// Ends every other session; gives those, and the others.
    fn ends(&self, people: &[Person]) -> (Vec<Card>, Vec<Card>) {
        let (mut ended, mut good) = (Vec::new(), Vec::new());
        for card in people.iter().flat_map(|person| &person.cards) {
            if ended.len() <= good.len() {
                let answer = self.server.anonymous().post("/logout/", json!({"refresh": card.refresh}));
                assert_eq!(answer.status, 200, "{answer:?}");
                ended.push(card.clone());
            } else {
                good.push(card.clone());
            }
        }
        (ended, good)
    }
}

/// Nobody gets in by what has ended, at no time; nobody is told that it is good either.
fn none_is_back(site: &Site, ended: &[Card], about: &str) {
    let (load, client) = (Load::new(&site.world, site.server.address, &[]), site.server.anonymous());
    for (number, card) in ended.iter().enumerate() {
        assert!(!load.look(&client, card, number % 3).expect("an answer").is_live(), "R-59, R-70: {about}");
        let again = client.post("/token/refresh/", json!({"refresh": card.refresh}));
        assert_eq!(again.status, 401, "R-59, R-70: {about}: {again:?}");
    }
}

fn steps(rounds: usize) {
    let site = Site::new();
    let names: Vec<String> = (0..4).map(|number| format!("p{number}@example.com")).collect();
    let people = site.world.people(&names);
    let (ended, good) = site.ends(&people);
    for _ in 0..rounds {
        for step in STEPS {
            site.set(step);
            none_is_back(&site, &ended, &format!("the clock is off by {step} s"));
            if step < 0 {
                site.runs(&["tokens", "purge"]);
            }
            site.set(0);
            let about = format!("after the clock was off by {step} s");
            none_is_back(&site, &ended, &about);
            for card in &good {
                assert_eq!(site.server.bearer(&card.access).get("/me/").status, 200, "R-70: {about}");
            }
        }
    }
    for swing in 0..20 * rounds {
        site.set([HOUR, 0, -HOUR, 0][swing % 4]);
        none_is_back(&site, &ended[..1], "the clock swings");
        std::thread::sleep(Duration::from_millis(100));
    }
    site.set(0);
    // Not one of them was thrown away.
    for card in &good {
        let answer = site.server.anonymous().post("/token/refresh/", json!({"refresh": card.refresh}));
        assert_eq!(answer.status, 200, "R-70: {answer:?}");
    }
    let census = Census::with_trail(&site.world.folder, &site.world.ledger);
    assert!(census.faults.is_empty(), "the trail is whole: {:?}", census.faults);
    println!("clock: {} steps, {} ended sessions stayed so", rounds * STEPS.len(), ended.len());
}

#[test]
fn what_has_ended_stays_so_whatever_the_clock_says() {
    steps(1);
}

#[test]
#[ignore = "takes a minute or two"]
fn what_has_ended_stays_so_whatever_the_clock_says_in_full() {
    steps(rounds(20));
}
