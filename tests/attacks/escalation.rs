//! Somebody with a little power over users wants more, or wants it gone from others (R-38, D-8).

use serde_json::{Value, json};

use super::Site;
use crate::support::PASSWORD;
use crate::support::http::{Answer, Client};

/// Users with an id each: 1 the attacker, 2 a plain user, 3 one with more rights, 4 staff, 5 a superuser.
pub fn site() -> (Site, Client) {
    let site = Site::new();
    site.app.user("manager@example.com", &["manager"]);
    site.app.user("plain@example.com", &[]);
    site.app.user("admin@example.com", &["admin"]);
    let staff = authsrv::domain::users::NewUser {
        email: Some(authsrv::domain::identifiers::Email::parse("staff@example.com").unwrap()),
        is_active: true,
        is_staff: true,
        ..Default::default()
    };
    site.app.account(staff, &[]);
    site.app.superuser("root@example.com");
    let manager = site.signed_in("manager@example.com");
    (site, manager)
}

/// Every spelling of a route.
fn spellings(path: &str) -> Vec<String> {
    let bare = path.trim_end_matches('/');
    let both = ["", "/api/auth"].iter();
    both.flat_map(|prefix| [format!("{prefix}{bare}/"), format!("{prefix}{bare}")]).collect()
}

#[track_caller]
fn forbidden(answer: &Answer, about: &str) {
    assert_eq!(answer.status, 403, "R-38: {about}: {answer:?}");
    assert!(answer.json()["code"].is_string(), "{about}: {answer:?}");
}

/// Rows about users and rights that nothing here may change.
pub fn state(site: &Site) -> Vec<Value> {
    let root = site.root();
    let users = root.get("/users/?ordering=id").json();
    let mut rows: Vec<Value> = users["results"].as_array().unwrap().clone();
    for row in &mut rows {
        row["last_login"] = Value::Null;
    }
    for list in ["roles", "permissions", "resources", "actions"] {
        rows.push(root.get(&format!("/{list}/?page_size=200")).json());
    }
    rows
}

#[test]
fn a_manager_gets_no_power_for_himself() {
    let (site, manager) = site();
    let before = state(&site);
    let admin = site.root().get("/roles/?search=admin").json()["results"][0]["id"].as_i64().unwrap();
    for path in spellings("/users/1/") {
        for method in ["PATCH", "PUT"] {
            for change in [
                json!({"is_superuser": true}),
                json!({"is_staff": true}),
                json!({"is_staff": true, "is_superuser": true, "first_name": "M"}),
                json!({"roles": ["admin"]}),
                json!({"roles": [admin]}),
                json!({"roles": ["manager", "admin"]}),
                json!({"roles": ["viewer"]}),
            ] {
                let body = super::with(json!({"email": "manager@example.com"}), &change);
                forbidden(&manager.json(method, &path, &body), &format!("{method} {path} {change}"));
            }
        }
    }
    for path in spellings("/users/1/roles/") {
        for role in [json!("admin"), json!(admin), json!(" admin ")] {
            forbidden(&manager.post(&path, json!({"role": role})), &format!("{path} {role}"));
        }
    }
    for (method, path, body) in [
        ("POST", "/users/", json!({"email": "new@example.com", "password": PASSWORD, "is_superuser": true})),
        ("POST", "/users/", json!({"email": "new@example.com", "password": PASSWORD, "roles": ["admin"]})),
        ("PATCH", "/roles/2/", json!({"permissions": ["users:all"]})),
        ("POST", "/roles/2/permissions/", json!({"permission": "users:delete"})),
        ("POST", "/roles/", json!({"name": "x", "code_name": "x", "permissions": ["users:all"]})),
        ("POST", "/permissions/", json!({"resource": "users", "action": "delete"})),
        ("PATCH", "/settings/", json!({"tokens.bearer_refresh": true})),
    ] {
        forbidden(&manager.json(method, path, &body), &format!("{method} {path}"));
    }
    assert_eq!(state(&site), before);
}

