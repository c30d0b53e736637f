//! The thread of a server that keeps the audit trail: writes what was counted, prunes what is older than it is to be kept,
//! and notes what the machine did, and what time it is.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use serde_json::json;

use super::{by_server, prune};
use crate::domain::error::{Error, Result};
use crate::domain::ids::Timestamp;
use crate::domain::pages::Listing;
use crate::service::{Env, clock};

/// How often it looks.
const PERIOD: Duration = Duration::from_secs(60);
/// By how much a clock may be off its course before that is noted.
const DRIFT: TimeDelta = TimeDelta::seconds(60);

/// Keeps the trail until it is stopped.
pub struct Scribe {
    stop: Sender<()>,
    done: Receiver<()>,
}

impl Scribe {
    /// Begins.
    ///
    /// # Errors
    /// That the system gives no thread.
    pub fn start(env: Arc<Env>) -> std::io::Result<Self> {
        let ((stop, stopped), (says, done)) = (channel(), channel());
        std::thread::Builder::new().name("scribe".to_owned()).spawn(move || {
            work(&env, &stopped);
            // Nobody listens any more if it was too slow.
            let _ = says.send(());
        })?;
        Ok(Self { stop, done })
    }

    /// Stops, after writing what was counted, unless that takes longer than `limit`.
    pub fn stop(self, limit: Duration) {
        drop(self.stop);
        if self.done.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
            tracing::warn!("what was refused in the last minute may be missing in the audit trail");
        }
    }
}

/// What the thread remembers from one look to the next.
struct Seen {
    /// The clock, and the time that has passed whatever the clock says.
    clock: (Timestamp, Instant),
    /// Errors of the storage.
    faults: u64,
}

fn work(env: &Env, stopped: &Receiver<()>) {
    let mut seen = Seen { clock: (env.clock.now(), Instant::now()), faults: 0 };
    let mut told = String::new();
    let mut outcome = at_start(env).and_then(|()| clock::note(env)).and_then(|()| prune_due(env));
    loop {
        let trouble = outcome.err().map(|error| match error {
            Error::Internal(cause) => cause.to_string(),
            error => error.to_string(),
        });
        let trouble = trouble.unwrap_or_default();
        // Once, and not each minute.
        if trouble != told && !trouble.is_empty() {
            tracing::error!("the audit trail waits: {trouble}");
        }
        told = trouble;
        if stopped.recv_timeout(PERIOD) != Err(RecvTimeoutError::Timeout) {
            if let Err(error) = env.tally.write(env) {
                tracing::error!(%error, "what was refused in the last minute is missing in the audit trail");
            }
            return;
        }
        outcome = round(env, &mut seen);
    }
}

fn round(env: &Env, seen: &mut Seen) -> Result<()> {
    env.tally.write(env)?;
    watch_clock(env, seen)?;
    clock::note(env)?;
    faults(env, seen)?;
    prune_due(env)
}

/// Notes a clock that stands before the newest event. Nothing else keeps how late it has been.
fn at_start(env: &Env) -> Result<()> {
    let newest = env.store.read(|tx| tx.list_entries(&Listing { limit: 1, ..Listing::default() }))?;
    match newest.first().map(|entry| env.clock.now() - entry.at) {
        Some(back) if back < -DRIFT => jumped(env, back),
        _ => Ok(()),
    }
}

/// Notes a clock that was set, or a machine that slept.
fn watch_clock(env: &Env, seen: &mut Seen) -> Result<()> {
    let (now, instant) = (env.clock.now(), Instant::now());
    let passed = TimeDelta::from_std(instant - seen.clock.1).unwrap_or(TimeDelta::MAX);
    let drift = (now - seen.clock.0).checked_sub(&passed).unwrap_or(TimeDelta::zero());
    if drift.abs() > DRIFT {
        jumped(env, drift)?;
    }
    seen.clock = (now, instant);
    Ok(())
}

fn jumped(env: &Env, by: TimeDelta) -> Result<()> {
    by_server(env, |ctx| {
        let event = ctx.event("clock.jumped", "clock", None, json!({"seconds": by.num_seconds()}));
        env.store.write(|tx| tx.record(&event))
    })
}

/// Notes errors of the storage, now that it takes something again.
fn faults(env: &Env, seen: &mut Seen) -> Result<()> {
    let faults = env.store.faults();
    if faults == seen.faults {
        return Ok(());
    }
    by_server(env, |ctx| {
        let event = ctx.event("storage.failed", "database", None, json!({"count": faults - seen.faults}));
        env.store.write(|tx| tx.record(&crate::domain::audit::Event { result: "failed", ..event }))
    })?;
    seen.faults = faults;
    Ok(())
}

/// Prunes once it is worth an event: when something is older by an hour than it is to be kept, or by a hundredth.
fn prune_due(env: &Env) -> Result<()> {
    let Some(kept) = crate::service::settings::in_force(env)?.audit_retention() else { return Ok(()) };
    let listing = Listing { limit: 1, ..Listing::default() };
    let oldest = env.store.read(|tx| tx.entries_after(0, &listing))?;
    let late = kept + (kept / 100).min(TimeDelta::hours(1));
    if oldest.first().is_some_and(|entry| env.clock.now() - entry.at > late) {
        by_server(env, prune)?;
    }
    Ok(())
}
