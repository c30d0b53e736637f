//! Tokens of a former SimpleJWT under its imported secret (D-12, R-16, R-18).

use std::sync::Barrier;
use std::time::Duration;

use authsrv::domain::error::{Error, Reason, Result, TokenFault};
use authsrv::domain::ids::UserId;
use authsrv::domain::passwords::Password;
use authsrv::domain::users::UserPatch;
use authsrv::service::tokens::{self, Refreshed};
use authsrv::service::users::AccountPatch;
use authsrv::service::{Access, Actor, Caller, Clock, Ensured, Env, keys, login, me, sessions, users};
use serde_json::{Value, json};

use super::common::{column, fault, invalid, number, patch, refusal, set};
use crate::support::former::{SECRET, claims, header, import, signed, token};
use crate::support::{PASSWORD, TestApp, origin};

/// With a user whose id is 1 and an imported key.
fn ann() -> (TestApp, String) {
    let app = TestApp::new();
    app.user("ann@example.com", &["viewer"]);
    let kid = import(&app);
    (app, kid)
}

fn issued(app: &TestApp, kind: &str, n: u32) -> String {
    token(kind, 1, app.clock.now(), n)
}

fn exchange(env: &Env, token: &str) -> Result<Refreshed> {
    tokens::refresh(&env.ctx(&Actor::Anonymous, &origin()), token)
}

fn log_out(app: &TestApp, token: &str) -> Result<()> {
    app.call(&Actor::Anonymous, |ctx| login::logout_by_refresh(ctx, token))
}

