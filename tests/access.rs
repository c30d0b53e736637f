//! Who may do what, as a table with a row for each route and a column for each kind of caller (S4-54, D-7, D-8, D-9, R-35,
//!
//!
//! The routes come from the program, the requests from [`requests`]: a route without an example fails, and so does an
//! example without a route. Each cell holds the status on an object that exists and, where the path has an id, the one on
//! an object that does not. The table is a snapshot; besides, every cell is compared with what [`expected`] computes from
//! the rules alone, so that accepting a new snapshot cannot accept a hole.

/// The kinds of callers, and what each may.
pub mod callers;
/// One well-formed request to each route.
pub mod requests;
/// Where who shows nothing is judged by more than the route.
mod strangers;

use std::collections::{BTreeMap, BTreeSet};

use authsrv::domain::catalog::{CodeName, NamedPatch, NewNamed};
use authsrv::domain::ids::RoleId;
use authsrv::domain::rights::{Right, resource};
use authsrv::http::{Guard, RouteInfo, route_table};
use authsrv::service::permissions::PermissionRef;
use authsrv::service::roles;

use crate::support::TestApp;
use crate::support::http::{Client, Server};
use callers::{Kind, Standing};
use requests::{Ends, Example, Request, Rule, Stage, examples};

/// An id that nothing has.
pub const NOBODY: i64 = 999_999_999;

/// Routes of the RBAC dialect that the rule "method on the resource of the first segment" (D-7) does not fit, each with
/// the decision that says what holds instead. [`the_guards_follow_the_rule`] fails for one that is not needed.
const EXCEPTIONS: [(&str, Guard); 33] = [
    ("POST register/", Guard::Public),
    ("POST login/", Guard::Public),
    ("POST logout/", Guard::Public),
    ("POST token/refresh/", Guard::Public),
    ("POST token/revoke/", Guard::Public),
    ("POST token/revoke_all/", Guard::SignedIn),
    ("POST token/revoke_all/{user_id}/", Guard::Right("tokens", "delete")), // D-9
    ("GET me/", Guard::SignedIn),                                           // D-8
    ("PUT me/", Guard::SignedIn),
    ("PATCH me/", Guard::SignedIn),
    ("POST me/password/", Guard::SignedIn),
    ("GET me/get_sessions/", Guard::SignedIn),
    ("GET me/get_sessions/{user_id}", Guard::Right("sessions", "read")), // D-9
    ("GET api-tokens/", Guard::SignedIn), // One's own; about others the service asks for tokens:read, create, delete.
    ("POST api-tokens/", Guard::SignedIn),
    ("DELETE api-tokens/{id}/", Guard::SignedIn),
    ("POST check/", Guard::SignedIn), // D-9: about others it needs permissions:read
    ("POST users/{id}/roles/", Guard::Right("users", "update")), // D-6
    ("DELETE users/{id}/roles/{role_id}/", Guard::Right("users", "update")),
    ("POST roles/{id}/permissions/", Guard::Right("roles", "update")),
    ("DELETE roles/{id}/permissions/{permission_id}/", Guard::Right("roles", "update")),
    ("POST api/register/", Guard::Public), // S2-13 … S2-18
    ("POST api/login/", Guard::Public),
    ("POST api/refresh/", Guard::Public),
    ("POST api/logout/", Guard::Public),
    ("GET api/me/", Guard::SignedIn),
    ("PUT api/me/", Guard::SignedIn),
    ("PATCH api/me/", Guard::SignedIn),
    ("GET api-doc/", Guard::Public), // S2-3
    ("POST api/auth/introspect/", Guard::Right("tokens", "read")),
    ("POST api/auth/revoke/", Guard::SignedIn), // One's own; for others' the service asks for tokens:delete.
    ("POST access/v1/evaluation", Guard::SignedIn), // D-9, as check/
    ("POST access/v1/evaluations", Guard::SignedIn),
];

