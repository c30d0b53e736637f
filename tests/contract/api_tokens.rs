//! API tokens and sealed secrets.

use authsrv::domain::api_tokens::{Kind, NewApiToken};
use authsrv::domain::ids::{ApiTokenId, UserId};
use authsrv::domain::pages::Listing;
use authsrv::domain::users::User;
use authsrv::store::api_tokens::Those;
use authsrv::store::{Store, Tx};

use super::{add_user, all, another, at, store};

/// A token made at second `begins`, without a name if it is empty.
fn add(tx: &dyn Tx, user: UserId, name: &str, (begins, ends): (i64, Option<i64>)) -> ApiTokenId {
    let kind = if name.is_empty() { Kind::Login(name.into()) } else { Kind::Named(name.to_owned()) };
    let mut key_hash = [0; 32];
    key_hash[..16].copy_from_slice(&i128::from(user.0 * 1_000_000 + begins * 1000).to_be_bytes());
    key_hash[16] = u8::try_from(name.len()).unwrap();
    tx.insert_api_token(&NewApiToken {
        user_id: user,
        kind,
        key_hash,
        created_at: at(begins),
        expires_at: ends.map(at),
    })
    .unwrap()
}

/// Two users: the first has a login token and two with names, of which one expires at second 50; the second has one.
fn filled() -> (tempfile::TempDir, Box<dyn Store>, [UserId; 2], [ApiTokenId; 4]) {
    let (folder, store) = store();
    let (users, tokens) = store
        .write(|tx| {
            let users = [add_user(tx, "a@example.com"), add_user(tx, "b@example.com")];
            let [a, b] = users;
            let tokens = [
                add(tx, a, "", (0, None)),
                add(tx, a, "x", (1, None)),
                add(tx, a, "yy", (2, Some(50))),
                add(tx, b, "x", (3, None)),
            ];
            Ok((users, tokens))
        })
        .unwrap();
    (folder, store, users, tokens)
}

fn live(store: &dyn Store, second: i64) -> Vec<i64> {
    let listing = Listing { active: Some(true), ..all() };
    let (rows, count) = store
        .read(|tx| Ok((tx.list_api_tokens(&listing, at(second))?, tx.count_api_tokens(&listing, at(second))?)))
        .unwrap();
    assert_eq!(rows.len() as u64, count);
    assert!(rows.iter().all(|row| row.is_live(at(second))));
    rows.iter().map(|row| row.id.0).collect()
}

#[test]
fn revoking_reaches_just_those_that_are_meant() {
    for (those, gone) in [
        (|_: [UserId; 2], t: [ApiTokenId; 4]| Those::One(t[1]), vec![2]),
        (|u, _| Those::LoginOf(u[0]), vec![1]),
        (|u, _| Those::OfUser(u[0]), vec![1, 2, 3]),
        (|u, _| Those::MadeBefore(u[0], at(2)), vec![1, 2]),
        (|_, _| Those::Everyone, vec![1, 2, 3, 4]),
    ] as [(fn([UserId; 2], [ApiTokenId; 4]) -> Those, Vec<i64>); 5]
    {
        let (_folder, store, users, tokens) = filled();
        let those = those(users, tokens);
        let number = store.write(|tx| tx.revoke_api_tokens(those, at(10))).unwrap();
        assert_eq!(number, gone.len() as u64, "{those:?}");
        let left: Vec<i64> = (1..=4).filter(|id| !gone.contains(id)).collect();
        assert_eq!(live(&*store, 10), left, "{those:?}");
        assert_eq!(store.write(|tx| tx.revoke_api_tokens(those, at(11))).unwrap(), 0, "{those:?} twice");
        let row = store.read(|tx| tx.api_token(ApiTokenId(gone[0]), at(20))).unwrap().unwrap();
        assert_eq!(row.revoked_at, Some(at(10)), "it says when it was first revoked");
    }
}

/// one that has expired is revoked with the others and does not come back with a clock that is set right.
#[test]
fn expired_ones_end_too() {
    let (_folder, store, users, tokens) = filled();
    assert_eq!((live(&*store, 49), live(&*store, 50)), (vec![1, 2, 3, 4], vec![1, 2, 4]));
    assert_eq!(store.write(|tx| tx.revoke_api_tokens(Those::OfUser(users[0]), at(60))).unwrap(), 2);
    assert!(!store.read(|tx| tx.api_token(tokens[2], at(40))).unwrap().unwrap().is_live(at(40)));
}

