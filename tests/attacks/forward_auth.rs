//! The door that decides for other APIs.
//!
//! The attacker is a client of an API behind a proxy. He writes the headers by which the proxy tells of a request, and those
//! by which the server tells of him; he writes addresses that proxy, server and API read in different ways; he uses methods
//! that nobody thought of; he adds parameters; he asks the server himself. And he goes on with a token that was ended.

use serde_json::json;

use super::Site;
use super::wire::{exchange, request};
use crate::service::common::column;
use crate::support::http::{Answer, Client};
use crate::support::{PASSWORD, TestApp};

fn site() -> Site {
    let app = TestApp::new().behind("127.0.0.1");
    app.user("ann@example.com", &["viewer"]);
    Site::of(app)
}

fn ask(client: Client, query: &str, headers: &[(&str, &str)]) -> Answer {
    let client = headers.iter().fold(client, |client, (name, value)| client.with(name, value));
    client.get(&format!("/api/auth/forward/{query}"))
}

/// Passes if the request may not pass, for this reason.
#[track_caller]
fn refused(answer: &Answer, code: &str, about: &str) {
    assert_eq!((answer.status, answer.text("code").as_str()), (403, code), "{about}: {answer:?}");
    assert_eq!(answer.header("cache-control"), Some("no-store"), "{about}");
    assert!(answer.header("x-auth-user-id").is_none(), "{about}");
}

/// E.3: who is no trusted proxy is told nothing, whatever he shows.
#[test]
fn nobody_else_may_ask() {
    for proxies in ["", "10.0.0.0/8,::1"] {
        let app = TestApp::new().behind(proxies);
        app.superuser("root@example.com");
        let site = Site::of(app);
        for policy in ["allow_any", "is_authenticated", "documents", "nonsense"] {
            let headers =
                [("X-Forwarded-Method", "GET"), ("X-Forwarded-Uri", "/"), ("X-Forwarded-For", "127.0.0.1, 10.0.0.1")];
            for headers in [&headers[..], &[]] {
                let root = site.signed_in("root@example.com");
                refused(&ask(root, &format!("?policy={policy}"), headers), "untrusted_proxy", policy);
                let nobody = site.server.anonymous();
                refused(&ask(nobody, &format!("?policy={policy}"), headers), "untrusted_proxy", policy);
            }
        }
    }
}

/// that somebody known may not do a thing behind the proxy is in the trail, counted.
#[test]
fn what_is_denied_to_somebody_known_is_in_the_trail() {
    let site = site();
    let headers = [("X-Forwarded-Method", "DELETE"), ("X-Forwarded-Uri", "/documents/1/")];
    let ann = site.server.sign_in("ann@example.com").access;
    for _ in 0..50 {
        assert_eq!(ask(site.server.bearer(&ann), "?policy=documents", &headers).status, 403);
    }
    assert_eq!(ask(site.server.anonymous(), "?policy=documents", &headers).status, 401);
    assert_eq!(site.app.env.tally.write(&site.app.env).unwrap(), 1);
    let said = "SELECT actor || ' ' || (details ->> 'right') || ' ' || (details ->> 'count') FROM audit
                WHERE action = 'authz.denied'";
    assert_eq!(column(&site.app, said), ["ann@example.com documents:delete 50"]);
}

/// A proxy that writes one family of headers hands the other on as the client sent it.
#[test]
fn headers_that_differ_pass_nobody() {
    let site = site();
    let ann = || site.signed_in("ann@example.com");
    let post = [("X-Original-Method", "POST"), ("X-Original-URI", "/documents/")];
    let get = [("X-Forwarded-Method", "GET"), ("X-Forwarded-Uri", "/documents/")];
    for headers in [
        [&post[..], &get[..]].concat(),
        [&post[..], &get[..1]].concat(),
        [&post[1..], &get[..1]].concat(),
        [&post[1..], &get[..]].concat(),
        [&get[..], &post[..1]].concat(),
        [&get[..], &[("X-Forwarded-Method", "POST")]].concat(),
        [&get[..], &[("X-Forwarded-Uri", "/public/")]].concat(),
        [&get[..], &[("x-forwarded-method", "get")]].concat(),
    ] {
        refused(&ask(ann(), "?policy=documents", &headers), "ambiguous_request", &format!("{headers:?}"));
    }
    let twice = [&get[..], &get[..]].concat();
    assert_eq!(ask(ann(), "?policy=documents", &twice).status, 200, "the same twice is no contradiction");
}

