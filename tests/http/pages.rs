//! The pages behind mailed links (D-19): they work without scripts, in two languages, and tell their address to nobody.

use authsrv::domain::identifiers::{Email, Username};
use authsrv::domain::passwords::Password;
use authsrv::domain::settings::Profile;
use authsrv::service::registration::{Registration, register};
use authsrv::service::{Actor, login, recovery, settings};
use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};

use super::{Door, Reply};
use crate::support::PASSWORD;
use crate::support::mails::{Mailed, count, newest};

const ANN: &str = "ann@example.com";
const OTHER: &str = "An0ther-one-of-mine";

impl Door {
    fn set(&self, key: &str, value: Value) {
        self.app.operate(|ctx| settings::change(ctx, &[(key.to_owned(), Some(value))])).unwrap();
    }

    fn page(&self, method: &str, path: &str, headers: &[(&str, &str)], form: &[(&str, &str)]) -> Reply {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut text = form_urlencoded::Serializer::new(String::new());
        text.extend_pairs(form);
        if method == "POST" {
            request = request.header("content-type", "application/x-www-form-urlencoded");
        }
        self.send(request.body(Body::from(text.finish())).unwrap())
    }

    fn fill(&self, letter: &Mailed, form: &[(&str, &str)]) -> Reply {
        self.page("POST", &letter.path(), &[("sec-fetch-site", "same-origin"), ("origin", "null")], form)
    }

    fn enroll(&self, username: Option<&str>) -> Mailed {
        self.set("registration.activation", json!(true));
        let new = Registration {
            email: Some(Email::parse(ANN).unwrap()),
            phone: None,
            username: username.map(|text| Username::parse(text).unwrap()),
            password: Password::parse("password", PASSWORD).unwrap(),
            first_name: String::new(),
            last_name: String::new(),
            middle_name: None,
        };
        self.app.call(&Actor::Anonymous, |ctx| register(ctx, new, None)).unwrap();
        newest(&self.app, "activation", ANN)
    }

    fn forgot(&self) -> Mailed {
        let email = Email::parse(ANN).unwrap();
        assert!(self.app.call(&Actor::Anonymous, |ctx| recovery::request_password_reset(ctx, &email)).unwrap());
        newest(&self.app, "password_reset", ANN)
    }

    fn signs_in(&self, password: &str) -> bool {
        self.app.call(&Actor::Anonymous, |ctx| login::login(ctx, ANN, password, Profile::Rbac)).is_ok()
    }
}

