//! The manners of Django REST framework, which the four dialects share: bodies, renderers, OPTIONS, HEAD, pages, rates.

use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};

use super::{Door, Reply};
use crate::support::PASSWORD;

pub const FORM: &str = "application/x-www-form-urlencoded";
const APP: &str = "https://app.example";

/// A door with these settings.
pub fn with(settings: Value) -> Door {
    let door = Door::new();
    set(&door, settings);
    door
}

/// Changes settings.
pub fn set(door: &Door, settings: Value) {
    let changes: Vec<(String, Option<Value>)> =
        settings.as_object().unwrap().iter().map(|(key, value)| (key.clone(), Some(value.clone()))).collect();
    door.app.operate(|ctx| authsrv::service::settings::change(ctx, &changes)).unwrap();
}

/// A request with these headers.
pub fn ask(door: &Door, line: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Reply {
    let (method, path) = line.split_once(' ').unwrap();
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    door.send(request.body(body.into()).unwrap())
}

/// Status and body.
#[track_caller]
pub fn is(reply: &Reply, status: u16, body: &str) {
    assert_eq!((reply.status.as_u16(), reply.text.as_str()), (status, body), "{reply:?}");
}

/// Makes a user of this name, with an address of the same.
pub fn user(door: &Door, name: &str, roles: &[&str]) -> i64 {
    let profile = authsrv::domain::users::NewUser {
        email: Some(authsrv::domain::identifiers::Email::parse(&format!("{name}@example.com")).unwrap()),
        username: Some(authsrv::domain::identifiers::Username::parse(name).unwrap()),
        is_active: true,
        ..Default::default()
    };
    door.app.account(profile, roles).0
}

/// An access token of this user.
pub fn access(door: &Door, name: &str) -> String {
    door.app.sign_in(name).access
}

/// The four headers of S1-15.
#[track_caller]
pub fn is_secure(reply: &Reply) {
    for (name, value) in [
        ("x-frame-options", "DENY"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
    ] {
        assert_eq!(reply.header(name), value, "S1-15 {name}: {reply:?}");
    }
}

fn login_body() -> Value {
    json!({"username": "ann", "password": PASSWORD})
}

fn multipart(fields: &[(&str, &str)]) -> String {
    let part = |(name, value): &(&str, &str)| {
        format!("--xyz\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    fields.iter().map(part).collect::<String>() + "--xyz--\r\n"
}

/// S3-3: the same in all three forms.
#[test]
fn bodies_in_three_forms() {
    let door = Door::new();
    user(&door, "ann", &[]);
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("username", "ann")
        .append_pair("password", PASSWORD)
        .finish();
    let parts = multipart(&[("username", "ann"), ("password", PASSWORD)]);
    for path in ["/api/token/", "/auth/jwt/create/", "/api/auth/jwt/create/", "/auth/token/login/", "/api-token-auth/"]
    {
        for (kind, body) in [
            ("application/json", login_body().to_string()),
            ("application/json; charset=utf-8", login_body().to_string()),
            (FORM, form.clone()),
            ("application/x-www-form-urlencoded;charset=UTF-8", form.clone()),
            ("multipart/form-data; boundary=xyz", parts.clone()),
            ("multipart/form-data; charset=utf-8; boundary=\"xyz\"", parts.clone()),
        ] {
            let reply = ask(&door, &format!("POST {path}"), &[("content-type", kind)], body);
            assert_eq!(reply.status, 200, "{path} {kind}: {reply:?}");
        }
    }
}

#[test]
fn bodies_of_other_charsets() {
    let door = Door::new();
    let body = |name: &str| json!({"username": name, "password": PASSWORD}).to_string();
    let utf16: Vec<u8> = body("é").encode_utf16().flat_map(u16::to_le_bytes).collect();
    let latin: Vec<u8> = body("ü").chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    for (charset, body, name) in [("utf-16le", utf16, "é"), ("latin-1", latin, "ü")] {
        let kind = format!("application/json; charset={charset}");
        let reply = ask(&door, "POST /auth/users/", &[("content-type", &kind)], body);
        assert_eq!((reply.status.as_u16(), &reply.json()["username"]), (201, &json!(name)), "{charset}: {reply:?}");
    }
}

#[test]
fn bodies_that_are_none() {
    let door = Door::new();
    let post = |kind: &str, body: &str| ask(&door, "POST /api/token/", &[("content-type", kind)], body.to_owned());
    let both = r#"{"username":["This field is required."],"password":["This field is required."]}"#;
    is(&post("application/json", ""), 400, both);
    is(&ask(&door, "POST /api/token/", &[], Body::empty()), 400, both);
    is(&post(FORM, ""), 400, both);
    is(&ask(&door, "POST /api/token/", &[], "{}"), 415, r#"{"detail":"Unsupported media type \"\" in request."}"#);
    is(&post("text/plain", "x"), 415, r#"{"detail":"Unsupported media type \"text/plain\" in request."}"#);
    for (body, kind) in [("[]", "list"), ("\"a\"", "str"), ("5", "int"), ("1.5", "float"), ("true", "bool")] {
        let text = format!(r#"{{"non_field_errors":["Invalid data. Expected a dictionary, but got {kind}."]}}"#);
        is(&post("application/json", body), 400, &text);
    }
    is(&post("application/json", "null"), 400, r#"{"non_field_errors":["No data provided"]}"#);
    let broken = r#"{"detail":"JSON parse error - Expecting value: line 1 column 13 (char 12)"}"#;
    is(&post("application/json", r#"{"username":"#), 400, broken);
    for body in ["{\"username\":NaN}", "\u{feff}{}", "{} x"] {
        let reply = post("application/json", body);
        assert!(reply.status == 400 && reply.text.starts_with(r#"{"detail":"JSON parse error - "#), "{reply:?}");
    }
}

#[test]
fn texts_as_the_original_takes_them() {
    let door = Door::new();
    let register = |body: Value| door.post("/auth/users/", None, &body);
    let number = register(json!({"username": 5, "password": PASSWORD}));
    is(&number, 201, r#"{"email":"","username":"5","id":1}"#);
    for (sent, messages) in [
        (json!(true), "Not a valid string."),
        (json!([]), "Not a valid string."),
        (json!({}), "Not a valid string."),
        (json!(null), "This field may not be null."),
        (json!(""), "This field may not be blank."),
        (json!("   "), "This field may not be blank."),
        (json!("a".repeat(151)), "Ensure this field has no more than 150 characters."),
        (json!("5"), "A user with that username already exists."),
    ] {
        let reply = register(json!({"username": sent, "password": PASSWORD}));
        assert_eq!((reply.status.as_u16(), reply.json()), (400, json!({"username": [messages]})), "{sent}");
    }
    let many = register(json!({"username": "a b", "email": "x", "password": null}));
    let fields: Vec<String> = many.json().as_object().unwrap().keys().cloned().collect();
    assert_eq!(fields, ["email", "username", "password"], "all at once, in the order of the form: {many:?}");
    let weak = register(json!({"username": "password1", "password": "password1"}));
    assert_eq!(
        weak.json(),
        json!({"password": ["The password is too similar to the username.", "This password is too common."]})
    );
    let digits = register(json!({"username": "bob", "password": "184"}));
    let said =
        ["This password is too short. It must contain at least 8 characters.", "This password is entirely numeric."];
    assert_eq!(digits.json(), json!({ "password": said }));
}

#[test]
fn renderers_are_chosen_as_there() {
    let door = Door::new();
    user(&door, "ann", &[]);
    let token = format!("Bearer {}", access(&door, "ann"));
    let get = |path: &str, accept: Option<&str>| {
        let mut headers = vec![("authorization", token.as_str())];
        headers.extend(accept.map(|accept| ("accept", accept)));
        ask(&door, &format!("GET {path}"), &headers, Body::empty())
    };
    let me = r#"{"email":"ann@example.com","id":1,"username":"ann"}"#;
    for accept in [
        None,
        Some("*/*"),
        Some("application/json"),
        Some("application/*"),
        Some("APPLICATION/JSON"),
        Some("text/plain, application/json;q=0.1"),
        Some("application/json; charset=utf-8"),
    ] {
        let reply = get("/auth/users/me/", accept);
        is(&reply, 200, me);
        assert_eq!((reply.header("content-type"), reply.header("vary")), ("application/json", "Accept"), "{accept:?}");
    }
    for accept in ["", "text/plain", "application/xml", "nonsense"] {
        let refused = get("/auth/users/me/", Some(accept));
        is(&refused, 406, r#"{"detail":"Could not satisfy the request Accept header."}"#);
        assert_eq!(refused.header("allow"), "GET, PUT, PATCH, DELETE, HEAD, OPTIONS", "{accept:?}");
    }
    let indented = "{\n    \"email\": \"ann@example.com\",\n    \"id\": 1,\n    \"username\": \"ann\"\n}";
    is(&get("/auth/users/me/", Some("application/json; indent=4")), 200, indented);
    for path in ["/auth/users/me/?format=json", "/auth/users/me.json", "/auth/users/me.json/", "/auth/users/1.json"] {
        is(&get(path, None), 200, me);
    }
    for path in ["/auth/users/me/?format=xml", "/auth/users/me.xml", "/auth/users/me/?format=json&format=csv"] {
        is(&get(path, None), 404, r#"{"detail":"Not found."}"#);
    }
    is(&get("/auth/users/me.json?format=xml", None), 200, me);
    is(
        &get("/auth/users/me/?format=json", Some("text/html")),
        406,
        r#"{"detail":"Could not satisfy the request Accept header."}"#,
    );
    assert!(get("/auth/users/me/", Some("text/html")).header("content-type").starts_with("text/html"));
    let json_only = ask(&door, "POST /api-token-auth/", &[("accept", "text/html")], Body::empty());
    assert_eq!(json_only.status, 406, "{json_only:?}");
}

/// A renderer comes before the credentials, those before the method, and that before the body.
#[test]
fn a_request_is_judged_in_order() {
    let door = Door::new();
    let token = format!("Bearer {}", {
        user(&door, "ann", &[]);
        access(&door, "ann")
    });
    is(
        &ask(&door, "PUT /auth/users/", &[("accept", "x/y")], "{"),
        406,
        r#"{"detail":"Could not satisfy the request Accept header."}"#,
    );
    let unauthenticated = r#"{"detail":"Authentication credentials were not provided."}"#;
    is(&ask(&door, "PUT /auth/users/", &[], "{"), 401, unauthenticated);
    is(&ask(&door, "OPTIONS /auth/users/", &[], Body::empty()), 401, unauthenticated);
    is(
        &ask(&door, "PUT /auth/users/", &[("authorization", &token)], "{"),
        405,
        r#"{"detail":"Method \"PUT\" not allowed."}"#,
    );
    let bad = ask(&door, "POST /auth/users/", &[("authorization", "Bearer x.y.z")], "{");
    let told = r#"{"detail":"Given token not valid for any token type","code":"token_not_valid","messages":[{"token_class":"AccessToken","token_type":"access","message":"Token is invalid"}]}"#;
    is(&bad, 401, told);
    assert_eq!(bad.header("www-authenticate"), "Bearer realm=\"api\"");
    let ignored = ask(&door, "POST /api/token/verify/", &[("authorization", "Bearer x"), ("content-type", FORM)], "");
    is(&ignored, 400, r#"{"token":["This field is required."]}"#);
    is(&ask(&door, "GET /api/token/", &[], Body::empty()), 405, r#"{"detail":"Method \"GET\" not allowed."}"#);
    let nowhere = ask(&door, "GET /auth/nowhere/", &[], Body::empty());
    assert_eq!((nowhere.status.as_u16(), nowhere.header("allow")), (404, ""));
}

#[test]
fn options_describe_the_view() {
    let door = Door::new();
    let metadata = ask(&door, "OPTIONS /api/token/refresh/", &[], Body::empty());
    is(
        &metadata,
        200,
        "{\"name\":\"Token Refresh\",\"description\":\"Takes a refresh type JSON web token and returns an access type JSON web\\ntoken if the refresh token is valid.\",\"renders\":[\"application/json\",\"text/html\"],\"parses\":[\"application/json\",\"application/x-www-form-urlencoded\",\"multipart/form-data\"],\"actions\":{\"POST\":{\"refresh\":{\"type\":\"string\",\"required\":true,\"read_only\":false,\"label\":\"Refresh\"},\"access\":{\"type\":\"string\",\"required\":false,\"read_only\":true,\"label\":\"Access\"}}}}",
    );
    assert_eq!((metadata.header("allow"), metadata.header("vary")), ("POST, OPTIONS", "Accept"), "S1-18");
    is_secure(&metadata);
    let one = ask(&door, "OPTIONS /api-token-auth/", &[], Body::empty());
    assert_eq!((&one.json()["renders"], one.header("vary")), (&json!(["application/json"]), ""));
    user(&door, "ann", &[]);
    let token = access(&door, "ann");
    let users = door.ask("OPTIONS", "/auth/users/", Some(&token), None);
    let fields: Vec<String> = users.json()["actions"]["POST"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(fields, ["email", "id", "username"], "those of an account, whatever the action takes");
}

#[test]
fn head_is_get_without_a_body() {
    let door = Door::new();
    user(&door, "ann", &[]);
    let token = access(&door, "ann");
    for path in [
        "/auth/",
        "/auth/users/",
        "/auth/users/me/",
        "/auth/users/1/",
        "/auth/users/9/",
        "/api/v1/",
        "/api/v1/account/",
        "/api/v1/account/1/",
    ] {
        let (get, head) = (door.get(path, Some(&token)), door.ask("HEAD", path, Some(&token), None));
        assert_eq!((head.status, head.text.as_str()), (get.status, ""), "{path}");
        for name in ["content-type", "allow", "vary", "content-length"] {
            assert_eq!(head.header(name), get.header(name), "{path} {name}");
        }
    }
    assert_eq!(ask(&door, "HEAD /api/token/", &[], Body::empty()).status, 405);
}

#[test]
fn lists_in_pages_by_number() {
    let door = Door::new();
    for name in ["ann", "bob", "cid"] {
        user(&door, name, if name == "ann" { &["viewer"] } else { &[] });
    }
    let token = access(&door, "ann");
    let bare = door.get("/auth/users/", Some(&token));
    assert_eq!(bare.json().as_array().unwrap().len(), 3, "a bare array unless a setting says otherwise: {bare:?}");
    set(&door, json!({"drf.page_size": 2}));
    let page = |query: &str| door.get(&format!("/auth/users/{query}"), Some(&token));
    let first = page("");
    let names: Vec<String> = first.json().as_object().unwrap().keys().cloned().collect();
    assert_eq!(names, ["count", "next", "previous", "results"]);
    assert_eq!((&first.json()["count"], &first.json()["previous"]), (&json!(3), &json!(null)));
    assert_eq!(first.json()["next"], "http://testserver/auth/users/?page=2");
    for query in ["?page=2", "?page=last"] {
        let last = page(query).json();
        assert_eq!(
            (&last["next"], &last["previous"]),
            (&json!(null), &json!("http://testserver/auth/users/")),
            "{query}"
        );
        assert_eq!(last["results"].as_array().unwrap().len(), 1);
    }
    assert_eq!(page("?page=").json()["next"], first.json()["next"]);
    assert_eq!(page("?x=1").json()["next"], "http://testserver/auth/users/?page=2&x=1", "by name");
    for query in ["?page=0", "?page=3", "?page=-1", "?page=x", "?page=1e1", "?page=99999999999999999999"] {
        is(&page(query), 404, r#"{"detail":"Invalid page."}"#);
    }
    let suffixed = door.get("/auth/users.json", Some(&token));
    assert_eq!(suffixed.json()["next"], "http://testserver/auth/users.json?page=2");
}

#[test]
fn lists_by_limit_and_offset() {
    let door = with(json!({"drf.page_size": 2, "drf.pagination": "limit_offset"}));
    for name in ["ann", "bob", "cid", "dan", "eve"] {
        user(&door, name, if name == "ann" { &["viewer"] } else { &[] });
    }
    let token = access(&door, "ann");
    let page = |query: &str| door.get(&format!("/api/v1/account/{query}"), Some(&token)).json();
    let base = "http://testserver/api/v1/account/";
    assert_eq!(page("")["next"], format!("{base}?limit=2&offset=2"));
    assert_eq!(page("?limit=2&offset=2")["previous"], format!("{base}?limit=2"));
    assert_eq!(page("?limit=2&offset=3")["previous"], format!("{base}?limit=2&offset=1"));
    assert_eq!(page("?limit=9")["results"].as_array().unwrap().len(), 5);
    for query in ["?limit=x", "?limit=0", "?limit=-1", "?offset=x", "?offset=-1", "?limit=99999999999999999999"] {
        assert_eq!(page(query)["results"].as_array().unwrap().len(), 2, "{query}");
    }
    assert_eq!(page("?offset=9223372036854775807")["results"], json!([]), "beyond the end there is nothing");
}

#[test]
fn authenticators_go_by_the_setting() {
    let door = Door::new();
    user(&door, "ann", &[]);
    let key = door.post("/auth/token/login/", None, &login_body()).json()["auth_token"].as_str().unwrap().to_owned();
    let (token, bearer) = (format!("Token {key}"), format!("Bearer {}", access(&door, "ann")));
    let status = |credentials: &str| {
        ask(&door, "GET /auth/users/me/", &[("authorization", credentials)], Body::empty()).status.as_u16()
    };
    let anonymous = || ask(&door, "GET /auth/users/me/", &[], Body::empty());
    assert_eq!((status(&token), status(&bearer)), (200, 200));
    set(&door, json!({"drf.authenticators": "token"}));
    assert_eq!((status(&token), status(&bearer)), (200, 401));
    assert_eq!(anonymous().header("www-authenticate"), "Token");
    set(&door, json!({"drf.authenticators": "jwt"}));
    assert_eq!((status(&token), status(&bearer)), (401, 200));
    assert_eq!(anonymous().header("www-authenticate"), "Bearer realm=\"api\"");
    set(&door, json!({"drf.authenticators": "session,jwt"}));
    let refused = anonymous();
    is(&refused, 403, r#"{"detail":"Authentication credentials were not provided."}"#);
    assert_eq!((refused.header("www-authenticate"), refused.header("vary")), ("", "Accept, Cookie"));
    assert_eq!((status(&token), status(&bearer), status("Bearer x.y.z")), (403, 200, 403));
    let failed = door.post("/api/token/", None, &json!({"username": "ann", "password": "wrong"}));
    assert_eq!(failed.status, 401, "views without authenticators go on saying 401");
    set(&door, json!({"drf.authenticators": "jwt,session"}));
    assert_eq!(
        (anonymous().status.as_u16(), anonymous().header("vary").to_owned()),
        (401, "Accept, Cookie".to_owned())
    );
}

/// S3-30: keywords are as they are spelt.
#[test]
fn header_types_go_by_the_setting() {
    let door = Door::new();
    user(&door, "ann", &[]);
    let access = access(&door, "ann");
    let shown = |keyword: &str| {
        let header = format!("{keyword} {access}");
        ask(&door, "GET /auth/users/me/", &[("authorization", &header)], Body::empty()).status.as_u16()
    };
    assert_eq!((shown("Bearer"), shown("bearer"), shown("JWT")), (200, 401, 401));
    set(&door, json!({"simplejwt.auth_header_types": "JWT,Bearer"}));
    assert_eq!((shown("Bearer"), shown("JWT"), shown("jwt")), (200, 200, 401));
    let malformed = ask(&door, "GET /auth/users/me/", &[("authorization", "JWT a b")], Body::empty());
    is(
        &malformed,
        401,
        r#"{"detail":"Authorization header must contain two space-delimited values","code":"bad_authorization_header"}"#,
    );
}

/// S3-20 … S3-22 on these routes, with the body of the original.
#[test]
fn rates_count_here_too() {
    let door = with(json!({"throttle.rates": "anon=3/minute,user=3/minute"}));
    for _ in 0..3 {
        let failed = door.post("/api/token/", None, &json!({"username": "ann", "password": "wrong"}));
        assert_eq!(failed.status, 401);
    }
    for (method, path) in [
        ("POST", "/api/token/"),
        ("POST", "/auth/users/"),
        ("POST", "/api/v1/account/"),
        ("OPTIONS", "/api/token/"),
        ("PUT", "/api/token/"),
        ("POST", "/api/auth/users/"),
        ("POST", "/api/auth/logout/"),
    ] {
        let refused = ask(&door, &format!("{method} {path}"), &[], Body::empty());
        is(&refused, 429, r#"{"detail":"Request was throttled. Expected available in 60 seconds."}"#);
        assert_eq!(refused.header("retry-after"), "60", "{path}");
        assert!(!refused.header("allow").is_empty(), "{path}");
    }
    user(&door, "ann", &[]);
    let token = access(&door, "ann");
    for _ in 0..3 {
        assert_eq!(door.get("/auth/users/me/", None).status, 401, "what is refused for its caller does not count");
    }
    assert_eq!(door.get("/auth/users/me/", Some(&token)).status, 200);
    assert_eq!(door.get("/me/", Some(&token)).status, 200, "one rate over all dialects");
    assert_eq!(door.ask("PUT", "/auth/users/", Some(&token), None).status, 405, "a wrong method counts");
    assert_eq!(door.get("/auth/users/me/", Some(&token)).status, 429);
    door.app.clock.advance(Duration::from_secs(60));
    assert_eq!(door.get("/auth/users/me.json", Some(&token)).status, 200);
}

#[test]
fn a_suffix_does_not_leave_the_scope_of_a_rate() {
    let door = with(json!({"throttle.rates": "ten=1/minute", "throttle.scopes": "ten=/auth/users/"}));
    assert_eq!(door.post("/auth/users/", None, &json!({})).status, 400);
    for path in ["/auth/users", "/auth/users.json", "/auth/users.json/", "/auth/users/?format=json"] {
        assert_eq!(door.post(path, None, &json!({})).status, 429, "{path}");
    }
}

#[test]
fn pages_of_other_origins_may_call_them() {
    let door = with(json!({"cors.origins": [APP]}));
    for (path, methods) in [
        ("/auth/users/", "GET, POST, HEAD, OPTIONS"),
        ("/auth/users.json", "GET, POST, HEAD, OPTIONS"),
        ("/api/auth/users/", "GET, POST, HEAD, OPTIONS"),
        ("/api/token/", "POST, OPTIONS"),
        ("/api-token-auth/", "POST, OPTIONS"),
        ("/api/v1/account/1/", "GET, PUT, PATCH, DELETE, HEAD, OPTIONS"),
        ("/api/v1/account/remove/1/", "DELETE, OPTIONS"),
    ] {
        let headers = [
            ("origin", APP),
            ("access-control-request-method", "POST"),
            ("access-control-request-headers", "authorization"),
        ];
        let reply = ask(&door, &format!("OPTIONS {path}"), &headers, Body::empty());
        is(&reply, 204, "");
        assert_eq!(reply.header("access-control-allow-methods"), methods, "{path}");
        let real = ask(&door, &format!("POST {path}"), &[("origin", APP)], Body::empty());
        assert_eq!(real.header("access-control-allow-origin"), APP, "{path}: {real:?}");
        assert!(real.header("vary").split(", ").any(|name| name == "Origin"), "{path}: {real:?}");
    }
}

#[test]
fn methods_are_not_overridden() {
    let door = Door::new();
    user(&door, "ann", &[]);
    let header = format!("Bearer {}", access(&door, "ann"));
    for name in ["x-http-method-override", "x-http-method", "x-method-override"] {
        let headers = [("authorization", header.as_str()), (name, "DELETE"), ("content-type", FORM)];
        let form = format!("_method=DELETE&current_password={PASSWORD}");
        let reply = ask(&door, "POST /auth/users/me/?_method=DELETE", &headers, form);
        assert_eq!(reply.status, 405, "{name}: {reply:?}");
    }
    assert_eq!(door.get("/auth/users/me/", Some(&access(&door, "ann"))).status, 200);
}
