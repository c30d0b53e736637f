//! What several tests of services say again and again.

use std::path::Path;
use std::sync::{Arc, Mutex};

use authsrv::app::{Missing, Parts};
use authsrv::crypto::hash::Hasher;
use authsrv::crypto::random::{OsRandom, Random};
use authsrv::domain::catalog::{CodeName, NewNamed};
use authsrv::domain::error::{Error, Reason, Refusal, Result, TokenFault};
use authsrv::domain::ids::UserId;
use authsrv::domain::rights::Right;
use authsrv::service::users::AccountPatch;
use authsrv::service::{Actor, Clock, Env, Ref, permissions, roles, settings, users};
use serde_json::Value;

use crate::support::TestApp;

/// Sets a runtime setting.
pub fn set(app: &TestApp, key: &str, value: impl Into<Value>) {
    app.operate(|ctx| settings::change(ctx, &[(key.to_owned(), Some(value.into()))])).unwrap();
}

/// What is wrong with a token.
pub fn fault<T>(result: Result<T>) -> TokenFault {
    match result.err().expect("it was accepted") {
        Error::Unauthenticated(Reason::Token(fault)) => fault,
        other => panic!("{other:?}"),
    }
}

/// Why somebody is refused.
pub fn refusal<T>(result: Result<T>) -> Refusal {
    match result.err().expect("it was allowed") {
        Error::Forbidden(refusal) => refusal,
        other => panic!("{other:?}"),
    }
}

/// The fields that are complained of, with their codes.
pub fn invalid<T>(result: Result<T>) -> Vec<(String, &'static str)> {
    match result.err().expect("it was accepted") {
        Error::Invalid(fields) => fields.into_iter().map(|field| (field.field, field.code)).collect(),
        other => panic!("{other:?}"),
    }
}

pub fn new_named(code: &str) -> NewNamed {
    NewNamed { name: code.to_owned(), code_name: CodeName::parse(code).unwrap(), description: None }
}

pub fn code(code: &str) -> Ref {
    Ref::Code(code.to_owned())
}

pub fn right(text: &str) -> permissions::PermissionRef {
    permissions::PermissionRef::Right(Right::parse(text).unwrap())
}

/// Makes a role with these rights.
pub fn role(app: &TestApp, name: &str, rights: &[&str]) {
    let rights: Vec<_> = rights.iter().map(|text| right(text)).collect();
    app.operate(|ctx| roles::create(ctx, new_named(name), &rights)).unwrap();
}

/// A signed-in user who holds these rights by a role of his own.
pub fn holder(app: &TestApp, name: &str, rights: &[&str]) -> (UserId, Actor) {
    role(app, name, rights);
    let address = format!("{name}@example.com");
    let id = app.user(&address, &[name]);
    (id, actor(app, &address))
}

/// This user, signed in.
pub fn actor(app: &TestApp, identifier: &str) -> Actor {
    app.authenticate(&app.sign_in(identifier).access).unwrap()
}

/// Changes an account as the operator.
pub fn patch(app: &TestApp, id: UserId, patch: AccountPatch) {
    app.operate(|ctx| users::update(ctx, id, patch)).unwrap();
}

/// One number out of the file, past the services.
pub fn number(app: &TestApp, sql: &str) -> i64 {
    connection(app).query_row(sql, [], |row| row.get(0)).unwrap()
}

/// One column out of the file, past the services.
pub fn column(app: &TestApp, sql: &str) -> Vec<String> {
    let connection = connection(app);
    let mut statement = connection.prepare(sql).unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(std::result::Result::unwrap).collect()
}

fn connection(app: &TestApp) -> rusqlite::Connection {
    rusqlite::Connection::open(app.folder.path().join("authsrv.db")).unwrap()
}

/// Another program on the file of `app`, with this clock and randomness.
pub fn program(folder: &Path, clock: Box<dyn Clock>, random: Box<dyn Random>) -> Env {
    let parts = Parts {
        database: folder.join("authsrv.db"),
        master_key: folder.join("authsrv.key"),
        clock,
        random,
        hasher: Hasher::for_tests(),
    };
    let (mut env, _) = parts.open(Missing::Refuse).unwrap();
    env.default_url = "http://127.0.0.1:8000".to_owned();
    env
}

type Deed = Box<dyn FnOnce(&TestApp) + Send>;

/// Does something to the data in the middle of an operation: when randomness is first asked for, which is after
/// everything was read and judged, and before anything is written.
pub struct Meddler(Mutex<Option<Deed>>, Arc<TestApp>);

impl Random for Meddler {
    fn fill(&self, bytes: &mut [u8]) -> Result<()> {
        let deed = self.0.lock().unwrap().take();
        if let Some(deed) = deed {
            deed(&self.1);
        }
        OsRandom.fill(bytes)
    }
}

/// Another program on the same file, in the first operation of which somebody meddles.
pub fn meddled(app: &Arc<TestApp>, deed: impl FnOnce(&TestApp) + Send + 'static) -> Env {
    let meddler = Meddler(Mutex::new(Some(Box::new(deed))), Arc::clone(app));
    program(app.folder.path(), Box::new(app.clock.clone()), Box::new(meddler))
}
