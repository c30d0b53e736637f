//! Djoser's routes at `/auth/` (S3-23 … S3-26) and at `/api/auth/` in the manner of S1 (S1-8 … S1-23).

use axum::body::Body;
use serde_json::{Value, json};

use super::drf::{FORM, access, ask, is, is_secure, set, user, with};
use super::{Door, Reply};
use crate::support::PASSWORD;
use crate::support::mails::{count, newest};

const NEW: &str = "An0ther-of-mine";
const ANN: &str = "ann@example.com";

fn registers(door: &Door) -> Reply {
    door.post("/auth/users/", None, &json!({"username": "ann", "email": ANN, "password": PASSWORD}))
}

/// S1-6: the superuser comes first, so that the first who registers has id 2.
fn first_start() -> Door {
    let door = Door::new();
    door.app.superuser("admin@example.com");
    door
}

/// S1-8, S1-10, S1-12: 110 bytes.
#[test]
fn registration_by_email() {
    let door = first_start();
    let made = door.post("/api/auth/users/", None, &json!({"email": "user@mail.com", "password": "strong_password"}));
    let body = r#"{"id":2,"username":"user@mail.com","email":"user@mail.com","phone":null,"is_active":true,"is_superuser":false}"#;
    assert_eq!(body.len(), 110);
    is(&made, 201, body);
    let again = door.post("/api/auth/users/", None, &json!({"email": "USER@mail.com", "password": "strong_password"}));
    is(&again, 400, r#"{"email":["user with this email already exists."]}"#);
}

/// S1-9, S1-11, S1-13: 108 bytes.
#[test]
fn registration_by_phone() {
    let door = first_start();
    user(&door, "ann", &[]);
    let sent = json!({"phone": "+7 (123) 456-78-90", "password": "strong_password"});
    let body = r#"{"id":3,"username":"+71234567890","email":null,"phone":"+71234567890","is_active":true,"is_superuser":false}"#;
    assert_eq!(body.len(), 108);
    is(&door.post("/api/auth/users/", None, &sent), 201, body);
    for (sent, said) in [
        (json!({"password": "strong_password"}), json!({"non_field_errors": ["Either email or phone must be given."]})),
        (
            json!({"phone": "81234567890", "password": "strong_password"}),
            json!({"phone": ["Enter a valid phone number."]}),
        ),
        (
            json!({"phone": "+71234567890", "password": "strong_password"}),
            json!({"phone": ["user with this phone already exists."]}),
        ),
        (json!({"email": "a@b.example"}), json!({"password": ["This field is required."]})),
        (
            json!({"email": "x", "password": ""}),
            json!({"email": ["Enter a valid email address."], "password": ["This field may not be blank."]}),
        ),
    ] {
        let refused = door.post("/api/auth/users/", None, &sent);
        assert_eq!((refused.status.as_u16(), refused.json()), (400, said), "{sent}");
    }
}

/// S1-14, D-15: with both, the username shows the e-mail; it follows a change.
#[test]
fn both_email_and_phone() {
    let door = Door::new();
    let sent = json!({"email": "a@b.example", "phone": "+71234567890", "password": "strong_password"});
    let made = door.post("/api/auth/users/", None, &sent);
    assert_eq!((&made.json()["username"], &made.json()["phone"]), (&json!("a@b.example"), &json!("+71234567890")));
    let sign_in = |name: &str| {
        let pair = door.post("/api/auth/jwt/create/", None, &json!({"username": name, "password": "strong_password"}));
        pair.json()["access"].as_str().map(str::to_owned)
    };
    let token = sign_in("+71234567890");
    assert!(sign_in("a@b.example").is_some(), "S1-17");
    let changed = door.ask("PATCH", "/api/auth/users/me/", token.as_deref(), Some(&json!({"email": null})));
    let body = r#"{"id":1,"username":"+71234567890","email":null,"phone":"+71234567890","is_active":true,"is_superuser":false}"#;
    is(&changed, 200, body);
    let none = door.ask("PATCH", "/api/auth/users/me/", token.as_deref(), Some(&json!({"phone": null})));
    assert_eq!(none.status, 400, "nobody is left without a name: {none:?}");
}

/// S1-15, S1-16
#[test]
fn headers_of_a_registration() {
    let door = with(json!({"drf.authenticators": "jwt,session"}));
    let made = door.post("/api/auth/users/", None, &json!({"email": "user@mail.com", "password": "strong_password"}));
    assert_eq!(made.status, 201);
    for (name, value) in [
        ("content-type", "application/json"),
        ("vary", "Accept, Cookie"),
        ("allow", "GET, POST, HEAD, OPTIONS"),
        ("content-length", "110"),
    ] {
        assert_eq!(made.header(name), value, "{name}");
    }
    is_secure(&made);
}

/// D-2: who shows credentials is S4's caller, whatever they are worth.
#[test]
fn one_path_two_dialects() {
    let door = Door::new();
    let (root, body) = (door.root(), json!({"email": "new@example.com", "password": "strong_password"}));
    let made = door.post("/api/auth/users/", Some(&root), &body);
    assert_eq!((made.status.as_u16(), &made.json()["first_name"]), (201, &json!("")), "S4's shape: {made:?}");
    let ann = door.somebody(&[]);
    for (credentials, status) in [
        (format!("Bearer {ann}"), 403),
        ("Bearer x.y.z".to_owned(), 401),
        ("Token 0".to_owned(), 401),
        ("Basic eDp5".to_owned(), 401),
        (String::new(), 401),
    ] {
        let headers = [("authorization", credentials.as_str()), ("content-type", "application/json")];
        let refused = ask(
            &door,
            "POST /api/auth/users/",
            &headers,
            json!({"email": "eve@example.com", "password": "strong_password"}).to_string(),
        );
        assert_eq!(refused.status, status, "{credentials:?}: {refused:?}");
        assert!(refused.json()["code"].is_string(), "S4's shape: {refused:?}");
    }
    let form = ask(
        &door,
        "POST /api/auth/users/",
        &[("content-type", FORM)],
        "email=form%40example.com&password=strong_password",
    );
    assert_eq!(form.status, 201, "{form:?}");
    let strict = door.post("/api/auth/users/", Some(&root), &json!({"email": "x@example.com", "x": 1}));
    assert_eq!(strict.status, 400, "S4 refuses unknown keys (R-47)");
    assert_eq!(door.get("/api/auth/users/", None).status, 401);
    assert_eq!(door.get("/api/auth/users/", Some(&root)).json()["count"], 4);
    assert_eq!(door.get("/api/auth/users/1/", Some(&root)).json()["is_superuser"], true);
    assert_eq!(door.get("/api/auth/users/me/", Some(&root)).json()["username"], "root@example.com", "S1-23");
    assert_eq!(door.ask("PUT", "/api/auth/users/", None, Some(&body)).status, 405);
}

/// S3-24, D-15: the username is required, the e-mail is not; keys differ in order between a registration and a look.
#[test]
fn registration_at_auth() {
    let door = Door::new();
    is(&registers(&door), 201, r#"{"email":"ann@example.com","username":"ann","id":1}"#);
    is(&registers(&door), 400, r#"{"username":["A user with that username already exists."]}"#);
    is(
        &door.post("/auth/users/", None, &json!({"username": "bob", "password": PASSWORD})),
        201,
        r#"{"email":"","username":"bob","id":2}"#,
    );
    is(
        &door.post("/auth/users/", None, &json!({})),
        400,
        r#"{"username":["This field is required."],"password":["This field is required."]}"#,
    );
    let token = access(&door, "ann");
    is(&door.get("/auth/users/me/", Some(&token)), 200, r#"{"email":"ann@example.com","id":1,"username":"ann"}"#);
    is(&door.get("/auth/", None), 200, r#"{"users":"http://testserver/auth/users/"}"#);
    is(
        &door.get("/auth", None),
        200,
        r#"{"users":"http://testserver/auth"}"#.replace("/auth\"", "/auth/users/\"").as_str(),
    );
}

#[test]
fn a_closed_door_says_so_first() {
    for door in [with(json!({"registration.mode": "closed"}))] {
        for path in ["/auth/users/", "/api/auth/users/", "/api/v1/account/"] {
            is(&door.post(path, None, &json!({})), 403, r#"{"detail":"Registration is closed."}"#);
        }
    }
    let door = with(json!({"registration.mode": "example.com"}));
    assert_eq!(registers(&door).status, 201);
    let other = door.post(
        "/auth/users/",
        None,
        &json!({"username": "bob", "email": "bob@other.example", "password": PASSWORD}),
    );
    is(&other, 403, r#"{"detail":"Registration is closed."}"#);
    let none = door.post("/auth/users/", None, &json!({"username": "bob", "password": PASSWORD}));
    assert_eq!(none.status, 403, "D-14: {none:?}");
}

#[test]
fn ones_own_account() {
    let door = Door::new();
    user(&door, "ann", &[]);
    let token = access(&door, "ann");
    for method in ["PUT", "PATCH"] {
        is(
            &door.ask(
                method,
                "/auth/users/me/",
                Some(&token),
                Some(&json!({"username": "eve", "id": 7, "is_staff": true})),
            ),
            200,
            r#"{"email":"ann@example.com","id":1,"username":"ann"}"#,
        );
    }
    let changed = door.ask("PATCH", "/auth/users/1/", Some(&token), Some(&json!({"email": "a@example.com"})));
    is(&changed, 200, r#"{"email":"a@example.com","id":1,"username":"ann"}"#);
    let wrong = r#"{"current_password":["Invalid password."]}"#;
    for path in ["/auth/users/me/", "/auth/users/1/"] {
        let delete = |body: Value| door.ask("DELETE", path, Some(&token), Some(&body));
        is(&delete(json!({})), 400, r#"{"current_password":["This field is required."]}"#);
        is(&delete(json!({"current_password": "wrong"})), 400, wrong);
    }
    let gone = door.ask("DELETE", "/auth/users/me/", Some(&token), Some(&json!({"current_password": PASSWORD})));
    is(&gone, 204, "");
    assert_eq!(gone.header("content-type"), "");
    assert_eq!(door.get("/auth/users/me/", Some(&token)).status, 401);
}

#[test]
fn others_are_hidden_unless_a_setting_shows_them() {
    let door = Door::new();
    user(&door, "ann", &[]);
    user(&door, "bob", &["viewer"]);
    let (ann, bob) = (access(&door, "ann"), access(&door, "bob"));
    let own = r#"[{"email":"ann@example.com","id":1,"username":"ann"}]"#;
    is(&door.get("/auth/users/", Some(&ann)), 200, own);
    assert_eq!(door.get("/auth/users/", Some(&bob)).json().as_array().unwrap().len(), 2);
    is(&door.get("/auth/users/2/", Some(&ann)), 404, r#"{"detail":"Not found."}"#);
    is(&door.get("/auth/users/99/", Some(&ann)), 404, r#"{"detail":"No User matches the given query."}"#);
    is(&door.get("/auth/users/x/", Some(&ann)), 404, r#"{"detail":"Not found."}"#);
    let denied = r#"{"detail":"You do not have permission to perform this action."}"#;
    is(&door.ask("DELETE", "/auth/users/2/", Some(&ann), Some(&json!({"current_password": PASSWORD}))), 403, denied);
    set(&door, json!({"djoser.hide_users": false}));
    is(&door.get("/auth/users/2/", Some(&ann)), 403, denied);
    is(&door.ask("PATCH", "/auth/users/2/", Some(&ann), Some(&json!({"email": "x@example.com"}))), 403, denied);
    is(&door.get("/auth/users/1/", Some(&bob)), 200, r#"{"email":"ann@example.com","id":1,"username":"ann"}"#);
    is(&door.ask("PATCH", "/auth/users/1/", Some(&bob), Some(&json!({}))), 403, denied);
}

/// S3-24
#[test]
fn users_addressed_by_name() {
    let door = with(json!({"djoser.user_id_field": "username"}));
    is(&registers(&door), 201, r#"{"email":"ann@example.com","username":"ann"}"#);
    let token = access(&door, "ann");
    let own = r#"{"email":"ann@example.com","username":"ann"}"#;
    for path in ["/auth/users/ann/", "/auth/users/ANN/", "/auth/users/me/"] {
        is(&door.get(path, Some(&token)), 200, own);
    }
    for path in ["/auth/users/1/", "/auth/users/ann%40example.com/", "/auth/users/nobody/"] {
        assert_eq!(door.get(path, Some(&token)).status, 404, "{path}");
    }
    is(&door.get("/auth/users/", Some(&token)), 200, &format!("[{own}]"));
    let gone = door.ask("DELETE", "/auth/users/ann/", Some(&token), Some(&json!({"current_password": PASSWORD})));
    is(&gone, 204, "");
}

#[test]
fn what_is_asked_twice() {
    let door = with(json!({
        "djoser.user_create_password_retype": true, "djoser.set_password_retype": true,
        "djoser.password_reset_confirm_retype": true, "djoser.set_username_retype": true,
        "djoser.username_reset_confirm_retype": true,
    }));
    let new = |again: &str| json!({"username": "ann", "email": ANN, "password": PASSWORD, "re_password": again});
    is(&registers(&door), 400, r#"{"re_password":["This field is required."]}"#);
    is(
        &door.post("/auth/users/", None, &new("x")),
        400,
        r#"{"non_field_errors":["The two password fields didn't match."]}"#,
    );
    assert_eq!(door.post("/auth/users/", None, &new(PASSWORD)).status, 201);
    let token = access(&door, "ann");
    let set = |again: &str| json!({"current_password": PASSWORD, "new_password": NEW, "re_new_password": again});
    is(
        &door.post("/auth/users/set_password/", Some(&token), &set("x")),
        400,
        r#"{"non_field_errors":["The two password fields didn't match."]}"#,
    );
    let name = |again: &str| json!({"current_password": PASSWORD, "new_username": "anna", "re_new_username": again});
    is(
        &door.post("/auth/users/set_username/", Some(&token), &name("x")),
        400,
        r#"{"non_field_errors":["The two username fields didn't match."]}"#,
    );
    is(&door.post("/auth/users/set_username/", Some(&token), &name("anna")), 204, "");
    is(&door.post("/auth/users/set_password/", Some(&token), &set(NEW)), 204, "");
    door.post("/auth/users/reset_password/", None, &json!({"email": ANN}));
    let letter = newest(&door.app, "password_reset", ANN);
    let confirm = |again: Value| json!({"uid": letter.uid(), "token": letter.token(), "new_password": PASSWORD, "re_new_password": again});
    is(
        &door.post("/auth/users/reset_password_confirm/", None, &confirm(json!("x"))),
        400,
        r#"{"non_field_errors":["The two password fields didn't match."]}"#,
    );
    is(&door.post("/auth/users/reset_password_confirm/", None, &confirm(json!(PASSWORD))), 204, "");
}

#[test]
fn a_forgotten_name_is_asked_twice() {
    let door = with(json!({"djoser.username_reset_confirm_retype": true}));
    user(&door, "ann", &[]);
    door.post("/auth/users/reset_username/", None, &json!({"email": ANN}));
    let letter = newest(&door.app, "username_reset", ANN);
    let confirm = |again: Value| {
        let body = json!({"uid": letter.uid(), "token": letter.token(), "new_username": "anna"});
        let body = if again.is_null() { body } else { crate::attacks::with(body, &json!({"re_new_username": again})) };
        door.post("/auth/users/reset_username_confirm/", None, &body)
    };
    is(&confirm(json!(null)), 400, r#"{"re_new_username":["This field is required."]}"#);
    is(&confirm(json!("x")), 400, r#"{"non_field_errors":["The two username fields didn't match."]}"#);
    is(&confirm(json!("anna")), 204, "");
}

/// S3-26, D-14: the whole way, over the wire.
#[test]
fn activation() {
    let door = with(json!({"registration.activation": true, "djoser.send_confirmation_email": true}));
    is(&registers(&door), 201, r#"{"email":"ann@example.com","username":"ann","id":1}"#);
    let sign_in = || door.post("/auth/jwt/create/", None, &json!({"username": "ann", "password": PASSWORD}));
    is(&sign_in(), 401, r#"{"detail":"No active account found with the given credentials"}"#);
    let first = newest(&door.app, "activation", ANN);
    is(&door.post("/auth/users/resend_activation/", None, &json!({"email": ANN})), 204, "");
    let second = newest(&door.app, "activation", ANN);
    assert_ne!(first.token(), second.token());
    let activate =
        |uid: &str, token: &str| door.post("/auth/users/activation/", None, &json!({"uid": uid, "token": token}));
    is(&activate(first.uid(), first.token()), 400, r#"{"token":["Invalid token for given user."]}"#);
    is(&activate("!!", second.token()), 400, r#"{"uid":["Invalid user id or user doesn't exist."]}"#);
    is(
        &door.post("/auth/users/activation/", None, &json!({})),
        400,
        r#"{"uid":["This field is required."],"token":["This field is required."]}"#,
    );
    is(&activate(second.uid(), second.token()), 204, "");
    is(&activate(second.uid(), second.token()), 403, r#"{"detail":"Stale token for given user."}"#);
    assert_eq!((sign_in().status.as_u16(), count(&door.app, "confirmation")), (200, 1));
    for email in [ANN, "nobody@example.com"] {
        is(&door.post("/auth/users/resend_activation/", None, &json!({"email": email})), 204, "");
    }
    set(&door, json!({"registration.activation": false}));
    is(&door.post("/auth/users/resend_activation/", None, &json!({"email": ANN})), 400, "");
}

/// A new address waits for its link, and so does whoever is signed in.
#[test]
fn a_new_address_is_activated_anew() {
    let door = Door::new();
    user(&door, "ann", &[]);
    let token = access(&door, "ann");
    set(&door, json!({"registration.activation": true}));
    let changed = door.ask("PATCH", "/auth/users/me/", Some(&token), Some(&json!({"email": "a@example.com"})));
    assert_eq!(changed.status, 200, "{changed:?}");
    is(&door.get("/auth/users/me/", Some(&token)), 401, r#"{"detail":"User is inactive","code":"user_inactive"}"#);
    let letter = newest(&door.app, "activation", "a@example.com");
    let sent = json!({"uid": letter.uid(), "token": letter.token()});
    is(&door.post("/auth/users/activation/", None, &sent), 204, "");
    assert_eq!(door.get("/auth/users/me/", Some(&token)).status, 200);
}

#[test]
fn a_forgotten_password() {
    let door = with(json!({"djoser.password_changed_email_confirmation": true}));
    user(&door, "ann", &[]);
    let before = access(&door, "ann");
    for email in [ANN, "nobody@example.com"] {
        is(&door.post("/auth/users/reset_password/", None, &json!({"email": email})), 204, "");
    }
    is(&door.post("/auth/users/reset_password/", None, &json!({})), 400, r#"{"email":["This field is required."]}"#);
    let letter = newest(&door.app, "password_reset", ANN);
    let confirm = |token: &str, new: &str| {
        door.post(
            "/auth/users/reset_password_confirm/",
            None,
            &json!({"uid": letter.uid(), "token": token, "new_password": new}),
        )
    };
    is(&confirm("x", NEW), 400, r#"{"token":["Invalid token for given user."]}"#);
    is(
        &confirm(letter.token(), "short"),
        400,
        r#"{"new_password":["This password is too short. It must contain at least 8 characters."]}"#,
    );
    is(&confirm(letter.token(), NEW), 204, "");
    is(&confirm(letter.token(), NEW), 400, r#"{"token":["Invalid token for given user."]}"#);
    assert_eq!(door.get("/auth/users/me/", Some(&before)).status, 401, "R-29");
    let with_new = door.post("/auth/jwt/create/", None, &json!({"username": "ann", "password": NEW}));
    assert_eq!((with_new.status.as_u16(), count(&door.app, "password_changed")), (200, 1));
    set(
        &door,
        json!({"djoser.password_reset_show_email_not_found": true, "djoser.username_reset_show_email_not_found": true}),
    );
    for path in ["/auth/users/reset_password/", "/auth/users/reset_username/"] {
        is(
            &door.post(path, None, &json!({"email": "nobody@example.com"})),
            400,
            r#"["User with given email does not exist."]"#,
        );
        is(&door.post(path, None, &json!({"email": ANN})), 204, "");
    }
}

#[test]
fn a_new_password() {
    let door = Door::new();
    user(&door, "ann", &[]);
    let (here, there) = (access(&door, "ann"), access(&door, "ann"));
    let change = |body: Value| door.post("/auth/users/set_password/", Some(&here), &body);
    is(
        &change(json!({})),
        400,
        r#"{"new_password":["This field is required."],"current_password":["This field is required."]}"#,
    );
    is(
        &change(json!({"new_password": NEW, "current_password": "wrong"})),
        400,
        r#"{"current_password":["Invalid password."]}"#,
    );
    is(
        &door.post("/auth/users/set_password/", None, &json!({})),
        401,
        r#"{"detail":"Authentication credentials were not provided."}"#,
    );
    is(&change(json!({"new_password": NEW, "current_password": PASSWORD})), 204, "");
    assert_eq!(door.get("/auth/users/me/", Some(&here)).status, 200);
    assert_eq!(door.get("/auth/users/me/", Some(&there)).status, 401, "R-29");
}

#[test]
fn a_new_username() {
    let door = with(json!({"djoser.username_changed_email_confirmation": true}));
    user(&door, "ann", &[]);
    user(&door, "bob", &[]);
    let token = access(&door, "ann");
    let change = |name: &str| {
        door.post(
            "/auth/users/set_username/",
            Some(&token),
            &json!({"new_username": name, "current_password": PASSWORD}),
        )
    };
    let taken = r#"{"new_username":["A user with that username already exists."]}"#;
    is(&change("BOB"), 400, taken);
    is(&change("anna"), 204, "");
    is(&door.post("/auth/users/reset_username/", None, &json!({"email": ANN})), 204, "");
    let letter = newest(&door.app, "username_reset", ANN);
    let confirm = |name: &str| {
        let body = json!({"uid": letter.uid(), "token": letter.token(), "new_username": name});
        door.post("/auth/users/reset_username_confirm/", None, &body)
    };
    is(&confirm("bob"), 400, taken);
    is(&confirm("annika"), 204, "");
    assert_eq!(confirm("annette").status, 400, "R-21");
    assert_eq!(door.get("/auth/users/me/", Some(&token)).json()["username"], "annika");
    assert_eq!(count(&door.app, "username_changed"), 2);
}

/// S3-25
#[test]
fn api_token() {
    let door = Door::new();
    user(&door, "ann", &[]);
    let login = |body: Value| door.post("/auth/token/login/", None, &body);
    let wrong = r#"{"non_field_errors":["Unable to log in with provided credentials."]}"#;
    for body in [
        json!({"username": "ann", "password": "wrong"}),
        json!({"username": "nobody", "password": PASSWORD}),
        json!({}),
    ] {
        is(&login(body), 400, wrong);
    }
    let given = login(json!({"username": "ann", "password": PASSWORD}));
    let key = given.json()["auth_token"].as_str().unwrap().to_owned();
    is(&given, 200, &format!(r#"{{"auth_token":"{key}"}}"#));
    assert!(key.len() == 40 && key.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)), "{key}");
    assert_eq!(
        login(json!({"username": ANN, "password": PASSWORD})).json()["auth_token"],
        json!(key),
        "the same again"
    );
    let header = format!("Token {key}");
    let by_key = |line: &str| ask(&door, line, &[("authorization", &header)], Body::empty());
    for path in ["/auth/users/me/", "/api/auth/users/me/", "/me/", "/api/v1/account/1/"] {
        assert_eq!(by_key(&format!("GET {path}")).status, 200, "{path}");
    }
    is(&by_key("POST /auth/token/logout/"), 204, "");
    is(&by_key("GET /auth/users/me/"), 401, r#"{"detail":"Invalid token."}"#);
    assert_eq!(door.post("/auth/token/logout/", None, &json!({})).status, 401);
}

/// A logout gives the key back whichever way the caller came in.
#[test]
fn a_logout_by_an_access_token_gives_the_key_back() {
    let door = Door::new();
    user(&door, "ann", &[]);
    let given = door.post("/auth/token/login/", None, &json!({"username": "ann", "password": PASSWORD}));
    let header = format!("Token {}", given.json()["auth_token"].as_str().unwrap());
    let token = access(&door, "ann");
    is(&door.post("/auth/token/logout/", Some(&token), &json!({})), 204, "");
    assert_eq!(ask(&door, "GET /auth/users/me/", &[("authorization", &header)], Body::empty()).status, 401);
    assert_eq!(door.get("/auth/users/me/", Some(&token)).status, 200, "his session is another matter");
}

/// The last superuser stays, by whichever door (R-39).
#[test]
fn the_last_superuser_stays() {
    let door = Door::new();
    let root = door.root();
    for path in ["/auth/users/me/", "/auth/users/1/", "/api/auth/users/me/"] {
        let refused = door.ask("DELETE", path, Some(&root), Some(&json!({"current_password": PASSWORD})));
        assert_eq!(refused.status, 409, "{path}: {refused:?}");
    }
    for path in ["/api/v1/account/1/", "/api/v1/account/1/remove/", "/api/v1/account/remove/1/"] {
        assert_eq!(door.ask("DELETE", path, Some(&root), None).status, 409, "{path}");
    }
}

/// S3-25, D-20: what the seed lists and Djoser has not is not there.
#[test]
fn there_is_no_confirm() {
    let door = Door::new();
    user(&door, "ann", &[]);
    let token = access(&door, "ann");
    assert_eq!(door.post("/auth/users/confirm/", Some(&token), &json!({})).status, 405, "it is an id like any other");
    assert_eq!(door.get("/auth/users/confirm/", Some(&token)).status, 404);
}
