//! Bodies that are not what a route asks for: every field of every operation in the OpenAPI document in every wrong form,
//! and bodies that are no JSON at all. No answer may be a fault of the server, none may be late.

use std::time::{Duration, Instant};

use authsrv::http::{Guard, route_table};
use serde_json::{Map, Value, json};

use super::wire::{Wire, request};
use super::{Site, refused, survived};
use crate::support::PASSWORD;
use crate::support::http::{Answer, Client};

/// From here on an answer is late. Whatever made the server wait for more would take its ten seconds.
const LATE: Duration = Duration::from_secs(8);

/// An operation that takes a body.
struct Operation {
    method: String,
    /// With ids in it.
    path: String,
    /// Names of the fields.
    fields: Vec<String>,
    public: bool,
    /// Whether keys that it does not know are passed over: so in every dialect but the RBAC one.
    lenient: bool,
}

/// A value as JSON text, since some have no other form.
fn wrong_values() -> Vec<String> {
    let mut all: Vec<String> = [
        "null",
        "0",
        "-1",
        "1.5",
        "1e308",
        "9223372036854775807",
        "9223372036854775808",
        "-9223372036854775809",
        "123456789012345678901234567890",
        "true",
        "false",
        "[]",
        "[[]]",
        "[null]",
        "[1, \"a\", {}]",
        "{}",
        "{\"a\": 1}",
        "\"\"",
        "\" \"",
        "\"\\u0000\"",
        "\"a\\u0000b\"",
        "\"\\ud800\"",
        "\"\\udc00\\ud800\"",
        "\"\\uD83D\"",
        "\"\u{202e}\u{200b}\u{feff}\"",
        "\"\u{fffe}\u{10ffff}\"",
        "\"\\\\\\\"\"",
        "\"' OR 1=1--\"",
        "\"%00%s%n\"",
        "\"../../x\"",
        "\"{{7*7}}\"",
        "\"<script>\"",
        "\"\\r\\nX: y\"",
        "\"0000-00-00T00:00:00Z\"",
        "\"9999-12-31T23:59:59.999999999+23:59\"",
        "\"0001-01-01T00:00:00+14:00\"",
        "\"+262143-1\"",
        "\"2024-02-30T25:61:61Z\"",
        "\"١٢٣\"",
        "\"a@\"",
        "\"@\"",
        "\"a@b@c\"",
        "\"+\"",
        "\"+٧١٢٣٤٥٦٧٨٩٠\"",
        "\"a:b\"",
        "\":\"",
        "\"::\"",
        "\"all\"",
        "\"inf\"",
        "\"NaN\"",
    ]
    .map(str::to_owned)
    .into();
    all.push(format!("\"{}\"", "x".repeat(10_000)));
    all.push(format!("\"{}\"", "\u{1F4A9}".repeat(2_500)));
    all.push(format!("\"{}\"", "a\u{301}\u{302}".repeat(1_000)));
    all.push(format!("\"{}\"", "\u{fdfa}".repeat(2_000)));
    all.push(format!("[{}1]", "1,".repeat(3_000)));
    all.push(format!("{}{}", "[".repeat(5_000), "]".repeat(5_000)));
    all.push("{\"a\":".repeat(40) + "1" + &"}".repeat(40));
    all
}

/// A sensible value, so that the wrong one beside it is reached.
fn sensible(field: &str) -> Value {
    match field {
        "email" => json!("fuzz@example.com"),
        "phone" => json!("+71234567890"),
        "password" | "password2" | "new_password" | "new_password2" => json!(PASSWORD),
        // Never right, so that no password is changed by all this.
        "current_password" => json!("Wrong-1-password"),
        "code_name" => json!("fuzz"),
        "resource" => json!("projects"),
        "action" => json!("read"),
        "role" => json!("viewer"),
        "permission" => json!("projects:read"),
        "permissions" => json!(["projects:read"]),
        "roles" => json!(["viewer"]),
        "refresh" => json!("a.b.c"),
        "is_active" => json!(true),
        "is_staff" | "is_superuser" => json!(false),
        "user" => json!(2),
        _ => json!("fuzz"),
    }
}

/// Names of the properties of a schema, through references and alternatives.
fn properties(document: &Value, schema: &Value, found: &mut Vec<String>) {
    if let Some(name) = schema["$ref"].as_str().and_then(|text| text.strip_prefix("#/components/schemas/")) {
        return properties(document, &document["components"]["schemas"][name], found);
    }
    for name in schema["properties"].as_object().into_iter().flat_map(Map::keys) {
        if !found.contains(name) {
            found.push(name.clone());
        }
    }
    for key in ["anyOf", "oneOf", "allOf"] {
        for one in schema[key].as_array().into_iter().flatten() {
            properties(document, one, found);
        }
    }
    if schema["items"].is_object() {
        properties(document, &schema["items"], found);
    }
}

