//! API tokens: the login token that is the same at every login, tokens with names, and what ends both.

use std::sync::Arc;
use std::time::Duration;

use authsrv::domain::api_tokens::ApiToken;
use authsrv::domain::error::{ApiTokenFault, Conflict, Entity, Error, Reason, Refusal, Result};
use authsrv::domain::ids::{ApiTokenId, UserId};
use authsrv::domain::pages::Listing;
use authsrv::domain::passwords::Password;
use authsrv::domain::rights::Right;
use authsrv::domain::users::UserPatch;
use authsrv::service::api_tokens::{self, Key, NewToken};
use authsrv::service::tokens::{self, Credentials};
use authsrv::service::users::AccountPatch;
use authsrv::service::{Access, Actor, Env, login, me, sessions, users};

use super::common::{actor, column, holder, invalid, meddled, number, patch, refusal, set};
use crate::support::{PASSWORD, TestApp, origin};

const ANN: &str = "ann@example.com";
const OTHER: &str = "Another-1-password";

fn enter(env: &Env, identifier: &str, password: &str) -> Result<String> {
    let (_, key) = api_tokens::login_token(&env.ctx(&Actor::Anonymous, &origin()), identifier, password)?;
    Ok(key.0)
}

fn by(app: &TestApp, key: &str) -> Result<Actor> {
    tokens::authenticate(&app.env, &Credentials::Token(key.to_owned()), app.clock_now())
}

impl TestApp {
    fn clock_now(&self) -> authsrv::domain::ids::Timestamp {
        self.env.clock.now()
    }
}

#[track_caller]
fn dead(app: &TestApp, key: &str) {
    let refused = by(app, key);
    let unknown = Reason::ApiToken(ApiTokenFault::Unknown);
    assert!(matches!(&refused, Err(Error::Unauthenticated(why)) if *why == unknown), "{refused:?}");
}

#[track_caller]
fn alive(app: &TestApp, key: &str) -> Actor {
    by(app, key).unwrap()
}

fn named(app: &TestApp, user: UserId, name: &str) -> (ApiToken, String) {
    let new = NewToken { name: name.to_owned(), expires_at: None };
    let (token, key) = app.operate(|ctx| api_tokens::create(ctx, user, new)).unwrap();
    (token, key.0)
}

fn all() -> Listing {
    Listing { limit: 100, ..Listing::default() }
}

