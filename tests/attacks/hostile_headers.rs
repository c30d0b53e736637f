//! Headers: too many, too long, of the wrong form; tokens in every place but the right one.

use super::wire::{Wire, exchange, request};
use super::{Site, refused, survived};

fn site() -> (Site, String) {
    let site = Site::new();
    site.app.superuser("root@example.com");
    let token = site.server.sign_in("root@example.com").access;
    (site, token)
}

#[test]
fn authorization_has_one_form() {
    let (site, token) = site();
    let long = "a".repeat(5000);
    let other = token.replace('.', "%2E");
    for value in [
        "".to_owned(),
        " ".to_owned(),
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        format!("Bearer{token}"),
        format!("bearer {token}"),
        format!("BEARER {token}"),
        format!("Token {token}"),
        format!("JWT {token}"),
        format!("Basic {token}"),
        token.clone(),
        format!("Bearer {token} x"),
        format!("Bearer x {token}"),
        format!("Bearer {token},{token}"),
        format!("Bearer {token}, Bearer {token}"),
        format!("Bearer \"{token}\""),
        format!("Bearer token={token}"),
        format!("Bearer:{token}"),
        format!("Bearer {other}"),
        format!("Bearer {long}"),
        format!("Bearer {}", ".".repeat(4000)),
        "Bearer ..".to_owned(),
        "Bearer a.b.c".to_owned(),
        "Bearer null".to_owned(),
        format!("Bearer\u{a0}{token}"),
        format!("Bearer {token}\u{a0}"),
        "Bearer é".to_owned(),
        "Basic cm9vdDpyb290".to_owned(),
    ] {
        let headers = format!("Authorization: {value}\r\nConnection: close\r\n");
        let answer = exchange(site.server.address, request("GET", "/me/", &headers)).unwrap();
        assert_eq!(answer.status, 401, "{value}: {answer:?}");
        refused(&answer, &value);
        assert!(answer.header("www-authenticate").is_some(), "{value}");
    }
    let twice = format!("Authorization: Bearer {token}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n");
    let answer = exchange(site.server.address, request("GET", "/me/", &twice)).unwrap();
    assert!([400, 401].contains(&answer.status), "two of them: {answer:?}");
    let mut bytes = b"GET /me/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: Bearer ".to_vec();
    bytes.extend([0xff, 0xfe, 0x80, b'\r', b'\n', b'\r', b'\n']);
    let answer = exchange(site.server.address, bytes).unwrap();
    assert_eq!(answer.status, 401, "no text: {answer:?}");
}

#[test]
fn a_token_elsewhere_is_none() {
    let (site, token) = site();
    for headers in [
        format!("Cookie: access={token}; token={token}; Authorization=Bearer {token}\r\n"),
        format!("X-Authorization: Bearer {token}\r\n"),
        format!("Proxy-Authorization: Bearer {token}\r\n"),
        format!("X-Auth-Token: {token}\r\n"),
        "X-Forwarded-User: root@example.com\r\nRemote-User: root@example.com\r\nX-Remote-User: 1\r\n".to_owned(),
        "X-Original-URL: /healthz\r\nX-Rewrite-URL: /healthz\r\n".to_owned(),
        "X-Forwarded-For: 127.0.0.1\r\nForwarded: for=127.0.0.1\r\nX-Real-IP: 127.0.0.1\r\n".to_owned(),
    ] {
        let answer =
            exchange(site.server.address, request("GET", "/users/", &format!("{headers}Connection: close\r\n")))
                .unwrap();
        assert_eq!(answer.status, 401, "{headers}");
    }
    for query in [format!("access_token={token}"), format!("token={token}"), format!("Authorization=Bearer+{token}")] {
        let answer = site.server.anonymous().get(&format!("/users/?{query}"));
        assert_eq!(answer.status, 401, "R-53: no token in an address");
    }
    // where a client says that it comes from is not where it comes from.
    let login = serde_json::json!({"email": "root@example.com", "password": crate::support::PASSWORD}).to_string();
    let headers = format!(
        "X-Forwarded-For: 203.0.113.9\r\nForwarded: for=203.0.113.9\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n",
        login.len()
    );
    let answer = exchange(site.server.address, format!("{}{login}", request("POST", "/login/", &headers))).unwrap();
    assert_eq!(answer.status, 200);
    let sessions = site.server.bearer(&answer.text("access")).get("/me/get_sessions/").json();
    assert_eq!(sessions[0]["ip_address"], "127.0.0.1", "R-15");
}

