//! Forward-auth: every policy for every kind of caller and every method (D-18), against the rules written down once more.

use std::collections::BTreeMap;

use serde_json::json;

use crate::access::callers::{Kind, Standing};
use crate::support::TestApp;
use crate::support::http::{Answer, Client, Server};

const METHODS: [&str; 10] =
    ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "TRACE", "CONNECT"];

/// A server behind a proxy on this machine.
pub fn proxied() -> (TestApp, Server) {
    let app = TestApp::new().behind("127.0.0.1");
    let server = Server::start(&app);
    (app, server)
}

/// What the proxy is told of a request of this method.
fn asked(client: Client, policy: &str, method: &str) -> Answer {
    let client = client.with("X-Forwarded-Method", method).with("X-Forwarded-Uri", "/documents/1/");
    client.get(&format!("/api/auth/forward/?policy={policy}"))
}

/// The status that the rules ask for.
fn expected(kind: Kind, policy: &str, method: &str) -> u16 {
    let action = match method {
        "GET" | "HEAD" => "read",
        "POST" => "create",
        "PUT" | "PATCH" => "update",
        "DELETE" => "delete",
        "OPTIONS" => "",
        _ => return 403,
    };
    if !kind.is_known() && kind != Kind::Anonymous {
        return 401;
    }
    let by = |may: bool| match (may, kind) {
        (true, _) => 200,
        (false, Kind::Anonymous) => 401,
        (false, _) => 403,
    };
    match policy {
        "allow_any" => 200,
        "is_authenticated" => by(kind.is_known()),
        "is_admin" => by(matches!(kind, Kind::Staff | Kind::Superuser)),
        "authenticated_or_read_only" => by(kind.is_known() || action == "read" || action.is_empty()),
        "role:viewer" => by(matches!(kind, Kind::Viewer | Kind::Superuser)),
        "role:admin" => by(matches!(kind, Kind::Admin | Kind::Superuser)),
        _ if action.is_empty() => 200,
        resource => by(kind.may(resource, action)),
    }
}

/// S3-13, S3-16, S4-54, D-7, D-8, R-35, R-36
#[test]
fn every_policy_for_every_caller_and_method() {
    const POLICIES: [&str; 9] = [
        "allow_any",
        "is_authenticated",
        "is_admin",
        "authenticated_or_read_only",
        "role:viewer",
        "role:admin",
        "documents",
        "users",
        "sessions",
    ];
    let mut count = BTreeMap::<u16, u32>::new();
    for kind in Kind::ALL {
        let (app, server) = proxied();
        app.widen();
        let standing = Standing::of(kind, &app, &server);
        for policy in POLICIES {
            for method in METHODS {
                let client = standing.client.clone();
                let answer = asked(client, policy, method);
                let about = format!("{kind:?} {policy} {method}");
                assert_eq!(answer.status, expected(kind, policy, method), "{about}: {answer:?}");
                assert_eq!(answer.header("cache-control"), Some("no-store"), "{about}");
                assert_eq!(answer.header("www-authenticate").is_some(), answer.status == 401, "{about}");
                *count.entry(answer.status).or_default() += 1;
                if answer.status == 200 {
                    let names = ["x-auth-user-id", "x-auth-user-email", "x-auth-roles"];
                    let shown = names.map(|name| answer.header(name).unwrap());
                    assert_eq!(
                        shown.iter().all(|value| value.is_empty()),
                        kind == Kind::Anonymous,
                        "{about}: {shown:?}"
                    );
                    assert_eq!(answer.header("x-auth-reason"), None, "{about}");
                    assert!(answer.body.is_empty(), "{about}");
                } else {
                    assert_eq!(answer.header("x-auth-reason"), Some(answer.text("code").as_str()), "{about}");
                    assert!(!answer.text("detail").is_empty() && answer.header("x-auth-user-id").is_none(), "{about}");
                }
            }
        }
    }
    assert_eq!(count.len(), 3, "{count:?}");
}

#[test]
fn who_it_is_is_told_in_headers() {
    let (app, server) = proxied();
    let id = app.user("ann@example.com", &["viewer", "manager"]);
    let answer = asked(server.bearer(&app.sign_in("ann@example.com").access), "documents", "GET");
    let value = |name: &str| answer.header(name).unwrap().to_owned();
    assert_eq!(value("x-auth-user-id"), id.0.to_string());
    assert_eq!(value("x-auth-user-email"), "ann@example.com");
    let mut roles: Vec<String> = value("x-auth-roles").split(',').map(str::to_owned).collect();
    roles.sort();
    assert_eq!(roles, ["manager", "viewer"]);
    let denied = asked(server.bearer(&app.sign_in("ann@example.com").access), "documents", "DELETE");
    assert_eq!(denied.json()["required"], "documents:delete");
    assert_eq!(denied.text("code"), "permission_denied");
}