/// Routes of the server itself, open to everybody; no other may be outside the dialect.
const OPEN: [&str; 21] = [
    "GET .well-known/oauth-authorization-server",
    "GET .well-known/authzen-configuration",
    "GET api/auth/status-lists/",
    "GET api/auth/status-lists/{list}/",
    "GET api/auth/forward/", // D-18: of trusted proxies alone.
    "GET .well-known/jwks.json",
    "GET healthz",
    "GET readyz",
    "GET api/schema/",
    "GET api/docs/",
    "GET api/docs/{file}",
    "GET api/redoc/",
    "GET api/redoc/{file}",
    "GET api/browse/{file}",
    "GET account/activate/{uid}/{token}/",
    "POST account/activate/{uid}/{token}/",
    "GET account/password-reset/{uid}/{token}/",
    "POST account/password-reset/{uid}/{token}/",
    "GET account/username-reset/{uid}/{token}/",
    "POST account/username-reset/{uid}/{token}/",
    "GET account/static/{file}",
];

/// Dialects with the manners of Django REST framework.
const DJANGO: [&str; 6] = ["djoser", "djoser-phone", "simplejwt", "authtoken", "pyjwt", "account"];

/// Method and path in its first spelling: without prefix (D-1), aliases undone (D-5).
pub fn name(route: &RouteInfo) -> String {
    let path = match route.dialect {
        "rbac" => route.path.strip_prefix("/api/auth/").or(route.path.strip_prefix('/')).unwrap(),
        // Djoser's are the same at both of its prefixes.
        "djoser" | "djoser-phone" | "simplejwt" if route.path.starts_with("/api/auth/") => {
            route.path.strip_prefix("/api/").unwrap()
        }
        _ => route.path.strip_prefix('/').unwrap(),
    };
    let (first, rest) = path.split_once('/').unwrap_or((path, ""));
    let first = match first {
        "resourses" => "resources",
        "session" => "sessions",
        same => same,
    };
    let slash = if path.contains('/') { "/" } else { "" };
    format!("{} {first}{slash}{rest}", route.method)
}

/// All spellings of each route.
fn spellings() -> BTreeMap<String, Vec<RouteInfo>> {
    let mut all: BTreeMap<String, Vec<RouteInfo>> = BTreeMap::new();
    for route in route_table() {
        all.entry(name(&route)).or_default().push(route);
    }
    all
}

/// The status that the rules ask for.
fn expected(kind: Kind, example: &Example, exists: bool) -> u16 {
    match example.rule {
        Rule::Open => example.answer,
        Rule::Seen if kind == Kind::Anonymous || kind.is_known() => example.answer,
        Rule::Seen => 401,
        Rule::HeaderOrBody if kind == Kind::Anonymous => 400,
        Rule::HeaderOrBody | Rule::SignedIn if !kind.is_known() => 401,
        Rule::HeaderOrBody | Rule::SignedIn => example.answer,
        Rule::Right(..) | Rule::Hidden(..) | Rule::Named(..) if !kind.is_known() => 401,
        Rule::Hidden(resource, action) if !kind.may(resource, action) => 404,
        Rule::Named(..) if !exists => 404,
        Rule::Named(resource, action) if !kind.may(resource, action) => 403,
        Rule::Right(resource, action) if !kind.may(resource, action) => 403,
        Rule::Right(..) | Rule::Hidden(..) | Rule::Named(..) if exists => example.answer,
        Rule::Right(..) | Rule::Hidden(..) | Rule::Named(..) => 404,
    }
}

/// `users/{id}/` and ids → `users/17/`.
pub fn fill(path: &str, ids: &[String]) -> String {
    let mut ids = ids.iter();
    let parts = path.split('/').map(|part| if part.starts_with('{') { ids.next().unwrap() } else { part });
    parts.collect::<Vec<_>>().join("/")
}

/// The ids with one of them, each in turn, replaced by that of nothing.
fn missing(ids: &[String]) -> Vec<Vec<String>> {
    let without = |at: usize| {
        let mut ids = ids.to_vec();
        ids[at] = if ids[at].parse::<i64>().is_ok() { NOBODY.to_string() } else { "nothing.js".to_owned() };
        ids
    };
    (0..ids.len()).map(without).collect()
}

