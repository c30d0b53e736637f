//! Registration: who may, what comes of it (D-14).

use std::sync::Arc;

use authsrv::domain::error::{Conflict, Entity, Error, Refusal, Result};
use authsrv::domain::identifiers::{Email, Phone, Username};
use authsrv::domain::passwords::Password;
use authsrv::domain::settings::Profile;
use authsrv::service::registration::{Registered, Registration, register};
use authsrv::service::{Actor, Env, users};
use serde_json::json;

use super::common::{column, invalid, meddled, number, refusal, set};
use crate::support::{PASSWORD, TestApp, origin};

/// Somebody who registers with [`PASSWORD`].
pub fn person(email: Option<&str>) -> Registration {
    Registration {
        email: email.map(|text| Email::parse(text).unwrap()),
        phone: None,
        username: None,
        password: Password::parse("password", PASSWORD).unwrap(),
        first_name: String::new(),
        last_name: String::new(),
        middle_name: None,
    }
}

fn enroll(env: &Env, new: Registration) -> Result<Registered> {
    register(&env.ctx(&Actor::Anonymous, &origin()), new, Some(Profile::Rbac))
}

fn taken(result: Result<Registered>) -> &'static str {
    match result {
        Err(Error::Conflict(Conflict::Taken(Entity::User, field))) => field,
        other => panic!("{other:?}"),
    }
}

/// S4-69, R-8.
#[test]
fn a_new_account_is_active_plain_and_signed_in() {
    let app = TestApp::new();
    let new = Registration {
        first_name: " Ann ".to_owned(),
        middle_name: Some(String::new()),
        ..person(Some(" Ann@Example.com "))
    };
    let Registered::SignedIn(signed) = enroll(&app.env, new).unwrap() else { panic!() };
    let user = &signed.user;
    assert_eq!((user.first_name.as_str(), &user.middle_name), ("Ann", &None), "as at every door");
    assert_eq!(user.label(), "Ann@example.com");
    assert_eq!((user.is_active, user.is_staff, user.is_superuser), (true, false, false));
    let Actor::User(caller) = app.authenticate(&signed.pair.access).unwrap() else { panic!() };
    assert_eq!((caller.user, caller.grants.rights().count()), (user.id, 0));
    assert!(app.operate(|ctx| users::get(ctx, user.id)).unwrap().roles.is_empty());
    assert_eq!(number(&app, "SELECT COUNT(*) FROM audit WHERE action = 'user.registered'"), 1);
    app.sign_in("ann@example.com");
}

#[test]
fn any_identifier_will_do_and_one_is_needed() {
    let app = TestApp::new();
    assert_eq!(invalid(enroll(&app.env, person(None))), [(String::new(), "required")]);
    let phone = Some(Phone::parse("+71234567890").unwrap());
    assert!(enroll(&app.env, Registration { phone: phone.clone(), ..person(None) }).is_ok());
    let username = Some(Username::parse("Your name").unwrap());
    assert!(enroll(&app.env, Registration { username: username.clone(), ..person(None) }).is_ok());
    assert_eq!(taken(enroll(&app.env, Registration { phone, ..person(Some("a@example.com")) })), "phone");
    assert_eq!(taken(enroll(&app.env, Registration { username, ..person(Some("a@example.com")) })), "username");
    let alike = Some(Username::parse("+7 123 456-78-90").unwrap());
    assert_eq!(taken(enroll(&app.env, Registration { username: alike, ..person(None) })), "username");
}

#[test]
fn bad_passwords_are_refused() {
    let app = TestApp::new();
    for (text, fault) in [
        ("short1X", "password_too_short"),
        ("password123", "password_too_common"),
        ("9173648205", "password_entirely_numeric"),
        ("ann@example.com", "password_too_similar"),
    ] {
        let password = Password::parse("password", text).unwrap();
        let result = enroll(&app.env, Registration { password, ..person(Some("ann@example.com")) });
        assert!(invalid(result).contains(&("password".to_owned(), fault)), "{text}");
    }
    assert_eq!(number(&app, "SELECT COUNT(*) FROM users"), 0);
}

