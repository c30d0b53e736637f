//! The device credential, which keeps an owner from being shut out by those who guess: it gives no rights, nobody else's
//! helps, a stolen one is good for few guesses, and clients that do not know of it see what they always saw (R-10, E.7).

use serde_json::{Value, json};

use super::Site;
use crate::support::PASSWORD;
use crate::support::http::Answer;

const SIGN_INS: [(&str, &str); 7] = [
    ("/login/", "email"),
    ("/api/login/", "email"),
    ("/auth/jwt/create/", "username"),
    ("/api/auth/jwt/create/", "username"),
    ("/auth/token/login/", "username"),
    ("/api/auth/token/login/", "username"),
    ("/api-token-auth/", "username"),
];

fn cookie(answer: &Answer) -> String {
    answer.header("set-cookie").unwrap_or_else(|| panic!("no cookie: {answer:?}")).to_owned()
}

fn site() -> Site {
    let site = Site::new();
    site.app.user("ann@example.com", &[]);
    site
}

/// Guesses until everybody who is not known has to wait.
fn attack(site: &Site) {
    for _ in 0..6 {
        site.server.anonymous().post("/login/", json!({"email": "ann@example.com", "password": "wrong"}));
    }
}

#[test]
fn every_sign_in_gives_one_as_a_cookie_and_to_whoever_asks() {
    for (path, name) in SIGN_INS {
        let site = site();
        let sign_in = |more: Value| {
            let mut body = json!({name: "ann@example.com", "password": PASSWORD});
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            site.server.anonymous().post(path, body)
        };
        let plain = sign_in(json!({}));
        assert_eq!(plain.status, 200, "{path}: {plain:?}");
        assert!(plain.json().get("device").is_none(), "{path}: who does not ask sees nothing new");
        let text = cookie(&plain);
        let (value, rest) = text.strip_prefix("__Host-authsrv-dev=").unwrap().split_once("; ").unwrap();
        assert_eq!(rest, "Secure; HttpOnly; SameSite=Lax; Path=/; Max-Age=15552000", "E.7");
        assert_eq!(value.len(), 86);
        let asked = [json!({"device": true}), json!({"device": ""})].map(|more| sign_in(more).text("device"));
        // The cookie's value works as the field, and the field's as the cookie.
        attack(&site);
        assert_eq!(sign_in(json!({})).status, 429);
        for device in [value, &asked[0], &asked[1]] {
            let again = sign_in(json!({"device": device}));
            assert_eq!(again.status, 200, "{path}: {again:?}");
            let body = json!({name: "ann@example.com", "password": PASSWORD});
            let by_cookie =
                site.server.anonymous().cookie(&format!("a=b; __Host-authsrv-dev={device}; c=d")).post(path, body);
            assert_eq!(by_cookie.status, 200, "{path}: {by_cookie:?}");
        }
    }
}

#[test]
fn a_field_of_that_name_that_means_something_else_changes_nothing() {
    let site = site();
    for other in [json!({"os": "android"}), json!(null), json!(7), json!([1]), json!(false), json!("iPhone 12, white")]
    {
        for (path, name) in &SIGN_INS[1..] {
            let body = json!({*name: "ann@example.com", "password": PASSWORD, "device": other});
            let answer = site.server.anonymous().post(path, body);
            assert_eq!(answer.status, 200, "{path} {other}: {answer:?}");
            assert!(answer.json().get("device").is_none(), "{path} {other}: {answer:?}");
        }
    }
}

#[test]
fn it_gives_no_rights() {
    let site = site();
    let device =
        cookie(&site.server.anonymous().post("/login/", json!({"email": "ann@example.com", "password": PASSWORD})));
    let device = device.split(';').next().unwrap();
    let holder = site.server.anonymous().cookie(device);
    for path in ["/me/", "/users/", "/auth/users/me/", "/api/me/"] {
        assert_eq!(holder.get(path).status, 401, "{path}");
    }
    let value = device.split_once('=').unwrap().1;
    assert_eq!(site.server.bearer(value).get("/me/").status, 401);
    assert_eq!(site.server.anonymous().token(value).get("/me/").status, 401);
    assert_eq!(site.server.anonymous().post("/token/refresh/", json!({"refresh": value})).status, 401);
    assert_eq!(holder.post("/logout/", json!({})).status, 400, "nobody is signed in");
}

#[test]
fn wrong_ones_are_ignored_without_a_word() {
    let site = site();
    site.app.user("bob@example.com", &[]);
    let of = |who: &str| {
        let body = json!({"email": who, "password": PASSWORD, "device": true});
        site.server.anonymous().post("/login/", body).text("device")
    };
    let (ann, bob) = (of("ann@example.com"), of("bob@example.com"));
    let try_with = |device: &str| {
        let body = json!({"email": "ann@example.com", "password": PASSWORD, "device": device});
        site.server.anonymous().post("/login/", body)
    };
    assert_eq!(try_with(&bob).status, 200, "a foreign one does no harm");
    attack(&site);
    let limited = super::account_enumeration::told(&try_with(""));
    assert_eq!(limited.0, 429);
    let flipped = format!("{}{}", &ann[..85], if ann.ends_with('A') { "Q" } else { "A" });
    let long = "A".repeat(5_000);
    for device in [bob.as_str(), &flipped, &ann[1..], &ann.to_uppercase(), "x", &long, "../../etc/passwd", "\u{0}"] {
        assert_eq!(super::account_enumeration::told(&try_with(device)), limited, "{device}");
    }
    assert_eq!(try_with(&ann).status, 200);
    // It dies with the password.
    let pair = try_with(&ann);
    let change = json!({"current_password": PASSWORD, "new_password": "another horse 9"});
    let by_device = site.server.bearer(&pair.text("access")).cookie(&format!("__Host-authsrv-dev={ann}"));
    assert_eq!(by_device.post("/me/password/", change).status, 200);
    let body = json!({"email": "ann@example.com", "password": "another horse 9", "device": ann});
    assert_eq!(site.server.anonymous().post("/login/", body).status, 429);
}

/// Whoever steals one guesses no more than ten times by it, and then as everybody.
#[test]
fn a_stolen_one_is_good_for_ten_guesses() {
    let site = site();
    let body = json!({"email": "ann@example.com", "password": PASSWORD, "device": true});
    let device = site.server.anonymous().post("/login/", body).text("device");
    let mut judged = 0;
    for n in 0..60 {
        let body = json!({"email": "ann@example.com", "password": format!("Wrong-{n}-password"), "device": device});
        judged += usize::from(site.server.anonymous().post("/login/", body).status == 401);
    }
    assert_eq!(judged, 10 + 5);
    site.app.clock.advance(std::time::Duration::from_secs(30 * 86_400));
    attack(&site);
    let body = json!({"email": "ann@example.com", "password": PASSWORD, "device": device});
    assert_eq!(site.server.anonymous().post("/login/", body).status, 429, "and it is not trusted again");
}
