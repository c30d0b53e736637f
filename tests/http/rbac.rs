//! The RBAC dialect, route by route: statuses and shapes.

use serde_json::{Value, json};

use super::Door;
use crate::support::PASSWORD;

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap_or_else(|| panic!("{value}")).keys().map(String::as_str).collect()
}

#[test]
fn registration_signs_in() {
    let door = Door::new();
    let body = json!({"email": "user@example.com ", "password": PASSWORD, "password2": PASSWORD, "first_name": "Иван", "last_name": "Иванов"});
    let reply = door.post("/api/auth/register/", None, &body);
    assert_eq!(reply.status, 201, "{}", reply.text);
    assert_eq!(keys(&reply.json()), ["access", "refresh", "user"]);
    assert_eq!(
        reply.json()["user"],
        json!({"id": 1, "email": "user@example.com", "first_name": "Иван", "last_name": "Иванов"})
    );
    let again = door.post("/register/", None, &body);
    assert_eq!(
        (again.status.as_u16(), again.json()),
        (409, json!({"email": ["A user with this email already exists."]}))
    );
    let other = json!({"email": "b@example.com", "password": PASSWORD, "password2": "other"});
    assert_eq!(door.post("/register/", None, &other).json(), json!({"password2": ["The two passwords do not match."]}));
    let greedy = json!({"email": "b@example.com", "password": PASSWORD, "password2": PASSWORD, "is_superuser": true});
    assert_eq!(door.post("/register/", None, &greedy).json(), json!({"is_superuser": ["Unknown field."]}));
}

#[test]
fn signing_in_refreshing_and_out() {
    let door = Door::new();
    door.app.user("ann@example.com", &[]);
    for name in ["email", "username", "phone"] {
        let reply = door.post("/login/", None, &json!({name: "ANN@example.com", "password": PASSWORD}));
        assert_eq!((reply.status.as_u16(), keys(&reply.json())), (200, vec!["access", "refresh", "user"]), "{name}");
    }
    let bad = door.post("/login/", None, &json!({"email": "ann@example.com", "password": "wrong"}));
    assert_eq!((bad.status.as_u16(), bad.json()["code"].as_str()), (401, Some("no_active_account")));
    let pair = door.post("/login", None, &json!({"email": "ann@example.com", "password": PASSWORD})).json();
    let next = door.post("/token/refresh/", None, &json!({"refresh_token": pair["refresh"]}));
    assert_eq!((next.status.as_u16(), keys(&next.json())), (200, vec!["access", "refresh"]));
    let wrong = door.post("/token/refresh/", None, &json!({"refresh": pair["access"]}));
    assert_eq!((wrong.status.as_u16(), wrong.json()["code"].as_str()), (401, Some("token_not_valid")));
    let out = door.post("/logout/", None, &json!({"refresh": next.json()["refresh"]}));
    assert_eq!((out.status.as_u16(), out.text.as_str()), (200, "{}"));
    assert_eq!(door.get("/me/", next.json()["access"].as_str()).status, 401);
}

#[test]
fn logout_takes_a_refresh_token_or_a_bearer() {
    let door = Door::new();
    door.app.user("ann@example.com", &[]);
    assert_eq!(door.post("/logout/", None, &json!({})).json(), json!({"refresh": ["This field is required."]}));
    let pair = door.app.sign_in("ann@example.com");
    let other = door.app.sign_in("ann@example.com");
    assert_eq!(door.post("/logout/", Some(&pair.access), &json!({"refresh": "x"})).status, 401);
    assert_eq!(door.post("/token/revoke/", Some("nonsense"), &json!({"refresh": other.refresh})).text, "{}");
    assert_eq!(door.get("/me/", Some(&other.access)).status, 401);
    assert_eq!(door.ask("POST", "/logout", Some(&pair.access), None).text, "{}");
    assert_eq!(door.get("/me/", Some(&pair.access)).status, 401);
    let all = door.app.sign_in("ann@example.com");
    assert_eq!(door.post("/token/revoke_all/", Some(&all.access), &json!({})).json(), json!({"revoked": 1}));
}

