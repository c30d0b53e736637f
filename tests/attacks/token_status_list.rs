//! A service verifies tokens by key and status list alone, and somebody goes on with a token whose session is over; or he
//! would have the list speak of another, keep an old one alive, or take a list for a token (R-20, R-26, R-31, R-48;
//! draft-ietf-oauth-status-list).

use std::collections::BTreeSet;
use std::io::Read;
use std::time::Duration;

use authsrv::domain::ids::SessionId;
use authsrv::service::{sessions, settings};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use flate2::read::ZlibDecoder;
use serde_json::{Value, json};

use super::wire::{exchange, request};
use super::{Site, refused};
use crate::support::{PASSWORD, TestApp};

const ANN: &str = "ann@example.com";
const LISTS: &str = "/api/auth/status-lists/";
const LIST: &str = "/api/auth/status-lists/1/";
const URL: &str = "http://127.0.0.1:8000";

fn part(token: &str, at: usize) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(at).unwrap()).unwrap()).unwrap()
}

fn claims(token: &str) -> Value {
    part(token, 1)
}

/// The first list, as anybody gets it: header, claims, bits.
fn list(site: &Site) -> (Value, Value, Vec<u8>) {
    let answer = site.server.anonymous().get(LIST);
    assert_eq!(answer.status, 200, "{answer:?}");
    let token = String::from_utf8(answer.body).unwrap();
    let mut bits = Vec::new();
    let packed = claims(&token)["status_list"]["lst"].as_str().unwrap().to_owned();
    ZlibDecoder::new(&URL_SAFE_NO_PAD.decode(packed).unwrap()[..]).read_to_end(&mut bits).unwrap();
    (part(&token, 0), claims(&token), bits)
}

fn is_set(bits: &[u8], index: u64) -> bool {
    let index = usize::try_from(index).unwrap();
    bits[index / 8] >> (index % 8) & 1 == 1
}

fn index(access: &str) -> u64 {
    let reference = claims(access)["status"]["status_list"].clone();
    assert_eq!(reference["uri"], format!("{URL}{LIST}"), "{reference}");
    reference["idx"].as_u64().unwrap()
}

/// Whether the list says that the session of this token is over.
pub(super) fn is_over(site: &Site, access: &str) -> bool {
    is_set(&list(site).2, index(access))
}

#[test]
fn every_access_token_names_its_place_and_no_other_token_does() {
    let site = Site::new();
    site.app.user(ANN, &[]);
    let nobody = site.server.anonymous();
    let credentials = json!({"username": ANN, "password": PASSWORD});
    let registered = super::registration("new@example.com");
    let mut places = BTreeSet::new();
    for (path, body, access, refresh) in [
        ("/login/", json!({"email": ANN, "password": PASSWORD}), "access", "refresh"),
        ("/register/", registered, "access", "refresh"),
        ("/api/token/", credentials.clone(), "access", "refresh"),
        ("/auth/jwt/create/", credentials, "access", "refresh"),
        ("/api/login/", json!({"email": ANN, "password": PASSWORD}), "access_token", "refresh_token"),
    ] {
        let pair = nobody.post(path, body);
        let (access, refresh) = (pair.text(access), pair.text(refresh));
        assert!(places.insert(index(&access)), "{path}: a place of its own");
        if refresh.contains('.') {
            assert_eq!(claims(&refresh).get("status"), None, "{path}");
            let next = nobody.post("/token/refresh/", json!({"refresh": refresh})).text("access");
            assert_eq!(index(&next), index(&access), "{path}: the session's, however often it is refreshed");
        }
        assert!(!is_over(&site, &access), "{path}");
        nobody.post("/logout/", json!({"refresh": refresh}));
    }
    let (_, _, bits) = list(&site);
    assert!(places.iter().any(|place| is_set(&bits, *place)));
}

#[test]
fn the_list_is_a_signed_token_of_a_short_life() {
    let site = Site::new();
    site.app.user(ANN, &[]);
    let access = site.server.sign_in(ANN).access;
    let answer = site.server.anonymous().get(LIST);
    assert_eq!(answer.header("content-type"), Some("application/statuslist+jwt"));
    assert_eq!(answer.header("cross-origin-resource-policy"), Some("cross-origin"));
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    let kept =
        answer.header("cache-control").unwrap().strip_prefix("public, max-age=").unwrap().parse::<i64>().unwrap();
    let (header, body, bits) = list(&site);
    assert_eq!(header["typ"], "statuslist+jwt");
    let keys = site.server.anonymous().get("/.well-known/jwks.json").json();
    assert!(keys["keys"].as_array().unwrap().iter().any(|key| key["kid"] == header["kid"]), "{header}");
    assert_eq!(header, json!({"alg": "ES256", "typ": "statuslist+jwt", "kid": header["kid"]}));
    let now = site.app.env.clock.now().timestamp();
    assert_eq!((&body["iat"], &body["exp"], &body["ttl"]), (&json!(now), &json!(now + 15), &json!(15)));
    assert!(kept <= 15, "{kept}");
    assert_eq!(body["sub"], claims(&access)["status"]["status_list"]["uri"]);
    assert_eq!((body["status_list"]["bits"].as_i64(), bits.len()), (Some(1), 4096));
    assert!(answer.body.len() < 1000, "packed: {}", answer.body.len());
    let seconds = [("status_list.lifetime".to_owned(), Some(json!(3)))];
    site.app.operate(|ctx| settings::change(ctx, &seconds)).unwrap();
    assert_eq!(list(&site).1["exp"], json!(now + 3));
}

