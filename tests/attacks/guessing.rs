//! Somebody guesses a password: at every door where one is judged, in every spelling of the name, at accounts that there
//! are and that there are not. He gets five answers, then he waits, and nothing that he sees tells whether there is an
//! account (R-9, R-11, R-14, E.3).

use std::time::Duration;

use serde_json::{Value, json};

use super::account_enumeration::{accounts, told};
use super::{Site, registration};
use crate::support::PASSWORD;
use crate::support::http::{Answer, Client};
use crate::support::mails::newest;

/// A door where a password is judged for whoever comes: path, the field of the name, and what a wrong one gets.
const DOORS: [(&str, &str, u16); 8] = [
    ("/login/", "email", 401),
    ("/api/auth/login/", "username", 401),
    ("/api/login/", "email", 401),
    ("/auth/jwt/create/", "username", 401),
    ("/api/auth/jwt/create/", "username", 401),
    ("/auth/token/login/", "username", 400),
    ("/api/auth/token/login/", "username", 400),
    ("/api-token-auth/", "username", 400),
];

fn guess(client: &Client, (path, field, _): (&str, &str, u16), who: &str) -> Answer {
    client.post(path, json!({field: who, "password": "Wrong-1-password"}))
}

/// A refusal that says when to come again.
#[track_caller]
fn throttled(answer: &Answer, about: &str) -> u64 {
    assert_eq!(answer.status, 429, "{about}: {answer:?}");
    let seconds: u64 = answer.header("retry-after").expect("Retry-After").parse().unwrap();
    let unit = if seconds == 1 { "second" } else { "seconds" };
    let detail = format!("Request was throttled. Expected available in {seconds} {unit}.");
    assert_eq!(answer.json()["detail"], detail, "{about}");
    seconds
}

#[test]
fn five_guesses_at_any_door_then_a_wait_for_everybody_alike() {
    for door in DOORS {
        let site = accounts();
        site.app.operate(|ctx| {
            let off = [("guard.address".to_owned(), Some(json!(0)))];
            authsrv::service::settings::change(ctx, &off).unwrap();
        });
        let names =
            ["known@example.com", "inactive@example.com", "passwordless@example.com", "nobody@example.com", "x"];
        let mut first = None;
        for who in names {
            let mut story: Vec<_> = Vec::new();
            for n in 0..5 {
                let answer = guess(&site.server.anonymous(), door, who);
                assert_eq!(answer.status, door.2, "{door:?}, {who}, {n}: {answer:?}");
                story.push(told(&answer));
            }
            let limited = guess(&site.server.anonymous(), door, who);
            assert_eq!(throttled(&limited, who), 5, "{door:?}");
            let right = site.server.anonymous().post(door.0, json!({door.1: who, "password": PASSWORD}));
            assert_eq!(told(&right), told(&limited), "{door:?}: a right password is not looked at");
            story.push(told(&limited));
            assert_eq!(first.get_or_insert_with(|| story.clone()), &story, "R-14: {door:?}: {who}");
        }
    }
}

/// whatever the endpoint and the spelling.
#[test]
fn doors_and_spellings_share_one_budget() {
    let site = accounts();
    for (who, doors) in [("known@example.com", &DOORS[..5]), ("nobody@example.com", &DOORS[3..])] {
        let spelled =
            [who.to_uppercase(), format!(" {who} "), who.to_owned(), who.replace("example", "EXAMPLE"), who.to_owned()];
        for (door, spelling) in doors.iter().zip(spelled) {
            assert_eq!(guess(&site.server.anonymous(), *door, &spelling).status, door.2, "{door:?} {spelling}");
        }
        for door in DOORS {
            throttled(&guess(&site.server.anonymous(), door, who), door.0);
        }
        site.app.clock.advance(Duration::from_secs(3600));
    }
}

