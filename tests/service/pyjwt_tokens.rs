//! UUID refresh tokens (S2): kept as hashes, spent at each use, and what their reuse does. The claim `username`, issuer
//! and leeway of SimpleJWT.

use std::sync::Barrier;
use std::time::Duration;

use authsrv::crypto::{jwt, mac};
use authsrv::domain::error::{Result, TokenFault};
use authsrv::domain::identifiers::{Email, Username};
use authsrv::domain::passwords::Password;
use authsrv::domain::settings::Profile;
use authsrv::domain::tokens::TokenPair;
use authsrv::domain::users::NewUser;
use authsrv::service::registration::{self, Registered, Registration};
use authsrv::service::tokens::{self, Refreshed};
use authsrv::service::{Actor, Env, login};
use serde_json::Value;

use super::common::{column, fault, number, set};
use crate::support::{PASSWORD, TestApp, origin};

fn sign_in(app: &TestApp, profile: Profile) -> TokenPair {
    app.call(&Actor::Anonymous, |ctx| login::login(ctx, "ann@example.com", PASSWORD, profile)).unwrap().pair
}

fn ann() -> (TestApp, TokenPair) {
    let app = TestApp::new();
    app.user("ann@example.com", &[]);
    let pair = sign_in(&app, Profile::PyJwt);
    (app, pair)
}

fn exchange(env: &Env, token: &str) -> Result<Refreshed> {
    tokens::refresh(&env.ctx(&Actor::Anonymous, &origin()), token)
}

fn next(app: &TestApp, token: &str) -> TokenPair {
    let Refreshed { access, refresh } = exchange(&app.env, token).unwrap();
    TokenPair { access, refresh: refresh.unwrap() }
}

fn claim(token: &str, name: &str) -> Value {
    jwt::read_unverified(token).unwrap().claims.get(name).cloned().unwrap_or(Value::Null)
}

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// S2-7, S2-8, D-11.
#[test]
fn the_pair_is_an_access_token_of_30_seconds_and_a_uuid_that_is_nowhere_in_the_file() {
    let (app, first) = ann();
    let second = next(&app, &first.refresh);
    for pair in [&first, &second] {
        assert!(mac::is_uuid(&pair.refresh), "{}", pair.refresh);
        assert_eq!(claim(&pair.access, "exp").as_i64().unwrap() - claim(&pair.access, "iat").as_i64().unwrap(), 30);
        assert!(app.authenticate(&pair.access).is_ok());
        let bytes = ["authsrv.db", "authsrv.db-wal"].map(|name| std::fs::read(app.folder.path().join(name)).unwrap());
        let plain = pair.refresh.replace('-', "");
        for text in [pair.refresh.as_str(), &plain] {
            assert!(!bytes.concat().windows(text.len()).any(|window| window == text.as_bytes()), "R-21");
        }
    }
    // S4-38: lists show a UUID that is a name and no secret.
    let names = column(&app, "SELECT jti FROM tokens");
    assert!(names.iter().all(|name| mac::is_uuid(name) && *name != first.refresh && *name != second.refresh));
    assert_eq!(number(&app, "SELECT COUNT(*) FROM tokens WHERE LENGTH(secret_hash) = 32"), 2);
    app.clock.advance(seconds(30));
    assert_eq!(fault(app.authenticate(&second.access)), TokenFault::Expired);
}

#[test]
fn within_the_grace_a_spent_uuid_gives_the_same_successor_and_after_it_ends_the_session() {
    let (app, first) = ann();
    let second = next(&app, &first.refresh);
    for millis in [0, 1, 9998] {
        app.clock.advance(Duration::from_millis(millis));
        let again = next(&app, &first.refresh);
        assert_eq!(again.refresh, second.refresh, "D-11");
        assert!(app.authenticate(&again.access).is_ok());
    }
    let third = next(&app, &second.refresh);
    assert_eq!(number(&app, "SELECT COUNT(*) FROM tokens"), 3, "R-22: one chain");
    app.clock.advance(Duration::from_millis(1));
    assert_eq!(fault(exchange(&app.env, &first.refresh)), TokenFault::Reused);
    assert_eq!(fault(exchange(&app.env, &third.refresh)), TokenFault::Revoked);
    assert_eq!(fault(app.authenticate(&third.access)), TokenFault::Revoked, "R-22: access tokens too");
    assert_eq!(column(&app, "SELECT end_reason FROM sessions"), ["refresh_reused"]);
}

#[test]
fn without_a_grace_the_second_use_ends_the_session() {
    let (app, first) = ann();
    set(&app, "refresh.grace", 0);
    let second = next(&app, &first.refresh);
    assert_eq!(fault(exchange(&app.env, &first.refresh)), TokenFault::Reused);
    assert_eq!(fault(exchange(&app.env, &second.refresh)), TokenFault::Revoked);
}