#[test]
fn a_page_loads_nothing_from_elsewhere_and_keeps_its_address() {
    let door = Door::new();
    let letter = door.enroll(None);
    let reply = door.page("GET", &letter.path(), &[], &[]);
    assert_eq!((reply.status.as_u16(), reply.header("content-type")), (200, "text/html; charset=utf-8"));
    assert_eq!(reply.header("referrer-policy"), "no-referrer", "E.6");
    assert_eq!(reply.header("cache-control"), "no-store", "E.6");
    let policy = reply.header("content-security-policy");
    for rule in ["default-src 'none'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"] {
        assert!(policy.contains(rule), "E.6: {policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
    for part in ["http://", "https://", "<script", "style=", " on"] {
        assert!(!reply.text.contains(part), "{part:?} in {}", reply.text);
    }
    assert!(!reply.text.contains(letter.token()), "the form goes to where the page came from");
    for part in
        ["<html lang=\"en\">", "name=\"viewport\"", "<label for=\"password\">", "autocomplete=\"current-password\""]
    {
        assert!(reply.text.contains(part), "{part:?} in {}", reply.text);
    }
    for file in ["pages.css", "icon.svg"] {
        let path = format!("/account/static/{file}?v={}", env!("CARGO_PKG_VERSION"));
        assert!(reply.text.contains(&path), "{path}");
        let file = door.page("GET", &path, &[], &[]);
        assert!(file.header("cache-control").contains("immutable"), "{path}");
    }
    let head = door.page("HEAD", &letter.path(), &[], &[]);
    assert_eq!((head.status.as_u16(), head.text.as_str()), (200, ""));
}

#[test]
fn a_page_speaks_the_language_of_its_reader() {
    let door = Door::new();
    let path = door.enroll(None).path();
    let title = |accepts: &str| {
        let headers = [("accept-language", accepts)];
        let headers: &[_] = if accepts.is_empty() { &[] } else { &headers };
        let reply = door.page("GET", &path, headers, &[]);
        let lang = reply.header("content-language").to_owned();
        assert!(reply.text.contains(&format!("<html lang=\"{lang}\">")));
        lang
    };
    for (accepts, lang) in [
        ("", "en"),
        ("ru-RU,ru;q=0.9,en;q=0.8", "ru"),
        ("en-GB,en;q=0.9,ru;q=0.8", "en"),
        ("de, ru;q=0.5, en;q=0.4", "ru"),
        ("en;q=0, ru;q=0.1", "ru"),
        ("de", "en"),
        ("x;q=z,,;", "en"),
    ] {
        assert_eq!(title(accepts), lang, "{accepts}");
    }
    door.set("mail.language", json!("ru"));
    assert_eq!((title("de").as_str(), title("en").as_str(), title("").as_str()), ("ru", "en", "ru"));
    let reply = door.page("GET", "/account/activate/MQ/x/", &[("accept-language", "ru")], &[]);
    assert!(reply.text.contains("Ссылка не действует"), "{}", reply.text);
}

///
#[test]
fn activation_asks_for_the_password() {
    let door = Door::new();
    let letter = door.enroll(None);
    let reply = door.fill(&letter, &[("act", "activate"), ("password", OTHER)]);
    assert_eq!(reply.status, 400);
    assert!(reply.text.contains("Invalid password.") && reply.text.contains("aria-invalid"), "{}", reply.text);
    assert!(!reply.text.contains(OTHER), "no password comes back");
    assert!(!door.signs_in(PASSWORD));
    let reply = door.fill(&letter, &[("act", "activate"), ("password", PASSWORD)]);
    assert_eq!(reply.status, 200);
    assert!(reply.text.contains("Your account is active") && reply.text.contains(ANN), "{}", reply.text);
    assert!(door.signs_in(PASSWORD));
    for method in ["GET", "POST"] {
        let reply = door.page(method, &letter.path(), &[], &[("password", PASSWORD)]);
        assert!(reply.text.contains("active already"), "{}", reply.text);
    }
}

#[test]
fn who_did_not_register_says_so() {
    let door = Door::new();
    let letter = door.enroll(None);
    let reply = door.fill(&letter, &[("act", "disown")]);
    assert_eq!(reply.status, 200);
    assert!(reply.text.contains("The account is deleted"), "{}", reply.text);
    assert_eq!((door.fill(&letter, &[("act", "disown")]).status.as_u16(), count(&door.app, "activation")), (404, 0));
}

#[test]
fn a_new_password_is_typed_twice_and_judged() {
    let door = Door::new();
    door.app.user(ANN, &[]);
    let letter = door.forgot();
    let try_both = |new: &str, again: &str| door.fill(&letter, &[("new_password", new), ("new_password2", again)]);
    for (new, again, told) in [
        ("", "", "This field may not be blank."),
        (OTHER, "another", "The two passwords do not match."),
        ("short1X", "short1X", "too short. It must contain at least 8 characters."),
        ("password123", "password123", "This password is too common."),
        (ANN, ANN, "too similar to the email address"),
    ] {
        let reply = try_both(new, again);
        assert_eq!(reply.status, 400, "{new}");
        assert!(reply.text.contains(told), "{told}: {}", reply.text);
        assert!(new.is_empty() || new == ANN || !reply.text.contains(new), "no password comes back");
        assert!(reply.text.contains("autocomplete=\"new-password\""));
    }
    let russian = [("accept-language", "ru")];
    let reply = door.page("POST", &letter.path(), &russian, &[("new_password", "kurz1X"), ("new_password2", "kurz1X")]);
    assert!(reply.text.contains("не менее 8 символов."), "{}", reply.text);
    assert_eq!(try_both(OTHER, OTHER).status, 200);
    assert!(door.signs_in(OTHER) && !door.signs_in(PASSWORD));
    let reply = try_both(OTHER, OTHER);
    assert_eq!(reply.status, 404);
    assert!(reply.text.contains("newest mail"), "says what to do next: {}", reply.text);
}

#[test]
fn a_typed_username_is_kept() {
    let door = Door::new();
    door.app.user(ANN, &[]);
    door.app.account(
        authsrv::domain::users::NewUser {
            username: Some(Username::parse("Bob").unwrap()),
            is_active: true,
            ..Default::default()
        },
        &[],
    );
    let email = Email::parse(ANN).unwrap();
    door.app.call(&Actor::Anonymous, |ctx| recovery::request_username_reset(ctx, &email)).unwrap();
    let letter = newest(&door.app, "username_reset", ANN);
    let reply = door.fill(&letter, &[("new_username", "bOB")]);
    assert_eq!(reply.status, 400);
    assert!(reply.text.contains("value=\"bOB\"") && reply.text.contains("This username is taken."), "{}", reply.text);
    let reply = door.fill(&letter, &[("new_username", "\"><script>alert(1)</script>\u{202e}")]);
    assert_eq!(reply.status, 400);
    assert!(!reply.text.contains("<script"), "{}", reply.text);
    assert_eq!(door.fill(&letter, &[("new_username", "first"), ("new_username", "<b>Ann</b>")]).status, 200);
    let reply = door.page("GET", &door.forgot().path(), &[], &[]);
    assert!(!reply.text.contains("<b>Ann"), "{}", reply.text);
    assert!(door.app.call(&Actor::Anonymous, |ctx| login::login(ctx, "<b>ann</b>", PASSWORD, Profile::Rbac)).is_ok());
}

#[test]
fn names_are_no_html() {
    let door = Door::new();
    door.app.account(
        authsrv::domain::users::NewUser {
            email: Some(Email::parse("\"<img/src=x>&\"@example.com").unwrap()),
            is_active: true,
            ..Default::default()
        },
        &[],
    );
    let email = Email::parse("\"<img/src=x>&\"@example.com").unwrap();
    door.app.call(&Actor::Anonymous, |ctx| recovery::request_password_reset(ctx, &email)).unwrap();
    let letter = newest(&door.app, "password_reset", email.as_str());
    let reply = door.page("GET", &letter.path(), &[], &[]);
    assert!(reply.text.contains("&lt;img") && !reply.text.contains("<img"), "{}", reply.text);
}

/// a form of another site does nothing.
#[test]
fn forms_of_other_sites_are_refused() {
    let door = Door::new();
    let letter = door.enroll(None);
    for headers in [
        [("sec-fetch-site", "cross-site"), ("x-a", "b")],
        [("sec-fetch-site", "same-site"), ("x-a", "b")],
        [("sec-fetch-site", "cross-site"), ("origin", "http://testserver")],
        [("x-a", "b"), ("origin", "https://evil.example")],
        [("x-a", "b"), ("origin", "http://testserver.evil.example")],
        [("x-a", "b"), ("origin", "x")],
    ] {
        for form in [[("act", "activate"), ("password", PASSWORD)], [("act", "disown"), ("password", "")]] {
            let reply = door.page("POST", &letter.path(), &headers, &form);
            assert_eq!(reply.status, 403, "{headers:?}");
        }
    }
    for headers in [
        [("sec-fetch-site", "same-origin"), ("origin", "null")],
        [("sec-fetch-site", "none"), ("origin", "null")],
        [("x-a", "b"), ("origin", "null")],
        [("x-a", "b"), ("origin", "http://testserver")],
        [("x-a", "b"), ("x-c", "d")],
    ] {
        let reply = door.page("POST", &letter.path(), &headers, &[("act", "activate"), ("password", OTHER)]);
        assert_eq!(reply.status, 400, "{headers:?}: it was looked at");
    }
}

#[test]
fn what_is_no_form_is_refused_as_a_page() {
    let door = Door::new();
    let path = door.enroll(None).path();
    let sent = |kind: &str, body: Vec<u8>| {
        let request = Request::builder().method("POST").uri(&path).header("content-type", kind);
        let length = body.len();
        door.send(request.header("content-length", length).body(Body::from(body)).unwrap())
    };
    let form = "application/x-www-form-urlencoded";
    for (kind, body, status) in [
        ("application/json", b"{\"password\": \"x\"}".to_vec(), 415),
        ("text/plain", b"act=disown".to_vec(), 415),
        ("multipart/form-data; boundary=x", b"--x--".to_vec(), 415),
        (form, vec![b'a'; 17_000], 413),
        (form, b"password=%ff%00%&&==&act".to_vec(), 400),
        ("Application/X-WWW-Form-Urlencoded; charset=utf-8", b"password=x".to_vec(), 400),
    ] {
        let reply = sent(kind, body);
        assert_eq!(reply.status, status, "{kind}: {}", reply.text);
        assert_eq!(reply.header("content-type"), "text/html; charset=utf-8", "{kind}");
    }
    assert!(door.page("GET", &path, &[], &[]).status == 200, "nothing has happened to it");
}

/// A mail is in the language that the client asked for, or else in that of the setting.
#[test]
fn mails_speak_the_language_of_whoever_asks() {
    let door = Door::new();
    door.app.widen();
    door.app.user(ANN, &[]);
    let asked = |language: &[(&str, &str)]| {
        let reply = door.page("POST", "/auth/users/reset_password/", language, &[("email", ANN)]);
        assert_eq!(reply.status, 204);
        newest(&door.app, "password_reset", ANN).language
    };
    assert_eq!(asked(&[]), "en");
    assert_eq!(asked(&[("accept-language", "ru-RU,ru;q=0.9,en;q=0.5")]), "ru");
    door.set("mail.language", json!("ru"));
    assert_eq!(asked(&[]), "ru");
    assert_eq!(asked(&[("accept-language", "de, en;q=0.3")]), "en");
    assert_eq!(asked(&[("accept-language", "de")]), "ru");
}
