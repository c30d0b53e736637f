//! Tokens that are known by a hash, spent tokens of a former system, ends of keys, sealed secrets.

use std::time::Duration;

use authsrv::domain::ids::UserId;
use authsrv::domain::keys::{Ring, State, StoredKey};
use authsrv::domain::sessions::EndReason;
use authsrv::domain::tokens::NewRefreshToken;
use authsrv::store::sessions::Which;
use authsrv::store::sqlite::Sqlite;
use authsrv::store::sqlite::open::{APPLICATION_ID, Missing, Opened};
use authsrv::store::{Store, Tx};

use super::{add_session, add_token, add_user, at, store};

fn hashed(tx: &dyn Tx, hash: [u8; 32], jti: &str) -> authsrv::domain::error::Result<()> {
    let user = add_user(tx, &format!("{jti}@example.com"));
    let session = add_session(tx, user, jti, 0);
    tx.insert_token(&NewRefreshToken {
        jti: jti.to_owned(),
        session_id: session,
        user_id: user,
        generation: 1,
        issued_at: at(0),
        expires_at: at(3600),
        ip_address: None,
        user_agent: String::new(),
        secret_hash: Some(hash),
    })
    .map(drop)
}

#[test]
fn a_token_is_found_by_its_hash_and_no_hash_is_given_twice() {
    let (_folder, store) = store();
    store.write(|tx| hashed(tx, [7; 32], "a")).unwrap();
    store
        .read(|tx| {
            let found = tx.refresh_token_by_hash(&[7; 32], at(0))?.unwrap();
            assert_eq!(found.jti, "a");
            assert_eq!(tx.refresh_token("a", at(0))?.unwrap(), found);
            assert!(tx.refresh_token_by_hash(&[8; 32], at(0))?.is_none());
            Ok(())
        })
        .unwrap();
    assert!(store.write(|tx| hashed(tx, [7; 32], "b")).is_err());
    // Those that are JWTs have none, as many as there are.
    store
        .write(|tx| {
            let user = add_user(tx, "c@example.com");
            let session = add_session(tx, user, "c", 0);
            add_token(tx, user, session, 1, 0);
            add_token(tx, user, session, 2, 0);
            Ok(())
        })
        .unwrap();
}

#[test]
fn a_token_found_by_its_hash_is_revoked_with_its_session() {
    let (_folder, store) = store();
    store.write(|tx| hashed(tx, [7; 32], "a")).unwrap();
    store
        .write(|tx| {
            let row = tx.refresh_token_by_hash(&[7; 32], at(0))?.unwrap();
            tx.end_sessions(Which::One(row.session_id), EndReason::Logout, at(5))?;
            assert_eq!(tx.refresh_token_by_hash(&[7; 32], at(6))?.unwrap().revoked_at, Some(at(5)));
            Ok(())
        })
        .unwrap();
}

#[test]
fn revoked_imports_are_remembered_once_and_purged_in_batches() {
    let (_folder, store) = store();
    store
        .write(|tx| {
            for n in 0..5 {
                assert!(tx.revoke_import(&[n; 32], at(i64::from(n)))?);
                assert!(!tx.revoke_import(&[n; 32], at(99))?);
                assert!(tx.is_import_revoked(&[n; 32])?);
            }
            assert!(!tx.is_import_revoked(&[9; 32])?);
            Ok(())
        })
        .unwrap();
    let purge = || store.write(|tx| tx.purge_revoked_imports(at(3), 2)).unwrap();
    assert_eq!([purge(), purge(), purge()], [2, 1, 0]);
    let left = store.read(|tx| Ok([2, 3].map(|n| tx.is_import_revoked(&[n; 32]).unwrap()))).unwrap();
    assert_eq!(left, [false, true]);
}

