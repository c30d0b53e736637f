//! The guard: how often somebody may guess a password, register, ask for mails and refresh (R-9 … R-14, E.3).
//!
//! Every place that judges a password goes through `admit`, which counts the attempt in a transaction of its own before
//! anything is hashed, so that of many guesses at once no more are judged than may be. An attempt that turns out to
//! be no guess, since the password was right or was never judged, is taken back (`Pass::take_back`); nothing else is: a
//! success leaves the failures before it where they are, those of the account and those of the network, so that
//! neither the owner's sign-ins nor an attacker's own give anybody more guesses.
//!
//! Accounts that do not exist are counted under a keyed hash of the name that was tried, as those that do under their id,
//! and so answer alike. A client that shows a device credential of the account has a budget of its own and is
//! exempt from the rest: `devices.rs`. Whoever is refused is not counted.
//!
//! If the counts cannot be stored, nobody is let in. When they fill their table, those of whom nothing is known yet
//! share a number of counts, each by what its name yields, so that a flood of names gives nobody a fresh start.

mod admin;
mod devices;
mod requests;
mod turns;

use std::time::Duration;

use serde_json::json;

use crate::crypto::device::Claims;
use crate::crypto::mac::{self, Secret, hex};
use crate::domain::error::{Error, Result};
use crate::domain::guard::{Bucket, Count, Key, Limits, household, network};
use crate::domain::identifiers::sign_in_keys;
use crate::domain::ids::{Timestamp, UserId};
use crate::service::{Actor, Ctx, Env, secrets, settings};
use crate::store::Tx;
use crate::store::guard::Counts;

pub use admin::{Limited, Range, Those, clear, list};
pub use requests::secret;
pub use turns::Turns;
use turns::{ACCOUNT, ADDRESS, Turn};

pub(super) use devices::{forgive, remember};
pub(super) use requests::{Post, mail, refresh, registration};

/// Counts that are stored at most, besides the shared ones.
pub const COUNTS_MAX: u64 = 100_000;
/// Shared counts of a bucket.
const SHARED: u32 = 4096;
/// Counts that matter no more and are deleted with each attempt; more than it can add.
const TIDIED: u32 = 8;
/// The same while the table is full.
const TIDIED_FULL: u32 = 1000;
/// How often a full table is told of: once an hour.
const TOLD_EVERY: chrono::Duration = chrono::Duration::hours(1);
/// Mark of when it was told of.
const TOLD: &str = "limiter_full_at";
/// When to come again while the counts cannot be stored.
const RETRY: Duration = Duration::from_secs(1);
/// What the hash of an unknown name is derived for.
const NAME: &str = "guard-name";

/// Whose password is about to be judged.
pub(super) enum Whose<'a> {
    /// Of whoever signs in by this, if anybody does.
    Named(&'a str),
    /// Of this user.
    User(UserId),
}

/// An attempt that was let in and counted. Until it is dropped, few others at the same account are let in.
pub(super) struct Pass<'a> {
    env: &'a Env,
    counted: Vec<(Key, i64)>,
    _turn: Option<Turn<'a>>,
}

/// Whose attempts are counted together.
struct Subject {
    text: String,
    user: Option<UserId>,
    password_hash: Option<String>,
}

/// What an attempt would be counted by.
struct Plan {
    counts: Vec<Count>,
    wait: Option<Duration>,
    /// The clock was put back since something was counted.
    is_put_back: bool,
    /// A device that has guessed too often and is not known any more.
    lost: Option<Count>,
}

/// Lets an attempt at a password in and counts it, before the password is looked at. Operators are not counted.
///
/// # Errors
/// `TooMany`; `Unavailable` — the counts cannot be read or stored.
pub(super) fn admit<'a>(ctx: &Ctx<'a>, whose: &Whose) -> Result<Pass<'a>> {
    let env = ctx.env;
    if matches!(ctx.actor, Actor::Operator(_)) {
        return Ok(Pass { env, counted: Vec::new(), _turn: None });
    }
    shut(counted(ctx, whose))
}

fn counted<'a>(ctx: &Ctx<'a>, whose: &Whose) -> Result<Pass<'a>> {
    let env = ctx.env;
    let secret = env.store.read(|tx| secrets::of_generation(&env.master, tx.instance()))?;
    let planned = |tx: &dyn Tx| {
        let subject = Subject::of(tx, &secret, whose)?;
        let plan = Plan::of_guess(ctx, tx, &subject, &secret)?;
        Ok((subject, plan))
    };
    // Who is refused anyway, and changes nothing by that, does not get as far as the one writer's lock.
    let (subject, plan) = env.store.read(planned)?;
    if let (Some(wait), false) = (plan.wait, plan.is_put_back || plan.lost.is_some()) {
        return Err(Error::TooMany { retry_after: wait });
    }
    let turn = env.turns.enter(&places(ctx, &subject, &plan))?;
    let granted = env.store.write(|tx| planned(tx)?.1.settle(ctx, tx))?;
    match granted {
        Ok(counted) => Ok(Pass { env, counted, _turn: Some(turn) }),
        Err(wait) => Err(Error::TooMany { retry_after: wait }),
    }
}

