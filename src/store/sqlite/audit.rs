//! The audit trail in SQLite. Triggers keep events from being changed, and from being deleted before the head says that
//! they are pruned.

use rusqlite::types::Value;
use rusqlite::{Row, named_params, params_from_iter};

use super::list::{Filter, order};
use super::{SqliteTx, broken, micros, time};
use crate::domain::audit::{Entry, Hash, Head, Link};
use crate::domain::error::Result;
use crate::domain::pages::{Listing, Order};
use crate::store::audit::Chain;
use crate::store::{Audit, Instance};

const COLUMNS: &str = "id, at, actor_kind, actor_id, actor, door, ip_address, user_agent, action, entity, entity_id,
                       subject_id, result, details, hash, seal";

const ORDER: &[(&str, &str)] = &[("at", "at")];

fn entry(row: &Row) -> rusqlite::Result<Entry> {
    Ok(Entry {
        id: row.get("id")?,
        at: time(row, "at")?,
        actor_kind: row.get("actor_kind")?,
        actor_id: row.get("actor_id")?,
        actor: row.get("actor")?,
        door: row.get("door")?,
        ip_address: row.get("ip_address")?,
        user_agent: row.get("user_agent")?,
        action: row.get("action")?,
        entity: row.get("entity")?,
        entity_id: row.get("entity_id")?,
        subject_id: row.get("subject_id")?,
        result: row.get("result")?,
        details: row.get("details")?,
        hash: maybe_hash(row, "hash")?,
        seal: maybe_hash(row, "seal")?,
    })
}

/// A hash out of a column that may be empty. What is no hash is none: verifying says so, and lists go on.
fn maybe_hash(row: &Row, column: &str) -> rusqlite::Result<Option<Hash>> {
    let bytes: Option<Vec<u8>> = row.get(column)?;
    Ok(bytes.and_then(|bytes| bytes.try_into().ok()).map(Hash))
}

fn hash(row: &Row, column: &str) -> rusqlite::Result<Hash> {
    maybe_hash(row, column)?.ok_or_else(|| broken(column, "no hash"))
}

fn filter(listing: &Listing) -> Filter {
    let mut filter = Filter::default();
    if let Some(user) = listing.user {
        let either = "id IN (SELECT id FROM audit WHERE actor_id = ? UNION SELECT id FROM audit WHERE subject_id = ?)";
        filter.and(either, [Value::from(user.0), Value::from(user.0)]);
    }
    if let Some(event) = &listing.event {
        filter.and_prefix("audit", &["action"], std::slice::from_ref(event));
    }
    if let Some(since) = listing.since {
        filter.and("at >= ?", [Value::from(micros(since))]);
    }
    if let Some(until) = listing.until {
        filter.and("at < ?", [Value::from(micros(until))]);
    }
    for word in &listing.search {
        filter.and_prefix("audit", &["action", "ip_address"], &[word.to_lowercase()]);
    }
    filter
}

