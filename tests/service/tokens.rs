//! Tokens: rotation, reuse, lifetimes, and what ends them.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use authsrv::crypto::jwt;
use authsrv::crypto::random::OsRandom;
use authsrv::domain::error::{Error, Reason, Result, TokenFault};
use authsrv::domain::ids::{SessionId, Timestamp};
use authsrv::domain::pages::Listing;
use authsrv::domain::settings::Profile;
use authsrv::domain::tokens::TokenPair;
use authsrv::domain::users::UserPatch;
use authsrv::service::tokens::{Refreshed, refresh};
use authsrv::service::users::AccountPatch;
use authsrv::service::{Actor, Clock, Env, login, sessions, settings, tokens, users};
use authsrv::store::Mode;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::common::{column, fault, meddled, number, patch, program, set};
use crate::support::{PASSWORD, START, TestApp, origin};

const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;

fn ann() -> (TestApp, TokenPair) {
    let app = TestApp::new();
    app.user("ann@example.com", &[]);
    let pair = app.sign_in("ann@example.com");
    (app, pair)
}

fn sign_in(app: &TestApp, profile: Profile) -> TokenPair {
    app.call(&Actor::Anonymous, |ctx| login::login(ctx, "ann@example.com", PASSWORD, profile)).unwrap().pair
}

fn exchange(env: &Env, token: &str) -> Result<Refreshed> {
    refresh(&env.ctx(&Actor::Anonymous, &origin()), token)
}

fn next(app: &TestApp, token: &str) -> TokenPair {
    let Refreshed { access, refresh } = exchange(&app.env, token).unwrap();
    TokenPair { access, refresh: refresh.unwrap() }
}

fn claim(token: &str, name: &str) -> Value {
    jwt::read_unverified(token).unwrap().claims.get(name).cloned().unwrap_or(Value::Null)
}

fn life(token: &str) -> i64 {
    claim(token, "exp").as_i64().unwrap() - claim(token, "iat").as_i64().unwrap()
}

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn live(app: &TestApp) -> i64 {
    number(app, "SELECT COUNT(*) FROM sessions WHERE ended_at IS NULL")
}

///
#[test]
fn each_refresh_spends_its_token_and_counts_the_generation_on() {
    let (app, first) = ann();
    let mut pair = first.clone();
    for _ in 0..4 {
        pair = next(&app, &pair.refresh);
        assert!(app.authenticate(&pair.access).is_ok());
    }
    assert!(app.authenticate(&first.access).is_ok(), "an access token lives its time, within its session");
    assert_eq!(number(&app, "SELECT COUNT(*) FROM tokens"), 5);
    assert_eq!(number(&app, "SELECT COUNT(*) FROM tokens WHERE spent_at IS NULL AND generation = 5"), 1);
    assert_eq!(number(&app, "SELECT COUNT(DISTINCT session_id) FROM tokens"), 1);
    assert_eq!(claim(&first.refresh, "sid"), claim(&pair.refresh, "sid"));
}

/// D-11: the answer may have been lost on the way.
#[test]
fn within_the_grace_a_spent_token_gives_the_same_pair() {
    let (app, first) = ann();
    let second = next(&app, &first.refresh);
    for millis in [0, 1, 4000, 5998] {
        app.clock.advance(Duration::from_millis(millis));
        assert!(next(&app, &first.refresh) == second, "another pair after {millis} ms more");
    }
    assert_eq!(number(&app, "SELECT COUNT(*) FROM tokens"), 2);
    assert!(app.authenticate(&second.access).is_ok());
    next(&app, &second.refresh);
}

/// a replay after the grace ends the session with everything in it.
#[test]
fn after_the_grace_a_spent_token_ends_its_session() {
    let (app, first) = ann();
    let other = app.sign_in("ann@example.com");
    let second = next(&app, &first.refresh);
    app.clock.advance(seconds(10));
    assert_eq!(fault(exchange(&app.env, &first.refresh)), TokenFault::Reused);
    for access in [&first.access, &second.access] {
        assert_eq!(fault(app.authenticate(access)), TokenFault::Revoked);
    }
    for token in [&first.refresh, &second.refresh] {
        assert_eq!(fault(exchange(&app.env, token)), TokenFault::Revoked);
    }
    assert!(app.authenticate(&other.access).is_ok(), "another sign-in is another session");
    assert_eq!(column(&app, "SELECT end_reason FROM sessions WHERE ended_at IS NOT NULL"), ["refresh_reused"]);
    assert_eq!(column(&app, "SELECT result FROM audit WHERE action = 'token.reused'"), ["refused"]);
}

