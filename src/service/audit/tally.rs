//! What anybody can cause as often as he likes makes one event a minute, with a count, and is not written while he waits:
//! else it would fill the disk. What is counted and not written yet is lost in a crash.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::TimeDelta;
use serde_json::{Map, Value, json};

use crate::domain::audit::Event;
use crate::domain::error::Result;
use crate::domain::ids::Timestamp;
use crate::domain::{networks, times};
use crate::service::{Actor, Ctx, Env};
use crate::store::Tx;

/// Counts kept at once, and so events a minute. What finds no place is counted together.
const KEYS_MAX: usize = 100;
/// Events a minute that are written by themselves although anybody can cause them.
const SINGLE_MAX: u32 = 60;
const MINUTE: TimeDelta = TimeDelta::minutes(1);

/// Counts of what was refused since they were last written.
#[derive(Default)]
pub struct Tally(Mutex<Counts>);

#[derive(Default)]
struct Counts {
    kept: HashMap<Key, Count>,
    others: HashMap<&'static str, Count>,
    /// Events that were written by themselves, and since when they are counted.
    single: (Option<Timestamp>, u32),
}

/// What is counted together.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    action: &'static str,
    result: &'static str,
    who: Who,
    subject: Option<i64>,
    details: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Who {
    User(i64),
    /// Beginning of the addresses of a network: 24 bits of IPv4, 48 of IPv6.
    Network(IpAddr),
    /// Not known; all of them together.
    Somebody,
}

struct Count {
    /// The first.
    event: Event,
    number: u64,
    last: Timestamp,
}

/// Something that was refused.
#[derive(Debug, Clone)]
pub struct Refusal {
    /// Name of the event: `authz.denied`.
    pub action: &'static str,
    /// `denied` or `failed`.
    pub result: &'static str,
    /// What was asked for, such as the route; an object without secrets. What differs in it is counted apart.
    pub details: Value,
}

impl Tally {
    /// Counts a refusal of this call.
    pub fn count(&self, ctx: &Ctx, refusal: Refusal) {
        let Refusal { action, result, details } = refusal;
        let event = Event { result, ..ctx.event(action, "request", None, details) };
        self.add(who(ctx), event);
    }

    /// Whether an event that anybody can cause is written by itself: only so many a minute are.
    fn has_room(&self, now: Timestamp) -> bool {
        let mut counts = self.counts();
        let (since, written) = counts.single;
        let is_over = since.is_none_or(|since| now - since >= MINUTE || now < since);
        counts.single = if is_over { (Some(now), 1) } else { (since, written + 1) };
        counts.single.1 <= SINGLE_MAX
    }

    fn add(&self, who: Who, event: Event) {
        let (action, at) = (event.action, event.at);
        let (result, details) = (event.result, event.details.clone());
        let key = Key { action, result, who, subject: event.entity_id, details };
        let mut counts = self.counts();
        let is_full = counts.kept.len() >= KEYS_MAX;
        if let Some(count) = counts.kept.get_mut(&key) {
            count.add(1, at);
        } else if !is_full {
            counts.kept.insert(key, Count { event, number: 1, last: at });
        } else if let Some(count) = counts.others.get_mut(action) {
            count.add(1, at);
        } else {
            counts.others.insert(action, Count { event: of_others(event), number: 1, last: at });
        }
    }

    /// Writes what was counted and begins anew, in one transaction; says how many events. What cannot be written is kept.
    ///
    /// # Errors
    /// Those of the store.
    pub fn write(&self, env: &Env) -> Result<usize> {
        let taken = {
            let mut counts = self.counts();
            (std::mem::take(&mut counts.kept), std::mem::take(&mut counts.others))
        };
        let events: Vec<Event> = taken.0.values().chain(taken.1.values()).map(Count::event).collect();
        if events.is_empty() {
            return Ok(0);
        }
        let written = env.store.write(|tx| events.iter().try_for_each(|event| tx.record(event)));
        if written.is_err() {
            self.keep(taken);
        }
        written.map(|()| events.len())
    }

    fn keep(&self, (kept, others): (HashMap<Key, Count>, HashMap<&'static str, Count>)) {
        let mut counts = self.counts();
        for (key, count) in kept {
            match counts.kept.get_mut(&key) {
                Some(newer) => newer.add(count.number, count.last),
                None => drop(counts.kept.insert(key, count)),
            }
        }
        for (action, count) in others {
            match counts.others.get_mut(action) {
                Some(newer) => newer.add(count.number, count.last),
                None => drop(counts.others.insert(action, count)),
            }
        }
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Count {
    fn add(&mut self, number: u64, last: Timestamp) {
        self.number += number;
        self.last = self.last.max(last);
    }

    /// The event that it makes.
    fn event(&self) -> Event {
        let mut fields: Map<String, Value> = serde_json::from_str(&self.event.details).unwrap_or_default();
        fields.insert("count".to_owned(), json!(self.number));
        fields.insert("until".to_owned(), json!(times::written(self.last)));
        Event { details: Value::Object(fields).to_string(), ..self.event.clone() }
    }
}

/// What is said of those that found no place.
fn of_others(event: Event) -> Event {
    Event {
        actor_kind: "anonymous",
        actor_id: None,
        actor: String::new(),
        ip_address: None,
        user_agent: String::new(),
        entity_id: None,
        subject: None,
        details: json!({"others": true}).to_string(),
        ..event
    }
}

/// Writes an event that anybody can cause, such as a refused sign-in: at once while there are few in a minute, else it is
/// counted with those like it.
///
/// # Errors
/// Those of the store.
pub fn record(ctx: &Ctx, event: Event) -> Result<()> {
    if ctx.env.tally.has_room(ctx.now) {
        return ctx.env.store.write(|tx| tx.record(&event));
    }
    ctx.env.tally.add(who(ctx), event);
    Ok(())
}

/// The same in a transaction that writes something else as well, such as the request for a mailed link.
///
/// # Errors
/// Those of the store.
pub fn record_in(ctx: &Ctx, tx: &dyn Tx, event: Event) -> Result<()> {
    if ctx.env.tally.has_room(ctx.now) {
        return tx.record(&event);
    }
    ctx.env.tally.add(who(ctx), event);
    Ok(())
}

fn who(ctx: &Ctx) -> Who {
    match (ctx.actor, ctx.origin.address) {
        (Actor::User(caller), _) => Who::User(caller.user.0),
        (_, Some(address)) => Who::Network(networks::site(address).addr()),
        (_, None) => Who::Somebody,
    }
}