/// One caller's column: cells by row, and what is wrong in it.
fn column(kind: Kind) -> (BTreeMap<String, String>, Vec<String>) {
    let app = TestApp::new();
    let server = Server::start(&app);
    let stage = Stage::new(&app);
    let mut caller = Standing::of(kind, &app, &server);
    // Or a superuser could not delete himself.
    app.superuser("another-root@example.com");
    let (mut cells, mut wrong) = (BTreeMap::new(), Vec::new());
    for (name, routes) in spellings() {
        for example in examples().iter().filter(|example| example.route == name) {
            for (at, route) in routes.iter().enumerate() {
                // Every second spelling is asked without its slash (D-4).
                let path = if at % 2 == 0 { route.path.as_str() } else { route.path.trim_end_matches('/') };
                let request = (example.request)(&stage);
                let sent = |ids: &[String], client: &Client| {
                    let (method, path) = (route.method.as_str(), fill(path, ids));
                    let answer = match &request.body {
                        Some(body) => client.json(method, &path, body),
                        None => client.send(method, &path, None),
                    };
                    if answer.status == 401 {
                        assert!(answer.header("www-authenticate").is_some(), "{method} {path}: {answer:?}");
                    }
                    answer.status
                };
                // What is missing comes first: the other request may delete what exists.
                let absent: Vec<u16> = missing(&request.ids).iter().map(|ids| sent(ids, &caller.client)).collect();
                let present = sent(&request.ids, &caller.client);
                let cell = match absent.first() {
                    None => present.to_string(),
                    Some(absent) => format!("{present}/{absent}"),
                };
                let row = example.row();
                // What an anonymous POST to this path is, another system says (D-2).
                let is_registration = kind == Kind::Anonymous
                    && (route.method.as_str(), route.path.as_str()) == ("POST", "/api/auth/users/");
                if is_registration {
                    assert_eq!(present, 201, "D-2");
                    continue;
                }
                let want = expected(kind, example, true);
                if present != want {
                    wrong.push(format!("{kind:?}: {} {path} ({row}): {present}, should be {want}", route.method));
                }
                let want = if example.rule == Rule::Open { 404 } else { expected(kind, example, false) };
                for status in absent {
                    if status != want {
                        wrong.push(format!("{kind:?}: {row}, nothing there: {status}, should be {want}"));
                    }
                }
                let before = cells.insert(row.clone(), cell.clone());
                if before.is_some_and(|before| before != cell) {
                    wrong.push(format!("{kind:?}: {row}: the spelling {} answers differently", route.path));
                }
                caller = match example.ends {
                    Ends::Nothing => caller,
                    Ends::Sessions => Standing::again(caller, &app, &server),
                    Ends::Account => Standing::anew(caller, &app, &server),
                };
            }
        }
    }
    (cells, wrong)
}