#[test]
fn the_grace_of_a_token_outlives_the_use_of_its_successor() {
    let (app, first) = ann();
    let second = next(&app, &first.refresh);
    let third = next(&app, &second.refresh);
    assert_eq!(next(&app, &first.refresh), second, "D-11");
    app.clock.advance(Duration::from_secs(11));
    assert_eq!(fault(exchange(&app.env, &first.refresh)), TokenFault::Reused);
    assert_eq!(fault(app.authenticate(&third.access)), TokenFault::Revoked);
}

/// a token that is not exchanged names an issuer, too.
#[test]
fn a_new_issuer_is_known_where_tokens_are_not_rotated() {
    let (app, pair) = ann();
    app.operate(|ctx| settings::change(ctx, &[("rbac.rotate_refresh".to_owned(), Some(json!(false)))])).unwrap();
    set(&app, "public_url", "https://auth.example.com");
    let refreshed = exchange(&app.env, &pair.refresh).unwrap();
    assert!(app.authenticate(&refreshed.access).is_ok());
}

#[test]
fn without_grace_a_token_is_good_once() {
    let (app, first) = ann();
    set(&app, "refresh.grace", 0);
    let second = next(&app, &first.refresh);
    assert_eq!(fault(exchange(&app.env, &first.refresh)), TokenFault::Reused);
    assert_eq!(fault(exchange(&app.env, &second.refresh)), TokenFault::Revoked);
}

/// Tells another time at each call, a little before or after the last.
struct Jitter(AtomicI64);

impl Clock for Jitter {
    fn now(&self) -> Timestamp {
        let n = self.0.fetch_add(1, Ordering::SeqCst);
        Timestamp::from_timestamp_micros(START + 1_000_000 + (n * 7919) % 10_007).unwrap()
    }
}

/// of fifty uses at once, through two programs, one chain comes, whichever of them began first.
#[test]
fn fifty_refreshes_of_one_token_at_once_make_one_chain() {
    let (app, first) = ann();
    let programs = [1, 51].map(|n| program(app.folder.path(), Box::new(Jitter(AtomicI64::new(n))), Box::new(OsRandom)));
    let answers: BTreeSet<(String, String)> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..50)
            .map(|n| {
                let (env, token) = (&programs[n % 2], &first.refresh);
                scope.spawn(move || {
                    let given = exchange(env, token).unwrap();
                    (given.access, given.refresh.unwrap())
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(answers.len(), 1);
    assert_eq!(number(&app, "SELECT COUNT(*) FROM tokens"), 2);
    assert_eq!(number(&app, "SELECT COUNT(*) FROM audit WHERE action = 'token.refreshed'"), 1);
    assert_eq!(live(&app), 1);
    app.clock.advance(seconds(2));
    next(&app, &answers.first().unwrap().1);
}

#[test]
fn fifty_refreshes_at_once_without_grace_make_one_chain_at_most() {
    let (app, first) = ann();
    set(&app, "refresh.grace", 0);
    let good = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..50).map(|_| scope.spawn(|| exchange(&app.env, &first.refresh).is_ok())).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).filter(|good| *good).count()
    });
    assert_eq!(good, 1);
    assert_eq!((number(&app, "SELECT COUNT(*) FROM tokens"), live(&app)), (2, 0));
}

/// a step of the clock neither loses an answer nor brings a spent token back.
#[test]
fn clock_steps_change_nothing() {
    let (app, first) = ann();
    let second = next(&app, &first.refresh);
    app.clock.step_back(Duration::from_millis(500));
    assert!(next(&app, &first.refresh) == second);
    app.clock.step_back(seconds(20));
    let third = next(&app, &second.refresh);
    assert_eq!(number(&app, "SELECT MAX(generation) FROM tokens WHERE spent_at IS NULL"), 3);
    app.clock.step_back(seconds(20));
    assert_eq!(fault(exchange(&app.env, &second.refresh)), TokenFault::Reused);
    assert_eq!(fault(exchange(&app.env, &third.refresh)), TokenFault::Revoked);
}

