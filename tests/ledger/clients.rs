//! The load: clients and commands that change things, and others that look whether credentials are good.

use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value as Json, json};

use super::{Card, Door, Event, Key, Outcome, Person, Value, World};
use crate::support::http::{Answer, Client};
use crate::support::process::authsrv;
use crate::support::{PASSWORD, once};

/// Sessions that are looked at: those of which somebody heard last.
const KNOWN: usize = 200;

/// Numbers that are the same in every run (splitmix64).
pub struct Dice(u64);

impl Dice {
    /// A row of its own for each number.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5eed)
    }

    /// One of the numbers below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) >> 33).unwrap() % end
    }
}

/// What the threads of a load share.
pub struct Load<'w> {
    world: &'w World,
    address: SocketAddr,
    stop: AtomicBool,
    known: Mutex<Vec<Card>>,
}

/// One who changes things over HTTP, for people whom nobody else changes.
struct Crew<'l> {
    load: &'l Load<'l>,
    client: Client,
    dice: Dice,
}

/// One who changes things at the shell.
struct Tellers<'l> {
    load: &'l Load<'l>,
    dice: Dice,
    /// Kills each command in its middle.
    kills: bool,
}

/// One who ends sessions in every way there is.
pub struct Ender<'l> {
    crew: Crew<'l>,
    tellers: Tellers<'l>,
}

/// No answer came: whoever asked stops.
struct Lost;

type Heard<T = ()> = Result<T, Lost>;

impl<'w> Load<'w> {
    /// On the server at this address, about sessions of these people.
    pub fn new<'p>(world: &'w World, address: SocketAddr, people: impl IntoIterator<Item = &'p Person>) -> Self {
        let known = people.into_iter().flat_map(|person| person.cards.clone()).collect();
        Self { world, address, stop: AtomicBool::new(false), known: Mutex::new(known) }
    }

    /// Lets all threads come to an end.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::SeqCst);
    }

    /// Whether they are to.
    pub fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }

    /// Changes what these people have, until told to stop or not answered.
    pub fn writes(&self, seed: u64, people: &mut Vec<Person>) {
        let mut crew = Crew { load: self, client: Client::of(self.address), dice: Dice::new(seed) };
        while !self.is_stopped() && crew.step(people).is_ok() {}
    }

    /// The same by commands; `kills` each in its middle.
    pub fn commands(&self, seed: u64, kills: bool, people: &mut [Person]) {
        let mut tellers = Tellers { load: self, dice: Dice::new(seed), kills };
        while !self.is_stopped() && tellers.step(people).is_ok() {}
    }

    /// Looks at sessions.
    pub fn looks(&self, seed: u64) {
        let (client, mut dice) = (Client::of(self.address), Dice::new(seed));
        while !self.is_stopped() {
            let card = {
                let known = self.known.lock().unwrap();
                known.get(dice.below(known.len().max(1))).cloned()
            };
            let Some(card) = card else { return };
            if self.look(&client, &card, dice.below(3)).is_none() {
                return;
            }
        }
    }

    /// Looks at a session at one of three doors: `me`, introspection, forward-auth. `None` where no answer came.
    pub fn look(&self, client: &Client, card: &Card, door: usize) -> Option<Value> {
        let invoked = self.world.ledger.now();
        let (name, answer) = match door {
            0 => ("me", client.clone().bearer(&card.access).ask("GET", "/me/", None)),
            1 => {
                let asking = client.clone().bearer(&self.world.root.access);
                ("introspect", asking.ask("POST", "/api/auth/introspect/", Some(&json!({"token": card.access}))))
            }
            _ => {
                let proxy = client.clone().bearer(&card.access).with("X-Forwarded-Method", "GET");
                let proxy = proxy.with("X-Forwarded-Uri", "/documents/");
                ("forward", proxy.ask("GET", "/api/auth/forward/?policy=is_authenticated", None))
            }
        };
        let answer = answer?;
        let seen = match (answer.status, &answer.json()["active"]) {
            (200, Json::Bool(false)) | (401, _) => Some(Value::Gone),
            (200, _) => Some(Value::Live),
            _ => None,
        };
        let reads = seen.iter().map(|value| (Key::Session(card.session.clone()), value.clone())).collect();
        let outcome = if seen.is_some() { Outcome::Done } else { Outcome::Refused };
        let event = self.event((Door::Http, name), invoked, (outcome, answer.status.into()));
        self.world.ledger.record(Event { reads, ..event });
        Some(seen.unwrap_or(Value::Unnamed))
    }

    fn event(&self, (door, name): (Door, &'static str), invoked: u64, (outcome, said): (Outcome, i32)) -> Event {
        let (writes, reads, answered) = (vec![], vec![], self.world.ledger.now());
        Event { door, name, invoked, answered, outcome, is_settled: false, writes, reads, said }
    }

    fn knows(&self, card: &Card) {
        let mut known = self.known.lock().unwrap();
        if known.len() >= KNOWN {
            known.remove(0);
        }
        known.push(card.clone());
    }
}

