//! Who has an account here, and in what state? The answers must not tell (R-14, as far as bytes go).

use serde_json::{Value, json};

use super::{Site, registration};
use crate::support::http::Answer;

/// Everything of an answer but what differs between any two.
pub fn told(answer: &Answer) -> (u16, Vec<(String, String)>, String) {
    let varying = ["date", "x-request-id"];
    let headers = answer.headers.iter().filter(|(name, _)| !varying.contains(&name.as_str())).cloned().collect();
    (answer.status, headers, String::from_utf8(answer.body.clone()).unwrap())
}

fn names(answer: &Answer) -> Vec<&str> {
    answer.headers.iter().map(|(name, _)| name.as_str()).collect()
}

/// One account in each state; everybody may try as often as he likes.
pub fn site() -> Site {
    let site = accounts();
    site.app.widen();
    site
}

/// One account in each state.
pub fn accounts() -> Site {
    let site = Site::new();
    site.app.user("known@example.com", &["viewer"]);
    site.app.superuser("super@example.com");
    site.app.user("inactive@example.com", &[]);
    assert_eq!(site.root().patch("/users/3/", json!({"is_active": false})).status, 200);
    let profile = authsrv::domain::users::NewUser {
        email: Some(authsrv::domain::identifiers::Email::parse("passwordless@example.com").unwrap()),
        is_active: true,
        ..Default::default()
    };
    let new = authsrv::service::users::NewAccount { profile, password: None, roles: Vec::new() };
    site.app.operate(|ctx| authsrv::service::users::create(ctx, new)).unwrap();
    site
}

#[test]
fn failed_sign_ins_are_the_same_to_the_byte() {
    let site = site();
    assert_eq!(site.root().patch("/settings/", json!({"registration.activation": true})).status, 200);
    assert_eq!(site.server.anonymous().post("/register/", registration("pending@example.com")).status, 201);
    for prefix in ["", "/api/auth"] {
        for key in ["email", "username", "phone"] {
            let mut first: Option<(Vec<String>, _)> = None;
            for (who, password) in [
                ("unknown@example.com", crate::support::PASSWORD),
                ("known@example.com", "Wrong-1-password"),
                ("KNOWN@EXAMPLE.COM", "Wrong-1-password"),
                ("super@example.com", "Wrong-1-password"),
                ("inactive@example.com", crate::support::PASSWORD),
                ("inactive@example.com", "Wrong-1-password"),
                ("passwordless@example.com", crate::support::PASSWORD),
                ("passwordless@example.com", ""),
                ("pending@example.com", crate::support::PASSWORD),
                ("pending@example.com", "Wrong-1-password"),
                ("+79990001122", "Wrong-1-password"),
                ("nobody", "Wrong-1-password"),
                ("1", "Wrong-1-password"),
                ("known@example.com\u{200b}", crate::support::PASSWORD),
                ("' OR 1=1--", "x"),
                ("%", "%"),
            ] {
                if password.is_empty() {
                    continue;
                }
                let answer =
                    site.server.anonymous().post(&format!("{prefix}/login/"), json!({key: who, "password": password}));
                assert_eq!(answer.status, 401, "{who}: {answer:?}");
                let this = (names(&answer).iter().map(|name| (*name).to_owned()).collect(), told(&answer));
                assert_eq!(first.get_or_insert_with(|| this.clone()), &this, "R-14: {key} {who}");
            }
        }
    }
}

#[test]
fn odd_passwords_tell_nothing_either() {
    let site = site();
    let long = "x".repeat(5_000);
    for password in ["\u{1}", "x", &long, "\u{fdfa}\u{fdfa}", "é", "e\u{301}", "  ", "\u{202e}"] {
        let told: Vec<_> =
            ["known@example.com", "unknown@example.com", "inactive@example.com", "passwordless@example.com"]
                .iter()
                .map(|who| told(&site.server.anonymous().post("/login/", json!({"email": who, "password": password}))))
                .collect();
        assert!(told.iter().all(|one| *one == told[0]), "R-14: {password:?}: {told:?}");
        assert_eq!(told[0].0, 401, "{password:?}");
    }
}

#[test]
fn with_activation_on_a_taken_address_looks_like_a_free_one() {
    let site = site();
    assert_eq!(site.root().patch("/settings/", json!({"registration.activation": true})).status, 200);
    let taken =
        ["known@example.com", "KNOWN@example.com ", "inactive@example.com", "free@example.com", "free@example.com"];
    let answers: Vec<_> =
        taken.iter().map(|email| told(&site.server.anonymous().post("/register/", registration(email)))).collect();
    assert!(answers.iter().all(|one| *one == answers[0]), "D-14: {answers:?}");
    assert_eq!(answers[0].0, 201);
}

#[test]
fn refused_tokens_do_not_tell_whose_they_were() {
    let site = site();
    let made = |email: &str| site.server.sign_in(email);
    let (known, other) = (made("known@example.com"), made("super@example.com"));
    site.server.anonymous().post("/logout/", json!({"refresh": known.refresh}));
    site.server.anonymous().post("/logout/", json!({"refresh": other.refresh}));
    let say = |token: &str| told(&site.server.anonymous().post("/token/refresh/", json!({"refresh": token})));
    assert_eq!(say(&known.refresh), say(&other.refresh), "R-14");
    for bad in ["x", "x.y.z", "", "null"] {
        let answer = site.server.anonymous().post("/token/refresh/", json!({"refresh": bad}));
        assert!([400, 401].contains(&answer.status), "{answer:?}");
        assert!(!answer.json().to_string().contains("example.com"));
    }
}

#[test]
fn who_may_not_know_gets_the_same_for_everybody() {
    let site = site();
    let ann = site.somebody("ann@example.com", &[]);
    let denied = |path: &str| {
        let answer = ann.get(path);
        let (status, headers, body) = told(&answer);
        (status, headers, serde_json::from_str::<Value>(&body).unwrap())
    };
    for (there, gone) in [
        ("/users/1/", "/users/999/"),
        ("/users/?search=known", "/users/?search=unknown"),
        ("/roles/1/", "/roles/999/"),
        ("/sessions/1/", "/sessions/999/"),
        ("/me/get_sessions/1", "/me/get_sessions/999"),
    ] {
        assert_eq!(denied(there), denied(gone), "R-35: {there}");
    }
    let check = |user: i64| told(&ann.post("/check/", json!({"resource": "users", "action": "read", "user": user})));
    assert_eq!(check(1), check(999), "R-35");
}
