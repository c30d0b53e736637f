//! The latest time that the database has seen. A clock that stands before it would let in again what has expired, so a server
//! does not start by one.
//!
//! A server notes the time once a minute; until one has, the newest event tells it. No request writes it.

use std::fmt;

use chrono::{SubsecRound, TimeDelta};
use serde_json::json;

use crate::domain::error::Result;
use crate::domain::ids::Timestamp;
use crate::domain::pages::Listing;
use crate::domain::times;
use crate::service::{Ctx, Env, bounds};
use crate::store::Tx;

/// Mark that holds it, in microseconds since 1970.
const SEEN: &str = "clock";
/// By how much a clock may stand before it: machines are set right by seconds.
const SLACK: TimeDelta = TimeDelta::minutes(5);

/// A clock that stands too far before the latest time that was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Behind {
    /// What the clock says.
    pub now: Timestamp,
    /// The latest time that was seen.
    pub seen: Timestamp,
}

impl fmt::Display for Behind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (now, seen) = (times::written(self.now.trunc_subsecs(0)), times::written(self.seen.trunc_subsecs(0)));
        write!(f, "the clock says {now}, and the database has seen {seen}: what has expired would be good again")
    }
}

/// Whether the clock stands too far before the latest time that was seen.
///
/// # Errors
/// Those of the store.
pub fn behind(env: &Env) -> Result<Option<Behind>> {
    let (now, seen) = (env.clock.now(), env.store.read(seen)?);
    Ok(seen.filter(|seen| *seen - now > SLACK).map(|seen| Behind { now, seen }))
}

/// Notes the time, if it is later than what was seen.
///
/// # Errors
/// Those of the store.
pub fn note(env: &Env) -> Result<()> {
    let now = env.clock.now();
    env.store.write(|tx| raise(tx, now))
}

/// Notes a time in a transaction that is open.
pub(super) fn raise(tx: &dyn Tx, at: Timestamp) -> Result<()> {
    if seen(tx)?.is_some_and(|seen| seen >= at) && tx.mark(SEEN)?.is_some() {
        return Ok(());
    }
    set(tx, at)
}

/// Takes the time of the clock for the latest that was seen, though it is earlier; says by how much it was behind, if it was.
///
/// Operators and superusers only. Writes one `clock.reset` event.
///
/// # Errors
/// `Forbidden(SuperuserOnly)` for others; those of the store.
pub fn reset(ctx: &Ctx) -> Result<Option<Behind>> {
    bounds::superuser(ctx)?;
    let now = ctx.now;
    ctx.write(|tx| {
        let behind = seen(tx)?.filter(|seen| *seen > now).map(|seen| Behind { now, seen });
        if let Some(Behind { seen, .. }) = behind {
            set(tx, now)?;
            let details = json!({"seconds": (now - seen).num_seconds()});
            tx.record(&ctx.event("clock.reset", "clock", None, details))?;
        }
        Ok(behind)
    })
}

fn set(tx: &dyn Tx, at: Timestamp) -> Result<()> {
    tx.set_mark(SEEN, &at.timestamp_micros().to_string())
}

/// The latest time that was seen.
fn seen(tx: &dyn Tx) -> Result<Option<Timestamp>> {
    let noted = tx.mark(SEEN)?.and_then(|text| Timestamp::from_timestamp_micros(text.parse().ok()?));
    match noted {
        Some(noted) => Ok(Some(noted)),
        None => {
            let newest = tx.list_entries(&Listing { limit: 1, ..Listing::default() })?;
            Ok(newest.first().map(|entry| entry.at))
        }
    }
}
