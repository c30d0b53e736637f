//! `audit/`: the trail over HTTP, as the shell shows it.

use serde_json::{Value, json};

use super::Door;

fn actions(page: &Value) -> Vec<&str> {
    page["results"].as_array().unwrap().iter().map(|event| event["action"].as_str().unwrap()).collect()
}

#[test]
fn events_are_listed_newest_first_and_filtered() {
    let door = Door::new();
    let token = door.root();
    door.app.user("ann@example.com", &["viewer"]);
    let get = |query: &str| door.get(&format!("/audit/{query}"), Some(&token)).json();
    let page = get("?page_size=2");
    assert_eq!(actions(&page), ["role.granted", "user.created"]);
    assert_eq!(page["next"], "http://testserver/audit/?page_size=2&page=2");
    let newest = &page["results"][0];
    assert_eq!(newest["details"], json!({"role": "viewer"}));
    assert_eq!(
        (&newest["actor_kind"], &newest["actor"], &newest["door"]),
        (&json!("operator"), &json!("root@test"), &json!("test"))
    );
    assert_eq!(
        (&newest["subject_id"], &newest["ip_address"], &newest["result"]),
        (&json!(2), &json!("192.0.2.7"), &json!("ok"))
    );
    assert_eq!(newest["hash"].as_str().unwrap().len(), 64);
    assert_eq!(actions(&get("?user=2&ordering=id")), ["user.created", "role.granted"]);
    assert_eq!(actions(&get("?user=2&event=role.")), ["role.granted"]);
    assert_eq!(actions(&get("?event=login&page_size=1")), ["login.succeeded"]);
    assert_eq!(get("?since=2999-01-01T00:00:00Z")["count"], 0);
    assert_eq!(get("?until=2999-01-01T00:00:00Z")["count"], get("")["count"]);
    assert_eq!(get("?search=role.gr")["count"], 1);
    for (query, field) in [
        ("?user=ann", "user"),
        ("?since=yesterday", "since"),
        ("?until=2026-02-30T00:00:00Z", "until"),
        ("?event=a%00", "event"),
        ("?event=%25", "event"),
        ("?ordering=hash", "ordering"),
    ] {
        let refused = door.get(&format!("/audit/{query}"), Some(&token));
        assert_eq!(refused.status, 400, "{query}");
        assert!(refused.json()[field].is_array(), "{query}: {:?}", refused.json());
    }
}
