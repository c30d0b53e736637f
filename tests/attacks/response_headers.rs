//! Every kind of answer carries the headers that protect browsers, whichever part of the program gives it.

use serde_json::json;

use super::wire::{Wire, exchange, request};
use super::{Site, registration};
use crate::support::http::Answer;
use crate::support::{PASSWORD, TestApp};

const FIXED: [(&str, &str); 5] = [
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "same-origin"),
    ("x-frame-options", "DENY"),
    ("cross-origin-opener-policy", "same-origin"),
    ("permissions-policy", "camera=(), microphone=(), geolocation=(), payment=()"),
];
const API_POLICY: &str = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' data:; font-src 'self' data:; worker-src 'self' blob:; connect-src 'self'; frame-ancestors 'none'";

#[track_caller]
fn dressed(answer: &Answer, about: &str) {
    for (name, value) in FIXED {
        let sent: Vec<&str> =
            answer.headers.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str()).collect();
        assert_eq!(sent, [value], "R-44: {about}: {name}");
    }
    assert!(answer.header("x-request-id").is_some_and(|id| id.len() >= 16), "R-44: {about}: {answer:?}");
    assert!(answer.header("server").is_none() && answer.header("x-powered-by").is_none(), "R-44: {about}");
    assert!(answer.header("set-cookie").is_none(), "{about}");
}

#[track_caller]
fn api(answer: &Answer, status: u16) {
    let about = format!("{status}");
    assert_eq!(answer.status, status, "{answer:?}");
    dressed(answer, &about);
    assert_eq!(answer.header("cache-control"), Some("no-store"), "R-44: {about}");
    assert_eq!(answer.header("content-security-policy"), Some(API_POLICY), "R-44: {about}");
    assert_eq!(answer.header("cross-origin-resource-policy"), Some("same-origin"), "R-44: {about}");
    if status != 204 && !answer.body.is_empty() {
        assert_eq!(answer.header("content-type"), Some("application/json"), "{about}");
    }
}

#[test]
fn answers_of_every_status() {
    let site = Site::new();
    let (root, nobody) = (site.root(), site.server.anonymous());
    let ann = site.somebody("ann@example.com", &[]);
    api(&ann.get("/me/"), 200);
    api(&ann.send("HEAD", "/me/", None), 200);
    api(&nobody.send("OPTIONS", "/me/", None), 200);
    api(&nobody.post("/register/", registration("bob@example.com")), 201);
    api(&root.delete("/users/3/"), 204);
    api(&nobody.post("/login/", json!({})), 400);
    api(&nobody.send("POST", "/login/", Some(("application/json", b"{".to_vec()))), 400);
    api(&nobody.get("/me/"), 401);
    api(&ann.get("/users/"), 403);
    api(&root.get("/users/99/"), 404);
    api(&nobody.get("/nowhere"), 404);
    api(&nobody.delete("/login/"), 405);
    api(&nobody.post("/register/", registration("ann@example.com")), 409);
    api(&nobody.send("POST", "/login/", Some(("application/json", vec![b' '; 20_000]))), 413);
    api(&nobody.send("POST", "/login/", Some(("text/plain", b"{}".to_vec()))), 415);
    let address = site.server.address;
    api(&exchange(address, request("GET", &format!("/{}", "a".repeat(9_000)), "")).unwrap(), 414);
    api(&exchange(address, request("GET", &format!("/{}", "a".repeat(30_000)), "")).unwrap(), 414);
    api(&exchange(address, "GET / HTTP/1.1\n\n").unwrap(), 400);
    api(&exchange(address, request("GET", "/", &"X: y\r\n".repeat(200))).unwrap(), 431);
    api(&exchange(address, "PRI * HTTP/2.0\r\n\r\n").unwrap(), 400);
    api(&exchange(address, request("CONNECT", "a:1", "")).unwrap(), 405);
    api(&exchange(address, request("OPTIONS", "*", "")).unwrap(), 200);
    api(&exchange(address, request("GET", "*", "")).unwrap(), 405);
    api(&nobody.get("/healthz"), 200);
    api(&nobody.get("/readyz"), 200);
}