/// S4-35: a forced logout ends what is older at its instant, not before.
#[test]
fn a_forced_logout_ends_what_is_older() {
    let (_folder, store, users, tokens) = filled();
    store
        .write(|tx| {
            let user = tx.user(users[0])?.unwrap();
            tx.update_user(&User { force_logout_at: Some(at(2)), ..user })
        })
        .unwrap();
    assert_eq!((live(&*store, 1), live(&*store, 2)), (vec![1, 2, 3, 4], vec![3, 4]));
    let found = |second| store.read(|tx| tx.login_token(users[0], at(second))).unwrap().map(|token| token.id);
    assert_eq!((found(1), found(2)), (Some(tokens[0]), None));
    let named = |second| store.read(|tx| tx.api_token_named(users[0], "x", at(second))).unwrap().map(|token| token.id);
    assert_eq!((named(1), named(2)), (Some(tokens[1]), None));
    let again = store.write(|tx| Ok((add(tx, users[0], "", (5, None)), add(tx, users[0], "x", (5, None))))).unwrap();
    assert_eq!((found(6), named(6)), (Some(again.0), Some(again.1)), "another takes the place of what is over");
    assert_eq!(live(&*store, 6), [3, 4, again.0.0, again.1.0]);
}

#[test]
fn found_by_hash_listed_and_deleted_with_the_user() {
    let (folder, store, users, tokens) = filled();
    let hash = store.read(|tx| tx.login_token(users[0], at(5))).unwrap().unwrap().key_hash;
    let hash: [u8; 32] = hash.try_into().unwrap();
    let by_hash = |store: &dyn Store, hash: &[u8; 32]| store.read(|tx| tx.api_token_by_hash(hash, at(5))).unwrap();
    assert_eq!(by_hash(&*store, &hash).unwrap().id, tokens[0]);
    assert_eq!(by_hash(&*another(&folder), &hash).unwrap().user_id, users[0]);
    assert!(by_hash(&*store, &[7; 32]).is_none());
    let listed = |listing: &Listing| -> Vec<i64> {
        store.read(|tx| tx.list_api_tokens(listing, at(5))).unwrap().iter().map(|row| row.id.0).collect()
    };
    assert_eq!(listed(&Listing { user: Some(users[0]), ..all() }), [1, 2, 3]);
    assert_eq!(listed(&Listing { search: vec!["Y".to_owned()], ..all() }), [3]);
    assert!(store.write(|tx| tx.delete_user(users[0])).unwrap());
    assert_eq!(listed(&all()), [4]);
    let next = store.write(|tx| Ok(add(tx, users[1], "", (9, None)))).unwrap();
    assert!(next > tokens[3], "R-31");
}

#[test]
fn a_use_is_noted_unless_one_was_noted_lately() {
    let (_folder, store, _users, tokens) = filled();
    let note = |since, now| {
        store.write(|tx| tx.note_use(tokens[0], at(since), at(now))).unwrap();
        store.read(|tx| tx.api_token(tokens[0], at(now))).unwrap().unwrap().last_used_at
    };
    assert_eq!(note(0, 60), Some(at(60)));
    assert_eq!(note(1, 61), Some(at(60)));
    assert_eq!(note(61, 121), Some(at(121)));
    assert_eq!(note(30, 90), Some(at(90)), "the clock was set back");
}

#[test]
fn purging_takes_what_is_long_over() {
    let (_folder, store, _users, tokens) = filled();
    store.write(|tx| tx.revoke_api_tokens(Those::One(tokens[1]), at(10))).unwrap();
    let purge = |before, limit| store.write(|tx| tx.purge_api_tokens(at(before), limit)).unwrap();
    assert_eq!(purge(10, 9), 0);
    assert_eq!((purge(100, 1), purge(100, 1), purge(100, 1)), (1, 1, 0));
    assert_eq!(live(&*store, 100), [1, 4]);
}

#[test]
fn a_sealed_secret_is_kept_once() {
    let (folder, store) = store();
    assert_eq!(store.read(|tx| tx.sealed_secret("one")).unwrap(), None);
    store.write(|tx| tx.insert_sealed_secret("one", b"sealed")).unwrap();
    assert!(store.write(|tx| tx.insert_sealed_secret("one", b"other")).is_err());
    assert_eq!(another(&folder).read(|tx| tx.sealed_secret("one")).unwrap(), Some(b"sealed".to_vec()));
}