/// Whoever has a stolen token guesses the password behind it no faster than anybody.
#[test]
fn doors_of_the_signed_in_count_too() {
    let wrong = "Wrong-1-password";
    let asks: [(&str, &str, Value); 8] = [
        ("POST", "/me/password/", json!({"current_password": wrong, "new_password": "another horse 9"})),
        ("POST", "/auth/users/set_password/", json!({"current_password": wrong, "new_password": "another horse 9"})),
        (
            "POST",
            "/api/auth/users/set_password/",
            json!({"current_password": wrong, "new_password": "another horse 9"}),
        ),
        ("POST", "/auth/users/set_username/", json!({"current_password": wrong, "new_username": "annie"})),
        ("DELETE", "/auth/users/me/", json!({"current_password": wrong})),
        ("DELETE", "/auth/users/1/", json!({"current_password": wrong})),
        ("PUT", "/api/v1/account/1/", json!({"email": "ann@example.com", "username": "annie", "password": wrong})),
        ("DELETE", "/api/auth/users/me/", json!({"current_password": wrong})),
    ];
    for (method, path, body) in asks {
        let site = Site::new();
        let ann = site.somebody("ann@example.com", &[]);
        for n in 0..5 {
            let answer = ann.json(method, path, &body);
            assert_eq!(answer.status, 400, "{path}, {n}: {answer:?}");
        }
        throttled(&ann.json(method, path, &body), path);
        throttled(&guess(&site.server.anonymous(), DOORS[0], "ann@example.com"), path);
    }
}

/// The page of an activation link asks for the password: a guess as any other.
#[test]
fn the_page_of_an_activation_counts_too() {
    let site = accounts();
    assert_eq!(site.root().patch("/settings/", json!({"registration.activation": true})).status, 200);
    assert_eq!(site.server.anonymous().post("/register/", registration("new@example.com")).status, 201);
    let path = newest(&site.app, "activation", "new@example.com").path();
    let act = |password: &str| {
        let form = format!("act=activate&password={password}").into_bytes();
        site.server.anonymous().send("POST", &path, Some(("application/x-www-form-urlencoded", form))).status
    };
    for _ in 0..5 {
        assert_eq!(act("Wrong-1-password"), 400);
    }
    assert_eq!(act(PASSWORD), 429);
    site.app.clock.advance(Duration::from_secs(5));
    assert_eq!(act(PASSWORD), 200);
}

/// an attacker's own sign-ins do not renew what his address may try.
#[test]
fn own_successes_renew_no_budget() {
    let site = Site::new();
    site.app.user("mallory@example.com", &[]);
    for n in 0..20 {
        site.server.sign_in("mallory@example.com");
        assert_eq!(guess(&site.server.anonymous(), DOORS[0], &format!("victim{n}@example.com")).status, 401);
    }
    let limited = guess(&site.server.anonymous(), DOORS[0], "ann@example.com");
    assert_eq!(throttled(&limited, "20 from one address"), 600);
    let own = site.server.anonymous().post("/login/", json!({"email": "mallory@example.com", "password": PASSWORD}));
    assert_eq!(throttled(&own, "also a right password"), 600);
}

/// E.3: 100 registrations from an address in an hour, also those that are told that a name is taken.
#[test]
fn an_address_registers_so_often_and_no_more() {
    let site = Site::new();
    site.app.operate(|ctx| {
        let few = [("guard.register".to_owned(), Some(json!(6)))];
        authsrv::service::settings::change(ctx, &few).unwrap();
    });
    let anybody = site.server.anonymous();
    assert_eq!(anybody.post("/register/", registration("a@example.com")).status, 201);
    assert_eq!(anybody.post("/register/", registration("a@example.com")).status, 409);
    assert_eq!(
        anybody.post("/auth/users/", json!({"username": "b", "email": "b@b.example", "password": PASSWORD})).status,
        201
    );
    assert_eq!(anybody.post("/api/auth/users/", json!({"email": "c@example.com", "password": PASSWORD})).status, 201);
    assert_eq!(anybody.post("/api/register/", json!({"email": "d@example.com", "password": PASSWORD})).status, 201);
    let account = json!({"email": "e@example.com", "username": "eee", "password": PASSWORD});
    assert_eq!(anybody.post("/api/v1/account/", account).status, 201);
    for (path, body) in [
        ("/register/", registration("f@example.com")),
        ("/auth/users/", json!({"username": "b", "password": PASSWORD})),
        ("/api/auth/users/", json!({"email": "c@example.com", "password": PASSWORD})),
        ("/api/register/", json!({"email": "d@example.com", "password": PASSWORD})),
        ("/api/v1/account/", json!({"email": "e@example.com", "username": "eee", "password": PASSWORD})),
    ] {
        assert_eq!(throttled(&anybody.post(path, body), path), 3600);
    }
}