#[test]
fn me_is_ones_own_names() {
    let door = Door::new();
    let token = door.somebody(&[]);
    let me = door.get("/me/", Some(&token)).json();
    assert_eq!(me["email"], "ann@example.com");
    assert!(keys(&me).iter().all(|key| !key.contains("password")));
    let renamed = door.ask("PATCH", "/me/", Some(&token), Some(&json!({"first_name": " Ann "})));
    assert_eq!(renamed.json()["first_name"], "Ann");
    for key in ["is_superuser", "is_staff", "email", "roles", "id", "password"] {
        let reply = door.ask("PATCH", "/me/", Some(&token), Some(&json!({key: 1, "last_name": "X"})));
        assert_eq!((reply.status.as_u16(), reply.json()), (400, json!({key: ["Unknown field."]})));
    }
    let mine = door.get("/me/get_sessions/", Some(&token)).json();
    assert_eq!(mine.as_array().unwrap().len(), 1);
    assert_eq!(mine[0]["current"], true);
    assert_eq!(
        keys(&mine[0]),
        [
            "id",
            "uuid",
            "user_id",
            "ip_address",
            "user_agent",
            "created_at",
            "expires_at",
            "is_active",
            "jti",
            "issued_at",
            "is_revoked",
            "revoked_at",
            "last_used_at",
            "current"
        ]
    );
}

#[test]
fn a_password_change_needs_the_old_one() {
    let door = Door::new();
    let token = door.somebody(&[]);
    let wrong =
        door.post("/me/password/", Some(&token), &json!({"current_password": "x", "new_password": "another-Fine-1"}));
    assert_eq!((wrong.status.as_u16(), keys(&wrong.json())), (400, vec!["current_password"]));
    let body =
        json!({"current_password": PASSWORD, "new_password": "another-Fine-1", "new_password2": "another-Fine-1"});
    assert_eq!(door.post("/me/password/", Some(&token), &body).text, "{}");
    assert_eq!(
        door.post("/login/", None, &json!({"email": "ann@example.com", "password": "another-Fine-1"})).status,
        200
    );
}

#[test]
fn users_can_be_read_changed_and_put_back() {
    let door = Door::new();
    let token = door.root();
    let new = json!({"email": "bob@example.com", "phone": "+7 (123) 456-78-90", "username": "Bob B", "password": PASSWORD, "roles": ["viewer"]});
    let made = door.post("/users/", Some(&token), &new);
    assert_eq!(made.status, 201, "{}", made.text);
    let made = made.json();
    assert_eq!(
        keys(&made),
        [
            "id",
            "email",
            "phone",
            "username",
            "first_name",
            "last_name",
            "middle_name",
            "is_active",
            "is_staff",
            "is_superuser",
            "date_joined",
            "last_login",
            "updated_at",
            "force_logout_at",
            "roles"
        ]
    );
    assert_eq!(
        (&made["phone"], &made["is_active"], &made["last_login"]),
        (&json!("+71234567890"), &json!(true), &json!(null))
    );
    let path = format!("/users/{}/", made["id"]);
    let mut edited = door.get(&path, Some(&token)).json();
    edited["first_name"] = json!("Bob");
    let put = door.ask("PUT", &path, Some(&token), Some(&edited));
    assert_eq!(put.status, 200, "{}", put.text);
    assert_eq!((&put.json()["first_name"], &put.json()["roles"]), (&json!("Bob"), &made["roles"]));
    let nobody = door.ask("PUT", &path, Some(&token), Some(&json!({"first_name": "B"})));
    assert_eq!(nobody.json(), json!({"non_field_errors": ["Give at least one of email, phone, username."]}));
    let forced =
        door.ask("PATCH", &path, Some(&token), Some(&json!({"force_logout_at": "2024-07-22 09:50:39.104 +0700"})));
    assert_eq!(forced.json()["force_logout_at"], "2024-07-22T02:50:39.104000Z");
    assert_eq!(door.ask("DELETE", &path, Some(&token), None).status, 204);
    assert_eq!(door.get(&path, Some(&token)).status, 404);
}

#[test]
fn users_need_a_password_and_an_identifier() {
    let door = Door::new();
    let token = door.root();
    assert_eq!(
        door.post("/users/", Some(&token), &json!({})).json(),
        json!({"non_field_errors": ["Give at least one of email, phone, username."], "password": ["This field is required."]})
    );
    let taken = json!({"email": "ROOT@example.com", "password": PASSWORD});
    let reply = door.post("/users/", Some(&token), &taken);
    assert_eq!(
        (reply.status.as_u16(), reply.json()),
        (409, json!({"email": ["A user with this email already exists."]}))
    );
}

