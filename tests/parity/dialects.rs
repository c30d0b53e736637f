//! What people do for themselves leaves the same rows through the door of every dialect that offers it.
//!
//! Each door gets an installation of its own, all arranged alike. A door that is not served is passed over.

use std::time::Duration;

use authsrv::domain::identifiers::Email;
use authsrv::domain::settings::Profile;
use authsrv::http::route_table;
use authsrv::service::{Actor, api_tokens, login, recovery, settings, tokens};
use serde_json::{Value, json};

use super::House;
use crate::support::PASSWORD;
use crate::support::mails::newest;

const ANN: &str = "ann@example.com";

/// Who asks.
#[derive(Debug, Clone, Copy)]
enum By {
    /// Somebody who shows nothing.
    Nobody,
    /// Ann, by an access token.
    Ann,
    /// Ann, by her login token.
    Key,
    /// The superuser.
    Root,
}

/// One way to ask.
#[derive(Debug)]
struct Way {
    /// The dialect, as the audit trail calls it.
    door: &'static str,
    method: &'static str,
    path: String,
    body: Value,
    by: By,
}

/// What Ann has when the operation begins.
#[derive(Default)]
struct Given {
    id: i64,
    access: String,
    refresh: String,
    /// A refresh token that was spent so long ago that no grace holds.
    spent: String,
    /// The key of her login token.
    key: String,
    uid: String,
    token: String,
    root: String,
}

/// An operation that several dialects offer.
struct Operation {
    name: &'static str,
    /// Events that it writes.
    events: &'static [&'static str],
    /// Settings that it is done under.
    settings: &'static [(&'static str, bool)],
    /// Tables that are not compared.
    but: &'static [&'static str],
    /// Whether it is refused.
    refused: bool,
    /// Profiles of the session that it is done with (D-11).
    profiles: &'static [Profile],
    ways: fn(&Given) -> Vec<Way>,
}

fn way(door: &'static str, method: &'static str, path: impl Into<String>, body: Value, by: By) -> Way {
    Way { door, method, path: path.into(), body, by }
}

/// POST by somebody who shows nothing.
fn post(door: &'static str, path: &str, body: Value) -> Way {
    way(door, "POST", path, body, By::Nobody)
}