/// what was ended while the clock ran ahead stays ended when it is set right.
#[test]
fn a_revoked_session_stays_dead_when_the_clock_is_set_right() {
    let (app, pair) = ann();
    let id = app.operate(|ctx| users::find(ctx, "ann@example.com")).unwrap().user.id;
    app.clock.advance(seconds(60 * DAY));
    app.operate(|ctx| sessions::end_of_user(ctx, id)).unwrap();
    app.clock.step_back(seconds(60 * DAY));
    assert_eq!(fault(app.authenticate(&pair.access)), TokenFault::Revoked);
    assert_eq!(fault(exchange(&app.env, &pair.refresh)), TokenFault::Revoked);
}

/// D-11: Djoser's refresh tokens stay, for a day.
#[test]
fn djosers_refresh_token_does_not_rotate() {
    let (app, _) = ann();
    let pair = sign_in(&app, Profile::Djoser);
    for _ in 0..3 {
        app.clock.advance(seconds(HOUR));
        let given = exchange(&app.env, &pair.refresh).unwrap();
        assert!(given.refresh.is_none());
        assert!(app.authenticate(&given.access).is_ok());
        assert_eq!(life(&given.access), 300);
    }
    assert_eq!(number(&app, "SELECT COUNT(*) FROM tokens WHERE session_id = 2"), 1);
    app.clock.advance(seconds(21 * HOUR));
    assert_eq!(fault(exchange(&app.env, &pair.refresh)), TokenFault::Expired);
}

/// D-11, R-24: lifetimes are those of the session's own profile.
#[test]
fn lifetimes_are_those_of_the_sessions_profile() {
    let (app, _) = ann();
    for (profile, access, refresh) in
        [(Profile::Rbac, 300, DAY), (Profile::Djoser, 300, DAY), (Profile::SimpleJwt, 7200, 42 * DAY)]
    {
        let pair = sign_in(&app, profile);
        assert_eq!((life(&pair.access), life(&pair.refresh)), (access, i64::try_from(refresh).unwrap()), "{profile:?}");
        let given = exchange(&app.env, &pair.refresh).unwrap();
        assert_eq!(life(&given.access), access);
        assert_eq!(
            given.refresh.map(|token| life(&token)).unwrap_or(i64::try_from(refresh).unwrap()),
            life(&pair.refresh)
        );
    }
}

/// no refresh extends a session beyond its end.
#[test]
fn a_session_ends_for_good_however_often_it_is_refreshed() {
    let (app, mut pair) = ann();
    for _ in 0..31 {
        app.clock.advance(seconds(23 * HOUR));
        pair = next(&app, &pair.refresh);
    }
    let begun = START / 1_000_000;
    assert_eq!(claim(&pair.refresh, "exp").as_i64().unwrap(), begun + 30 * DAY as i64);
    app.clock.advance(seconds(7 * HOUR) - seconds(60));
    let last = next(&app, &pair.refresh);
    assert_eq!(life(&last.access), 60);
    app.clock.advance(seconds(60));
    assert_eq!(fault(app.authenticate(&last.access)), TokenFault::Expired);
    assert_eq!(fault(exchange(&app.env, &last.refresh)), TokenFault::Expired);
    assert!(!app.operate(|ctx| sessions::get(ctx, SessionId(1))).unwrap().is_live(app.clock.now()));
}

#[test]
fn an_idle_session_ends_after_a_day() {
    let (app, pair) = ann();
    app.clock.advance(seconds(DAY) - seconds(1));
    let pair = next(&app, &pair.refresh);
    app.clock.advance(seconds(DAY));
    assert_eq!(fault(exchange(&app.env, &pair.refresh)), TokenFault::Expired);
}

#[test]
fn an_access_token_ends_to_the_second() {
    let (app, pair) = ann();
    app.clock.advance(seconds(299));
    assert!(app.authenticate(&pair.access).is_ok());
    app.clock.advance(seconds(1));
    assert_eq!(fault(app.authenticate(&pair.access)), TokenFault::Expired);
}

