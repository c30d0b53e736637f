//! Which paths and methods there are, and what every answer carries.

use std::collections::BTreeSet;

use authsrv::http::{Guard, route_table};
use axum::body::Body;
use axum::http::Request;
use serde_json::json;

use super::Door;

/// The path with its parameters filled in.
fn filled(path: &str) -> String {
    let parts: Vec<&str> = path.split('/').map(|part| if part.starts_with('{') { "1" } else { part }).collect();
    parts.join("/")
}

#[test]
fn every_guarded_route_asks_who_it_is_with_and_without_slash() {
    let door = Door::new();
    for route in route_table().into_iter().filter(|route| route.guard != Guard::Public) {
        let path = filled(&route.path);
        // Whoever sends no credentials registers there (D-2): see `access.rs`.
        if (route.method.as_str(), path.as_str()) == ("POST", "/api/auth/users/") {
            continue;
        }
        for path in [format!("{}/", path.trim_end_matches('/')), path.trim_end_matches('/').to_owned()] {
            let reply = door.ask(route.method.as_str(), &path, None, None);
            assert_eq!(reply.status, 401, "{} {path}", route.method);
            assert_eq!(reply.header("www-authenticate"), "Bearer realm=\"api\"");
            if route.dialect == "oauth" {
                assert_eq!(reply.json()["error"], "invalid_client", "RFC 6749, section 5.2");
                continue;
            }
            assert_eq!(reply.json()["detail"], "Authentication credentials were not provided.");
            let code =
                if ["rbac", "authzen"].contains(&route.dialect) { json!("not_authenticated") } else { json!(null) };
            assert_eq!(reply.json()["code"], code, "{} {path}", route.method);
        }
    }
}

#[test]
fn who_lacks_the_right_is_refused_before_anything_is_looked_at() {
    let door = Door::new();
    let token = door.somebody(&[]);
    for route in route_table() {
        let Guard::Right(resource, action) = route.guard else { continue };
        let path = route
            .path
            .replace("{id}", "x")
            .replace("{user_id}", "%ff")
            .replace("{role_id}", "9")
            .replace("{permission_id}", "9");
        let request =
            Request::builder().method(&route.method).uri(&path).header("authorization", format!("Bearer {token}"));
        let reply = door.send(request.header("content-type", "text/plain").body(Body::from("{")).unwrap());
        assert_eq!(reply.status, 403, "{} {path}: {}", route.method, reply.text);
        if route.dialect == "oauth" {
            assert_eq!(reply.json()["error"], "insufficient_scope", "RFC 6750, section 3.1");
            continue;
        }
        assert_eq!(reply.json()["required"], format!("{resource}:{action}"));
        assert_eq!(reply.json()["code"], "permission_denied");
    }
}

#[test]
fn options_names_the_methods_and_needs_no_right() {
    let door = Door::new();
    for (path, allow) in [
        ("/users/", "GET, POST, HEAD, OPTIONS"),
        ("/users/1/", "GET, PUT, PATCH, DELETE, HEAD, OPTIONS"),
        ("/login", "POST, OPTIONS"),
        ("/me/", "GET, PUT, PATCH, HEAD, OPTIONS"),
    ] {
        let reply = door.ask("OPTIONS", path, None, None);
        assert_eq!((reply.status.as_u16(), reply.header("allow"), reply.text.as_str()), (200, allow, ""), "{path}");
    }
    assert_eq!(door.ask("OPTIONS", "/nowhere/", None, None).status, 404);
}

#[test]
fn methods_that_are_not_there_are_405() {
    let door = Door::new();
    for (method, path) in
        [("DELETE", "/users/"), ("TRACE", "/users/"), ("BREW", "/login/"), ("GET", "/login/"), ("PUT", "/healthz")]
    {
        let reply = door.ask(method, path, None, None);
        assert_eq!(reply.status, 405, "{method} {path}");
        assert_eq!(reply.json()["code"], "method_not_allowed");
        assert!(reply.header("allow").ends_with("OPTIONS"));
    }
}

