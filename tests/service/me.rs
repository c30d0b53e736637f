//! One's own account (D-8).

use std::sync::Arc;

use authsrv::domain::error::{Error, Reason};
use authsrv::domain::passwords::Password;
use authsrv::service::me::{Names, change_password, get, rename};
use authsrv::service::users::AccountPatch;
use authsrv::service::{Actor, sessions, users};

use super::common::{invalid, meddled, number, patch};
use crate::support::{PASSWORD, TestApp, operator, origin};

const OTHER: &str = "An0ther-one-of-mine";

fn password(text: &str) -> Password {
    Password::parse("new_password", text).unwrap()
}

#[test]
fn everybody_reads_and_renames_himself_without_any_right() {
    let app = TestApp::new();
    let id = app.user("ann@example.com", &[]);
    let pair = app.sign_in("ann@example.com");
    assert_eq!(app.with_token(&pair.access, get).unwrap().user.id, id);
    let names =
        Names {
            first_name: Some("Анна".to_owned()), middle_name: Some(Some("П.".to_owned())), ..Names::default()
        };
    let user = app.with_token(&pair.access, |ctx| rename(ctx, names.clone())).unwrap().user;
    assert_eq!(
        (user.first_name.as_str(), user.last_name.as_str(), user.middle_name.as_deref()),
        ("Анна", "", Some("П."))
    );
    app.with_token(&pair.access, |ctx| rename(ctx, names.clone())).unwrap();
    assert_eq!(number(&app, "SELECT COUNT(*) FROM audit WHERE action = 'user.updated'"), 1);
    let blank = Names { last_name: Some("  ".to_owned()), middle_name: Some(Some(" ".to_owned())), ..Names::default() };
    let user = app.with_token(&pair.access, |ctx| rename(ctx, blank.clone())).unwrap().user;
    assert_eq!((user.last_name.as_str(), user.middle_name), ("", None), "an empty text is none, as at every door");
    assert!(app.authenticate(&pair.access).is_ok());
    for nobody in [Actor::Anonymous, operator()] {
        assert!(matches!(app.call(&nobody, get), Err(Error::Unauthenticated(Reason::Missing))));
        assert!(app.call(&nobody, |ctx| rename(ctx, Names::default())).is_err());
        assert!(app.call(&nobody, |ctx| change_password(ctx, PASSWORD, password(OTHER))).is_err());
        assert!(app.call(&nobody, sessions::mine).is_err() && app.call(&nobody, sessions::end_mine).is_err());
    }
}

///
#[test]
fn a_new_password_ends_the_other_sessions() {
    let app = TestApp::new();
    app.user("ann@example.com", &[]);
    app.user("bob@example.com", &[]);
    let [here, there, bob] = ["ann", "ann", "bob"].map(|name| app.sign_in(&format!("{name}@example.com")));
    let change =
        |current: &str, new: &str| app.with_token(&here.access, |ctx| change_password(ctx, current, password(new)));
    for wrong in ["wrong", "", " Tr0ub4dor-and-3", "\0"] {
        assert_eq!(invalid(change(wrong, OTHER)), [("current_password".to_owned(), "invalid")]);
    }
    assert_eq!(invalid(change(PASSWORD, "1234567"))[0].0, "new_password");
    assert_eq!(invalid(change(PASSWORD, "ann@example.com")), [("new_password".to_owned(), "password_too_similar")]);
    assert!(app.authenticate(&there.access).is_ok());
    change(PASSWORD, OTHER).unwrap();
    assert!(app.authenticate(&here.access).is_ok() && app.authenticate(&bob.access).is_ok());
    assert!(app.authenticate(&there.access).is_err());
    assert!(app.operate(|ctx| authsrv::service::tokens::refresh(ctx, &here.refresh)).is_ok());
    assert!(app.operate(|ctx| authsrv::service::tokens::refresh(ctx, &there.refresh)).is_err());
    assert!(invalid(change(PASSWORD, "Yet-an0ther-one")).len() == 1, "the old one is none any more");
}

/// a password that an administrator sets meanwhile stands.
#[test]
fn a_password_set_in_the_middle_wins() {
    let app = Arc::new(TestApp::new());
    app.user("ann@example.com", &[]);
    let me = app.authenticate(&app.sign_in("ann@example.com").access).unwrap();
    let env = meddled(&app, |app| {
        let id = app.operate(|ctx| users::find(ctx, "ann@example.com")).unwrap().user.id;
        let password = Some(Password::parse("password", "Set-by-the-0perator").unwrap());
        patch(app, id, AccountPatch { password, ..AccountPatch::default() });
    });
    let changed = change_password(&env.ctx(&me, &origin()), PASSWORD, password(OTHER));
    assert!(matches!(changed, Err(Error::Unauthenticated(_))), "{changed:?}");
    assert_eq!(number(&app, "SELECT COUNT(*) FROM audit WHERE action = 'user.password_changed'"), 1);
}

/// who was signed out meanwhile changes nothing any more.
#[test]
fn a_session_ended_in_the_middle_changes_no_password() {
    let app = Arc::new(TestApp::new());
    app.user("ann@example.com", &[]);
    let me = app.authenticate(&app.sign_in("ann@example.com").access).unwrap();
    let env = meddled(&app, |app| {
        app.operate(sessions::end_everyones).unwrap();
    });
    let changed = change_password(&env.ctx(&me, &origin()), PASSWORD, password(OTHER));
    assert!(matches!(changed, Err(Error::Unauthenticated(_))), "{changed:?}");
    app.sign_in("ann@example.com");
}

/// D-10, R-40.
#[test]
fn ones_sessions_are_ones_own() {
    let app = TestApp::new();
    app.user("ann@example.com", &[]);
    app.user("bob@example.com", &[]);
    let [first, second, bob] = ["ann", "ann", "bob"].map(|name| app.sign_in(&format!("{name}@example.com")));
    let mine = app.with_token(&first.access, sessions::mine).unwrap();
    let ids: Vec<i64> = mine.iter().map(|(session, _)| session.id.0).collect();
    assert_eq!(ids, [2, 1], "newest first");
    assert!(mine.iter().all(|(session, token)| token.session_id == session.id && token.user_id == session.user_id));
    assert_eq!(app.with_token(&second.access, sessions::end_mine).unwrap(), 2);
    assert!(app.authenticate(&first.access).is_err() && app.authenticate(&second.access).is_err());
    assert_eq!(app.with_token(&bob.access, sessions::mine).unwrap().len(), 1);
}
