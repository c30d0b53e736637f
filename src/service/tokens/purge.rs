//! What has expired leaves the database, in small batches between which everybody else has his turn: at a command, or by
//! the thread of a server.

use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use serde_json::json;

use super::imported;
use crate::domain::error::Result;
use crate::domain::ids::Timestamp;
use crate::domain::pages::Listing;
use crate::domain::rights::{Right, action, resource};
use crate::service::{Ctx, Env};
use crate::store::Tx;

/// Rows of each kind that one transaction deletes at most.
const BATCH: u32 = 500;
/// How long after its expiry a row stays, so that a look at what just ended still finds it. Longer than clocks may differ
/// (`simplejwt.leeway`), and short enough that with a round of the sweeper all is gone in ten minutes.
const STAYS: TimeDelta = TimeDelta::minutes(5);
/// How often it is looked whether the disk is well again.
const TICK: Duration = Duration::from_secs(2);
/// How often the sweeper begins.
const PERIOD: Duration = Duration::from_secs(60);
/// By how much a clock may be off its course before nothing is swept by it.
const DRIFT: TimeDelta = TimeDelta::seconds(60);
/// For how long nothing is swept by a clock that has jumped: time to set it right.
const DISTRUST: Duration = Duration::from_secs(3600);
/// How far a clock may be ahead of the newest event when the sweeper begins, and be believed at once.
const SILENCE: TimeDelta = TimeDelta::days(1);

/// What one transaction has deleted.
#[derive(Default)]
struct Gone {
    tokens: u64,
    sessions: u64,
    api_tokens: u64,
    links: u64,
    /// What was forgotten of rows that stay, or of tokens of a former system.
    forgotten: u64,
}

impl Gone {
    fn rows(&self) -> u64 {
        self.tokens + self.sessions + self.api_tokens + self.links
    }
}

/// Deletes one batch of what expired before this instant.
fn batch(tx: &dyn Tx, before: Timestamp) -> Result<Gone> {
    let forgotten = tx.forget_successors(before, BATCH)? + imported::purge(tx, before, BATCH)?;
    let tokens = tx.purge_tokens(before, BATCH)?;
    let links = tx.purge_one_time_tokens(before, BATCH)?;
    // A session takes its tokens along, and may have thousands: it waits until they are gone.
    let waits = tokens == u64::from(BATCH);
    let sessions = if waits { 0 } else { tx.purge_sessions(before, BATCH)? };
    let api_tokens = tx.purge_api_tokens(before, BATCH)?;
    Ok(Gone { tokens, sessions, api_tokens, links, forgotten })
}

/// Deletes sessions, tokens and mailed links that expired over five minutes ago, and API tokens that expired or were revoked
/// then, in batches that never hold the database for long. `progress` hears the running total after each.
///
/// Needs `tokens:delete`. Writes one `tokens.purged` event for each batch.
///
/// # Errors
/// `Forbidden`, and those of the store; what was deleted until then stays deleted.
pub fn purge(ctx: &Ctx, progress: &mut dyn FnMut(u64)) -> Result<u64> {
    ctx.require(&Right::of(resource::TOKENS, action::DELETE))?;
    let mut total = 0;
    loop {
        let gone = ctx.end(|tx| {
            let gone = batch(tx, ctx.now - STAYS)?;
            if gone.rows() > 0 {
                let Gone { tokens, sessions, api_tokens, links, .. } = gone;
                let details = json!({"tokens": tokens, "sessions": sessions, "api_tokens": api_tokens, "links": links});
                tx.record(&ctx.event("tokens.purged", "token", None, details))?;
            }
            Ok(gone)
        })?;
        total += gone.rows();
        progress(total);
        if gone.rows() + gone.forgotten == 0 {
            return Ok(total);
        }
    }
}

/// The thread of a server that does the same each minute, looks after the disk, and gives back the memory of hashes when nobody has signed in for
/// a while. It leaves no events, since nobody has asked for it.
pub struct Sweeper {
    _stop: Sender<()>,
}

