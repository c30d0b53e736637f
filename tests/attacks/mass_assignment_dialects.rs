//! Keys that a caller may not write, slipped into the bodies of the Django dialects: those pass over what they do not know
//! so the answer may be good, and nothing of it may have come true.

use serde_json::{Value, json};

use super::mass_assignment::{powerless, slipped};
use super::{Site, served, with};
use crate::support::http::{Answer, Client};
use crate::support::mails::newest;
use crate::support::{PASSWORD, TestApp};

/// Doors that register, each with what else it asks for beside address and password.
const REGISTRATIONS: [(&str, bool); 5] = [
    ("/auth/users/", true),
    ("/api/auth/users/", false),
    ("/api/v1/account/", true),
    ("/api/auth/users", false),
    ("/api/register/", false),
];

/// Those that there are.
fn registrations() -> Vec<(&'static str, bool)> {
    REGISTRATIONS.into_iter().filter(|(path, _)| served(path)).collect()
}

/// What a state of an account is called, as somebody may try to send it.
fn states() -> Vec<Value> {
    vec![
        json!({"is_active": true, "pending": null}),
        json!({"is_active": "true", "pending": ""}),
        json!({"is_active": 1, "email_verified": true, "verified": true}),
        json!({"pending": "address"}),
        json!({"activated": true, "activation": false, "registration.activation": false}),
    ]
}

/// The same as a form.
fn form(client: &Client, method: &str, path: &str, body: &Value) -> Answer {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let mut form = form_urlencoded::Serializer::new(String::new());
    for (key, value) in body.as_object().unwrap() {
        form.append_pair(key, &text(value));
    }
    client.send(method, path, Some(("application/x-www-form-urlencoded", form.finish().into_bytes())))
}

/// The columns of a user, and his hash.
fn row(app: &TestApp, email: &str) -> Option<(Value, Option<String>)> {
    let found = app.operate(|ctx| authsrv::service::users::find(ctx, email)).ok()?;
    let hash = app.env.store.read(|tx| tx.password_hash(found.user.id)).unwrap();
    Some((json!(format!("{:?} {:?}", found.user, found.roles)), hash))
}

#[test]
fn no_registration_takes_a_key_of_power() {
    let site = Site::new();
    site.app.widen();
    for (door, (path, named)) in registrations().into_iter().enumerate() {
        for (at, more) in slipped().into_iter().chain(states()).enumerate() {
            for kind in ["json", "form"] {
                let email = format!("a{door}-{at}-{kind}@example.com");
                let mut body = json!({"email": email, "password": PASSWORD});
                if named {
                    body["username"] = json!(format!("a{door}-{at}-{kind}"));
                }
                let body = with(body, &more);
                let answer = match kind {
                    "json" => site.server.anonymous().post(path, body),
                    _ => form(&site.server.anonymous(), "POST", path, &body),
                };
                assert!([201, 400].contains(&answer.status), "R-47: {path} {more}: {answer:?}");
                powerless(&site, &email, &format!("{path} {kind} {more}"));
            }
        }
    }
    site.lives();
}

/// D-14: who has to wait waits, whatever he sends.
#[test]
fn no_registration_activates_itself() {
    let site = Site::new();
    site.app.widen();
    assert_eq!(site.root().patch("/settings/", json!({"registration.activation": true})).status, 200);
    for (door, (path, named)) in registrations().into_iter().enumerate() {
        for (at, more) in states().into_iter().enumerate() {
            let email = format!("b{door}-{at}@example.com");
            let mut body = json!({"email": email, "password": PASSWORD});
            if named {
                body["username"] = json!(format!("b{door}-{at}"));
            }
            let answer = site.server.anonymous().post(path, with(body, &more));
            assert_eq!(answer.status, 201, "{path} {more}: {answer:?}");
            let user = site.app.operate(|ctx| authsrv::service::users::find(ctx, &email)).unwrap().user;
            assert!(!user.is_active && user.pending.is_some(), "D-14: {path} {more}: {user:?}");
            let login = json!({"username": email, "password": PASSWORD});
            assert_eq!(site.server.anonymous().post("/api/token/", login).status, 401, "D-14: {path} {more}");
        }
    }
}

/// A password that looks like a hash is a password, at every door that takes one.
#[test]
fn a_hash_is_taken_for_a_password() {
    let site = Site::new();
    // PBKDF2 of "x", as Django would have stored it.
    let hash = "pbkdf2_sha256$1$salt$PXQQPEVDcDCMcuHxWUaYMFXTQjzh2zVFzR7PNcVRLr8=";
    for (at, (path, _)) in registrations().into_iter().enumerate() {
        let name = format!("hash-{at}");
        let body = json!({"email": format!("{name}@example.com"), "username": name, "password": hash});
        assert_eq!(site.server.anonymous().post(path, body).status, 201, "{path}");
        let login = |password: &str| {
            let body = json!({"username": format!("{name}@example.com"), "password": password});
            site.server.anonymous().post("/api/token/", body).status
        };
        assert_eq!((login(hash), login("x")), (200, 401), "{path}");
    }
}

