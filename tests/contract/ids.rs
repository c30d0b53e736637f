//! what was once the number of something is never that of something else.

use authsrv::domain::catalog::{CodeName, Kind, NewNamed};
use authsrv::domain::ids::{ActionId, PermissionId, ResourceId, UserId};
use authsrv::domain::imports::Arrival;
use authsrv::domain::sessions::EndReason;
use authsrv::store::Store;
use authsrv::store::sessions::Which;

use super::{add_session, add_token, add_user, another, at, person, store};

fn add_named(store: &dyn Store, kind: Kind, code: &str) -> i64 {
    let new = NewNamed { name: code.to_owned(), code_name: CodeName::parse(code).unwrap(), description: None };
    store.write(|tx| tx.insert_named(kind, &new)).unwrap()
}

#[test]
fn users_are_never_renumbered() {
    let (folder, store) = store();
    let first = store.write(|tx| Ok(add_user(tx, "a@example.com"))).unwrap();
    assert!(store.write(|tx| tx.delete_user(first)).unwrap());
    let second = store.write(|tx| Ok(add_user(tx, "a@example.com"))).unwrap();
    assert!(second > first);
    assert!(store.write(|tx| tx.delete_user(second)).unwrap());
    drop(store);
    let store = another(&folder);
    assert!(store.write(|tx| Ok(add_user(tx, "a@example.com"))).unwrap() > second);
    assert!(!store.write(|tx| tx.delete_user(second)).unwrap());
}

/// An id that comes from elsewhere is one that was given.
#[test]
fn users_from_elsewhere_keep_their_ids_and_times_and_others_come_after_them() {
    let (_folder, store) = store();
    assert_eq!(store.read(|tx| tx.last_user_id()).unwrap(), 0);
    let arrival = |id, address: &str| Arrival {
        id,
        profile: person(address),
        hash: Some("bcrypt$$2b$12$…".to_owned()),
        date_joined: at(-500),
        last_login: Some(at(-5)),
    };
    store
        .write(|tx| {
            assert_eq!(tx.import_user(&arrival(Some(UserId(41)), "a@example.com"), at(7))?, UserId(41));
            assert_eq!(tx.import_user(&arrival(None, "b@example.com"), at(7))?, UserId(42));
            assert_eq!(add_user(tx, "c@example.com"), UserId(43));
            assert!(tx.delete_user(UserId(43))?);
            assert_eq!(tx.last_user_id()?, 43, "also of one who is gone");
            let user = tx.user(UserId(41))?.unwrap();
            assert_eq!((user.date_joined, user.last_login, user.updated_at), (at(-500), Some(at(-5)), at(7)));
            Ok(())
        })
        .unwrap();
}

#[test]
fn hashes_from_elsewhere_are_told_from_ours() {
    let (_folder, store) = store();
    store
        .write(|tx| {
            let (one, other) = (add_user(tx, "a@example.com"), add_user(tx, "b@example.com"));
            tx.set_password_hash(other, Some("$argon2id$v=19$m=8,t=1,p=1$AAAA$AAAA"))?;
            assert!(!tx.has_imported_hash(None)?);
            tx.set_password_hash(one, Some("argon2$argon2id$v=19$m=8,t=1,p=1$AAAA$AAAA"))?;
            assert!(tx.has_imported_hash(None)? && tx.has_imported_hash(Some(other))?);
            assert!(!tx.has_imported_hash(Some(one))?);
            Ok(())
        })
        .unwrap();
}

#[test]
fn roles_resources_and_actions_are_never_renumbered() {
    let (_folder, store) = store();
    for kind in [Kind::Role, Kind::Resource, Kind::Action] {
        let first = add_named(&*store, kind, "one");
        assert!(store.write(|tx| tx.delete_named(kind, first)).unwrap());
        assert!(add_named(&*store, kind, "one") > first);
    }
}

#[test]
fn permissions_are_never_renumbered() {
    let (_folder, store) = store();
    let resource = ResourceId(add_named(&*store, Kind::Resource, "one"));
    let action = ActionId(add_named(&*store, Kind::Action, "one"));
    let first: PermissionId = store.write(|tx| tx.insert_permission(resource, action)).unwrap();
    assert!(store.write(|tx| tx.delete_permission(first)).unwrap());
    assert!(store.write(|tx| tx.insert_permission(resource, action)).unwrap() > first);
}

#[test]
fn sessions_and_tokens_are_never_renumbered() {
    let (_folder, store) = store();
    let user = store.write(|tx| Ok(add_user(tx, "a@example.com"))).unwrap();
    let (session, token) = store
        .write(|tx| {
            let session = add_session(tx, user, "s1", 0);
            Ok((session, add_token(tx, user, session, 1, 0)))
        })
        .unwrap();
    store.write(|tx| tx.end_sessions(Which::One(session), EndReason::Logout, at(1))).unwrap();
    assert_eq!(store.write(|tx| tx.purge_sessions(at(99_999), 10)).unwrap(), 1);
    store
        .write(|tx| {
            let next = add_session(tx, user, "s2", 0);
            assert!(next > session);
            assert!(add_token(tx, user, next, 1, 0) > token);
            Ok(())
        })
        .unwrap();
}
