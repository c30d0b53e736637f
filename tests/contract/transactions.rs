//! One state for a reader; all or nothing for a writer.

use authsrv::domain::error::Error;
use authsrv::domain::pages::Listing;
use authsrv::store::{Mode, Tx};

use super::{add_user, another, at, person, store, users};

fn count(tx: &dyn Tx) -> u64 {
    tx.count_users(&Listing::default()).unwrap()
}

#[test]
fn a_reader_keeps_its_state_while_others_write() {
    let (_folder, store) = store();
    store.write(|tx| Ok(add_user(tx, "a@example.com"))).unwrap();
    let reader = store.begin(Mode::Read).unwrap();
    assert_eq!(count(&*reader), 1);
    store.write(|tx| Ok(add_user(tx, "b@example.com"))).unwrap();
    assert_eq!(count(&*reader), 1);
    assert!(reader.user_by_keys(&["b@example.com"]).unwrap().is_none());
    drop(reader);
    assert_eq!(users(&*store), 2);
}

#[test]
fn a_writer_sees_its_own_changes_and_nobody_else_does() {
    let (folder, store) = store();
    let other = another(&folder);
    let writer = store.begin(Mode::Write).unwrap();
    add_user(&*writer, "a@example.com");
    assert_eq!(count(&*writer), 1);
    assert_eq!((users(&*store), users(&*other)), (0, 0));
    writer.commit().unwrap();
    assert_eq!((users(&*store), users(&*other)), (1, 1));
}

#[test]
fn what_is_not_committed_is_rolled_back() {
    let (_folder, store) = store();
    let writer = store.begin(Mode::Write).unwrap();
    add_user(&*writer, "a@example.com");
    drop(writer);
    let refused = store.write(|tx| {
        add_user(tx, "b@example.com");
        Err::<(), _>(Error::internal("changed its mind"))
    });
    assert!(matches!(refused, Err(Error::Internal(_))));
    assert_eq!(users(&*store), 0);
    assert!(store.read(|tx| tx.user_by_keys(&["a@example.com", "b@example.com"])).unwrap().is_none());
    store.write(|tx| Ok(add_user(tx, "c@example.com"))).unwrap();
    assert_eq!(users(&*store), 1);
}

#[test]
fn a_panic_in_a_transaction_rolls_back_and_leaves_the_store_usable() {
    let (_folder, store) = store();
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _ = store.write(|tx| {
            add_user(tx, "a@example.com");
            if users(&*store) == 0 {
                std::panic::resume_unwind(Box::new("on purpose"));
            }
            Ok(())
        });
    }));
    assert!(panicked.is_err());
    store.write(|tx| Ok(add_user(tx, "b@example.com"))).unwrap();
    assert_eq!(users(&*store), 1);
}

#[test]
fn a_reader_cannot_write() {
    let (_folder, store) = store();
    let refused = store.read(|tx| tx.insert_user(&person("a@example.com"), None, at(0)));
    assert!(refused.is_err());
    assert_eq!(users(&*store), 0);
}

#[test]
fn a_commit_survives_closing_and_opening() {
    let (folder, store) = store();
    let id = store.write(|tx| Ok(add_user(tx, "a@example.com"))).unwrap();
    store.write(|tx| tx.set_password_hash(id, Some("$argon2id$…"))).unwrap();
    drop(store);
    let store = another(&folder);
    let user = store.read(|tx| tx.user(id)).unwrap().unwrap();
    assert_eq!((user.label(), user.date_joined), ("a@example.com", at(0)));
    assert_eq!(store.read(|tx| tx.password_hash(id)).unwrap().as_deref(), Some("$argon2id$…"));
}

/// the command line and the server are two handles on one file.
#[test]
fn another_handle_sees_a_commit_at_its_next_transaction() {
    let (folder, server) = store();
    let shell = another(&folder);
    for round in 1..=20_u64 {
        let (from, to) = if round % 2 == 0 { (&server, &shell) } else { (&shell, &server) };
        let address = format!("u{round}@example.com");
        let id = from.write(|tx| Ok(add_user(tx, &address))).unwrap();
        assert_eq!(users(&**to), round);
        to.write(|tx| tx.store_setting("refresh.grace", &round.to_string(), at(0))).unwrap();
        let seen = from.read(|tx| Ok((tx.user(id)?.is_some(), tx.stored_settings()?))).unwrap();
        assert_eq!(seen, (true, vec![("refresh.grace".to_owned(), round.to_string())]));
    }
}

#[test]
fn a_checkpoint_loses_nothing_and_hurts_no_reader() {
    let (_folder, store) = store();
    store.write(|tx| Ok(add_user(tx, "a@example.com"))).unwrap();
    let reader = store.begin(Mode::Read).unwrap();
    assert_eq!(count(&*reader), 1);
    store.write(|tx| Ok(add_user(tx, "b@example.com"))).unwrap();
    drop(reader);
    store.checkpoint().unwrap();
    assert_eq!(users(&*store), 2);
}
