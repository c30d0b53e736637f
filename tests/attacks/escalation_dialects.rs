//! Somebody with a little power over users, or with none while `account.open` is on, tries the Django dialects for more
//! (R-38, D-8, D-17, S0-22).

use serde_json::{Value, json};

use super::Site;
use super::escalation::{site, state};
use crate::support::PASSWORD;
use crate::support::http::Client;

/// Those whom nobody here may touch: one with more rights, staff, a superuser, by id and address; see `escalation.rs`.
const ABOVE: [(i64, &str); 3] = [(3, "admin@example.com"), (4, "staff@example.com"), (5, "root@example.com")];

/// Requests about a user, at every route of the dialects that names one.
fn requests(id: i64, email: &str) -> Vec<(&'static str, String, Value)> {
    let whole =
        |email: &str, password: &str| json!({"email": email, "username": format!("mine-{id}"), "password": password});
    let mut all = Vec::new();
    for path in [format!("/auth/users/{id}/"), format!("/api/v1/account/{id}/"), format!("/api/v1/account/{id}")] {
        all.push(("PATCH", path.clone(), json!({"email": "mine@example.com"})));
        all.push(("PATCH", path.clone(), json!({"email": "mine@example.com", "is_superuser": false, "roles": []})));
        all.push(("PUT", path.clone(), whole("mine@example.com", "Another-1-password")));
        // Djoser's takes nothing but the address, and that would be the same.
        if path.starts_with("/api/") {
            all.push(("PUT", path.clone(), whole(email, "Another-1-password")));
        }
        all.push(("DELETE", path, json!({"current_password": PASSWORD})));
    }
    let account = format!("/api/v1/account/{id}/");
    all.push(("PATCH", account.clone(), json!({"password": "Another-1-password"})));
    all.push(("PATCH", account.clone(), json!({"username": "mine"})));
    all.push(("DELETE", format!("{account}remove/"), Value::Null));
    all.push(("DELETE", format!("/api/v1/account/remove/{id}/"), Value::Null));
    all
}

fn send(client: &Client, (method, path, body): &(&'static str, String, Value)) -> u16 {
    match body {
        Value::Null => client.send(method, path, None).status,
        body => client.json(method, path, body).status,
    }
}

/// the right to change users reaches no higher through another dialect, nor does an address that was changed let
/// anybody reset the password of another.
#[test]
fn a_manager_takes_over_nobody_above_him() {
    let (site, manager) = site();
    let before = state(&site);
    for (id, email) in ABOVE {
        for request in requests(id, email) {
            let status = send(&manager, &request);
            assert!([403, 404].contains(&status), "R-38: {request:?}: {status}");
        }
        site.server.anonymous().post("/auth/users/reset_password/", json!({"email": "mine@example.com"}));
    }
    assert_eq!(state(&site), before);
    for (_, email) in ABOVE {
        site.signed_in(email);
    }
    // He may change whoever has no more than he, and delete nobody: he holds read and update.
    assert_eq!(manager.patch("/auth/users/2/", json!({"email": "other@example.com"})).status, 200);
    assert_eq!(manager.patch("/api/v1/account/2/", json!({"username": "other"})).status, 200);
    assert_eq!(manager.delete("/api/v1/account/2/").status, 403);
    let delete = json!({"current_password": PASSWORD});
    assert_eq!(manager.json("DELETE", "/auth/users/2/", &delete).status, 403);
}

/// D-8: `is_staff` grants nothing, whatever Django's permission classes made of it.
#[test]
fn staff_is_no_right() {
    let (site, _) = site();
    let staff = site.signed_in("staff@example.com");
    let before = state(&site);
    for (id, email) in [(2, "plain@example.com"), (3, "admin@example.com"), (5, "root@example.com")] {
        for request in requests(id, email) {
            let status = send(&staff, &request);
            assert!([403, 404].contains(&status), "D-8: {request:?}: {status}");
        }
    }
    for path in ["/auth/users/", "/api/v1/account/"] {
        assert_eq!(staff.get(path).json().as_array().unwrap().len(), 1, "D-8: {path}");
    }
    assert_eq!(state(&site), before);
}

fn open(site: &Site, on: bool) {
    assert_eq!(site.root().patch("/settings/", json!({"account.open": on})).status, 200);
}

/// S0-22, R-38: an open list of accounts reaches neither staff nor superusers nor whoever holds rights, not even to read a
/// way to them: no address is changed, so no link to a new password goes astray.
#[test]
fn an_open_list_reaches_nobody_with_power() {
    let (site, _) = site();
    open(&site, true);
    let before = state(&site);
    let nobody = site.server.anonymous();
    for (id, email) in ABOVE.into_iter().chain([(1, "manager@example.com")]) {
        for request in requests(id, email) {
            let status = send(&nobody, &request);
            let wanted = if request.1.starts_with("/auth/") { 401 } else { 403 };
            assert_eq!(status, wanted, "S0-22: {request:?}");
        }
        nobody.post("/auth/users/reset_password/", json!({"email": "mine@example.com"}));
    }
    assert_eq!(state(&site), before);
    // At the routes of others it opens nothing.
    for path in ["/users/", "/users/2/", "/auth/users/", "/auth/users/2/", "/me/", "/api/auth/users/", "/sessions/"] {
        assert_eq!(nobody.get(path).status, 401, "S0-22: {path}");
    }
    // Ordinary accounts are open: that is the setting.
    assert_eq!(nobody.patch("/api/v1/account/2/", json!({"username": "anybody"})).status, 200);
    open(&site, false);
    let plain = ("DELETE", "/api/v1/account/2/".to_owned(), Value::Null);
    assert_eq!(send(&nobody, &plain), 401);
    open(&site, true);
    assert_eq!(send(&nobody, &plain), 204);
}

/// S0-22: what anybody may change there are the fields of S0; and whoever is signed in is judged by his own rights.
#[test]
fn an_open_list_gives_no_rights_away() {
    let (site, _) = site();
    open(&site, true);
    let nobody = site.server.anonymous();
    let plain = site.signed_in("plain@example.com");
    assert_eq!(plain.patch("/api/v1/account/1/", json!({"username": "mine"})).status, 403, "D-17");
    assert_eq!(plain.get("/api/v1/account/").json().as_array().unwrap().len(), 1, "D-17");
    let before = state(&site);
    for key in super::mass_assignment::slipped() {
        let body = super::with(json!({"email": "plain@example.com"}), &key);
        let answer = nobody.patch("/api/v1/account/2/", body);
        assert!([200, 400, 403].contains(&answer.status), "{key}: {answer:?}");
        super::mass_assignment::powerless(&site, "plain@example.com", &key.to_string());
    }
    let after = state(&site);
    assert_eq!(after.len(), before.len());
    for (was, is) in before.iter().zip(&after) {
        let mut is = is.clone();
        if is["email"] == "plain@example.com" {
            is["updated_at"] = was["updated_at"].clone();
        }
        assert_eq!(*was, is);
    }
}