/// D-10: everything issued before the instant is void once it has come.
#[test]
fn a_forced_logout_acts_at_its_instant_on_what_is_older() {
    let (app, before) = ann();
    let id = app.operate(|ctx| users::find(ctx, "ann@example.com")).unwrap().user.id;
    let at = app.clock.now() + chrono::Duration::seconds(60);
    let force = |at| AccountPatch {
        profile: UserPatch { force_logout_at: Some(at), ..UserPatch::default() },
        ..AccountPatch::default()
    };
    patch(&app, id, force(Some(at)));
    assert!(app.authenticate(&before.access).is_ok());
    app.clock.advance(seconds(59));
    let refreshed = next(&app, &before.refresh);
    app.clock.advance(seconds(1));
    for access in [&before.access, &refreshed.access] {
        assert_eq!(fault(app.authenticate(access)), TokenFault::Revoked);
    }
    assert_eq!(fault(exchange(&app.env, &refreshed.refresh)), TokenFault::Revoked);
    let after = app.sign_in("ann@example.com");
    assert!(app.authenticate(&after.access).is_ok());
    next(&app, &after.refresh);
    app.clock.advance(Duration::from_micros(1));
    patch(&app, id, force(Some(app.clock.now())));
    assert_eq!(fault(app.authenticate(&after.access)), TokenFault::Revoked);
    patch(&app, id, force(None));
    assert_eq!(fault(app.authenticate(&after.access)), TokenFault::Revoked, "what was ended stays ended");
}

/// a change by one program is seen by the next call in the other.
#[test]
fn settings_changed_elsewhere_are_seen_at_once() {
    let (app, pair) = ann();
    let shell = app.second();
    let change = |key: &str, value: Value| {
        let operator = crate::support::operator();
        settings::change(&shell.ctx(&operator, &origin()), &[(key.to_owned(), Some(value))]).unwrap();
    };
    change("rbac.access_lifetime", 7.into());
    let pair = next(&app, &pair.refresh);
    assert_eq!(life(&pair.access), 7);
    change("rbac.refresh_lifetime", 90.into());
    let pair = next(&app, &pair.refresh);
    assert_eq!(life(&pair.refresh), 90);
    change("rbac.rotate_refresh", false.into());
    assert!(exchange(&app.env, &pair.refresh).unwrap().refresh.is_none());
    change("rbac.rotate_refresh", true.into());
    next(&app, &pair.refresh);
}

/// A session ends with its newest token, also where the settings have shortened its life since.
#[test]
fn a_session_lives_no_longer_than_its_newest_token() {
    let (app, pair) = ann();
    set(&app, "rbac.refresh_lifetime", 90);
    let pair = next(&app, &pair.refresh);
    let session = || app.operate(|ctx| sessions::get(ctx, SessionId(1))).unwrap();
    assert_eq!(session().expires_at.timestamp(), claim(&pair.refresh, "exp").as_i64().unwrap());
    app.clock.advance(seconds(90));
    assert!(!session().is_live(app.clock.now()));
    app.clock.advance(seconds(HOUR + 1));
    app.operate(|ctx| tokens::purge(ctx, &mut |_| ())).unwrap();
    assert_eq!(number(&app, "SELECT COUNT(*) FROM sessions"), 0, "its token does not go alone");
}

/// What was sealed for the grace does not wait for somebody to purge.
#[test]
fn a_refresh_after_the_grace_forgets_the_sealed_successors() {
    let (app, pair) = ann();
    let sealed = || number(&app, "SELECT COUNT(*) FROM tokens WHERE successor IS NOT NULL");
    let pair = next(&app, &pair.refresh);
    app.clock.advance(seconds(9));
    let pair = next(&app, &pair.refresh);
    assert_eq!(sealed(), 2);
    app.clock.advance(seconds(1));
    let pair = next(&app, &pair.refresh);
    assert_eq!(sealed(), 2, "that of the first has gone");
    app.clock.advance(seconds(60));
    next(&app, &pair.refresh);
    assert_eq!(sealed(), 1);
}

