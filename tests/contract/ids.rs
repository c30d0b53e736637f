//! what was once the number of something is never that of something else.

use authsrv::domain::catalog::{CodeName, Kind, NewNamed};
use authsrv::domain::ids::{ActionId, PermissionId, ResourceId};
use authsrv::domain::sessions::EndReason;
use authsrv::store::Store;
use authsrv::store::sessions::Which;

use super::{add_session, add_token, add_user, another, at, store};

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
