//! What the services ask of the audit trail, and how an event is chained to the one before it.

use super::{Instance, missed};
use crate::domain::audit::{Entry, Event, Hash, Head, Link};
use crate::domain::error::{Error, Result};
use crate::domain::pages::Listing;

/// Fields that a list of events can be ordered by.
pub const AUDIT_ORDER: &[&str] = &["id", "at"];

/// Events at once, when those are chained that were written before there was a chain.
const BATCH: u32 = 1000;

/// Name of the event that says that what is before it was chained only then, since an older program wrote it.
pub const CHAINED: &str = "audit.chained";
/// Name of the event that says that somebody else than this program wrote the head.
pub const TAMPERED: &str = "audit.tampered";

/// Makes hashes and seals: an engine knows no keys.
pub trait Chain: Send + Sync {
    /// SHA-256.
    fn hash(&self, text: &str) -> Hash;

    /// The seal on a text, under a key that the database alone does not yield.
    ///
    /// # Errors
    /// `Internal` when the key cannot be had; those of the store.
    fn seal(&self, tx: &dyn Instance, text: &str) -> Result<Hash>;
}

/// The append-only trail.
pub trait Audit: Instance {
    /// What hashes and seals.
    fn chain(&self) -> &dyn Chain;
    /// Itself, as a seal needs it.
    fn instance(&self) -> &dyn Instance;
    /// Where the trail begins and ends; nothing before the first event is chained.
    fn trail_head(&self) -> Result<Option<Head>>;
    /// Sets that.
    fn set_trail_head(&self, head: &Head) -> Result<()>;
    /// The last place that was ever taken in the trail; 0 if none was.
    fn last_place(&self) -> Result<i64>;
    /// Writes an event at its place.
    fn insert_entry(&self, entry: &Entry) -> Result<()>;
    /// Chains an event that is not; false if there is none such.
    fn chain_entry(&self, id: i64, hash: Hash, seal: Hash) -> Result<bool>;
    /// The event at a place.
    fn entry(&self, id: i64) -> Result<Option<Entry>>;
    /// Events after a place, oldest first, at most `listing.limit`. Of the listing the filters count.
    fn entries_after(&self, id: i64, listing: &Listing) -> Result<Vec<Entry>>;
    /// How many events match.
    fn count_entries(&self, listing: &Listing) -> Result<u64>;
    /// Those that match, newest first unless another order is asked for. Searched: action and address, from their
    /// beginning.
    fn list_entries(&self, listing: &Listing) -> Result<Vec<Entry>>;
    /// Deletes the events up to a place, all of which the head must say to be pruned; says how many.
    fn delete_entries(&self, up_to: i64) -> Result<u64>;

    /// Adds an event to the trail.
    fn record(&self, event: &Event) -> Result<()> {
        let head = trusted(self, event)?;
        appended(self, &head, event).map(drop)
    }

    /// Takes the events up to a place out of the trail, which stays whole: its head remembers the hash that the next one
    /// hangs on. Says how many.
    fn prune(&self, up_to: Link) -> Result<u64> {
        let head = self.trail_head()?.ok_or_else(|| Error::internal("the audit trail has no head"))?;
        if !is_sealed(self, &head)? {
            return Err(Error::internal(
                "the audit trail was tampered with and is not pruned; `audit verify` says more",
            ));
        }
        sealed(self, Head { pruned: up_to, ..head })?;
        self.delete_entries(up_to.id)
    }
}

/// The hash of an entry that follows the event of `previous`, and the seal on it.
pub fn linked<T: Audit + ?Sized>(tx: &T, entry: &Entry, previous: &Hash) -> Result<(Hash, Hash)> {
    let hash = tx.chain().hash(&entry.text(previous));
    Ok((hash, tx.chain().seal(tx.instance(), &hash.to_string())?))
}

/// Whether a head is as it was written.
pub fn is_sealed<T: Audit + ?Sized>(tx: &T, head: &Head) -> Result<bool> {
    Ok(tx.chain().seal(tx.instance(), &head.text())? == head.seal)
}

/// Writes an event behind a head; gives the new head.
fn appended<T: Audit + ?Sized>(tx: &T, head: &Head, event: &Event) -> Result<Head> {
    // Whoever put rows behind the end must not keep us from writing: they are seen when the trail is verified.
    let id = tx.last_place()?.max(head.last.id) + 1;
    let mut entry = Entry::new(id, event);
    let (hash, seal) = linked(tx, &entry, &head.last.hash)?;
    (entry.hash, entry.seal) = (Some(hash), Some(seal));
    tx.insert_entry(&entry)?;
    sealed(tx, Head { last: Link { id, hash }, ..*head })
}

/// Writes a head with its seal.
fn sealed<T: Audit + ?Sized>(tx: &T, head: Head) -> Result<Head> {
    let head = Head { seal: tx.chain().seal(tx.instance(), &head.text())?, ..head };
    tx.set_trail_head(&head)?;
    Ok(head)
}

/// The head to write behind. One that somebody else wrote is sealed anew, since writing goes on, but not without an event
/// that says so, by which the trail is broken for good.
fn trusted<T: Audit + ?Sized>(tx: &T, event: &Event) -> Result<Head> {
    match tx.trail_head()? {
        Some(head) if is_sealed(tx, &head)? => Ok(head),
        Some(head) => appended(tx, &head, &own(TAMPERED, event, r#"{"head":"changed"}"#.to_owned())),
        None => chained(tx, event),
    }
}

/// Chains what was written before there was a chain: once in the life of a database, with the first event after that.
fn chained<T: Audit + ?Sized>(tx: &T, event: &Event) -> Result<Head> {
    let listing = Listing { limit: BATCH, ..Listing::default() };
    let (mut last, mut count, mut was_chained) = (Link::default(), 0, false);
    loop {
        let entries = tx.entries_after(last.id, &listing)?;
        for entry in &entries {
            last = match entry.hash {
                Some(hash) => Link { id: entry.id, hash },
                None => Link { id: entry.id, hash: chained_one(tx, entry, &last.hash)? },
            };
            was_chained |= entry.hash.is_some();
            count += 1;
        }
        if entries.is_empty() {
            break;
        }
    }
    let head = Head { last, ..Head::default() };
    match (count, was_chained) {
        (0, _) => Ok(head),
        (_, true) => appended(tx, &head, &own(TAMPERED, event, r#"{"head":"missing"}"#.to_owned())),
        (count, false) => appended(tx, &head, &own(CHAINED, event, format!(r#"{{"count":{count}}}"#))),
    }
}

fn chained_one<T: Audit + ?Sized>(tx: &T, entry: &Entry, previous: &Hash) -> Result<Hash> {
    let (hash, seal) = linked(tx, entry, previous)?;
    if tx.chain_entry(entry.id, hash, seal)? { Ok(hash) } else { Err(missed("audit")) }
}

/// An event of the trail itself, at the time of the one that is about to be written.
fn own(action: &'static str, next: &Event, details: String) -> Event {
    Event {
        at: next.at,
        actor_kind: "operator",
        actor_id: None,
        actor: "authsrv".to_owned(),
        door: "start",
        ip_address: None,
        user_agent: String::new(),
        action,
        entity: "audit",
        entity_id: None,
        subject: None,
        result: "ok",
        details,
    }
}
