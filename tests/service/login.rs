//! Signing in.

use std::sync::Arc;
use std::time::Duration;

use authsrv::crypto::hash::{Hasher, Params};
use authsrv::domain::error::{Error, Reason, Result};
use authsrv::domain::identifiers::{Email, Phone, Username};
use authsrv::domain::passwords::Password;
use authsrv::domain::settings::Profile;
use authsrv::domain::users::{NewUser, UserPatch};
use authsrv::service::login::{SignedIn, login};
use authsrv::service::users::AccountPatch;
use authsrv::service::{Actor, Env, sessions, users};

use super::common::{column, meddled, number, patch, set};
use crate::support::{PASSWORD, TestApp, origin};

fn enter(env: &Env, identifier: &str, password: &str) -> Result<SignedIn> {
    login(&env.ctx(&Actor::Anonymous, &origin()), identifier, password, Profile::Rbac)
}

fn refused(result: Result<SignedIn>) {
    assert!(matches!(result, Err(Error::Unauthenticated(Reason::BadCredentials))), "{result:?}");
}

fn ann(app: &TestApp) -> authsrv::domain::ids::UserId {
    app.account(
        NewUser {
            email: Some(Email::parse("Ann@Bücher.example").unwrap()),
            phone: Some(Phone::parse("+71234567890").unwrap()),
            username: Some(Username::parse("Анна  Ivanova").unwrap()),
            is_active: true,
            ..NewUser::default()
        },
        &[],
    )
}

/// D-15: by any of the three, in any spelling.
#[test]
fn by_each_identifier_in_each_spelling() {
    let app = TestApp::new();
    let id = ann(&app);
    for identifier in [
        "Ann@Bücher.example",
        "  ann@bücher.EXAMPLE\t",
        "ANN@xn--bcher-kva.example",
        "+71234567890",
        " +7 (123) 456-78-90 ",
        "Анна Ivanova",
        "АННА   ivanova ",
    ] {
        assert_eq!(enter(&app.env, identifier, PASSWORD).unwrap().user.id, id, "{identifier:?}");
    }
    for identifier in [
        "",
        " ",
        "ann",
        "71234567890",
        "ann@bucher.example",
        "ann@bücher.example\0",
        "1",
        "*",
        "%",
        &"a".repeat(100_000),
    ] {
        refused(enter(&app.env, identifier, PASSWORD));
    }
}

/// nothing tells the cases apart.
#[test]
fn every_refusal_is_the_same() {
    let app = TestApp::new();
    app.widen();
    ann(&app);
    let add = |name: &str, is_active, password| {
        let email = Some(Email::parse(&format!("{name}@example.com")).unwrap());
        let profile = NewUser { email, is_active, ..NewUser::default() };
        app.operate(|ctx| users::create(ctx, users::NewAccount { profile, password, roles: vec![] })).unwrap();
    };
    add("inactive", false, Some(Password::parse("password", PASSWORD).unwrap()));
    add("passwordless", true, None);
    for (identifier, password) in [
        ("ann@bücher.example", "wrong"),
        ("ann@bücher.example", ""),
        ("ann@bücher.example", "tr0ub4dor-and-3"),
        ("ann@bücher.example", "Tr0ub4dor-and-3 "),
        ("ann@bücher.example", "Tr0ub4dor-and-3\0"),
        ("ann@bücher.example", &"x".repeat(1_000_000)),
        ("nobody@example.com", PASSWORD),
        ("inactive@example.com", PASSWORD),
        ("inactive@example.com", "wrong"),
        ("passwordless@example.com", PASSWORD),
        ("passwordless@example.com", ""),
    ] {
        refused(enter(&app.env, identifier, password));
    }
    assert_eq!(number(&app, "SELECT COUNT(*) FROM sessions"), 0);
    assert_eq!(number(&app, "SELECT COUNT(*) FROM users WHERE last_login IS NOT NULL"), 0);
}

/// the password is taken as it is typed, but for its Unicode form.
#[test]
fn a_password_may_be_typed_in_another_unicode_form() {
    let app = TestApp::new();
    let profile =
        NewUser { email: Some(Email::parse("a@example.com").unwrap()), is_active: true, ..NewUser::default() };
    let password = Some(Password::parse("password", " Cafe\u{301} à la carte ").unwrap());
    app.operate(|ctx| users::create(ctx, users::NewAccount { profile, password, roles: vec![] })).unwrap();
    enter(&app.env, "a@example.com", " Café a\u{300} la carte ").unwrap();
    refused(enter(&app.env, "a@example.com", "Café à la carte"));
}

