//! A user is deleted; somebody else registers. The old tokens must not be the new user's.

use serde_json::json;

use super::{Site, registration};

#[test]
fn a_deleted_users_tokens_are_not_the_next_users() {
    let site = Site::new();
    let root = site.root();
    let before = site.server.anonymous().post("/register/", registration("old@example.com")).json();
    let (access, refresh) =
        (before["access"].as_str().unwrap().to_owned(), before["refresh"].as_str().unwrap().to_owned());
    let id = before["user"]["id"].as_i64().unwrap();
    assert_eq!(root.delete(&format!("/users/{id}/")).status, 204);

    for again in ["new@example.com", "old@example.com"] {
        let after = site.server.anonymous().post("/register/", registration(again)).json();
        assert!(after["user"]["id"].as_i64().unwrap() > id, "R-31: {after}");
        let me = site.server.bearer(&access).get("/me/");
        assert_eq!((me.status, me.text("code").as_str()), (401, "user_not_found"), "R-31");
        assert_eq!(site.server.bearer(&access).post("/token/revoke_all/", json!({})).status, 401);
        assert_eq!(site.server.anonymous().post("/token/refresh/", json!({"refresh": refresh})).status, 401, "R-31");
        assert_eq!(site.server.anonymous().post("/logout/", json!({"refresh": refresh})).status, 401, "R-31");
        assert_eq!(site.server.bearer(after["access"].as_str().unwrap()).get("/me/").status, 200);
    }
}

#[test]
fn no_id_comes_back() {
    let site = Site::new();
    let root = site.root();
    for (list, body) in [
        ("roles", json!({"name": "x", "code_name": "x"})),
        ("resources", json!({"name": "x", "code_name": "x"})),
        ("actions", json!({"name": "x", "code_name": "x"})),
        ("permissions", json!({"resource": "keys", "action": "export"})),
        ("users", json!({"username": "x", "password": crate::support::PASSWORD})),
    ] {
        let mut last = 0;
        for _ in 0..3 {
            let made = root.post(&format!("/{list}/"), body.clone());
            assert_eq!(made.status, 201, "{list}: {made:?}");
            let id = made.json()["id"].as_i64().unwrap();
            assert!(id > last, "R-31: {list}: {id} after {last}");
            last = id;
            assert_eq!(root.delete(&format!("/{list}/{id}/")).status, 204);
        }
    }
}
