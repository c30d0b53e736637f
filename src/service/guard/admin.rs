//! Looking at what is limited, and lifting it.

use std::net::IpAddr;

use serde_json::json;

use super::{Subject, Whose, limits, name, of_user, shared};
use crate::domain::error::Result;
use crate::domain::guard::{Bucket, Count, Key, household, network};
use crate::domain::identifiers::sign_in_keys;
use crate::domain::ids::{Timestamp, UserId};
use crate::service::{Ctx, bounds, secrets};
use crate::store::guard::Counts;

/// Counts that are read at once.
const PAGE: u32 = 1000;

/// A count and what it means now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limited {
    /// What is counted.
    pub bucket: Bucket,
    /// For whom: `user 7`, `name` and a hash, an address, a device's or session's id, or `shared` and a number.
    pub subject: String,
    /// Whose account it is about, if anybody's: id, and what he is called, unless he is gone.
    pub user: Option<(UserId, Option<String>)>,
    /// Attempts that count.
    pub attempts: u64,
    /// When the next is let in, if it is not now; for a device that lost trust, when it would have ended.
    pub until: Option<Timestamp>,
    /// When somebody tried last.
    pub last: Option<Timestamp>,
    /// From where.
    pub address: Option<IpAddr>,
}

/// What is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Range {
    /// What is limited now.
    Limited,
    /// Everything that is counted.
    Counted,
}

/// What is lifted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Those {
    /// Everything.
    All,
    /// What is about this account.
    User(UserId),
    /// What is about an account of this name that does not exist.
    Name(String),
    /// What is about this address and its network.
    Address(IpAddr),
    /// What is about this network, as it is listed.
    Network(String),
}

/// What is counted or limited now, by bucket and subject.
///
/// Operators and superusers only.
///
/// # Errors
/// `Forbidden(SuperuserOnly)`, and those of the store.
pub fn list(ctx: &Ctx, range: Range) -> Result<Vec<Limited>> {
    bounds::superuser(ctx)?;
    ctx.env.store.read(|tx| {
        let limits = limits(ctx, tx)?;
        let mut found: Vec<Limited> = Vec::new();
        let mut after: Option<Key> = None;
        loop {
            let page = tx.list_attempts(after.as_ref(), PAGE)?;
            let Some(last) = page.last() else { return Ok(found) };
            after = Some(last.key.clone());
            for Count { key, user, address, mut attempts, .. } in page {
                attempts.settle(key.bucket, &limits, ctx.now);
                let wait = attempts.wait(key.bucket, &limits, ctx.now);
                let until = wait.and_then(|wait| ctx.now.checked_add_signed(chrono::Duration::from_std(wait).ok()?));
                let until = attempts.closed_until.filter(|closed| ctx.now < *closed).or(until);
                let counts = !attempts.times().is_empty() && range == Range::Counted;
                if limits.is_off(key.bucket) || !(counts || until.is_some()) {
                    continue;
                }
                let label = user.map(|id| tx.user(id)).transpose()?.flatten().map(|user| user.label().to_owned());
                found.push(Limited {
                    bucket: key.bucket,
                    subject: key.subject,
                    user: user.map(|id| (id, label)),
                    attempts: attempts.times().len() as u64,
                    until,
                    last: attempts.last(),
                    address,
                });
            }
        }
    })
}

/// Forgets attempts, so that the next is let in at once; says how many counts there were.
///
/// Operators and superusers only. Writes one `guard.cleared` event, if there were any.
///
/// # Errors
/// `Forbidden(SuperuserOnly)`, and those of the store.
pub fn clear(ctx: &Ctx, those: &Those) -> Result<u64> {
    bounds::superuser(ctx)?;
    ctx.write(|tx| {
        let mut gone = 0;
        let mut forget = |which: &Counts| -> Result<()> {
            gone += tx.forget_attempts(which)?;
            Ok(())
        };
        let one = |bucket: Bucket, subject: &str| Counts::One(Key { bucket, subject: subject.to_owned() });
        let (what, id) = match those {
            Those::All => {
                forget(&Counts::All)?;
                ("everything".to_owned(), None)
            }
            Those::User(user) => {
                forget(&Counts::OfUser(*user))?;
                forget(&one(Bucket::Account, &shared(&of_user(*user))))?;
                (of_user(*user), Some(user.0))
            }
            Those::Name(typed) => {
                let secret = secrets::of_generation(&ctx.env.master, tx.instance())?;
                let subject = Subject::of(tx, &secret, &Whose::Named(typed))?.text;
                let unknown = name(&secret, &sign_in_keys(typed), typed);
                for bucket in Bucket::ALL.into_iter().filter(|bucket| !bucket.is_of_addresses()) {
                    forget(&one(bucket, &unknown))?;
                }
                forget(&one(Bucket::Account, &shared(&subject)))?;
                (unknown, None)
            }
            Those::Address(address) => {
                for bucket in Bucket::ALL.into_iter().filter(|bucket| bucket.is_of_addresses()) {
                    let of = if bucket == Bucket::Network { network(*address) } else { household(*address) };
                    forget(&one(bucket, &of))?;
                    forget(&one(bucket, &shared(&of)))?;
                }
                (household(*address), None)
            }
            Those::Network(text) => {
                for bucket in Bucket::ALL.into_iter().filter(|bucket| bucket.is_of_addresses()) {
                    forget(&one(bucket, text))?;
                }
                (text.clone(), None)
            }
        };
        if gone > 0 {
            tx.record(&ctx.event("guard.cleared", "guard", id, json!({"of": what, "counts": gone})))?;
        }
        Ok(gone)
    })
}
