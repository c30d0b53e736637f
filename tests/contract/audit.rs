//! The trail as a store keeps it: in order, chained, append-only.

use authsrv::domain::audit::{Entry, Event, Hash, Head, Link, details};
use authsrv::domain::ids::UserId;
use authsrv::domain::pages::{Listing, Order};
use authsrv::store::Store;
use rusqlite::Connection;
use serde_json::json;

use super::{all, at, store};

fn event(action: &'static str, n: i64) -> Event {
    Event {
        at: at(n),
        actor_kind: "user",
        actor_id: Some(1),
        actor: "root@example.com".to_owned(),
        door: "test",
        ip_address: Some("192.0.2.1".to_owned()),
        user_agent: "tests".to_owned(),
        action,
        entity: "user",
        entity_id: Some(2),
        subject: Some(UserId(2)),
        result: "ok",
        details: details(&json!({"n": n})),
    }
}

fn record(store: &dyn Store, action: &'static str, n: i64) {
    store.write(|tx| tx.record(&event(action, n))).unwrap();
}

fn entries(store: &dyn Store) -> Vec<Entry> {
    store.read(|tx| tx.entries_after(0, &all())).unwrap()
}

fn head(store: &dyn Store) -> Head {
    store.read(|tx| tx.trail_head()).unwrap().unwrap()
}

#[test]
fn events_follow_each_other_and_the_head_follows_them() {
    let (_folder, store) = store();
    assert_eq!(store.read(|tx| tx.trail_head()).unwrap(), None);
    for n in 1..=3 {
        record(store.as_ref(), "user.created", n);
    }
    let entries = entries(store.as_ref());
    assert_eq!(entries.iter().map(|entry| entry.id).collect::<Vec<_>>(), [1, 2, 3]);
    let mut previous = Hash::default();
    for entry in &entries {
        assert_eq!(entry.hash, Some(super::chain().hash(&entry.text(&previous))));
        previous = entry.hash.unwrap();
        assert!(entry.seal.is_some() && entry.seal != entry.hash);
    }
    assert_eq!(head(store.as_ref()).last, Link { id: 3, hash: previous });
    // What is rolled back takes no place.
    store
        .write(|tx| {
            tx.record(&event("user.deleted", 4)).and(Err::<(), _>(authsrv::domain::error::Error::internal("no")))
        })
        .unwrap_err();
    record(store.as_ref(), "user.created", 5);
    assert_eq!(head(store.as_ref()).last.id, 4);
}

#[test]
fn lists_are_filtered_and_ordered() {
    let (_folder, store) = store();
    for (n, action) in [(1, "login.failed"), (2, "login.succeeded"), (3, "user.created"), (4, "loginx")] {
        record(store.as_ref(), action, n);
    }
    store
        .write(|tx| tx.record(&Event { actor_id: None, subject: Some(UserId(9)), ..event("user.deleted", 5) }))
        .unwrap();
    let ids = |listing: Listing| -> Vec<i64> {
        let listing = Listing { limit: 10, ..listing };
        store
            .read(|tx| {
                let found: Vec<i64> = tx.list_entries(&listing)?.iter().map(|entry| entry.id).collect();
                assert_eq!(tx.count_entries(&listing)?, found.len() as u64);
                let mut oldest: Vec<i64> = tx.entries_after(0, &listing)?.iter().map(|entry| entry.id).collect();
                oldest.reverse();
                if listing.order.is_empty() {
                    assert_eq!(oldest, found);
                }
                Ok(found)
            })
            .unwrap()
    };
    let some = Listing::default;
    assert_eq!(ids(some()), [5, 4, 3, 2, 1], "newest first");
    assert_eq!(ids(Listing { order: vec![Order { field: "at", descending: false }], ..some() }), [1, 2, 3, 4, 5]);
    assert_eq!(ids(Listing { event: Some("login.".to_owned()), ..some() }), [2, 1]);
    assert_eq!(ids(Listing { event: Some("login".to_owned()), ..some() }), [4, 2, 1]);
    assert_eq!(ids(Listing { event: Some("login%".to_owned()), ..some() }), [0; 0]);
    assert_eq!(ids(Listing { user: Some(UserId(9)), ..some() }), [5], "as the subject");
    assert_eq!(ids(Listing { user: Some(UserId(1)), ..some() }), [4, 3, 2, 1], "as the actor");
    assert_eq!(ids(Listing { since: Some(at(2)), until: Some(at(4)), ..some() }), [3, 2]);
    assert_eq!(ids(Listing { search: vec!["user".to_owned(), "192.0".to_owned()], ..some() }), [5, 3]);
}

/// What was written is neither changed nor removed, whoever asks; only what the head says to be pruned may go.
#[test]
fn the_trail_is_append_only() {
    let (folder, store) = store();
    for n in 1..=4 {
        record(store.as_ref(), "user.created", n);
    }
    let raw = Connection::open(folder.path().join("authsrv.db")).unwrap();
    for sql in ["UPDATE audit SET actor = 'nobody'", "UPDATE audit SET hash = NULL", "DELETE FROM audit"] {
        let refused = raw.execute(sql, []).unwrap_err().to_string();
        assert!(refused.contains("append-only"), "{sql}: {refused}");
    }
    store.write(|tx| tx.delete_entries(1)).unwrap_err();
    let second = entries(store.as_ref())[1].clone();
    let up_to = Link { id: second.id, hash: second.hash.unwrap() };
    assert_eq!(store.write(|tx| tx.prune(up_to)).unwrap(), 2);
    assert_eq!(entries(store.as_ref()).len(), 2);
    assert_eq!(head(store.as_ref()).pruned, up_to);
    record(store.as_ref(), "user.created", 5);
    assert_eq!(entries(store.as_ref()).last().unwrap().id, 5);
    assert_eq!(store.read(|tx| tx.count_entries(&all())).unwrap(), 3);
}

/// A page of a list, and of an export, walks along an index and sorts nothing.
#[test]
fn a_long_trail_is_listed_by_its_indexes() {
    let (folder, store) = store();
    record(store.as_ref(), "user.created", 1);
    let raw = Connection::open(folder.path().join("authsrv.db")).unwrap();
    let plan = |sql: &str| -> String {
        let mut statement = raw.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let rows = statement.query_map([], |row| row.get::<_, String>("detail")).unwrap();
        rows.map(|row| row.unwrap()).collect::<Vec<_>>().join("; ")
    };
    for sql in [
        "SELECT id FROM audit ORDER BY id DESC LIMIT 50",
        "SELECT id FROM audit ORDER BY at DESC, id DESC LIMIT 50",
        "SELECT * FROM audit WHERE id > 5 ORDER BY id LIMIT 50",
    ] {
        assert!(!plan(sql).contains("TEMP B-TREE"), "{sql}: {}", plan(sql));
    }
    for (condition, index) in [
        ("actor_id = 1", "audit_actor"),
        ("subject_id = 1", "audit_subject"),
        ("action >= 'a' AND action < 'b'", "audit_action"),
        ("ip_address >= 'a' AND ip_address < 'b'", "audit_ip_address"),
    ] {
        let sql = format!("SELECT id FROM audit WHERE {condition}");
        assert!(plan(&sql).contains(index), "{sql}: {}", plan(&sql));
    }
}
