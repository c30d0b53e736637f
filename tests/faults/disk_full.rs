//! No room on the disk: tokens are checked, nothing is acknowledged that is not written, and access can be ended all
//! the same, out of a file that is kept for that.

use std::fs::File;
use std::io::Write;

use rustix::process::Signal;
use serde_json::{Value as Json, json};

use super::disks::Disk;
use crate::ledger::{Card, Census, Door, Event, Key, Load, Outcome, Person, Value, World};
use crate::support::http::{Answer, Client};
use crate::support::process::Process;
use crate::support::shell::run;
use crate::support::{PASSWORD, once};

/// Room that the server keeps, beside the database.
const BALLAST: &str = "authsrv.db.ballast";
/// How much it keeps.
const KEPT: u64 = 8 << 20;

/// An installation on a disk that can be filled.
struct Site {
    // Dropped before the disk that it is on.
    server: Process,
    world: World,
    people: Vec<Person>,
    disk: Disk,
}

impl Site {
    fn new() -> Option<Self> {
        let disk = Disk::new(48)?;
        let world = World::new(&disk.place().join("site"), &disk.outside("ledger"));
        let names: Vec<String> = (0..6).map(|number| format!("p{number}@example.com")).collect();
        let people = world.people(&names);
        Some(Self { server: world.serve(), world, people, disk })
    }

    fn anybody(&self) -> Client {
        self.server.anonymous()
    }

    /// Takes every block there is.
    fn fills(&self) {
        let mut file = File::create(self.disk.place().join("filling")).unwrap();
        for size in [1 << 20, 4096, 1] {
            while file.write_all(&vec![1; size]).is_ok() {}
        }
        // What the file system has promised it may not have.
        drop(file.sync_all());
    }

    fn frees(&self) {
        std::fs::remove_file(self.disk.place().join("filling")).unwrap();
    }

    /// A request, written down with what it writes if it is done.
    fn asks(&self, name: &'static str, (client, path, body): (&Client, &str, Json), writes: &[(Key, Value)]) -> Answer {
        let invoked = self.world.ledger.now();
        let method = if body.get("is_active").is_some() { "PATCH" } else { "POST" };
        let answer = client.json(method, path, &body);
        let outcome = if answer.status < 300 { Outcome::Done } else { Outcome::Refused };
        self.wrote(name, invoked, (outcome, &answer), writes.to_vec());
        answer
    }

    /// Writes a request down that is answered now.
    fn wrote(&self, name: &'static str, invoked: u64, came: (Outcome, &Answer), writes: Vec<(Key, Value)>) {
        let (outcome, answer) = came;
        let times = (invoked, self.world.ledger.now());
        let event = Event::new((Door::Http, name), times, (outcome, answer.status.into()));
        self.world.ledger.record(Event { writes, ..event });
    }

    /// Refreshes until there is no room.
    fn exhausts(&mut self) {
        for _ in 0..2_000 {
            let card = self.people[0].cards[0].clone();
            let answer = self.refreshes(&card);
            if answer.status == 503 {
                assert!(answer.header("retry-after").is_some(), "R-61: {answer:?}");
                return;
            }
            assert_eq!(answer.status, 200, "{answer:?}");
            self.people[0].cards[0] = Card::of(&answer.text("access"), &answer.text("refresh"));
        }
        panic!("the disk is not full");
    }

    fn refreshes(&self, card: &Card) -> Answer {
        let invoked = self.world.ledger.now();
        let answer = self.anybody().post("/token/refresh/", json!({"refresh": card.refresh}));
        let (outcome, writes) = if answer.status == 200 {
            let next = Card::of(&answer.text("access"), &answer.text("refresh"));
            (Outcome::Done, next.begins().split_off(1))
        } else {
            (Outcome::Refused, vec![(Key::Leaf(card.session.clone()), Value::Unnamed)])
        };
        self.wrote("refresh", invoked, (outcome, &answer), writes);
        answer
    }

    /// Everybody's tokens are checked at every door, and found as they are.
    fn checks(&self) {
        let load = Load::new(&self.world, self.server.address, &[]);
        let client = self.anybody();
        for card in self.people.iter().flat_map(|person| &person.cards) {
            for door in 0..3 {
                assert!(load.look(&client, card, door).expect("an answer").is_live(), "R-61: a token is checked");
            }
        }
    }