#[test]
fn a_manager_does_not_take_over_or_shut_out_those_above_him() {
    let (site, manager) = site();
    let before = state(&site);
    let changes = [
        json!({"email": "mine@example.com"}),
        json!({"phone": "+79991234567"}),
        json!({"username": "mine"}),
        json!({"password": "Another-1-password"}),
        json!({"is_active": false}),
        json!({"force_logout_at": "2026-01-01T00:00:00Z"}),
        json!({"force_logout_at": "2999-01-01T00:00:00Z"}),
        json!({"roles": []}),
        json!({"roles": ["viewer"]}),
        json!({"first_name": "x", "is_active": false}),
    ];
    for (id, email) in [(3, "admin@example.com"), (4, "staff@example.com"), (5, "root@example.com")] {
        for change in &changes {
            // A list of roles that is already that changes nothing.
            if id != 3 && change.get("roles") == Some(&json!([])) {
                continue;
            }
            forbidden(&manager.patch(&format!("/users/{id}/"), change.clone()), &format!("PATCH {id} {change}"));
            let body = super::with(json!({"email": email}), change);
            forbidden(&manager.put(&format!("/api/auth/users/{id}"), body), &format!("PUT {id} {change}"));
        }
        forbidden(&manager.delete(&format!("/users/{id}/")), "DELETE");
        forbidden(&manager.post(&format!("/token/revoke_all/{id}/"), json!({})), "revoke_all");
    }
    for id in [4, 5] {
        forbidden(
            &manager.patch(&format!("/users/{id}/"), json!({"first_name": "x"})),
            "names of staff and superusers",
        );
        forbidden(
            &manager.post(&format!("/users/{id}/roles/"), json!({"role": "manager"})),
            "roles of staff and superusers",
        );
    }
    forbidden(&manager.delete("/users/3/roles/1/"), "strips an admin of his role");
    assert_eq!(state(&site), before);
    // What he may do he may do.
    assert_eq!(manager.patch("/users/2/", json!({"email": "other@example.com", "is_active": false})).status, 200);
}

#[test]
fn nobody_hands_out_what_he_does_not_hold() {
    let (site, _) = site();
    site.role("clerk", &["users:all", "roles:all", "permissions:create", "permissions:update", "sessions:read"]);
    let clerk = site.somebody("clerk@example.com", &["clerk"]);
    let before = state(&site);
    let role = site.root().get("/roles/?search=clerk").json()["results"][0]["id"].as_i64().unwrap();
    for right in ["sessions:delete", "sessions:all", "settings:update", "tokens:delete", "keys:all", "audit:read"] {
        let with_it = json!({"name": "Clerk", "code_name": "clerk", "permissions": ["users:all", right]});
        forbidden(&clerk.post(&format!("/roles/{role}/permissions/"), json!({"permission": right})), right);
        forbidden(&clerk.patch(&format!("/roles/{role}/"), json!({"permissions": ["users:all", right]})), right);
        forbidden(&clerk.put(&format!("/roles/{role}/"), with_it), right);
        forbidden(&clerk.post("/roles/", json!({"name": "n", "code_name": "n", "permissions": [right]})), right);
    }
    let theirs = site.root().get("/permissions/?page_size=200&search=settings").json();
    for permission in theirs["results"].as_array().unwrap() {
        let id = &permission["id"];
        forbidden(&clerk.post(&format!("/roles/{role}/permissions/"), json!({"permission": id})), "by id");
        forbidden(&clerk.patch(&format!("/roles/{role}/"), json!({"permissions": [id]})), "by id");
    }
    for who in ["admin", "viewer"] {
        forbidden(&clerk.post("/users/2/roles/", json!({"role": who})), who);
        forbidden(&clerk.patch("/users/2/", json!({"roles": [who]})), who);
        let new = json!({"username": "new", "password": PASSWORD, "roles": [who]});
        forbidden(&clerk.post("/users/", new), who);
    }
    assert_eq!(state(&site), before);
    // A role that he holds whole he may give on, also with its rights listed one by one.
    assert_eq!(clerk.post("/users/2/roles/", json!({"role": "clerk"})).status, 201);
    let new = json!({"name": "n", "code_name": "n", "permissions": ["users:read", "sessions:read"]});
    assert_eq!(clerk.post("/roles/", new).status, 201);
}

