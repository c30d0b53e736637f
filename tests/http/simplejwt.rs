//! Pairs of tokens: `/api/token/` (S3-27 … S3-32), and `jwt/` beside Djoser (S1-17 … S1-22); S1's `logout/`.

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::drf::{access, ask, is, is_secure, user};
use super::{Door, Reply};
use crate::support::PASSWORD;

const INVALID: &str = r#"{"detail":"Token is invalid","code":"token_not_valid"}"#;
const BLACKLISTED: &str = r#"{"detail":"Token is blacklisted","code":"token_not_valid"}"#;

fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

fn create(door: &Door, path: &str) -> Reply {
    door.post(path, None, &json!({"username": "ann", "password": PASSWORD}))
}

fn text(reply: &Reply, key: &str) -> String {
    reply.json()[key].as_str().unwrap_or_else(|| panic!("{reply:?}")).to_owned()
}

/// S1-17, S1-18, S3-28, S3-32
#[test]
fn a_pair() {
    let door = Door::new();
    user(&door, "ann", &[]);
    for (path, lifetimes, names) in [
        ("/api/token/", (7_200, 3_628_800), true),
        ("/api/token/create/", (7_200, 3_628_800), true),
        ("/auth/jwt/create/", (300, 86_400), false),
        ("/api/auth/jwt/create", (300, 86_400), false),
    ] {
        let made = create(&door, path);
        let (refresh, access) = (text(&made, "refresh"), text(&made, "access"));
        is(&made, 200, &format!(r#"{{"refresh":"{refresh}","access":"{access}"}}"#));
        assert_eq!((made.header("vary"), made.header("allow")), ("Accept", "POST, OPTIONS"), "S1-18");
        is_secure(&made);
        let (a, r) = (claims(&access), claims(&refresh));
        assert_eq!((&a["token_type"], &r["token_type"]), (&json!("access"), &json!("refresh")));
        assert_eq!((&a["user_id"], &a["sub"]), (&json!(1), &json!("1")), "D-12: an integer");
        let life = |claims: &Value| claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap();
        assert_eq!((life(&a), life(&r)), lifetimes, "D-11 {path}");
        assert_eq!(a.get("username"), names.then(|| json!("ann")).as_ref(), "S3-32 {path}");
        assert!(!a.to_string().contains("example.com") || a["iss"].to_string().contains("example.com"), "{a}");
    }
}

/// S1-22, S3-14
#[test]
fn no_pair() {
    let door = Door::new();
    user(&door, "ann", &[]);
    let off = user(&door, "off", &[]);
    let root = door.root();
    door.ask("PATCH", &format!("/users/{off}/"), Some(&root), Some(&json!({"is_active": false})));
    for (name, password) in [("ann", "wrong"), ("nobody", PASSWORD), ("off", PASSWORD)] {
        let refused = door.post("/api/token/", None, &json!({"username": name, "password": password}));
        is(&refused, 401, r#"{"detail":"No active account found with the given credentials"}"#);
        assert_eq!(refused.header("www-authenticate"), "Bearer realm=\"api\"");
    }
    is(
        &door.post("/api/token/", None, &json!({"username": ""})),
        400,
        r#"{"username":["This field may not be blank."],"password":["This field is required."]}"#,
    );
}

/// S1-19: at Djoser's routes nothing rotates, and the field has two names.
#[test]
fn refresh_without_rotation() {
    let door = Door::new();
    user(&door, "ann", &[]);
    let refresh = text(&create(&door, "/auth/jwt/create/"), "refresh");
    for name in ["refresh", "refresh_token"] {
        for path in ["/auth/jwt/refresh/", "/api/auth/jwt/refresh/", "/api/token/refresh/"] {
            door.app.clock.advance(Duration::from_secs(1));
            let refreshed = door.post(path, None, &json!({name: refresh}));
            let keys: Vec<String> = refreshed.json().as_object().unwrap().keys().cloned().collect();
            assert_eq!((refreshed.status.as_u16(), keys), (200, vec!["access".to_owned()]), "{path}");
        }
    }
}

/// S3-29, R-22: at Simple JWT's routes a refresh token is spent.
#[test]
fn refresh_with_rotation() {
    let door = Door::new();
    user(&door, "ann", &[]);
    let first = text(&create(&door, "/api/token/"), "refresh");
    let refreshed = door.post("/api/token/refresh/", None, &json!({"refresh": first}));
    let keys: Vec<String> = refreshed.json().as_object().unwrap().keys().cloned().collect();
    assert_eq!(keys, ["access", "refresh"]);
    let (access, second) = (text(&refreshed, "access"), text(&refreshed, "refresh"));
    assert_eq!(claims(&access)["username"], "ann", "S3-32: carried over");
    door.app.clock.advance(Duration::from_secs(11));
    is(&door.post("/api/token/refresh/", None, &json!({"refresh": first})), 401, BLACKLISTED);
    is(&door.post("/api/token/refresh/", None, &json!({"refresh": second})), 401, BLACKLISTED);
    assert_eq!(door.get("/auth/users/me/", Some(&access)).status, 401, "R-22: the session has ended");
}

#[test]
fn refresh_of_what_is_no_refresh_token() {
    let door = Door::new();
    user(&door, "ann", &[]);
    let access = text(&create(&door, "/api/token/"), "access");
    for path in ["/api/token/refresh/", "/api/token/blacklist/", "/auth/jwt/refresh/"] {
        let send = |body: Value| door.post(path, None, &body);
        is(&send(json!({"refresh": "x.y.z"})), 401, INVALID);
        is(&send(json!({"refresh": access})), 401, r#"{"detail":"Token has wrong type","code":"token_not_valid"}"#);
        is(&send(json!({})), 400, r#"{"refresh":["This field is required."]}"#);
        is(&send(json!({"refresh": ""})), 400, r#"{"refresh":["This field may not be blank."]}"#);
        is(&send(json!({"refresh": null})), 400, r#"{"refresh":["This field may not be null."]}"#);
    }
}

#[test]
fn expired() {
    let door = Door::new();
    user(&door, "ann", &[]);
    let pair = create(&door, "/auth/jwt/create/");
    door.app.clock.advance(Duration::from_secs(300));
    let access = text(&pair, "access");
    let header = r#"{"detail":"Given token not valid for any token type","code":"token_not_valid","messages":[{"token_class":"AccessToken","token_type":"access","message":"Token is expired"}]}"#;
    is(&door.get("/auth/users/me/", Some(&access)), 401, header);
    let expired = r#"{"detail":"Token is expired","code":"token_not_valid"}"#;
    is(&door.post("/auth/jwt/verify/", None, &json!({"token": access})), 401, expired);
    door.app.clock.advance(Duration::from_secs(86_400));
    is(&door.post("/auth/jwt/refresh/", None, &json!({"refresh": text(&pair, "refresh")})), 401, expired);
}

/// D-13: no refresh token stands in for an access token.
#[test]
fn a_refresh_token_is_no_credential() {
    let door = Door::new();
    user(&door, "ann", &[]);
    let refresh = text(&create(&door, "/api/token/"), "refresh");
    let wrong = r#"{"detail":"Given token not valid for any token type","code":"token_not_valid","messages":[{"token_class":"AccessToken","token_type":"access","message":"Token has wrong type"}]}"#;
    for path in ["/auth/users/me/", "/api/v1/account/1/", "/api/auth/users/me/"] {
        is(&door.get(path, Some(&refresh)), 401, wrong);
    }
}

#[test]
fn verify_and_blacklist() {
    let door = Door::new();
    user(&door, "ann", &[]);
    let pair = create(&door, "/api/token/");
    let (refresh, access) = (text(&pair, "refresh"), text(&pair, "access"));
    for token in [&refresh, &access] {
        is(&door.post("/api/token/verify/", None, &json!({"token": token})), 200, "{}");
    }
    is(&door.post("/api/token/verify/", None, &json!({"token": "x"})), 401, INVALID);
    is(&door.post("/api/token/verify/", None, &json!({})), 400, r#"{"token":["This field is required."]}"#);
    is(&door.post("/api/token/blacklist/", None, &json!({"refresh": refresh})), 200, "{}");
    is(&door.post("/api/token/blacklist/", None, &json!({"refresh": refresh})), 401, BLACKLISTED);
    is(
        &door.post("/api/token/verify/", None, &json!({"token": refresh})),
        400,
        r#"{"non_field_errors":["Token is blacklisted"]}"#,
    );
    is(&door.post("/api/token/refresh/", None, &json!({"refresh": refresh})), 401, BLACKLISTED);
    assert_eq!(door.get("/auth/users/me/", Some(&access)).status, 401, "D-10");
}

/// S1-20, D-3
#[test]
fn logout() {
    let door = Door::new();
    user(&door, "ann", &[]);
    for name in ["refresh", "refresh_token"] {
        let pair = create(&door, "/api/auth/jwt/create/");
        let done = door.post("/api/auth/logout/", None, &json!({name: text(&pair, "refresh")}));
        is(&done, 200, "{}");
        assert_eq!((done.header("vary"), done.header("allow")), ("Accept", "POST, OPTIONS"));
        is(&door.post("/api/auth/jwt/refresh/", None, &json!({"refresh": text(&pair, "refresh")})), 401, BLACKLISTED);
        assert_eq!(door.get("/me/", Some(&text(&pair, "access"))).status, 401);
    }
    let (here, there) = (access(&door, "ann"), access(&door, "ann"));
    is(&door.post("/api/auth/logout/", Some(&here), &json!({})), 200, "{}");
    assert_eq!(
        (door.get("/me/", Some(&here)).status.as_u16(), door.get("/me/", Some(&there)).status.as_u16()),
        (401, 200)
    );
    is(&door.post("/api/auth/logout/", None, &json!({})), 400, r#"{"refresh":["This field is required."]}"#);
    is(&door.post("/api/auth/logout/", None, &json!({"refresh": "x"})), 401, INVALID);
    assert_eq!(door.post("/api/auth/logout/", Some("x.y.z"), &json!({})).status, 401);
    let pair = create(&door, "/api/auth/jwt/create/");
    let both = door.post("/api/auth/logout/", Some(&there), &json!({"refresh": text(&pair, "refresh")}));
    is(&both, 200, "{}");
    assert_eq!(door.get("/me/", Some(&there)).status, 200, "the body decides, and it alone");
}

/// S3-30: none of these views looks at the header.
#[test]
fn a_bad_header_is_not_looked_at() {
    let door = Door::new();
    user(&door, "ann", &[]);
    for header in ["Bearer x", "Bearer a b c", "Token", "bearer"] {
        let body = json!({"username": "ann", "password": PASSWORD}).to_string();
        let reply =
            ask(&door, "POST /api/token/", &[("authorization", header), ("content-type", "application/json")], body);
        assert_eq!(reply.status, 200, "{header}: {reply:?}");
    }
}
