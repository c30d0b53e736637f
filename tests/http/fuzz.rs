//! No request may cause a 500, a panic or a hang.

use authsrv::http::{Guard, route_table};
use axum::body::Body;
use axum::http::Request;

use super::Door;

const IDS: [&str; 8] = ["1", "0", "-1", "0x11", "9223372036854775807", "9223372036854775808", "%00", "%ff%fe"];

fn bodies() -> Vec<Vec<u8>> {
    let mut bodies: Vec<Vec<u8>> = [
        "", "{", "{}", "[]", "null", "\"x\"", "5", "1e999", "[{}]", "[[]]", "{\"\": 1}", "{\"a\": 1, \"a\": 2}",
        "{\"email\": {}, \"password\": [], \"refresh\": 5, \"name\": true, \"role\": {}, \"resource\": 1e30, \"action\": -1}",
        "{\"email\": \"a@b.c\\u0000\", \"password\": \"\\u0000\", \"refresh\": \"\\u0000\", \"code_name\": \"\\u0000\"}",
        "{\"email\": \"x@y.zz\", \"password\": \"Tr0ub4dor-and-3\", \"password2\": \"Tr0ub4dor-and-3\", \"first_name\": \"\\u202e\"}",
        "{\"name\": \"N\", \"code_name\": \"n\", \"permissions\": [99999, \"users:fly\", \"a:b:c\"]}",
        "{\"role\": 9223372036854775807}", "{\"permission\": -5}", "{\"permission\": \"users:read\"}",
        "{\"resource\": 99999, \"action\": \"nothing\"}", "{\"resource\": \"users\", \"action\": \"read\", \"user\": 99999}",
        "{\"force_logout_at\": \"9999-12-31T23:59:59+00:00\", \"roles\": [\"nobody\", 9]}",
        "{\"force_logout_at\": \"0001-01-01T00:00:00-23:59\"}", "{\"is_superuser\": false}",
        "{\"rbac.access_lifetime\": 1e20, \"public_url\": \"javascript:x\"}",
        "{\"first_name\": \"\\ud83d\\ude00\", \"middle_name\": \"\"}",
        "{\"current_password\": \"x\", \"new_password\": \"y\"}",
    ]
    .iter()
    .map(|text| text.as_bytes().to_vec())
    .collect();
    bodies.push("[".repeat(10_000).into_bytes());
    bodies.push(vec![0xff; 100]);
    bodies.push(vec![b' '; 20_000]);
    bodies.push(format!("{{\"password\": \"{}\", \"email\": \"a@b.cc\"}}", "a".repeat(15_000)).into_bytes());
    bodies
}

#[test]
fn nothing_is_a_500() {
    let door = Door::new();
    let token = door.root();
    door.app.user("ann@example.com", &[]);
    let mut asked = 0;
    for route in route_table() {
        let is_rbac = route.dialect == "rbac";
        if route.alias || (is_rbac && route.path.starts_with("/api/")) {
            continue;
        }
        let has_ids = route.path.contains('{');
        for id in IDS.into_iter().take(if has_ids { IDS.len() } else { 1 }) {
            let path = route
                .path
                .split('/')
                .map(|part| match part.starts_with('{') {
                    // There root would change his own password, which ends his sessions.
                    true if !is_rbac && id == "1" => "2",
                    true => id,
                    false => part,
                })
                .collect::<Vec<_>>()
                .join("/");
            // The root himself stays: user 1 and his session are needed to go on.
            if route.method == "DELETE" && id == "1" || path.contains("revoke_all/1") || path == "/token/revoke_all/" {
                continue;
            }
            let bodies = if route.method == "GET" || id != "1" { vec![Vec::new(), b"{}".to_vec()] } else { bodies() };
            for body in bodies {
                let hint = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
                let request =
                    Request::builder().method(&route.method).uri(&path).header("content-type", "application/json");
                let ends = ["logout/", "token/revoke/"].iter().any(|end| path.ends_with(end));
                let request = if ends && route.guard == Guard::Public {
                    request
                } else {
                    request.header("authorization", format!("Bearer {token}"))
                };
                let reply = door.send(request.body(Body::from(body)).unwrap());
                assert!(reply.status.as_u16() < 500, "{} {path} {hint}: {} {}", route.method, reply.status, reply.text);
                assert!(
                    reply.status != 401 || route.guard == Guard::Public,
                    "{} {path} {hint}: {}",
                    route.method,
                    reply.text
                );
                asked += 1;
            }
        }
    }
    assert!(asked > 500, "{asked}");
}

