//! A format at the end of a path (`users.json`), in every place and spelling: it must name the same route under the same
//! guard, or none.

use serde_json::json;

use super::wire::{exchange, request};
use super::{Site, survived};
use crate::support::PASSWORD;

fn statuses(site: &Site, method: &str, targets: &[String], authorization: &str) -> Vec<(String, u16)> {
    let ask = |target: &String| {
        let headers = format!("{authorization}Connection: close\r\n");
        let answer = exchange(site.server.address, request(method, target, &headers)).unwrap();
        survived_or_html(&answer, target);
        (target.clone(), answer.status)
    };
    targets.iter().map(ask).collect()
}

fn survived_or_html(answer: &crate::support::http::Answer, about: &str) {
    if answer.header("content-type").is_some_and(|kind| kind.starts_with("application/json")) && answer.status >= 500 {
        survived(answer, about);
    }
    assert!(answer.status < 500, "{about}: {answer:?}");
}

/// Spellings of a path that some router somewhere takes for it.
fn spellings(path: &str) -> Vec<String> {
    let path = path.trim_end_matches('/');
    let ends = [
        ".json",
        ".json/",
        ".json//",
        ".JSON",
        ".Json",
        ".api",
        ".xml",
        ".",
        "..",
        ".json.json",
        ".json.api",
        "%2ejson",
        "%2Ejson",
        ".%6ason",
        ".json%2f",
        ".json/.",
        ".json/..",
        ".json/../",
        ".json;x=1",
        ".json%00",
        ".json%20",
        ".json#",
        "/.json",
        "/.json/",
        "/..json",
        ".js%6fn",
        ".json?format=api",
        "?format=json",
        "?format=api",
        "?format=JSON",
        "?format=json%00",
        "?format[]=json",
        "?format=",
        "?.json",
        "/?format=json/../..",
        ";.json",
        "%3b.json",
    ];
    ends.iter().map(|end| format!("{path}{end}").replace('#', "")).collect()
}

#[test]
fn no_guard_is_dodged_by_an_ending() {
    let site = Site::new();
    site.app.user("ann@example.com", &[]);
    site.app.user("bob@example.com", &[]);
    let ann = format!("Authorization: Bearer {}\r\n", site.server.sign_in("ann@example.com").access);
    for path in ["/auth/users/", "/auth/users/me/", "/auth/users/2/", "/api/v1/account/", "/api/v1/account/2/"] {
        for (target, status) in statuses(&site, "GET", &spellings(path), "") {
            assert!([400, 401, 404].contains(&status), "anonymous: GET {target}: {status}");
        }
    }
    for path in [
        "/auth/users/2/",
        "/api/v1/account/2/",
        "/api/v1/account/2/remove/",
        "/api/v1/account/remove/2/",
        "/users/2/",
        "/users/",
        "/settings/",
        "/api/auth/users/2/",
    ] {
        for method in ["GET", "DELETE", "PATCH"] {
            for (target, status) in statuses(&site, method, &spellings(path), &ann) {
                assert!([400, 401, 403, 404, 405].contains(&status), "ann: {method} {target}: {status}");
            }
        }
    }
    site.signed_in("bob@example.com");
}

/// Outside the routers an ending is a part of a name.
#[test]
fn other_paths_have_no_endings() {
    let site = Site::new();
    let root = site.root();
    for path in [
        "/users.json",
        "/api/auth/users.json",
        "/api/token.json",
        "/api-token-auth.json",
        "/login.json",
        "/me.json",
        "/healthz.json",
        "/api/auth/users/me.json",
    ] {
        assert_eq!(root.get(path).status, 404, "{path}");
        assert!([404, 405].contains(&root.post(path, json!({})).status), "{path}: at most an id that there is not");
    }
    assert_eq!(root.get("/users/1.json").status, 404);
    for path in ["/auth/users/.json", "/auth/users/1/.json", "/api/v1/account/.json"] {
        assert_eq!(root.get(path).status, 404, "only the root has an ending after a slash: {path}");
    }
    assert_eq!(root.get("/auth/.json").status, 200);
}

/// A name that ends like a format, where users go by their names, is a format, as in the original; it reaches nobody else.
#[test]
fn names_with_dots() {
    let site = Site::new();
    assert_eq!(site.root().patch("/settings/", json!({"djoser.user_id_field": "username"})).status, 200);
    for name in ["eve", "eve.json"] {
        let made = site.server.anonymous().post("/auth/users/", json!({"username": name, "password": PASSWORD}));
        assert_eq!(made.status, 201, "{made:?}");
    }
    let sign_in = |name: &str| {
        let pair = site.server.anonymous().post("/auth/jwt/create/", json!({"username": name, "password": PASSWORD}));
        site.server.bearer(&pair.text("access"))
    };
    let (eve, dotted) = (sign_in("eve"), sign_in("eve.json"));
    assert_eq!(eve.get("/auth/users/eve.json/").text("username"), "eve");
    assert_eq!(dotted.get("/auth/users/eve.json/").status, 404, "that is another's");
    assert_eq!(dotted.get("/auth/users/eve.json.json/").text("username"), "eve.json");
    assert_eq!(dotted.json("DELETE", "/auth/users/eve.json/", &json!({"current_password": PASSWORD})).status, 403);
    assert_eq!(eve.get("/auth/users/me/").status, 200);
}