#[test]
fn the_grace_outlives_a_switch_to_no_rotation() {
    let (app, first) = ann();
    let second = next(&app, &first.refresh);
    set(&app, "rbac.rotate_refresh", false);
    assert!(next(&app, &first.refresh) == second);
    assert!(exchange(&app.env, &second.refresh).unwrap().refresh.is_none());
    app.clock.advance(seconds(10));
    assert_eq!(fault(exchange(&app.env, &first.refresh)), TokenFault::Reused);
}

/// D-12: `aud` where it is set is required.
#[test]
fn an_audience_is_required_where_one_is_set() {
    let (app, before) = ann();
    set(&app, "tokens.audience", "shop");
    assert_eq!(fault(app.authenticate(&before.access)), TokenFault::WrongIssuer);
    assert_eq!(fault(exchange(&app.env, &before.refresh)), TokenFault::WrongIssuer);
    let with = app.sign_in("ann@example.com");
    assert_eq!(claim(&with.access, "aud"), "shop");
    assert!(app.authenticate(&with.access).is_ok());
    set(&app, "tokens.audience", "SHOP");
    assert_eq!(fault(app.authenticate(&with.access)), TokenFault::WrongIssuer);
    set(&app, "tokens.audience", "");
    assert!(app.authenticate(&with.access).is_ok() && app.authenticate(&before.access).is_ok());
}

#[test]
fn another_public_url_ends_nothing() {
    let (app, before) = ann();
    assert_eq!(claim(&before.access, "iss"), "http://127.0.0.1:8000");
    set(&app, "public_url", "https://auth.example.com");
    assert!(app.authenticate(&before.access).is_ok());
    let after = next(&app, &before.refresh);
    assert_eq!(claim(&after.access, "iss"), "https://auth.example.com");
    assert!(app.authenticate(&after.access).is_ok());
    set(&app, "public_url", "https://other.example.com");
    assert!(app.authenticate(&after.access).is_ok());
}

/// D-13, R-20.
#[test]
fn a_refresh_token_is_no_access_token_unless_the_setting_says_so() {
    let (app, pair) = ann();
    assert_eq!(fault(app.authenticate(&pair.refresh)), TokenFault::WrongType);
    assert_eq!(fault(exchange(&app.env, &pair.access)), TokenFault::WrongType);
    set(&app, "tokens.bearer_refresh", true);
    assert!(app.authenticate(&pair.refresh).is_ok());
    assert_eq!(fault(exchange(&app.env, &pair.access)), TokenFault::WrongType);
    let second = next(&app, &pair.refresh);
    assert_eq!(fault(app.authenticate(&pair.refresh)), TokenFault::Revoked, "a spent one is worth nothing");
    assert!(app.authenticate(&second.refresh).is_ok());
    set(&app, "tokens.bearer_refresh", false);
    assert_eq!(fault(app.authenticate(&second.refresh)), TokenFault::WrongType);
}

/// The other signature of the same text that ES256 accepts: (r, n − s).
fn malleated(token: &str) -> String {
    const ORDER: &str = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
    let order: Vec<u8> = (0..32).map(|n| u8::from_str_radix(&ORDER[2 * n..2 * n + 2], 16).unwrap()).collect();
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let mut bytes = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let mut borrow = 0;
    for n in (0..32).rev() {
        let digit = i32::from(order[n]) - i32::from(bytes[32 + n]) - borrow;
        borrow = i32::from(digit < 0);
        bytes[32 + n] = u8::try_from(digit + 256 * borrow).unwrap();
    }
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(bytes))
}

/// The grace is for whoever shows what he was given; another signature of it shows that somebody plays.
#[test]
fn another_signature_of_a_spent_token_gets_no_grace() {
    let (app, first) = ann();
    let twin = malleated(&first.refresh);
    assert_ne!(twin, first.refresh);
    let second = next(&app, &first.refresh);
    assert_eq!(fault(exchange(&app.env, &twin)), TokenFault::Reused);
    assert_eq!(fault(app.authenticate(&second.access)), TokenFault::Revoked);
}

#[test]
fn another_signature_of_a_fresh_token_spends_it() {
    let (app, first) = ann();
    next(&app, &malleated(&first.refresh));
    assert_eq!(fault(exchange(&app.env, &first.refresh)), TokenFault::Reused);
    assert_eq!(live(&app), 0);
}

