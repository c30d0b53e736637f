//! The OpenAPI document against the standard (OpenAPI 3.1.0, JSON Schema 2020-12), and real answers against the document.
//! That it is complete is tested in `tests/http/document.rs`.

/// As much of JSON Schema as the document uses.
mod schema;

use std::collections::BTreeSet;

use authsrv::http::{Guard, docs, route_table};
use serde_json::{Map, Value};

use crate::access::callers::{Kind, Standing};
use crate::access::requests::{Ends, Stage, examples};
use crate::access::{NOBODY, fill, name};
use crate::support::TestApp;
use crate::support::http::Server;

fn document() -> Value {
    serde_json::from_str(&docs::json()).unwrap()
}

/// Every operation with its path and method.
fn operations(document: &Value) -> Vec<(&str, &str, &Map<String, Value>)> {
    let paths = document["paths"].as_object().unwrap();
    paths
        .iter()
        .flat_map(|(path, item)| {
            let item = item.as_object().unwrap().iter();
            item.map(move |(method, operation)| (path.as_str(), method.as_str(), operation.as_object().unwrap()))
        })
        .collect()
}

/// Passes if an object has all of `needed` and nothing but these and `allowed`.
fn only(object: &Map<String, Value>, needed: &[&str], allowed: &[&str], what: &str) {
    for key in object.keys().map(String::as_str) {
        let known = needed.contains(&key) || allowed.contains(&key) || key.starts_with("x-");
        assert!(known, "{what} has {key:?}");
    }
    needed.iter().for_each(|key| assert!(object.contains_key(*key), "{what} lacks {key:?}"));
}

#[test]
fn the_document_is_openapi_3_1() {
    let document = document();
    let top = document.as_object().unwrap();
    only(top, &["openapi", "info", "paths"], &["servers", "components", "security", "tags"], "the document");
    only(top["info"].as_object().unwrap(), &["title", "version"], &["description", "license", "summary"], "info");
    let tags: Vec<&str> = top["tags"].as_array().unwrap().iter().map(|tag| tag["name"].as_str().unwrap()).collect();
    assert_eq!(tags.len(), tags.iter().collect::<BTreeSet<_>>().len(), "a tag is there twice");
    for (path, method, operation) in operations(&document) {
        let what = format!("{method} {path}");
        assert!(path.starts_with('/'), "{what}");
        assert!(["get", "post", "put", "patch", "delete"].contains(&method), "{what}");
        let allowed = ["tags", "summary", "description", "parameters", "requestBody", "security", "deprecated"];
        only(operation, &["operationId", "responses"], &allowed, &what);
        for tag in operation["tags"].as_array().unwrap() {
            assert!(tags.contains(&tag.as_str().unwrap()), "{what}: tag {tag}");
        }
        parameters(path, operation, &what);
        for scheme in operation.get("security").and_then(Value::as_array).into_iter().flatten() {
            for name in scheme.as_object().unwrap().keys() {
                assert!(document["components"]["securitySchemes"].get(name).is_some(), "{what}: {name}");
            }
        }
        if let Some(body) = operation.get("requestBody") {
            // Djoser's clients send the password along when they delete an account.
            let is_djosers = method == "delete" && path.contains("/auth/users/");
            assert!(
                is_djosers || !["get", "delete"].contains(&method),
                "{what} has a body, which has no meaning there"
            );
            let body = body.as_object().unwrap();
            only(body, &["content"], &["description", "required"], &what);
            content(&body["content"], &document, &what);
        }
        for (status, response) in operation["responses"].as_object().unwrap() {
            assert!(matches!(status.parse::<u16>(), Ok(200..=599)), "{what}: {status}");
            let response = response.as_object().unwrap();
            only(response, &["description"], &["headers", "content"], &format!("{what} {status}"));
            if let Some(given) = response.get("content") {
                content(given, &document, &what);
            }
        }
    }
    for (name, given) in document["components"]["schemas"].as_object().unwrap() {
        assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c)), "{name}");
        schema::well_formed(given, &document, name);
    }
    let bearer = document["components"]["securitySchemes"]["bearerAuth"].as_object().unwrap();
    only(bearer, &["type", "scheme"], &["bearerFormat", "description"], "bearerAuth");
    assert_eq!((&bearer["type"], &bearer["scheme"]), (&Value::from("http"), &Value::from("bearer")));
}

/// Parameters have a place and a schema each, none is there twice, and those of the path are the path's.
fn parameters(path: &str, operation: &Map<String, Value>, what: &str) {
    let given: Vec<&Value> = operation.get("parameters").and_then(Value::as_array).into_iter().flatten().collect();
    let mut seen = BTreeSet::new();
    for parameter in &given {
        let object = parameter.as_object().unwrap();
        only(object, &["name", "in", "schema"], &["description", "required", "style", "explode"], what);
        assert!(["path", "query", "header"].contains(&object["in"].as_str().unwrap()), "{what}");
        assert!(seen.insert((object["in"].as_str(), object["name"].as_str())), "{what}: {parameter} twice");
        if object["in"] == "path" {
            assert_eq!(object.get("required"), Some(&Value::from(true)), "{what}: {parameter}");
        }
    }
    let in_path: BTreeSet<&str> =
        given.iter().filter(|one| one["in"] == "path").map(|one| one["name"].as_str().unwrap()).collect();
    let template = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect();
    assert_eq!(in_path, template, "{what}");
}

