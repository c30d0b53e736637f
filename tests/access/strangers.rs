//! Where two systems share a path, and where a setting opens a dialect: who shows nothing is judged by more than the route.

use authsrv::http::route_table;
use authsrv::service::settings;
use serde_json::json;

use super::callers::{Kind, Standing};
use super::requests::{Stage, examples};
use super::{expected, fill, name};
use crate::support::http::{Client, Server};
use crate::support::{PASSWORD, TestApp};

/// D-2: who shows nothing registers as S1 has it, who shows anything creates as S4 has it, by his rights.
#[test]
fn one_path_of_two_systems() {
    let app = TestApp::new();
    let server = Server::start(&app);
    let register = |email: &str| json!({"email": email, "password": PASSWORD});
    for (path, email) in [("/api/auth/users/", "ann@example.com"), ("/api/auth/users", "bob@example.com")] {
        let made = server.anonymous().post(path, register(email));
        assert_eq!(made.status, 201, "S1-8: {made:?}");
        let keys: Vec<String> = made.json().as_object().unwrap().keys().cloned().collect();
        assert_eq!(keys, ["id", "username", "email", "phone", "is_active", "is_superuser"], "S1-10");
        assert_eq!(server.anonymous().post("/users/", register("eve@example.com")).status, 401, "S4's alone");
        for (kind, status) in [
            (Kind::Garbage, 401),
            (Kind::Expired, 401),
            (Kind::NoRoles, 403),
            (Kind::Viewer, 403),
            (Kind::Staff, 403),
            (Kind::Admin, 201),
            (Kind::Superuser, 201),
            (Kind::Deactivated, 401),
            (Kind::Ended, 401),
        ] {
            let app = TestApp::new();
            let server = Server::start(&app);
            let caller = Standing::of(kind, &app, &server).client;
            let answer = caller.post(path, register(email));
            assert_eq!(answer.status, status, "{kind:?}: {answer:?}");
            if status == 403 {
                assert_eq!(answer.json()["required"], "users:create", "{kind:?}");
            }
            assert_eq!(answer.json()["date_joined"].is_string(), status == 201, "S4's answer: {answer:?}");
            assert_eq!(caller.get(path).status, server_reads(kind), "{kind:?}");
        }
        let empty = server.anonymous().token("").post(path, register("eve@example.com"));
        assert_eq!(empty.status, 401, "no key is not no credentials: {empty:?}");
        for method in ["PUT", "PATCH", "DELETE"] {
            assert_eq!(server.anonymous().json(method, path, &register("eve@example.com")).status, 405, "{method}");
        }
    }
}

/// The status of S4's list of users.
fn server_reads(kind: Kind) -> u16 {
    match kind {
        kind if !kind.is_known() => 401,
        kind if kind.may("users", "read") => 200,
        _ => 403,
    }
}

/// D-17, S0-22: `account.open` lets whoever shows nothing read, change and delete ordinary accounts, at the routes of that
/// dialect and no others; who shows anything is judged as ever.
#[test]
fn an_open_account_dialect() {
    let app = TestApp::new();
    app.operate(|ctx| settings::change(ctx, &[("account.open".to_owned(), Some(json!(true)))])).unwrap();
    let server = Server::start(&app);
    let stage = Stage::new(&app);
    let garbage = server.bearer("not.a.token");
    let nobody = server.anonymous();
    for route in route_table().into_iter().filter(|route| !route.alias) {
        let name = name(&route);
        for example in examples().iter().filter(|example| example.route == name) {
            let request = (example.request)(&stage);
            let (method, path) = (route.method.as_str(), fill(&route.path, &request.ids));
            let sent = |client: &Client| match &request.body {
                Some(body) => client.json(method, &path, body).status,
                None => client.send(method, &path, None).status,
            };
            let opens = route.dialect == "account";
            assert_eq!(sent(&garbage), expected(Kind::Garbage, example, true), "{method} {path}");
            // D-2: without credentials the two systems' one path is S1's.
            if (method, path.as_str()) == ("POST", "/api/auth/users/") {
                continue;
            }
            let open = if opens { example.answer } else { expected(Kind::Anonymous, example, true) };
            // Some have been used up by the request with bad credentials, where it does not matter.
            if open == expected(Kind::Garbage, example, true) && open < 300 {
                continue;
            }
            assert_eq!(sent(&nobody), open, "S0-22: {method} {path}");
        }
    }
}
