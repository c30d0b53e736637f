//! Somebody whom nobody knows, where `account.open` lets everybody in (S0-22): he stays below staff, superusers and whoever
//! has a role, leaves every other door closed, and is out with the setting.

use std::path::Path;

use authsrv::domain::error::Error;
use authsrv::domain::identifiers::Email;
use authsrv::domain::users::NewUser;
use authsrv::service::{access, users};
use serde_json::{Value, json};

use super::Site;
use crate::support::dump::Dump;
use crate::support::{PASSWORD, origin};

const HIS: &str = "His-and-0nly-his";

fn site() -> Site {
    let site = Site::new();
    assert_eq!(site.root().patch("/settings/", json!({"account.open": true})).status, 200);
    site
}

fn dump(site: &Site) -> Dump {
    Dump::of(&Path::new(site.app.folder.path()).join("authsrv.db"))
}

/// Everything that the routes of the account API could do to somebody.
fn deeds(id: i64) -> Vec<(&'static str, String, Value)> {
    let whole = json!({"email": "his@example.com", "username": "his own", "password": HIS});
    let mut all = Vec::new();
    for path in
        [format!("/api/v1/account/{id}/"), format!("/api/v1/account/{id}"), format!("/api/v1/account/{id}.json")]
    {
        all.push(("PUT", path.clone(), whole.clone()));
        for change in [json!({"email": "his@example.com"}), json!({"username": "his own"}), json!({"password": HIS})] {
            all.push(("PATCH", path.clone(), change));
        }
        all.push(("DELETE", path, json!({})));
    }
    for path in [
        format!("/api/v1/account/{id}/remove/"),
        format!("/api/v1/account/remove/{id}/"),
        format!("/api/v1/account/remove/{id}.json"),
    ] {
        all.push(("DELETE", path, json!({})));
    }
    all
}

#[test]
fn nobody_with_power_is_within_reach() {
    let site = site();
    site.role("reader", &["users:read"]);
    site.role("title", &[]);
    for (email, roles) in [
        ("viewer@example.com", "viewer"),
        ("reader@example.com", "reader"),
        ("title@example.com", "title"),
        ("admin@example.com", "admin"),
    ] {
        site.app.user(email, &[roles]);
    }
    let staff = NewUser {
        email: Some(Email::parse("staff@example.com").unwrap()),
        is_active: true,
        is_staff: true,
        ..NewUser::default()
    };
    let staff = site.app.account(staff, &[]);
    let before = dump(&site);
    let guest = site.server.anonymous();
    for id in 1..=staff.0 {
        for (method, path, body) in deeds(id) {
            let answer = guest.json(method, &path, &body);
            assert_eq!(answer.status, 403, "R-38: {method} {path} {body}: {answer:?}");
        }
    }
    before.is(&dump(&site), "R-38: nothing has changed");
}

/// An account that was given a role a moment ago.
#[test]
fn a_role_puts_somebody_out_of_reach_at_once() {
    let site = site();
    let ann = site.app.user("ann@example.com", &[]);
    let guest = site.server.anonymous();
    let path = format!("/api/v1/account/{}/", ann.0);
    assert_eq!(guest.patch(&path, json!({"username": "first"})).status, 200);
    assert_eq!(site.root().post(&format!("/users/{}/roles/", ann.0), json!({"role": "viewer"})).status, 201);
    assert_eq!(guest.patch(&path, json!({"username": "second"})).status, 403, "R-41");
    assert_eq!(guest.delete(&path).status, 403);
}

#[test]
fn no_other_door_is_open() {
    let site = site();
    let ann = site.app.user("ann@example.com", &[]).0;
    let guest = site.server.anonymous();
    for prefix in ["", "/api/auth", "/auth"] {
        for path in [format!("{prefix}/users/"), format!("{prefix}/users/{ann}/"), format!("{prefix}/users/me/")] {
            assert!([401, 403, 404].contains(&guest.get(&path).status), "{path}");
            for method in ["PUT", "PATCH", "DELETE"] {
                let answer = guest.json(method, &path, &json!({"password": HIS, "current_password": HIS}));
                assert!([401, 405, 404].contains(&answer.status), "{method} {path}: {answer:?}");
            }
        }
    }
    for path in ["/me/", "/roles/", "/settings/", "/sessions/", "/api-tokens/", "/me/get_sessions/"] {
        assert_eq!(guest.get(path).status, 401, "{path}");
    }
    site.signed_in("ann@example.com");
}

/// What he registers or changes gives no power.
#[test]
fn he_takes_no_key_of_power() {
    let site = site();
    let ann = site.app.user("ann@example.com", &[]).0;
    let guest = site.server.anonymous();
    let power = json!({"is_staff": true, "is_superuser": true, "is_active": false, "roles": ["admin"], "id": 1, "username": "ann"});
    assert_eq!(guest.patch(&format!("/api/v1/account/{ann}/"), power).status, 200);
    let account = site.app.operate(|ctx| users::find(ctx, "ann@example.com")).unwrap();
    assert!(account.user.is_active && !account.user.is_staff && !account.user.is_superuser && account.roles.is_empty());
    assert_eq!(account.user.id.0, ann);
}

/// what was begun while the setting was on is not finished once it is off.
#[test]
fn he_is_out_with_the_setting() {
    let site = site();
    let ann = site.app.user("ann@example.com", &[]);
    let path = format!("/api/v1/account/{}/", ann.0);
    assert_eq!(site.server.anonymous().get(&path).status, 200);
    let begun = access::anybody(&site.app.env).unwrap();
    let root = site.root();
    assert_eq!(root.patch("/settings/", json!({"account.open": false})).status, 200);
    for (method, path, body) in deeds(ann.0) {
        assert_eq!(site.server.anonymous().json(method, &path, &body).status, 401, "R-30: {method} {path}");
    }
    assert_eq!(site.server.anonymous().get(&path).status, 401, "R-30");
    let origin = origin();
    let ctx = site.app.env.ctx(&begun, &origin);
    assert!(matches!(users::erase(&ctx, ann), Err(Error::Unauthenticated(_))), "R-28");
    let profile = authsrv::domain::users::UserPatch { first_name: Some("His".to_owned()), ..Default::default() };
    let patch = users::AccountPatch { profile, ..Default::default() };
    assert!(matches!(users::change_all(&ctx, ann, patch), Err(Error::Unauthenticated(_))), "R-28");
    site.signed_in("ann@example.com");
}

///
#[test]
fn the_audit_trail_names_nobody() {
    let site = site();
    let (ann, bob) = (site.app.user("ann@example.com", &[]).0, site.app.user("bob@example.com", &[]).0);
    let guest = site.server.anonymous();
    assert_eq!(guest.patch(&format!("/api/v1/account/{ann}/"), json!({"password": HIS})).status, 200);
    assert_eq!(guest.delete(&format!("/api/v1/account/remove/{bob}/")).status, 204);
    let rows = dump(&site).0.remove("audit").unwrap();
    let by_guest: Vec<_> = rows.values().filter(|row| row["door"].as_deref() == Some("account")).collect();
    assert_eq!(by_guest.len(), 2, "{by_guest:?}");
    for row in by_guest {
        assert_eq!((row["actor_kind"].as_deref(), row["actor_id"].as_deref()), (Some("anonymous"), None), "{row:?}");
    }
    let old = site.server.anonymous().post("/login/", json!({"email": "ann@example.com", "password": PASSWORD}));
    assert_eq!(old.status, 401, "the password is changed, as in the original");
}