/// Where an attempt waits for others to be judged, and how many may be at it at once.
fn places(ctx: &Ctx, subject: &Subject, plan: &Plan) -> Vec<(String, usize)> {
    match plan.counts.as_slice() {
        [Count { key: Key { bucket: Bucket::Device, subject }, .. }] => vec![(format!("device {subject}"), ACCOUNT)],
        _ => {
            let address = ctx.origin.address.map(|address| (household(address), ADDRESS));
            std::iter::once((subject.text.clone(), ACCOUNT)).chain(address).collect()
        }
    }
}

/// A refusal for everything that is wrong with the counts: nobody is let in uncounted.
fn shut<T>(result: Result<T>) -> Result<T> {
    result.map_err(|error| match error {
        Error::Internal(cause) => {
            tracing::error!(%cause, "attempts cannot be counted, so nobody is let in");
            Error::Unavailable { retry_after: RETRY }
        }
        other => other,
    })
}

impl Pass<'_> {
    /// Takes the attempt back, in the transaction of what was let in: it was no guess.
    pub fn take_back(&self, tx: &dyn Tx) -> Result<()> {
        for (key, counted) in &self.counted {
            let Some(mut count) = tx.attempts(key)? else { continue };
            count.attempts.take_back(*counted);
            if count.attempts == Default::default() {
                tx.forget_attempts(&Counts::One(key.clone()))?;
            } else {
                tx.store_attempts(&count)?;
            }
        }
        Ok(())
    }

    /// The same in a transaction of its own, for what changes nothing else.
    pub fn give_back(&self) -> Result<()> {
        if self.counted.is_empty() { Ok(()) } else { shut(self.env.store.write(|tx| self.take_back(tx))) }
    }

    /// What came of a judgement; an attempt that was not judged after all is taken back, as far as that is possible.
    pub fn judged<T>(&self, outcome: Result<T>) -> Result<T> {
        if let Err(Error::Unavailable { .. } | Error::Internal(_)) = &outcome
            && let Err(error) = self.give_back()
        {
            tracing::warn!(%error, "an attempt that was not judged stays counted");
        }
        outcome
    }
}

impl Subject {
    fn of(tx: &dyn Tx, secret: &Secret, whose: &Whose) -> Result<Self> {
        let (user, name) = match whose {
            Whose::User(id) => (Some(*id), String::new()),
            Whose::Named(typed) => {
                let keys = sign_in_keys(typed);
                let user = tx.user_by_keys(&keys.iter().map(String::as_str).collect::<Vec<_>>())?;
                (user.map(|user| user.id), name(secret, &keys, typed))
            }
        };
        let password_hash = user.map(|user| tx.password_hash(user)).transpose()?.flatten();
        Ok(Self { text: user.map_or(name, of_user), user, password_hash })
    }
}

/// What the attempts at a user's account are counted under.
fn of_user(user: UserId) -> String {
    format!("user {user}")
}

/// What attempts at an account are counted under that does not exist. Says nothing of the name, since people type
/// passwords into its field.
fn name(secret: &Secret, keys: &[String], typed: &str) -> String {
    let canonical = if keys.is_empty() { typed.trim().to_owned() } else { keys.join("\n") };
    format!("name {}", hex(&mac::derive(secret, NAME, canonical.as_bytes())[..16]))
}

impl Plan {
    fn of_guess(ctx: &Ctx, tx: &dyn Tx, subject: &Subject, secret: &Secret) -> Result<Self> {
        let (limits, now) = (limits(ctx, tx)?, ctx.env.clock.now());
        let mut lost = None;
        if let Some(claims) = devices::known(ctx, subject, secret, now) {
            match Self::of_device(tx, &limits, (&claims, subject), now)? {
                Ok(plan) => return Ok(plan),
                Err(count) => lost = count,
            }
        }
        let account = Key { bucket: Bucket::Account, subject: subject.text.clone() };
        let mut keys = vec![(account, subject.user)];
        if let Some(address) = ctx.origin.address {
            keys.push((Key { bucket: Bucket::Address, subject: household(address) }, None));
            keys.push((Key { bucket: Bucket::Network, subject: network(address) }, None));
        }
        Ok(Self { lost, ..Self::of(tx, &limits, keys, now)? })
    }

