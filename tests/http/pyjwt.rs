//! The dialect of the PyJWT server (S2): its exact bodies, and the manners that it leaves open (S2-20).

use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};

use super::{Door, Reply};
use crate::support::PASSWORD;

const EMAIL: &str = "user@example.com";

fn register(door: &Door) -> Reply {
    door.post("/api/register/", None, &json!({"password": PASSWORD, "email": EMAIL}))
}

/// Access and refresh token of a new account.
fn signed_in(door: &Door) -> (String, String) {
    assert_eq!(register(door).status, 201);
    tokens(&door.post("/api/login/", None, &json!({"email": EMAIL, "password": PASSWORD})))
}

fn tokens(reply: &Reply) -> (String, String) {
    assert_eq!(reply.status, 200, "{reply:?}");
    let text = |key: &str| reply.json()[key].as_str().unwrap().to_owned();
    (text("access_token"), text("refresh_token"))
}

fn refresh(door: &Door, token: &str) -> Reply {
    door.post("/api/refresh/", None, &json!({ "refresh_token": token }))
}

fn claims(token: &str) -> Value {
    use base64::Engine;
    let part = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

/// S2-13: the keys in this order; nobody is signed in by it.
#[test]
fn registering() {
    let door = Door::new();
    let made = register(&door);
    assert_eq!((made.status.as_u16(), made.text.as_str()), (201, r#"{"id":1,"email":"user@example.com"}"#));
    assert_eq!(made.header("allow"), "POST, OPTIONS");
    assert_eq!(made.header("vary"), "Accept");
    let again = register(&door);
    assert_eq!(again.status, 400);
    assert_eq!(again.text, r#"{"email":["user with this email already exists."]}"#);
    let empty = door.post("/api/register/", None, &json!({}));
    assert_eq!(empty.status, 400);
    assert_eq!(empty.text, r#"{"email":["This field is required."],"password":["This field is required."]}"#);
    // The password of the example is one that everybody tries first (D-16).
    let weak = door.post("/api/register/", None, &json!({"password": "password", "email": "b@example.com"}));
    assert_eq!((weak.status.as_u16(), weak.text.as_str()), (400, r#"{"password":["This password is too common."]}"#));
}

/// S2-7, S2-8, S2-10, S2-11, S2-14, S2-16, S2-19, D-11: what the tokens are, and how long they last.
#[test]
fn signing_in_and_refreshing() {
    let door = Door::new();
    let (access, first) = signed_in(&door);
    let body = door.post("/api/login/", None, &json!({"email": EMAIL, "password": PASSWORD})).text;
    assert!(body.starts_with(r#"{"access_token":""#) && body.contains(r#"","refresh_token":""#), "{body}");
    let uuid = uuid::Uuid::parse_str(&first).unwrap();
    assert_eq!((uuid.get_version_num(), uuid.to_string()), (4, first.clone()), "S2-7");
    let claims = claims(&access);
    let number = |key: &str| claims[key].as_i64().unwrap();
    assert_eq!((number("user_id"), number("exp") - number("iat")), (1, 30), "S2-8, S2-19");

    // S2-10, S2-11: at any time, for a new pair.
    let refreshed = refresh(&door, &first);
    assert!(refreshed.text.starts_with(r#"{"access_token":""#), "{}", refreshed.text);
    let (access, second) = tokens(&refreshed);
    assert_ne!(first, second);
    assert_eq!(door.get("/api/me/", Some(&access)).status, 200);
    door.app.clock.advance(Duration::from_secs(31));
    let expired = door.get("/api/me/", Some(&access));
    assert_eq!(expired.status, 401);
    assert_eq!(expired.header("www-authenticate"), "Bearer realm=\"api\"");
    assert_eq!(expired.json()["messages"][0]["message"], "Token is expired");
    // R-22: the first was spent; shown after the grace, it ends the session.
    let reused = refresh(&door, &first);
    assert_eq!((reused.status.as_u16(), reused.json()["code"].as_str()), (401, Some("token_not_valid")));
    assert_eq!(refresh(&door, &second).status, 401);
}

/// S2-20: as Django REST framework would say it.
#[test]
fn bad_credentials_and_tokens() {
    let door = Door::new();
    register(&door);
    for (email, password) in [(EMAIL, "wrong"), ("nobody@example.com", PASSWORD)] {
        let refused = door.post("/api/login/", None, &json!({"email": email, "password": password}));
        assert_eq!(refused.status, 401);
        assert_eq!(refused.text, r#"{"detail":"No active account found with the given credentials"}"#);
        assert_eq!(refused.header("www-authenticate"), "Bearer realm=\"api\"");
    }
    for path in ["/api/refresh/", "/api/logout/"] {
        let missing = door.post(path, None, &json!({}));
        assert_eq!(
            (missing.status.as_u16(), missing.text.as_str()),
            (400, r#"{"refresh_token":["This field is required."]}"#)
        );
        for unknown in ["2dd1f1d4-3f0e-4c7b-9d0c-8a2d3a4c5b6e", "garbage"] {
            let unknown = door.post(path, None, &json!({ "refresh_token": unknown }));
            assert_eq!(
                (unknown.status.as_u16(), unknown.json()["code"].as_str()),
                (401, Some("token_not_valid")),
                "{path}"
            );
        }
    }
    let nobody = door.get("/api/me/", None);
    assert_eq!(nobody.status, 401);
    assert_eq!(nobody.text, r#"{"detail":"Authentication credentials were not provided."}"#);
}

/// S2-15: the answer, and that neither token is good afterwards.
#[test]
fn signing_out() {
    let door = Door::new();
    let (access, token) = signed_in(&door);
    let out = door.post("/api/logout/", None, &json!({ "refresh_token": token }));
    assert_eq!((out.status.as_u16(), out.text.as_str()), (200, r#"{"success":"User logged out."}"#));
    assert_eq!(refresh(&door, &token).status, 401);
    assert_eq!(door.get("/api/me/", Some(&access)).status, 401, "D-10");
    assert_eq!(door.post("/api/logout/", None, &json!({ "refresh_token": token })).status, 401);
}

/// S2-17, S2-18: the keys in this order; `""` until there is a name, and to take it away again; what is not sent stays.
#[test]
fn ones_own_account() {
    let door = Door::new();
    let (access, _) = signed_in(&door);
    let is = |reply: Reply, text: &str| assert_eq!((reply.status.as_u16(), reply.text.as_str()), (200, text));
    let put = |method: &str, body: Value| door.ask(method, "/api/me/", Some(&access), Some(&body));
    let unnamed = r#"{"id":1,"username":"","email":"user@example.com"}"#;
    let mine = door.get("/api/me/", Some(&access));
    assert_eq!(mine.header("allow"), "GET, PUT, PATCH, HEAD, OPTIONS");
    is(mine, unnamed);
    let named = r#"{"id":1,"username":"John Smith","email":"user@example.com"}"#;
    is(put("PUT", json!({"username": "John Smith"})), named);
    is(put("PUT", json!({})), named);
    is(put("PATCH", json!({"id": 7, "nonsense": true})), named);
    is(put("PATCH", json!({"username": ""})), unnamed);
    is(put("PATCH", json!({"email": "new@example.com"})), r#"{"id":1,"username":"","email":"new@example.com"}"#);

    door.app.user("other@example.com", &[]);
    let taken = put("PUT", json!({"email": "Other@Example.com"}));
    assert_eq!(
        (taken.status.as_u16(), taken.text.as_str()),
        (400, r#"{"email":["user with this email already exists."]}"#)
    );
    let wrong = put("PUT", json!({"email": "nonsense"}));
    assert_eq!((wrong.status.as_u16(), wrong.text.as_str()), (400, r#"{"email":["Enter a valid email address."]}"#));
    let null = put("PUT", json!({ "username": null }));
    assert_eq!((null.status.as_u16(), null.text.as_str()), (400, r#"{"username":["This field may not be null."]}"#));
}

/// Forms are as good as JSON, and OPTIONS tells of the fields.
#[test]
fn the_manners_of_the_framework() {
    let door = Door::new();
    register(&door);
    let form = "email=user%40example.com&password=".to_owned() + PASSWORD;
    let request = Request::builder().method("POST").uri("/api/login").header("accept", "*/*");
    let request = request.header("content-type", "application/x-www-form-urlencoded").body(Body::from(form)).unwrap();
    tokens(&door.send(request));
    let told = door.ask("OPTIONS", "/api/login/", None, None).json();
    assert_eq!(told["name"], "Login");
    assert_eq!(told["actions"]["POST"]["email"]["type"], "email");
    assert_eq!(door.ask("OPTIONS", "/api/me/", None, None).status, 401);
    let deleted = door.ask("DELETE", "/api/login/", None, None);
    assert_eq!(
        (deleted.status.as_u16(), deleted.text.as_str()),
        (405, r#"{"detail":"Method \"DELETE\" not allowed."}"#)
    );
    let head = door.ask("HEAD", "/api/me/", None, None);
    assert_eq!((head.status.as_u16(), head.text.as_str()), (401, ""));
}

/// D-14: closed is closed here, too.
#[test]
fn registration_obeys_its_settings() {
    let door = Door::new();
    let root = door.root();
    let set = |body: Value| assert_eq!(door.ask("PATCH", "/settings/", Some(&root), Some(&body)).status, 200);
    set(json!({"registration.mode": "closed"}));
    let closed = register(&door);
    assert_eq!((closed.status.as_u16(), closed.text.as_str()), (403, r#"{"detail":"Registration is closed."}"#));
    set(json!({"registration.mode": "open", "registration.activation": true}));
    // A taken address looks like a free one.
    for email in [EMAIL, "root@example.com"] {
        let made = door.post("/api/register/", None, &json!({"password": PASSWORD, "email": email}));
        assert_eq!(made.status, 201, "{made:?}");
        assert_eq!(made.json()["email"], email);
        assert_eq!(made.json().as_object().unwrap().keys().collect::<Vec<_>>(), ["id", "email"]);
    }
    let waiting = door.post("/api/login/", None, &json!({"email": EMAIL, "password": PASSWORD}));
    assert_eq!(waiting.status, 401);
}
