//! Whether the audit trail is as it was written.

use std::fmt;

use crate::domain::audit::{Entry, Head, Link};
use crate::domain::error::Result;
use crate::domain::pages::Listing;
use crate::domain::rights::{Right, action, resource};
use crate::service::Ctx;
use crate::store::Tx;
use crate::store::audit::{CHAINED, TAMPERED, is_sealed, linked};

/// Events that are looked at in one transaction.
const PAGE: u32 = 1000;

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Verified {
    /// How many events were looked at.
    pub checked: u64,
    /// The oldest of them.
    pub first: Option<i64>,
    /// The newest that is as it was written. Whoever keeps it elsewhere can tell later that the trail was not replaced by
    /// an older one.
    pub last: Link,
    /// Up to where it was pruned; 0 if never.
    pub pruned: i64,
    /// The event that says that what is before it was chained only then.
    pub chained_at: Option<i64>,
    /// The first fault.
    pub broken: Option<Broken>,
}

/// Where the trail is broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// The place.
    pub id: i64,
    /// How.
    pub fault: Fault,
}

/// In what way the trail is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The event is not what was hashed, or does not follow the one before it.
    Changed,
    /// Its hash fits and its seal does not: somebody without the key wrote it.
    Forged,
    /// The events from here up to this place are gone.
    Missing(i64),
    /// There is an event where the trail has none any more or none yet.
    Added,
    /// Somebody else than this program wrote where the trail begins and ends.
    Head,
    /// The program met such a head, and went on from it, with this event.
    Tampered,
    /// The hash is another than the one expected.
    Unexpected,
    /// There is no event here to compare with the one expected.
    Unknown,
}

impl Fault {
    /// One word for programs.
    pub fn as_str(self) -> &'static str {
        match self {
            Fault::Changed => "changed",
            Fault::Forged => "forged",
            Fault::Missing(_) => "missing",
            Fault::Added => "added",
            Fault::Head => "head",
            Fault::Tampered => "tampered",
            Fault::Unexpected => "unexpected",
            Fault::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = self.id;
        match self.fault {
            Fault::Changed => write!(f, "event {id} was changed, or put where another was"),
            Fault::Forged => {
                write!(f, "event {id} was not written by this server: its hash fits and its seal does not")
            }
            Fault::Missing(to) if to == id => write!(f, "event {id} was removed"),
            Fault::Missing(to) => write!(f, "events {id} to {to} were removed"),
            Fault::Added => write!(f, "event {id} was added by somebody else"),
            Fault::Head => write!(f, "where the trail begins and ends was changed by somebody else"),
            Fault::Tampered => write!(
                f,
                "event {id} says that the end of the trail had been changed by somebody else; events before it may be missing"
            ),
            Fault::Unexpected => write!(f, "event {id} is not the one expected: the trail was replaced by another"),
            Fault::Unknown => {
                write!(f, "there is no event {id} any more, or not yet, to compare with the one expected")
            }
        }
    }
}

/// Walks the whole trail, in transactions of bounded length, and stops at the first fault. With `expected`, an event that
/// was noted elsewhere must be in it.
///
/// Needs `audit:read`.
///
/// # Errors
/// `Forbidden`; `Internal` when the master key cannot be used; those of the store.
pub fn verify(ctx: &Ctx, expected: Option<Link>) -> Result<Verified> {
    ctx.require(&Right::of(resource::AUDIT, action::READ))?;
    let mut walk = Walk { expected, ..Walk::default() };
    loop {
        if ctx.env.store.read(|tx| walk.page(tx))? {
            return Ok(walk.ended());
        }
    }
}

/// The same for the newest events, at most `most`.
///
/// Needs `audit:read`.
///
/// # Errors
/// Those of [`verify`].
pub fn verify_newest(ctx: &Ctx, most: u32) -> Result<Verified> {
    ctx.require(&Right::of(resource::AUDIT, action::READ))?;
    let mut walk = Walk::default();
    ctx.env.store.read(|tx| {
        let last = tx.trail_head()?.unwrap_or_default().last.id;
        let start = tx.entry(last.saturating_sub(i64::from(most)))?;
        if let Some((id, hash)) = start.and_then(|entry| Some((entry.id, entry.hash?))) {
            walk.found.last = Link { id, hash };
            walk.begun = true;
        }
        Ok(())
    })?;
    loop {
        if ctx.env.store.read(|tx| walk.page(tx))? {
            return Ok(walk.ended());
        }
    }
}

