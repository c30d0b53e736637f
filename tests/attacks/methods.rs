//! Methods that do not exist, and ways to smuggle one in another (R-36, D-4, D-7).

use serde_json::json;

use super::wire::{exchange, request};
use super::{Site, refused};

#[test]
fn unknown_methods_are_405_with_allow() {
    let site = Site::new();
    let token = site.server.sign_in({
        site.app.superuser("root@example.com");
        "root@example.com"
    });
    let known = [
        "/users/",
        "/users/1/",
        "/me/",
        "/login/",
        "/roles/1/permissions/",
        "/settings",
        "/check/",
        "/healthz",
        "/api/auth/resourses/",
    ];
    for path in known {
        for method in [
            "TRACE", "TRACK", "DEBUG", "PROPFIND", "LOCK", "PURGE", "QUERY", "get", "Get", "post", "GETT", "X",
            "CONNECT",
        ] {
            let headers = format!("Authorization: Bearer {}\r\nConnection: close\r\n", token.access);
            let answer = exchange(site.server.address, request(method, path, &headers)).unwrap();
            refused(&answer, &format!("{method} {path}"));
            if method != "CONNECT" || answer.status != 400 {
                assert_eq!(answer.status, 405, "R-36: {method} {path}: {answer:?}");
                assert!(answer.header("allow").is_some_and(|allow| !allow.contains(method)), "R-36: {answer:?}");
            }
            assert!(!String::from_utf8_lossy(&answer.body).contains(&token.access), "nothing is echoed");
        }
        let options = exchange(site.server.address, request("OPTIONS", path, "Connection: close\r\n")).unwrap();
        assert_eq!((options.status, options.body.as_slice()), (200, b"".as_slice()), "D-7: {path}: {options:?}");
        assert!(options.header("access-control-allow-origin").is_none());
    }
    let connect =
        exchange(site.server.address, "CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n").unwrap();
    refused(&connect, "CONNECT");
    for path in ["/nowhere", "/users/1/2/3", "/admin/", "/token/revoke/1/"] {
        for method in ["GET", "POST", "TRACE", "OPTIONS", "X"] {
            let answer = exchange(site.server.address, request(method, path, "Connection: close\r\n")).unwrap();
            assert_eq!(answer.status, 404, "{method} {path}: {answer:?}");
        }
    }
    site.lives();
}

#[test]
fn no_header_or_parameter_changes_the_method() {
    let site = Site::new();
    site.app.user("ann@example.com", &["viewer"]);
    let token = site.server.sign_in("ann@example.com").access;
    for header in ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "_method"] {
        for method in ["DELETE", "PATCH", "POST"] {
            let headers = format!("Authorization: Bearer {token}\r\n{header}: {method}\r\nConnection: close\r\n");
            let answer = exchange(site.server.address, request("GET", "/users/1/", &headers)).unwrap();
            assert_eq!(answer.status, 200, "R-36: a GET stays one: {header}");
            let answer = exchange(site.server.address, request("POST", "/users/1/", &headers)).unwrap();
            assert_eq!(answer.status, 405, "R-36: {header}: {answer:?}");
        }
    }
    let ann = site.server.bearer(&token);
    for query in ["_method=DELETE", "method=DELETE", "X-HTTP-Method-Override=DELETE", "format=api"] {
        assert_eq!(ann.get(&format!("/users/1/?{query}")).status, 200, "R-36: {query}");
        assert_eq!(ann.post(&format!("/users/1/?{query}"), json!({"_method": "DELETE"})).status, 405, "R-36: {query}");
    }
    // HEAD is a read, also where it is not allowed.
    assert_eq!(ann.send("HEAD", "/users/1/", None).status, 200, "D-7");
    assert_eq!(site.server.anonymous().send("HEAD", "/users/1/", None).status, 401, "D-7");
    assert_eq!(ann.send("HEAD", "/settings/", None).status, 403, "D-7");
    assert_eq!(ann.send("HEAD", "/login/", None).status, 405, "D-7");
    assert_eq!(ann.send("HEAD", "/token/revoke_all/", None).status, 405, "D-7");
    assert_eq!(ann.get("/me/").status, 200, "and nothing was ended");
}

#[test]
fn paths_in_disguise_reach_nothing_else() {
    let site = Site::new();
    let root = {
        site.app.superuser("root@example.com");
        site.server.sign_in("root@example.com").access
    };
    for target in [
        "//users/",
        "/users//",
        "/users//1/",
        "/./users/",
        "/me/../users/",
        "/%2e%2e/users/",
        "/Users/",
        "/USERS/",
        "/users;/",
        "/users/;x=1",
        "/users%2F",
        "/users%2f1",
        "/users/%31%00/",
        "/u%73ers%20/",
        "/users.json",
        "/users/1.json",
        "/users\\1",
        "/api/auth//users/",
        "/api/auth/../users/",
        "/api/users/",
        "/api//auth/users/",
        "/%75sers%0d%0aX: y/",
    ] {
        let headers = format!("Authorization: Bearer {root}\r\nConnection: close\r\n");
        let answer = exchange(site.server.address, request("GET", target, &headers)).unwrap();
        assert!([400, 404].contains(&answer.status), "{target}: {answer:?}");
        refused(&answer, target);
        assert!(!answer.headers.iter().any(|(name, _)| name == "x" || name == "location"), "{target}: {answer:?}");
    }
    // A path is what it says without needless escapes (RFC 3986, 6.2.2.2); either is allowed, but not open.
    let answer = exchange(site.server.address, request("GET", "/%75sers/", "Connection: close\r\n")).unwrap();
    assert!([401, 404].contains(&answer.status), "{answer:?}");
}
