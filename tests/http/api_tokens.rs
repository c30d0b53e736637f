//! `Authorization: Token …` and `api-tokens/`.

use authsrv::service::Actor;
use authsrv::service::api_tokens::{self, NewToken};
use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};

use super::{Door, Reply};
use crate::support::{PASSWORD, once, origin};

fn shown(door: &Door, authorization: &[u8]) -> Reply {
    door.send(Request::get("/me/").header("authorization", authorization).body(Body::empty()).unwrap())
}

fn login_key(door: &Door) -> String {
    api_tokens::login_token(&door.app.env.ctx(&Actor::Anonymous, &origin()), "ann@example.com", PASSWORD).unwrap().1.0
}

/// The forms of the header as Django REST framework takes them (S3-18); `Bearer` is as strict as before.
#[test]
fn forms_of_the_header() {
    let door = Door::new();
    door.app.user("ann@example.com", &[]);
    let key = login_key(&door);
    for form in ["Token ", "token ", "TOKEN ", "tOkEn  ", " Token\t "] {
        let reply = shown(&door, format!("{form}{key}").as_bytes());
        assert_eq!((reply.status.as_u16(), &reply.json()["email"]), (200, &json!("ann@example.com")), "{form:?}");
    }
    let (none, bad) = ("not_authenticated", "token_not_valid");
    let no_key = "Invalid token header. No credentials provided.";
    let spaces = "Invalid token header. Token string should not contain spaces.";
    let missing = "Authentication credentials were not provided.";
    for (header, code, detail) in [
        (b"".to_vec(), none, missing),
        (b"Token".to_vec(), "bad_authorization_header", no_key),
        (b"token ".to_vec(), "bad_authorization_header", no_key),
        (b"Token a b".to_vec(), "bad_authorization_header", spaces),
        (format!("Token {key} {key}").into_bytes(), "bad_authorization_header", spaces),
        (b"Token bad".to_vec(), bad, "Invalid token."),
        (format!("Token {}", "0".repeat(40)).into_bytes(), bad, "Invalid token."),
        (format!("Token {}", "0".repeat(60_000)).into_bytes(), bad, "Invalid token."),
        ("Token é".as_bytes().to_vec(), bad, "Invalid token."),
        (b"Token \xe9".to_vec(), bad, "Invalid token."),
        (format!("Bearer {key}").into_bytes(), bad, "Token is invalid"),
        (key.clone().into_bytes(), none, missing),
        (format!("Tokens {key}").into_bytes(), none, missing),
        (b"Basic YWxpY2U6eA==".to_vec(), none, missing),
    ] {
        let reply = shown(&door, &header);
        let told = String::from_utf8_lossy(&header[..header.len().min(80)]).into_owned();
        assert_eq!((reply.status.as_u16(), reply.json()), (401, json!({"detail": detail, "code": code})), "{told:?}");
        assert_eq!(reply.header("www-authenticate"), "Bearer realm=\"api\"");
    }
    let twice = Request::get("/me/").header("authorization", format!("Token {key}"));
    let twice = door.send(twice.header("authorization", format!("Token {key}")).body(Body::empty()).unwrap());
    assert_eq!(twice.json()["code"], "bad_authorization_header");
}

#[test]
fn an_inactive_user_is_told_so() {
    let door = Door::new();
    let root = door.root();
    let ann = door.app.user("ann@example.com", &[]);
    let key = login_key(&door);
    let path = format!("/users/{}/", ann.0);
    door.ask("PATCH", &path, Some(&root), Some(&json!({"is_active": false})));
    let reply = shown(&door, format!("Token {key}").as_bytes());
    assert_eq!(reply.json(), json!({"detail": "User inactive or deleted.", "code": "user_inactive"}));
    door.ask("DELETE", &path, Some(&root), None);
    assert_eq!(shown(&door, format!("Token {key}").as_bytes()).json()["detail"], "Invalid token.");
}