/// R-26: by whatever a session ends, in the next list that is asked for; and no other session.
#[test]
fn every_end_is_in_the_next_list() {
    for end in ["logout", "revoke", "all", "deactivate", "password", "delete", "force", "expiry", "cli", "purge"] {
        let site = Site::new();
        let ann = site.app.user(ANN, &[]);
        let root = site.root();
        let bystander = site.app.sign_in("root@example.com").access;
        let access = site.server.sign_in(ANN).access;
        let mine = site.server.bearer(&access);
        assert!(!is_over(&site, &access) && !is_over(&site, &bystander));
        let later = |by: u64| site.app.clock.advance(Duration::from_secs(by));
        match end {
            "logout" => assert_eq!(mine.post("/logout/", json!({})).status, 200),
            "revoke" => assert_eq!(mine.post("/api/auth/revoke/", json!({"token": access})).status, 200),
            "all" => assert_eq!(mine.post("/token/revoke_all/", json!({})).status, 200),
            "deactivate" => {
                assert_eq!(root.patch(&format!("/users/{ann}/"), json!({"is_active": false})).status, 200);
            }
            "password" => {
                let body = json!({"password": "Another-1-password"});
                assert_eq!(root.patch(&format!("/users/{ann}/"), body).status, 200);
            }
            "delete" => assert_eq!(root.delete(&format!("/users/{ann}/")).status, 204),
            "force" => {
                later(1);
                let at = site.app.env.clock.now() + chrono::Duration::seconds(60);
                let body = json!({"force_logout_at": at.to_rfc3339()});
                assert_eq!(root.patch(&format!("/users/{ann}/"), body).status, 200);
                assert!(!is_over(&site, &access), "not before its time");
                later(60);
            }
            "expiry" | "purge" => {
                later(86_399);
                assert!(!is_over(&site, &access), "the session lives on");
                later(1);
            }
            _ => {
                let cli = site.app.second();
                let (actor, origin) = (crate::support::operator(), crate::support::origin());
                sessions::end_of_user(&cli.ctx(&actor, &origin), ann).unwrap();
            }
        }
        assert!(is_over(&site, &access), "R-26: {end}");
        if end == "purge" {
            later(7200);
            let gone = site.app.operate(|ctx| authsrv::service::tokens::purge(ctx, &mut |_| {})).unwrap();
            assert!(gone > 0);
            assert!(is_over(&site, &access), "what is gone is over");
            let next = site.server.sign_in(ANN).access;
            assert!(index(&next) > index(&access), "R-31");
        } else if end != "expiry" {
            assert!(!is_over(&site, &bystander), "{end}");
        }
    }
}

/// A list that is kept for its life must not speak against a session that begins meanwhile.
#[test]
fn a_session_that_begins_later_is_not_over_in_an_older_list() {
    let site = Site::new();
    site.app.user(ANN, &[]);
    let first = site.server.sign_in(ANN).access;
    let (_, _, older) = list(&site);
    let second = site.server.sign_in(ANN).access;
    assert_ne!(index(&first), index(&second));
    assert!(!is_set(&older, index(&second)) && !is_over(&site, &second));
    assert_eq!(older.iter().map(|byte| byte.count_ones()).sum::<u32>(), 0);
}