#[test]
fn every_route_for_every_kind_of_caller() {
    let columns: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = Kind::ALL.iter().map(|kind| scope.spawn(|| column(*kind))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let wrong: Vec<&String> = columns.iter().flat_map(|(_, wrong)| wrong).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    let rows: BTreeSet<String> = examples().iter().map(Example::row).collect();
    let wide = rows.iter().map(String::len).max().unwrap();
    let mut table = format!("{:wide$}", "");
    for kind in Kind::ALL {
        table.push_str(&format!("  {:11}", kind.title()));
    }
    for row in &rows {
        table.push_str(&format!("\n{row:wide$}"));
        for (cells, _) in &columns {
            table.push_str(&format!("  {:11}", cells[row]));
        }
    }
    let table: Vec<&str> = table.lines().map(str::trim_end).collect();
    insta::assert_snapshot!(table.join("\n"));
}

#[test]
fn every_route_has_an_example_and_every_example_a_route() {
    let routes: BTreeSet<String> = spellings().into_keys().collect();
    let listed: BTreeSet<String> = examples().iter().map(|example| example.route.to_owned()).collect();
    let unlisted: Vec<_> = routes.difference(&listed).collect();
    assert!(unlisted.is_empty(), "routes without an example in tests/access/requests.rs: {unlisted:?}");
    let gone: Vec<_> = listed.difference(&routes).collect();
    assert!(gone.is_empty(), "examples for routes that do not exist: {gone:?}");
}

/// D-7, D-9: the method on the resource of the first segment, but for the exceptions; every exception is one.
#[test]
fn the_guards_follow_the_rule() {
    let mut needed = BTreeSet::new();
    for (name, routes) in spellings() {
        for route in routes {
            let by_rule = by_rule(&name);
            let wanted = match EXCEPTIONS.iter().find(|(exception, _)| *exception == name) {
                Some((exception, guard)) => {
                    needed.insert(*exception);
                    assert_ne!(Some(*guard), by_rule, "{name} is no exception");
                    Some(*guard)
                }
                None if DJANGO.contains(&route.dialect) => by_example(&name),
                None => by_rule,
            };
            assert_eq!(Some(route.guard), wanted, "{} {}", route.method, route.path);
        }
    }
    assert_eq!(needed.len(), EXCEPTIONS.len(), "an exception for a route that does not exist: {EXCEPTIONS:?}");
}

/// What the examples of a route of a Django dialect say: nothing but who is signed in is asked for before the operation,
/// which looks at whom the path names (D-17).
fn by_example(name: &str) -> Option<Guard> {
    let examples = examples();
    let mut of_it = examples.iter().filter(|example| example.route == name).peekable();
    of_it.peek()?;
    let is_public = of_it.any(|example| matches!(example.rule, Rule::Open | Rule::Seen | Rule::HeaderOrBody));
    Some(if is_public { Guard::Public } else { Guard::SignedIn })
}

/// What D-7 says of a route by its name; the server's own routes are open.
fn by_rule(name: &str) -> Option<Guard> {
    if OPEN.contains(&name) {
        return Some(Guard::Public);
    }
    const RESOURCES: [&str; 9] =
        ["users", "roles", "actions", "resources", "permissions", "sessions", "settings", "audit", "keys"];
    let (method, path) = name.split_once(' ')?;
    let resource = RESOURCES.into_iter().find(|resource| path.starts_with(&format!("{resource}/")))?;
    let action = match method {
        "GET" => "read",
        "POST" => "create",
        "PUT" | "PATCH" => "update",
        "DELETE" => "delete",
        _ => return None,
    };
    Some(Guard::Right(resource, action))
}

/// The one route of the RBAC dialect that another has under `/api/auth/` (S1-20): the same operation (D-3).
const TAKEN: &str = "POST logout/";

/// Of Djoser's, those under `/auth/` alone, since S4 has them under `/api/auth/` (D-2), and the one under that alone.
const ONCE: [&str; 4] = ["auth/", "auth/users/", "auth/users/{id}/", "auth/logout/"];

/// D-1, D-5: both prefixes, and the other spellings of two resources, lead to the same routes.
#[test]
fn every_spelling_is_there() {
    for (name, routes) in spellings() {
        let paths: BTreeSet<&str> = routes.iter().map(|route| route.path.as_str()).collect();
        assert_eq!(paths.len(), routes.len(), "{name} is there twice");
        let (_, path) = name.split_once(' ').unwrap();
        let mut wanted = vec![format!("/{path}")];
        if routes.iter().any(|route| route.dialect == "rbac") {
            wanted.push(format!("/api/auth/{path}"));
            for (from, to) in [("resources/", "resourses/"), ("sessions/", "session/")] {
                if let Some(rest) = path.strip_prefix(from) {
                    wanted.extend([format!("/{to}{rest}"), format!("/api/auth/{to}{rest}")]);
                }
            }
        }
        if path.starts_with("auth/") && !ONCE.contains(&path) {
            wanted.push(format!("/api/{path}"));
        }
        match name.as_str() {
            TAKEN => wanted.retain(|path| path == "/logout/"),
            "POST auth/logout/" => wanted = vec!["/api/auth/logout/".to_owned()],
            _ => {}
        }
        assert_eq!(paths, wanted.iter().map(String::as_str).collect(), "{name}");
        for route in &routes {
            let alias = route.path.contains("resourses/") || route.path.contains("session/");
            assert_eq!(route.alias, alias, "{}", route.path);
        }
    }
}

/// S4-54: one action on one resource opens the routes that ask for it and no other; `all` opens those of its resource.
#[test]
fn one_right_opens_its_own_routes_and_no_others() {
    let app = TestApp::new();
    let server = Server::start(&app);
    let stage = Stage::new(&app);
    let new = NewNamed { name: "probe".into(), code_name: CodeName::parse("probe").unwrap(), description: None };
    let role = RoleId(app.operate(|ctx| roles::create(ctx, new, &[])).unwrap().named.id);
    app.user("probe@example.com", &["probe"]);
    let client = server.bearer(&app.sign_in("probe@example.com").access);
    let mut guarded: Vec<(RouteInfo, Example, Request)> = Vec::new();
    for route in route_table().into_iter().filter(|route| !route.alias && !route.path.starts_with("/api/")) {
        let examples = examples().into_iter().filter(|example| example.route == name(&route));
        for example in examples.filter(|example| matches!(example.rule, Rule::Right(..))) {
            let request = (example.request)(&stage);
            guarded.push((route.clone(), example, request));
        }
    }
    let mut opened = BTreeSet::new();
    for resource in resource::GUARDED {
        for action in ["read", "create", "update", "delete", "all", "approve"] {
            // The examples give away nothing but `documents:…`.
            let rights = [Right::of(resource, action), Right::of("documents", "all")].map(PermissionRef::Right);
            app.operate(|ctx| roles::update(ctx, role, NamedPatch::default(), Some(&rights))).unwrap();
            for (route, example, kept) in &guarded {
                let Rule::Right(of, needs) = example.rule else { continue };
                let opens = of == resource && (action == needs || action == "all");
                let fresh = opens.then(|| (example.request)(&stage));
                let request = fresh.as_ref().unwrap_or(kept);
                let path = fill(&route.path, &request.ids);
                let body = request.body.as_ref().map(|body| ("application/json", body.to_string().into_bytes()));
                let answer = client.send(route.method.as_str(), &path, body);
                let wanted = if opens { example.answer } else { 403 };
                assert_eq!(answer.status, wanted, "{resource}:{action} at {}: {answer:?}", example.row());
                if opens {
                    opened.insert(example.row());
                } else {
                    assert_eq!(answer.json()["required"], format!("{of}:{needs}"), "{answer:?}");
                }
            }
        }
    }
    assert_eq!(opened.len(), guarded.len());
}

/// D-7, S4-56, R-36: HEAD is read; OPTIONS needs no right and tells no data; what a path does not know is 405 for
/// everybody, and no header or parameter makes another method of it.
#[test]
fn other_methods() {
    let app = TestApp::new();
    let server = Server::start(&app);
    let stage = Stage::new(&app);
    let viewer = Standing::of(Kind::Viewer, &app, &server).client;
    let nobody = server.anonymous();
    let mut paths: BTreeMap<String, Vec<RouteInfo>> = BTreeMap::new();
    for route in route_table() {
        paths.entry(route.path.clone()).or_default().push(route);
    }
    for (path, routes) in paths {
        let known: Vec<&str> = routes.iter().map(|route| route.method.as_str()).collect();
        let route = name(&routes[0]);
        let example = examples().into_iter().find(|example| example.route == route).unwrap();
        let target = fill(&path, &(example.request)(&stage).ids);
        let is_view = DJANGO.contains(&routes[0].dialect);
        let options = nobody.send("OPTIONS", &target, None);
        if !is_view {
            assert_eq!((options.status, options.body.len()), (200, 0), "{target}");
        }
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "PROPFIND", "TRACE"] {
            if !known.contains(&method) {
                for client in [&nobody, &viewer] {
                    let answer = client.send(method, &target, None);
                    // A view asks who it is before it looks for the method.
                    let is_kept_out = is_view && std::ptr::eq(client, &nobody) && options.status == 401;
                    assert_eq!(answer.status, if is_kept_out { 401 } else { 405 }, "{method} {target}");
                    let allowed: Vec<&str> = answer.header("allow").unwrap().split(", ").collect();
                    assert!(known.iter().all(|method| allowed.contains(method)), "{method} {target}: {allowed:?}");
                    assert!(!allowed.contains(&method), "{method} {target}: {allowed:?}");
                }
            }
        }
        if known.contains(&"GET") {
            for client in [&nobody, &viewer] {
                let (head, get) = (client.send("HEAD", &target, None), client.get(&target));
                assert_eq!((head.status, head.body.len()), (get.status, 0), "{target}");
            }
        }
    }
    let victim = app.user("victim@example.com", &[]);
    let overriding = viewer.get(&format!("/users/{victim}/?_method=DELETE"));
    assert_eq!(overriding.status, 200);
    assert_eq!(viewer.get(&format!("/users/{victim}/")).status, 200);
}