/// D-3: whoever holds the refresh token may end its session.
#[test]
fn logging_out_ends_the_session_of_the_token() {
    let (app, pair) = ann();
    let other = app.sign_in("ann@example.com");
    let out = |token: &str| app.call(&Actor::Anonymous, |ctx| login::logout_by_refresh(ctx, token));
    assert_eq!(fault(out(&pair.access)), TokenFault::WrongType);
    out(&pair.refresh).unwrap();
    assert_eq!(fault(app.authenticate(&pair.access)), TokenFault::Revoked);
    assert_eq!(fault(out(&pair.refresh)), TokenFault::Revoked);
    assert!(app.authenticate(&other.access).is_ok());
    app.with_token(&other.access, login::logout).unwrap();
    assert_eq!(fault(app.authenticate(&other.access)), TokenFault::Revoked);
    assert_eq!(fault(exchange(&app.env, &other.refresh)), TokenFault::Revoked);
}

#[test]
fn logging_out_with_a_spent_token_ends_the_session_too() {
    let (app, first) = ann();
    let second = next(&app, &first.refresh);
    let out = |token: &str| app.call(&Actor::Anonymous, |ctx| login::logout_by_refresh(ctx, token));
    out(&first.refresh).unwrap();
    assert_eq!(fault(app.authenticate(&second.access)), TokenFault::Revoked);
    let first = app.sign_in("ann@example.com");
    next(&app, &first.refresh);
    app.clock.advance(seconds(10));
    assert_eq!(fault(out(&first.refresh)), TokenFault::Reused);
    assert_eq!(live(&app), 0);
}

/// a deleted user's token is not the next one's.
#[test]
fn the_token_of_a_deleted_user_is_nobodys() {
    let (app, pair) = ann();
    let id = app.operate(|ctx| users::find(ctx, "ann@example.com")).unwrap().user.id;
    app.operate(|ctx| users::delete(ctx, id)).unwrap();
    assert_ne!(app.user("ann@example.com", &[]), id);
    for refused in [app.authenticate(&pair.access).map(drop), exchange(&app.env, &pair.refresh).map(drop)] {
        assert!(matches!(refused, Err(Error::Unauthenticated(Reason::UserGone))), "{refused:?}");
    }
}

/// whatever ends access while a refresh is under way wins.
#[test]
fn an_end_in_the_middle_of_a_refresh_wins() {
    let deeds: [fn(&TestApp); 4] = [
        |app| assert_eq!(app.operate(sessions::end_everyones).unwrap(), 2),
        |app| {
            let id = app.operate(|ctx| users::find(ctx, "ann@example.com")).unwrap().user.id;
            app.operate(|ctx| users::delete(ctx, id)).unwrap();
        },
        |app| {
            let id = app.operate(|ctx| users::find(ctx, "ann@example.com")).unwrap().user.id;
            let off = UserPatch { is_active: Some(false), ..UserPatch::default() };
            patch(app, id, AccountPatch { profile: off, ..AccountPatch::default() });
        },
        |app| {
            let id = app.operate(|ctx| users::find(ctx, "ann@example.com")).unwrap().user.id;
            let password =
                Some(authsrv::domain::passwords::Password::parse("password", "An0ther-one-of-mine").unwrap());
            patch(app, id, AccountPatch { password, ..AccountPatch::default() });
        },
    ];
    for profile in [Profile::Rbac, Profile::Djoser] {
        for deed in deeds {
            let (app, _) = ann();
            let app = Arc::new(app);
            let pair = sign_in(&app, profile);
            let env = meddled(&app, deed);
            assert!(matches!(exchange(&env, &pair.refresh), Err(Error::Unauthenticated(_))));
            assert_eq!(number(&app, "SELECT COUNT(*) FROM tokens WHERE generation > 1"), 0);
        }
    }
}

