//! Power by way of the catalog: renaming roles, resources and actions, turning a permission into another, look-alikes of
//! `all` (R-37, R-38, D-7).

use serde_json::json;

use super::Site;
use crate::support::http::Client;

/// Somebody who may do everything to the catalog, and holds all the rights there are on `reports`, one by the action
/// `sign`, which there is for nothing else.
fn clerk() -> (Site, Client) {
    let site = Site::new();
    let root = site.root();
    assert_eq!(root.post("/resources/", json!({"name": "Reports", "code_name": "reports"})).status, 201);
    assert_eq!(root.post("/actions/", json!({"name": "Sign", "code_name": "sign"})).status, 201);
    let rights = [
        "roles:all",
        "resources:all",
        "actions:all",
        "permissions:all",
        "projects:read",
        "reports:read",
        "reports:sign",
    ];
    site.role("clerk", &rights);
    let clerk = site.somebody("clerk@example.com", &["clerk"]);
    (site, clerk)
}

fn id(client: &Client, list: &str, code_name: &str) -> i64 {
    let found = client.get(&format!("/{list}/?page_size=200&search={code_name}")).json();
    let all = found["results"].as_array().unwrap().clone();
    let one = all.iter().find(|one| one["code_name"] == code_name);
    one.unwrap_or_else(|| panic!("no {code_name} in {found}"))["id"].as_i64().unwrap()
}

fn may(client: &Client, resource: &str, action: &str) -> bool {
    client.post("/check/", json!({"resource": resource, "action": action})).json()["allowed"] == true
}

#[test]
fn a_permission_is_not_turned_into_a_greater_one() {
    let (site, clerk) = clerk();
    let root = site.root();
    let mine = id(&root, "permissions", "projects:read");
    for (body, about) in [
        (json!({"action": "all"}), "all of it"),
        (json!({"action": "delete"}), "another action"),
        (json!({"resource": "users"}), "another resource"),
        (json!({"resource": "settings", "action": "update"}), "both"),
    ] {
        for path in [format!("/permissions/{mine}/"), format!("/api/auth/permissions/{mine}")] {
            assert_eq!(clerk.patch(&path, body.clone()).status, 403, "R-38: {about}");
        }
    }
    // A permission of others, turned into one that he holds: they would lose theirs.
    let theirs = id(&root, "permissions", "users:read");
    assert_eq!(
        clerk.patch(&format!("/permissions/{theirs}/"), json!({"resource": "roles", "action": "export"})).status,
        403
    );
    for action in ["all", "delete", "update"] {
        let made = clerk.post("/permissions/", json!({"resource": "documents", "action": action}));
        assert_eq!(made.status, 403, "R-38: {made:?}");
    }
    assert!(may(&clerk, "projects", "read") && !may(&clerk, "projects", "delete") && !may(&clerk, "users", "read"));
}

#[test]
fn a_rename_gives_no_right_that_one_did_not_hold() {
    let (site, clerk) = clerk();
    let root = site.root();
    // `reports:read` would become `billing:read`, which nobody has given him.
    let reports = id(&root, "resources", "reports");
    for (method, body) in
        [("PATCH", json!({"code_name": "billing"})), ("PUT", json!({"code_name": "billing", "name": "Billing"}))]
    {
        for path in [format!("/resources/{reports}/"), format!("/api/auth/resourses/{reports}")] {
            assert_eq!(clerk.json(method, &path, &body).status, 403, "R-38: {method} {path}");
        }
    }
    let sign = id(&root, "actions", "sign");
    assert_eq!(clerk.patch(&format!("/actions/{sign}/"), json!({"code_name": "pay"})).status, 403, "R-38");
    assert!(!may(&clerk, "billing", "read") && !may(&clerk, "reports", "pay"));
    // His own, that nobody has a right on yet, he may name as he likes; and names for people are only that.
    let made = clerk.post("/resources/", json!({"name": "B", "code_name": "b"}));
    assert_eq!(made.status, 201);
    assert_eq!(clerk.patch(&format!("/resources/{}/", made.json()["id"]), json!({"code_name": "billing"})).status, 200);
    assert_eq!(clerk.patch(&format!("/resources/{reports}/"), json!({"name": "All reports"})).status, 200);
    assert!(!may(&clerk, "billing", "read"));
    let renamed = root.patch(&format!("/resources/{reports}/"), json!({"code_name": "papers"}));
    assert_eq!(renamed.status, 200, "a superuser may: {renamed:?}");
}

