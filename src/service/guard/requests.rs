//! What is limited and no guess at a password: registrations, refreshes, links that are asked for by mail, and credentials of
//! services.

use std::time::Duration;

use super::{Plan, Subject, Whose, devices, limits, name, of_user, shut};
use crate::domain::error::{Error, Result};
use crate::domain::guard::{Bucket, Key, household};
use crate::domain::identifiers::sign_in_keys;
use crate::domain::ids::UserId;
use crate::service::{Actor, Ctx, secrets};
use crate::store::Tx;

/// Counts one attempt in one bucket, in a transaction that is open; says how long it has to wait if it may not be let in,
/// and is then not counted. Operators are not counted.
fn count_one(ctx: &Ctx, tx: &dyn Tx, key: Key, user: Option<UserId>) -> Result<Option<Duration>> {
    if matches!(ctx.actor, Actor::Operator(_)) {
        return Ok(None);
    }
    let plan = Plan::of(tx, &limits(ctx, tx)?, vec![(key, user)], ctx.env.clock.now())?;
    Ok(plan.settle(ctx, tx)?.err())
}

/// Lets somebody try to register, and counts him by his address.
///
/// # Errors
/// `TooMany`; `Unavailable` — it cannot be counted.
pub(in crate::service) fn registration(ctx: &Ctx) -> Result<()> {
    let Some(address) = ctx.origin.address else { return Ok(()) };
    let key = Key { bucket: Bucket::Register, subject: household(address) };
    match shut(ctx.env.store.write(|tx| count_one(ctx, tx, key, None)))? {
        Some(wait) => Err(Error::TooMany { retry_after: wait }),
        None => Ok(()),
    }
}

/// Counts a refresh of a session; says how long it has to wait if it may not be let in.
pub(in crate::service) fn refresh(ctx: &Ctx, tx: &dyn Tx, session: &str, user: UserId) -> Result<Option<Duration>> {
    count_one(ctx, tx, Key { bucket: Bucket::Refresh, subject: session.to_owned() }, Some(user))
}

/// Doors at which services and proxies show credentials.
const OF_SERVICES: [&str; 3] = ["oauth", "authzen", "forward"];

/// What to answer where services and proxies show credentials that are not good: their refusal, or that there were too many
/// from this address (E.3). Good ones are never counted nor asked about here, since they are too long to be guessed, and
/// whoever shares an address with somebody who guesses is not to be kept out. What cannot be counted is refused as well.
pub fn secret(ctx: &Ctx, refusal: Error) -> Error {
    let is_a_guess = OF_SERVICES.contains(&ctx.origin.door)
        && matches!(&refusal, Error::Unauthenticated(reason) if reason.is_a_guess());
    let Some(address) = ctx.origin.address.filter(|_| is_a_guess) else { return refusal };
    let key = Key { bucket: Bucket::Secret, subject: household(address) };
    let counted = || {
        let plan = |tx: &dyn Tx| Plan::of(tx, &limits(ctx, tx)?, vec![(key.clone(), None)], ctx.env.clock.now());
        let plan = ctx.env.store.read(plan)?;
        if plan.counts.is_empty() || (plan.wait.is_some() && !plan.is_put_back) {
            return Ok(plan.wait);
        }
        ctx.env.store.write(|tx| count_one(ctx, tx, key.clone(), None))
    };
    match counted() {
        Ok(None) => refusal,
        Ok(Some(wait)) => Error::TooMany { retry_after: wait },
        Err(error) => {
            let error: Error = error;
            tracing::warn!(%error, "credentials that are refused are not counted");
            refusal
        }
    }
}

/// What is to be done for somebody who asks for a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::service) enum Post {
    /// Send it.
    Send,
    /// Do as if.
    Feign,
    /// Tell him to wait.
    Refuse(Duration),
}

/// Counts a mail that is asked for to this address, by whose it is and by where it is asked from. `user` is who has the
/// address. A known device of his is exempt from the count by where.
pub(in crate::service) fn mail(
    ctx: &Ctx,
    tx: &dyn Tx,
    bucket: Bucket,
    (email, user): (&str, Option<UserId>),
) -> Result<Post> {
    let secret = secrets::of_generation(&ctx.env.master, tx.instance())?;
    let whose = user.map_or(Whose::Named(email), Whose::User);
    let subject = Subject::of(tx, &secret, &whose)?;
    let name = name(&secret, &sign_in_keys(email), email);
    let is_known = devices::known(ctx, &subject, &secret, ctx.env.clock.now()).is_some();
    if let Some(address) = ctx.origin.address.filter(|_| !is_known) {
        let key = Key { bucket: Bucket::MailAddress, subject: household(address) };
        if let Some(wait) = count_one(ctx, tx, key, None)? {
            return Ok(Post::Refuse(wait));
        }
    }
    let key = Key { bucket, subject: user.map_or(name, of_user) };
    Ok(if count_one(ctx, tx, key, user)?.is_some() { Post::Feign } else { Post::Send })
}