#[test]
fn a_login_is_remembered() {
    let app = TestApp::new();
    let id = ann(&app);
    app.clock.advance(Duration::from_secs(5));
    let signed = enter(&app.env, "+71234567890", PASSWORD).unwrap();
    let account = app.operate(|ctx| users::get(ctx, id)).unwrap();
    assert_eq!(account.user.last_login, Some(app.env.clock.now()));
    assert_eq!(signed.user.last_login, account.user.last_login);
    assert_ne!(account.user.updated_at, app.env.clock.now(), "S4-37: a login is no change of the profile");
    let session = &app.operate(|ctx| sessions::of_user(ctx, id)).unwrap()[0].0;
    assert_eq!(session.ip_address, origin().address);
    assert_eq!(session.user_agent, "tests/1");
    assert_eq!(number(&app, "SELECT COUNT(*) FROM audit WHERE action = 'login.succeeded'"), 1);
}

/// a hash of other costs is renewed at the next successful login, and only then.
#[test]
fn a_weak_hash_is_renewed() {
    let mut app = TestApp::new();
    ann(&app);
    let weak = column(&app, "SELECT password FROM users");
    Arc::get_mut(&mut app.env).unwrap().hasher = Hasher::new(Params::LESS_MEMORY, 1).unwrap();
    refused(enter(&app.env, "+71234567890", "wrong"));
    assert_eq!(column(&app, "SELECT password FROM users"), weak);
    enter(&app.env, "+71234567890", PASSWORD).unwrap();
    let strong = column(&app, "SELECT password FROM users");
    assert!(strong[0].starts_with("$argon2id$v=19$m=12288,t=3,p=1$"), "{strong:?}");
    enter(&app.env, "+71234567890", PASSWORD).unwrap();
    assert_eq!(column(&app, "SELECT password FROM users"), strong);
    assert_eq!(number(&app, "SELECT COUNT(*) FROM sessions WHERE ended_at IS NULL"), 2);
}

/// what happens while the hash is computed counts.
#[test]
fn whatever_changes_in_the_middle_of_a_login_wins() {
    fn change(app: &TestApp, profile: UserPatch, password: Option<&str>) {
        let id = app.operate(|ctx| users::find(ctx, "+71234567890")).unwrap().user.id;
        let password = password.map(|text| Password::parse("password", text).unwrap());
        patch(app, id, AccountPatch { profile, password, roles: None });
    }
    let deeds: [fn(&TestApp); 4] = [
        |app| change(app, UserPatch::default(), Some("An0ther-one-of-mine")),
        |app| change(app, UserPatch { is_active: Some(false), ..UserPatch::default() }, None),
        |app| {
            let email = Some(Some(Email::parse("new@example.com").unwrap()));
            change(app, UserPatch { email, ..UserPatch::default() }, None);
        },
        |app| {
            let id = app.operate(|ctx| users::find(ctx, "+71234567890")).unwrap().user.id;
            app.operate(|ctx| users::delete(ctx, id)).unwrap();
        },
    ];
    for deed in deeds {
        let app = Arc::new(TestApp::new());
        ann(&app);
        refused(enter(&meddled(&app, deed), "ann@bücher.example", PASSWORD));
        assert_eq!(number(&app, "SELECT COUNT(*) FROM sessions"), 0);
    }
}

#[test]
fn a_forced_logout_in_the_middle_of_a_login_wins() {
    let app = Arc::new(TestApp::new());
    ann(&app);
    let env = meddled(&app, |app| {
        app.clock.advance(Duration::from_millis(5));
        let id = app.operate(|ctx| users::find(ctx, "+71234567890")).unwrap().user.id;
        let at = Some(Some(app.env.clock.now()));
        patch(
            app,
            id,
            AccountPatch {
                profile: UserPatch { force_logout_at: at, ..UserPatch::default() },
                ..AccountPatch::default()
            },
        );
    });
    let result = enter(&env, "+71234567890", PASSWORD);
    assert!(matches!(result, Err(Error::Unavailable { .. })), "{result:?}");
    assert_eq!(number(&app, "SELECT COUNT(*) FROM sessions"), 0);
}

#[test]
fn one_session_more_than_allowed_ends_the_oldest() {
    let app = TestApp::new();
    ann(&app);
    app.user("bob@example.com", &[]);
    let bob = app.sign_in("bob@example.com");
    set(&app, "sessions.per_user", 2);
    let pairs: Vec<_> = (0..4)
        .map(|_| {
            app.clock.advance(Duration::from_secs(1));
            app.sign_in("+71234567890")
        })
        .collect();
    let live: Vec<bool> = pairs.iter().map(|pair| app.authenticate(&pair.access).is_ok()).collect();
    assert_eq!(live, [false, false, true, true]);
    assert!(app.authenticate(&bob.access).is_ok());
    let reasons = column(&app, "SELECT end_reason FROM sessions WHERE ended_at IS NOT NULL");
    assert_eq!(reasons, ["too_many_sessions", "too_many_sessions"]);
    set(&app, "sessions.per_user", 0);
    for _ in 0..25 {
        app.sign_in("+71234567890");
    }
    assert!(app.authenticate(&pairs[3].access).is_ok());
}