#[test]
fn unauthorized_says_how_and_not_allowed_says_what() {
    let site = Site::new();
    for (method, path) in [("GET", "/me/"), ("POST", "/token/revoke_all/"), ("GET", "/users/"), ("PATCH", "/settings/")]
    {
        let answer = site.server.anonymous().send(method, path, None);
        assert_eq!(answer.status, 401);
        assert!(answer.header("www-authenticate").unwrap().starts_with("Bearer"), "{path}");
    }
    let wrong = site.server.anonymous().post("/login/", json!({"email": "a@example.com", "password": PASSWORD}));
    assert!(wrong.header("www-authenticate").is_some());
}

#[test]
fn pages_keys_and_documents() {
    let site = Site::new();
    let nobody = site.server.anonymous();
    for path in ["/api/docs/", "/api/redoc/"] {
        let page = nobody.get(path);
        assert_eq!(page.status, 200);
        dressed(&page, path);
        assert_eq!(page.header("content-security-policy"), Some(PAGE_POLICY), "R-44: {path}");
        let text = String::from_utf8(page.body).unwrap();
        assert!(!text.contains("://"), "R-44: {path} names another server: {text}");
        assert!(!text.to_lowercase().contains("<script>"), "R-44: {path}: a script inline");
        for source in text.split("src=\"").skip(1).chain(text.split("href=\"").skip(1)) {
            let source = source.split('"').next().unwrap();
            if source.starts_with('/') {
                let file = nobody.get(source);
                assert_eq!(file.status, 200, "{source}");
                dressed(&file, source);
                assert!(file.header("cache-control").unwrap().contains("immutable"), "{source}");
            }
        }
        for evil in
            ["?url=//evil.example/x", "?configUrl=//evil.example/x", "?next=javascript:alert(1)", "?spec=%3Cscript%3E"]
        {
            let again = String::from_utf8(nobody.get(&format!("{path}{evil}")).body).unwrap();
            assert_eq!(again, text, "R-45: nothing of the query gets into the page");
        }
    }
    let keys = nobody.get("/.well-known/jwks.json");
    dressed(&keys, "keys");
    assert_eq!(keys.header("cross-origin-resource-policy"), Some("cross-origin"));
    assert_eq!(keys.header("cache-control"), Some("public, max-age=300"));
    let text = keys.json().to_string();
    assert!(!text.contains("\"d\""), "R-53: a private half is published: {text}");
    let schema = nobody.get("/api/schema/");
    assert_eq!(schema.status, 200);
    dressed(&schema, "schema");
}

/// Line breaks in everything that could end up in a header of the answer.
#[test]
fn nothing_of_a_request_becomes_a_header() {
    let site = Site::new();
    let root = site.root();
    let token = site.server.sign_in("root@example.com").access;
    for target in [
        "/users/?page_size=1&x=%0d%0aX-Evil:%20y",
        "/%0d%0aX-Evil:%20y",
        "/users/%0aX-Evil:%20y/",
        "/users/?ordering=%0d%0aX-Evil:y",
        "/api/docs/%0d%0aX-Evil:%20y",
    ] {
        let headers =
            format!("Authorization: Bearer {token}\r\nX-Request-Id: a%0d%0aX-Evil: y\r\nConnection: close\r\n");
        let answer = exchange(site.server.address, request("GET", target, &headers)).unwrap();
        assert!(answer.header("x-evil").is_none(), "{target}: {answer:?}");
        assert!(answer.header("x-request-id").is_some_and(|id| !id.contains("vil")), "{target}: {answer:?}");
    }
    let made = root.post("/roles/", json!({"name": "a\r\nX-Evil: y", "code_name": "evil"}));
    assert!(made.header("x-evil").is_none() && made.header("location").is_none(), "{made:?}");
    // A media type that is refused comes back in the body, as text of JSON.
    let mut wire = Wire::to(site.server.address);
    wire.send(request("POST", "/login/", "Content-Type: <b>\"x\r\nContent-Length: 2\r\nConnection: close\r\n"))
        .send("{}");
    let answer = wire.answer().unwrap();
    assert_eq!((answer.status, answer.header("content-type")), (415, Some("application/json")), "R-45");
    assert!(answer.json()["detail"].is_string());
}

