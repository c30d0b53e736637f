//! The rules that a history must keep.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::{Census, Event, History, Key, Outcome, Value};

/// A rule that was broken, and by what.
#[derive(Clone, PartialEq, Eq)]
pub struct Broken {
    /// 1 durability, 2 no resurrection, 3 monotonic, 4 no phantom, 5 whole or not at all, 6 one leaf and a superuser,
    /// 7 a whole file.
    pub rule: u8,
    /// What was seen, and what should have been.
    pub why: String,
}

impl fmt::Debug for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rule {}: {}", self.rule, self.why)
    }
}

/// A write of one register.
struct Write<'h> {
    value: &'h Value,
    event: &'h Event,
    completed: u64,
}

/// A sight of one register: somebody saw this value between two instants.
struct Sight {
    value: Value,
    from: u64,
    to: u64,
}

/// What was written to each register and what was seen in it.
#[derive(Default)]
struct Registers<'h> {
    writes: BTreeMap<&'h Key, Vec<Write<'h>>>,
    sights: BTreeMap<Key, Vec<Sight>>,
}

/// Every rule that is broken, worst first.
pub fn broken(history: &History) -> Vec<Broken> {
    let registers = Registers::of(history);
    let mut found = Vec::new();
    for (key, sights) in &registers.sights {
        registers.explained(key, sights, &mut found);
        if matches!(key, Key::Session(_)) {
            monotonic(key, sights, &mut found);
        }
    }
    found.extend(history.censuses.iter().flat_map(|census| phantoms(history, &registers, census)));
    found.extend(history.events.iter().filter_map(|event| registers.halved(history, event)));
    found.extend(history.censuses.iter().flat_map(in_itself));
    found
}

impl<'h> Registers<'h> {
    fn of(history: &'h History) -> Self {
        let mut registers = Self::default();
        for event in &history.events {
            if event.outcome != Outcome::Refused {
                let completed = history.completed(event);
                for (key, value) in &event.writes {
                    registers.writes.entry(key).or_default().push(Write { value, event, completed });
                }
            }
            for (key, value) in &event.reads {
                registers.saw(key, value.clone(), (event.invoked, event.answered));
            }
        }
        for census in &history.censuses {
            registers.counted(census);
        }
        registers
    }

    fn saw(&mut self, key: &Key, value: Value, (from, to): (u64, u64)) {
        self.sights.entry(key.clone()).or_default().push(Sight { value, from, to });
    }

    /// What a census tells of: whatever it shows, and that the rest is gone.
    fn counted(&mut self, census: &Census) {
        let known = self.writes.keys().filter(|key| key.is_counted()).map(|key| (*key).clone());
        let keys: BTreeSet<Key> = known.chain(census.values.keys().cloned()).collect();
        for key in keys {
            let value = census.values.get(&key).cloned().unwrap_or(Value::Gone);
            // That a session is over says so of its tokens; which was the last is nobody's concern.
            if !matches!((&key, &value), (Key::Leaf(_), Value::Gone)) {
                self.saw(&key, value, (census.from, census.to));
            }
        }
    }

    fn writes_of(&self, key: &Key) -> &[Write<'h>] {
        self.writes.get(key).map_or(&[], Vec::as_slice)
    }

    /// Rules 1, 2 and 4: whatever is seen was written, and not overwritten by what was acknowledged before.
    fn explained(&self, key: &Key, sights: &[Sight], found: &mut Vec<Broken>) {
        let writes = self.writes_of(key);
        for sight in sights {
            // Where an answer was lost, what it would have told is something that nobody was told.
            let is_named = writes.iter().any(|write| *write.value == sight.value);
            let means = |write: &Value| *write == sight.value || (!is_named && means(write, &sight.value));
            let possible: Vec<_> =
                writes.iter().filter(|write| write.event.invoked < sight.to && means(write.value)).collect();
            let acknowledged = writes.iter().filter(|write| write.event.outcome == Outcome::Done);
            let before = acknowledged.filter(|write| write.event.answered < sight.from);
            let newest = before.map(|write| write.event.invoked).max().unwrap_or(0);
            let is_first = sight.value == Value::Gone && newest == 0;
            let (none, explained) = (possible.is_empty(), possible.iter().any(|write| write.completed >= newest));
            if is_first || explained {
                continue;
            }
            let rule = match (&sight.value, key) {
                // Found by whose it is.
                (Value::Live, Key::Session(_)) if none => continue,
                (_, Key::Leaf(session)) if none && self.writes_of(&Key::Session(session.clone())).is_empty() => {
                    continue;
                }
                (Value::Live, Key::Session(_)) => 2,
                (Value::Gone, _) => 1,
                _ if none => 4,
                _ => 1,
            };
            let last = writes.iter().filter(|write| write.event.answered < sight.from);
            let last = last.max_by_key(|write| write.event.answered).map(|write| (write.event, write.value));
            found
                .push(Broken { rule, why: format!("{key:?} was {:?} at {}, after {last:?}", sight.value, sight.from) });
        }
    }

