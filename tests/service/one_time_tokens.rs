//! One-time tokens: 256 bits, hashed at rest, for one purpose, once.

use std::time::Duration;

use authsrv::domain::error::{Error, Result};
use authsrv::domain::ids::UserId;
use authsrv::domain::one_time_tokens::{uid, user_of};
use authsrv::domain::users::UserPatch;
use authsrv::service::me::{self, OwnPatch};
use authsrv::service::recovery::{request_password_reset, request_username_reset, reset_password, reset_username};
use authsrv::service::users::AccountPatch;
use authsrv::service::{Actor, activation, tokens, users};

use super::activation::{ANN, OTHER, email, enroll, password, waiting};
use super::common::{actor, invalid, number, patch, set};
use super::registration::person;
use crate::support::mails::{Mailed, newest};
use crate::support::{PASSWORD, TestApp, origin};

/// Uses a link for each of the three purposes; none but its own may take it.
fn uses(app: &TestApp, uid: &str, token: &str) -> [Result<()>; 3] {
    app.call(&Actor::Anonymous, |ctx| {
        [
            activation::activate(ctx, uid, token).map(drop),
            reset_password(ctx, uid, token, password(OTHER)),
            reset_username(ctx, uid, token, authsrv::domain::identifiers::Username::parse("other").unwrap()),
        ]
    })
}

fn is_refused(result: Result<()>) -> bool {
    matches!(&result, Err(Error::Invalid(fields)) if fields[0].code == "invalid_token" || fields[0].code == "invalid_uid")
}

fn forgot(app: &TestApp, address: &str) -> Mailed {
    assert!(app.call(&Actor::Anonymous, |ctx| request_password_reset(ctx, &email(address))).unwrap());
    newest(app, "password_reset", address)
}

///
#[test]
fn a_token_is_long_random_and_nowhere_in_the_file() {
    let app = TestApp::new();
    app.user(ANN, &[]);
    let first = forgot(&app, ANN);
    // One mail a minute.
    app.clock.advance(Duration::from_secs(61));
    let second = forgot(&app, ANN);
    assert_ne!(first.token(), second.token());
    for token in [first.token(), second.token()] {
        assert_eq!(token.len(), 43, "256 bits in base64url");
        assert!(token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
        let stored = "SELECT COUNT(*) FROM one_time_tokens WHERE CAST(hash AS TEXT) LIKE '%";
        assert_eq!(number(&app, &format!("{stored}{token}%'")), 0);
    }
    assert_eq!(number(&app, "SELECT COUNT(*) FROM one_time_tokens WHERE length(hash) = 32"), 1, "newest only");
    assert!(uses(&app, first.uid(), first.token()).into_iter().all(is_refused));
}

/// nothing but the token itself.
#[test]
fn no_other_spelling_is_taken() {
    let app = TestApp::new();
    app.user(ANN, &[]);
    let letter = forgot(&app, ANN);
    let token = letter.token();
    let swapped: String = token
        .chars()
        .map(|c| if c.is_ascii_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() })
        .collect();
    let last = if token.ends_with('A') { 'B' } else { 'A' };
    for wrong in [
        "",
        &token[..42],
        &token[1..],
        &format!("{token}A"),
        &format!("{token}="),
        &format!(" {token}"),
        &swapped,
        &token.to_ascii_lowercase(),
        &format!("{}{last}", &token[..42]),
    ] {
        assert!(uses(&app, letter.uid(), wrong).into_iter().all(is_refused), "{wrong}");
    }
    for wrong in ["", "1", "mq", "MDE", "Mg", "LTE", "MA", &uid(UserId(i64::MAX)), &"M".repeat(4000)] {
        assert!(uses(&app, wrong, token).into_iter().all(is_refused), "{wrong}");
    }
    reset_password(&app.env.ctx(&Actor::Anonymous, &origin()), letter.uid(), token, password(OTHER)).unwrap();
}

///
#[test]
fn a_token_serves_one_purpose_and_one_user() {
    let app = waiting();
    app.user(ANN, &[]);
    app.user("bob@example.com", &[]);
    enroll(&app, person(Some("new@example.com"))).unwrap();
    app.call(&Actor::Anonymous, |ctx| request_username_reset(ctx, &email(ANN))).unwrap();
    let letters =
        [newest(&app, "activation", "new@example.com"), forgot(&app, ANN), newest(&app, "username_reset", ANN)];
    for (own, letter) in letters.iter().enumerate() {
        for user in 1..=3 {
            let results = uses_but(&app, &uid(UserId(user)), letter, own);
            assert!(results.into_iter().all(is_refused), "{letter:?} for {user}");
        }
    }
    let pair = app.sign_in(ANN);
    for token in [pair.access, pair.refresh] {
        assert!(uses(&app, "MQ", &token).into_iter().all(is_refused), "R-20");
    }
    for letter in &letters {
        assert!(app.authenticate(letter.token()).is_err(), "R-20");
        assert!(app.call(&Actor::Anonymous, |ctx| tokens::refresh(ctx, letter.token()).map(drop)).is_err());
    }
}

/// Everything that a link is not for: other purposes, and its own for other users.
fn uses_but(app: &TestApp, uid: &str, letter: &Mailed, own: usize) -> Vec<Result<()>> {
    let skip = (uid == letter.uid()).then_some(own);
    let username = authsrv::domain::identifiers::Username::parse("other").unwrap();
    app.call(&Actor::Anonymous, |ctx| {
        let token = letter.token();
        let mut results = Vec::new();
        if skip != Some(0) {
            results.push(activation::activate(ctx, uid, token).map(drop));
            results.push(activation::disown(ctx, uid, token));
        }
        if skip != Some(1) {
            results.push(reset_password(ctx, uid, token, password(OTHER)));
        }
        if skip != Some(2) {
            results.push(reset_username(ctx, uid, token, username));
        }
        results
    })
}

