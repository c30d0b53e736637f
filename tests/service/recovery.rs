//! A new password, a new name, and the end of oneself (S3-24, S3-26, R-29, R-32, R-39).

use std::sync::Arc;
use std::time::Duration;

use authsrv::domain::error::{Conflict, Entity, Error, Reason, Result};
use authsrv::domain::identifiers::Username;
use authsrv::domain::users::{NewUser, Pending, UserPatch};
use authsrv::service::me::{self, OwnPatch};
use authsrv::service::recovery::{
    request_password_reset, request_username_reset, reset_email, reset_password, reset_username,
};
use authsrv::service::users::{AccountPatch, NewAccount};
use authsrv::service::{Actor, activation, users};

use super::activation::{ANN, OTHER, email, enroll, follow, password, signs_in, waiting};
use super::common::{actor, column, holder, invalid, meddled, number, patch, refusal, set};
use super::registration::person;
use crate::support::mails::{Mailed, count, mailed, newest};
use crate::support::{PASSWORD, TestApp, origin};

fn forgot(app: &TestApp, address: &str) -> bool {
    app.call(&Actor::Anonymous, |ctx| request_password_reset(ctx, &email(address))).unwrap()
}

fn reset(app: &TestApp, letter: &Mailed, new: &str) -> Result<()> {
    app.call(&Actor::Anonymous, |ctx| reset_password(ctx, letter.uid(), letter.token(), password(new)))
}

fn username(text: &str) -> Username {
    Username::parse(text).unwrap()
}

fn token_is_refused<T>(result: Result<T>) {
    assert_eq!(invalid(result), [("token".to_owned(), "invalid_token")]);
}

