//! Who has an account here, asked through the Django dialects (R-14, D-14, as far as bytes go).

use serde_json::{Value, json};

use super::account_enumeration::{site, told};
use super::{registration, served};
use crate::support::PASSWORD;
use crate::support::http::Answer;

/// Addresses in every state: known, superuser, inactive, without a password, waiting, unknown.
const EVERYBODY: [&str; 8] = [
    "known@example.com",
    "KNOWN@EXAMPLE.COM",
    "super@example.com",
    "inactive@example.com",
    "passwordless@example.com",
    "pending@example.com",
    "unknown@example.com",
    "nobody.else@example.org",
];

#[test]
fn failed_sign_ins_are_the_same_to_the_byte_at_every_door() {
    let site = site();
    assert_eq!(site.root().patch("/settings/", json!({"registration.activation": true})).status, 200);
    assert_eq!(site.server.anonymous().post("/register/", registration("pending@example.com")).status, 201);
    for (path, status) in [
        ("/auth/jwt/create/", 401),
        ("/api/auth/jwt/create/", 401),
        ("/api/token/", 401),
        ("/api/token/create/", 401),
        ("/auth/token/login/", 400),
        ("/api/auth/token/login/", 400),
        ("/api-token-auth/", 400),
        ("/api/login/", 401),
    ] {
        if !served(path) {
            continue;
        }
        let mut answers = Vec::new();
        let key = if path == "/api/login/" { "email" } else { "username" };
        for who in EVERYBODY.into_iter().chain(["+79990001122", "1", "' OR 1=1--", "%"]) {
            // The right password of whoever may not sign in is as wrong as any.
            let is_out = ["inactive", "passwordless", "pending"].iter().any(|state| who.starts_with(state));
            let passwords = if is_out { &["Wrong-1-password", PASSWORD][..] } else { &["Wrong-1-password"][..] };
            for password in passwords {
                let answer = site.server.anonymous().post(path, json!({key: who, "password": password}));
                assert_eq!(answer.status, status, "{path} {who}: {answer:?}");
                answers.push((who, told(&answer)));
            }
        }
        let (_, first) = &answers[0];
        assert!(answers.iter().all(|(_, one)| one == first), "R-14: {path}: {answers:#?}");
    }
}

#[test]
fn asking_for_a_link_tells_nothing() {
    let site = site();
    assert_eq!(site.root().patch("/settings/", json!({"registration.activation": true})).status, 200);
    assert_eq!(site.server.anonymous().post("/register/", registration("pending@example.com")).status, 201);
    for prefix in ["/auth", "/api/auth"] {
        for route in ["reset_password", "reset_username", "resend_activation"] {
            let path = format!("{prefix}/users/{route}/");
            let answers: Vec<_> = EVERYBODY
                .iter()
                .map(|email| told(&site.server.anonymous().post(&path, json!({ "email": email }))))
                .collect();
            assert!(answers.iter().all(|one| *one == answers[0]), "R-14: {path}: {answers:#?}");
            assert_eq!(answers[0].0, 204, "{path}");
        }
    }
}

/// A link that is none says the same of everybody who has an id, whether he was mailed one or not; that an id is nobody's is
/// told in Djoser's words, and ids are no secret.
#[test]
fn bad_links_tell_nothing() {
    let site = site();
    site.server.anonymous().post("/auth/users/reset_password/", json!({"email": "known@example.com"}));
    for route in ["reset_password_confirm", "reset_username_confirm", "activation"] {
        let mut answers = Vec::new();
        // The uids of the users 1 to 4.
        for uid in ["MQ", "Mg", "Mw", "NA"] {
            let body =
                json!({"uid": uid, "token": "c0ffee", "new_password": "Another-1-password", "new_username": "mine"});
            answers.push(told(&site.server.anonymous().post(&format!("/auth/users/{route}/"), body)));
        }
        assert!(answers.iter().all(|one| *one == answers[0]), "R-14: {route}: {answers:#?}");
    }
}

/// What differs between any two registrations taken out.
fn shape(answer: &Answer, email: &str, name: &str) -> (u16, Vec<(String, String)>, String) {
    let (status, mut headers, body) = told(answer);
    headers.retain(|(name, _)| name != "content-length");
    let mut body: Value = serde_json::from_str(&body).unwrap();
    body["id"] = Value::Null;
    let text = body.to_string().to_lowercase().replace(&email.to_lowercase(), "(email)").replace(name, "(name)");
    (status, headers, text)
}

