//! The OpenAPI document and its pages: complete, and of this server alone.

use std::collections::BTreeSet;

use authsrv::http::{Guard, docs, route_table};
use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};

use super::Door;

fn document() -> Value {
    serde_json::from_str(&docs::json()).unwrap()
}

#[test]
fn no_route_is_missing() {
    let document = document();
    let mut ids = BTreeSet::new();
    for route in route_table() {
        let name = format!("{} {}", route.method, route.path);
        let operation = &document["paths"][&route.path][route.method.as_str().to_ascii_lowercase()];
        assert!(operation.is_object(), "{name} is not in the document");
        assert!(ids.insert(operation["operationId"].as_str().unwrap().to_owned()), "{name}: its id is another's");
        assert!(!operation["summary"].as_str().unwrap().is_empty(), "{name} has no summary");
        assert!(!operation["description"].as_str().unwrap().is_empty(), "{name} has no description");
        assert_eq!(operation["deprecated"] == true, route.alias, "{name}");
        let answers = operation["responses"].as_object().unwrap();
        assert!(answers.keys().any(|status| status.starts_with('2')), "{name} never succeeds");
        let secured = operation["security"]
            .as_array()
            .is_some_and(|all| *all == [json!({"bearerAuth": []}), json!({"tokenAuth": []})]);
        // Whoever sends no credentials there registers (D-2).
        let is_shared = name == "POST /api/auth/users/";
        assert_eq!(secured, route.guard != Guard::Public && !is_shared, "{name}");
        for status in ["401", "500"] {
            assert!(route.guard == Guard::Public || answers.contains_key(status), "{name} lacks {status}");
        }
        let named = operation["parameters"].as_array().into_iter().flatten().filter(|one| one["in"] == "path").count();
        assert_eq!(named, route.path.matches('{').count(), "{name}");
    }
    let served: usize =
        document["paths"].as_object().unwrap().values().map(|path| path.as_object().unwrap().len()).sum();
    assert_eq!(served, ids.len(), "the document has more than the table");
}

#[test]
fn every_reference_leads_somewhere() {
    let document = document();
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(found.len() > 100);
    for reference in found {
        let pointer = reference.strip_prefix('#').unwrap_or_else(|| panic!("{reference} leads outside"));
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["components"]["securitySchemes"]["bearerAuth"]["scheme"], "bearer");
}

