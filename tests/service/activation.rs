//! Accounts that wait for their activation (S3-26, D-14, R-6).

use std::time::Duration;

use authsrv::domain::error::{Conflict, Entity, Error, Refusal, Result};
use authsrv::domain::identifiers::{Email, Phone, Username};
use authsrv::domain::ids::UserId;
use authsrv::domain::passwords::Password;
use authsrv::domain::settings::Profile;
use authsrv::domain::users::{Pending, User, UserPatch};
use authsrv::service::activation::{activate, activate_with_password, await_link, disown, look, resend};
use authsrv::service::registration::{Registered, Registration, register};
use authsrv::service::users::AccountPatch;
use authsrv::service::{Actor, login, users};

use super::common::{column, invalid, number, patch, refusal, set};
use super::registration::person;
use crate::support::mails::{Mailed, count, mailed, newest};
use crate::support::{PASSWORD, TestApp};

pub const ANN: &str = "ann@example.com";
pub const OTHER: &str = "An0ther-one-of-mine";

pub fn email(text: &str) -> Email {
    Email::parse(text).unwrap()
}

pub fn password(text: &str) -> Password {
    Password::parse("password", text).unwrap()
}

/// A program in which accounts wait for their activation.
pub fn waiting() -> TestApp {
    let app = TestApp::new();
    set(&app, "registration.activation", true);
    app
}

pub fn enroll(app: &TestApp, new: Registration) -> Result<User> {
    match app.call(&Actor::Anonymous, |ctx| register(ctx, new, Some(Profile::Rbac)))? {
        Registered::Pending(user) => Ok(*user),
        other => panic!("{other:?}"),
    }
}

pub fn signs_in(app: &TestApp, identifier: &str, password: &str) -> bool {
    app.call(&Actor::Anonymous, |ctx| login::login(ctx, identifier, password, Profile::Rbac)).is_ok()
}

/// Follows a link as Djoser does.
pub fn follow(app: &TestApp, letter: &Mailed) -> Result<User> {
    app.call(&Actor::Anonymous, |ctx| activate(ctx, letter.uid(), letter.token()))
}

pub fn send_again(app: &TestApp, address: &str) -> bool {
    app.call(&Actor::Anonymous, |ctx| resend(ctx, &email(address))).unwrap()
}