    /// What a known device is counted by; or else the count to close, unless that was done before.
    fn of_device(
        tx: &dyn Tx,
        limits: &Limits,
        (claims, subject): (&Claims, &Subject),
        now: Timestamp,
    ) -> Result<Result<Self, Option<Count>>> {
        let key = Key { bucket: Bucket::Device, subject: hex(&claims.id) };
        let mut plan = Self::of(tx, limits, vec![(key, subject.user)], now)?;
        if plan.counts.iter().any(|count| count.attempts.closed_until.is_some_and(|until| now < until)) {
            return Ok(Err(None));
        }
        if plan.wait.is_none() {
            return Ok(Ok(plan));
        }
        let mut count = plan.counts.pop();
        if let Some(count) = &mut count {
            count.attempts.closed_until = Timestamp::from_timestamp(claims.expires_at, 0);
        }
        Ok(Err(count))
    }

    fn of(tx: &dyn Tx, limits: &Limits, keys: Vec<(Key, Option<UserId>)>, now: Timestamp) -> Result<Self> {
        let mut plan = Self { counts: Vec::new(), wait: None, is_put_back: false, lost: None };
        for (key, user) in keys.into_iter().filter(|(key, _)| !limits.is_off(key.bucket)) {
            let mut count = look_up(tx, key, user)?;
            let bucket = count.key.bucket;
            plan.is_put_back |= count.attempts.settle(bucket, limits, now);
            plan.wait = plan.wait.max(count.attempts.wait(bucket, limits, now));
            plan.counts.push(count);
        }
        Ok(plan)
    }

    /// Counts the attempt if it may be let in, else says how long it has to wait. To be called in the transaction in which
    /// the plan was made.
    fn settle(self, ctx: &Ctx, tx: &dyn Tx) -> Result<Result<Vec<(Key, i64)>, Duration>> {
        let (limits, now) = (limits(ctx, tx)?, ctx.env.clock.now());
        if let Some(lost) = self.lost {
            store(tx, &limits, lost.clone())?;
            let details = json!({"device": lost.key.subject});
            tx.record(&ctx.event("device.distrusted", "user", lost.user.map(|user| user.0), details))?;
        }
        let mut counted = Vec::new();
        for mut count in self.counts {
            if self.wait.is_none() {
                let at = count.attempts.count(count.key.bucket, &limits, now);
                counted.push((count.key.clone(), at));
                count.address = ctx.origin.address;
            }
            if self.wait.is_none() || self.is_put_back {
                store(tx, &limits, count)?;
            }
        }
        tidy(ctx, tx, counted.iter().any(|(key, _)| is_shared(&key.subject)))?;
        Ok(self.wait.map_or(Ok(counted), Err))
    }
}

fn limits(ctx: &Ctx, tx: &dyn Tx) -> Result<Limits> {
    Ok(settings::of(ctx.env, tx)?.guard())
}

fn store(tx: &dyn Tx, limits: &Limits, mut count: Count) -> Result<()> {
    count.expires_at = count.attempts.expires_at(count.key.bucket, limits);
    tx.store_attempts(&count)
}

/// What is known of a subject; of one of whom nothing is known, what is known of those with whom it shares a count once
/// the table is full.
fn look_up(tx: &dyn Tx, key: Key, user: Option<UserId>) -> Result<Count> {
    if let Some(known) = tx.attempts(&key)? {
        return Ok(Count { user, ..known });
    }
    let nothing =
        |key| Count { key, user, address: None, attempts: Default::default(), expires_at: Timestamp::default() };
    if tx.count_attempts()? < COUNTS_MAX {
        return Ok(nothing(key));
    }
    let key = Key { subject: shared(&key.subject), ..key };
    let known = tx.attempts(&key)?.unwrap_or_else(|| nothing(key));
    Ok(Count { user: None, ..known })
}

fn shared(subject: &str) -> String {
    let [a, b, c, d, ..] = mac::sha256(subject.as_bytes());
    format!("shared {}", u32::from_be_bytes([a, b, c, d]) % SHARED)
}

fn is_shared(subject: &str) -> bool {
    subject.starts_with("shared ")
}

/// Deletes some counts that matter no more. A full table is written to the audit trail, once an hour.
fn tidy(ctx: &Ctx, tx: &dyn Tx, is_full: bool) -> Result<()> {
    let now = ctx.env.clock.now();
    tx.purge_attempts(now, if is_full { TIDIED_FULL } else { TIDIED })?;
    if !is_full {
        return Ok(());
    }
    let told: Option<i64> = tx.mark(TOLD)?.and_then(|text| text.parse().ok());
    let told = told.and_then(Timestamp::from_timestamp_micros);
    if told.is_none_or(|told| told > now || told + TOLD_EVERY <= now) {
        tracing::warn!("there are too many counts of attempts: names that are new share counts");
        tx.set_mark(TOLD, &now.timestamp_micros().to_string())?;
        tx.record(&ctx.event("guard.limiter_full", "guard", None, json!({ "counts": COUNTS_MAX })))?;
    }
    Ok(())
}
