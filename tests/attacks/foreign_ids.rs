//! Ids of others, and ids that are none (R-35, R-40).

use serde_json::json;

use super::wire::{exchange, request};
use super::{Site, refused};

/// What somebody may put where an id belongs; already in the form of a path segment.
const IDS: [&str; 41] = [
    "0",
    "-1",
    "-0",
    "+1",
    "00",
    "0x11",
    "0b1",
    "0o7",
    "1e3",
    "1.0",
    "1.",
    ".1",
    "1,2",
    "1;2",
    "1%2C2",
    "1%20",
    "%201",
    "1_000",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551616",
    "99999999999999999999999999999999",
    "%00",
    "1%00",
    "%2e%2e",
    "..%2f..%2fetc%2fpasswd",
    "%2F",
    "%5c",
    "null",
    "None",
    "undefined",
    "NaN",
    "Infinity",
    "me",
    "%D9%A1",
    "%EF%BC%91",
    "%F0%9D%9F%8F",
    "%FF",
    "'%20OR%201=1--",
    "%27",
    "*",
];

#[test]
fn what_is_no_id_names_nothing() {
    let site = Site::new();
    site.app.user("ann@example.com", &[]);
    let root = site.root();
    let token = site.server.sign_in("root@example.com").access;
    let long = "9".repeat(4000);
    let routes = [
        ("GET", "/users/ID/", ""),
        ("DELETE", "/users/ID/", ""),
        ("PATCH", "/users/ID/", "{}"),
        ("PUT", "/users/ID/", r#"{"username":"x"}"#),
        ("GET", "/users/ID/roles/", ""),
        ("POST", "/users/ID/roles/", r#"{"role":"viewer"}"#),
        ("DELETE", "/users/ID/roles/1/", ""),
        ("DELETE", "/users/1/roles/ID/", ""),
        ("GET", "/roles/ID/", ""),
        ("DELETE", "/roles/ID/", ""),
        ("DELETE", "/roles/1/permissions/ID/", ""),
        ("GET", "/resourses/ID/", ""),
        ("DELETE", "/actions/ID/", ""),
        ("GET", "/permissions/ID/", ""),
        ("GET", "/session/ID/", ""),
        ("DELETE", "/sessions/ID/", ""),
        ("GET", "/me/get_sessions/ID", ""),
        ("POST", "/token/revoke_all/ID/", ""),
    ];
    for (method, route, body) in routes {
        for id in IDS.iter().copied().chain([long.as_str()]) {
            let headers = format!(
                "Authorization: Bearer {token}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {}\r\n",
                body.len()
            );
            let text = format!("{}{body}", request(method, &route.replace("ID", id), &headers));
            let answer = exchange(site.server.address, text).unwrap();
            refused(&answer, &format!("{method} {route} {id}"));
            assert!([400, 404].contains(&answer.status), "{method} {route} {id}: {answer:?}");
        }
    }
    assert_eq!(root.get("/users/1/").json()["email"], "ann@example.com", "nobody was touched");
    site.lives();
}

#[test]
fn one_right_reaches_only_ones_own() {
    let site = Site::new();
    let ann = site.somebody("ann@example.com", &[]);
    let bob = site.somebody("bob@example.com", &[]);
    let root = site.root();
    let of_bob = root.get("/sessions/?user=2").json()["results"][0].clone();
    let (id, uuid) = (of_bob["id"].as_i64().unwrap(), of_bob["uuid"].as_str().unwrap().to_owned());
    for (method, path) in [
        ("GET", format!("/sessions/{id}/")),
        ("GET", format!("/sessions/{uuid}/")),
        ("DELETE", format!("/sessions/{id}/")),
        ("DELETE", format!("/api/auth/session/{id}")),
        ("GET", "/me/get_sessions/2".to_owned()),
        ("GET", "/me/get_sessions/1/".to_owned()),
        ("POST", "/token/revoke_all/2/".to_owned()),
        ("GET", "/users/1/".to_owned()),
        ("PATCH", "/users/1/".to_owned()),
        ("GET", "/users/2/".to_owned()),
        ("GET", "/users/999/".to_owned()),
        ("GET", "/users/-1/".to_owned()),
        ("DELETE", "/users/2/".to_owned()),
        ("GET", "/users/2/roles/".to_owned()),
        ("GET", "/roles/1/".to_owned()),
        ("GET", "/roles/999/".to_owned()),
    ] {
        let body = json!({"is_active": false});
        let sent = ["PATCH", "POST"].contains(&method).then(|| ("application/json", body.to_string().into_bytes()));
        let answer = ann.send(method, &path, sent);
        assert_eq!(answer.status, 403, "R-35: whether it exists or not: {method} {path}: {answer:?}");
    }
    assert_eq!(ann.post("/check/", json!({"resource": "users", "action": "read", "user": 2})).status, 403, "D-9");
    assert_eq!(ann.post("/check/", json!({"resource": "users", "action": "read", "user": 999})).status, 403, "D-9");
    assert_eq!(bob.get("/me/").status, 200, "nobody ended Bob's session");
    let mine = ann.get("/me/get_sessions/?user=2&user_id=2").json();
    assert!(mine.as_array().unwrap().iter().all(|session| session["user_id"] == 1), "R-40: {mine}");
}

/// The same at the routes of the Django dialects, whose words for it are others.
#[test]
fn what_is_no_id_names_nothing_in_any_dialect() {
    let site = Site::new();
    site.app.user("ann@example.com", &[]);
    site.root();
    let token = site.server.sign_in("root@example.com").access;
    let long = "9".repeat(4000);
    for (method, route, body) in [
        ("GET", "/auth/users/ID/", "{}"),
        ("PATCH", "/auth/users/ID/", r#"{"email":"mine@example.com"}"#),
        ("PUT", "/auth/users/ID/", r#"{"email":"mine@example.com"}"#),
        ("DELETE", "/auth/users/ID/", r#"{"current_password":"Tr0ub4dor-and-3"}"#),
        ("GET", "/api/v1/account/ID/", "{}"),
        ("PATCH", "/api/v1/account/ID/", r#"{"email":"mine@example.com"}"#),
        ("DELETE", "/api/v1/account/ID/", "{}"),
        ("DELETE", "/api/v1/account/ID/remove/", "{}"),
        ("DELETE", "/api/v1/account/remove/ID/", "{}"),
    ] {
        for id in IDS.iter().copied().chain([long.as_str(), "remove"]) {
            // That is a route, for whoever is signed in.
            if id == "me" && route.starts_with("/auth/") {
                continue;
            }
            let headers = format!(
                "Authorization: Bearer {token}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {}\r\n",
                body.len()
            );
            let text = format!("{}{body}", request(method, &route.replace("ID", id), &headers));
            let answer = exchange(site.server.address, text).unwrap();
            refused(&answer, &format!("{method} {route} {id}"));
            let is_route = id == "remove" && route.ends_with("account/ID/");
            let wanted = if is_route { [404, 405] } else { [400, 404] };
            assert!(wanted.contains(&answer.status), "{method} {route} {id}: {answer:?}");
        }
    }
    assert_eq!(site.root().get("/users/1/").json()["email"], "ann@example.com", "nobody was touched");
    site.lives();
}

/// R-35, D-17: somebody without rights has himself, by his id as by `me`, and nobody else; `djoser.hide_users` says whether
/// others are forbidden or not there.
#[test]
fn without_rights_one_has_oneself_in_every_dialect() {
    let site = Site::new();
    let ann = site.somebody("ann@example.com", &[]);
    site.somebody("bob@example.com", &[]);
    let root = site.root();
    let bob = root.get("/users/2/").json();
    for hidden in [true, false] {
        assert_eq!(root.patch("/settings/", json!({"djoser.hide_users": hidden})).status, 200);
        let denied = if hidden { 404 } else { 403 };
        for (method, path, status) in [
            ("GET", "/auth/users/2/", denied),
            ("PUT", "/auth/users/2", denied),
            ("PATCH", "/auth/users/2/", denied),
            ("DELETE", "/auth/users/2/", 403),
            ("GET", "/api/v1/account/2/", 403),
            ("PUT", "/api/v1/account/2", 403),
            ("PATCH", "/api/v1/account/2/", 403),
            ("DELETE", "/api/v1/account/2/", 403),
            ("DELETE", "/api/v1/account/2/remove/", 403),
            ("DELETE", "/api/v1/account/remove/2", 403),
        ] {
            let body = json!({"email": "mine@example.com", "current_password": "Tr0ub4dor-and-3"});
            let answer = ann.json(method, path, &body);
            assert_eq!(answer.status, status, "R-35: {method} {path}: {answer:?}");
            assert!(!String::from_utf8_lossy(&answer.body).contains("bob"), "{answer:?}");
        }
        for path in ["/auth/users/1/", "/auth/users/me/", "/api/auth/users/me/", "/api/v1/account/1/"] {
            assert_eq!(ann.get(path).json()["email"], "ann@example.com", "D-8: {path}");
        }
    }
    assert_eq!(root.get("/users/2/").json(), bob, "nobody touched Bob");
    // By username, nobody is found by anything else (S3-24).
    assert_eq!(root.patch("/settings/", json!({"djoser.user_id_field": "username"})).status, 200);
    assert_eq!(root.patch("/users/2/", json!({"username": "bob"})).status, 200);
    assert_eq!(root.get("/auth/users/BOB/").json()["email"], "bob@example.com", "D-15");
    for name in ["2", "bob@example.com", "%20", "nobody", "bob%00"] {
        assert_eq!(root.get(&format!("/auth/users/{name}/")).status, 404, "{name}");
    }
    assert_eq!(ann.get("/auth/users/bob/").status, 403);
}