fn of_link(field: &str) -> [(String, &'static str); 1] {
    [(field.to_owned(), if field == "uid" { "invalid_uid" } else { "invalid_token" })]
}

#[test]
fn a_registration_waits_until_its_link_is_followed() {
    let app = waiting();
    let user = enroll(&app, person(Some(" Ann@Example.com "))).unwrap();
    assert_eq!((user.is_active, user.pending), (false, Some(Pending::Registration)));
    let letter = newest(&app, "activation", "Ann@example.com");
    assert_eq!(letter.link, format!("http://127.0.0.1:8000/account/activate/MQ/{}/", letter.token()), "D-19");
    assert!(!signs_in(&app, ANN, PASSWORD), "R-32");
    let seen = app.call(&Actor::Anonymous, |ctx| look(ctx, letter.uid(), letter.token())).unwrap();
    assert_eq!((seen.label.as_str(), seen.pending), ("Ann@example.com", Pending::Registration));
    assert_eq!(invalid(app.call(&Actor::Anonymous, |ctx| activate(ctx, "Mg", letter.token()))), of_link("uid"));
    assert_eq!(invalid(app.call(&Actor::Anonymous, |ctx| activate(ctx, "MQ", "x"))), of_link("token"));
    let user = follow(&app, &letter).unwrap();
    assert_eq!((user.is_active, user.pending), (true, None));
    assert!(signs_in(&app, ANN, PASSWORD));
    assert_eq!(refusal(follow(&app, &letter)), Refusal::StaleToken);
    assert_eq!(count(&app, "confirmation"), 0);
    let trail = "SELECT action FROM audit WHERE entity = 'user' AND action <> 'login.succeeded' ORDER BY id";
    assert_eq!(column(&app, trail), ["user.registered", "login.failed", "user.activated"]);
}

#[test]
fn who_registers_without_a_session_gets_none() {
    let app = TestApp::new();
    let made = app.call(&Actor::Anonymous, |ctx| register(ctx, person(Some(ANN)), None)).unwrap();
    let Registered::Created(user) = made else { panic!("{made:?}") };
    assert!(user.is_active && user.pending.is_none() && signs_in(&app, ANN, PASSWORD));
    assert_eq!(number(&app, "SELECT COUNT(*) FROM sessions"), 1, "of the sign-in");
    assert!(mailed(&app).is_empty());
}

#[test]
fn an_activation_is_confirmed_if_a_setting_says_so() {
    let app = waiting();
    set(&app, "djoser.send_confirmation_email", true);
    set(&app, "mail.language", "ru");
    enroll(&app, person(Some(ANN))).unwrap();
    follow(&app, &newest(&app, "activation", ANN)).unwrap();
    let letter = newest(&app, "confirmation", ANN);
    assert_eq!((letter.link.as_str(), letter.language.as_str()), ("", "ru"));
    assert_eq!(count(&app, "activation"), 0, "dropped when its token died");
}

/// whom nobody is told of.
#[test]
fn a_new_link_goes_to_accounts_that_wait_and_to_no_other() {
    let app = TestApp::new();
    app.user("active@example.com", &[]);
    let off = app.user("off@example.com", &[]);
    let patched = UserPatch { is_active: Some(false), ..UserPatch::default() };
    patch(&app, off, AccountPatch { profile: patched, ..AccountPatch::default() });
    assert!(!send_again(&app, "active@example.com"), "the feature is off");
    set(&app, "registration.activation", true);
    let named = Registration { username: Some(Username::parse("b@example.com").unwrap()), ..person(None) };
    enroll(&app, named).unwrap();
    for address in ["unknown@example.com", "active@example.com", "off@example.com", "b@example.com"] {
        assert!(send_again(&app, address), "{address}");
    }
    assert!(mailed(&app).is_empty());
    enroll(&app, person(Some(ANN))).unwrap();
    let first = newest(&app, "activation", ANN);
    assert!(send_again(&app, "ANN@example.com"));
    let second = newest(&app, "activation", ANN);
    assert_eq!(count(&app, "activation"), 1, "newest only");
    assert_eq!(invalid(follow(&app, &first)), of_link("token"));
    follow(&app, &second).unwrap();
    assert!(send_again(&app, ANN));
    assert_eq!(count(&app, "activation"), 0);
}

/// D-14, R-14: what is told of a taken address is what is told of a free one; the id is used up.
#[test]
fn a_taken_address_looks_free_and_a_taken_username_does_not() {
    let app = TestApp::new();
    app.account(
        authsrv::domain::users::NewUser {
            email: Some(email(ANN)),
            phone: Some(Phone::parse("+71234567890").unwrap()),
            username: Some(Username::parse("Ann A").unwrap()),
            is_active: true,
            ..Default::default()
        },
        &[],
    );
    set(&app, "registration.activation", true);
    let name = |text: &str| Some(Username::parse(text).unwrap());
    let phone = Some(Phone::parse("+71234567890").unwrap());
    let free = enroll(&app, Registration { username: name("bob"), ..person(Some("b@example.com")) }).unwrap();
    for (at, new) in [
        Registration { username: name("carl"), ..person(Some(ANN)) },
        Registration { username: name("carl"), phone: phone.clone(), ..person(Some("c@example.com")) },
        Registration { phone, ..person(None) },
        Registration { username: name("ann@EXAMPLE.com"), ..person(None) },
    ]
    .into_iter()
    .enumerate()
    {
        let wanted = (new.email.clone(), new.phone.clone(), new.username.clone());
        let shown = enroll(&app, new).unwrap();
        assert_eq!((shown.email.clone(), shown.phone.clone(), shown.username.clone()), wanted);
        assert_eq!(shown.id, UserId(free.id.0 + 1 + at as i64), "used up");
        let like = User {
            id: shown.id,
            email: shown.email.clone(),
            phone: shown.phone.clone(),
            username: shown.username.clone(),
            ..free.clone()
        };
        assert_eq!(shown, like);
    }
    assert_eq!(count(&app, "activation"), 1, "only the free one got a mail");
    assert_eq!(number(&app, "SELECT COUNT(*) FROM users"), 2);
    for address in ["new@example.com", ANN] {
        let result = enroll(&app, Registration { username: name("ann a"), ..person(Some(address)) });
        assert!(matches!(result, Err(Error::Conflict(Conflict::Taken(Entity::User, "username")))), "{result:?}");
    }
    let next = enroll(&app, person(Some("next@example.com"))).unwrap();
    assert_eq!(next.id, UserId(free.id.0 + 5));
}

/// whoever registered first with an address leaves nothing behind for who comes second.
#[test]
fn a_second_registration_replaces_the_first() {
    let app = waiting();
    let name = Some(Username::parse("ann").unwrap());
    let first =
        enroll(&app, Registration { username: name.clone(), first_name: "Mallory".into(), ..person(Some(ANN)) })
            .unwrap();
    let old = newest(&app, "activation", ANN);
    let again = Registration { username: name, password: password(OTHER), ..person(Some("ANN@example.com")) };
    let second = enroll(&app, again).unwrap();
    assert_ne!(first.id, second.id, "R-31");
    assert_eq!((second.first_name.as_str(), number(&app, "SELECT COUNT(*) FROM users")), ("", 1));
    assert_eq!(invalid(follow(&app, &old)), of_link("uid"));
    assert_eq!(count(&app, "activation"), 1);
    follow(&app, &newest(&app, "activation", "ANN@example.com")).unwrap();
    assert!(!signs_in(&app, ANN, PASSWORD) && signs_in(&app, ANN, OTHER));
}

/// what an administrator has made of an account does not give way to whoever registers.
#[test]
fn only_plain_accounts_that_wait_give_way() {
    let app = waiting();
    let user = enroll(&app, person(Some(ANN))).unwrap();
    let staff = UserPatch { is_staff: Some(true), ..UserPatch::default() };
    patch(&app, user.id, AccountPatch { profile: staff, ..AccountPatch::default() });
    let letter = newest(&app, "activation", ANN);
    assert_ne!(enroll(&app, person(Some(ANN))).unwrap().id, user.id);
    assert!(app.operate(|ctx| users::get(ctx, user.id)).is_ok());
    app.call(&Actor::Anonymous, |ctx| disown(ctx, letter.uid(), letter.token())).unwrap();
    assert!(app.operate(|ctx| users::get(ctx, user.id)).is_ok(), "only the link is gone");
    assert_eq!(invalid(follow(&app, &letter)), of_link("token"));
}

/// the page asks for the password of the registration.
#[test]
fn the_page_asks_for_the_password_and_lets_disown() {
    let app = waiting();
    let id = enroll(&app, person(Some(ANN))).unwrap().id;
    let letter = newest(&app, "activation", ANN);
    let with = |password: &str| {
        app.call(&Actor::Anonymous, |ctx| activate_with_password(ctx, letter.uid(), letter.token(), password))
    };
    for wrong in ["", "wrong", OTHER] {
        assert_eq!(invalid(with(wrong)), [("password".to_owned(), "invalid")]);
    }
    let failed = "SELECT action || ' ' || entity_id || ' ' || result FROM audit WHERE action LIKE 'password%'";
    assert_eq!(column(&app, failed), vec![format!("password_check.failed {id} refused"); 3], "R-56");
    app.call(&Actor::Anonymous, |ctx| disown(ctx, letter.uid(), letter.token())).unwrap();
    assert!(app.operate(|ctx| users::get(ctx, id)).is_err());
    assert_eq!((invalid(with(PASSWORD)), mailed(&app).len()), (of_link("uid").to_vec(), 0));
    let events = "SELECT action || ' ' || entity_id FROM audit WHERE action = 'user.disowned'";
    assert_eq!(column(&app, events), [format!("user.disowned {id}")]);
    enroll(&app, person(Some(ANN))).unwrap();
    let letter = newest(&app, "activation", ANN);
    app.call(&Actor::Anonymous, |ctx| activate_with_password(ctx, letter.uid(), letter.token(), PASSWORD)).unwrap();
    assert!(signs_in(&app, ANN, PASSWORD));
    assert_eq!(
        refusal(app.call(&Actor::Anonymous, |ctx| disown(ctx, letter.uid(), letter.token()))),
        Refusal::StaleToken
    );
}

/// an administrator's word ends the waiting.
#[test]
fn an_administrator_decides_in_place_of_the_link() {
    for is_active in [false, true] {
        let app = waiting();
        let id = enroll(&app, person(Some(ANN))).unwrap().id;
        let letter = newest(&app, "activation", ANN);
        let told = UserPatch { is_active: Some(is_active), ..UserPatch::default() };
        patch(&app, id, AccountPatch { profile: told, ..AccountPatch::default() });
        let user = app.operate(|ctx| users::get(ctx, id)).unwrap().user;
        assert_eq!((user.is_active, user.pending), (is_active, None));
        assert_eq!(invalid(follow(&app, &letter)), of_link("token"));
        send_again(&app, ANN);
        assert!(mailed(&app).is_empty());
        assert_eq!(signs_in(&app, ANN, PASSWORD), is_active);
    }
}

#[test]
fn an_operator_makes_an_account_wait() {
    let app = TestApp::new();
    let id = app.user(ANN, &[]);
    assert_eq!(invalid(app.operate(|ctx| await_link(ctx, id))), [("is_active".to_owned(), "invalid")]);
    let off = UserPatch { is_active: Some(false), ..UserPatch::default() };
    patch(&app, id, AccountPatch { profile: off, ..AccountPatch::default() });
    for _ in 0..2 {
        let user = app.operate(|ctx| await_link(ctx, id)).unwrap();
        assert_eq!(user.pending, Some(Pending::Registration));
    }
    assert_eq!(count(&app, "activation"), 1);
    let root = app.superuser("root@example.com");
    app.superuser("other@example.com");
    patch(
        &app,
        root,
        AccountPatch {
            profile: UserPatch { is_active: Some(false), ..UserPatch::default() },
            ..AccountPatch::default()
        },
    );
    assert_eq!(invalid(app.operate(|ctx| await_link(ctx, root))), [("is_staff".to_owned(), "invalid")]);
    app.clock.advance(Duration::from_secs(86_400));
    assert_eq!(invalid(follow(&app, &newest(&app, "activation", ANN))), of_link("token"), "a day");
}
