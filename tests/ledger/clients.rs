//! The load: clients and commands that change things, and others that look whether credentials are good.

use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value as Json, json};

use super::crew::Crew;
use super::tellers::Tellers;
use super::{Card, Dice, Door, Event, Key, Outcome, Person, Value, World};
use crate::support::http::Client;

/// Sessions that are looked at: those of which somebody heard last.
const KNOWN: usize = 200;

/// What the threads of a load share.
pub struct Load<'w> {
    pub(super) world: &'w World,
    pub(super) address: SocketAddr,
    stop: AtomicBool,
    known: Mutex<Vec<Card>>,
}

/// No answer came: whoever asked stops.
pub(super) struct Lost;

/// What came of something that one waits for.
pub(super) type Heard<T = ()> = Result<T, Lost>;

struct Stopping<'l>(&'l Load<'l>);

impl Drop for Stopping<'_> {
    fn drop(&mut self) {
        self.0.stop();
    }
}

impl<'w> Load<'w> {
    /// On the server at this address, about sessions of these people.
    pub fn new<'p>(world: &'w World, address: SocketAddr, people: impl IntoIterator<Item = &'p Person>) -> Self {
        let known = people.into_iter().flat_map(|person| person.cards.clone()).collect();
        Self { world, address, stop: AtomicBool::new(false), known: Mutex::new(known) }
    }

    /// Lets all threads come to an end.
    fn stop(&self) {
        self.stop.store(true, Ordering::SeqCst);
    }

    /// Does so also when what watches them fails, or nobody would ever come to an end.
    pub fn stops_at_last(&self) -> impl Drop {
        Stopping(self)
    }

    /// Whether they are to.
    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }

    /// Changes what these people have, until told to stop or not answered.
    pub fn writes(&self, seed: u64, people: &mut Vec<Person>) {
        let mut crew = Crew::new(self, seed);
        while !self.is_stopped() && crew.step(people).is_ok() {}
    }

    /// The same by commands; `kills` each in its middle.
    pub fn commands(&self, seed: u64, kills: bool, people: &mut [Person]) {
        let mut tellers = Tellers::new(self, (seed, kills));
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

    /// An event that was invoked then and is answered now.
    pub(super) fn event(&self, way: (Door, &'static str), invoked: u64, came: (Outcome, i32)) -> Event {
        Event::new(way, (invoked, self.world.ledger.now()), came)
    }

    /// Has somebody look at this session as well.
    pub(super) fn knows(&self, card: &Card) {
        let mut known = self.known.lock().unwrap();
        if known.len() >= KNOWN {
            known.remove(0);
        }
        known.push(card.clone());
    }
}

/// An account as a register.
pub(super) fn account(person: &Person) -> Key {
    Key::Account(person.email.clone())
}

/// Whether somebody is a viewer, as a register.
pub(super) fn role(person: &Person) -> Key {
    Key::Role(person.email.clone(), "viewer".to_owned())
}

/// The end of a session.
pub(super) fn ended(card: &Card) -> (Key, Value) {
    (Key::Session(card.session.clone()), Value::Gone)
}

/// The end of all sessions of somebody.
pub(super) fn all_ended(person: &Person) -> Vec<(Key, Value)> {
    let astray = person.astray.iter().map(|session| (Key::Session(session.clone()), Value::Gone));
    person.cards.iter().map(ended).chain(astray).collect()
}