#[test]
fn queries_are_harmless() {
    let door = Door::new();
    let token = door.root();
    for list in ["users", "roles", "resources", "actions", "permissions", "sessions"] {
        for query in [
            "search=%00",
            "search=%ff",
            "search=%22%27--;*()",
            "search=a&search=b",
            "search=%25_%5C",
            "page=%00",
            "page_size=%ff",
            "ordering=,,,",
            "ordering=id;drop",
            "ordering=--id",
            "&&&==&",
            "user=%00",
            "is_active=",
            "search=NEAR(a",
            "search=%F0%9F%98%80",
            "search=a*",
            "search=OR AND NOT".replace(' ', "+").as_str(),
        ] {
            let reply = door.get(&format!("/{list}/?{query}"), Some(&token));
            assert!(reply.status.as_u16() < 500, "{list}?{query}: {}", reply.text);
        }
    }
}

#[test]
fn strange_credentials_are_401() {
    let door = Door::new();
    let token = door.root();
    for header in ["Bearer", "Bearer  ", "Bearer a b", "bearer x", "Basic eDp5", "Token x", "", "Bearer\tx", "Bearer é"]
    {
        let request =
            Request::builder().uri("/me/").header("authorization", header.as_bytes()).body(Body::empty()).unwrap();
        assert_eq!(door.send(request).status, 401, "{header}");
    }
    let twice = Request::builder()
        .uri("/me/")
        .header("authorization", format!("Bearer {token}"))
        .header("authorization", format!("Bearer {token}"));
    assert_eq!(door.send(twice.body(Body::empty()).unwrap()).json()["code"], "bad_authorization_header");
    let long = Request::builder().uri("/me/").header("authorization", format!("Bearer {}", "a".repeat(5000)));
    assert_eq!(door.send(long.body(Body::empty()).unwrap()).status, 401);
    let cookie = Request::builder()
        .uri(format!("/me/?access={token}&token={token}"))
        .header("cookie", format!("access={token}"));
    assert_eq!(door.send(cookie.body(Body::empty()).unwrap()).status, 401);
}

#[test]
fn bodies_have_a_type_and_an_end() {
    let door = Door::new();
    let send = |media_type: Option<&str>, body: Vec<u8>| {
        let mut request = Request::builder().method("POST").uri("/login/");
        if let Some(media_type) = media_type {
            request = request.header("content-type", media_type);
        }
        door.send(request.body(Body::from(body)).unwrap()).status.as_u16()
    };
    let body = || b"{\"email\": \"a@b.cc\", \"password\": \"x\"}".to_vec();
    for good in [
        "application/json",
        "application/json; charset=utf-8",
        "Application/JSON;charset=\"UTF-8\"",
        "application/merge-patch+json",
    ] {
        assert_eq!(send(Some(good), body()), 401, "{good}");
    }
    for bad in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "",
        "application/json; charset=latin1",
        "json",
        "application/jsonx",
    ] {
        assert_eq!(send(Some(bad), body()), 415, "{bad}");
    }
    assert_eq!(send(None, body()), 415);
    assert_eq!(send(None, Vec::new()), 400);
    assert_eq!(send(Some("application/json"), vec![b'['; 16 * 1024 + 1]), 413);
    assert_eq!(send(Some("application/json"), vec![b'['; 10_000_000]), 413);
}