/// E.3: mails to one account are few, and whoever asks does not learn whether one went.
#[test]
fn asking_for_mails_tells_nothing_and_floods_nobody() {
    let site = accounts();
    for path in ["/auth/users/reset_password/", "/auth/users/reset_username/"] {
        let ask = |who: &str| told(&site.server.anonymous().post(path, json!({"email": who})));
        let answers: Vec<_> = [
            "known@example.com",
            "known@example.com",
            "inactive@example.com",
            "nobody@example.com",
            "nobody@example.com",
        ]
        .map(ask)
        .into();
        assert!(answers.iter().all(|one| *one == answers[0]), "R-14: {path}: {answers:?}");
        assert_eq!(answers[0].0, 204);
    }
    assert_eq!(crate::support::mails::count(&site.app, "password_reset"), 1);
    let many: Vec<u16> = (0..12)
        .map(|n| {
            site.server
                .anonymous()
                .post("/auth/users/reset_password/", json!({"email": format!("x{n}@example.com")}))
                .status
        })
        .collect();
    assert_eq!(many[..10], [204; 10]);
    assert_eq!(many[10..], [429; 2], "20 an hour from one address");
}

/// Services and proxies show credentials: ten that nobody has are answered from an address, then it is told to wait, at all
/// three doors together. Whoever shows good ones is let in all the same, and what was good once is no guess, since browsers
/// show expired tokens every day (E.3).
#[test]
fn ten_credentials_that_nobody_has_at_the_doors_of_services() {
    let site = Site::of(crate::support::TestApp::new().behind("127.0.0.1"));
    let ann = |site: &Site| site.server.sign_in("root@example.com").access;
    drop(site.root());
    let (revoked, expired) = (ann(&site), ann(&site));
    assert_eq!(site.server.bearer(&revoked).post("/logout/", json!({})).status, 200);
    let ask = |door: usize, credentials: &str, from: &str| {
        let client = site.server.anonymous().with("Authorization", credentials).with("X-Forwarded-For", from);
        match door % 3 {
            0 => client.post("/api/auth/introspect/", json!({"token": "x"})),
            1 => client.post("/api/auth/revoke/", json!({"token": "x"})),
            _ => client.with("X-Forwarded-Method", "GET").get("/api/auth/forward/?policy=is_authenticated"),
        }
    };
    site.app.clock.advance(Duration::from_secs(3600));
    let good = ann(&site);
    for n in 0..30 {
        for was_good in [&revoked, &expired] {
            let answer = ask(n, &format!("Bearer {was_good}"), "203.0.113.7");
            assert_eq!(answer.status, 401, "{n}: {answer:?}");
        }
    }
    let forged = format!("{}AAAA", &good[..good.len() - 4]);
    let made_up = [format!("Token {}", "0".repeat(40)), "Bearer x.y.z".to_owned(), format!("Bearer {forged}")];
    for (n, bad) in made_up.iter().cycle().take(10).enumerate() {
        let answer = ask(n, bad, "203.0.113.7");
        assert_eq!(answer.status, 401, "{n}: {answer:?}");
    }
    for (n, bad) in made_up.iter().enumerate() {
        let answer = ask(n, bad, "203.0.113.7");
        assert_eq!(answer.status, 429, "{n}: {answer:?}");
        assert_eq!(answer.header("retry-after"), Some("600"), "{n}: {answer:?}");
        assert_eq!(ask(n, &format!("Bearer {good}"), "203.0.113.7").status, 200, "{n}: nobody is locked out");
        assert_eq!(ask(n, &format!("Bearer {expired}"), "203.0.113.7").status, 401, "{n}");
        assert_eq!(ask(n, bad, "203.0.113.8").status, 401, "{n}: by address");
        // Nothing of it counts at the other doors.
        let elsewhere = site.server.anonymous().with("Authorization", bad).with("X-Forwarded-For", "203.0.113.7");
        assert_eq!(elsewhere.get("/me/").status, 401, "{n}");
    }
    site.app.clock.advance(Duration::from_secs(600));
    assert_eq!(ask(0, &made_up[0], "203.0.113.7").status, 401, "nothing is for good");
    site.app.operate(|ctx| {
        let off = [("guard.secrets".to_owned(), Some(json!(0)))];
        authsrv::service::settings::change(ctx, &off).unwrap();
    });
    for n in 0..20 {
        assert_eq!(ask(n, &made_up[n % 3], "203.0.113.7").status, 401, "0 is no limit");
    }
}