impl Sweeper {
    /// Begins. It ends when this is dropped.
    ///
    /// # Errors
    /// That the system gives no thread.
    pub fn start(env: Arc<Env>) -> std::io::Result<Self> {
        let (stop, stopped) = channel();
        std::thread::Builder::new().name("sweeper".to_owned()).spawn(move || {
            let mut watch = Watch::new(&env);
            let mut due = Instant::now() + PERIOD;
            while stopped.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
                // Where there is no room for it yet, whoever wants to write is told.
                let _ = env.store.keep_ballast();
                if Instant::now() < due {
                    continue;
                }
                due = Instant::now() + PERIOD;
                env.hasher.rest(PERIOD);
                if watch.is_right(env.clock.now(), Instant::now()) {
                    let is_over = || stopped.try_recv() == Err(std::sync::mpsc::TryRecvError::Disconnected);
                    sweep(&env, &is_over);
                }
            }
        })?;
        Ok(Self { _stop: stop })
    }
}

/// Deletes what is due. What goes wrong is tried again in a minute, and told by whoever else writes.
fn sweep(env: &Env, is_over: &dyn Fn() -> bool) {
    let before = env.clock.now() - STAYS;
    while !is_over() {
        let begun = Instant::now();
        match env.store.write(|tx| batch(tx, before)) {
            Ok(gone) if gone.rows() + gone.forgotten == 0 => return,
            Ok(gone) => tracing::debug!(rows = gone.rows(), "what has expired was deleted"),
            Err(error) => {
                tracing::debug!(%error, "what has expired stays for now");
                return;
            }
        }
        // Half of the time is for others.
        std::thread::sleep(begun.elapsed());
    }
}

/// Whether the clock can be believed, by which things are deleted for good: a step forward must not cost a session that
/// is live once the clock is set right.
struct Watch {
    seen: (Timestamp, Instant),
    distrusted_at: Option<Instant>,
}

impl Watch {
    /// Begins. A clock that is far ahead of the newest event is not believed at once.
    fn new(env: &Env) -> Self {
        let (now, instant) = (env.clock.now(), Instant::now());
        let newest = env.store.read(|tx| tx.list_entries(&Listing { limit: 1, ..Listing::default() }));
        let is_far = newest.is_ok_and(|newest| newest.first().is_some_and(|entry| now - entry.at > SILENCE));
        Self { seen: (now, instant), distrusted_at: is_far.then_some(instant) }
    }

    fn is_right(&mut self, now: Timestamp, instant: Instant) -> bool {
        let passed = TimeDelta::from_std(instant - self.seen.1).unwrap_or(TimeDelta::MAX);
        let drift = (now - self.seen.0).checked_sub(&passed).unwrap_or(TimeDelta::MAX);
        self.seen = (now, instant);
        if drift > DRIFT || drift < -DRIFT {
            self.distrusted_at = Some(instant);
        }
        if self.distrusted_at.is_some_and(|at| instant - at >= DISTRUST) {
            self.distrusted_at = None;
        }
        self.distrusted_at.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_timestamp(second, 0).unwrap_or_default()
    }

    /// what a step forward makes expired is not deleted before there was time to set the clock right.
    #[test]
    fn a_clock_that_jumps_is_not_believed_for_an_hour() {
        let begun = Instant::now();
        let later = |seconds| begun + Duration::from_secs(seconds);
        let mut watch = Watch { seen: (at(0), begun), distrusted_at: None };
        assert!(watch.is_right(at(60), later(60)));
        assert!(watch.is_right(at(150), later(120)), "half a minute is no jump");
        assert!(!watch.is_right(at(86_400), later(180)));
        assert!(!watch.is_right(at(86_460), later(240)));
        assert!(!watch.is_right(at(300), later(300)), "nor when it is set back");
        assert!(!watch.is_right(at(3_840), later(3_840)));
        assert!(watch.is_right(at(3_900), later(3_900)));
        assert!(watch.is_right(at(3_960), later(3_960)));
    }
}