#[test]
fn made_used_listed_and_revoked() {
    let door = Door::new();
    let access = door.somebody(&[]);
    let made = door.post("/api-tokens/", Some(&access), &json!({"name": "cron", "expires_at": "2030-01-01T00:00:00Z"}));
    assert_eq!(made.status.as_u16(), 201, "{made:?}");
    let body = made.json();
    let names: Vec<&String> = body.as_object().unwrap().keys().collect();
    let fields =
        ["id", "user_id", "name", "created_at", "expires_at", "last_used_at", "revoked_at", "is_active", "key"];
    assert_eq!(names, fields);
    assert_eq!((&body["name"], &body["expires_at"]), (&json!("cron"), &json!("2030-01-01T00:00:00Z")));
    let authorization = format!("Token {}", body["key"].as_str().unwrap());
    let with_key = |method: &str, path: &str, sent: Value| {
        let request = Request::builder().method(method).uri(path).header("authorization", &authorization);
        door.send(request.header("content-type", "application/json").body(Body::from(sent.to_string())).unwrap())
    };
    assert_eq!(with_key("GET", "/me/", json!({})).status.as_u16(), 200);
    let used = || door.get("/api-tokens/", Some(&access)).json()["results"][0]["last_used_at"].as_str().map(drop);
    assert_eq!(once(used), Some(()), "its use is noted beside the answer");
    let listed = door.get("/api/auth/api-tokens/?is_active=true&ordering=-created_at", Some(&access));
    assert_eq!((&listed.json()["count"], &listed.json()["results"][0]["id"]), (&json!(1), &body["id"]));
    assert!(!listed.text.contains("key"), "it is shown once");
    assert_eq!(with_key("GET", "/api-tokens/", json!({})).json()["count"], 1);
    let sessions = with_key("GET", "/me/get_sessions/", json!({})).json();
    assert_eq!((sessions.as_array().unwrap().len(), &sessions[0]["current"]), (1, &json!(false)));
    let again = door.post("/api-tokens/", Some(&access), &json!({"name": "cron"}));
    assert_eq!((again.status.as_u16(), again.text.contains("already exists")), (409, true), "{again:?}");
    for (sent, field) in [
        (json!({}), "name"),
        (json!({"name": ""}), "name"),
        (json!({"name": "x", "expires_at": "soon"}), "expires_at"),
        (json!({"name": "x", "expires_at": "2001-01-01T00:00:00Z"}), "expires_at"),
        (json!({"name": "x", "user": 0}), "user"),
        (json!({"name": "x", "key": "0"}), "key"),
    ] {
        let refused = door.post("/api-tokens/", Some(&access), &sent);
        assert_eq!(refused.status.as_u16(), 400, "{sent}: {refused:?}");
        assert!(refused.json()[field].is_array(), "{sent}: {refused:?}");
    }
    let path = format!("/api-tokens/{}/", body["id"]);
    assert_eq!(with_key("DELETE", &path, json!({})).status.as_u16(), 204);
    assert_eq!(with_key("GET", "/me/", json!({})).status.as_u16(), 401, "R-26");
    assert_eq!(door.ask("DELETE", &path, Some(&access), None).status.as_u16(), 204);
}

#[test]
fn for_others_by_right() {
    let door = Door::new();
    let (root, ann) = (door.root(), door.somebody(&[]));
    let new = |user: i64| json!({"name": "x", "user": user});
    assert_eq!(door.post("/api-tokens/", Some(&root), &new(2)).json()["user_id"], 2);
    let nobody = door.post("/api-tokens/", Some(&root), &new(99));
    assert_eq!(nobody.json(), json!({"user": ["Invalid pk \"99\" - object does not exist."]}));
    for user in [1, 99] {
        let refused = door.post("/api-tokens/", Some(&ann), &new(user));
        assert_eq!((refused.status.as_u16(), &refused.json()["required"]), (403, &json!("tokens:create")));
    }
    door.post("/api-tokens/", Some(&root), &new(1));
    assert_eq!(door.get("/api-tokens/?user=1", Some(&ann)).json()["required"], "tokens:read");
    assert_eq!(door.get("/api-tokens/", Some(&ann)).json()["count"], 1);
    assert_eq!(door.get("/api-tokens/", Some(&root)).json()["count"], 2);
    assert_eq!(door.get("/api-tokens/?user=2", Some(&root)).json()["count"], 1);
    for id in ["2", "99", "x"] {
        let refused = door.ask("DELETE", &format!("/api-tokens/{id}/"), Some(&ann), None);
        assert_eq!((refused.status.as_u16(), &refused.json()["required"]), (403, &json!("tokens:delete")), "{id}");
    }
    assert_eq!(door.ask("DELETE", "/api-tokens/99/", Some(&root), None).status.as_u16(), 404);
}

/// D-3: a logout with a key in the header revokes that key.
#[test]
fn a_logout_revokes_the_key() {
    let door = Door::new();
    let ann = door.app.user("ann@example.com", &[]);
    let new = NewToken { name: "x".to_owned(), expires_at: None };
    let key = door.app.operate(|ctx| api_tokens::create(ctx, ann, new)).unwrap().1.0;
    let logout = Request::post("/logout/").header("authorization", format!("Token {key}")).body(Body::empty()).unwrap();
    assert_eq!(door.send(logout).status.as_u16(), 200);
    assert_eq!(shown(&door, format!("Token {key}").as_bytes()).status.as_u16(), 401);
}