fn verify(app: &TestApp, token: &str) -> Result<()> {
    app.call(&Actor::Anonymous, |ctx| tokens::verify(ctx, token))
}

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn reason<T>(result: Result<T>) -> Reason {
    match result.err().expect("it was accepted") {
        Error::Unauthenticated(reason) => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_access_token_of_the_former_system_lets_its_user_in() {
    let (app, _) = ann();
    let access = issued(&app, "access", 1);
    let Actor::User(Caller { user, by, grants, .. }) = app.authenticate(&access).unwrap() else { panic!("nobody") };
    assert_eq!(user, UserId(1));
    assert!(matches!(by, Access::Imported(_)));
    assert!(grants.rights().count() > 0);
    verify(&app, &access).unwrap();
    // It can do what a session can, and has none.
    assert_eq!(app.with_token(&access, me::get).unwrap().user.id, user);
    assert!(app.with_token(&access, sessions::mine).unwrap().is_empty());
    app.clock.advance(seconds(300));
    assert_eq!(fault(app.authenticate(&access)), TokenFault::Expired, "exp is not in it");
}

#[test]
fn a_refresh_token_begins_one_session_of_simplejwt_and_is_spent() {
    let (app, _) = ann();
    let old = issued(&app, "refresh", 1);
    verify(&app, &old).unwrap();
    assert_eq!(number(&app, "SELECT COUNT(*) FROM sessions"), 0, "looking at it changes nothing");
    let first = exchange(&app.env, &old).unwrap();
    assert_eq!(column(&app, "SELECT profile FROM sessions"), ["simplejwt"]);
    assert!(app.authenticate(&first.access).is_ok());
    assert!(exchange(&app.env, &old).unwrap() == first, "D-11: the same successor within the grace");
    assert_eq!(number(&app, "SELECT COUNT(*) FROM sessions"), 1);
    let second = exchange(&app.env, &first.refresh.unwrap()).unwrap();
    app.clock.advance(seconds(10));
    assert_eq!(fault(verify(&app, &old)), TokenFault::Revoked);
    assert_eq!(fault(exchange(&app.env, &old)), TokenFault::Reused);
    assert_eq!(fault(app.authenticate(&second.access)), TokenFault::Revoked, "R-22: the session that it began");
    assert_eq!(fault(exchange(&app.env, &old)), TokenFault::Revoked);
    let events = column(&app, "SELECT action FROM audit WHERE action LIKE 'token.%'");
    assert_eq!(events, ["token.imported", "token.refreshed", "token.refreshed", "token.reused"]);
}

#[test]
fn where_nothing_rotates_a_refresh_token_stays_good_in_one_session() {
    let (app, _) = ann();
    set(&app, "simplejwt.rotate_refresh", false);
    let old = issued(&app, "refresh", 1);
    for _ in 0..3 {
        let Refreshed { access, refresh } = exchange(&app.env, &old).unwrap();
        assert!(refresh.is_none() && app.authenticate(&access).is_ok());
        app.clock.advance(seconds(60));
    }
    assert_eq!(number(&app, "SELECT COUNT(*) FROM sessions"), 1);
    log_out(&app, &old).unwrap();
    assert_eq!(fault(exchange(&app.env, &old)), TokenFault::Revoked);
}

#[test]
fn a_logout_is_for_good_also_before_the_first_use_and_after_a_purge() {
    let (app, _) = ann();
    // A session that ends long before the token does.
    set(&app, "simplejwt.session_lifetime", 60);
    let (never_used, used) = (issued(&app, "refresh", 1), issued(&app, "refresh", 2));
    log_out(&app, &never_used).unwrap();
    exchange(&app.env, &used).unwrap();
    app.clock.advance(seconds(2 * 3600));
    app.operate(|ctx| tokens::purge(ctx, &mut |_| {})).unwrap();
    assert_eq!(number(&app, "SELECT COUNT(*) FROM sessions"), 0);
    for token in [&never_used, &used] {
        assert_eq!(fault(exchange(&app.env, token)), TokenFault::Revoked, "R-59");
        assert_eq!(fault(log_out(&app, token)), TokenFault::Revoked);
        assert_eq!(fault(verify(&app, token)), TokenFault::Revoked);
    }
    app.clock.advance(seconds(86_400));
    app.operate(|ctx| tokens::purge(ctx, &mut |_| {})).unwrap();
    assert_eq!(number(&app, "SELECT COUNT(*) FROM revoked_imports"), 0, "they have expired themselves");
    app.clock.step_back(seconds(86_400));
    for token in [&never_used, &used] {
        assert_eq!(fault(exchange(&app.env, token)), TokenFault::Expired, "R-59: also when the clock is set back");
    }
}

#[test]
fn a_logout_by_an_access_token_ends_that_token() {
    let (app, _) = ann();
    let (gone, other) = (issued(&app, "access", 1), issued(&app, "access", 2));
    app.with_token(&gone, login::logout).unwrap();
    assert_eq!(fault(app.authenticate(&gone)), TokenFault::Revoked);
    assert!(app.authenticate(&other).is_ok());
    assert_eq!(column(&app, "SELECT action FROM audit WHERE action = 'token.revoked'"), ["token.revoked"]);
}

/// R-22 over two programs: whoever comes first begins the session.
#[test]
fn sixteen_first_uses_at_once_make_one_session_and_one_chain() {
    let (app, _) = ann();
    let (other, barrier, old) = (app.second(), Barrier::new(16), issued(&app, "refresh", 1));
    let got: Vec<Refreshed> = std::thread::scope(|scope| {
        let begun: Vec<_> = (0..16)
            .map(|n| {
                let (app, other, barrier, old) = (&app, &other, &barrier, &old);
                scope.spawn(move || {
                    barrier.wait();
                    exchange(if n % 2 == 0 { &app.env } else { other }, old).unwrap()
                })
            })
            .collect();
        begun.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(got.iter().all(|one| *one == got[0]));
    assert_eq!(number(&app, "SELECT COUNT(*) FROM sessions"), 1);
    assert_eq!(number(&app, "SELECT COUNT(*) FROM tokens WHERE spent_at IS NULL"), 1);
}

type Deed = (&'static str, fn(&TestApp));

/// whatever ends all sessions of a user ends these tokens.
const ENDS: [Deed; 7] = [
    ("all revoked", |app| assert_eq!(app.operate(|ctx| sessions::end_of_user(ctx, UserId(1))).unwrap(), 1)),
    ("everyone's revoked", |app| assert_eq!(app.operate(sessions::end_everyones).unwrap(), 1)),
    ("a new password", |app| {
        let password = Some(Password::parse("password", "An0ther-g00d-one").unwrap());
        patch(app, UserId(1), AccountPatch { password, ..AccountPatch::default() });
    }),
    ("a new address", |app| {
        let email = Some(Some(authsrv::domain::identifiers::Email::parse("new@example.com").unwrap()));
        patch(app, UserId(1), profile(UserPatch { email, ..UserPatch::default() }));
    }),
    ("a forced logout", |app| {
        let force_logout_at = Some(Some(app.clock.now()));
        patch(app, UserId(1), profile(UserPatch { force_logout_at, ..UserPatch::default() }));
    }),
    ("a deactivation, also when it is taken back", |app| {
        for is_active in [Some(false), Some(true)] {
            patch(app, UserId(1), profile(UserPatch { is_active, ..UserPatch::default() }));
        }
    }),
    ("a password of one's own choice", |app| {
        let access = issued(app, "access", 77);
        let new = Password::parse("new_password", "An0ther-g00d-one").unwrap();
        app.with_token(&access, |ctx| me::change_password(ctx, PASSWORD, new)).unwrap();
        assert_eq!(fault(app.authenticate(&access)), TokenFault::Revoked, "it has no session that could go on");
    }),
];

fn profile(profile: UserPatch) -> AccountPatch {
    AccountPatch { profile, ..AccountPatch::default() }
}

#[test]
fn what_ends_all_sessions_of_a_user_ends_what_was_issued_by_then() {
    for (what, end) in ENDS {
        let (app, _) = ann();
        let (access, refresh) = (issued(&app, "access", 1), issued(&app, "refresh", 2));
        let adopted = exchange(&app.env, &issued(&app, "refresh", 3)).unwrap();
        let mut timeless = claims("access", 1, app.clock.now(), 4);
        timeless.as_object_mut().unwrap().shift_remove("iat");
        let timeless = signed(SECRET.as_bytes(), &header(), &timeless);
        assert!(app.authenticate(&access).is_ok() && app.authenticate(&timeless).is_ok());
        app.clock.advance(Duration::from_millis(1));
        end(&app);
        for token in [&access, &timeless, &adopted.access] {
            assert_eq!(fault(app.authenticate(token)), TokenFault::Revoked, "{what}");
            assert_eq!(fault(verify(&app, token)), TokenFault::Revoked, "{what}");
        }
        assert_eq!(fault(exchange(&app.env, &refresh)), TokenFault::Revoked, "{what}");
        assert_eq!(fault(log_out(&app, &refresh)), TokenFault::Revoked, "{what}");
        // Its time is in whole seconds: the rest of this one counts as before.
        assert_eq!(fault(app.authenticate(&issued(&app, "access", 5))), TokenFault::Revoked, "{what}");
        app.clock.advance(seconds(1));
        assert!(app.authenticate(&issued(&app, "access", 6)).is_ok(), "{what}");
    }
}

#[test]
fn a_forced_logout_that_has_not_come_yet_ends_them_when_it_does() {
    let (app, _) = ann();
    let (access, refresh) = (issued(&app, "access", 1), issued(&app, "refresh", 2));
    let force_logout_at = Some(Some(app.clock.now() + chrono::Duration::seconds(60)));
    patch(&app, UserId(1), profile(UserPatch { force_logout_at, ..UserPatch::default() }));
    assert!(app.authenticate(&access).is_ok());
    let adopted = exchange(&app.env, &issued(&app, "refresh", 3)).unwrap();
    app.clock.advance(seconds(60));
    for token in [&access, &adopted.access] {
        assert_eq!(fault(app.authenticate(token)), TokenFault::Revoked);
    }
    assert_eq!(fault(exchange(&app.env, &refresh)), TokenFault::Revoked);
}

#[test]
fn the_inactive_and_the_deleted_are_told_apart() {
    let (app, _) = ann();
    let (access, refresh) = (issued(&app, "access", 1), issued(&app, "refresh", 2));
    let own = app.sign_in("ann@example.com");
    patch(&app, UserId(1), profile(UserPatch { is_active: Some(false), ..UserPatch::default() }));
    assert_eq!(reason(app.authenticate(&access)), Reason::UserInactive);
    for token in [&refresh, &own.refresh] {
        assert_eq!(reason(exchange(&app.env, token)), Reason::UserInactive);
    }
    app.operate(|ctx| users::delete(ctx, UserId(1))).unwrap();
    assert_eq!(reason(app.authenticate(&access)), Reason::UserGone);
    for token in [&refresh, &own.refresh] {
        assert_eq!(reason(exchange(&app.env, token)), Reason::UserGone);
    }
}

/// Numbers of users of two systems can meet.
#[test]
fn a_token_older_than_the_account_is_somebody_elses() {
    let (app, _) = ann();
    let before = app.clock.now() - chrono::Duration::seconds(1);
    assert_eq!(reason(app.authenticate(&token("access", 1, before, 1))), Reason::UserGone);
    assert_eq!(reason(exchange(&app.env, &token("refresh", 1, before, 2))), Reason::UserGone);
}

#[test]
fn a_key_ends_by_its_date_and_by_being_revoked_and_is_never_published() {
    let (app, kid) = ann();
    let jwks = keys::public_jwks(&app.env).unwrap().to_string();
    assert!(!jwks.contains(&kid) && jwks.contains("ES256"), "{jwks}");
    let mut long = claims("access", 1, app.clock.now(), 1);
    long["exp"] = json!(app.clock.now().timestamp() + 100 * 86_400);
    let long = signed(SECRET.as_bytes(), &header(), &long);
    app.clock.advance(seconds(42 * 86_400 - 1));
    assert!(app.authenticate(&long).is_ok());
    app.clock.advance(seconds(1));
    assert_eq!(fault(app.authenticate(&long)), TokenFault::UnknownKey);
    let until = app.clock.now() + chrono::Duration::days(1);
    let again = app.operate(|ctx| keys::import_hs256(ctx, SECRET, until)).unwrap();
    assert!(matches!(&again, Ensured::Differs(key, _) if key.kid == kid), "{again:?}");
    let same = app.operate(|ctx| keys::import_hs256(ctx, SECRET, until)).unwrap();
    assert!(matches!(same, Ensured::Unchanged(_)));
    let actor = app.authenticate(&long).unwrap();
    assert!(app.operate(|ctx| keys::revoke(ctx, &kid)).unwrap().revoked);
    assert!(!app.operate(|ctx| keys::revoke(ctx, &kid)).unwrap().revoked);
    assert_eq!(fault(app.authenticate(&long)), TokenFault::UnknownKey);
    let names = me::Names { first_name: Some("Eve".to_owned()), ..me::Names::default() };
    let late = app.call(&actor, |ctx| me::rename(ctx, names));
    assert_eq!(fault(late), TokenFault::UnknownKey, "R-28: judged again in the transaction");
    let back = app.operate(|ctx| keys::import_hs256(ctx, SECRET, until));
    assert_eq!(invalid(back), [("secret".to_owned(), "invalid")], "R-59");
}

#[test]
fn keys_are_for_whoever_holds_the_right() {
    let (app, kid) = ann();
    let until = app.clock.now() + chrono::Duration::days(1);
    let access = issued(&app, "access", 1);
    refusal(app.with_token(&access, keys::list));
    refusal(app.with_token(&access, |ctx| keys::import_hs256(ctx, SECRET, until)));
    refusal(app.with_token(&access, |ctx| keys::revoke(ctx, &kid)));
    let import = |secret: &str, until| app.operate(|ctx| keys::import_hs256(ctx, secret, until));
    assert_eq!(invalid(import(&SECRET[..31], until)), [("secret".to_owned(), "min_length")]);
    assert_eq!(invalid(import(SECRET, app.clock.now())), [("until".to_owned(), "invalid")]);
    assert!(matches!(app.operate(|ctx| keys::revoke(ctx, "x")), Err(Error::NotFound(_))));
}

/// What SimpleJWT says of each, by the dialects' texts.
#[test]
fn claims_are_judged_as_that_system_judged_them() {
    use TokenFault::{Claim, Expired, Malformed, NotYetValid, WrongType};
    let (app, _) = ann();
    let now = app.clock.now().timestamp();
    type Verdict = std::result::Result<(), TokenFault>;
    let refresh: [(&str, Value, Verdict); 24] = [
        ("exp", Value::Null, Err(Malformed)),
        ("exp", json!("99999999999"), Err(Malformed)),
        ("exp", json!("soon"), Err(Malformed)),
        ("exp", json!(now), Err(Expired)),
        ("exp", json!(-1), Err(Malformed)),
        ("exp", json!(9_999_999_999.5), Ok(())),
        ("exp", json!(1e300), Err(Malformed)),
        ("exp", json!(i64::MAX), Ok(())),
        ("nbf", json!(now + 1), Err(NotYetValid)),
        ("nbf", json!("x"), Err(Malformed)),
        ("iat", json!(now + 1), Err(NotYetValid)),
        ("iat", json!([]), Err(Malformed)),
        ("jti", json!(5), Err(Malformed)),
        ("jti", json!(""), Err(Malformed)),
        ("token_type", json!("access"), Err(WrongType)),
        ("token_type", json!("banana"), Err(WrongType)),
        ("token_type", json!(7), Err(WrongType)),
        ("user_id", json!("abc"), Err(Claim("user_id"))),
        ("user_id", json!([]), Err(Claim("user_id"))),
        ("user_id", json!("99999999999999999999999999"), Err(Claim("user_id"))),
        ("user_id", json!(1e30), Err(Claim("user_id"))),
        ("user_id", json!("01"), Err(Claim("user_id"))),
        ("user_id", json!(1), Ok(())),
        ("aud", json!("somebody"), Ok(())),
    ];
    for (n, (name, value, verdict)) in (100..).zip(refresh) {
        let mut changed = claims("refresh", 1, app.clock.now(), n);
        changed[name] = value.clone();
        let got = exchange(&app.env, &signed(SECRET.as_bytes(), &header(), &changed));
        match verdict {
            Ok(()) => drop(got.unwrap_or_else(|error| panic!("{name}: {value}: {error}"))),
            Err(expected) => assert_eq!(fault(got), expected, "{name}: {value}"),
        }
    }
    for (n, name) in (200..).zip(["exp", "jti", "token_type", "user_id"]) {
        let mut changed = claims("refresh", 1, app.clock.now(), n);
        changed.as_object_mut().unwrap().shift_remove(name);
        let got = exchange(&app.env, &signed(SECRET.as_bytes(), &header(), &changed));
        assert_eq!(fault(got), Claim(name), "without {name}");
    }
    // That system's verify asks for no type.
    for (n, kind) in (300..).zip(["sliding", "banana"]) {
        verify(&app, &issued(&app, kind, n)).unwrap();
        assert_eq!(fault(app.authenticate(&issued(&app, kind, n))), WrongType);
    }
    for (n, extra) in (400..).zip([json!({"alg": "HS256"}), json!({"alg": "HS256", "typ": "JWT", "kid": "x"})]) {
        let token = signed(SECRET.as_bytes(), &extra, &claims("access", 1, app.clock.now(), n));
        assert!(app.authenticate(&token).is_ok(), "{extra}");
    }
}

#[test]
fn the_custom_claim_is_carried_over() {
    let (app, _) = ann();
    let mut named = claims("refresh", 1, app.clock.now(), 1);
    named["username"] = json!("old name");
    let pair = exchange(&app.env, &signed(SECRET.as_bytes(), &header(), &named)).unwrap();
    let read = authsrv::crypto::jwt::read_unverified(&pair.access).unwrap();
    assert_eq!(read.claims["username"], "old name", "S3-32");
}