/// All operations with a body; those of the RBAC dialect under `/api/auth/` are the same as under `/`.
fn operations(site: &Site) -> Vec<Operation> {
    let routes = route_table();
    let document = site.server.anonymous().get("/api/schema/").json();
    // S1's registration has its path from S4 (D-2).
    let (registration, fields) = ("/api/auth/users/".to_owned(), ["email", "phone", "password"].map(str::to_owned));
    let registration =
        Operation { method: "POST".into(), path: registration, fields: fields.into(), public: true, lenient: true };
    let mut all = vec![registration];
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let route = routes.iter().find(|route| {
                route.path.trim_end_matches('/') == path.trim_end_matches('/')
                    && route.method.as_str().eq_ignore_ascii_case(method)
            });
            let route = route.unwrap_or_else(|| panic!("{method} {path} is no route"));
            let lenient = route.dialect != "rbac";
            if route.alias || (!lenient && path.starts_with("/api/auth/")) {
                continue;
            }
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
            if schema.is_null() {
                continue;
            }
            let mut fields = Vec::new();
            properties(&document, schema, &mut fields);
            if path == "/settings/" {
                fields = site.root().get("/settings/").json().as_object().unwrap().keys().cloned().collect();
            }
            let public = route.guard == Guard::Public;
            let path = match path.as_str() {
                "/resources/{id}/" => "/resources/12/".to_owned(),
                "/actions/{id}/" => "/actions/7/".to_owned(),
                "/permissions/{id}/" => "/permissions/999/".to_owned(),
                other => other.replace("{id}", "2").replace("{user_id}", "2"),
            };
            all.push(Operation { method: method.to_uppercase(), path, fields, public, lenient });
        }
    }
    assert!(all.len() >= 20, "the document has bodies: {}", all.len());
    all
}

fn site() -> Site {
    let site = Site::new();
    site.app.widen();
    site.app.superuser("root@example.com");
    site.app.user("ann@example.com", &["viewer"]);
    site
}

fn send(client: &Client, operation: &Operation, body: impl Into<Vec<u8>>, about: &str) -> Answer {
    let (body, begun) = (body.into(), Instant::now());
    let answer = client.send(&operation.method, &operation.path, Some(("application/json", body)));
    let about = format!("{} {} {about}", operation.method, operation.path);
    survived(&answer, &about);
    assert!(begun.elapsed() < LATE, "R-51: late: {about}: {:?}", begun.elapsed());
    answer
}

fn caller(site: &Site, operation: &Operation) -> Client {
    if operation.public { site.server.anonymous() } else { site.root() }
}

#[test]
fn every_field_of_every_operation_in_every_wrong_form() {
    let site = site();
    let values = wrong_values();
    for operation in operations(&site) {
        let mut client = caller(&site, &operation);
        assert!(!operation.fields.is_empty(), "{} {}", operation.method, operation.path);
        for field in &operation.fields {
            for value in &values {
                let mut body = Map::new();
                if operation.path != "/settings/" {
                    body.extend(operation.fields.iter().map(|name| (name.clone(), sensible(name))));
                }
                body.shift_remove(field);
                let text = Value::Object(body).to_string();
                let comma = if text == "{}" { "" } else { "," };
                let text = text.replacen('{', &format!("{{\"{field}\":{value}{comma}"), 1);
                let shown: String = value.chars().take(60).collect();
                let answer = send(&client, &operation, text, &format!("{field}: {shown}"));
                // A setting such as the audience may end the caller's own token; it has been obeyed.
                if answer.status == 200 && operation.path == "/settings/" {
                    site.app.widen();
                    client = caller(&site, &operation);
                }
                assert!(answer.status != 401 || operation.public, "{} {}", operation.method, operation.path);
            }
        }
        // Whatever of it was taken does not stay.
        if operation.path == "/settings/" {
            let all = site.root().get("/settings/").json();
            // the trail is shortened at the command line alone.
            let keys = all.as_object().unwrap().keys().filter(|key| *key != "audit.retention");
            let reset: Map<String, Value> = keys.map(|key| (key.clone(), Value::Null)).collect();
            let answer = site.root().patch("/settings/", Value::Object(reset));
            assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
            site.app.widen();
        }
        site.lives();
    }
}