fn references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(object) => {
            if let Some(reference) = object.get("$ref").and_then(Value::as_str) {
                found.push(reference.to_owned());
            }
            object.values().for_each(|value| references(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

#[test]
fn no_answer_has_a_password() {
    let document = document();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    for name in ["User", "SignedInUser", "Session", "LiveSession"] {
        let keys = schemas[name]["properties"].as_object().unwrap();
        assert!(keys.keys().all(|key| !key.contains("password") && !key.contains("hash")), "{name}");
    }
}

#[test]
fn the_pages_load_nothing_from_elsewhere() {
    let door = Door::new();
    for page in ["/api/docs/", "/api/redoc/"] {
        let reply = door.get(page, None);
        assert_eq!(reply.status, 200);
        assert!(reply.header("content-security-policy").contains("script-src 'self';"));
        assert!(!reply.text.contains("http://") && !reply.text.contains("https://"), "{page}");
        assert!(!reply.text.contains("<script>"), "{page} has an inline script");
        for address in addresses(&reply.text) {
            let file = door.get(&address, None);
            assert_eq!(file.status, 200, "{address}");
            assert!(file.header("cache-control").contains("immutable"));
            assert!(file.text.len() > 40, "{address}");
            for elsewhere in
                ["cdn.redoc.ly", "validator.swagger.io/validator", "unpkg.com", "jsdelivr.net", "googleapis.com"]
            {
                assert!(!file.text.contains(elsewhere), "{address} names {elsewhere}");
            }
        }
    }
}

/// What a page refers to by `src` and `href`, but data.
fn addresses(page: &str) -> Vec<String> {
    let quoted = page.split("src=\"").chain(page.split("href=\"")).skip(1).filter_map(|rest| rest.split('"').next());
    quoted.filter(|address| address.starts_with('/')).map(str::to_owned).collect()
}

#[test]
fn files_come_packed_to_whoever_takes_that() {
    let door = Door::new();
    let plain = door.get("/api/docs/swagger-ui.css", None);
    assert_eq!(plain.header("content-encoding"), "");
    assert_eq!(plain.header("content-type"), "text/css; charset=utf-8");
    for (accepts, packed) in [("gzip, br", "gzip"), ("br;q=1, gzip;q=0", "")] {
        let request =
            Request::builder().method("HEAD").uri("/api/docs/swagger-ui.css").header("accept-encoding", accepts);
        assert_eq!(door.send(request.body(Body::empty()).unwrap()).header("content-encoding"), packed);
    }
}

#[test]
fn the_document_is_served() {
    let door = Door::new();
    let reply = door.get("/api/schema", None);
    assert_eq!(reply.header("content-type"), "application/json");
    assert_eq!(reply.json(), document());
}

#[test]
fn a_body_is_required_only_where_an_empty_one_will_not_do() {
    let document = document();
    let required = |method: &str, path: &str| document["paths"][path][method]["requestBody"]["required"] == true;
    for (method, path) in
        [("post", "/login/"), ("post", "/users/"), ("put", "/roles/{id}/"), ("post", "/token/refresh/")]
    {
        assert!(required(method, path), "{method} {path}");
    }
    for (method, path) in [("post", "/logout/"), ("patch", "/users/{id}/"), ("put", "/me/"), ("patch", "/settings/")] {
        assert!(!required(method, path), "{method} {path}");
    }
}

#[test]
fn every_setting_is_described() {
    let document = document();
    let settings = &document["components"]["schemas"]["Settings"]["properties"];
    for setting in authsrv::domain::settings::ALL {
        let described = &settings[setting.key];
        assert_eq!(described["default"], setting.default_value(), "{}", setting.key);
        assert!(described["allOf"][0].is_object() && described["description"].is_string(), "{described}");
    }
}

/// Every section stands in the group of its dialect, once.
#[test]
fn sections_are_grouped_by_dialect() {
    let document = document();
    let groups = document["x-tagGroups"].as_array().unwrap();
    let names: Vec<&str> = groups.iter().map(|group| group["name"].as_str().unwrap()).collect();
    let wanted = ["RBAC", "Simple JWT", "Djoser", "DRF token", "Account", "PyJWT", "OAuth", "AuthZEN", "Server"];
    assert_eq!(names.iter().collect::<BTreeSet<_>>(), wanted.iter().collect::<BTreeSet<_>>());
    let grouped: Vec<&str> =
        groups.iter().flat_map(|group| group["tags"].as_array().unwrap()).map(|tag| tag.as_str().unwrap()).collect();
    let tags: BTreeSet<&str> =
        document["tags"].as_array().unwrap().iter().map(|tag| tag["name"].as_str().unwrap()).collect();
    assert_eq!(grouped.iter().copied().collect::<BTreeSet<_>>(), tags);
    assert_eq!(grouped.len(), tags.len(), "a section is in two groups: {grouped:?}");
}

/// R-47: the RBAC dialect refuses unknown keys; the Django dialects ignore them and take forms, too.
#[test]
fn bodies_are_as_strict_as_their_dialect() {
    let document = document();
    let schemas = &document["components"]["schemas"];
    assert_eq!(schemas["Register"]["additionalProperties"], false);
    for name in ["PyJwtRegister", "PyJwtUpdate", "TokenObtain"] {
        assert!(schemas[name]["properties"].is_object(), "{name}");
        assert_eq!(schemas[name]["additionalProperties"], Value::Null, "{name}");
    }
    let content = &document["paths"]["/api/register/"]["post"]["requestBody"]["content"];
    for kind in ["application/json", "application/x-www-form-urlencoded", "multipart/form-data"] {
        assert_eq!(content[kind]["schema"]["$ref"], "#/components/schemas/PyJwtRegister");
    }
}