#[test]
fn the_end_of_all_sessions_of_a_user_is_remembered_also_where_there_was_none() {
    let (_folder, store) = store();
    store
        .write(|tx| {
            let [a, b] = ["a@example.com", "b@example.com"].map(|address| add_user(tx, address));
            let session = add_session(tx, a, "s", 0);
            let until = |user| tx.void_until(user).unwrap().timestamp();
            assert_eq!([until(a), until(b)], [0, 0]);
            tx.end_sessions(Which::One(session), EndReason::Logout, at(1))?;
            assert_eq!(until(a), 0, "one session says nothing of others");
            for which in [Which::OfUser(a), Which::OthersOfUser(a, session)] {
                tx.end_sessions(which, EndReason::RevokedAll, at(5))?;
                assert_eq!([until(a), until(b)], [at(5).timestamp(), 0]);
            }
            tx.end_sessions(Which::BegunBefore(a, at(3)), EndReason::ForcedLogout, at(9))?;
            assert_eq!(until(a), at(5).timestamp(), "it never goes back");
            tx.end_sessions(Which::BegunBefore(a, at(8)), EndReason::ForcedLogout, at(9))?;
            assert_eq!(until(a), at(8).timestamp());
            let epoch = tx.epoch(a)?;
            tx.end_sessions(Which::Everyone, EndReason::RevokedAll, at(20))?;
            tx.end_sessions(Which::Everyone, EndReason::RevokedAll, at(19))?;
            assert_eq!([until(a), until(b)], [at(20).timestamp(); 2]);
            assert_eq!(tx.epoch(a)?, epoch + 2);
            Ok(())
        })
        .unwrap();
}

#[test]
fn a_key_gets_an_end_and_is_revoked_once() {
    let (_folder, store) = store();
    let key = StoredKey {
        kid: "k".to_owned(),
        algorithm: "HS256".to_owned(),
        sealed: vec![1],
        public_jwk: String::new(),
        created_at: at(0),
        signs: false,
        signs_from: None,
        access_until: None,
        refresh_until: None,
        revoked_at: None,
        expires_at: Some(at(9)),
    };
    store
        .write(|tx| {
            tx.insert_key(&key)?;
            assert_eq!(tx.signing_key("k")?, Some(key.clone()));
            assert_eq!(Ring::new(tx.signing_keys()?, at(0)).current(), None, "it never signs");
            assert!(tx.set_key_end("k", at(20))? && !tx.set_key_end("x", at(20))?);
            assert!(tx.revoke_key("k", at(10))? && !tx.revoke_key("k", at(11))? && !tx.revoke_key("x", at(1))?);
            let found = tx.signing_key("k")?.unwrap();
            assert_eq!((found.expires_at, found.revoked_at), (Some(at(20)), Some(at(10))));
            Ok(())
        })
        .unwrap();
}

#[test]
fn a_sealed_secret_is_made_once() {
    let (_folder, store) = store();
    store
        .write(|tx| {
            assert_eq!(tx.sealed_secret("a")?, None);
            tx.insert_sealed_secret("a", b"sealed")?;
            assert_eq!(tx.sealed_secret("a")?.as_deref(), Some(&b"sealed"[..]));
            assert!(tx.insert_sealed_secret("a", b"other").is_err());
            Ok(())
        })
        .unwrap();
}

/// A file of the first release is upgraded when it is opened, and everything in it stays.
#[test]
fn a_file_of_the_first_schema_is_upgraded_with_what_is_in_it() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("old.db");
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.execute_batch(include_str!("../../src/store/sqlite/migrations/0001_init.sql")).unwrap();
    connection
        .execute_batch(&format!(
            "PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = 1;
             INSERT INTO users (username, username_key, first_name, last_name, is_active, is_staff, is_superuser,
                                date_joined, updated_at) VALUES ('Ann', 'ann', '', '', 1, 0, 0, 1, 1);
             INSERT INTO sessions (uuid, user_id, profile, user_agent, created_at, expires_at, ends_at)
             VALUES ('s', 1, 'pyjwt', '', 1, 2, 3);
             INSERT INTO tokens (jti, session_id, user_id, generation, issued_at, expires_at, user_agent)
             VALUES ('t1', 1, 1, 1, 1, 2, ''), ('t2', 1, 1, 2, 1, 2, '');
             INSERT INTO signing_keys (kid, algorithm, sealed, public_jwk, created_at, signs)
             VALUES ('k', 'ES256', x'01', '{{}}', 1, 1);"
        ))
        .unwrap();
    drop(connection);
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let (store, opened) = Sqlite::open(&path, Missing::Refuse, Duration::from_secs(5), super::chain()).unwrap();
    assert!(matches!(opened, Opened::Migrated { from: 1, .. }));
    let store: &dyn Store = &store;
    store
        .read(|tx| {
            assert_eq!(tx.void_until(UserId(1))?.timestamp(), 0);
            assert_eq!(tx.list_tokens(&super::all(), at(0))?.len(), 2);
            let ring = Ring::new(tx.signing_keys()?, at(0));
            let key = ring.current().unwrap();
            assert!(key.expires_at.is_none() && !key.is_imported() && key.verifies(at(0)));
            assert_eq!(ring.state(key), State::Current);
            Ok(())
        })
        .unwrap();
}