impl Crew<'_> {
    /// Does one thing for one of these people.
    fn step(&mut self, people: &mut Vec<Person>) -> Heard {
        if people.is_empty() {
            return self.registers(people);
        }
        let (at, many) = (self.dice.below(people.len()), people.len() > 1);
        let person = &mut people[at];
        if !person.is_active {
            return self.sets_active(person, true);
        }
        let card = (!person.cards.is_empty()).then(|| self.dice.below(person.cards.len()));
        match (self.dice.below(200), card) {
            (0..70, Some(card)) => self.refreshes(person, card),
            (70..100, Some(card)) => self.logs_out(person, card),
            (100..106, Some(card)) => self.revokes_all(person, card),
            (106..118, _) => self.sets_active(person, false),
            (118..120, _) if many => {
                self.deletes(&people[at])?;
                people.remove(at);
                Ok(())
            }
            (120..123, _) => self.logs_in(person),
            (123..125, Some(card)) => self.changes_password(person, card),
            (125, _) => self.registers(people),
            (126..150, Some(card)) => self.load.look(&self.client, &person.cards[card], 0).map(drop).ok_or(Lost),
            _ => self.gives_or_takes_a_role(person),
        }
    }

    /// Sends a request that writes these registers if it succeeds, which `more` it tells of included.
    fn sends(
        &self,
        name: &'static str,
        writes: Vec<(Key, Value)>,
        ask: impl FnOnce() -> Option<Answer>,
        more: impl FnOnce(&Answer) -> Vec<(Key, Value)>,
    ) -> Heard<Option<Answer>> {
        let invoked = self.load.world.ledger.now();
        let answer = ask();
        let outcome = match answer.as_ref().map(|answer| answer.status) {
            Some(200..300) => Outcome::Done,
            Some(_) => Outcome::Refused,
            None => Outcome::Unknown,
        };
        let said = answer.as_ref().map_or(0, |answer| answer.status.into());
        let event = self.load.event((Door::Http, name), invoked, (outcome, said));
        let mut writes = writes;
        if let Some(answer) = answer.as_ref().filter(|_| outcome == Outcome::Done) {
            writes.retain(|(key, value)| *value != Value::Unnamed && !matches!(key, Key::SomeSession(_)));
            writes.extend(more(answer));
        }
        self.load.world.ledger.record(Event { writes, ..event });
        let done = outcome == Outcome::Done;
        if answer.is_some() { Ok(answer.filter(|_| done)) } else { Err(Lost) }
    }

    fn bearer(&self, card: &Card) -> Client {
        self.client.clone().bearer(&card.access)
    }

    fn root(&self) -> Client {
        self.bearer(&self.load.world.root)
    }

    fn refreshes(&self, person: &mut Person, at: usize) -> Heard {
        if let Some(card) = self.refreshed(&person.cards[at])? {
            self.load.knows(&card);
            person.cards[at] = card;
        }
        Ok(())
    }

    /// The pair that a refresh gives, unless it is refused.
    fn refreshed(&self, card: &Card) -> Heard<Option<Card>> {
        let writes = vec![(Key::Leaf(card.session.clone()), Value::Unnamed)];
        let ask = || self.client.ask("POST", "/token/refresh/", Some(&json!({"refresh": card.refresh})));
        let answer = self.sends("refresh", writes, ask, |answer| vec![pair(answer).begins().remove(1)])?;
        Ok(answer.as_ref().map(pair))
    }

    fn logs_out(&self, person: &mut Person, at: usize) -> Heard {
        let card = person.cards[at].clone();
        let ask = || self.client.ask("POST", "/logout/", Some(&json!({"refresh": card.refresh})));
        if self.sends("logout", vec![ended(&card)], ask, |_| vec![])?.is_some() {
            person.cards.remove(at);
        }
        Ok(())
    }

    fn revokes_all(&self, person: &mut Person, at: usize) -> Heard {
        let by = self.bearer(&person.cards[at]);
        let ask = || by.ask("POST", "/token/revoke_all/", Some(&json!({})));
        if self.sends("revoke all", all_ended(person), ask, |_| vec![])?.is_some() {
            person.cards.clear();
        }
        Ok(())
    }

    fn sets_active(&self, person: &mut Person, active: bool) -> Heard {
        let mut writes = vec![(account(person), if active { Value::Live } else { Value::Off })];
        if !active {
            writes.extend(all_ended(person));
        }
        let path = format!("/users/{}/", person.id);
        let ask = || self.root().ask("PATCH", &path, Some(&json!({"is_active": active})));
        if self.sends("set active", writes, ask, |_| vec![])?.is_some() {
            person.is_active = active;
            if !active {
                person.cards.clear();
            }
        }
        Ok(())
    }

    fn deletes(&self, person: &Person) -> Heard {
        let gone = [account(person), role(person)].map(|key| (key, Value::Gone));
        let writes = gone.into_iter().chain(all_ended(person)).collect();
        let ask = || self.root().ask("DELETE", &format!("/users/{}/", person.id), None);
        self.sends("delete", writes, ask, |_| vec![]).map(drop)
    }

    fn gives_or_takes_a_role(&self, person: &mut Person) -> Heard {
        let (path, id) = (format!("/users/{}/roles/", person.id), self.load.world.viewer);
        let is_viewer = !person.is_viewer;
        let writes = vec![(role(person), if is_viewer { Value::Live } else { Value::Gone })];
        let ask = || match is_viewer {
            true => self.root().ask("POST", &path, Some(&json!({"role": "viewer"}))),
            false => self.root().ask("DELETE", &format!("{path}{id}/"), None),
        };
        if self.sends("role", writes, ask, |_| vec![])?.is_some() {
            person.is_viewer = is_viewer;
        }
        Ok(())
    }

    fn logs_in(&self, person: &mut Person) -> Heard {
        let writes = vec![(Key::SomeSession(person.email.clone()), Value::Live)];
        let body = json!({"email": person.email, "password": person.password});
        let ask = || self.client.ask("POST", "/login/", Some(&body));
        if let Some(answer) = self.sends("login", writes, ask, |answer| pair(answer).begins())? {
            person.cards.push(pair(&answer));
            self.load.knows(&pair(&answer));
        }
        Ok(())
    }

    /// Ends all other sessions.
    fn changes_password(&self, person: &mut Person, at: usize) -> Heard {
        let (old, card) = (person.password.clone(), person.cards[at].clone());
        let new = if old == PASSWORD { format!("{PASSWORD}!") } else { PASSWORD.to_owned() };
        let this = ended(&card);
        let mut writes: Vec<_> = all_ended(person).into_iter().filter(|end| *end != this).collect();
        writes.push((Key::Password(person.email.clone()), Value::Is(new.clone())));
        let body = json!({"current_password": old, "new_password": new});
        let ask = || self.bearer(&card).ask("POST", "/me/password/", Some(&body));
        person.or = Some(new.clone());
        let answer = self.sends("password", writes, ask, |_| vec![])?;
        person.or = None;
        if answer.is_some() {
            (person.password, person.cards) = (new, vec![card]);
        }
        Ok(())
    }

    fn registers(&mut self, people: &mut Vec<Person>) -> Heard {
        let email = format!("r{}-{}@example.com", self.load.world.ledger.now(), self.dice.below(1_000_000));
        let body = json!({"email": email, "password": PASSWORD, "password2": PASSWORD});
        let is = |value: Value| (Key::Account(email.clone()), value);
        let password = (Key::Password(email.clone()), Value::Is(PASSWORD.to_owned()));
        let writes = vec![is(Value::Live), password, (Key::SomeSession(email.clone()), Value::Live)];
        let ask = || self.client.ask("POST", "/register/", Some(&body));
        if let Some(answer) = self.sends("register", writes, ask, |answer| pair(answer).begins())? {
            let (id, cards) = (answer.json()["user"]["id"].as_i64().unwrap(), vec![pair(&answer)]);
            let password = PASSWORD.to_owned();
            people.push(Person {
                email,
                id,
                is_active: true,
                is_viewer: false,
                password,
                or: None,
                cards,
                astray: vec![],
            });
        }
        Ok(())
    }
}

