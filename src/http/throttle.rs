//! How many requests are let through, by the settings `throttle.rates` and `throttle.scopes` (S3-20 … S3-22); off by
//! default, as in Django REST framework, whose way of counting this is.
//!
//! What counts are the requests that were let through in the time that ends now; refused ones do not, so that a client
//! who keeps knocking gets in as soon as there is room. Crates for this (`governor` and its like) count by GCRA, which spreads
//! a rate evenly and would refuse the third of three quick requests where `3/minute` grants it: hence a log of our own.
//!
//! It is kept in memory, as that framework's default cache is: a restart forgets it, and a second server has its own. What
//! guards passwords must not rest on this.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::domain::error::{Error, Result};
use crate::domain::ids::Timestamp;
use crate::domain::networks;
use crate::domain::settings::Settings;
use crate::domain::settings::throttling::{ANON, Rate, Throttling};
use crate::service::{Actor, Ctx};

/// Callers and scopes remembered at once.
const KEYS_MAX: usize = 100_000;
/// Requests remembered at once: 32 MB.
const TIMES_MAX: usize = 4_000_000;
/// Doors for machines and readers, which have no counterpart in the APIs that this limits: keys, health, documentation.
/// And the one that the original exempts; guesses of passwords are limited there as everywhere. And the one for proxies,
/// which cannot hand on a 429: they limit their clients themselves.
const FREE: [&str; 4] = ["server", "docs", "authtoken", "forward"];

/// The log of requests that were let through.
#[derive(Default)]
pub struct Throttle(Mutex<Log>);

#[derive(Default)]
struct Log {
    granted: HashMap<Key, Granted>,
    /// Times in all of them.
    times: usize,
}

/// Whose requests are counted together, under which scope.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    scope: String,
    who: Who,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Who {
    User(i64),
    /// An IPv4 address, or the network of 64 bits that one household has.
    Address(IpAddr),
    /// Not known; all of them together.
    Somebody,
}

/// Requests of one key, oldest first, in microseconds.
#[derive(Default)]
struct Granted {
    times: VecDeque<i64>,
    /// How long the newest counts.
    per: i64,
}

impl Throttle {
    /// Lets a request to `path` through and counts it, or says when to come again. Every rate that applies must grant it;
    /// where one does not, none counts it.
    ///
    /// # Errors
    /// `TooMany`.
    pub fn grant(&self, settings: &Settings, path: &str, ctx: &Ctx) -> Result<()> {
        let throttling = settings.throttling();
        if throttling.rates.is_empty() || FREE.contains(&ctx.origin.door) {
            return Ok(());
        }
        let rates = counted(&throttling, path, ctx);
        let now = micros(ctx.now);
        let mut log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let wait = rates.iter().map(|(key, rate)| log.wait(key, rate, now)).max().unwrap_or(0);
        if wait > 0 {
            return Err(Error::TooMany { retry_after: Duration::from_micros(wait.unsigned_abs()) });
        }
        for (key, rate) in rates {
            log.count(key, rate, now);
        }
        log.bound(now, KEYS_MAX, TIMES_MAX);
        Ok(())
    }
}

/// The rates that apply to this call, each with the key that it counts by.
fn counted<'a>(throttling: &'a Throttling, path: &str, ctx: &Ctx) -> Vec<(Key, &'a Rate)> {
    let who = match ctx.actor {
        Actor::Operator(_) => return Vec::new(),
        Actor::User(caller) => Who::User(caller.user.0),
        Actor::Guest(_) | Actor::Anonymous => {
            ctx.origin.address.map_or(Who::Somebody, |address| Who::Address(networks::household(address).addr()))
        }
    };
    let is_user = matches!(who, Who::User(_));
    let rates = throttling.of(path).into_iter().filter(|rate| !(is_user && rate.scope == ANON));
    rates.map(|rate| (Key { scope: rate.scope.clone(), who }, rate)).collect()
}

fn micros(time: Timestamp) -> i64 {
    time.timestamp_micros()
}

fn length(rate: &Rate) -> i64 {
    i64::try_from(rate.per.length().as_micros()).unwrap_or(i64::MAX)
}

impl Log {
    /// How long until this rate grants one more; 0 if it does now.
    fn wait(&mut self, key: &Key, rate: &Rate, now: i64) -> i64 {
        let Some(granted) = self.granted.get_mut(key) else { return 0 };
        let per = length(rate);
        let before = granted.times.len();
        // The clock was put back: what lies ahead counts as of now, or it would count for longer than its time.
        granted.times.iter_mut().rev().take_while(|time| **time > now).for_each(|time| *time = now);
        while granted.times.front().is_some_and(|time| *time <= now - per) {
            granted.times.pop_front();
        }
        self.times -= before - granted.times.len();
        let most = usize::try_from(rate.most).unwrap_or(usize::MAX);
        // One more is granted when fewer than `most` count; a rate that was lowered waits for several.
        let decides = granted.times.len().checked_sub(most).and_then(|more| granted.times.get(more));
        decides.map_or(0, |time| time + per - now)
    }

    fn count(&mut self, key: Key, rate: &Rate, now: i64) {
        let granted = self.granted.entry(key).or_default();
        granted.times.push_back(now);
        granted.per = length(rate);
        self.times += 1;
    }

    /// Forgets what counts no more when there is too much, and where that does not help the half that is least recent. So
    /// many callers at once are an attack from many addresses, which no count by address stops.
    fn bound(&mut self, now: i64, keys: usize, times: usize) {
        if self.granted.len() <= keys && self.times <= times {
            return;
        }
        self.granted.retain(|_, granted| granted.newest() > now - granted.per);
        self.times = self.granted.values().map(|granted| granted.times.len()).sum();
        if self.granted.len() > keys / 2 || self.times > times / 2 {
            let mut newest: Vec<i64> = self.granted.values().map(Granted::newest).collect();
            let half = newest.len() / 2;
            let (_, middle, _) = newest.select_nth_unstable(half);
            let middle = *middle;
            let mut left = keys / 2;
            // Many may be of the same moment.
            self.granted.retain(|_, granted| {
                let stays = granted.newest() >= middle && left > 0;
                left -= usize::from(stays);
                stays
            });
            self.times = self.granted.values().map(|granted| granted.times.len()).sum();
        }
    }
}

impl Granted {
    fn newest(&self) -> i64 {
        self.times.back().copied().unwrap_or(i64::MIN)
    }
}

#[cfg(test)]
#[path = "throttle/tests.rs"]
mod tests;
