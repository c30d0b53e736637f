//! What every engine must do, told through `Store` and `Tx` alone.
//!
//! The engine is named in [`store`] and [`another`] only. What is SQLite's own business (files, pragmas, query plans) is
//! in `sqlite_*.rs`.

mod api_tokens;
mod audit;
mod catalog;
mod group;
mod guard;
mod identifiers;
mod ids;
mod lists;
mod purge;
mod search;
mod secrets;
mod sessions;
mod sqlite_connections;
mod sqlite_files;
mod sqlite_opening;
mod sqlite_plans;
mod transactions;
mod writers;

use std::sync::Arc;
use std::time::Duration;

use authsrv::crypto::mac;
use authsrv::domain::audit::Hash;
use authsrv::domain::error::Result;
use authsrv::domain::identifiers::{Email, Phone, Username};
use authsrv::domain::ids::{SessionId, Timestamp, TokenId, UserId};
use authsrv::domain::pages::Listing;
use authsrv::domain::sessions::NewSession;
use authsrv::domain::settings::Profile;
use authsrv::domain::tokens::NewRefreshToken;
use authsrv::domain::users::NewUser;
use authsrv::store::audit::Chain;
use authsrv::store::sqlite::Sqlite;
use authsrv::store::sqlite::open::Missing;
use authsrv::store::{Instance, Store, Tx};
use tempfile::TempDir;

/// A new and empty database.
fn store() -> (TempDir, Box<dyn Store>) {
    let folder = TempDir::new().unwrap();
    let store = another(&folder);
    (folder, store)
}

/// Another handle on the same database, as another process has one.
fn another(folder: &TempDir) -> Box<dyn Store> {
    let path = folder.path().join("authsrv.db");
    Box::new(Sqlite::open(&path, Missing::Create, Duration::from_secs(20), chain()).unwrap().0)
}

/// One that does not wait long for others.
fn impatient(folder: &TempDir) -> Box<dyn Store> {
    let path = folder.path().join("authsrv.db");
    Box::new(Sqlite::open(&path, Missing::Refuse, Duration::from_millis(100), chain()).unwrap().0)
}

/// Hashes and seals with a key that anybody knows.
struct Open;

impl Chain for Open {
    fn hash(&self, text: &str) -> Hash {
        Hash(mac::sha256(text.as_bytes()))
    }

    fn seal(&self, _: &dyn Instance, text: &str) -> Result<Hash> {
        Ok(Hash(mac::hmac_sha256(b"key", text.as_bytes())))
    }
}

fn chain() -> Arc<dyn Chain> {
    Arc::new(Open)
}

/// Second `n` of the tests' own time.
fn at(n: i64) -> Timestamp {
    Timestamp::from_timestamp(1_767_000_000 + n, 0).unwrap()
}

fn email(text: &str) -> Option<Email> {
    Some(Email::parse(text).unwrap())
}

fn phone(text: &str) -> Option<Phone> {
    Some(Phone::parse(text).unwrap())
}

fn username(text: &str) -> Option<Username> {
    Some(Username::parse(text).unwrap())
}

/// An active user with this e-mail.
fn person(address: &str) -> NewUser {
    NewUser { email: email(address), is_active: true, ..NewUser::default() }
}

fn add_user(tx: &dyn Tx, address: &str) -> UserId {
    tx.insert_user(&person(address), None, at(0)).unwrap()
}

/// A session of an hour that begins at second `begins`.
fn add_session(tx: &dyn Tx, user: UserId, uuid: &str, begins: i64) -> SessionId {
    let session = NewSession {
        uuid: uuid.to_owned(),
        user_id: user,
        profile: Profile::Rbac,
        ip_address: Some([192, 0, 2, 1].into()),
        user_agent: "tests".to_owned(),
        created_at: at(begins),
        expires_at: at(begins + 3600),
        ends_at: at(begins + 7200),
    };
    tx.insert_session(&session).unwrap()
}

/// A refresh token of an hour, issued at second `begins`.
fn add_token(tx: &dyn Tx, user: UserId, session: SessionId, generation: i64, begins: i64) -> TokenId {
    let token = NewRefreshToken {
        jti: format!("jti-{}-{generation}", session.0),
        session_id: session,
        user_id: user,
        generation,
        issued_at: at(begins),
        expires_at: at(begins + 3600),
        ip_address: None,
        user_agent: "tests".to_owned(),
        secret_hash: None,
    };
    tx.insert_token(&token).unwrap()
}

/// Everything, in the order of ids.
fn all() -> Listing {
    Listing { limit: 1000, ..Listing::default() }
}

fn users(store: &dyn Store) -> u64 {
    store.read(|tx| tx.count_users(&Listing::default())).unwrap()
}