    /// Rule 5: what was not answered has happened whole or not at all.
    fn halved(&self, history: &History, event: &Event) -> Option<Broken> {
        if event.outcome != Outcome::Unknown || event.writes.len() < 2 {
            return None;
        }
        let done = history.completed(event);
        let writes = event.writes.iter();
        let shown = writes.filter_map(|(key, value)| Some((key, self.happened(event, key, value, done)?)));
        let shown: Vec<(&Key, bool)> = shown.collect();
        let is_whole = shown.iter().all(|(_, happened)| *happened == shown[0].1);
        (!is_whole).then(|| Broken { rule: 5, why: format!("half of {event:?} has happened: {shown:?}") })
    }

    /// Whether a write of an event that was not answered has happened, where the next sight tells that.
    fn happened(&self, event: &Event, key: &Key, value: &Value, done: u64) -> Option<bool> {
        let sights = self.sights.get(key)?.iter().filter(|sight| sight.from > done);
        let sight = sights.min_by_key(|sight| sight.from)?;
        let others = || self.writes_of(key).iter().filter(|write| !std::ptr::eq(write.event, event));
        let is_disturbed = others().any(|write| write.completed > event.invoked && write.event.invoked < sight.to);
        let before = others().filter(|write| write.completed <= event.invoked && write.event.outcome == Outcome::Done);
        let before = before.max_by_key(|write| write.completed).map_or(&Value::Gone, |write| write.value);
        // One before it whose answer was lost as well may have done it already.
        let is_first = others().all(|write| write.event.outcome == Outcome::Done || write.value != value);
        let is_told = *value != Value::Unnamed && before != value && is_first && !is_disturbed;
        is_told.then(|| means(value, &sight.value))
    }
}

impl Key {
    /// Whether a census tells of it.
    fn is_counted(&self) -> bool {
        !matches!(self, Key::Password(_) | Key::SomeSession(_))
    }
}

fn means(written: &Value, seen: &Value) -> bool {
    written == seen || (*written == Value::Unnamed && matches!(seen, Value::Is(_)))
}

/// Rule 3: what somebody has seen gone, nobody who looks later sees again.
fn monotonic(key: &Key, sights: &[Sight], found: &mut Vec<Broken>) {
    let gone = sights.iter().filter(|sight| sight.value == Value::Gone).map(|sight| sight.to).min();
    let again = |gone: u64| sights.iter().find(|sight| sight.value == Value::Live && sight.from > gone);
    // Before it was made nobody saw it live, so a sight of that is none of its end.
    let first = sights.iter().filter(|sight| sight.value == Value::Live).map(|sight| sight.from).min();
    if let (Some(gone), Some(first)) = (gone, first)
        && first < gone
        && let Some(sight) = again(gone)
    {
        found.push(Broken { rule: 3, why: format!("{key:?} was gone at {gone} and live at {}", sight.from) });
    }
}

/// Rule 4 for sessions: each is one that somebody was told of, or one of so many whose answers were lost.
fn phantoms(history: &History, registers: &Registers, census: &Census) -> Vec<Broken> {
    let mut unexplained: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (session, owner) in &census.owners {
        if registers.writes_of(&Key::Session(session.clone())).is_empty() {
            unexplained.entry(owner).or_default().push(session);
        }
    }
    let lost = |owner: &str| {
        let key = Key::SomeSession(owner.to_owned());
        let events = history.events.iter().filter(|event| event.outcome == Outcome::Unknown);
        events.filter(|event| event.writes.iter().any(|(written, _)| *written == key)).count()
    };
    let too_many = unexplained.into_iter().filter(|(owner, sessions)| sessions.len() > lost(owner));
    too_many.map(|(owner, found)| Broken { rule: 4, why: format!("sessions of {owner}: {found:?}") }).collect()
}

/// Rules 6 and 7.
fn in_itself(census: &Census) -> Vec<Broken> {
    let mut found: Vec<Broken> = census.faults.iter().map(|why| Broken { rule: 7, why: why.clone() }).collect();
    if census.superusers == 0 {
        found.push(Broken { rule: 6, why: "there is no active superuser".to_owned() });
    }
    let wrong = census.leaves.iter().filter(|(_, leaves)| **leaves != 1);
    found.extend(wrong.map(|(session, leaves)| Broken { rule: 6, why: format!("{session} has {leaves} leaves") }));
    found
}