#[test]
fn roles_are_given_and_taken() {
    let door = Door::new();
    let token = door.root();
    let id = door.app.user("bob@example.com", &[]).0;
    let path = format!("/users/{id}/roles/");
    let given = door.post(&path, Some(&token), &json!({"role": "viewer"}));
    assert_eq!((given.status.as_u16(), keys(&given.json())), (201, vec!["id", "name", "code_name", "description"]));
    assert_eq!(door.post(&path, Some(&token), &json!({"role": given.json()["id"]})).status, 200);
    assert_eq!(door.get(&path, Some(&token)).json(), json!([given.json()]));
    let one = format!("{path}{}", given.json()["id"]);
    assert_eq!(door.ask("DELETE", &one, Some(&token), None).status, 204);
    assert_eq!(door.ask("DELETE", &one, Some(&token), None).status, 404);
}

#[test]
fn roles_carry_permissions() {
    let door = Door::new();
    let token = door.root();
    let body = json!({"name": "Clerk", "code_name": "clerk", "permissions": ["users:read"]});
    let made = door.post("/roles/", Some(&token), &body);
    assert_eq!(made.status, 201, "{}", made.text);
    let role = made.json();
    let path = format!("/roles/{}/permissions/", role["id"]);
    let listed = door.get(&path, Some(&token)).json();
    assert_eq!(keys(&listed[0]), ["id", "resource", "action", "resource_code", "action_code", "code_name"]);
    assert_eq!(listed[0]["code_name"], "users:read");
    assert_eq!(door.post(&path, Some(&token), &json!({"permission": "users:read"})).status, 200);
    let more = door.post(&path, Some(&token), &json!({"permission": "users:update"}));
    assert_eq!(more.status, 201, "{}", more.text);
    let odd = door.post(&path, Some(&token), &json!({"permission": "users"}));
    assert_eq!(odd.json(), json!({"permission": ["Enter a permission as its id or as \"resource:action\"."]}));
    assert_eq!(door.ask("DELETE", &format!("{path}{}/", more.json()["id"]), Some(&token), None).status, 204);
    let mut edited = door.get(&format!("/roles/{}/", role["id"]), Some(&token)).json();
    edited["description"] = json!("Reads.");
    let put = door.ask("PUT", &format!("/roles/{}", role["id"]), Some(&token), Some(&edited));
    assert_eq!((put.status.as_u16(), put.json()), (200, edited));
    let patched = door.ask("PATCH", &format!("/roles/{}", role["id"]), Some(&token), Some(&json!({"permissions": []})));
    assert_eq!(patched.json()["permissions"], json!([]));
}

#[test]
fn the_catalog_is_data_but_for_what_is_built_in() {
    let door = Door::new();
    let token = door.root();
    let made = door.post("/resourses/", Some(&token), &json!({"name": "Invoices", "code_name": "invoices"}));
    assert_eq!((made.status.as_u16(), made.json()["description"].is_null()), (201, true), "{}", made.text);
    let pair = door.post("/permissions/", Some(&token), &json!({"resource": "invoices", "action": "read"}));
    assert_eq!(
        (pair.status.as_u16(), pair.json()["code_name"].as_str()),
        (201, Some("invoices:read")),
        "{}",
        pair.text
    );
    let again = door.post("/permissions/", Some(&token), &json!({"resource": "invoices", "action": "read"}));
    let taken = json!({"non_field_errors": ["The fields resource, action must make a unique set."]});
    assert_eq!((again.status.as_u16(), again.json()), (409, taken));
    let put = door.ask("PUT", &format!("/permissions/{}/", pair.json()["id"]), Some(&token), Some(&pair.json()));
    assert_eq!((put.status.as_u16(), put.json()), (200, pair.json()));
    let all = door.get("/actions/?search=all", Some(&token)).json()["results"][0].clone();
    let gone = door.ask("DELETE", &format!("/actions/{}/", all["id"]), Some(&token), None);
    assert_eq!((gone.status.as_u16(), gone.json()["code"].as_str()), (409, Some("built_in")), "{}", gone.text);
    let twice = door.post("/resources/", Some(&token), &json!({"name": "Other", "code_name": "invoices"}));
    assert_eq!((twice.status.as_u16(), keys(&twice.json())), (409, vec!["code_name"]));
}

