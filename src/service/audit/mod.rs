//! The audit trail: looking through it, taking it out, pruning it. It is written by all other operations, each in its own
//! transaction (`Ctx::event`); no operation changes an event or takes out any but the oldest.
//!
//! - [`verify()`] says whether it is as it was written; `seal.rs`, by what that is known.
//! - [`Tally`] counts what anybody can cause as often as he likes, so that it makes one event a minute and not one each.
//! - [`Scribe`] is the thread of a server that writes those, and prunes.

mod scribe;
mod seal;
mod tally;
mod verify;

use serde_json::json;

use crate::domain::audit::{Entry, Link};
use crate::domain::error::{Error, Result};
use crate::domain::pages::{Listing, PageOf};
use crate::domain::rights::{Right, action, resource};
use crate::service::{Actor, Ctx, Env, Origin, backups, secrets, settings};

pub use crate::store::audit::AUDIT_ORDER as ORDER;
pub use scribe::Scribe;
pub use seal::Sealer;
pub use tally::{Refusal, Tally, record, record_in};
pub use verify::{Broken, Fault, Verified, verify, verify_newest};

/// Events that are pruned in one transaction.
const BATCH: u32 = 1000;
/// Events of one page of an export.
const PAGE: u32 = 1000;

/// Events, newest first unless another order is asked for.
///
/// Needs `audit:read`.
///
/// # Errors
/// `Forbidden`, and those of the store.
pub fn list(ctx: &Ctx, listing: &Listing) -> Result<PageOf<Entry>> {
    ctx.require(&Right::of(resource::AUDIT, action::READ))?;
    ctx.env.store.read(|tx| PageOf::of(listing, tx.list_entries(listing)?, || tx.count_entries(listing)))
}

/// The next lines of an export, oldest first: those of events after the place `after` that match the filters of
/// `listing`, with the place of the last. None when there are no more. Each page is a transaction of its own, so that an
/// export that is slow to be written holds none open.
///
/// Needs `audit:read`.
///
/// # Errors
/// `Forbidden`, and those of the store.
pub fn export(ctx: &Ctx, listing: &Listing, after: i64) -> Result<Option<(Vec<String>, i64)>> {
    ctx.require(&Right::of(resource::AUDIT, action::READ))?;
    ctx.env.store.read(|tx| {
        let entries = tx.entries_after(after, &Listing { limit: PAGE, ..listing.clone() })?;
        let Some(newest) = entries.last().map(|entry| entry.id) else { return Ok(None) };
        let pruned = tx.trail_head()?.unwrap_or_default().pruned;
        let mut before: Link = Link::default();
        let mut lines = Vec::new();
        for entry in entries {
            let previous = match entry.id - 1 {
                place if place == before.id => before.hash,
                place if place == pruned.id => pruned.hash,
                place => tx.entry(place)?.and_then(|entry| entry.hash).unwrap_or_default(),
            };
            lines.push(entry.line(&previous));
            before = Link { id: entry.id, hash: entry.hash.unwrap_or_default() };
        }
        Ok(Some((lines, newest)))
    })
}

/// Deletes what is older than the setting `audit.retention`, oldest first, in batches that never hold the database for
/// long; says how many events. The trail stays whole: its head keeps the hash that the oldest event left hangs on.
///
/// Needs `audit:delete`. Writes one `audit.pruned` event for each batch.
///
/// # Errors
/// `Forbidden`; `Internal` when somebody else wrote the head; those of the store. What was deleted until then stays deleted.
pub fn prune(ctx: &Ctx) -> Result<u64> {
    ctx.require(&Right::of(resource::AUDIT, action::DELETE))?;
    let Some(kept) = settings::in_force(ctx.env)?.audit_retention() else { return Ok(0) };
    let Some(before) = ctx.now.checked_sub_signed(kept) else { return Ok(0) };
    let mut total = 0;
    loop {
        let gone = ctx.write(|tx| {
            let Some(head) = tx.trail_head()? else { return Ok(0) };
            let oldest = tx.entries_after(head.pruned.id, &Listing { limit: BATCH, ..Listing::default() })?;
            // What is younger keeps all that follows it: a trail has one beginning.
            let Some(last) = oldest.iter().take_while(|entry| entry.at < before).last() else { return Ok(0) };
            let hash = last.hash.ok_or_else(|| Error::internal("an event of the audit trail is not chained"))?;
            let gone = tx.prune(Link { id: last.id, hash })?;
            tx.record(&ctx.event("audit.pruned", "audit", None, json!({"up_to": last.id, "count": gone})))?;
            Ok(gone)
        })?;
        total += gone;
        if gone < u64::from(BATCH) {
            return Ok(total);
        }
    }
}

/// Makes sure that events can be sealed, and writes down that the file was brought from an older version to another, if it
/// was. Where that cannot be, since the master key is missing or the file damaged, the program begins nevertheless, to look
/// at what is there and to say so: whatever writes will fail.
pub fn begin(env: &Env, migrated: Option<(i64, i64)>) {
    let told = |error: Error| match error {
        Error::Internal(cause) => tracing::warn!("nothing can be written into the audit trail: {cause}"),
        error => tracing::warn!("nothing can be written into the audit trail: {error}"),
    };
    let begun = secrets::ensure(env).and_then(|()| by_server(env, backups::catch_up)).and_then(|()| {
        let Some((from, to)) = migrated else { return Ok(()) };
        by_server(env, |ctx| {
            let event = ctx.event("database.migrated", "database", None, json!({"from": from, "to": to}));
            ctx.env.store.write(|tx| tx.record(&event))
        })
    });
    begun.unwrap_or_else(told);
}

/// Does something in the name of the program itself.
fn by_server<T>(env: &Env, what: impl FnOnce(&Ctx) -> T) -> T {
    let (actor, origin) = (Actor::Operator("authsrv".to_owned()), Origin { door: "start", ..Origin::default() });
    what(&env.ctx(&actor, &origin))
}
