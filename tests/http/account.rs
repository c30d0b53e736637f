//! The account API at `/api/v1/` (S0-1 … S0-23).

use axum::body::Body;
use serde_json::{Value, json};

use super::Door;
use super::drf::{FORM, access, ask, is, is_secure, set, user, with};
use crate::support::PASSWORD;

const DENIED: &str = r#"{"detail":"You do not have permission to perform this action."}"#;
const NOBODY: &str = r#"{"detail":"No Account matches the given query."}"#;

fn ann(id: i64) -> String {
    format!(r#"{{"id":{id},"email":"ann@example.com","username":"ann","date_joined":"2026-01-02T03:04:05.678901"}}"#)
}

/// S0-16
#[test]
fn the_root() {
    let door = Door::new();
    for path in ["/api/v1/", "/api/v1"] {
        is(&door.get(path, None), 200, r#"{"account":"http://testserver/api/v1/account/"}"#);
    }
    let asked = door.get("/api/v1/?format=json", None);
    is(&asked, 200, r#"{"account":"http://testserver/api/v1/account/?format=json"}"#);
    is(&door.get("/api/v1/.json", None), 200, r#"{"account":"http://testserver/api/v1/account.json"}"#);
    assert_eq!(door.get("/api/v1/", None).header("allow"), "GET, HEAD, OPTIONS");
}

/// S0-9, S0-10, S0-11, S0-14, D-17
#[test]
fn the_list() {
    let door = Door::new();
    user(&door, "ann", &[]);
    user(&door, "bob", &["viewer"]);
    is(&door.get("/api/v1/account/", None), 401, r#"{"detail":"Authentication credentials were not provided."}"#);
    for path in ["/api/v1/account", "/api/v1/account/", "/api/v1/account.json"] {
        let own = door.get(path, Some(&access(&door, "ann")));
        is(&own, 200, &format!("[{}]", ann(1)));
        is_secure(&own);
    }
    let all = door.get("/api/v1/account/", Some(&access(&door, "bob")));
    assert_eq!(all.json().as_array().unwrap().len(), 2);
    set(&door, json!({"account.zoned_dates": true}));
    let zoned = door.get("/api/v1/account/1/", Some(&access(&door, "ann"))).json()["date_joined"].clone();
    assert_eq!(zoned, "2026-01-02T03:04:05.678901Z");
}

/// S0-4 … S0-7, S0-12, S0-13: the strange date is not refused, and not taken.
#[test]
fn registration() {
    let door = Door::new();
    let sent = json!({
        "email": "your_email@mail.example", "username": "Your name", "password": "your_password",
        "date_joined": "2024-07-22 09:50:39.104 +0700",
    });
    let made = door.post("/api/v1/account", None, &sent);
    is(
        &made,
        201,
        r#"{"id":1,"email":"your_email@mail.example","username":"Your name","date_joined":"2026-01-02T03:04:05.678901"}"#,
    );
    let other = json!({"email": "other@example.com", "username": "Another", "password": "your_password"});
    for (change, said) in [
        (json!({"email": ""}), json!({"email": ["This field may not be blank."]})),
        (json!({"email": null}), json!({"email": ["This field may not be null."]})),
        (json!({"username": "ab"}), json!({"username": ["Ensure this field has at least 3 characters."]})),
        (
            json!({"username": "a".repeat(31)}),
            json!({"username": ["Ensure this field has no more than 30 characters."]}),
        ),
        (json!({"password": "short-one"}), json!({"password": ["Ensure this field has at least 10 characters."]})),
        (
            sent.clone(),
            json!({"email": ["account with this email already exists."], "username": ["account with this username already exists."]}),
        ),
    ] {
        let refused = door.post("/api/v1/account/", None, &crate::attacks::with(other.clone(), &change));
        assert_eq!((refused.status.as_u16(), refused.json()), (400, said), "{change}");
    }
    let none = json!({"email": ["This field is required."], "username": ["This field is required."], "password": ["This field is required."]});
    assert_eq!(door.post("/api/v1/account/", None, &json!({})).json(), none);
    for date in [json!(null), json!("nonsense"), json!({"a": [1]})] {
        let name = format!("user {}", date.to_string().len());
        let email = format!("u{}@example.com", date.to_string().len());
        let made = door.post(
            "/api/v1/account/",
            None,
            &json!({"email": email, "username": name, "password": "your_password", "date_joined": date}),
        );
        assert_eq!(made.json()["date_joined"], "2026-01-02T03:04:05.678901", "S0-7: {made:?}");
    }
    let form = ask(
        &door,
        "POST /api/v1/account/",
        &[("content-type", FORM)],
        "email=f%40example.com&username=F+orm&password=your_password",
    );
    assert_eq!((form.status.as_u16(), &form.json()["username"]), (201, &json!("F orm")));
}

/// D-17, S0-4, S0-5
#[test]
fn changes() {
    let door = Door::new();
    user(&door, "ann", &[]);
    user(&door, "bob", &[]);
    let token = access(&door, "ann");
    let send = |method: &str, path: &str, body: Value| door.ask(method, path, Some(&token), Some(&body));
    is(
        &send(
            "PATCH",
            "/api/v1/account/1/",
            json!({"username": "Ann Lee", "id": 9, "date_joined": "x", "is_staff": true}),
        ),
        200,
        &ann(1).replace("\"ann\"", "\"Ann Lee\""),
    );
    let whole = json!({"email": "ann@example.com", "username": "ann", "password": PASSWORD});
    is(&send("PUT", "/api/v1/account/1/", whole), 200, &ann(1));
    let missing = r#"{"email":["This field is required."],"password":["This field is required."]}"#;
    is(&send("PUT", "/api/v1/account/1/", json!({"username": "ann"})), 400, missing);
    for field in ["email", "username"] {
        is(
            &send("PATCH", "/api/v1/account/1/", json!({field: ""})),
            400,
            &format!(r#"{{"{field}":["This field may not be blank."]}}"#),
        );
        is(
            &send("PATCH", "/api/v1/account/1/", json!({field: null})),
            400,
            &format!(r#"{{"{field}":["This field may not be null."]}}"#),
        );
    }
    let taken = send("PATCH", "/api/v1/account/1/", json!({"username": "BOB"}));
    is(&taken, 400, r#"{"username":["account with this username already exists."]}"#);
    let other = send("PATCH", "/api/v1/account/1/", json!({"password": "another-password"}));
    assert!(other.status == 400 && other.text.starts_with(r#"{"password":["This is not your password."#), "{other:?}");
    for method in ["GET", "PUT", "PATCH", "DELETE"] {
        is(&send(method, "/api/v1/account/2/", json!({})), 403, DENIED);
        is(&send(method, "/api/v1/account/99/", json!({})), 404, NOBODY);
        is(&send(method, "/api/v1/account/x/", json!({})), 404, r#"{"detail":"Not found."}"#);
    }
    let root = door.root();
    let by_right = door.ask("PATCH", "/api/v1/account/1/", Some(&root), Some(&json!({"password": "another-password"})));
    assert_eq!(by_right.status, 200, "{by_right:?}");
    assert_eq!(door.get("/me/", Some(&token)).status, 401, "R-29");
}

/// S0-18 … S0-20, S0-23
#[test]
fn three_ways_to_delete() {
    let door = Door::new();
    let root = door.root();
    for name in ["ann", "bob", "cid"] {
        user(&door, name, &[]);
    }
    let delete = |path: &str| door.ask("DELETE", path, Some(&root), None);
    for path in ["/api/v1/account/2/", "/api/v1/account/3/remove/", "/api/v1/account/remove/4/"] {
        let gone = delete(path);
        is(&gone, 204, "");
        assert_eq!(gone.header("content-type"), "");
    }
    is(&delete("/api/v1/account/2/"), 404, NOBODY);
    is(&delete("/api/v1/account/3/remove/"), 404, NOBODY);
    is(&delete("/api/v1/account/remove/4/"), 404, "");
    let word = delete("/api/v1/account/remove/");
    assert_eq!(word.status, 404, "S0-20: remove is no id: {word:?}");
    assert_eq!(delete("/api/v1/account/remove/x/").status, 404);
    for path in ["/api/v1/account/1/remove/", "/api/v1/account/remove/1/"] {
        for method in ["GET", "POST", "PUT", "PATCH"] {
            let refused = door.ask(method, path, Some(&root), None);
            is(&refused, 405, &format!(r#"{{"detail":"Method \"{method}\" not allowed."}}"#));
            assert_eq!(refused.header("allow"), "DELETE, OPTIONS");
        }
    }
}

/// S0-22: as the original, for ordinary accounts.
#[test]
fn open_to_everybody_by_a_setting() {
    let door = with(json!({"account.open": true}));
    user(&door, "ann", &[]);
    is(&door.get("/api/v1/account/", None), 200, &format!("[{}]", ann(1)));
    is(&door.get("/api/v1/account/1/", None), 200, &ann(1));
    is(
        &door.ask("PATCH", "/api/v1/account/1/", None, Some(&json!({"username": "Ann Lee"}))),
        200,
        &ann(1).replace("\"ann\"", "\"Ann Lee\""),
    );
    is(&door.ask("DELETE", "/api/v1/account/remove/1/", None, None), 204, "");
    is(&door.ask("DELETE", "/api/v1/account/remove/1/", None, None), 404, "");
    let bad = ask(&door, "GET /api/v1/account/", &[("authorization", "Bearer x.y.z")], Body::empty());
    assert_eq!(bad.status, 401, "bad credentials are bad: {bad:?}");
}