/// A session whose token is gone cannot be used any more, and takes no place of one that can.
#[test]
fn a_session_without_a_token_is_the_one_used_least_lately() {
    let app = TestApp::new();
    ann(&app);
    set(&app, "sessions.per_user", 2);
    let first = app.sign_in("+71234567890");
    app.clock.advance(Duration::from_secs(1));
    app.sign_in("+71234567890");
    let database = rusqlite::Connection::open(app.folder.path().join("authsrv.db")).unwrap();
    database.execute_batch("DELETE FROM tokens WHERE session_id = 2").unwrap();
    app.clock.advance(Duration::from_secs(1));
    let third = app.sign_in("+71234567890");
    assert!([first, third].iter().all(|pair| app.authenticate(&pair.access).is_ok()));
    assert_eq!(column(&app, "SELECT uuid FROM sessions WHERE ended_at IS NULL").len(), 2);
}

/// tokens of a sign-in that overlaps the end of all sessions do not outlive it.
#[test]
fn an_end_of_all_sessions_in_the_middle_of_a_login_wins() {
    let deeds: [fn(&TestApp, authsrv::domain::ids::UserId); 3] = [
        |app, id| assert!(app.operate(|ctx| sessions::end_of_user(ctx, id)).is_ok()),
        |app, _| assert!(app.operate(sessions::end_everyones).is_ok()),
        |app, id| {
            for is_active in [Some(false), Some(true)] {
                let profile = UserPatch { is_active, ..UserPatch::default() };
                patch(app, id, AccountPatch { profile, ..AccountPatch::default() });
            }
        },
    ];
    for (deed, is_in) in deeds.into_iter().flat_map(|deed| [(deed, true), (deed, false)]) {
        let app = Arc::new(TestApp::new());
        let id = ann(&app);
        if is_in {
            app.sign_in("+71234567890");
        }
        let result = enter(&meddled(&app, move |app| deed(app, id)), "+71234567890", PASSWORD);
        assert!(matches!(result, Err(Error::Unavailable { .. })), "{result:?}");
        assert_eq!(number(&app, "SELECT COUNT(*) FROM sessions WHERE ended_at IS NULL"), 0);
        enter(&app.env, "+71234567890", PASSWORD).unwrap();
    }
}

#[test]
fn the_end_of_one_session_in_the_middle_of_a_login_is_no_matter() {
    let app = Arc::new(TestApp::new());
    let id = ann(&app);
    let other = app.sign_in("+71234567890");
    let env = meddled(&app, move |app| {
        app.call(&Actor::Anonymous, |ctx| authsrv::service::login::logout_by_refresh(ctx, &other.refresh)).unwrap();
    });
    assert_eq!(enter(&env, "+71234567890", PASSWORD).unwrap().user.id, id);
}

/// of two sign-ins at once one renews the hash, and both are good.
#[test]
fn a_hash_renewed_by_another_login_in_the_middle_is_no_wrong_password() {
    let app = Arc::new(TestApp::new());
    let id = ann(&app);
    let env = meddled(&app, move |app| {
        let renewed = app.env.hasher.hash(PASSWORD, app.env.random.as_ref()).unwrap();
        app.env.store.write(|tx| tx.set_password_hash(id, Some(&renewed))).unwrap();
    });
    assert_eq!(enter(&env, "+71234567890", PASSWORD).unwrap().user.id, id);
    assert_eq!(number(&app, "SELECT COUNT(*) FROM sessions"), 1);
}

/// the session that has just begun is not the one to go, whatever the clock says.
#[test]
fn a_new_session_stays_when_the_clock_was_set_back() {
    let app = TestApp::new();
    ann(&app);
    set(&app, "sessions.per_user", 2);
    let [first, second] = [(); 2].map(|()| {
        app.clock.advance(Duration::from_secs(1));
        app.sign_in("+71234567890")
    });
    app.clock.step_back(Duration::from_secs(30));
    let third = app.sign_in("+71234567890");
    let live = [first, second, third].map(|pair| app.authenticate(&pair.access).is_ok());
    assert_eq!(live, [false, true, true]);
}
