//! Pages of other origins: which may call, what their browsers are told, and that a preflight does nothing.

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};

use super::{Door, Reply};
use crate::support::TestApp;

const APP: &str = "https://app.example:3000";

fn set(app: &TestApp, key: &str, value: Value) {
    app.operate(|ctx| authsrv::service::settings::change(ctx, &[(key.to_owned(), Some(value))])).unwrap();
}

fn allowing(origins: &[&str]) -> Door {
    let door = Door::new();
    set(&door.app, "cors.origins", json!(origins));
    door
}

fn asks(door: &Door, method: &str, path: &str, headers: &[(&str, &str)]) -> Reply {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    door.send(request.body(Body::empty()).unwrap())
}

fn preflight(door: &Door, path: &str, origin: &str, method: &str) -> Reply {
    let asked = "authorization,content-type";
    let headers =
        [("origin", origin), ("access-control-request-method", method), ("access-control-request-headers", asked)];
    asks(door, "OPTIONS", path, &headers)
}

fn cors(reply: &Reply) -> Vec<String> {
    reply.headers.keys().map(|name| name.to_string()).filter(|name| name.starts_with("access-control-")).collect()
}

#[test]
fn by_default_there_is_nothing_of_it() {
    let door = Door::new();
    for path in ["/login/", "/nowhere/", "/me/"] {
        for reply in [asks(&door, "GET", path, &[("origin", APP)]), preflight(&door, path, APP, "POST")] {
            assert!(cors(&reply).is_empty() && reply.header("vary").is_empty(), "{path}: {reply:?}");
        }
    }
    assert_eq!(preflight(&door, "/login/", APP, "POST").status, 200, "an OPTIONS like any other");
}

#[test]
fn every_answer_to_an_allowed_page_can_be_read() {
    let door = allowing(&["http://localhost:5173", APP]);
    for (method, path, status) in [
        ("GET", "/healthz", 200),
        ("GET", "/me/", 401),
        ("GET", "/nowhere/", 404),
        ("DELETE", "/login/", 405),
        ("POST", "/login/", 400),
        ("OPTIONS", "/login/", 200),
    ] {
        let reply = asks(&door, method, path, &[("origin", APP)]);
        assert_eq!(reply.status, status, "{method} {path}");
        assert_eq!(reply.header("access-control-allow-origin"), APP, "{method} {path}");
        assert_eq!(reply.header("vary"), "Origin", "{method} {path}");
        let exposed = reply.header("access-control-expose-headers").to_lowercase();
        for name in ["retry-after", "x-request-id", "www-authenticate", "link"] {
            assert!(exposed.contains(name), "{exposed}");
        }
        assert_eq!(reply.header("access-control-allow-credentials"), "");
    }
    let too_long = asks(&door, "GET", &format!("/{}", "a".repeat(9_000)), &[("origin", APP)]);
    assert_eq!((too_long.status.as_u16(), too_long.header("access-control-allow-origin")), (414, APP));
    let other = asks(&door, "GET", "/healthz", &[("origin", "http://localhost:5173")]);
    assert_eq!(other.header("access-control-allow-origin"), "http://localhost:5173");
}

#[test]
fn a_refusal_by_rate_can_be_read() {
    let door = allowing(&[APP]);
    set(&door.app, "throttle.rates", json!("anon=1/minute"));
    asks(&door, "POST", "/login/", &[("origin", APP)]);
    let reply = asks(&door, "POST", "/login/", &[("origin", APP)]);
    assert_eq!((reply.status.as_u16(), reply.header("access-control-allow-origin")), (429, APP));
    assert_eq!(preflight(&door, "/login/", APP, "POST").status, 204, "no preflight is counted or refused");
}