#[test]
fn ones_own_account_takes_no_key_of_power() {
    let site = Site::new();
    let me = site.somebody("ann@example.com", &[]);
    assert_eq!(me.patch("/api/v1/account/1/", json!({"username": "ann"})).status, 200);
    let before = row(&site.app, "ann@example.com").unwrap();
    let whole = json!({"email": "ann@example.com", "username": "ann", "password": PASSWORD});
    let more = [json!({"password_hash": "x"}), json!({"force_logout_at": null}), json!({"sessions": []})];
    for key in slipped().into_iter().chain(states()).chain(more) {
        for (method, path) in [
            ("PUT", "/auth/users/me/"),
            ("PATCH", "/auth/users/me/"),
            ("PATCH", "/api/auth/users/me"),
            ("PUT", "/api/auth/users/me/"),
            ("PUT", "/auth/users/1/"),
            ("PATCH", "/auth/users/1"),
            ("PUT", "/api/v1/account/1/"),
            ("PATCH", "/api/v1/account/1"),
            ("PUT", "/api/me/"),
            ("PATCH", "/api/me"),
        ] {
            if !served(path) && !path.ends_with('1') && !path.ends_with("1/") {
                continue;
            }
            let body = with(whole.clone(), &key);
            for answer in [me.json(method, path, &body), form(&me, method, path, &body)] {
                assert!([200, 400].contains(&answer.status), "{method} {path} {key}: {answer:?}");
            }
            assert_eq!(row(&site.app, "ann@example.com").unwrap(), before, "R-8: {method} {path} {key}");
        }
    }
}

/// Djoser's own routes do not change names or passwords by the way; S0's changes no password without the old one.
#[test]
fn nothing_sets_a_password_in_passing() {
    let site = Site::new();
    let me = site.somebody("ann@example.com", &[]);
    let before = row(&site.app, "ann@example.com").unwrap();
    for (method, path) in [
        ("PUT", "/auth/users/me/"),
        ("PATCH", "/auth/users/me/"),
        ("PATCH", "/api/auth/users/me/"),
        ("PUT", "/auth/users/1/"),
        ("PATCH", "/auth/users/1/"),
        ("PATCH", "/api/v1/account/1/"),
    ] {
        for body in [
            json!({"email": "ann@example.com", "password": "Another-1-password"}),
            json!({"email": "ann@example.com", "new_password": "Another-1-password", "current_password": "x"}),
            json!({"email": "ann@example.com", "password": "Another-1-password", "current_password": PASSWORD}),
        ] {
            let answer = me.json(method, path, &body);
            assert!([200, 400].contains(&answer.status), "{method} {path} {body}: {answer:?}");
            assert_eq!(row(&site.app, "ann@example.com").unwrap(), before, "{method} {path} {body}");
        }
    }
    for path in ["/auth/users/me/", "/auth/users/1/"] {
        let named = me.patch(path, json!({"username": "root", "new_username": "root"}));
        assert_eq!((named.status, row(&site.app, "ann@example.com").unwrap()), (200, before.clone()), "{path}");
    }
}

/// a mailed token is for the account that it was mailed to, whoever else the body names.
#[test]
fn a_mailed_token_reaches_nobody_else() {
    let site = Site::new();
    for email in ["eve@example.com", "ann@example.com"] {
        site.app.user(email, &[]);
    }
    site.root();
    let nobody = site.server.anonymous();
    let before = row(&site.app, "ann@example.com").unwrap();
    for (ask, confirm, purpose) in [
        ("reset_password", "reset_password_confirm", "password_reset"),
        ("reset_username", "reset_username_confirm", "username_reset"),
    ] {
        assert_eq!(nobody.post(&format!("/auth/users/{ask}/"), json!({"email": "eve@example.com"})).status, 204);
        let letter = newest(&site.app, purpose, "eve@example.com");
        let body = json!({"token": letter.token(), "new_password": "Another-1-password", "new_username": "mine"});
        // `Mg` is the uid of the second user, `Mw` of the third.
        for uid in ["Mg", "Mw", "MQ==", "mg", "2", "ann@example.com", "", "AAAA"] {
            for prefix in ["/auth", "/api/auth"] {
                let path = format!("{prefix}/users/{confirm}/");
                let answer = nobody.post(&path, with(body.clone(), &json!({ "uid": uid })));
                assert!([400, 404].contains(&answer.status) || uid == "MQ==", "{path} {uid}: {answer:?}");
            }
        }
        let more = json!({"uid": letter.uid(), "user": 2, "user_id": 2, "id": 2, "email": "ann@example.com"});
        nobody.post(&format!("/auth/users/{confirm}/"), with(body, &more));
        assert_eq!(row(&site.app, "ann@example.com").unwrap(), before, "R-20: {purpose}");
    }
    site.signed_in("ann@example.com");
    site.root();
}