/// names of methods are exact, and no other header or parameter is one.
#[test]
fn a_method_is_what_the_proxy_says_it_is() {
    let site = site();
    let ann = || site.signed_in("ann@example.com");
    for method in ["get", "Get", "GETT", "GET, POST", "GET POST", "G\u{c9}T", "PROPFIND", "MKCOL", "TRACE", "*", "0"] {
        for policy in ["documents", "allow_any", "is_authenticated", "authenticated_or_read_only"] {
            let answer = ask(ann(), &format!("?policy={policy}"), &[("X-Forwarded-Method", method)]);
            assert_eq!(answer.status, 403, "{method} {policy}: {answer:?}");
        }
    }
    for name in ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "X-Original-Http-Method", "X-Method"] {
        let headers = [("X-Forwarded-Method", "DELETE"), (name, "GET")];
        refused(&ask(ann(), "?policy=documents", &headers), "permission_denied", name);
        refused(&ask(ann(), "?policy=documents", &[(name, "GET")]), "no_method", name);
    }
    for override_ in ["_method=GET", "method=GET", "X-Forwarded-Method=GET"] {
        let query = format!("?policy=documents&{override_}");
        refused(&ask(ann(), &query, &[("X-Forwarded-Method", "DELETE")]), "unknown_parameter", override_);
    }
    // The question itself is a GET, whatever the request is.
    for method in ["POST", "PUT", "PATCH", "DELETE", "PROPFIND"] {
        let answer = ann().send(method, "/api/auth/forward/?policy=allow_any", None);
        assert_eq!(answer.status, 405, "{method}");
    }
    let head = ann().with("X-Forwarded-Method", "HEAD").send("HEAD", "/api/auth/forward?policy=documents", None);
    assert_eq!((head.status, head.body.len()), (200, 0));
}

/// The policy is the proxy's: whatever is added can only narrow it.
#[test]
fn no_parameter_widens() {
    let site = site();
    let get = [("X-Forwarded-Method", "GET"), ("X-Forwarded-Uri", "/documents/?policy=allow_any&path=/")];
    let asked = |query: &str| ask(site.signed_in("ann@example.com"), query, &get);
    for query in ["?policy=is_admin&policy=allow_any", "?policy=allow_any,is_admin", "?policy=is_admin&path=/"] {
        refused(&asked(query), "staff_required", query);
    }
    for query in ["", "?", "?path=/documents/"] {
        refused(&asked(query), "no_policy", query);
    }
    for query in [
        "?policy=",
        "?policy=allow_any,",
        "?policy=,",
        "?policy=ALLOW_ANY",
        "?policy=allow-any",
        "?policy=role:",
        "?policy=role:nobody",
        "?policy=documnets",
        "?policy=documents:read",
        "?policy=*",
        "?policy=all",
        "?policy=allow_any%00",
        "?policy=allow_any%0d%0aX-Auth-User-Id:1",
        "?policy=' OR 1=1",
        "?policy=role:viewer:admin",
        "?policy=r%C3%B6le",
    ] {
        let query = query.replace(' ', "%20");
        refused(&asked(&query), "unknown_policy", &query);
        let root = site.root();
        refused(&ask(root, &query, &get), "unknown_policy", "whoever it is");
    }
    for query in ["?Policy=allow_any&policy=allow_any", "?policy=allow_any&polcy=is_admin", "?policy=allow_any&x"] {
        refused(&asked(query), "unknown_parameter", query);
    }
    for query in ["?policy=allow_any&path=/a/../b", "?policy=allow_any&path=documents", "?policy=allow_any&path="] {
        refused(&asked(query), "bad_path", query);
    }
    let many = format!("?policy={}", ["allow_any"; 500].join(","));
    refused(&asked(&many), "too_many", "five hundred");
}

/// Addresses that somebody may read in another way.
#[test]
fn an_ambiguous_address_passes_nobody() {
    let site = site();
    let asked = |uri: &str| {
        let headers = [("X-Forwarded-Method", "GET"), ("X-Forwarded-Uri", uri)];
        ask(site.root(), "?policy=allow_any", &headers)
    };
    for uri in [
        "//documents/",
        "/documents//1",
        "/public/../documents/",
        "/public/%2e%2e/documents/",
        "/public/..%2fdocuments/",
        "/public%2f..%2fdocuments",
        "/%2e%2e%2fdocuments",
        "/public/%252e%252e/documents/",
        "/documents%00.png",
        "/documents\\1",
        "/documents%5c1",
        "/documents/%0d%0aX-Auth-User-Id:%201",
        "/documents/%c0%ae%c0%ae/",
        "/documents/%",
        "/documents/%zz",
        "/public/..;/documents/",
        "/public/.;x/documents",
        "http://localhost/documents/",
        "documents/",
        "*",
        "/documents/#/public",
        "/documents /",
        "/документы/",
        "/./documents/",
        "/documents/.",
        "/documents/..",
    ] {
        refused(&asked(uri), "bad_target", uri);
    }
    let long = format!("/{}", "a".repeat(9 * 1024));
    assert_ne!(asked(&long).status, 200);
    for uri in ["/documents/", "/documents/%D0%B4%20/?q=%zz//../", "/a-b_c.d~e/!$&'()*+,;=:@"] {
        assert_eq!(asked(uri).status, 200, "{uri}");
    }
    let bytes = [b"X-Forwarded-Method: GET\r\nX-Forwarded-Uri: /\xff\xfe\r\n".as_slice()].concat();
    let head = request("GET", "/api/auth/forward/?policy=allow_any", "Connection: close\r\n");
    let bytes = [head.trim_end().as_bytes(), b"\r\n", &bytes, b"\r\n"].concat();
    assert_eq!(exchange(site.server.address, bytes).unwrap().status, 403);
}