/// order is by generation, and a restart or a clock that is set back changes nothing.
#[test]
fn a_restart_and_a_clock_set_back_change_nothing() {
    let (app, first) = ann();
    let second = next(&app, &first.refresh);
    app.clock.step_back(seconds(5));
    let other = app.second();
    assert_eq!(exchange(&other, &first.refresh).unwrap().refresh.unwrap(), second.refresh);
    let third = exchange(&other, &second.refresh).unwrap().refresh.unwrap();
    assert_eq!(number(&app, "SELECT MAX(generation) FROM tokens"), 3);
    app.clock.step_back(seconds(3600));
    assert_eq!(fault(exchange(&app.env, &first.refresh)), TokenFault::Reused);
    assert_eq!(fault(exchange(&app.env, &third)), TokenFault::Revoked);
}

/// R-22, with callers in two programs on the file.
#[test]
fn sixteen_uses_at_once_make_one_chain() {
    let (app, first) = ann();
    let (other, barrier) = (app.second(), Barrier::new(16));
    let got: Vec<String> = std::thread::scope(|scope| {
        let begun: Vec<_> = (0..16)
            .map(|n| {
                let (app, other, barrier, token) = (&app, &other, &barrier, &first.refresh);
                scope.spawn(move || {
                    barrier.wait();
                    exchange(if n % 2 == 0 { &app.env } else { other }, token).unwrap().refresh.unwrap()
                })
            })
            .collect();
        begun.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(got.iter().all(|one| *one == got[0]), "{got:?}");
    assert_eq!(number(&app, "SELECT COUNT(*) FROM tokens"), 2);
    assert_eq!(number(&app, "SELECT COUNT(*) FROM sealed_secrets"), 1);
    next(&app, &got[0]);
}

/// S2-15, and the second time it is refused.
#[test]
fn logging_out_by_a_uuid_ends_the_session_at_once() {
    let (app, pair) = ann();
    let out = |token: &str| app.call(&Actor::Anonymous, |ctx| login::logout_by_refresh(ctx, token));
    out(&pair.refresh).unwrap();
    assert_eq!(fault(app.authenticate(&pair.access)), TokenFault::Revoked);
    assert_eq!(fault(out(&pair.refresh)), TokenFault::Revoked);
    assert_eq!(fault(exchange(&app.env, &pair.refresh)), TokenFault::Revoked);
    assert_eq!(fault(out("6c5e7f0e-6c39-4d4f-9a0a-0d8f2ad5a2b7")), TokenFault::Malformed);
}

/// each token obeys the profile of its own session, at whatever door.
#[test]
fn both_kinds_of_refresh_token_go_through_one_function() {
    let (app, uuid) = ann();
    let own = sign_in(&app, Profile::Rbac);
    let rbac = next(&app, &own.refresh);
    assert_eq!(rbac.refresh.split('.').count(), 3);
    assert_eq!(claim(&rbac.access, "exp").as_i64().unwrap() - claim(&rbac.access, "iat").as_i64().unwrap(), 300);
    assert!(mac::is_uuid(&next(&app, &uuid.refresh).refresh));
    set(&app, "pyjwt.rotate_refresh", false);
    let stays = sign_in(&app, Profile::PyJwt).refresh;
    for _ in 0..2 {
        assert!(exchange(&app.env, &stays).unwrap().refresh.is_none());
    }
}

#[test]
fn a_uuid_expires_and_is_looked_at_without_being_spent() {
    let (app, pair) = ann();
    let found = app.operate(|ctx| tokens::inspect(ctx, &pair.refresh)).unwrap();
    assert!(found.valid && found.proven, "{found:?}");
    assert_eq!((found.user_id, found.session_id), (Some(1), Some(1)));
    let verify = |token: &str| app.call(&Actor::Anonymous, |ctx| tokens::verify(ctx, token));
    assert_eq!(fault(verify(&pair.refresh)), TokenFault::Malformed, "it is no signed token");
    app.clock.advance(seconds(30 * 86_400));
    assert_eq!(fault(exchange(&app.env, &pair.refresh)), TokenFault::Expired);
    let found = app.operate(|ctx| tokens::inspect(ctx, &pair.refresh)).unwrap();
    assert!(!found.valid && found.proven, "{found:?}");
    let nothing = app.operate(|ctx| tokens::inspect(ctx, "6c5e7f0e-6c39-4d4f-9a0a-0d8f2ad5a2b7")).unwrap();
    assert!(!nothing.valid && !nothing.proven && nothing.user_id.is_none(), "{nothing:?}");
}

#[test]
fn a_registration_gives_a_uuid_too() {
    let app = TestApp::new();
    let new = Registration {
        email: Some(Email::parse("bob@example.com").unwrap()),
        phone: None,
        username: None,
        password: Password::parse("password", PASSWORD).unwrap(),
        first_name: String::new(),
        last_name: String::new(),
        middle_name: None,
    };
    let made = app.call(&Actor::Anonymous, |ctx| registration::register(ctx, new, Some(Profile::PyJwt))).unwrap();
    let Registered::SignedIn(signed_in) = made else { panic!("pending") };
    assert!(mac::is_uuid(&next(&app, &signed_in.pair.refresh).refresh));
}

/// S3-32.
#[test]
fn the_username_is_in_tokens_of_simplejwt_alone_and_is_carried_over() {
    let app = TestApp::new();
    let username = |name: &str| Some(Username::parse(name).unwrap());
    let email = Some(Email::parse("ann@example.com").unwrap());
    app.account(NewUser { email, username: username("ann"), is_active: true, ..NewUser::default() }, &[]);
    let first = sign_in(&app, Profile::SimpleJwt);
    let second = next(&app, &first.refresh);
    for token in [&first.access, &first.refresh, &second.access, &second.refresh] {
        assert_eq!(claim(token, "username"), "ann");
    }
    assert_eq!(claim(&sign_in(&app, Profile::Rbac).access, "username"), Value::Null);
    app.user("bob@example.com", &[]);
    let bob = app.call(&Actor::Anonymous, |ctx| login::login(ctx, "bob@example.com", PASSWORD, Profile::SimpleJwt));
    assert_eq!(
        claim(&bob.unwrap().pair.access, "username"),
        "bob@example.com",
        "who has none is called as he signs in"
    );
}

#[test]
fn verify_passes_what_could_be_used_and_spends_nothing() {
    let app = TestApp::new();
    app.user("ann@example.com", &[]);
    let pair = sign_in(&app, Profile::SimpleJwt);
    let verify = |token: &str| app.call(&Actor::Anonymous, |ctx| tokens::verify(ctx, token));
    for token in [&pair.access, &pair.refresh, &pair.refresh] {
        verify(token).unwrap();
    }
    let second = next(&app, &pair.refresh);
    assert_eq!(fault(verify(&pair.refresh)), TokenFault::Revoked, "spent");
    verify(&second.refresh).unwrap();
    assert_eq!(fault(verify("garbage")), TokenFault::Malformed);
    app.call(&Actor::Anonymous, |ctx| login::logout_by_refresh(ctx, &second.refresh)).unwrap();
    for token in [&second.access, &second.refresh] {
        assert_eq!(fault(verify(token)), TokenFault::Revoked);
    }
    let fresh = sign_in(&app, Profile::SimpleJwt);
    app.clock.advance(seconds(7200));
    assert_eq!(fault(verify(&fresh.access)), TokenFault::Expired);
}

#[test]
fn the_issuer_of_simplejwt_is_a_setting_and_every_former_one_stays_good() {
    let app = TestApp::new();
    app.user("ann@example.com", &[]);
    let before = sign_in(&app, Profile::SimpleJwt);
    set(&app, "simplejwt.issuer", "old-system");
    let after = next(&app, &before.refresh);
    assert_eq!(claim(&after.access, "iss"), "old-system");
    assert_eq!(claim(&sign_in(&app, Profile::Rbac).access, "iss"), "http://127.0.0.1:8000");
    for access in [&before.access, &after.access] {
        assert!(app.authenticate(access).is_ok());
    }
    set(&app, "simplejwt.issuer", "");
    assert!(app.authenticate(&after.access).is_ok());
}

#[test]
fn a_leeway_is_given_to_access_tokens_and_only_where_it_is_set() {
    let app = TestApp::new();
    app.user("ann@example.com", &[]);
    let pair = sign_in(&app, Profile::Rbac);
    app.clock.advance(seconds(300));
    assert_eq!(fault(app.authenticate(&pair.access)), TokenFault::Expired, "R-18");
    set(&app, "simplejwt.leeway", 5);
    assert!(app.authenticate(&pair.access).is_ok());
    app.clock.advance(seconds(5));
    assert_eq!(fault(app.authenticate(&pair.access)), TokenFault::Expired);
}

#[test]
fn header_words_are_letters_between_commas() {
    let app = TestApp::new();
    let words = || {
        let stored = app.env.store.read(|tx| tx.stored_settings()).unwrap();
        authsrv::domain::settings::Settings::from_stored(stored).auth_header_types()
    };
    assert_eq!(words(), ["Bearer"]);
    set(&app, "simplejwt.auth_header_types", "Bearer, JWT");
    assert_eq!(words(), ["Bearer", "JWT"]);
    let setting = authsrv::domain::settings::find("simplejwt.auth_header_types").unwrap();
    for wrong in ["", ",", "Bearer,", "Be arer", "JWT,JWT", "é", "a:b", "A,B,C,D,E,F"] {
        assert!(setting.accept(&Value::from(wrong)).is_err(), "{wrong:?}");
    }
}