#[test]
fn looking_at_a_token_changes_nothing() {
    let (app, first) = ann();
    let second = next(&app, &first.refresh);
    app.clock.advance(seconds(20));
    let look = |token: &str| app.operate(|ctx| tokens::inspect(ctx, token)).unwrap();
    let spent = look(&first.refresh);
    assert!(!spent.valid && spent.reason.is_some());
    assert_eq!(spent.user.as_deref(), Some("ann@example.com"));
    assert!(look(&second.refresh).valid && look(&second.access).valid);
    for nonsense in ["", "a.b.c", "🦀", &"x".repeat(100_000)] {
        assert!(!look(nonsense).valid);
    }
    assert!(app.authenticate(&second.access).is_ok());
    assert_eq!(number(&app, "SELECT COUNT(*) FROM audit WHERE action LIKE 'token.reused'"), 0);
}

#[test]
fn purging_takes_what_expired_minutes_ago_and_no_live_session() {
    let (app, mut pair) = ann();
    sign_in(&app, Profile::Djoser);
    for _ in 0..3 {
        app.clock.advance(seconds(20 * HOUR));
        pair = next(&app, &pair.refresh);
    }
    let mut heard = Vec::new();
    let gone = app.operate(|ctx| tokens::purge(ctx, &mut |total| heard.push(total))).unwrap();
    assert_eq!(gone, 4, "two spent tokens, Djoser's session and its token");
    assert_eq!(heard.last(), Some(&4));
    assert_eq!(number(&app, "SELECT COUNT(*) FROM sessions"), 1);
    assert_eq!(number(&app, "SELECT COUNT(*) FROM tokens WHERE successor IS NOT NULL"), 1);
    next(&app, &pair.refresh);
    assert_eq!(app.operate(|ctx| tokens::purge(ctx, &mut |_| ())).unwrap(), 0);
    assert_eq!(number(&app, "SELECT COUNT(*) FROM audit WHERE action = 'tokens.purged'"), 1);
}

#[test]
fn a_bad_token_never_waits_for_the_one_writer() {
    let app = TestApp::new();
    let writing = app.env.store.begin(Mode::Write).unwrap();
    let shown = app.call(&Actor::Anonymous, |ctx| login::logout_by_refresh(ctx, "no.token.this"));
    assert_eq!(fault(shown), TokenFault::Malformed);
    drop(writing);
}

/// S4-35, S4-41, S4-63: an instant to come ends the session and its token when it comes, in lists too, and for good.
#[test]
fn a_forced_logout_that_has_come_is_seen_in_lists_and_not_undone() {
    let app = TestApp::new();
    let ann = app.user("ann@example.com", &[]);
    let pair = app.sign_in("ann@example.com");
    let set = |at| {
        let profile = UserPatch { force_logout_at: Some(at), ..UserPatch::default() };
        app.operate(|ctx| users::update(ctx, ann, AccountPatch { profile, ..AccountPatch::default() })).unwrap();
    };
    let live = || {
        let active = |active| Listing { limit: 10, active, ..Listing::default() };
        let count = |is| app.operate(|ctx| sessions::list(ctx, &active(Some(is)))).unwrap().total;
        (count(true), count(false), app.operate(|ctx| sessions::of_user(ctx, ann)).unwrap().len())
    };
    let tokens = || {
        let page = |active| {
            let listing = Listing { limit: 10, active, ..Listing::default() };
            app.operate(|ctx| tokens::list(ctx, &listing)).unwrap()
        };
        let (good, bad) = (page(Some(true)), page(Some(false)));
        assert_eq!((good.total, bad.total), (good.items.len() as u64, bad.items.len() as u64));
        let [token] = page(None).items.try_into().unwrap();
        (good.total, bad.total, token.revoked_at)
    };
    let at = app.clock.now() + chrono::Duration::seconds(60);
    set(Some(at));
    assert_eq!((live(), app.authenticate(&pair.access).is_ok()), ((1, 0, 1), true));
    assert_eq!(tokens(), (1, 0, None));
    app.clock.advance(Duration::from_secs(60));
    assert_eq!((live(), app.authenticate(&pair.access).is_ok()), ((0, 1, 0), false));
    assert_eq!(tokens(), (0, 1, Some(at)));
    set(None);
    assert_eq!((live(), app.authenticate(&pair.access).is_ok()), ((0, 1, 0), false));
    assert_eq!((tokens().0, tokens().1), (0, 1));
}
