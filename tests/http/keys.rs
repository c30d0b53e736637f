//! `keys/`: the signing keys over HTTP, without anything of their halves.

use std::time::Duration;

use authsrv::service::keys::{self, When};
use serde_json::Value;

use super::Door;

#[test]
fn keys_are_listed_with_what_they_are_for() {
    let door = Door::new();
    door.root();
    let token = || door.app.sign_in("root@example.com").access;
    let get = |query: &str| door.get(&format!("/keys/{query}"), Some(&token())).json();
    let states = |page: &Value| -> Vec<String> {
        page["results"].as_array().unwrap().iter().map(|key| key["state"].as_str().unwrap().to_owned()).collect()
    };
    let first = get("");
    assert_eq!((first["count"].as_u64(), states(&first)), (Some(1), vec!["current".to_owned()]));
    let names: Vec<&String> = first["results"][0].as_object().unwrap().keys().collect();
    let all = ["kid", "algorithm", "state", "created_at", "signs_from", "signs_until", "expires_at", "revoked_at"];
    assert_eq!(names, all);
    door.app.operate(|ctx| keys::rotate(ctx, None, When::Published)).unwrap();
    let decided = get("");
    assert_eq!(states(&decided), ["current", "next"]);
    assert_eq!(decided["results"][0]["signs_until"], decided["results"][1]["signs_from"]);
    door.app.clock.advance(Duration::from_secs(301));
    let rotated = get("?ordering=-created_at");
    assert_eq!(states(&rotated), ["current", "retiring"]);
    assert_eq!(rotated["results"][1]["signs_until"], rotated["results"][0]["signs_from"]);
    assert!(rotated["results"][1]["expires_at"].is_string() && rotated["results"][0]["expires_at"].is_null());
    let kid = rotated["results"][1]["kid"].as_str().unwrap();
    door.app.operate(|ctx| keys::revoke(ctx, kid)).unwrap();
    assert_eq!(get("?search=revoked")["results"][0]["kid"], kid);
    assert_eq!(states(&get("?page_size=1&page=2")), ["current"]);
    assert_eq!(door.get("/keys/?ordering=sealed", Some(&token())).status, 400);
    assert_eq!(door.get("/api/auth/keys", Some(&token())).json()["count"], 2);
}