#[test]
fn sessions_end_at_once() {
    let door = Door::new();
    let token = door.root();
    let user = door.app.user("bob@example.com", &[]);
    let pair = door.app.sign_in("bob@example.com");
    let found = door.get(&format!("/session/?user={user}"), Some(&token)).json();
    let session = &found["results"][0];
    assert_eq!(
        keys(session),
        ["id", "uuid", "user_id", "ip_address", "user_agent", "created_at", "expires_at", "is_active"]
    );
    let by_uuid = door.get(&format!("/sessions/{}/", session["uuid"].as_str().unwrap()), Some(&token));
    assert_eq!(&by_uuid.json(), session);
    assert_eq!(door.ask("DELETE", &format!("/sessions/{}/", session["id"]), Some(&token), None).status, 204);
    assert_eq!(door.get("/me/", Some(&pair.access)).status, 401);
    assert_eq!(door.get(&format!("/me/get_sessions/{user}"), Some(&token)).json(), json!([]));
    assert_eq!(
        door.post(&format!("/token/revoke_all/{user}/"), Some(&token), &json!({})).json(),
        json!({"revoked": 0})
    );
    assert_eq!(door.post("/token/revoke_all/99/", Some(&token), &json!({})).status, 404);
}

#[test]
fn settings_change_together_or_not_at_all() {
    let door = Door::new();
    let token = door.root();
    let before = door.get("/settings/", Some(&token)).json();
    assert_eq!(before["rbac.access_lifetime"], 300);
    let wrong = json!({"rbac.access_lifetime": 60, "refresh.grace": "long", "no.such": 1});
    let reply = door.ask("PATCH", "/settings/", Some(&token), Some(&wrong));
    assert_eq!((reply.status.as_u16(), keys(&reply.json())), (400, vec!["refresh.grace", "no.such"]));
    let changed = door.ask("PATCH", "/settings/", Some(&token), Some(&json!({"rbac.access_lifetime": 60})));
    assert_eq!((changed.json()["rbac.access_lifetime"].as_u64(), keys(&changed.json())), (Some(60), keys(&before)));
    let back = door.ask("PATCH", "/settings/", Some(&token), Some(&json!({"rbac.access_lifetime": null})));
    assert_eq!(back.json(), before);
    door.ask("PATCH", "/settings/", Some(&token), Some(&json!({"registration.mode": "closed"})));
    let body = json!({"email": "c@example.com", "password": PASSWORD, "password2": PASSWORD});
    let closed = door.post("/register/", None, &body);
    assert_eq!((closed.status.as_u16(), closed.json()["code"].as_str()), (403, Some("registration_closed")));
}

#[test]
fn questions_are_answered_with_reasons() {
    let door = Door::new();
    let token = door.somebody(&["viewer"]);
    let yes = door.post("/check/", Some(&token), &json!({"resource": "users", "action": "read"})).json();
    assert_eq!((&yes["allowed"], &yes["role"], &yes["missing"]), (&json!(true), &json!("viewer"), &json!(null)));
    let both = json!([{"resource": "users", "action": "delete"}, {"resource": "nothing", "action": "read"}]);
    let no = door.post("/check/", Some(&token), &both).json();
    assert_eq!((&no[0]["allowed"], &no[0]["missing"]), (&json!(false), &json!("users:delete")));
    assert_eq!(no[1]["reason"], "There is no resource nothing.");
    assert_eq!(door.post("/check/", Some(&token), &json!([])).status, 400);
}

#[test]
fn a_body_that_names_what_does_not_exist_is_at_fault_and_not_the_path() {
    let door = Door::new();
    let token = door.root();
    let granted = door.post("/users/1/roles/", Some(&token), &json!({"role": "nosuch"}));
    let expected = json!({"role": ["Invalid pk \"nosuch\" - object does not exist."]});
    assert_eq!((granted.status.as_u16(), granted.json()), (400, expected));
    let allowed = door.post("/roles/1/permissions/", Some(&token), &json!({"permission": 999}));
    let expected = json!({"permission": ["Invalid pk \"999\" - object does not exist."]});
    assert_eq!((allowed.status.as_u16(), allowed.json()), (400, expected));
    assert_eq!(door.post("/users/99/roles/", Some(&token), &json!({"role": "viewer"})).status, 404);
    assert_eq!(door.post("/roles/99/permissions/", Some(&token), &json!({"permission": 1})).status, 404);
}