/// R-29.
#[test]
fn a_reset_sets_the_password_and_ends_all_sessions() {
    let app = TestApp::new();
    app.user(ANN, &[]);
    let pair = app.sign_in(ANN);
    assert!(forgot(&app, "ANN@example.com"));
    app.call(&Actor::Anonymous, |ctx| request_username_reset(ctx, &email(ANN))).unwrap();
    let (letter, other) = (newest(&app, "password_reset", ANN), newest(&app, "username_reset", ANN));
    assert!(letter.link.contains("/account/password-reset/MQ/") && other.link.contains("/account/username-reset/MQ/"));
    for (weak, code) in [("short1X", "password_too_short"), (ANN, "password_too_similar")] {
        assert!(invalid(reset(&app, &letter, weak)).contains(&("new_password".to_owned(), code)));
    }
    assert!(app.authenticate(&pair.access).is_ok(), "nothing has happened yet");
    reset(&app, &letter, OTHER).unwrap();
    assert!(app.authenticate(&pair.access).is_err());
    assert!(signs_in(&app, ANN, OTHER) && !signs_in(&app, ANN, PASSWORD));
    token_is_refused(reset(&app, &letter, "A-third-one-of-mine"));
    token_is_refused(
        app.call(&Actor::Anonymous, |ctx| reset_username(ctx, other.uid(), other.token(), username("ann"))),
    );
    assert!(mailed(&app).is_empty(), "dropped with their tokens, and no news by default");
    let trail = "SELECT action || ' ' || details FROM audit WHERE action LIKE '%password%' ORDER BY id";
    assert_eq!(
        column(&app, trail),
        [r#"password_reset.requested {"by":"mail"}"#, r#"user.password_changed {"by":"reset","sessions_ended":1}"#]
    );
}

/// R-14, R-32.
#[test]
fn only_active_accounts_with_a_password_get_a_link() {
    let app = TestApp::new();
    app.user(ANN, &[]);
    let off = app.user("off@example.com", &[]);
    patch(
        &app,
        off,
        AccountPatch {
            profile: UserPatch { is_active: Some(false), ..UserPatch::default() },
            ..AccountPatch::default()
        },
    );
    let profile = NewUser { email: Some(email("none@example.com")), is_active: true, ..NewUser::default() };
    app.operate(|ctx| users::create(ctx, NewAccount { profile, password: None, roles: Vec::new() })).unwrap();
    let named = NewUser { username: Some(username("name@example.com")), is_active: true, ..NewUser::default() };
    app.account(named, &[]);
    set(&app, "registration.activation", true);
    enroll(&app, person(Some("waits@example.com"))).unwrap();
    let before = mailed(&app);
    for address in ["off", "none", "name", "waits", "unknown"] {
        assert!(!forgot(&app, &format!("{address}@example.com")), "{address}");
        let asked =
            app.call(&Actor::Anonymous, |ctx| request_username_reset(ctx, &email(&format!("{address}@example.com"))));
        assert!(!asked.unwrap(), "{address}");
    }
    assert_eq!(mailed(&app), before);
    assert_eq!(number(&app, "SELECT COUNT(*) FROM audit WHERE result = 'refused'"), 10, "each wrote something");
}

/// R-32: who is shut out after he asked stays out.
#[test]
fn a_link_dies_with_the_right_to_sign_in() {
    let app = TestApp::new();
    let id = app.user(ANN, &[]);
    forgot(&app, ANN);
    let letter = newest(&app, "password_reset", ANN);
    for is_active in [false, true] {
        let told = UserPatch { is_active: Some(is_active), ..UserPatch::default() };
        patch(&app, id, AccountPatch { profile: told, ..AccountPatch::default() });
        token_is_refused(reset(&app, &letter, OTHER));
    }
}

/// R-28: what happens while the new password is hashed counts.
#[test]
fn a_deactivation_in_the_middle_of_a_reset_counts() {
    let app = Arc::new(TestApp::new());
    let id = app.user(ANN, &[]);
    forgot(&app, ANN);
    let letter = newest(&app, "password_reset", ANN);
    let env = meddled(&app, move |app| {
        let off = UserPatch { is_active: Some(false), ..UserPatch::default() };
        patch(app, id, AccountPatch { profile: off, ..AccountPatch::default() });
    });
    let origin = origin();
    token_is_refused(reset_password(
        &env.ctx(&Actor::Anonymous, &origin),
        letter.uid(),
        letter.token(),
        password(OTHER),
    ));
}

#[test]
fn changes_are_told_by_mail_if_settings_say_so() {
    let app = TestApp::new();
    app.user(ANN, &[]);
    set(&app, "djoser.password_changed_email_confirmation", true);
    set(&app, "djoser.username_changed_email_confirmation", true);
    forgot(&app, ANN);
    reset(&app, &newest(&app, "password_reset", ANN), PASSWORD).unwrap();
    let ann = actor(&app, ANN);
    app.call(&ann, |ctx| me::change_password(ctx, PASSWORD, password(OTHER))).unwrap();
    app.call(&ann, |ctx| me::set_username(ctx, OTHER, username("ann"))).unwrap();
    app.call(&ann, |ctx| me::set_username(ctx, OTHER, username("ann"))).unwrap();
    assert_eq!((count(&app, "password_changed"), count(&app, "username_changed")), (2, 1));
}

#[test]
fn a_username_is_reset_by_a_link() {
    let app = TestApp::new();
    app.user(ANN, &[]);
    app.account(NewUser { username: Some(username("Bob B")), is_active: true, ..NewUser::default() }, &[]);
    let ask = || {
        assert!(app.call(&Actor::Anonymous, |ctx| request_username_reset(ctx, &email(ANN))).unwrap());
        newest(&app, "username_reset", ANN)
    };
    let letter = ask();
    let set_to = |letter: &Mailed, name: &str| {
        app.call(&Actor::Anonymous, |ctx| reset_username(ctx, letter.uid(), letter.token(), username(name)))
    };
    let taken = set_to(&letter, "BOB b");
    assert!(matches!(taken, Err(Error::Conflict(Conflict::Taken(Entity::User, "username")))), "{taken:?}");
    set_to(&letter, "Ann A").unwrap();
    token_is_refused(set_to(&letter, "Ann B"));
    assert!(mailed(&app).is_empty(), "dropped with its token");
    assert!(signs_in(&app, "ann a", PASSWORD));
    app.clock.advance(Duration::from_secs(60));
    let letter = ask();
    let session = actor(&app, ANN);
    app.call(&Actor::Anonymous, |ctx| reset_email(ctx, letter.uid(), letter.token(), email("new@example.com")))
        .unwrap();
    assert!(app.call(&session, |ctx| me::update_own(ctx, OwnPatch::default())).is_err(), "R-29");
    assert!(signs_in(&app, "new@example.com", PASSWORD));
}

/// R-29, and what Djoser does with activation on.
#[test]
fn a_new_address_ends_other_sessions_and_may_have_to_be_proved() {
    let app = TestApp::new();
    let id = app.user(ANN, &[]);
    let (here, there) = (app.sign_in(ANN), app.sign_in(ANN));
    forgot(&app, ANN);
    let letter = newest(&app, "password_reset", ANN);
    let to = |address: &str| OwnPatch { email: Some(Some(email(address))), ..OwnPatch::default() };
    app.with_token(&here.access, |ctx| me::update_own(ctx, to("b@example.com"))).unwrap();
    assert!(app.authenticate(&here.access).is_ok() && app.authenticate(&there.access).is_err());
    token_is_refused(reset(&app, &letter, OTHER));
    set(&app, "registration.activation", true);
    let wrong = app.with_token(&here.access, |ctx| me::update_own_by(ctx, OTHER, to("c@example.com")));
    assert_eq!(invalid(wrong), [("current_password".to_owned(), "invalid")]);
    let after = app.with_token(&here.access, |ctx| me::update_own_by(ctx, PASSWORD, to("c@example.com"))).unwrap();
    assert_eq!((after.user.is_active, after.user.pending), (false, Some(Pending::Address)));
    let refused = app.authenticate(&here.access);
    assert!(matches!(refused, Err(Error::Unauthenticated(Reason::UserInactive))), "{refused:?}");
    let letter = newest(&app, "activation", "c@example.com");
    app.call(&Actor::Anonymous, |ctx| activation::disown(ctx, letter.uid(), letter.token())).unwrap();
    assert!(app.operate(|ctx| users::get(ctx, id)).is_ok(), "an address is no registration");
    assert!(app.call(&Actor::Anonymous, |ctx| activation::resend(ctx, &email("c@example.com"))).unwrap());
    follow(&app, &newest(&app, "activation", "c@example.com")).unwrap();
    assert!(app.authenticate(&here.access).is_ok(), "his own session was not ended");
}

/// R-6: an account that waits for its new address gives way to nobody.
#[test]
fn an_account_that_waits_for_its_address_is_not_replaced() {
    let app = waiting();
    let id = app.user(ANN, &[]);
    let own = OwnPatch { email: Some(Some(email("b@example.com"))), ..OwnPatch::default() };
    app.with_token(&app.sign_in(ANN).access, |ctx| me::update_own(ctx, own)).unwrap();
    assert_ne!(enroll(&app, person(Some("b@example.com"))).unwrap().id, id);
    assert_eq!(app.operate(|ctx| users::get(ctx, id)).unwrap().user.label(), "b@example.com");
}

/// R-39.
#[test]
fn the_last_superuser_neither_waits_nor_leaves() {
    let app = waiting();
    app.superuser("root@example.com");
    let root = actor(&app, "root@example.com");
    let own = OwnPatch { email: Some(Some(email(ANN))), ..OwnPatch::default() };
    for result in [
        app.call(&root, |ctx| me::update_own(ctx, own.clone()).map(drop)),
        app.call(&root, |ctx| me::delete(ctx, PASSWORD)),
    ] {
        assert!(matches!(result, Err(Error::Conflict(Conflict::LastSuperuser))), "{result:?}");
    }
    app.superuser("other@example.com");
    app.call(&root, |ctx| me::delete(ctx, PASSWORD)).unwrap();
}

#[test]
fn who_leaves_or_deletes_by_djoser_proves_his_password() {
    let app = TestApp::new();
    let ann = app.user(ANN, &[]);
    let bob = app.user("bob@example.com", &[]);
    let (_, clerk) = holder(&app, "clerk", &["users:delete"]);
    let wrong = [("current_password".to_owned(), "invalid")];
    let plain = actor(&app, ANN);
    assert!(matches!(
        refusal(app.call(&plain, |ctx| users::delete_by(ctx, bob, PASSWORD))),
        authsrv::domain::error::Refusal::Lacks(_)
    ));
    assert_eq!(invalid(app.call(&clerk, |ctx| users::delete_by(ctx, bob, OTHER))), wrong);
    app.call(&clerk, |ctx| users::delete_by(ctx, bob, PASSWORD)).unwrap();
    assert_eq!(invalid(app.call(&plain, |ctx| me::check_password(ctx, OTHER))), wrong);
    app.call(&plain, |ctx| me::check_password(ctx, PASSWORD)).unwrap();
    assert_eq!(invalid(app.call(&plain, |ctx| me::delete(ctx, ""))), wrong);
    app.call(&plain, |ctx| users::delete_by(ctx, ann, PASSWORD)).unwrap();
    assert!(app.call(&plain, |ctx| me::get(ctx).map(drop)).is_err());
    assert_eq!(number(&app, "SELECT COUNT(*) FROM audit WHERE action = 'user.deleted'"), 2);
}

/// Nothing is left that an account could be told by.
#[test]
fn one_identifier_remains() {
    let app = TestApp::new();
    app.user(ANN, &[]);
    let ann = actor(&app, ANN);
    let none = OwnPatch { email: Some(None), ..OwnPatch::default() };
    assert_eq!(invalid(app.call(&ann, |ctx| me::update_own(ctx, none))), [(String::new(), "required")]);
    let names = OwnPatch { first_name: Some("x".repeat(151)), ..OwnPatch::default() };
    assert_eq!(invalid(app.call(&ann, |ctx| me::update_own(ctx, names))), [("first_name".to_owned(), "max_length")]);
    let taken = OwnPatch { username: Some(Some(username(ANN))), ..OwnPatch::default() };
    assert!(app.call(&ann, |ctx| me::update_own(ctx, taken)).is_ok(), "his own address may be his name");
}