#[test]
fn a_preflight_names_the_methods_of_its_path() {
    let door = allowing(&[APP]);
    for (path, methods) in [
        ("/login/", "POST, OPTIONS"),
        ("/login", "POST, OPTIONS"),
        ("/users/", "GET, POST, HEAD, OPTIONS"),
        ("/api/auth/users/7/", "GET, PUT, PATCH, DELETE, HEAD, OPTIONS"),
        ("/nowhere/", "GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS"),
    ] {
        let reply = preflight(&door, path, APP, "DELETE");
        assert_eq!((reply.status.as_u16(), reply.text.as_str()), (204, ""), "{path}");
        assert_eq!(reply.header("access-control-allow-origin"), APP, "{path}");
        assert_eq!(reply.header("access-control-allow-methods"), methods, "{path}");
        let headers = reply.header("access-control-allow-headers");
        for name in ["authorization", "content-type", "accept", "x-requested-with"] {
            assert!(headers.split(", ").any(|known| known == name), "{headers}");
        }
        assert_eq!(reply.header("access-control-max-age"), "600");
        assert_eq!((reply.header("vary"), reply.header("access-control-allow-credentials")), ("Origin", ""));
    }
    set(&door.app, "cors.max_age", json!(0));
    assert_eq!(preflight(&door, "/login/", APP, "POST").header("access-control-max-age"), "0");
}

#[test]
fn a_page_that_is_not_named_is_told_nothing_and_caches_are() {
    let door = allowing(&[APP]);
    let other = asks(&door, "GET", "/healthz", &[("origin", "https://other.example")]);
    assert!(cors(&other).is_empty());
    assert_eq!((other.status.as_u16(), other.header("vary")), (200, "Origin"));
    assert_eq!(asks(&door, "GET", "/healthz", &[]).header("vary"), "Origin", "also where nobody asked");
    let refused = preflight(&door, "/me/", "https://other.example", "GET");
    assert!(cors(&refused).is_empty() && refused.header("vary") == "Origin", "{refused:?}");
    let document = asks(&door, "GET", "/api/docs/", &[("origin", APP)]);
    assert_eq!(document.header("vary"), "Accept-Encoding, Origin", "what there was stays");
}

///
#[test]
fn a_change_is_seen_by_the_next_request() {
    let door = Door::new();
    let allowed = || asks(&door, "GET", "/me/", &[("origin", APP)]).header("access-control-allow-origin") == APP;
    let preflown = || preflight(&door, "/me/", APP, "GET").header("access-control-allow-origin") == APP;
    for wanted in [true, false, true, false] {
        set(&door.app, "cors.origins", if wanted { json!([APP]) } else { json!([]) });
        assert_eq!((allowed(), preflown()), (wanted, wanted));
        set(&door.app, "cors.origins", if wanted { json!([]) } else { json!([APP]) });
        assert_eq!((preflown(), allowed()), (!wanted, !wanted));
    }
}

#[test]
fn the_public_keys_are_open_to_every_page() {
    for door in [Door::new(), allowing(&[APP])] {
        let keys = asks(&door, "GET", "/.well-known/jwks.json", &[("origin", "https://other.example")]);
        assert_eq!(keys.header("access-control-allow-origin"), "*");
        assert_eq!(keys.header("cross-origin-resource-policy"), "cross-origin");
        assert_eq!(keys.header("vary"), "", "one answer for all");
    }
}

#[test]
fn only_exact_origins_can_be_set() {
    let setting = authsrv::domain::settings::find("cors.origins").unwrap();
    for (typed, kept) in [
        ("", json!([])),
        ("https://app.example", json!(["https://app.example"])),
        (" HTTPS://App.Example:443/ , http://localhost:3000", json!(["https://app.example", "http://localhost:3000"])),
        ("http://a:80,http://a", json!(["http://a"])),
        ("http://[0:0::1]:3000", json!(["http://[::1]:3000"])),
    ] {
        assert_eq!(setting.accept_text(typed).unwrap(), kept, "{typed}");
    }
    for wrong in [
        "*",
        "null",
        "app.example",
        "https://*.example",
        "https://app.example/path",
        "https://user@app.example",
        "https://app.example:0",
        "https://app.example:99999",
        "https://",
        "ftp://app.example",
        "https://app.example,,https://b.example",
        "https://app.example?x",
        "https://bücher.example",
    ] {
        assert!(setting.accept_text(wrong).is_err(), "{wrong}");
    }
    assert!(setting.accept(&json!(vec!["https://a.example"; 3])).is_ok());
    let many: Vec<String> = (0..101).map(|at| format!("https://a{at}.example")).collect();
    assert!(setting.accept(&json!(many)).is_err());
}