/// what counts is `Authorization`, with an access token or the key of an API token.
#[test]
fn other_credentials_count_for_nothing() {
    let site = site();
    let pair = site.server.sign_in("ann@example.com");
    let asked = |name: &str, value: &str| {
        let headers = [("X-Forwarded-Method", "GET"), ("X-Forwarded-Uri", "/"), (name, value)];
        ask(site.server.anonymous(), "?policy=is_authenticated", &headers).status
    };
    assert_eq!(asked("Authorization", &format!("Bearer {}", pair.access)), 200);
    for (name, value) in [
        ("Authorization", format!("Bearer {}", pair.refresh)),
        ("Authorization", format!("Bearer {}x", pair.access)),
        ("Authorization", format!("Basic {}", pair.access)),
        ("Cookie", format!("access={}; sessionid={}; Authorization=Bearer {}", pair.access, pair.access, pair.access)),
        ("X-Forwarded-Authorization", format!("Bearer {}", pair.access)),
        ("X-Auth-User-Id", "1".to_owned()),
        ("X-Forwarded-User", "ann@example.com".to_owned()),
        ("Remote-User", "ann@example.com".to_owned()),
        ("Proxy-Authorization", format!("Bearer {}", pair.access)),
    ] {
        assert_eq!(asked(name, &value), 401, "{name}: {value}");
    }
    let uri = format!("/documents/?access_token={}", pair.access);
    let headers = [("X-Forwarded-Method", "GET"), ("X-Forwarded-Uri", uri.as_str())];
    assert_eq!(ask(site.server.anonymous(), "?policy=is_authenticated", &headers).status, 401);
    let spoofed = [("X-Forwarded-Method", "GET"), ("X-Auth-User-Id", "1"), ("X-Auth-Roles", "admin")];
    let answer = ask(site.server.anonymous(), "?policy=allow_any", &spoofed);
    assert_eq!((answer.header("x-auth-user-id"), answer.header("x-auth-roles")), (Some(""), Some("")));
}

/// once an end of access was answered, the next question is judged by it; of all of them, not of most.
#[test]
fn an_end_of_access_is_seen_by_the_next_question() {
    let site = site();
    let root = site.root();
    let id = site.app.user("eve@example.com", &["viewer"]).0;
    let viewer = root.get("/roles/?search=viewer").json()["results"][0]["id"].clone();
    let get = [("X-Forwarded-Method", "GET"), ("X-Forwarded-Uri", "/documents/")];
    for round in 0..12 {
        let access = site.server.sign_in("eve@example.com").access;
        let asked = || ask(site.server.bearer(&access), "?policy=documents", &get).status;
        assert_eq!(asked(), 200, "round {round}");
        match round % 4 {
            0 => {
                assert_eq!(site.server.bearer(&access).post("/logout/", json!({})).status, 200);
                assert_eq!(asked(), 401, "logout");
            }
            1 => {
                assert_eq!(root.post(&format!("/token/revoke_all/{id}/"), json!({})).status, 200);
                assert_eq!(asked(), 401, "revoke_all");
            }
            2 => {
                assert_eq!(root.patch(&format!("/users/{id}/"), json!({"is_active": false})).status, 200);
                assert_eq!(asked(), 401, "deactivation");
                assert_eq!(root.patch(&format!("/users/{id}/"), json!({"is_active": true})).status, 200);
            }
            _ => {
                assert_eq!(root.delete(&format!("/users/{id}/roles/{viewer}/")).status, 204);
                assert_eq!(asked(), 403, "the role is gone");
                assert_eq!(root.post(&format!("/users/{id}/roles/"), json!({"role": viewer})).status, 201);
                assert_eq!(asked(), 200, "and back");
            }
        }
    }
    let access = site.server.sign_in("eve@example.com").access;
    let changed = site
        .server
        .bearer(&access)
        .post("/me/password/", json!({"current_password": PASSWORD, "new_password": "An0ther-long-one"}));
    assert!(changed.status < 300, "{changed:?}");
    assert_eq!(root.delete(&format!("/users/{id}/")).status, 204);
    assert_eq!(ask(site.server.bearer(&access), "?policy=allow_any", &get).status, 401, "R-32: she is gone");
}