impl<'l> Ender<'l> {
    /// One with a row of numbers of his own.
    pub fn new(load: &'l Load<'l>, seed: u64) -> Self {
        let crew = Crew { load, client: Client::of(load.address), dice: Dice::new(seed) };
        Self { crew, tellers: Tellers { load, dice: Dice::new(seed), kills: false } }
    }

    /// Ends one session of somebody, or all, while he goes on with the last; gives those that have ended.
    pub fn ends(&mut self, person: &mut Person) -> Vec<Card> {
        let (before, last) = (person.cards.clone(), person.cards.len() - 1);
        let (way, overlaps) = (self.crew.dice.below(100), self.crew.dice.below(4) == 0);
        let (crew, tellers, card) = (&self.crew, &mut self.tellers, before[last].clone());
        let refreshed = std::thread::scope(|scope| {
            let refreshes = overlaps.then(|| scope.spawn(|| crew.refreshed(&card)));
            let ended = match way {
                0..60 => crew.logs_out(person, last),
                60..75 => crew.revokes_all(person, last),
                75..88 => crew.sets_active(person, false),
                88..96 => tellers.revokes(person),
                96..98 => tellers.logs_out(person),
                _ => tellers.deactivates(person),
            };
            ended.ok().expect("an answer");
            refreshes.and_then(|refreshes| refreshes.join().unwrap().ok().expect("an answer"))
        });
        let left = |card: &Card| person.cards.iter().all(|left| left.session != card.session);
        let ended: Vec<Card> = before.into_iter().filter(left).collect();
        // whichever came first, what the refresh gave is good for nothing now.
        ended.into_iter().chain(refreshed).collect()
    }

