//! Pages, their links, search and order.

use serde_json::{Value, json};

use super::Door;

fn door_with_resources() -> (Door, String) {
    let door = Door::new();
    let token = door.root();
    (door, token)
}

fn names(page: &Value) -> Vec<String> {
    page["results"].as_array().unwrap().iter().map(|one| one["code_name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn pages_have_links_that_keep_the_rest_of_the_query() {
    let (door, token) = door_with_resources();
    let all = door.get("/actions/", Some(&token)).json();
    assert_eq!((all["count"].as_u64(), &all["next"], &all["previous"]), (Some(7), &Value::Null, &Value::Null));
    let first = door.get("/actions/?page_size=3&ordering=-code_name", Some(&token)).json();
    assert_eq!(names(&first), ["update", "read", "export"]);
    assert_eq!(first["next"], "http://testserver/actions/?page_size=3&ordering=-code_name&page=2");
    let second = door.get("/actions?page_size=3&page=2", Some(&token)).json();
    assert_eq!(second["previous"], "http://testserver/actions?page_size=3");
    assert_eq!(second["next"], "http://testserver/actions?page_size=3&page=3");
    let last = door.get("/actions/?page_size=3&page=last", Some(&token)).json();
    assert_eq!((names(&last).len(), &last["next"]), (1, &Value::Null));
    assert_eq!(last["previous"], "http://testserver/actions/?page_size=3&page=2");
}

#[test]
fn wrong_pages_are_404() {
    let (door, token) = door_with_resources();
    for page in ["0", "-1", "2", "x", "1.0", "9223372036854775807", "99999999999999999999"] {
        let reply = door.get(&format!("/actions/?page={page}"), Some(&token));
        assert_eq!(reply.status, 404, "{page}");
        assert_eq!(reply.json(), json!({"detail": "Invalid page.", "code": "not_found"}));
    }
    assert_eq!(door.get("/actions/?page=", Some(&token)).status, 200);
    assert_eq!(door.get("/actions/?search=nothing-like-it", Some(&token)).json()["results"], json!([]));
}

#[test]
fn page_sizes_are_bounded_and_nonsense_is_the_default() {
    let (door, token) = door_with_resources();
    for size in ["0", "-5", "x", "100000", "99999999999999999999", ""] {
        let reply = door.get(&format!("/actions/?page_size={size}"), Some(&token));
        assert_eq!(reply.json()["results"].as_array().unwrap().len(), 7, "{size}");
    }
}

#[test]
fn what_cannot_be_ordered_by_is_named() {
    let (door, token) = door_with_resources();
    let reply = door.get("/users/?ordering=password", Some(&token));
    assert_eq!(reply.status, 400);
    assert!(reply.json()["ordering"][0].as_str().unwrap().contains("date_joined"));
    assert_eq!(door.get("/users/?ordering=-id,email,id", Some(&token)).status, 200);
}

#[test]
fn filters_are_judged() {
    let (door, token) = door_with_resources();
    let wrong = door.get("/sessions/?user=x&is_active=perhaps", Some(&token));
    assert_eq!(
        wrong.json(),
        json!({"user": ["A valid integer is required."], "is_active": ["Must be a valid boolean."]})
    );
    assert_eq!(door.get("/sessions/?user=1&is_active=true", Some(&token)).json()["count"], 1);
    assert_eq!(door.get("/sessions/?is_active=false", Some(&token)).json()["count"], 0);
    assert_eq!(door.get("/users/?search=%00", Some(&token)).status, 400);
}

#[test]
fn a_strange_host_gets_no_say() {
    let (door, token) = door_with_resources();
    for host in ["evil@host", "a b", "\"", "x/y"] {
        let request = axum::http::Request::builder().uri("/actions/?page_size=3").header("host", host);
        let request = request.header("authorization", format!("Bearer {token}"));
        let reply = door.send(request.body(axum::body::Body::empty()).unwrap());
        assert_eq!(reply.json()["next"], "/actions/?page_size=3&page=2", "{host}");
    }
}

/// A proxy may name another host than clients do.
#[test]
fn links_begin_with_the_public_url() {
    let (door, token) = door_with_resources();
    let set = json!({"public_url": "https://auth.example.com"});
    assert_eq!(door.ask("PATCH", "/settings/", Some(&token), Some(&set)).status, 200);
    let page = door.get("/actions/?page_size=3", Some(&token));
    assert_eq!(page.json()["next"], "https://auth.example.com/actions/?page_size=3&page=2");
}

#[test]
fn a_list_looks_at_its_own_filters_alone() {
    let (door, token) = door_with_resources();
    for list in ["roles", "resources", "actions", "permissions"] {
        let reply = door.get(&format!("/{list}/?user=abc&is_active=foo"), Some(&token));
        assert_eq!(reply.status, 200, "{list}: {}", reply.text);
    }
    assert_eq!(door.get("/users/?is_active=foo", Some(&token)).status, 400);
    assert_eq!(door.get("/sessions/?user=abc", Some(&token)).status, 400);
}