#[derive(Default)]
struct Walk {
    found: Verified,
    expected: Option<Link>,
    /// Whether what is before the first event is settled.
    begun: bool,
}

impl Walk {
    /// Looks at the next events; true when there is nothing more to look at.
    fn page(&mut self, tx: &dyn Tx) -> Result<bool> {
        let Some(head) = self.head(tx)? else { return Ok(true) };
        // What was pruned meanwhile is not missing.
        if head.pruned.id > self.found.last.id {
            self.found.last = head.pruned;
        }
        self.found.pruned = head.pruned.id;
        let entries = tx.entries_after(self.found.last.id, &Listing { limit: PAGE, ..Listing::default() })?;
        for entry in &entries {
            if let Some(fault) = self.fault(tx, &head, entry)? {
                return Ok(self.broken(fault.0, fault.1));
            }
        }
        if entries.len() == PAGE as usize {
            return Ok(false);
        }
        let last = self.found.last;
        if last.id < head.last.id {
            return Ok(self.broken(last.id + 1, Fault::Missing(head.last.id)));
        }
        Ok(if last.hash == head.last.hash { true } else { self.broken(last.id, Fault::Changed) })
    }

    /// The head, if it can be trusted and nothing stands before the beginning.
    fn head(&mut self, tx: &dyn Tx) -> Result<Option<Head>> {
        let one = Listing { limit: 1, ..Listing::default() };
        let first = || -> Result<Option<i64>> { Ok(tx.entries_after(0, &one)?.first().map(|entry| entry.id)) };
        let Some(head) = tx.trail_head()? else {
            if let Some(id) = first()? {
                self.broken(id, Fault::Head);
            }
            return Ok(None);
        };
        if !is_sealed(tx, &head)? {
            self.broken(head.last.id, Fault::Head);
            return Ok(None);
        }
        if !self.begun
            && let Some(id) = first()?.filter(|id| *id <= head.pruned.id)
        {
            self.broken(id, Fault::Added);
            return Ok(None);
        }
        self.begun = true;
        Ok(Some(head))
    }

    /// What is wrong with the next event, and where; else it is the last that was found good.
    fn fault(&mut self, tx: &dyn Tx, head: &Head, entry: &Entry) -> Result<Option<(i64, Fault)>> {
        let (id, before) = (entry.id, self.found.last);
        if id > head.last.id {
            return Ok(Some((id, Fault::Added)));
        }
        if id != before.id + 1 {
            return Ok(Some((before.id + 1, Fault::Missing(id - 1))));
        }
        let (hash, seal) = linked(tx, entry, &before.hash)?;
        if entry.hash != Some(hash) {
            return Ok(Some((id, Fault::Changed)));
        }
        if entry.seal != Some(seal) {
            return Ok(Some((id, Fault::Forged)));
        }
        if entry.action == TAMPERED {
            return Ok(Some((id, Fault::Tampered)));
        }
        if let Some(expected) = self.expected.filter(|expected| expected.id == id) {
            if expected.hash != hash {
                return Ok(Some((id, Fault::Unexpected)));
            }
            self.expected = None;
        }
        if entry.action == CHAINED {
            self.found.chained_at = Some(id);
        }
        self.found.first.get_or_insert(id);
        self.found.checked += 1;
        self.found.last = Link { id, hash };
        Ok(None)
    }

    fn broken(&mut self, id: i64, fault: Fault) -> bool {
        self.found.broken = Some(Broken { id, fault });
        true
    }

    fn ended(mut self) -> Verified {
        if let (None, Some(expected)) = (&self.found.broken, self.expected) {
            self.broken(expected.id, Fault::Unknown);
        }
        self.found
    }
}