#[test]
fn heads_are_bounded() {
    let (site, token) = site();
    let address = site.server.address;
    let many = (0..200).map(|at| format!("X-{at}: 1\r\n")).collect::<String>();
    let few = (0..80).map(|at| format!("X-{at}: 1\r\n")).collect::<String>();
    for (headers, status) in [
        (many, 431),
        (format!("X-Long: {}\r\n", "a".repeat(40_000)), 431),
        (format!("{}: 1\r\n", "a".repeat(40_000)), 431),
        (few, 200),
        (format!("X-Long: {}\r\n", "a".repeat(8_000)), 200),
    ] {
        let headers = format!("Authorization: Bearer {token}\r\n{headers}Connection: close\r\n");
        let answer = exchange(address, request("GET", "/me/", &headers)).unwrap();
        assert_eq!(answer.status, status, "R-51: {answer:?}");
        if status != 200 {
            refused(&answer, "R-51");
        }
    }
    for length in [8_300, 10_000, 20_000] {
        for target in [format!("/users/?search={}", "a".repeat(length)), format!("/{}", "a".repeat(length))] {
            let answer = exchange(address, request("GET", &target, "")).unwrap();
            assert!([400, 414].contains(&answer.status), "R-51: {answer:?}");
            refused(&answer, "R-51");
        }
    }
    let answer = exchange(address, request("GET", &format!("/{}", "a".repeat(100_000)), "")).unwrap();
    assert!([400, 414, 431].contains(&answer.status), "R-51: {answer:?}");
    refused(&answer, "R-51");
    // A head that never ends is cut off, not gathered.
    let mut wire = Wire::to(address);
    wire.send("GET / HTTP/1.1\r\n");
    for _ in 0..64 {
        wire.send(format!("X: {}\r\n", "a".repeat(1_000)));
    }
    let answer = wire.answer();
    assert!(answer.is_none_or(|answer| answer.status == 431), "R-51");
    site.lives();
}

#[test]
fn odd_values_of_headers() {
    let (site, token) = site();
    let huge = "a".repeat(8_000);
    for header in [
        "User-Agent: \u{1b}[31mred\u{7}".replace(['\u{1b}', '\u{7}'], ""),
        format!("User-Agent: {huge}"),
        "User-Agent: é\u{202e}".to_owned(),
        "Accept: application/xml".to_owned(),
        "Accept: text/html".to_owned(),
        "Accept: */*;q=nan".to_owned(),
        "Accept-Language: %00".to_owned(),
        "Accept-Encoding: gzip, br, identity;q=0".to_owned(),
        "If-None-Match: *".to_owned(),
        "If-Modified-Since: yesterday".to_owned(),
        "Range: bytes=0-0".to_owned(),
        "Expect: 200-maybe".to_owned(),
        "Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA".to_owned(),
        "Upgrade: websocket\r\nConnection: Upgrade".to_owned(),
        "Origin: null".to_owned(),
        "Origin: https://evil.example".to_owned(),
        "X-Request-Id: a\u{2028}b".to_owned(),
        "X-Request-Id: <script>".to_owned(),
        "Date: x".to_owned(),
        "Te: trailers, deflate".to_owned(),
        "Connection: x-request-id, host".to_owned(),
        "Keep-Alive: timeout=99999999999".to_owned(),
        "Max-Forwards: -1".to_owned(),
        "Content-Type: application/json".to_owned(),
        ":authority: x".to_owned(),
    ] {
        let mut wire = Wire::to(site.server.address);
        let headers = format!("Authorization: Bearer {token}\r\n{header}\r\n");
        wire.send(request("GET", "/users/?page_size=1", &headers)).finish();
        let answer = wire.answer().unwrap_or_else(|| panic!("no answer: {header}"));
        survived(&answer, &header);
        assert_ne!(answer.status, 101, "{header}");
        assert!(answer.header("access-control-allow-origin").is_none(), "{header}");
        let id = answer.header("x-request-id").unwrap_or_else(|| panic!("{header}: {answer:?}"));
        assert!(id.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-'), "{header}: {id}");
    }
    site.lives();
}