#[test]
fn with_activation_on_a_taken_address_looks_like_a_free_one_at_every_door() {
    let site = site();
    assert_eq!(site.root().patch("/settings/", json!({"registration.activation": true})).status, 200);
    assert_eq!(site.server.anonymous().post("/register/", registration("pending@example.com")).status, 201);
    let doors = ["/auth/users/", "/api/auth/users/", "/api/v1/account/", "/api/register/"];
    for (door, path) in doors.into_iter().enumerate().filter(|(_, path)| served(path)) {
        let (mut answers, mut ids) = (Vec::new(), Vec::new());
        for (at, email) in EVERYBODY.into_iter().chain([format!("free-{door}@example.com").as_str()]).enumerate() {
            let name = format!("name-{door}-{at}");
            let body = json!({"email": email, "username": name, "password": PASSWORD});
            let answer = site.server.anonymous().post(path, body);
            assert_eq!(answer.status, 201, "D-14: {path} {email}: {answer:?}");
            ids.push(answer.json()["id"].as_i64().unwrap());
            let (status, headers, text) = shape(&answer, email, &name);
            // S0 shows when, which is now for everybody.
            answers.push((status, headers, text));
        }
        assert!(answers.iter().all(|one| *one == answers[0]), "D-14: {path}: {answers:#?}");
        assert!(ids.windows(2).all(|pair| pair[1] == pair[0] + 1), "R-14: ids tell at {path}: {ids:?}");
    }
}

/// one who may not see others learns nothing of them, whatever the method (`djoser.hide_users`).
#[test]
fn hidden_users_look_like_nobody() {
    let site = site();
    let ann = site.somebody("ann@example.com", &[]);
    for (method, body) in
        [("GET", Value::Null), ("PUT", json!({"email": "x@y.zz"})), ("PATCH", json!({"email": "bad"}))]
    {
        let ask = |id: i64| {
            let path = format!("/auth/users/{id}/");
            match &body {
                Value::Null => ann.get(&path),
                body => ann.json(method, &path, body),
            }
        };
        let nobody = ask(999);
        assert_eq!(nobody.status, 404);
        for id in 1..=4 {
            let hidden = ask(id);
            assert_eq!(hidden.status, 404, "{method} {id}: {hidden:?}");
        }
    }
    let listed = ann.get("/auth/users/").json();
    let names: Vec<&str> = listed.as_array().unwrap().iter().map(|user| user["email"].as_str().unwrap()).collect();
    assert_eq!(names, ["ann@example.com"]);
    let listed = ann.get("/api/v1/account/").json();
    assert_eq!(listed.as_array().unwrap().len(), 1, "D-17: {listed}");
    // No search, order or page shows more.
    for query in ["?search=known", "?limit=100", "?page_size=100", "?ordering=-id", "?id=1", "?page=1", "?offset=0"] {
        for path in ["/auth/users/", "/api/v1/account/"] {
            let answer = ann.get(&format!("{path}{query}"));
            let text = String::from_utf8(answer.body).unwrap();
            assert!(!text.contains("known@") && !text.contains("super@"), "{path}{query}: {text}");
        }
    }
}

/// Whoever kept a refresh token learns that it is over, and not whether the account was deactivated or deleted.
#[test]
fn a_refused_refresh_tells_nothing_of_the_account() {
    let site = site();
    let doors = [
        ("/login/", "email", "/token/refresh/", "refresh"),
        ("/auth/jwt/create/", "username", "/auth/jwt/refresh/", "refresh"),
        ("/api/token/", "username", "/api/token/refresh/", "refresh"),
        ("/api/login/", "email", "/api/refresh/", "refresh_token"),
    ];
    for (number, (login, name, refresh, field)) in doors.into_iter().enumerate().filter(|(_, door)| served(door.0)) {
        let mut answers = Vec::new();
        for state in ["deactivated", "deleted"] {
            let email = format!("{state}{number}@example.com");
            let id = site.app.user(&email, &[]).0;
            let pair = site.server.anonymous().post(login, json!({name: email, "password": PASSWORD})).json();
            let path = format!("/users/{id}/");
            let ended = match state {
                "deleted" => site.root().delete(&path),
                _ => site.root().patch(&path, json!({"is_active": false})),
            };
            assert!(ended.status < 300, "{ended:?}");
            let answer = site.server.anonymous().post(refresh, json!({field: pair[field]}));
            assert_eq!(answer.status, 401, "{refresh}: {answer:?}");
            answers.push(told(&answer));
        }
        assert_eq!(answers[0], answers[1], "R-14: {refresh}");
    }
}