#[test]
fn bodies_that_are_no_json_or_not_the_right_one() {
    let site = site();
    let utf16: Vec<u8> = "{\"email\":\"a\"}".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let wrong: Vec<(&str, Vec<u8>)> = vec![
        ("a list", b"[]".to_vec()),
        ("a list of lists", b"[[]]".to_vec()),
        ("a text", b"\"x\"".to_vec()),
        ("a number", b"1".to_vec()),
        ("null", b"null".to_vec()),
        ("true", b"true".to_vec()),
        ("blanks", b"  \r\n\t ".to_vec()),
        ("half a body", b"{\"email\":".to_vec()),
        ("a brace", b"{".to_vec()),
        ("a trailing comma", b"{\"a\":1,}".to_vec()),
        ("single quotes", b"{'a':1}".to_vec()),
        ("a comment", b"{/* */}".to_vec()),
        ("no UTF-8", b"{\"a\":\"\xff\xfe\"}".to_vec()),
        ("half a character", b"{\"a\":\"\xf0\x9f\"}".to_vec()),
        ("a surrogate in UTF-8", b"{\"a\":\"\xed\xa0\x80\"}".to_vec()),
        ("an overlong slash", b"{\"a\":\"\xc0\xaf\"}".to_vec()),
        ("UTF-16", utf16.clone()),
        ("UTF-16 with its mark", [b"\xff\xfe".as_slice(), &utf16].concat()),
        ("a mark", b"\xef\xbb\xbf{}".to_vec()),
        ("something behind", b"{}x".to_vec()),
        ("another body behind", b"{}{}".to_vec()),
        ("NUL behind", b"{}\0".to_vec()),
        ("a key twice", b"{\"a\":1,\"a\":2}".to_vec()),
        ("NaN", b"{\"a\":NaN}".to_vec()),
        ("1e999", b"{\"a\":1e999}".to_vec()),
        ("-1e999", b"{\"a\":-1e999}".to_vec()),
        ("01", b"{\"a\":01}".to_vec()),
        ("0x1", b"{\"a\":0x1}".to_vec()),
        ("a line break in a text", b"{\"a\":\"\n\"}".to_vec()),
        ("5000 digits", format!("{{\"a\":{}}}", "9".repeat(5_000)).into_bytes()),
        ("5000 lists", format!("{}{}", "[".repeat(5_000), "]".repeat(5_000)).into_bytes()),
        ("100000 lists", format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)).into_bytes()),
        ("100000 open lists", "[".repeat(100_000).into_bytes()),
        ("16 KiB of objects", "{\"a\":".repeat(3_000).into_bytes()),
        ("33 levels", format!("{{\"a\":{}{}}}", "[".repeat(33), "]".repeat(33)).into_bytes()),
        (
            "2000 keys",
            format!("{{{}\"z\":1}}", (0..1_500).map(|at| format!("\"k{at}\":1,")).collect::<String>()).into_bytes(),
        ),
        ("a key of 10k", format!("{{\"{}\":1}}", "k".repeat(10_000)).into_bytes()),
        ("an unknown key", b"{\"__proto__\":{}}".to_vec()),
        ("an empty key", b"{\"\":1}".to_vec()),
        ("gzip", b"\x1f\x8b\x08\0\0\0\0\0\0\x03\xab\xae\x05\0\x43\xbf\xa6\xa3\x02\0\0\0".to_vec()),
        ("17 KiB", vec![b' '; 17 * 1024]),
        ("1 MB", vec![b' '; 1024 * 1024]),
    ];
    for operation in operations(&site) {
        let client = caller(&site, &operation);
        for (about, body) in &wrong {
            let answer = send(&client, &operation, body.clone(), about);
            let is_object = serde_json::from_slice::<Value>(body).is_ok_and(|body| body.is_object());
            let may_be_taken = about.starts_with("a list") || *about == "blanks" || (operation.lenient && is_object);
            assert!(may_be_taken || (400..500).contains(&answer.status), "R-47: {} {about}", operation.path);
            let is_long = body.len() > 16 * 1024;
            // What is not there is not there, whatever the body.
            let is_missing = answer.status == 404 && operation.path.contains("999");
            assert!(is_missing || (answer.status == 413) == is_long, "R-51: {} {about}: {answer:?}", operation.path);
        }
        send(&client, &operation, "", "nothing");
        send(&client, &operation, "{}", "an empty object");
        site.lives();
    }
}