fn operation(name: &'static str, events: &'static [&'static str], ways: fn(&Given) -> Vec<Way>) -> Operation {
    Operation { name, events, settings: &[], but: &[], refused: false, profiles: &[Profile::Rbac], ways }
}

fn operations() -> Vec<Operation> {
    let mut all = registrations();
    all.extend(sign_ins());
    all.extend(ends());
    all.extend(changes());
    all.extend(deletions());
    all
}

fn by_email(_: &Given) -> Vec<Way> {
    let body = json!({"email": "New@example.com", "password": PASSWORD});
    let twice = json!({"email": "New@example.com", "password": PASSWORD, "password2": PASSWORD});
    vec![
        post("rbac", "/register/", twice.clone()),
        post("rbac", "/api/auth/register/", twice),
        post("djoser-phone", "/api/auth/users/", body.clone()),
        post("pyjwt", "/api/register/", body),
    ]
}

fn by_name(_: &Given) -> Vec<Way> {
    let body = json!({"email": "New@example.com", "username": "Newcomer", "password": PASSWORD});
    vec![post("djoser", "/auth/users/", body.clone()), post("account", "/api/v1/account/", body)]
}

fn registrations() -> Vec<Operation> {
    const WAITS: &[(&str, bool)] = &[("registration.activation", true)];
    vec![
        // S4 signs in whom it registers, the others do not (S4-70).
        Operation {
            but: &["sessions", "tokens", "sqlite_sequence", "counts"],
            ..operation("register by e-mail", &["user.registered"], by_email)
        },
        Operation {
            settings: WAITS,
            ..operation("register by e-mail and wait for the activation (D-14)", &["user.registered"], by_email)
        },
        operation("register by name", &["user.registered"], by_name),
        Operation {
            settings: WAITS,
            ..operation("register by name and wait for the activation (D-14)", &["user.registered"], by_name)
        },
    ]
}

fn sign_ins() -> Vec<Operation> {
    vec![
        operation("sign in", &["login.succeeded"], |_| signing_in(PASSWORD)),
        Operation {
            refused: true,
            ..operation("fail to sign in", &["login.failed"], |_| signing_in("Wrong-1-password"))
        },
        operation("sign in for an API token", &["login.succeeded"], |_| token_login(PASSWORD)),
        Operation {
            refused: true,
            ..operation("fail to sign in for an API token", &["login.failed"], |_| token_login("Wrong-1-password"))
        },
        Operation {
            profiles: &Profile::ALL,
            ..operation("refresh", &["token.refreshed"], |given| refreshing(&given.refresh))
        },
        Operation {
            refused: true,
            settings: &[("djoser.rotate_refresh", true)],
            profiles: &Profile::ALL,
            ..operation("show a spent token again (R-22)", &["token.reused"], |given| refreshing(&given.spent))
        },
    ]
}

fn signing_in(password: &str) -> Vec<Way> {
    let by_email = json!({"email": ANN, "password": password});
    let by_name = json!({"username": ANN, "password": password});
    vec![
        post("rbac", "/login/", by_email.clone()),
        post("rbac", "/api/auth/login/", by_email.clone()),
        post("simplejwt", "/auth/jwt/create/", by_name.clone()),
        post("simplejwt", "/api/auth/jwt/create/", by_name.clone()),
        post("simplejwt", "/api/token/", by_name.clone()),
        post("simplejwt", "/api/token/create/", by_name),
        post("pyjwt", "/api/login/", by_email),
    ]
}

fn token_login(password: &str) -> Vec<Way> {
    let body = json!({"username": ANN, "password": password});
    vec![
        post("authtoken", "/api-token-auth/", body.clone()),
        post("djoser", "/auth/token/login/", body.clone()),
        post("djoser-phone", "/api/auth/token/login/", body),
    ]
}

fn refreshing(token: &str) -> Vec<Way> {
    let body = json!({ "refresh": token });
    vec![
        post("rbac", "/token/refresh/", body.clone()),
        post("rbac", "/api/auth/token/refresh/", body.clone()),
        post("simplejwt", "/auth/jwt/refresh/", body.clone()),
        post("simplejwt", "/api/auth/jwt/refresh/", body.clone()),
        post("simplejwt", "/api/token/refresh/", body),
        post("pyjwt", "/api/refresh/", json!({ "refresh_token": token })),
    ]
}

fn ends() -> Vec<Operation> {
    vec![
        Operation {
            profiles: &Profile::ALL,
            ..operation("sign out by the refresh token", &["session.ended"], |given| {
                let body = json!({"refresh": given.refresh});
                vec![
                    post("rbac", "/logout/", body.clone()),
                    post("rbac", "/token/revoke/", body.clone()),
                    post("simplejwt", "/api/auth/logout/", body.clone()),
                    post("simplejwt", "/api/token/blacklist/", body),
                    post("pyjwt", "/api/logout/", json!({"refresh_token": given.refresh})),
                ]
            })
        },
        operation("sign out by the access token (D-3)", &["session.ended"], |_| {
            vec![
                way("rbac", "POST", "/logout/", Value::Null, By::Ann),
                way("rbac", "POST", "/token/revoke/", Value::Null, By::Ann),
                way("simplejwt", "POST", "/api/auth/logout/", Value::Null, By::Ann),
            ]
        }),
        operation("give the API token back", &["api_token.revoked"], |_| {
            vec![
                way("djoser", "POST", "/auth/token/logout/", Value::Null, By::Key),
                way("djoser-phone", "POST", "/api/auth/token/logout/", Value::Null, By::Key),
                way("djoser", "POST", "/auth/token/logout/", Value::Null, By::Ann),
                way("rbac", "POST", "/logout/", Value::Null, By::Key),
                way("simplejwt", "POST", "/api/auth/logout/", Value::Null, By::Key),
            ]
        }),
    ]
}

fn changes() -> Vec<Operation> {
    vec![
        operation("change the password", &["api_token.revoked", "user.password_changed"], |_| {
            let body = json!({"current_password": PASSWORD, "new_password": format!("{PASSWORD}!")});
            vec![
                way("rbac", "POST", "/me/password/", body.clone(), By::Ann),
                way("djoser", "POST", "/auth/users/set_password/", body.clone(), By::Ann),
                way("djoser-phone", "POST", "/api/auth/users/set_password/", body, By::Ann),
            ]
        }),
        operation("change the address", &["api_token.revoked", "user.updated"], |given| {
            let body = json!({"email": "lee@example.com"});
            let account = format!("/api/v1/account/{}/", given.id);
            vec![
                way("djoser", "PATCH", "/auth/users/me/", body.clone(), By::Ann),
                way("djoser", "PUT", format!("/auth/users/{}/", given.id), body.clone(), By::Ann),
                way("djoser-phone", "PATCH", "/api/auth/users/me/", body.clone(), By::Ann),
                way("account", "PATCH", account, body.clone(), By::Ann),
                way("pyjwt", "PATCH", "/api/me/", body, By::Ann),
            ]
        }),
        operation("change the username", &["user.updated"], |given| {
            let body = json!({"current_password": PASSWORD, "new_username": "lee"});
            let account = format!("/api/v1/account/{}/", given.id);
            vec![
                way("djoser", "POST", "/auth/users/set_username/", body.clone(), By::Ann),
                way("djoser-phone", "POST", "/api/auth/users/set_username/", body, By::Ann),
                way("account", "PATCH", account, json!({"username": "lee"}), By::Ann),
                way("pyjwt", "PATCH", "/api/me/", json!({"username": "lee"}), By::Ann),
            ]
        }),
        operation("ask for a link to a new password", &["password_reset.requested"], |_| {
            let body = json!({ "email": ANN });
            vec![
                post("djoser", "/auth/users/reset_password/", body.clone()),
                post("djoser-phone", "/api/auth/users/reset_password/", body),
            ]
        }),
        operation("set a new password by the link", &["api_token.revoked", "user.password_changed"], |given| {
            let body = json!({"uid": given.uid, "token": given.token, "new_password": format!("{PASSWORD}!")});
            vec![
                post("djoser", "/auth/users/reset_password_confirm/", body.clone()),
                post("djoser-phone", "/api/auth/users/reset_password_confirm/", body),
            ]
        }),
    ]
}

fn deletions() -> Vec<Operation> {
    vec![operation("delete an account", &["user.deleted"], |given| {
        let (id, body) = (given.id, json!({"current_password": PASSWORD}));
        vec![
            way("rbac", "DELETE", format!("/users/{id}/"), Value::Null, By::Root),
            way("djoser", "DELETE", "/auth/users/me/", body.clone(), By::Ann),
            way("djoser", "DELETE", format!("/auth/users/{id}/"), body.clone(), By::Ann),
            way("djoser", "DELETE", format!("/auth/users/{id}/"), body.clone(), By::Root),
            way("djoser-phone", "DELETE", "/api/auth/users/me/", body, By::Key),
            way("account", "DELETE", format!("/api/v1/account/{id}/"), Value::Null, By::Ann),
            way("account", "DELETE", format!("/api/v1/account/{id}/remove/"), Value::Null, By::Key),
            way("account", "DELETE", format!("/api/v1/account/remove/{id}/"), Value::Null, By::Ann),
            way("account", "DELETE", format!("/api/v1/account/{id}/"), Value::Null, By::Root),
        ]
    })]
}

/// Gives Ann a session by the rules of a profile, a spent token, a login token, and a mailed link.
fn give(house: &House, profile: Profile) -> Given {
    let app = &house.app;
    let sign_in = || app.call(&Actor::Anonymous, |ctx| login::login(ctx, ANN, PASSWORD, profile)).unwrap().pair;
    let spent = sign_in().refresh;
    app.call(&Actor::Anonymous, |ctx| tokens::refresh(ctx, &spent)).unwrap();
    let key = app.call(&Actor::Anonymous, |ctx| api_tokens::login_token(ctx, ANN, PASSWORD)).unwrap().1.0;
    let address = Email::parse(ANN).unwrap();
    app.call(&Actor::Anonymous, |ctx| recovery::request_password_reset(ctx, &address)).unwrap();
    let letter = newest(app, "password_reset", ANN);
    app.clock.advance(Duration::from_secs(12));
    let pair = sign_in();
    Given {
        id: house.ids.ann,
        access: pair.access,
        refresh: pair.refresh,
        spent,
        key,
        uid: letter.uid().to_owned(),
        token: letter.token().to_owned(),
        root: house.ids.access.clone(),
    }
}

/// Asks in one way; gives what the file holds afterwards, without what differs because the profiles do.
fn through(operation: &Operation, profile: Profile, at: usize) -> Vec<String> {
    let house = House::new();
    for (key, on) in operation.settings {
        house.app.operate(|ctx| settings::change(ctx, &[((*key).to_owned(), Some(json!(on)))])).unwrap();
    }
    let given = give(&house, profile);
    let way = served((operation.ways)(&given)).remove(at);
    let what = format!("{} ({}): {way:?}", operation.name, profile.as_str());
    let client = match way.by {
        By::Nobody => house.server.anonymous(),
        By::Ann => house.server.bearer(&given.access),
        By::Key => house.server.anonymous().token(&given.key),
        By::Root => house.server.bearer(&given.root),
    };
    // The key counts as used before the operation, whoever asks.
    house.server.anonymous().token(&given.key).get("/me/");
    crate::support::once(|| used(&house).then_some(())).unwrap();
    let before = house.dump();
    let answer = match &way.body {
        Value::Null => client.send(way.method, &way.path, None),
        body => client.json(way.method, &way.path, body),
    };
    let is_good = if operation.refused { [400, 401].contains(&answer.status) } else { answer.status < 300 };
    assert!(is_good, "{what}: {answer:?}");
    let after = house.dump();
    let events = after.events_since(&before);
    let names: Vec<&str> = events.iter().map(|event| event["action"].as_deref().unwrap()).collect();
    assert_eq!(names, operation.events, "{what}");
    for event in &events {
        assert_eq!(event["door"].as_deref(), Some(way.door), "{what}: {event:?}");
        assert_eq!(event["ip_address"].as_deref(), Some("127.0.0.1"), "{what}: {event:?}");
    }
    // Until when a key is needed follows from the lifetimes of the profile.
    let but = |line: &str| line.starts_with("signing_keys: ") || operation.but.iter().any(|but| line.starts_with(but));
    let lines = after.settled(&before).into_iter().filter(|line| !but(line));
    lines.map(|line| unprofiled(&line)).collect()
}

/// Whether it is noted that the login token was used.
fn used(house: &House) -> bool {
    house.dump().table("api_tokens").values().any(|row| row["name"].is_none() && row["last_used_at"].is_some())
}

/// A line without the name of the profile, and without what only the tokens of one profile have.
fn unprofiled(line: &str) -> String {
    let mut line = line.to_owned();
    for profile in Profile::ALL {
        let name = profile.as_str();
        line = line.replace(&format!("profile=Some({name:?})"), "profile=(its own)");
        line = line.replace(&format!("\\\"profile\\\":\\\"{name}\\\""), "profile: its own");
    }
    line.replace("secret_hash=(new)", "secret_hash=NULL")
}

/// Those of the ways whose dialect there is.
fn served(ways: Vec<Way>) -> Vec<Way> {
    let routes = route_table();
    ways.into_iter().filter(|way| routes.iter().any(|route| route.dialect == way.door)).collect()
}

/// What the ways of one operation leave that the first of them does not.
fn differences(operation: &Operation, profile: Profile) -> Vec<String> {
    let ways = served((operation.ways)(&Given::default()));
    assert!(ways.len() > 1, "{}", operation.name);
    let first = through(operation, profile, 0);
    let mut found = Vec::new();
    for (at, way) in ways.iter().enumerate().skip(1) {
        let other = through(operation, profile, at);
        let only = |a: &[String], b: &[String]| -> Vec<String> {
            a.iter().filter(|line| !b.contains(line)).cloned().collect()
        };
        let (here, there) = (only(&first, &other), only(&other, &first));
        if !here.is_empty() || !there.is_empty() {
            let (name, profile) = (operation.name, profile.as_str());
            found.push(format!("{name} ({profile}): {:?} leaves {here:#?}, {way:?} leaves {there:#?}", ways[0].path));
        }
    }
    found
}

/// D-11: whatever the profile of the session, every door does the same to it.
#[test]
fn every_dialect_leaves_the_same() {
    let operations = operations();
    let all: Vec<(&Operation, Profile)> = operations
        .iter()
        .flat_map(|operation| operation.profiles.iter().map(move |profile| (operation, *profile)))
        .collect();
    let found = super::together(&all, |(operation, profile)| differences(operation, *profile));
    assert!(found.is_empty(), "{}", found.join("\n"));
}