/// of many at once, one.
#[test]
fn of_sixteen_uses_at_once_one_succeeds() {
    let app = TestApp::new();
    app.user(ANN, &[]);
    let letter = forgot(&app, ANN);
    let second = app.second();
    let results: Vec<Result<()>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..16)
            .map(|n| {
                let (env, letter) = (if n % 2 == 0 { &*app.env } else { &second }, &letter);
                scope.spawn(move || {
                    let origin = origin();
                    let ctx = env.ctx(&Actor::Anonymous, &origin);
                    reset_password(&ctx, letter.uid(), letter.token(), password(&format!("{OTHER}-{n}")))
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let (good, bad): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    assert_eq!(good.len(), 1);
    assert!(bad.into_iter().all(|result| matches!(result, Err(Error::Unavailable { .. })) || is_refused(result)));
    assert_eq!(number(&app, "SELECT COUNT(*) FROM audit WHERE action = 'user.password_changed'"), 1);
}

/// E.4: 30 minutes for a reset, 24 hours for an activation; both settings.
#[test]
fn a_token_expires() {
    let app = waiting();
    app.user(ANN, &[]);
    enroll(&app, person(Some("new@example.com"))).unwrap();
    let (reset, activation) = (forgot(&app, ANN), newest(&app, "activation", "new@example.com"));
    let look = |letter: &Mailed| {
        app.call(&Actor::Anonymous, |ctx| activation::look(ctx, letter.uid(), letter.token()).map(drop))
    };
    app.clock.advance(Duration::from_secs(1799));
    let user = app.call(&Actor::Anonymous, |ctx| {
        authsrv::service::recovery::look(
            ctx,
            authsrv::domain::one_time_tokens::Purpose::PasswordReset,
            (reset.uid(), reset.token()),
        )
    });
    assert_eq!(user.unwrap().label(), ANN);
    app.clock.advance(Duration::from_secs(1));
    assert!(uses(&app, reset.uid(), reset.token()).into_iter().all(is_refused));
    app.clock.advance(Duration::from_secs(86_400 - 1801));
    assert!(look(&activation).is_ok());
    app.clock.advance(Duration::from_secs(1));
    assert!(is_refused(look(&activation)));
    set(&app, "accounts.reset_lifetime", 60);
    let letter = forgot(&app, ANN);
    app.clock.advance(Duration::from_secs(60));
    assert!(uses(&app, letter.uid(), letter.token()).into_iter().all(is_refused));
    app.clock.advance(Duration::from_secs(3601));
    app.operate(|ctx| tokens::purge(ctx, &mut |_| {})).unwrap();
    assert_eq!(number(&app, "SELECT COUNT(*) FROM one_time_tokens"), 0);
}

/// whatever changes how somebody signs in kills his links.
#[test]
fn a_new_password_or_address_kills_the_links() {
    for end in ["password", "email", "own password", "own email", "deactivation", "deletion"] {
        let app = TestApp::new();
        let id = app.user(ANN, &[]);
        let ann = actor(&app, ANN);
        let letter = forgot(&app, ANN);
        let profile = |profile| AccountPatch { profile, ..AccountPatch::default() };
        let to = |text: &str| Some(Some(email(text)));
        match end {
            "password" => patch(&app, id, AccountPatch { password: Some(password(OTHER)), ..AccountPatch::default() }),
            "email" => patch(&app, id, profile(UserPatch { email: to("b@example.com"), ..UserPatch::default() })),
            "own password" => app.call(&ann, |ctx| me::change_password(ctx, PASSWORD, password(OTHER))).unwrap(),
            "own email" => {
                let own = OwnPatch { email: to("b@example.com"), ..OwnPatch::default() };
                app.call(&ann, |ctx| me::update_own(ctx, own).map(drop)).unwrap();
            }
            "deactivation" => patch(&app, id, profile(UserPatch { is_active: Some(false), ..UserPatch::default() })),
            _ => app.operate(|ctx| users::delete(ctx, id)).unwrap(),
        }
        assert!(uses(&app, letter.uid(), letter.token()).into_iter().all(is_refused), "{end}");
        assert_eq!(number(&app, "SELECT COUNT(*) FROM one_time_tokens"), 0, "{end}");
        assert_eq!(crate::support::mails::mailed(&app), [], "{end}");
    }
    let app = TestApp::new();
    let id = app.user(ANN, &[]);
    let letter = forgot(&app, ANN);
    let names = UserPatch { first_name: Some("Ann".into()), ..UserPatch::default() };
    patch(&app, id, AccountPatch { profile: names, ..AccountPatch::default() });
    assert_eq!(invalid(reset(&app, &letter, "short")).len(), 1, "it is good still");
}

fn reset(app: &TestApp, letter: &Mailed, new: &str) -> Result<()> {
    app.call(&Actor::Anonymous, |ctx| reset_password(ctx, letter.uid(), letter.token(), password(new)))
}

#[test]
fn a_uid_is_djosers() {
    for (id, text) in [(1, "MQ"), (17, "MTc"), (123_456, "MTIzNDU2")] {
        assert_eq!((uid(UserId(id)).as_str(), user_of(text)), (text, Some(UserId(id))));
    }
}