/// With an https address outside, browsers are told to stay with it.
#[test]
fn strict_transport_where_the_public_address_is_https() {
    let app = TestApp::new();
    let site = Site { server: crate::support::http::Server::start(&app), app };
    let root = site.root();
    assert!(root.get("/me/").header("strict-transport-security").is_none());
    assert_eq!(root.patch("/settings/", json!({"public_url": "https://auth.example.com"})).status, 200);
    for answer in [site.server.anonymous().get("/healthz"), site.server.anonymous().get("/nowhere"), root.get("/me/")] {
        assert_eq!(answer.header("strict-transport-security"), Some("max-age=31536000"), "R-44: {answer:?}");
    }
}

/// Every route, to somebody and to nobody, whatever comes of it, and with what no route takes.
#[test]
fn answers_of_every_route() {
    let site = Site::new();
    let nobody = site.server.anonymous();
    let mut seen = std::collections::BTreeSet::new();
    for route in authsrv::http::route_table() {
        let path: Vec<&str> =
            route.path.split('/').map(|part| if part.starts_with('{') { "4711" } else { part }).collect();
        let path = path.join("/");
        let method = route.method.as_str();
        // Some of them end the session.
        let root = site.root();
        let broken = Some(("application/json", b"{\"a\"".to_vec()));
        for (client, method, path, body) in [
            (&nobody, method, path.clone(), None),
            (&root, method, path.clone(), None),
            (&root, method, path.clone(), broken.filter(|_| method != "GET")),
            (&root, method, format!("{path}?page=x&page_size=1000&format=csv"), None),
            (&root, "OPTIONS", path.clone(), None),
            (&root, "TRACE", path.clone(), None),
        ] {
            let answer = client.send(method, &path, body);
            let about = format!("{method} {path} {}", answer.status);
            every(&answer, &about);
            seen.insert(answer.status);
        }
    }
    for status in [200, 400, 401, 404, 405] {
        assert!(seen.contains(&status), "{status} is not among {seen:?}");
    }
}

/// What E.6 asks of all answers, of whatever kind.
#[track_caller]
fn every(answer: &Answer, about: &str) {
    let of_a_link = answer.header("referrer-policy") == Some("no-referrer");
    let mut other: Vec<(String, String)> = answer.headers.clone();
    if of_a_link {
        assert_eq!(answer.header("cache-control"), Some("no-store"), "R-44: {about}");
        other.retain(|(name, _)| name != "referrer-policy");
        other.push(("referrer-policy".to_owned(), "same-origin".to_owned()));
    }
    dressed(&Answer { status: answer.status, headers: other, body: Vec::new() }, about);
    let policy = answer.header("content-security-policy").unwrap_or("");
    let is_open = policy.contains("unsafe-eval") || policy.contains("http") || policy.contains('*');
    assert!(policy.starts_with("default-src 'none'; ") && policy.contains("frame-ancestors 'none'"), "R-44: {about}");
    assert!(!is_open && !policy.contains("script-src 'unsafe-inline'"), "R-44: {about}: {policy}");
    let kept = answer.header("cache-control").unwrap_or("");
    let is_public = about.contains("/.well-known/") || about.contains("/api/auth/status-lists/");
    let may_keep = is_public || about.contains("/api/docs/") || about.contains("/api/redoc/");
    assert!(kept == "no-store" || may_keep || kept.contains("immutable"), "R-44: {about}: {kept}");
    let shared = answer.header("cross-origin-resource-policy");
    assert!(
        shared == Some("same-origin") || (is_public && shared == Some("cross-origin")),
        "R-44: {about}: {shared:?}"
    );
    assert!(answer.status < 500, "{about}: {answer:?}");
}