/// what a value may hold ends no header and no list.
#[test]
fn values_are_plain_text() {
    let (app, server) = proxied();
    let root = app.superuser("root@example.com");
    let root_client = server.bearer(&app.sign_in("root@example.com").access);
    for (email, shown) in
        [("дом@example.com", "%D0%B4%D0%BE%D0%BC@example.com"), ("a%b@example.com", "a%25b@example.com")]
    {
        let change = root_client.patch(&format!("/users/{}/", root.0), json!({"email": email}));
        if change.status != 200 {
            assert_eq!(change.status, 400, "{change:?}");
            continue;
        }
        let signed_in = server.bearer(&app.sign_in(email).access);
        assert_eq!(asked(signed_in, "is_admin", "GET").header("x-auth-user-email"), Some(shown));
    }
    let (app, server) = proxied();
    let profile = authsrv::domain::users::NewUser {
        username: Some(authsrv::domain::identifiers::Username::parse("no mail").unwrap()),
        is_active: true,
        ..Default::default()
    };
    app.account(profile, &[]);
    let answer = asked(server.bearer(&app.sign_in("no mail").access), "is_authenticated", "POST");
    assert_eq!((answer.status, answer.header("x-auth-user-email")), (200, Some("")));
}

/// An API token is as good as an access token.
#[test]
fn api_tokens_are_taken() {
    let (app, server) = proxied();
    app.user("ann@example.com", &["viewer"]);
    let ann = server.bearer(&app.sign_in("ann@example.com").access);
    let key = ann.post("/api-tokens/", json!({"name": "script"})).text("key");
    assert_eq!(asked(server.anonymous().token(&key), "documents", "GET").status, 200);
    assert_eq!(asked(server.anonymous().token(&key), "documents", "POST").status, 403);
    assert_eq!(asked(server.anonymous().token("nonsense"), "allow_any", "GET").status, 401);
}

/// Both families of headers, and what need not be told.
#[test]
fn the_request_is_told_in_either_way() {
    let (app, server) = proxied();
    app.user("ann@example.com", &["viewer"]);
    let access = app.sign_in("ann@example.com").access;
    let ask = |query: &str, headers: &[(&str, &str)]| {
        let client = headers.iter().fold(server.bearer(&access), |client, (name, value)| client.with(name, value));
        client.get(&format!("/api/auth/forward/?{query}")).status
    };
    let nginx = [("X-Original-Method", "GET"), ("X-Original-URI", "/documents/?page=2")];
    assert_eq!(ask("policy=documents", &nginx), 200);
    assert_eq!(ask("policy=documents", &[("X-Original-Method", "POST")]), 403);
    assert_eq!(ask("policy=documents", &[("X-Forwarded-Method", "GET")]), 200, "the address decides nothing here");
    assert_eq!(ask("policy=documents", &[]), 403, "no method, no right");
    assert_eq!(ask("policy=authenticated_or_read_only", &[]), 403);
    assert_eq!(ask("policy=is_authenticated", &[]), 200, "this needs no method");
    assert_eq!(ask("policy=is_authenticated", &[("X-Forwarded-Uri", "/x")]), 200);
    assert_eq!(ask("policy=documents&path=/documents/", &nginx), 200);
    assert_eq!(ask("policy=documents&path=/documents", &nginx), 200);
    assert_eq!(ask("policy=documents&path=/doc", &nginx), 403);
    assert_eq!(ask("policy=documents&path=/documents/&path=/x/", &nginx), 403, "all must hold");
    assert_eq!(ask("policy=documents&path=/documents/", &[("X-Original-Method", "GET")]), 403, "no address");
    assert_eq!(ask("policy=documents&policy=role:viewer", &nginx), 200);
    assert_eq!(ask("policy=documents,role:viewer,is_authenticated", &nginx), 200);
    assert_eq!(ask("policy=documents,%20role:admin", &nginx), 403, "all must hold");
    assert_eq!(ask("policy=allow_any&policy=is_admin", &nginx), 403, "all must hold");
}