/// S3-18: 40 letters in lower-case hexadecimal, the same at every login, in every program on the file, until it is revoked.
#[test]
fn the_login_token_is_the_same_until_it_is_revoked() {
    let app = TestApp::new();
    let ann = app.user(ANN, &["viewer"]);
    let key = enter(&app.env, ANN, PASSWORD).unwrap();
    assert!(key.len() == 40 && key.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')), "{key}");
    app.clock.advance(Duration::from_secs(1_000_000));
    assert_eq!(enter(&app.env, "ANN@example.com ", PASSWORD).unwrap(), key);
    assert_eq!(enter(&app.second(), ANN, PASSWORD).unwrap(), key);
    let Actor::User(caller) = alive(&app, &key) else { panic!() };
    assert_eq!((caller.user, caller.by), (ann, Access::ApiToken(ApiTokenId(1))));
    assert!(caller.grants.allow(&Right::of("users", "read")) && !caller.grants.allow(&Right::of("users", "delete")));
    assert!(app.call(&alive(&app, &key), api_tokens::logout).unwrap());
    dead(&app, &key);
    let next = enter(&app.env, ANN, PASSWORD).unwrap();
    assert_ne!(next, key);
    // Whatever he calls by, it is the login token that goes.
    let (_, other) = named(&app, ann, "other");
    for way in [actor(&app, ANN), alive(&app, &other)] {
        let key = enter(&app.env, ANN, PASSWORD).unwrap();
        assert!(app.call(&way, api_tokens::logout).unwrap());
        assert!(!app.call(&way, api_tokens::logout).unwrap());
        dead(&app, &key);
    }
    alive(&app, &other);
    let events = column(&app, "SELECT action FROM audit WHERE entity = 'api_token' ORDER BY id");
    let pair = ["api_token.created", "api_token.revoked"];
    assert_eq!(events, [&pair[..], &pair[..1], &pair[..1], &pair[1..], &pair[..]].concat());
    let logins = "SELECT COUNT(*) FROM audit WHERE action = 'login.succeeded' AND details LIKE '%\"api_token\"%'";
    assert_eq!(number(&app, logins), 6);
    assert_eq!(number(&app, "SELECT COUNT(*) FROM users WHERE last_login IS NULL"), 0);
}

/// One key, also for logins at once in two programs.
#[test]
fn logins_at_once_get_one_key() {
    let app = TestApp::new();
    app.user(ANN, &[]);
    let second = app.second();
    let keys: Vec<String> = std::thread::scope(|scope| {
        let envs = [&*app.env, &second, &app.env, &second];
        let threads: Vec<_> = envs.map(|env| scope.spawn(|| enter(env, ANN, PASSWORD).unwrap())).into_iter().collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(keys.iter().all(|key| *key == keys[0]), "{keys:?}");
    assert_eq!(number(&app, "SELECT COUNT(*) FROM api_tokens"), 1);
    assert_eq!(number(&app, "SELECT COUNT(*) FROM sealed_secrets"), 1);
}

/// R-14: the same refusals as of a login for tokens, and nothing is written.
#[test]
fn a_login_for_a_key_is_refused_as_any_login() {
    let app = TestApp::new();
    app.user(ANN, &[]);
    let off = app.user("off@example.com", &[]);
    let inactive = UserPatch { is_active: Some(false), ..UserPatch::default() };
    patch(&app, off, AccountPatch { profile: inactive, ..AccountPatch::default() });
    for (identifier, password) in
        [(ANN, "wrong"), (ANN, ""), ("nobody@example.com", PASSWORD), ("off@example.com", PASSWORD)]
    {
        let refused = enter(&app.env, identifier, password);
        assert!(matches!(refused, Err(Error::Unauthenticated(Reason::BadCredentials))), "{refused:?}");
    }
    assert_eq!(number(&app, "SELECT COUNT(*) FROM api_tokens"), 0);
}

/// R-28: what happens while the password is verified counts.
#[test]
fn a_login_that_meets_an_end_of_all_sessions_gives_no_key() {
    let app = Arc::new(TestApp::new());
    let ann = app.user(ANN, &[]);
    let env = meddled(&app, move |app| assert_eq!(app.operate(|ctx| sessions::end_of_user(ctx, ann)).unwrap(), 0));
    assert!(matches!(enter(&env, ANN, PASSWORD), Err(Error::Unavailable { .. })));
    let env = meddled(&app, move |app| {
        let password = Some(Password::parse("password", OTHER).unwrap());
        patch(app, ann, AccountPatch { password, ..AccountPatch::default() });
    });
    assert!(matches!(enter(&env, ANN, PASSWORD), Err(Error::Unauthenticated(Reason::BadCredentials))));
    assert_eq!(number(&app, "SELECT COUNT(*) FROM api_tokens"), 0);
}

/// R-28: a request that began by a token that is revoked meanwhile writes nothing.
#[test]
fn a_token_is_judged_again_in_the_transaction() {
    let app = TestApp::new();
    let ann = app.user(ANN, &[]);
    let rename = |actor: &Actor| {
        let names = me::Names { first_name: Some("Ann".to_owned()), ..me::Names::default() };
        app.call(actor, |ctx| me::rename(ctx, names))
    };
    let (token, key) = named(&app, ann, "one");
    let caller = alive(&app, &key);
    app.operate(|ctx| api_tokens::revoke(ctx, token.id)).unwrap();
    assert!(matches!(rename(&caller), Err(Error::Unauthenticated(Reason::ApiToken(ApiTokenFault::Unknown)))));
    let (_, key) = named(&app, ann, "two");
    let caller = alive(&app, &key);
    let inactive = UserPatch { is_active: Some(false), ..UserPatch::default() };
    patch(&app, ann, AccountPatch { profile: inactive, ..AccountPatch::default() });
    assert!(matches!(rename(&caller), Err(Error::Unauthenticated(Reason::ApiToken(ApiTokenFault::UserInactive)))));
    assert_eq!(number(&app, "SELECT COUNT(*) FROM users WHERE first_name = 'Ann'"), 0);
}

/// R-26: both kinds die at once with all sessions of the user, by whichever door; others' go on.
#[test]
fn all_tokens_die_with_all_sessions() {
    let app = TestApp::new();
    let ann = app.user(ANN, &[]);
    let ben = app.user("ben@example.com", &[]);
    let (_, bens) = named(&app, ben, "ben");
    for end in 0..5 {
        let (keys, sessions) =
            ([enter(&app.env, ANN, PASSWORD).unwrap(), named(&app, ann, "x").1], app.sign_in(ANN).access);
        app.clock.advance(Duration::from_secs(1));
        match end {
            0 => assert_eq!(app.operate(|ctx| sessions::end_of_user(ctx, ann)).unwrap(), 1),
            1 => assert_eq!(app.call(&alive(&app, &keys[1]), sessions::end_mine).unwrap(), 1),
            2 => assert_eq!(app.operate(sessions::end_everyones).unwrap(), 1),
            3 => {
                let force_logout_at = Some(Some(app.clock_now()));
                let profile = UserPatch { force_logout_at, ..UserPatch::default() };
                patch(&app, ann, AccountPatch { profile, ..AccountPatch::default() });
            }
            _ => app.operate(|ctx| users::delete(ctx, ann)).unwrap(),
        }
        keys.iter().for_each(|key| dead(&app, key));
        assert!(app.authenticate(&sessions).is_err(), "{end}");
        assert_eq!(by(&app, &bens).is_ok(), end < 2, "{end}");
    }
}

/// Refused while the account is not active, and what they were afterwards.
#[test]
fn a_deactivated_user_has_no_use_of_his_tokens() {
    let app = TestApp::new();
    let ann = app.user(ANN, &[]);
    let keys = [enter(&app.env, ANN, PASSWORD).unwrap(), named(&app, ann, "x").1];
    let activate = |is_active| {
        let profile = UserPatch { is_active: Some(is_active), ..UserPatch::default() };
        patch(&app, ann, AccountPatch { profile, ..AccountPatch::default() });
    };
    activate(false);
    for key in &keys {
        let refused = by(&app, key);
        let fault = Reason::ApiToken(ApiTokenFault::UserInactive);
        assert!(matches!(&refused, Err(Error::Unauthenticated(why)) if *why == fault), "{refused:?}");
    }
    let new = NewToken { name: "y".to_owned(), expires_at: None };
    let made = app.operate(|ctx| api_tokens::create(ctx, ann, new));
    assert_eq!(invalid(made), [("user".to_owned(), "inactive")], "R-32");
    activate(true);
    keys.iter().for_each(|key| drop(alive(&app, key)));
}

/// R-29: a new password or address ends the login token, unless it was made with it; a named one goes on.
#[test]
fn a_password_change_ends_the_login_token() {
    let app = TestApp::new();
    let ann = app.user(ANN, &[]);
    let (_, kept) = named(&app, ann, "program");
    let change = |actor: &Actor, from: &str, to: &str| {
        app.call(actor, |ctx| me::change_password(ctx, from, Password::parse("new_password", to).unwrap())).unwrap();
    };
    let key = enter(&app.env, ANN, PASSWORD).unwrap();
    let session = app.sign_in(ANN).access;
    change(&alive(&app, &key), PASSWORD, OTHER);
    alive(&app, &key);
    assert!(app.authenticate(&session).is_err(), "R-29: a session is another credential");
    set(&app, "djoser.logout_on_password_change", true);
    change(&alive(&app, &key), OTHER, PASSWORD);
    dead(&app, &key);
    set(&app, "djoser.logout_on_password_change", false);

    let key = enter(&app.env, ANN, PASSWORD).unwrap();
    let session = app.sign_in(ANN).access;
    change(&app.authenticate(&session).unwrap(), PASSWORD, OTHER);
    dead(&app, &key);
    assert!(app.authenticate(&session).is_ok());

    let key = enter(&app.env, ANN, OTHER).unwrap();
    let password = Some(Password::parse("password", PASSWORD).unwrap());
    patch(&app, ann, AccountPatch { password, ..AccountPatch::default() });
    dead(&app, &key);

    let key = enter(&app.env, ANN, PASSWORD).unwrap();
    let email = authsrv::domain::identifiers::Email::parse("new@example.com").unwrap();
    let profile = UserPatch { email: Some(Some(email)), ..UserPatch::default() };
    patch(&app, ann, AccountPatch { profile, ..AccountPatch::default() });
    dead(&app, &key);
    alive(&app, &kept);
}

/// D-3: a logout ends what the call was made by, and nothing else.
#[test]
fn a_logout_by_a_token_revokes_that_token() {
    let app = TestApp::new();
    let ann = app.user(ANN, &[]);
    let (login_key, (_, key)) = (enter(&app.env, ANN, PASSWORD).unwrap(), named(&app, ann, "x"));
    let session = app.sign_in(ANN).access;
    app.call(&alive(&app, &key), login::logout).unwrap();
    dead(&app, &key);
    alive(&app, &login_key);
    assert!(app.authenticate(&session).is_ok());
}

#[test]
fn a_name_is_given_once_and_can_be_given_again() {
    let app = TestApp::new();
    let ann = app.user(ANN, &[]);
    let me = actor(&app, ANN);
    let make = |name: &str, expires_at| {
        let new = NewToken { name: name.to_owned(), expires_at };
        app.call(&me, |ctx| api_tokens::create(ctx, ann, new))
    };
    let soon = app.clock_now() + chrono::Duration::seconds(60);
    let (first, Key(key)) = make(" cron ", Some(soon)).unwrap();
    assert_eq!((first.name.as_deref(), first.expires_at), (Some("cron"), Some(soon)));
    let taken = make("cron", None);
    assert!(matches!(taken, Err(Error::Conflict(Conflict::Taken(Entity::ApiToken, "name")))), "{taken:?}");
    let late = app.clock_now();
    for (name, expires_at, fault) in [
        ("", None, ("name", "blank")),
        (" \t", None, ("name", "blank")),
        (&*"x".repeat(101), None, ("name", "max_length")),
        ("a\u{7}b", None, ("name", "invalid")),
        ("a\0b", None, ("name", "invalid")),
        ("late", Some(late), ("expires_at", "min_value")),
    ] {
        assert_eq!(invalid(make(name, expires_at)), [(fault.0.to_owned(), fault.1)], "{name:?}");
    }
    app.clock.advance(Duration::from_secs(59));
    alive(&app, &key);
    app.clock.advance(Duration::from_secs(1));
    dead(&app, &key);
    let (second, Key(next)) = app.operate(|ctx| {
        let new = NewToken { name: "cron".to_owned(), expires_at: None };
        api_tokens::create(ctx, ann, new).unwrap()
    });
    assert!(second.id > first.id && next != key);
    assert!(app.operate(|ctx| api_tokens::revoke(ctx, second.id)).unwrap());
    assert!(!app.operate(|ctx| api_tokens::revoke(ctx, second.id)).unwrap());
    named(&app, ann, "cron");
}

/// A token that ends makes none that does not.
#[test]
fn a_token_makes_none_that_outlives_it() {
    let app = TestApp::new();
    let ann = app.user(ANN, &[]);
    let hour = app.clock_now() + chrono::Duration::hours(1);
    let make = |actor: &Actor, name: &str, expires_at| {
        let new = NewToken { name: name.to_owned(), expires_at };
        app.call(actor, |ctx| api_tokens::create(ctx, ann, new)).map(|(_, key)| key.0)
    };
    let key = make(&actor(&app, ANN), "short", Some(hour)).unwrap();
    let caller = alive(&app, &key);
    let refused = vec![("expires_at".to_owned(), "max_value")];
    assert_eq!(invalid(make(&caller, "x", None)), refused);
    assert_eq!(invalid(make(&caller, "x", Some(hour + chrono::Duration::seconds(1)))), refused);
    make(&caller, "x", Some(hour)).unwrap();
    let key = make(&actor(&app, ANN), "long", None).unwrap();
    make(&alive(&app, &key), "y", None).unwrap();
}

#[test]
fn nobody_hoards_tokens() {
    let app = TestApp::new();
    let ann = app.user(ANN, &[]);
    let first = named(&app, ann, "0").0.id;
    for n in 1..100 {
        named(&app, ann, &n.to_string());
    }
    let new = || NewToken { name: "more".to_owned(), expires_at: None };
    assert_eq!(
        invalid(app.operate(|ctx| api_tokens::create(ctx, ann, new()))),
        [("name".to_owned(), "too_many")],
        "R-51"
    );
    app.operate(|ctx| api_tokens::revoke(ctx, first)).unwrap();
    app.operate(|ctx| api_tokens::create(ctx, ann, new())).unwrap();
}

/// R-38, D-9: others' tokens take rights, and their user's rights.
#[test]
fn others_tokens_take_a_right() {
    let app = TestApp::new();
    let ann = app.user(ANN, &["viewer"]);
    let (plain, me) = holder(&app, "plain", &[]);
    let (_, clerk) = holder(&app, "clerk", &["tokens:read", "tokens:create", "tokens:delete"]);
    let (token, _) = named(&app, ann, "ann");
    let (own, _) = named(&app, plain, "plain");
    let of = |user| Listing { user: Some(user), ..all() };
    let ids = |actor: &Actor, listing: &Listing| {
        app.call(actor, |ctx| api_tokens::list(ctx, listing)).map(|page| {
            assert_eq!(page.items.len() as u64, page.total);
            page.items.iter().map(|token| token.id).collect::<Vec<_>>()
        })
    };
    assert_eq!(ids(&me, &all()).unwrap(), [own.id]);
    assert_eq!(ids(&me, &of(plain)).unwrap(), [own.id]);
    assert_eq!(refusal(ids(&me, &of(ann))), Refusal::Lacks(Right::of("tokens", "read")));
    assert_eq!(ids(&clerk, &all()).unwrap(), [token.id, own.id]);
    assert_eq!(ids(&clerk, &of(ann)).unwrap(), [token.id]);
    assert!(ids(&Actor::Anonymous, &all()).is_err());

    let make = |actor: &Actor, user, name: &str| {
        let new = NewToken { name: name.to_owned(), expires_at: None };
        app.call(actor, |ctx| api_tokens::create(ctx, user, new))
    };
    assert_eq!(refusal(make(&me, ann, "x")), Refusal::Lacks(Right::of("tokens", "create")));
    assert!(matches!(refusal(make(&clerk, ann, "x")), Refusal::Beyond(_)), "R-38: she may read users, he may not");
    let root = app.superuser("root@example.com");
    assert_eq!(refusal(make(&clerk, root, "x")), Refusal::SuperuserOnly);
    make(&clerk, plain, "x").unwrap();
    assert!(matches!(make(&clerk, UserId(999), "x"), Err(Error::NotFound(Entity::User))));

    let revoke = |actor: &Actor, id| app.call(actor, |ctx| api_tokens::revoke(ctx, id));
    for id in [token.id, ApiTokenId(999)] {
        assert_eq!(refusal(revoke(&me, id)), Refusal::Lacks(Right::of("tokens", "delete")), "R-35");
    }
    assert!(revoke(&me, own.id).unwrap() && !revoke(&me, own.id).unwrap());
    assert!(revoke(&clerk, token.id).unwrap());
    assert!(matches!(revoke(&clerk, ApiTokenId(999)), Err(Error::NotFound(Entity::ApiToken))));
    assert!(app.call(&me, |ctx| api_tokens::revoke_of_user(ctx, ann)).is_err());
    assert_eq!(app.call(&me, |ctx| api_tokens::revoke_of_user(ctx, plain)).unwrap(), 1);
}

/// Once a minute at most, and no request fails for it.
#[test]
fn uses_are_noted_once_a_minute() {
    let app = TestApp::new();
    let ann = app.user(ANN, &[]);
    let (token, key) = named(&app, ann, "x");
    let caller = alive(&app, &key);
    let noted = || {
        api_tokens::note_use(&app.env, &caller, app.clock_now());
        let page = app.operate(|ctx| api_tokens::list(ctx, &all())).unwrap();
        page.items.iter().find(|one| one.id == token.id).unwrap().last_used_at
    };
    let first = app.clock_now();
    assert_eq!(noted(), Some(first));
    app.clock.advance(Duration::from_secs(60));
    assert_eq!(noted(), Some(first));
    app.clock.advance(Duration::from_micros(1));
    assert_eq!(noted(), Some(app.clock_now()));
    app.clock.step_back(Duration::from_secs(30));
    assert_eq!(noted(), Some(app.clock_now()), "it does not lie in the future");
    app.operate(|ctx| users::delete(ctx, ann)).unwrap();
    api_tokens::note_use(&app.env, &caller, app.clock_now());
    api_tokens::note_use(&app.env, &Actor::Anonymous, app.clock_now());
}

#[test]
fn what_is_over_leaves_with_a_purge() {
    let app = TestApp::new();
    let ann = app.user(ANN, &[]);
    let end = app.clock_now() + chrono::Duration::seconds(10);
    let new = NewToken { name: "short".to_owned(), expires_at: Some(end) };
    app.operate(|ctx| api_tokens::create(ctx, ann, new)).unwrap();
    app.operate(|ctx| api_tokens::revoke(ctx, named(&app, ann, "revoked").0.id)).unwrap();
    let (_, key) = named(&app, ann, "kept");
    let purge = || app.operate(|ctx| tokens::purge(ctx, &mut |_| ())).unwrap();
    app.clock.advance(Duration::from_secs(300));
    assert_eq!(purge(), 0);
    app.clock.advance(Duration::from_secs(11));
    assert_eq!(purge(), 2);
    alive(&app, &key);
    let details = column(&app, "SELECT details FROM audit WHERE action = 'tokens.purged'");
    assert_eq!(details, [r#"{"tokens":0,"sessions":0,"api_tokens":2,"links":0}"#]);
}

/// R-21, R-55: neither a key nor the secret that it is derived from can be read out of the file, and no `Debug` shows one.
#[test]
fn no_key_rests_anywhere() {
    let app = TestApp::new();
    let ann = app.user(ANN, &[]);
    let (_, key) = app.call(&Actor::Anonymous, |ctx| api_tokens::login_token(ctx, ANN, PASSWORD)).unwrap();
    let (token, other) = named(&app, ann, "x");
    app.env.store.checkpoint().unwrap();
    for secret in [&key.0, &other] {
        for name in ["authsrv.db", "authsrv.db-wal"] {
            let bytes = std::fs::read(app.folder.path().join(name)).unwrap();
            assert!(!bytes.windows(20).any(|window| secret.as_bytes().starts_with(window)), "{name}");
            let raw: Vec<u8> = (0..20).map(|at| u8::from_str_radix(&secret[at * 2..at * 2 + 2], 16).unwrap()).collect();
            assert!(!bytes.windows(20).any(|window| window == raw), "{name}");
        }
    }
    let shown = format!("{key:?} {token:?} {:?} {:?}", alive(&app, &other), Credentials::Token(other.clone()));
    assert!(!shown.contains(&other) && !shown.contains(&key.0), "{shown}");
    // Another secret cannot give the old key again: the token is replaced and not guessed.
    let connection = rusqlite::Connection::open(app.folder.path().join("authsrv.db")).unwrap();
    connection.execute("DELETE FROM sealed_secrets", []).unwrap();
    let refused = enter(&app.env, ANN, PASSWORD);
    assert!(matches!(refused, Err(Error::Unavailable { .. })), "R-13: without it nothing can be counted: {refused:?}");
    drop(app.second());
    let next = enter(&app.env, ANN, PASSWORD).unwrap();
    assert_ne!(next, key.0);
    dead(&app, &key.0);
    alive(&app, &next);
    assert_eq!(enter(&app.env, ANN, PASSWORD).unwrap(), next);
}
