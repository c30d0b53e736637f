//! Keys that a caller may not write, slipped into bodies that he may send (R-8, R-38, R-47).

use serde_json::{Value, json};

use super::{Site, registration, with};
use crate::support::PASSWORD;

/// Keys and values that would give power or hide something, in many disguises.
pub fn slipped() -> Vec<Value> {
    let mut all = vec![
        json!({"is_superuser": true}),
        json!({"is_superuser": "true"}),
        json!({"is_superuser": 1}),
        json!({"is_staff": true}),
        json!({"is_active": true}),
        json!({"is_supervisor": true}),
        json!({"superuser": true}),
        json!({"roles": ["admin"]}),
        json!({"roles": [1]}),
        json!({"role": "admin"}),
        json!({"groups": ["admin"]}),
        json!({"permissions": ["users:all"]}),
        json!({"user_permissions": [1]}),
        json!({"id": 777_777}),
        json!({"pk": 777_777}),
        json!({"user_id": 777_777}),
        json!({"date_joined": "2001-01-01T00:00:00Z"}),
        json!({"last_login": "2001-01-01T00:00:00Z"}),
        json!({"updated_at": "2001-01-01T00:00:00Z"}),
        json!({"force_logout_at": "2001-01-01T00:00:00Z"}),
        json!({"password_hash": "$argon2id$v=19$m=19456,t=2,p=1$AAAA$AAAA"}),
        json!({"hash": "x"}),
        json!({"email_key": "root@example.com"}),
        json!({"email_verified": true}),
        json!({"username_key": "root"}),
        json!({"user": {"is_superuser": true}}),
        json!({"user[is_superuser]": true}),
        json!({"user.is_superuser": true}),
        json!({"__proto__": {"is_superuser": true}}),
        json!({"constructor": {"prototype": {"is_superuser": true}}}),
        json!({"IS_SUPERUSER": true}),
        json!({"Is_Superuser": true}),
        json!({"isSuperuser": true}),
        json!({"is-superuser": true}),
        json!({"is_superuser ": true}),
        json!({" is_superuser": true}),
        json!({"is_superuser\u{0}": true}),
        json!({"is_super\u{200b}user": true}),
        json!({"ｉｓ_superuser": true}),
        json!({"is_ѕuperuser": true}),
        json!({"": true}),
    ];
    // Written by escapes, so that the key is the same and its text is not.
    all.push(serde_json::from_str(r#"{"is\u005fsuperuser": true}"#).unwrap());
    all
}

/// Passes if the account has no power.
#[track_caller]
pub fn powerless(site: &Site, email: &str, about: &str) {
    let found = site.app.operate(|ctx| authsrv::service::users::find(ctx, email));
    let Ok(account) = found else { return };
    let user = account.user;
    assert!(!user.is_superuser && !user.is_staff && account.roles.is_empty(), "R-8: {about}: {user:?}");
    assert!(user.force_logout_at.is_none() && user.date_joined.timestamp() > 1_700_000_000, "R-8: {about}: {user:?}");
    assert_ne!(user.id.0, 777_777, "{about}");
}

#[test]
fn register_takes_no_key_of_power() {
    let site = Site::new();
    for (at, more) in slipped().into_iter().enumerate() {
        for prefix in ["", "/api/auth"] {
            let email = format!("a{at}{}@example.com", prefix.len());
            let answer =
                site.server.anonymous().post(&format!("{prefix}/register/"), with(registration(&email), &more));
            assert_eq!(answer.status, 400, "R-47: {more}: {answer:?}");
            powerless(&site, &email, &more.to_string());
        }
    }
    let nested = json!({"user": registration("b@example.com")});
    assert_eq!(site.server.anonymous().post("/register/", nested).status, 400);
    assert_eq!(site.server.anonymous().post("/register/", json!([registration("c@example.com")])).status, 400);
}

#[test]
fn keys_twice_are_refused_whatever_their_order() {
    let site = Site::new();
    let body = registration("ann@example.com").to_string();
    for twice in [
        body.replacen('{', r#"{"email":"eve@example.com","#, 1),
        body.replacen('{', r#"{"\u0065mail":"eve@example.com","#, 1),
        body.replacen('}', r#","password":"another"}"#, 1),
    ] {
        let sent = Some(("application/json", twice.clone().into_bytes()));
        let answer = site.server.anonymous().send("POST", "/register/", sent);
        assert_eq!(answer.status, 400, "R-47: {twice}: {answer:?}");
    }
    let me = site.somebody("ann@example.com", &[]);
    let body = br#"{"first_name":"A","first_name":"B"}"#.to_vec();
    assert_eq!(me.send("PATCH", "/me/", Some(("application/json", body))).status, 400, "R-47");
}

#[test]
fn me_takes_names_and_nothing_else() {
    let site = Site::new();
    let me = site.somebody("ann@example.com", &[]);
    let before = me.get("/me/").json();
    let more = [
        json!({"email": "eve@example.com"}),
        json!({"phone": "+71234567890"}),
        json!({"username": "root"}),
        json!({"password": "Another-1-password"}),
    ];
    for key in slipped().into_iter().chain(more) {
        for (method, path) in
            [("PUT", "/me/"), ("PATCH", "/me/"), ("PATCH", "/api/auth/me"), ("POST", "/me/"), ("GET", "/me/")]
        {
            let answer = me.json(method, path, &with(json!({"first_name": "Eve"}), &key));
            assert!([200, 400, 405].contains(&answer.status), "{method} {key}: {answer:?}");
            assert!(method == "GET" || answer.status != 200, "R-8: {method} {key}: {answer:?}");
        }
        powerless(&site, "ann@example.com", &key.to_string());
    }
    assert_eq!(me.get("/me/").json(), before, "R-8: nothing has changed");
    site.signed_in("ann@example.com");
}

#[test]
fn a_password_change_takes_only_passwords() {
    let site = Site::new();
    let me = site.somebody("ann@example.com", &[]);
    for key in slipped() {
        let body = json!({"current_password": PASSWORD, "new_password": "Another-1-password"});
        assert_eq!(me.post("/me/password/", with(body, &key)).status, 400, "R-47: {key}");
    }
    site.signed_in("ann@example.com");
}

#[test]
fn users_bodies_of_somebody_who_is_no_superuser() {
    let site = Site::new();
    site.role("clerk", &["users:all"]);
    let clerk = site.somebody("clerk@example.com", &["clerk"]);
    site.app.user("ann@example.com", &[]);
    let ann = site.app.operate(|ctx| authsrv::service::users::find(ctx, "ann@example.com")).unwrap().user.id.0;
    // To end a user's sessions is in the right to change users; see `escalation.rs`.
    let keys = slipped().into_iter().filter(|key| key.get("force_logout_at").is_none());
    for (at, key) in keys.enumerate() {
        let email = format!("n{at}@example.com");
        let made = clerk.post("/users/", with(json!({"email": email, "password": PASSWORD}), &key));
        assert!([201, 400, 403].contains(&made.status), "{key}: {made:?}");
        powerless(&site, &email, &key.to_string());
        for method in ["PATCH", "PUT"] {
            let answer =
                clerk.json(method, &format!("/users/{ann}/"), &with(json!({"email": "ann@example.com"}), &key));
            assert!([200, 400, 403].contains(&answer.status), "{key}: {answer:?}");
            powerless(&site, "ann@example.com", &key.to_string());
        }
    }
    let shown = clerk.get(&format!("/users/{ann}/"));
    let text = String::from_utf8(shown.body).unwrap();
    assert!(!text.contains("password") && !text.contains("argon2"), "R-53: {text}");
}