/// That a thing exists is judged before what is sent about it, as in Django REST framework; but after the right.
#[test]
fn what_is_not_there_is_missing_whatever_the_body() {
    let door = Door::new();
    let token = door.root();
    let clerk = door.somebody(&["viewer"]);
    for list in ["users", "roles", "resources", "actions", "permissions"] {
        for method in ["PUT", "PATCH"] {
            let path = format!("/{list}/99999/");
            let reply = door.ask(method, &path, Some(&token), Some(&json!({"zz": 1})));
            assert_eq!(reply.status, 404, "{method} {path}: {}", reply.text);
            assert_eq!(door.ask(method, &path, Some(&clerk), Some(&json!({"zz": 1}))).status, 403, "{method} {path}");
        }
    }
    for path in ["/users/99999/roles/", "/roles/99999/permissions/"] {
        assert_eq!(door.post(path, Some(&token), &json!({})).status, 404, "{path}");
    }
}

/// D-14.
#[test]
fn a_closed_door_says_so_before_anything_else() {
    let door = Door::new();
    let token = door.root();
    let set = json!({"registration.mode": "closed"});
    assert_eq!(door.ask("PATCH", "/settings/", Some(&token), Some(&set)).status, 200);
    for body in [json!({}), json!({"email": "no", "zz": 1}), json!([])] {
        let reply = door.post("/register/", None, &body);
        assert_eq!(
            (reply.status.as_u16(), reply.json()["code"].as_str()),
            (403, Some("registration_closed")),
            "{body}"
        );
    }
}

#[test]
fn null_is_one_complaint() {
    let door = Door::new();
    for (path, body, field) in [
        ("/login/", json!({"email": null, "password": "x"}), "email"),
        ("/token/refresh/", json!({"refresh": null}), "refresh"),
    ] {
        assert_eq!(door.post(path, None, &body).json(), json!({field: ["This field may not be null."]}), "{path}");
    }
}

#[test]
fn both_sides_of_a_pair_are_complained_of() {
    let door = Door::new();
    let token = door.root();
    let reply = door.post("/permissions/", Some(&token), &json!({"resource": "zz", "action": "yy"}));
    let complaint = |name: &str| json!([format!("Invalid pk \"{name}\" - object does not exist.")]);
    assert_eq!(
        (reply.status.as_u16(), reply.json()),
        (400, json!({"resource": complaint("zz"), "action": complaint("yy")}))
    );
}

/// D-10, S4-40: what the session's owner last did with its refresh token.
#[test]
fn a_session_shows_when_its_refresh_token_was_last_used() {
    let door = Door::new();
    door.app.user("ann@example.com", &[]);
    let pair = door.app.sign_in("ann@example.com");
    let shown = |access: &str| door.get("/me/get_sessions/", Some(access)).json()[0]["last_used_at"].clone();
    assert_eq!(shown(&pair.access), Value::Null);
    door.app.clock.advance(std::time::Duration::from_secs(5));
    let next = door.post("/token/refresh/", None, &json!({"refresh": pair.refresh})).json();
    assert_eq!(shown(next["access"].as_str().unwrap()), "2026-01-02T03:04:10.678901Z");
}

#[test]
fn a_session_is_ended_by_its_uuid_as_it_is_read() {
    let door = Door::new();
    let token = door.root();
    let ann = door.somebody(&[]);
    let session = door.get("/sessions/?user=2", Some(&token)).json()["results"][0].clone();
    let path = format!("/sessions/{}/", session["uuid"].as_str().unwrap().to_uppercase());
    assert_eq!(door.get(&path, Some(&token)).json()["id"], session["id"]);
    assert_eq!(door.ask("DELETE", &path, Some(&token), None).status, 204);
    assert_eq!(door.get("/me/", Some(&ann)).status, 401);
}