/// R-5: one address is one account, however many ask at once.
#[test]
fn an_address_is_registered_once() {
    let app = TestApp::new();
    let second = app.second();
    let mut results: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|n| {
                let env = if n % 2 == 0 { &*app.env } else { &second };
                let address = ["ann@bücher.example", "ANN@xn--bcher-kva.example"][n / 4];
                scope.spawn(move || enroll(env, person(Some(address))))
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    results.retain(Result::is_err);
    assert_eq!((results.len(), number(&app, "SELECT COUNT(*) FROM users")), (7, 1));
    assert!(results.into_iter().all(|refused| taken(refused) == "email"));
    assert_eq!(taken(enroll(&app.env, person(Some("Ann@BÜCHER.example")))), "email");
}

/// D-14, R-7.
#[test]
fn the_mode_closes_the_door() {
    let app = TestApp::new();
    let closed = |new| assert_eq!(refusal(enroll(&app.env, new)), Refusal::RegistrationClosed);
    set(&app, "registration.mode", "closed");
    closed(person(Some("a@example.com")));
    set(&app, "registration.mode", json!(["Bücher.example", "example.org"]));
    closed(person(Some("a@example.com")));
    closed(person(Some("a@sub.example.org")));
    closed(person(Some("a@badexample.org")));
    closed(person(Some("\"x@example.org\"@example.com")));
    closed(Registration { phone: Some(Phone::parse("+71234567890").unwrap()), ..person(None) });
    closed(Registration { username: Some(Username::parse("a@example.org").unwrap()), ..person(None) });
    for address in ["a@EXAMPLE.org", "a@bücher.EXAMPLE", "b@xn--bcher-kva.example"] {
        assert!(enroll(&app.env, person(Some(address))).is_ok(), "{address}");
    }
    assert_eq!(number(&app, "SELECT COUNT(*) FROM users"), 3);
}

/// D-14, R-14: with activation on a taken address looks like a free one.
#[test]
fn with_activation_a_new_account_waits() {
    let app = TestApp::new();
    app.user("old@example.com", &[]);
    set(&app, "registration.activation", true);
    for address in ["new@example.com", "new@example.com", "OLD@example.com"] {
        assert!(matches!(enroll(&app.env, person(Some(address))).unwrap(), Registered::Pending(_)), "{address}");
    }
    assert_eq!(number(&app, "SELECT COUNT(*) FROM users"), 2);
    assert_eq!(number(&app, "SELECT COUNT(*) FROM sessions"), 0);
    assert_eq!(number(&app, "SELECT is_active FROM users WHERE email = 'new@example.com'"), 0);
    // Each wrote something, and so each waited for the disk.
    let trail = "SELECT result || ' ' || details FROM audit WHERE action = 'user.registered' ORDER BY id";
    let made = r#"ok {"user":"new@example.com","is_active":false}"#;
    assert_eq!(column(&app, trail), [made, made, r#"refused {"taken":"email"}"#]);
}

/// R-28, R-32: a setting that changes while the hash is computed counts.
#[test]
fn settings_that_change_in_the_middle_count() {
    let app = Arc::new(TestApp::new());
    let env = meddled(&app, |app| set(app, "registration.mode", "closed"));
    assert_eq!(refusal(enroll(&env, person(Some("a@example.com")))), Refusal::RegistrationClosed);
    set(&app, "registration.mode", "open");
    let env = meddled(&app, |app| set(app, "registration.activation", true));
    assert!(matches!(enroll(&env, person(Some("a@example.com"))).unwrap(), Registered::Pending(_)));
    assert_eq!(number(&app, "SELECT COUNT(*) FROM users WHERE is_active"), 0);
    assert_eq!(number(&app, "SELECT COUNT(*) FROM sessions"), 0);
    set(&app, "registration.activation", false);
    let env = meddled(&app, |app| {
        app.user("b@example.com", &[]);
    });
    assert_eq!(taken(enroll(&env, person(Some("b@example.com")))), "email");
}