    /// Nothing that needs room is done, and it is said so.
    fn refuses(&self) {
        for number in 0..5 {
            let body = json!({"email": self.people[1].email, "password": PASSWORD});
            let login = self.anybody().post("/login/", body);
            assert_eq!(login.status, 503, "R-13, R-61: {login:?}");
            assert!(login.header("retry-after").is_some(), "{login:?}");
            let wrong = self.anybody().post("/login/", json!({"email": self.people[1].email, "password": "wrong"}));
            assert_eq!(wrong.status, 503, "R-13: a guess that cannot be counted is none: {wrong:?}");
            let email = format!("new{number}@example.com");
            let body = json!({"email": email, "password": PASSWORD, "password2": PASSWORD});
            assert_eq!(self.anybody().post("/register/", body).status, 503);
        }
        let ran = run(&self.world.folder, &["roles", "grant", &self.people[1].email, "viewer"], "");
        assert_eq!(ran.code, 1, "{ran:?}");
        assert!(!ran.err.is_empty() && !ran.err.contains("panicked"), "{ran:?}");
    }

    /// Service as before, without a restart.
    fn recovers(&mut self) {
        let begun = std::time::Instant::now();
        let card = self.people[0].cards[0].clone();
        let answer = once(|| Some(self.refreshes(&card)).filter(|answer| answer.status != 503));
        let answer = answer.expect("R-61: it goes on once there is room");
        assert_eq!(answer.status, 200, "{answer:?}");
        self.people[0].cards[0] = Card::of(&answer.text("access"), &answer.text("refresh"));
        println!("disk full: full service {:?} after there was room", begun.elapsed());
    }

    /// What was said is so, also after a crash.
    fn holds(&mut self) {
        self.server.signal(Signal::KILL);
        self.server.wait();
        self.world.ledger.died();
        self.server = self.world.serve();
        self.world.ledger.counted(Census::with_trail(&self.world.folder, &self.world.ledger));
        self.world.holds("R-33, R-61: a full disk");
    }
}

#[test]
fn a_full_disk_takes_nothing_and_loses_nothing() {
    let Some(mut site) = Site::new() else { return };
    site.fills();
    site.exhausts();
    site.checks();
    site.refuses();
    site.checks();
    site.frees();
    site.recovers();
    site.holds();
}

/// a logout, a revocation and a deactivation are done out of the ballast, and are on the disk.
#[test]
fn access_is_ended_on_a_full_disk() {
    let Some(mut site) = Site::new() else { return };
    let ballast = site.world.folder.join(BALLAST);
    let kept = || std::fs::metadata(&ballast).map_or(0, |file| file.len());
    assert!(kept() >= KEPT, "R-61: there is a ballast: {}", kept());
    site.fills();
    site.exhausts();
    let root = site.server.bearer(&site.world.root.access);
    let ends = |card: &Card| (Key::Session(card.session.clone()), Value::Gone);
    let all = |person: &Person| person.cards.iter().map(ends).collect::<Vec<_>>();
    for (number, card) in site.people[1].cards.iter().enumerate() {
        let asked = (&site.anybody(), ["/logout/", "/token/revoke/"][number % 2], json!({"refresh": card.refresh}));
        let answer = site.asks("logout", asked, &[ends(card)]);
        assert!(answer.status < 300, "R-61: {answer:?}");
    }
    let own = site.server.bearer(&site.people[2].cards[0].access);
    let answer = site.asks("revoke all", (&own, "/token/revoke_all/", json!({})), &all(&site.people[2]));
    assert!(answer.status < 300, "R-61: {answer:?}");
    let off = &site.people[3];
    let writes = [vec![(Key::Account(off.email.clone()), Value::Off)], all(off)].concat();
    let asked = (&root, &*format!("/users/{}/", off.id), json!({"is_active": false}));
    let answer = site.asks("set active", asked, &writes);
    assert!(answer.status < 300, "R-61: {answer:?}");
    let ran = run(&site.world.folder, &["sessions", "revoke", &site.people[4].cards[0].session], "");
    assert_eq!(ran.code, 0, "R-61: at the shell, too: {ran:?}");
    let load = Load::new(&site.world, site.server.address, &[]);
    for card in site.people[1..4].iter().flat_map(|person| &person.cards).chain(&site.people[4].cards[..1]) {
        assert!(!load.look(&site.anybody(), card, 0).expect("an answer").is_live());
    }
    site.frees();
    site.people[0].cards.truncate(1);
    site.recovers();
    once(|| (kept() >= KEPT).then_some(())).expect("R-61: the ballast is there again");
    site.world.ledger.record(by_command(&site, &site.people[4].cards[0]));
    site.holds();
}

/// What the command above has done, for the ledger.
fn by_command(site: &Site, card: &Card) -> Event {
    let event = Event::new((Door::Cli, "revoke"), (0, site.world.ledger.now()), (Outcome::Done, 0));
    Event { writes: vec![(Key::Session(card.session.clone()), Value::Gone)], ..event }
}
