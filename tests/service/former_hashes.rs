//! Hashes at the cost of a former default, in a file of a former program.

use authsrv::app::{Missing, Parts};
use authsrv::crypto::hash::{Hasher, Params};
use authsrv::crypto::random::OsRandom;
use authsrv::domain::settings::Profile;
use authsrv::service::{Actor, login};

use crate::support::{PASSWORD, TestApp, origin};

/// What makes a file of that program one of today's.
const MIGRATION: &str = include_str!("../../src/store/sqlite/migrations/0009_former_hashes.sql");

/// such a hash is good once more, costs everybody as much until it is gone, and is replaced by one of today's.
#[test]
fn a_hash_of_a_former_default_is_levelled_and_replaced() {
    let app = TestApp::new();
    app.user("ann@example.com", &[]);
    let file = app.folder.path().join("authsrv.db");
    let former = Hasher::new(Params::MIDDLE, 1).unwrap().hash(PASSWORD, &OsRandom).unwrap();
    let raw = rusqlite::Connection::open(&file).unwrap();
    raw.execute("UPDATE users SET password = ?", [&former]).unwrap();
    raw.execute_batch("DROP INDEX users_imported_hash").unwrap();
    raw.execute_batch(MIGRATION).unwrap();
    drop(raw);
    drop(app.env);
    let parts = Parts::real(&file, &app.folder.path().join("authsrv.key")).unwrap();
    let (env, _) = parts.open(Missing::Refuse).unwrap();
    let mark = || env.store.read(|tx| tx.mark("imported_hash")).unwrap().unwrap_or_default();
    let kept = || env.store.read(|tx| tx.password_hash(authsrv::domain::ids::UserId(1))).unwrap().unwrap();
    assert_eq!(kept(), format!("argon2{former}"));
    assert!(mark().contains("$m=19456,t=2,p=1$"), "{}", mark());
    let sign_in = |password: &str| {
        let (actor, origin) = (Actor::Anonymous, origin());
        login::login(&env.ctx(&actor, &origin), "ann@example.com", password, Profile::Rbac).is_ok()
    };
    assert!(!sign_in("Wrong-1-password"));
    assert!(sign_in(PASSWORD));
    assert!(kept().starts_with("$argon2id$v=19$m=12288,t=3,p=1$"), "{}", kept());
    assert_eq!(mark(), "", "nobody has one any more");
    assert!(sign_in(PASSWORD));
}