#[test]
fn head_is_get_without_a_body() {
    let door = Door::new();
    let token = door.root();
    let reply = door.ask("HEAD", "/users/", Some(&token), None);
    assert_eq!((reply.status.as_u16(), reply.text.as_str()), (200, ""));
    assert_eq!(door.ask("HEAD", "/users/", None, None).status, 401);
}

#[test]
fn what_is_not_there_is_json() {
    let door = Door::new();
    for path in [
        "/",
        "/nowhere/",
        "/users//",
        "/users/1/x/",
        "/%ff/",
        "/%00",
        "/token/revoke/5/",
        "//",
        "/api/auth/",
        "/api/docs/x.js",
    ] {
        let reply = door.get(path, None);
        assert_eq!(reply.status, 404, "{path}: {}", reply.text);
        assert_eq!(reply.json(), json!({"detail": "Not found.", "code": "not_found"}));
    }
}

#[test]
fn ids_are_plain_positive_numbers() {
    let door = Door::new();
    let token = door.root();
    for id in ["0", "-1", "0x11", "1e3", "9223372036854775808", "%00", "%ff", "%D9%A1", "+1", "1%20", "abc", "99999"] {
        for method in ["GET", "PATCH", "DELETE"] {
            let reply = door.ask(method, &format!("/users/{id}/"), Some(&token), Some(&json!({})));
            assert_eq!(reply.status, 404, "{method} {id}: {}", reply.text);
            assert_eq!(reply.json()["detail"], "No user matches the given query.");
        }
    }
}

#[test]
fn every_answer_is_dressed() {
    let door = Door::new();
    let mut ids = BTreeSet::new();
    for (method, path) in
        [("GET", "/healthz"), ("GET", "/nowhere"), ("PUT", "/login/"), ("GET", "/users/"), ("OPTIONS", "/users/")]
    {
        let request =
            Request::builder().method(method).uri(path).header("x-request-id", "mine").body(Body::empty()).unwrap();
        let reply = door.send(request);
        assert_eq!(reply.header("x-content-type-options"), "nosniff");
        assert_eq!(reply.header("referrer-policy"), "same-origin");
        assert_eq!(reply.header("x-frame-options"), "DENY");
        assert_eq!(reply.header("cross-origin-opener-policy"), "same-origin");
        assert_eq!(reply.header("cross-origin-resource-policy"), "same-origin");
        assert_eq!(reply.header("permissions-policy"), "camera=(), microphone=(), geolocation=(), payment=()");
        assert_eq!(reply.header("cache-control"), "no-store");
        assert!(reply.header("content-security-policy").starts_with("default-src 'none'"));
        assert_eq!(reply.header("server"), "");
        assert_ne!(reply.header("x-request-id"), "mine");
        assert!(ids.insert(reply.header("x-request-id").to_owned()));
    }
}

#[test]
fn an_endless_address_is_414() {
    let door = Door::new();
    let reply = door.get(&format!("/users/?search={}", "a".repeat(9000)), None);
    assert_eq!((reply.status.as_u16(), reply.json()["code"].as_str().unwrap()), (414, "uri_too_long"));
}

#[test]
fn the_server_says_how_it_is() {
    let door = Door::new();
    assert_eq!(door.get("/healthz", None).json(), json!({"status": "ok"}));
    assert_eq!(door.get("/readyz/", None).json(), json!({"status": "ready"}));
    let keys = door.get("/.well-known/jwks.json", None);
    assert_eq!(keys.json()["keys"].as_array().unwrap().len(), 1);
    assert_eq!(keys.header("cache-control"), "public, max-age=300");
    assert_eq!(keys.header("cross-origin-resource-policy"), "cross-origin");
    assert_eq!(keys.header("content-type"), "application/json");
}
