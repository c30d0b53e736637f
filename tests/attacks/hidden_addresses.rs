//! Who has an account here? Asked of the dialects of self-service, with activation on (R-14, D-14).

use serde_json::{Value, json};

use super::{Site, registration};
use crate::support::PASSWORD;
use crate::support::http::{Answer, Client};
use crate::support::mails::mailed;

/// Everything of an answer but what differs between any two, and but these words of it.
fn told(answer: &Answer, own: &[&str]) -> (u16, Vec<(String, String)>, String) {
    let varying = ["date", "x-request-id"];
    let headers = answer.headers.iter().filter(|(name, _)| !varying.contains(&name.as_str())).cloned().collect();
    let mut body = String::from_utf8(answer.body.clone()).unwrap();
    for word in own {
        body = body.replace(word, "…");
    }
    (answer.status, headers, body)
}

/// One account in each state; activation is on.
fn site() -> (Site, Client) {
    let site = Site::new();
    site.app.widen();
    site.app.user("known@example.com", &["viewer"]);
    site.app.superuser("super@example.com");
    site.app.user("inact@example.com", &[]);
    let root = site.root();
    assert_eq!(root.patch("/users/3/", json!({"is_active": false})).status, 200);
    assert_eq!(
        root.post("/users/", json!({"email": "staff@example.com", "password": PASSWORD, "is_staff": true})).status,
        201
    );
    assert_eq!(root.patch("/settings/", json!({"registration.activation": true})).status, 200);
    assert_eq!(site.server.anonymous().post("/register/", registration("waits@example.com")).status, 201);
    let anybody = site.server.anonymous();
    (site, anybody)
}

const ADDRESSES: [&str; 6] = [
    "known@example.com",
    "super@example.com",
    "inact@example.com",
    "staff@example.com",
    "waits@example.com",
    "nobdy@example.com",
];

/// The ids that are told go on one by one, whether somebody was made or not.
#[test]
fn a_registration_tells_nothing() {
    let (_site, anybody) = site();
    let mut id = 6;
    for (path, with_name) in [("/auth/users/", true), ("/api/auth/users/", false), ("/api/v1/account/", true)] {
        let mut first = None;
        for email in ADDRESSES.iter().chain(&["nobdy@example.com"]) {
            id += 1;
            let name = format!("user-{id:03}");
            let mut body = json!({"email": email, "password": PASSWORD});
            if with_name {
                body["username"] = json!(name);
            }
            let answer = anybody.post(path, body);
            assert_eq!((answer.status, &answer.json()["id"]), (201, &json!(id)), "D-14: {path} {email}: {answer:?}");
            let mut own = told(&answer, &[email, &name, &format!("\"id\":{id}")]);
            own.1.retain(|(header, _)| header != "content-length");
            assert_eq!(first.get_or_insert_with(|| own.clone()), &own, "R-14: {path} {email}");
        }
    }
}

/// A username may read like an address or a phone; whether it is somebody's is as secret as that.
#[test]
fn a_name_like_an_address_tells_nothing() {
    let (_site, anybody) = site();
    let mut first = None;
    for name in ADDRESSES {
        let answer = anybody.post("/auth/users/", json!({"username": name, "password": PASSWORD}));
        let own = told(&answer, &[name, &format!("\"id\":{}", answer.json()["id"])]);
        assert_eq!(own.0, 201, "{name}: {answer:?}");
        let own = (own.0, own.2);
        assert_eq!(first.get_or_insert_with(|| own.clone()), &own, "R-14: {name}");
    }
}

#[test]
fn a_phone_tells_nothing() {
    let (site, anybody) = site();
    let body = json!({"phone": "+71234567890", "password": PASSWORD});
    assert_eq!(site.root().patch("/settings/", json!({"registration.activation": false})).status, 200);
    assert_eq!(anybody.post("/api/auth/users/", body.clone()).status, 201);
    assert_eq!(site.root().patch("/settings/", json!({"registration.activation": true})).status, 200);
    let taken = anybody.post("/api/auth/users/", body);
    let free = anybody.post("/api/auth/users/", json!({"phone": "+71234567891", "password": PASSWORD}));
    let own = |answer: &Answer, phone: &str| told(answer, &[phone, &format!("\"id\":{}", answer.json()["id"])]);
    assert_eq!(own(&taken, "+71234567890"), own(&free, "+71234567891"), "R-14");
}

#[test]
fn asking_for_mail_tells_nothing() {
    let (site, anybody) = site();
    for path in ["/auth/users/resend_activation/", "/auth/users/reset_password/", "/auth/users/reset_username/"] {
        for prefix in ["", "/api"] {
            let path = format!("{prefix}{path}");
            let answers: Vec<_> =
                ADDRESSES.iter().map(|email| told(&anybody.post(&path, json!({"email": email})), &[])).collect();
            assert_eq!(answers[0].0, 204, "{path}: {answers:?}");
            assert!(answers.iter().all(|one| *one == answers[0]), "R-14: {path}: {answers:?}");
        }
    }
    let reset: Vec<String> = mailed(&site.app)
        .into_iter()
        .filter(|letter| letter.kind == "password_reset")
        .map(|letter| letter.to)
        .collect();
    for never in ["inact@example.com", "waits@example.com", "nobdy@example.com"] {
        assert!(!reset.iter().any(|to| to == never), "R-32: {never}");
    }
}

#[test]
fn failed_sign_ins_tell_nothing() {
    let (_site, anybody) = site();
    for path in [
        "/api/token/",
        "/api/token/create/",
        "/auth/jwt/create/",
        "/api/auth/jwt/create/",
        "/auth/token/login/",
        "/api/auth/token/login/",
        "/api-token-auth/",
    ] {
        let mut first = None;
        for email in ADDRESSES {
            let password =
                if ["inact@example.com", "waits@example.com"].contains(&email) { PASSWORD } else { "Wrong-1-password" };
            let answer = told(&anybody.post(path, json!({"username": email, "password": password})), &[]);
            assert!([400, 401].contains(&answer.0), "{path} {email}: {answer:?}");
            assert_eq!(first.get_or_insert_with(|| answer.clone()), &answer, "R-14: {path} {email}");
        }
    }
}

/// Nobody who is signed in finds an address by trying to take it, while addresses are kept secret.
#[test]
fn a_change_of_address_is_bounded() {
    let (site, _) = site();
    let ann = site.signed_in("known@example.com");
    let taken = ann.patch("/auth/users/me/", json!({"email": "super@example.com"}));
    assert_eq!(taken.status, 400, "{taken:?}");
    assert_eq!(ann.get("/auth/users/me/").json()["email"], Value::from("known@example.com"), "and nothing has changed");
}