#[test]
fn roles_of_others_keep_their_names() {
    let (site, clerk) = clerk();
    let admin = id(&site.root(), "roles", "admin");
    assert_eq!(clerk.patch(&format!("/roles/{admin}/"), json!({"code_name": "nobody"})).status, 403, "R-38");
    let body = json!({"name": "Clerks", "code_name": "admin"});
    let own = id(&site.root(), "roles", "clerk");
    assert_eq!(clerk.patch(&format!("/roles/{own}/"), body).status, 409, "a taken name");
}

#[test]
fn what_the_server_asks_for_stays() {
    let (site, clerk) = clerk();
    let root = site.root();
    for (list, names) in [
        ("resources", ["users", "roles", "permissions", "sessions", "tokens", "settings", "audit", "keys"].as_slice()),
        ("actions", ["read", "create", "update", "delete", "all"].as_slice()),
    ] {
        for name in names {
            let path = format!("/{list}/{}/", id(&root, list, name));
            for client in [&clerk, &root] {
                let renamed = client.patch(&path, json!({"code_name": "other"}));
                assert!([400, 403, 409].contains(&renamed.status), "D-7: {path}: {renamed:?}");
                let deleted = client.delete(&path);
                assert!([403, 409].contains(&deleted.status), "D-7: {path}: {deleted:?}");
            }
        }
    }
}

#[test]
fn nothing_looks_like_all() {
    let (site, clerk) = clerk();
    let root = site.root();
    let export = id(&root, "actions", "export");
    for name in [
        "all",
        "ALL",
        "All",
        " all",
        "all ",
        "\tall\n",
        "аll",
        "ａｌｌ",
        "a\u{200b}ll",
        "al\u{200d}l",
        "all\u{0}",
        "all\u{202e}",
        "a͏ll",
        "*",
        "%",
        "a%",
        "'all'",
        "\"all\"",
        "all,read",
        "read all",
        "",
        "1",
        "-all",
        "_all",
        "𝐚𝐥𝐥",
        "ⓐⓛⓛ",
    ] {
        for client in [&clerk, &root] {
            let made = client.post("/actions/", json!({"name": format!("n{name}"), "code_name": name}));
            assert_eq!(made.status, 400, "R-37: {name:?}: {made:?}");
            let renamed = client.patch(&format!("/actions/{export}/"), json!({"code_name": name}));
            assert_eq!(renamed.status, 400, "R-37: {name:?}: {renamed:?}");
        }
        let asked = json!({"resource": "users", "action": name});
        let answer = clerk.post("/check/", asked);
        assert!(answer.status == 400 || answer.json()["allowed"] == false, "R-37: {name:?}: {answer:?}");
    }
    // A resource of that name is a resource like others.
    let made = root.post("/resources/", json!({"name": "all", "code_name": "all"}));
    assert!([201, 400].contains(&made.status), "{made:?}");
    assert!(!may(&clerk, "users", "read") && !may(&clerk, "all", "all"));
}

/// Whoever could weaken a role would reach the people who have it, or get the role once it is mended.
#[test]
fn nothing_is_weakened_by_who_does_not_hold_it() {
    let (site, clerk) = clerk();
    let root = site.root();
    site.role("boss", &["sessions:all", "tokens:all", "reports:read"]);
    let boss = id(&root, "roles", "boss");
    let sessions = id(&root, "permissions", "sessions:all");
    let rights = || root.get(&format!("/roles/{boss}/")).json();
    let before = rights();
    let role = format!("/roles/{boss}/");
    for (about, answer) in [
        ("emptied", clerk.patch(&role, json!({"permissions": []}))),
        ("replaced", clerk.put(&role, json!({"name": "Boss", "code_name": "boss", "permissions": ["reports:read"]}))),
        ("one taken", clerk.delete(&format!("/roles/{boss}/permissions/{sessions}/"))),
        ("deleted", clerk.delete(&role)),
        ("renamed", clerk.patch(&role, json!({"code_name": "former_boss"}))),
        ("permission deleted", clerk.delete(&format!("/permissions/{sessions}/"))),
        ("resource deleted", clerk.delete(&format!("/resources/{}/", id(&root, "resources", "documents")))),
        ("action deleted", clerk.delete(&format!("/actions/{}/", id(&root, "actions", "approve")))),
    ] {
        assert_eq!(answer.status, 403, "R-38: {about}: {answer:?}");
    }
    assert_eq!(rights(), before);
    let reports = id(&root, "permissions", "reports:read");
    assert_eq!(clerk.delete(&format!("/roles/{boss}/permissions/{reports}/")).status, 204, "what he holds he may take");
}