fn content(content: &Value, document: &Value, what: &str) {
    let types = content.as_object().unwrap();
    assert!(!types.is_empty(), "{what}: content of no type");
    for (name, media) in types {
        assert!(name.contains('/'), "{what}: {name}");
        if let Some(given) = media.get("schema") {
            schema::well_formed(given, document, what);
        }
    }
}

/// What may come of a route is in the document: its success and every refusal that its guard and its path imply.
#[test]
fn every_status_of_a_route_is_documented() {
    let document = document();
    for route in route_table() {
        let what = format!("{} {}", route.method, route.path);
        let method = route.method.as_str().to_ascii_lowercase();
        let statuses = document["paths"][&route.path][method]["responses"].as_object().unwrap();
        let mut wanted: Vec<u16> = match route.guard {
            Guard::Public => vec![],
            Guard::SignedIn => vec![401],
            Guard::Right(..) => vec![401, 403],
        };
        let name = name(&route);
        wanted.extend(examples().iter().filter(|example| example.route == name).map(|example| example.answer));
        if route.path.contains('{') && route.dialect == "rbac" {
            wanted.push(404);
        }
        for status in wanted {
            assert!(statuses.contains_key(&status.to_string()), "{what} lacks {status}");
        }
    }
}

/// Refusals that the status alone tells (S0-19).
const BARE: [(&str, u16); 2] =
    [("DELETE api/v1/account/remove/{id}/", 404), ("POST auth/users/resend_activation/", 400)];

/// Every answer, of success and of refusal, is of the form that the document gives for its status.
#[test]
fn answers_are_as_documented() {
    let document = document();
    let app = TestApp::new();
    let server = Server::start(&app);
    let stage = Stage::new(&app);
    let mut root = Standing::of(Kind::Superuser, &app, &server);
    app.user("weak@example.com", &[]);
    let weak = server.bearer(&app.sign_in("weak@example.com").access);
    let nobody = server.bearer("not.a.token");
    let (mut wrong, mut compared) = (Vec::new(), 0);
    for route in route_table().iter().filter(|route| !route.path.starts_with("/api/auth/") && !route.alias) {
        for example in examples().iter().filter(|example| example.route == name(route)) {
            let request = (example.request)(&stage);
            let method = route.method.as_str();
            let missing: Vec<String> = request.ids.iter().map(|_| NOBODY.to_string()).collect();
            let broken = request.body.as_ref().map(|_| serde_json::json!({"no such key": [1]}));
            for (client, ids, body) in [
                (&nobody, &request.ids, &request.body),
                (&weak, &request.ids, &request.body),
                (&root.client, &missing, &request.body),
                (&root.client, &request.ids, &broken),
                (&root.client, &request.ids, &request.body),
            ] {
                let path = fill(&route.path, ids);
                let answer = match body {
                    Some(body) => client.json(method, &path, body),
                    None => client.send(method, &path, None),
                };
                let operation = &document["paths"][&route.path][method.to_ascii_lowercase()];
                let what = format!("{method} {path}: {}", answer.status);
                let Some(documented) = operation["responses"].get(answer.status.to_string()) else {
                    wrong.push(format!("{what} is not documented"));
                    continue;
                };
                let kind = answer.header("content-type").unwrap_or("");
                match documented["content"].get("application/json").and_then(|media| media.get("schema")) {
                    Some(form) if kind == "application/json" => {
                        compared += 1;
                        wrong.extend(
                            schema::faults(form, &answer.json(), &document).iter().map(|f| format!("{what}: {f}")),
                        );
                    }
                    // As their routes say.
                    Some(_) => wrong.push(format!("{what} is {kind}, not JSON")),
                    // As their routes say.
                    None if BARE.contains(&(name(route).as_str(), answer.status)) => {}
                    None if documented.get("content").is_none() && !answer.body.is_empty() => {
                        wrong.push(format!("{what} has a body, and none is documented"));
                    }
                    None => {}
                }
            }
            if example.ends != Ends::Nothing {
                root = Standing::again(root, &app, &server);
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(compared > 200, "only {compared} answers were compared");
}

/// What *Try it out* sends unless somebody changes it.
#[test]
fn every_body_has_an_example_that_fits() {
    let document = document();
    let mut bodies = 0;
    for (path, method, operation) in operations(&document) {
        let Some(body) = operation.get("requestBody") else { continue };
        let media = &body["content"]["application/json"];
        assert!(!media["example"].is_null(), "{method} {path} has no example");
        let wrong = schema::faults(&media["schema"], &media["example"], &document);
        assert!(wrong.is_empty(), "{method} {path}: {wrong:?}");
        bodies += 1;
    }
    assert!(bodies > 50);
}