impl Audit for SqliteTx<'_> {
    fn chain(&self) -> &dyn Chain {
        self.chain.as_ref()
    }

    fn instance(&self) -> &dyn Instance {
        self
    }

    fn trail_head(&self) -> Result<Option<Head>> {
        self.one("SELECT last_id, last_hash, pruned_id, pruned_hash, seal FROM audit_head", [], |row| {
            Ok(Head {
                last: Link { id: row.get("last_id")?, hash: hash(row, "last_hash")? },
                pruned: Link { id: row.get("pruned_id")?, hash: hash(row, "pruned_hash")? },
                seal: hash(row, "seal")?,
            })
        })
    }

    fn set_trail_head(&self, head: &Head) -> Result<()> {
        self.change(
            "INSERT INTO audit_head (one, last_id, last_hash, pruned_id, pruned_hash, seal)
             VALUES (1, :last_id, :last_hash, :pruned_id, :pruned_hash, :seal)
             ON CONFLICT (one) DO UPDATE SET last_id = excluded.last_id, last_hash = excluded.last_hash,
                 pruned_id = excluded.pruned_id, pruned_hash = excluded.pruned_hash, seal = excluded.seal",
            named_params! {
                ":last_id": head.last.id,
                ":last_hash": head.last.hash.0,
                ":pruned_id": head.pruned.id,
                ":pruned_hash": head.pruned.hash.0,
                ":seal": head.seal.0,
            },
        )?;
        Ok(())
    }

    fn last_place(&self) -> Result<i64> {
        let sql = "SELECT seq FROM sqlite_sequence WHERE name = 'audit'";
        Ok(self.one(sql, [], |row| row.get(0))?.unwrap_or(0))
    }

    fn insert_entry(&self, entry: &Entry) -> Result<()> {
        let sql = format!(
            "INSERT INTO audit ({COLUMNS})
             VALUES (:id, :at, :actor_kind, :actor_id, :actor, :door, :ip_address, :user_agent, :action, :entity, :entity_id,
                     :subject_id, :result, :details, :hash, :seal)"
        );
        self.insert(
            &sql,
            named_params! {
                ":id": entry.id,
                ":at": micros(entry.at),
                ":actor_kind": entry.actor_kind,
                ":actor_id": entry.actor_id,
                ":actor": entry.actor,
                ":door": entry.door,
                ":ip_address": entry.ip_address,
                ":user_agent": entry.user_agent,
                ":action": entry.action,
                ":entity": entry.entity,
                ":entity_id": entry.entity_id,
                ":subject_id": entry.subject_id,
                ":result": entry.result,
                ":details": entry.details,
                ":hash": entry.hash.map(|hash| hash.0),
                ":seal": entry.seal.map(|seal| seal.0),
            },
        )?;
        Ok(())
    }

    fn chain_entry(&self, id: i64, hash: Hash, seal: Hash) -> Result<bool> {
        let sql = "UPDATE audit SET hash = ?2, seal = ?3 WHERE id = ?1 AND hash IS NULL";
        Ok(self.change(sql, (id, hash.0, seal.0))? == 1)
    }

    fn entry(&self, id: i64) -> Result<Option<Entry>> {
        self.one(&format!("SELECT {COLUMNS} FROM audit WHERE id = ?"), [id], entry)
    }

    fn entries_after(&self, id: i64, listing: &Listing) -> Result<Vec<Entry>> {
        let mut filter = filter(listing);
        filter.and("id > ?", [Value::from(id)]);
        let sql = format!("SELECT {COLUMNS} FROM audit {} ORDER BY id LIMIT ? OFFSET ?", filter.clause());
        let window = filter.window(&Listing { limit: listing.limit, ..Listing::default() });
        self.all(&sql, params_from_iter(window), entry)
    }

    fn count_entries(&self, listing: &Listing) -> Result<u64> {
        let filter = filter(listing);
        if filter.is_empty() {
            return self.counted("audit");
        }
        self.count(&format!("SELECT COUNT(*) FROM audit {}", filter.clause()), params_from_iter(filter.values))
    }

    fn list_entries(&self, listing: &Listing) -> Result<Vec<Entry>> {
        let newest = || vec![Order { field: "id", descending: true }];
        let ordered = if listing.order.is_empty() { newest() } else { listing.order.clone() };
        let listing = Listing { order: ordered, ..listing.clone() };
        let (filter, order) = (filter(&listing), order(&listing, ORDER));
        let page = format!("SELECT id FROM audit {} {order} LIMIT ? OFFSET ?", filter.clause());
        let sql = format!("SELECT {COLUMNS} FROM audit WHERE id IN ({page}) {order}");
        self.all(&sql, params_from_iter(filter.window(&listing)), entry)
    }

    fn delete_entries(&self, up_to: i64) -> Result<u64> {
        Ok(self.change("DELETE FROM audit WHERE id <= ?", [up_to])? as u64)
    }
}