    /// Lets somebody sign in again.
    pub fn lets_in(&mut self, person: &mut Person) {
        if !person.is_active {
            self.crew.sets_active(person, true).ok().expect("an answer");
        }
    }
}

impl Tellers<'_> {
    fn step(&mut self, people: &mut [Person]) -> Heard {
        let at = self.dice.below(people.len());
        let person = &mut people[at];
        let (name, card) = (person.email.clone(), person.cards.last());
        match (self.dice.below(20), card) {
            _ if !person.is_active => {
                self.runs("activate", vec![(account(person), Value::Live)], &["users", "activate", &name])?;
                person.is_active = true;
                Ok(())
            }
            (0..7, Some(_)) => self.revokes(person),
            (7, _) => self.logs_out(person),
            (8, _) => self.deactivates(person),
            _ => self.gives_or_takes_a_role(person),
        }
    }

    fn revokes(&mut self, person: &mut Person) -> Heard {
        let card = person.cards.last().expect("a session").clone();
        self.runs("revoke", vec![ended(&card)], &["sessions", "revoke", &card.session])?;
        person.cards.pop();
        Ok(())
    }

    fn logs_out(&mut self, person: &mut Person) -> Heard {
        self.runs("log out", all_ended(person), &["users", "logout", &person.email])?;
        person.cards.clear();
        Ok(())
    }

    fn deactivates(&mut self, person: &mut Person) -> Heard {
        let writes = [vec![(account(person), Value::Off)], all_ended(person)].concat();
        self.runs("deactivate", writes, &["users", "deactivate", &person.email])?;
        (person.is_active, person.cards) = (false, vec![]);
        Ok(())
    }

    fn gives_or_takes_a_role(&mut self, person: &mut Person) -> Heard {
        let (word, value) = if person.is_viewer { ("revoke", Value::Gone) } else { ("grant", Value::Live) };
        self.runs("role", vec![(role(person), value)], &["roles", word, &person.email, "viewer"])?;
        person.is_viewer = !person.is_viewer;
        Ok(())
    }

    /// Runs a command; the same as lost if it does not succeed, since nobody knows then what is there.
    fn runs(&mut self, name: &'static str, writes: Vec<(Key, Value)>, words: &[&str]) -> Heard {
        let invoked = self.load.world.ledger.now();
        let mut command = authsrv(&self.load.world.folder);
        command.args(words).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        if self.kills {
            // A command takes some ten milliseconds.
            std::thread::sleep(Duration::from_micros(self.dice.below(20_000) as u64));
            child.kill().unwrap();
        }
        let status = once(|| child.try_wait().unwrap()).expect("a command comes to its end");
        let outcome = match status.code() {
            Some(0) => Outcome::Done,
            Some(_) => Outcome::Refused,
            None => Outcome::Unknown,
        };
        let event = self.load.event((Door::Cli, name), invoked, (outcome, status.code().unwrap_or(-1)));
        self.load.world.ledger.record(Event { writes, is_settled: true, ..event });
        if outcome == Outcome::Done { Ok(()) } else { Err(Lost) }
    }
}

fn pair(answer: &Answer) -> Card {
    Card::of(&answer.text("access"), &answer.text("refresh"))
}

fn account(person: &Person) -> Key {
    Key::Account(person.email.clone())
}

fn role(person: &Person) -> Key {
    Key::Role(person.email.clone(), "viewer".to_owned())
}

fn ended(card: &Card) -> (Key, Value) {
    (Key::Session(card.session.clone()), Value::Gone)
}

fn all_ended(person: &Person) -> Vec<(Key, Value)> {
    let astray = person.astray.iter().map(|session| (Key::Session(session.clone()), Value::Gone));
    person.cards.iter().map(ended).chain(astray).collect()
}