#[test]
fn media_types_that_are_not_json() {
    let site = site();
    let body = json!({"email": "ann@example.com", "password": PASSWORD}).to_string().into_bytes();
    let long = format!("application/{}", "x".repeat(5_000));
    for kind in [
        "text/plain",
        "text/json",
        "text/html",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "multipart/form-data",
        "application/xml",
        "application/jsonx",
        "application/json2",
        "json",
        "",
        "application/",
        "/json",
        "application/json; charset=utf-16",
        "application/json; charset=latin1",
        "application/json;charset=\"utf-16le\"",
        "application/json, text/plain",
        "text/plain, application/json",
        "application/json\u{0}".trim_end_matches('\0'),
        "*/*",
        "application/*",
        "application/octet-stream",
        "application/msgpack",
        "é",
        long.as_str(),
    ] {
        let answer = site.server.anonymous().send("POST", "/login/", Some((kind, body.clone())));
        if kind.starts_with("application/json")
            && !kind.contains("utf-16")
            && !kind.contains("latin1")
            && !kind.contains(',')
            && kind.len() == 16
        {
            assert_eq!(answer.status, 200, "{kind}");
        } else {
            assert_eq!(answer.status, 415, "{kind}: {answer:?}");
            refused(&answer, kind);
        }
    }
    for kind in [
        "application/json",
        "APPLICATION/JSON",
        "application/json; charset=UTF-8",
        "application/json;charset=\"utf-8\"",
    ] {
        let answer = site.server.anonymous().send("POST", "/login/", Some((kind, body.clone())));
        assert_eq!(answer.status, 200, "{kind}: {answer:?}");
    }
    for headers in [
        format!("Content-Length: {}\r\n", body.len()),
        format!("Content-Type: application/json\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n", body.len()),
        format!(
            "Content-Type: application/json\r\nContent-Type: application/json\r\nContent-Length: {}\r\n",
            body.len()
        ),
    ] {
        let mut wire = Wire::to(site.server.address);
        let answer = wire.send(request("POST", "/login/", &headers)).send(&body).answer().unwrap();
        assert_eq!(answer.status, 415, "{headers}: {answer:?}");
        refused(&answer, &headers);
    }
    // A body that says it is packed is not unpacked, so that it cannot grow.
    let headers =
        format!("Content-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n", body.len());
    let mut wire = Wire::to(site.server.address);
    let answer = wire.send(request("POST", "/login/", &headers)).send(&body).answer().unwrap();
    survived(&answer, "gzip");
}

#[test]
fn bodies_too_long_are_refused_and_hold_nobody_up() {
    let site = site();
    let address = site.server.address;
    let ten = vec![b' '; 10 * 1024 * 1024];
    let json = "Content-Type: application/json\r\n";
    for path in ["/login/", "/users/", "/nowhere", "/healthz", "/token/refresh/"] {
        let begun = Instant::now();
        let mut wire = Wire::to(address);
        wire.send(request("POST", path, &format!("{json}Content-Length: {}\r\n", ten.len()))).send(&ten);
        let answer = wire.answer().unwrap_or_else(|| panic!("no answer at {path}"));
        assert!([401, 404, 405, 413].contains(&answer.status), "{path}: {answer:?}");
        refused(&answer, path);
        assert!(begun.elapsed() < LATE, "{path}: {:?}", begun.elapsed());
        let begun = Instant::now();
        let mut wire = Wire::to(address);
        wire.send(request("POST", path, &format!("{json}Transfer-Encoding: chunked\r\n")));
        let chunk = [b"10000\r\n".as_slice(), &[b' '; 0x10000], b"\r\n"].concat();
        for _ in 0..160 {
            wire.send(&chunk);
        }
        let answer = wire.send("0\r\n\r\n").answer();
        // A server that hangs up on so much may be heard or not.
        if let Some(answer) = answer {
            assert!([401, 404, 405, 413].contains(&answer.status), "{path}: {answer:?}");
            refused(&answer, path);
        }
        assert!(begun.elapsed() < LATE, "{path}: {:?}", begun.elapsed());
    }
    // It is enough to say so.
    for length in ["16385", "10000000", "9223372036854775807", "18446744073709551615"] {
        let mut wire = Wire::to(address);
        let headers = format!("{json}Expect: 100-continue\r\nContent-Length: {length}\r\n");
        let answer = wire.send(request("POST", "/login/", &headers)).answer().unwrap();
        assert!([400, 413].contains(&answer.status), "{length}: {answer:?}");
        refused(&answer, length);
        assert!(wire.is_over(), "{length}");
    }
    site.lives();
}