/// The place is signed before the session has its number: of sign-ins at once each must still name its own.
#[test]
fn sign_ins_at_once_have_places_of_their_own() {
    let app = TestApp::new();
    for n in 0..6 {
        app.user(&format!("user{n}@example.com"), &[]);
    }
    let tokens: Vec<String> = std::thread::scope(|scope| {
        let app = &app;
        let begin = |n: usize| {
            let email = format!("user{n}@example.com");
            (0..8).map(|_| app.sign_in(&email).access).collect::<Vec<_>>()
        };
        let threads: Vec<_> = (0..6).map(|n| scope.spawn(move || begin(n))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let mut places = BTreeSet::new();
    for token in &tokens {
        let sid = claims(token)["sid"].as_str().unwrap().to_owned();
        let session = app.operate(|ctx| sessions::by_uuid(ctx, &sid)).unwrap();
        assert_eq!(i64::try_from(index(token)).unwrap(), session.id.0 - 1, "its own");
        places.insert(session.id.0);
    }
    assert_eq!(places.len(), tokens.len());
}

#[test]
fn there_is_no_list_where_no_session_stands() {
    let site = Site::new();
    site.app.user(ANN, &[]);
    site.server.sign_in(ANN);
    let nobody = site.server.anonymous();
    for path in ["0", "2", "-1", "01x", "x", "99999999999999999999", "281474976710655", "1%00", "..%2f1"] {
        let answer = nobody.get(&format!("{LISTS}{path}/"));
        assert_eq!(answer.status, 404, "{path}: {answer:?}");
        refused(&answer, path);
    }
    assert_eq!(nobody.get(LISTS).json(), json!({"status_lists": [format!("{URL}{LIST}")]}));
    // Where numbers run over into the next list.
    let size = authsrv::domain::status_lists::LIST_SIZE;
    let file = rusqlite::Connection::open(site.app.folder.path().join("authsrv.db")).unwrap();
    file.execute("UPDATE sqlite_sequence SET seq = ?1 WHERE name = 'sessions'", [size - 1]).unwrap();
    drop(file);
    for (number, place) in [(1, size - 1), (2, 0), (2, 1)] {
        let access = site.server.sign_in(ANN).access;
        let reference = &claims(&access)["status"]["status_list"];
        assert_eq!(reference, &json!({"idx": place, "uri": format!("{URL}{LISTS}{number}/")}));
        let id = SessionId((number - 1) * size + place + 1);
        let mut bits = Vec::new();
        let token = String::from_utf8(nobody.get(&format!("{LISTS}{number}/")).body).unwrap();
        let packed = claims(&token)["status_list"]["lst"].as_str().unwrap().to_owned();
        ZlibDecoder::new(&URL_SAFE_NO_PAD.decode(packed).unwrap()[..]).read_to_end(&mut bits).unwrap();
        let place = u64::try_from(place).unwrap();
        assert!(!is_set(&bits, place), "{id}");
        if number == 1 {
            assert!(is_set(&bits, place - 1) && !is_set(&bits, 0), "what is gone is over, and the first lives");
        }
    }
    assert_eq!(nobody.get(LISTS).json()["status_lists"].as_array().unwrap().len(), 2);
}

#[test]
fn only_what_there_is_can_be_asked_for() {
    let site = Site::new();
    let ask = |query: &str, headers: &str| {
        exchange(site.server.address, request("GET", &format!("{LIST}{query}"), headers)).unwrap()
    };
    for accept in
        ["", "Accept: application/statuslist+jwt\r\n", "Accept: */*\r\n", "Accept: text/html, application/*;q=0.1\r\n"]
    {
        assert_eq!(ask("", accept).status, 200, "{accept}");
    }
    for accept in ["application/statuslist+cwt", "text/html", "application/statuslist+jwt;q=0"] {
        let answer = ask("", &format!("Accept: {accept}\r\n"));
        assert_eq!(answer.status, 406, "{accept}");
        refused(&answer, accept);
    }
    assert_eq!(ask("?time=1686925000", "").status, 501, "lists of the past are not kept");
    // R-48: what a request says of the host is in no list and in no token.
    site.app.user(ANN, &[]);
    let hostile = "Host: evil.example\r\nX-Forwarded-Host: evil.example\r\nX-Forwarded-Proto: https\r\n";
    let answer = exchange(site.server.address, format!("GET {LIST} HTTP/1.1\r\n{hostile}\r\n")).unwrap();
    assert_eq!(claims(&String::from_utf8(answer.body).unwrap())["sub"], format!("{URL}{LIST}"));
    let body = json!({"email": ANN, "password": PASSWORD}).to_string();
    let login = format!(
        "POST /login/ HTTP/1.1\r\n{hostile}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let access = exchange(site.server.address, login).unwrap().text("access");
    assert_eq!(index(&access), 0);
}

/// R-20: our key signs it, and yet it is good for nothing else.
#[test]
fn a_list_is_no_token() {
    let site = Site::new();
    let root = site.root();
    let list = String::from_utf8(site.server.anonymous().get(LIST).body).unwrap();
    assert_eq!(site.server.bearer(&list).get("/me/").status, 401);
    for path in ["/token/refresh/", "/logout/", "/token/revoke/"] {
        assert_eq!(site.server.anonymous().post(path, json!({"refresh": list})).status, 401, "{path}");
    }
    assert_eq!(site.server.anonymous().post("/api/token/verify/", json!({"token": list})).status, 401);
    assert_eq!(root.post("/api/auth/introspect/", json!({"token": list})).body, br#"{"active":false}"#);
}

#[test]
fn where_it_is_switched_off_tokens_refer_to_no_list() {
    let site = Site::new();
    site.app.user(ANN, &[]);
    let before = site.server.sign_in(ANN).access;
    for (key, value, served) in [("status_list.enabled", json!(false), 200), ("dialects.off", json!(["oauth"]), 404)] {
        let set = |value| site.app.operate(|ctx| settings::change(ctx, &[(key.to_owned(), value)])).unwrap();
        set(Some(value));
        assert_eq!(claims(&site.server.sign_in(ANN).access).get("status"), None, "{key}");
        // Tokens that are still about refer to it.
        assert_eq!(site.server.anonymous().get(LIST).status, served, "{key}");
        set(None);
    }
    assert!(!is_over(&site, &before));
}
