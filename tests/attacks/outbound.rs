//! Requests that would have the server call somewhere, or send a browser there: addresses in the heads of
//! tokens, in headers, in queries and in bodies.

use std::io::ErrorKind;
use std::net::TcpListener;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use super::Site;
use super::wire::{exchange, request};
use crate::support::PASSWORD;

/// A token whose head names this address wherever a head can, over the claims and signature of a good one.
fn pointing(good: &str, address: &str) -> Vec<String> {
    let [head, claims, signature] = good.split('.').collect::<Vec<_>>()[..] else { panic!("{good}") };
    let head: serde_json::Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(head).unwrap()).unwrap();
    let changed = ["jku", "x5u", "kid", "iss", "url"].map(|key| super::with(head.clone(), &json!({key: address})));
    let strange = [super::with(head.clone(), &json!({"kid": "unknown", "jku": address, "x5u": address}))];
    let coded = changed.iter().chain(&strange).map(|head| URL_SAFE_NO_PAD.encode(head.to_string()));
    coded.map(|head| format!("{head}.{claims}.{signature}")).collect()
}

#[test]
fn nothing_that_is_sent_makes_the_server_connect() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let there = format!("http://{}/keys", listener.local_addr().unwrap());
    let site = Site::new();
    let root = site.root();
    let pair = site.server.sign_in("root@example.com");
    for token in pointing(&pair.access, &there) {
        assert_eq!(site.server.bearer(&token).get("/me/").status, 401, "R-17: {token}");
    }
    for token in pointing(&pair.refresh, &there) {
        for path in ["/token/refresh/", "/logout/", "/api/token/refresh/", "/api/token/verify/"] {
            let refused = site.server.anonymous().post(path, json!({"refresh": token, "token": token}));
            assert!((400..500).contains(&refused.status), "R-17: {path}: {refused:?}");
        }
    }
    let place = there.trim_start_matches("http://").trim_end_matches("/keys");
    for header in ["Host", "Referer", "Origin", "X-Forwarded-Host", "Forwarded", "X-Original-URL", "Link", "Via"] {
        let value = if header == "Host" { place } else { there.as_str() };
        let asked = format!("GET / HTTP/1.1\r\nConnection: close\r\n{header}: {value}\r\n");
        let asked = if header == "Host" { asked } else { format!("{asked}Host: a\r\n") };
        exchange(site.server.address, format!("{asked}\r\n"));
        exchange(site.server.address, request("GET", &there, "Connection: close\r\n"));
    }
    for query in ["url", "next", "configUrl", "spec", "callback", "redirect_uri"] {
        root.get(&format!("/api/docs/?{query}={there}"));
        root.get(&format!("/users/?{query}={there}"));
    }
    root.post("/users/", json!({"email": "a@example.com", "password": PASSWORD, "first_name": there}));
    root.post("/roles/", json!({"name": there, "code_name": "x", "description": there}));
    let called = listener.accept();
    assert!(called.is_err_and(|error| error.kind() == ErrorKind::WouldBlock), "R-50: somebody called");
}

#[test]
fn nobody_is_sent_elsewhere() {
    let site = Site::new();
    let root = site.root();
    let evil =
        ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "%2F%2Fevil.example"];
    for place in evil {
        let mut targets: Vec<String> = ["next", "redirect", "url", "return_to", "continue", "redirect_uri"]
            .iter()
            .flat_map(|key| {
                ["/", "/login/", "/api/docs/", "/me/", "/activate/a/b"].map(|path| format!("{path}?{key}={place}"))
            })
            .collect();
        targets.extend([
            format!("/{place}"),
            format!("/{place}/"),
            format!("/{place}/.."),
            format!("/users/..{place}"),
        ]);
        for target in targets {
            for method in ["GET", "POST"] {
                let length = if method == "POST" { "Content-Length: 0\r\n" } else { "" };
                let headers = format!("{length}Accept: text/html\r\nConnection: close\r\n");
                let answer = exchange(site.server.address, request(method, &target, &headers)).unwrap();
                let refresh = answer.header("refresh");
                let leads = answer.header("location").unwrap_or("/");
                let is_own = leads.starts_with('/') && !leads.starts_with("//") && !leads.contains(['\\', '\r', '\n']);
                assert!(is_own && refresh.is_none(), "R-49: {method} {target}: {answer:?}");
                assert!(!(300..400).contains(&answer.status), "D-4, R-49: {method} {target}: {answer:?}");
                let page = String::from_utf8_lossy(&answer.body).to_lowercase();
                assert!(!page.contains("http-equiv=\"refresh") && !page.contains("href=\"//evil"), "R-49: {target}");
            }
        }
    }
    assert_eq!(root.get("/users").status, 200, "D-4: no slash is no redirect");
}