#[test]
fn lists_of_roles_and_permissions_are_all_or_nothing() {
    let (site, manager) = site();
    let before = state(&site);
    let root = site.root();
    for (path, body) in [
        ("/users/2/", json!({"roles": ["manager", "nobody"]})),
        ("/users/2/", json!({"first_name": "Eve", "roles": [1, 999]})),
        ("/users/2/", json!({"first_name": "Eve", "roles": [null]})),
        ("/roles/2/", json!({"name": "Eve", "permissions": ["users:all", "users:nothing"]})),
        ("/roles/2/", json!({"name": "Eve", "permissions": ["users:all", -1]})),
        ("/roles/2/", json!({"name": "Eve", "permissions": ["users:all:all"]})),
    ] {
        let answer = root.patch(path, body.clone());
        assert_eq!(answer.status, 400, "{body}: {answer:?}");
    }
    forbidden(&manager.patch("/users/2/", json!({"first_name": "Eve", "roles": ["manager", "admin"]})), "half a list");
    assert_eq!(state(&site), before);
}

#[test]
fn rights_are_read_at_each_request_and_never_from_the_token() {
    let (site, _) = site();
    let ann = site.somebody("ann@example.com", &["manager"]);
    assert_eq!(ann.get("/users/").status, 200);
    let id = site.root().get("/users/?search=ann@example.com").json()["results"][0]["id"].as_i64().unwrap();
    let role = site.root().get("/roles/?search=manager").json()["results"][0]["id"].as_i64().unwrap();
    assert_eq!(site.root().delete(&format!("/users/{id}/roles/{role}/")).status, 204);
    assert_eq!(ann.get("/users/").status, 403, "R-26, R-41");
    assert_eq!(ann.patch("/users/2/", json!({"first_name": "x"})).status, 403, "R-26, R-41");
}

/// Links that set a password go where settings say: whoever sets those reads everybody's.
#[test]
fn settings_give_no_accounts_away() {
    let site = Site::new();
    site.role("keeper", &["settings:read", "settings:update"]);
    let keeper = site.somebody("keeper@example.com", &["keeper"]);
    let before = keeper.get("/settings/").json();
    for path in spellings("/settings/") {
        for change in [
            json!({"mail.frontend_url": "https://evil.example"}),
            json!({"public_url": "https://evil.example"}),
            json!({"mail.smtp_host": "evil.example", "mail.transport": "smtp"}),
            json!({"mail.transport": "folder", "mail.folder": "/tmp"}),
            json!({"mail.templates": "/tmp"}),
            json!({"account.open": true}),
            json!({"rbac.access_lifetime": 60, "mail.from": "evil@example.com"}),
        ] {
            forbidden(&keeper.patch(&path, change.clone()), &format!("{path} {change}"));
        }
    }
    assert_eq!(keeper.get("/settings/").json(), before, "R-38: all or none");
    let root = site.root();
    assert_eq!(root.patch("/settings/", json!({"mail.frontend_url": "https://app.example.com"})).status, 200);
    forbidden(&keeper.patch("/settings/", json!({"mail.frontend_url": null})), "nor taken back");
    let all = keeper.get("/settings/").json();
    assert_eq!(keeper.json("PATCH", "/settings/", &all).status, 200, "what stays as it is is no change");
    assert_eq!(keeper.patch("/settings/", json!({"rbac.access_lifetime": 60})).status, 200, "D-9");
}
