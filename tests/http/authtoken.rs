//! `POST /api-token-auth/` (S3-17, S3-18).

use axum::body::Body;
use serde_json::{Value, json};

use super::Door;
use super::drf::{FORM, ask, is, is_secure, user};
use crate::support::PASSWORD;

#[test]
fn a_key_for_a_name_and_a_password() {
    let door = Door::new();
    user(&door, "ann", &[]);
    let login = |body: Value| door.post("/api-token-auth/", None, &body);
    let given = login(json!({"username": "ann", "password": PASSWORD}));
    let key = given.json()["token"].as_str().unwrap().to_owned();
    is(&given, 200, &format!(r#"{{"token":"{key}"}}"#));
    assert!(key.len() == 40 && key.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)), "{key}");
    assert_eq!(
        (given.header("vary"), given.header("allow")),
        ("", "POST, OPTIONS"),
        "one renderer, nothing to vary by"
    );
    is_secure(&given);
    for name in ["ann", "ANN", "ann@example.com"] {
        assert_eq!(login(json!({"username": name, "password": PASSWORD})).json()["token"], json!(key), "{name}");
    }
    let by_djoser = door.post("/auth/token/login/", None, &json!({"username": "ann", "password": PASSWORD}));
    assert_eq!(by_djoser.json()["auth_token"], json!(key), "one key for both doors");
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("username", "ann")
        .append_pair("password", PASSWORD)
        .finish();
    assert_eq!(ask(&door, "POST /api-token-auth", &[("content-type", FORM)], form).json()["token"], json!(key));
    let used = ask(&door, "GET /me/", &[("authorization", &format!("Token {key}"))], Body::empty());
    assert_eq!(used.status, 200);
}

#[test]
fn none_otherwise() {
    let door = Door::new();
    user(&door, "ann", &[]);
    let login = |body: Value| door.post("/api-token-auth/", None, &body);
    let wrong = r#"{"non_field_errors":["Unable to log in with provided credentials."]}"#;
    for (name, password) in [("ann", "wrong"), ("nobody", PASSWORD), ("ann", &format!("{PASSWORD} "))] {
        is(&login(json!({"username": name, "password": password})), 400, wrong);
    }
    is(&login(json!({})), 400, r#"{"username":["This field is required."],"password":["This field is required."]}"#);
    is(
        &login(json!({"username": "", "password": null})),
        400,
        r#"{"username":["This field may not be blank."],"password":["This field may not be null."]}"#,
    );
    is(&door.get("/api-token-auth/", None), 405, r#"{"detail":"Method \"GET\" not allowed."}"#);
    let bad = ask(&door, "POST /api-token-auth/", &[("authorization", "Token 0")], Body::empty());
    is(&bad, 401, r#"{"detail":"Invalid token."}"#);
}

/// A key lives until it is given back or revoked.
#[test]
fn it_does_not_expire() {
    let door = Door::new();
    user(&door, "ann", &[]);
    let login = || {
        door.post("/api-token-auth/", None, &json!({"username": "ann", "password": PASSWORD})).json()["token"].clone()
    };
    let key = login();
    door.app.clock.advance(std::time::Duration::from_secs(400 * 86_400));
    let header = format!("Token {}", key.as_str().unwrap());
    let me = |path: &str, method: &str| {
        ask(&door, &format!("{method} {path}"), &[("authorization", &header)], Body::empty())
    };
    assert_eq!(me("/auth/users/me/", "GET").status, 200);
    is(&me("/auth/token/logout/", "POST"), 204, "");
    assert_eq!(me("/auth/users/me/", "GET").status, 401);
    assert_ne!(login(), key);
}
