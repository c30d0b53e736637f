//! Pages of an attacker that want to pass for an allowed one: near names, `null`, two origins at once, cookies.

use serde_json::json;

use super::Site;
use super::wire::{exchange, request};
use crate::support::http::Answer;

const APP: &str = "https://app.example:3000";

fn site() -> Site {
    let site = Site::new();
    let set = site.root().patch("/settings/", json!({"cors.origins": [APP, "https://app.example"]}));
    assert_eq!(set.status, 200, "{set:?}");
    site
}

fn asks(site: &Site, method: &str, path: &str, headers: &str) -> Answer {
    exchange(site.server.address, request(method, path, &format!("{headers}Connection: close\r\n"))).unwrap()
}

#[track_caller]
fn told_nothing(answer: &Answer, about: &str) {
    let told: Vec<_> = answer.headers.iter().filter(|(name, _)| name.starts_with("access-control-")).collect();
    assert!(told.is_empty(), "{about}: {told:?}");
    assert_eq!(answer.header("vary"), Some("Origin"), "{about}");
}

#[test]
fn a_near_name_is_another_origin() {
    let site = site();
    for origin in [
        "null",
        "NULL",
        "*",
        "https://app.example.evil",
        "https://app.example:3000.evil",
        "https://app.example:30000",
        "https://app.example:300",
        "https://app.example:443",
        "https://app.example:3000/",
        "https://app.example/",
        "https://evilapp.example:3000",
        "https://evil.app.example",
        "https://app-example",
        "https://appxexample",
        "http://app.example:3000",
        "http://app.example",
        "HTTPS://APP.EXAMPLE:3000",
        "https://App.example",
        "https://app.example.",
        "https://app.example@evil.example",
        "https://evil.example#https://app.example",
        "https://evil.example?https://app.example",
        "https://app.example%00.evil",
        "https://app.example https://evil.example",
        "https://evil.example, https://app.example",
        "https://app.example, https://evil.example",
        "app.example",
        "//app.example",
        "file://",
        "",
    ] {
        let header = format!("Origin: {origin}\r\n");
        told_nothing(&asks(&site, "GET", "/me/", &header), origin);
        let preflight = format!("{header}Access-Control-Request-Method: GET\r\n");
        told_nothing(&asks(&site, "OPTIONS", "/me/", &preflight), origin);
    }
    let good = asks(&site, "GET", "/me/", &format!("Origin: {APP}\r\n"));
    assert_eq!(good.header("access-control-allow-origin"), Some(APP));
}

#[test]
fn two_origins_are_none() {
    let site = site();
    let both = format!("Origin: {APP}\r\nOrigin: https://evil.example\r\n");
    told_nothing(&asks(&site, "GET", "/me/", &both), "the allowed one first");
    let both = format!("Origin: https://evil.example\r\nOrigin: {APP}\r\nAccess-Control-Request-Method: GET\r\n");
    told_nothing(&asks(&site, "OPTIONS", "/me/", &both), "the allowed one last");
}

#[test]
fn a_preflight_changes_nothing_and_cookies_are_never_let_in() {
    let site = site();
    let token = site.server.sign_in("root@example.com").access;
    let ask = |path: &str, method: &str| {
        let headers = format!(
            "Origin: {APP}\r\nAccess-Control-Request-Method: {method}\r\nCookie: a=b\r\nAuthorization: Bearer {token}\r\n\
             Access-Control-Request-Headers: x-evil, authorization\r\n"
        );
        asks(&site, "OPTIONS", path, &headers)
    };
    for (path, method) in [("/users/1/", "DELETE"), ("/logout/", "POST"), ("/me/", "GET"), ("/users/1/", "X\u{7f}")] {
        let answer = ask(path, method);
        if answer.status == 400 {
            continue; // Not a header at all.
        }
        assert_eq!((answer.status, answer.body.len()), (204, 0), "{answer:?}");
        assert!(answer.header("access-control-allow-credentials").is_none() && answer.header("set-cookie").is_none());
        let headers = answer.header("access-control-allow-headers").unwrap();
        assert!(!headers.contains("evil") && !headers.contains('*'), "{headers}");
        assert!(!answer.header("access-control-allow-methods").unwrap().contains('*'));
    }
    assert_eq!(site.server.bearer(&token).get("/me/").status, 200, "still there and signed in");
}

#[test]
fn other_methods_and_missing_parts_are_no_preflight() {
    let site = site();
    let asked = format!("Origin: {APP}\r\nAccess-Control-Request-Method: GET\r\n");
    let get = asks(&site, "GET", "/me/", &asked);
    assert_eq!(get.status, 401, "only OPTIONS asks");
    assert!(get.header("access-control-allow-methods").is_none());
    let plain = asks(&site, "OPTIONS", "/me/", "Access-Control-Request-Method: GET\r\n");
    told_nothing(&plain, "no origin");
}
