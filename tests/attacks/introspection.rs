//! Somebody asks about tokens that he should learn nothing of, takes a token for what it is not, or revokes what is not
//! his; and a service goes by what it was told of a token that has just ended (R-20, R-26, R-28, R-32, R-35, R-47; RFC 7662,
//! RFC 7009).

use std::time::Duration;

use serde_json::{Value, json};

use super::{Site, refused};
use crate::support::former;
use crate::support::http::{Answer, Client};
use crate::support::{PASSWORD, TestApp};

const ANN: &str = "ann@example.com";
const INTROSPECT: &str = "/api/auth/introspect/";
const REVOKE: &str = "/api/auth/revoke/";
const FORM: &str = "application/x-www-form-urlencoded";

/// A service: by an API token, with the right to ask.
fn service(site: &Site) -> Client {
    site.role("asker", &["tokens:read"]);
    let client = site.somebody("service@example.com", &["asker"]);
    let key = client.post("/api-tokens/", json!({"name": "service"})).text("key");
    site.server.anonymous().token(&key)
}

fn form(client: &Client, path: &str, body: &str) -> Answer {
    client.send("POST", path, Some((FORM, body.as_bytes().to_vec())))
}

fn ask(service: &Client, token: &str) -> Value {
    let answer = form(service, INTROSPECT, &format!("token={token}"));
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let told = answer.json();
    if told["active"] != true {
        assert_eq!(answer.body, br#"{"active":false}"#, "and nothing else");
    }
    told
}

fn is_active(service: &Client, token: &str) -> bool {
    ask(service, token)["active"] == true
}

/// An access and a refresh token of Ann's at the routes with UUIDs.
fn opaque(site: &Site) -> (String, String) {
    let answer = site.server.anonymous().post("/api/login/", json!({"email": ANN, "password": PASSWORD}));
    (answer.text("access_token"), answer.text("refresh_token"))
}

#[test]
fn of_a_good_token_it_is_told_whose_it_is_and_what() {
    let site = Site::new();
    let service = service(&site);
    let ann = site.app.user(ANN, &[]);
    let pair = site.server.sign_in(ANN);
    let access = ask(&service, &pair.access);
    assert_eq!(
        (&access["active"], &access["token_type"], &access["sub"], &access["username"]),
        (&json!(true), &json!("Bearer"), &json!(ann.to_string()), &json!(ANN))
    );
    let now = site.app.env.clock.now().timestamp();
    assert_eq!((access["iat"].as_i64(), access["exp"].as_i64()), (Some(now), Some(now + 300)));
    assert_eq!(access["iss"], "http://127.0.0.1:8000");
    assert!(access["jti"].is_string() && access["sid"].is_string(), "{access}");
    for absent in ["client_id", "scope", "aud", "nbf"] {
        assert_eq!(access.get(absent), None, "{absent} is nothing that there is");
    }
    // A refresh token is not for the services (R-20): one that goes by `token_type` refuses it.
    for refresh in [&pair.refresh, &opaque(&site).1] {
        let told = ask(&service, refresh);
        assert_eq!((&told["active"], &told["token_type"]), (&json!(true), &json!("refresh_token")), "{told}");
        assert_eq!((&told["sub"], &told["username"]), (&json!(ann.to_string()), &json!(ANN)), "{told}");
        assert!(["jti", "sid", "iss"].iter().all(|name| told[*name].is_string()), "{told}");
        assert!(["iat", "exp"].iter().all(|name| told[*name].is_i64()), "{told}");
    }
    let key = site.server.bearer(&pair.access).post("/api-tokens/", json!({"name": "x"})).text("key");
    let told = ask(&service, &key);
    assert_eq!((&told["active"], &told["token_type"], &told["username"]), (&json!(true), &json!("Token"), &json!(ANN)));
    // To be asked about spends nothing.
    assert_eq!(site.server.anonymous().post("/token/refresh/", json!({"refresh": pair.refresh})).status, 200);
    site.app.operate(|ctx| {
        let audience = [("tokens.audience".to_owned(), Some(json!("books")))];
        authsrv::service::settings::change(ctx, &audience).unwrap();
    });
    assert_eq!(ask(&service, &site.server.sign_in(ANN).access)["aud"], "books");
}

#[test]
fn a_hint_is_only_a_hint_and_json_is_as_good_as_a_form() {
    let site = Site::new();
    let service = service(&site);
    site.app.user(ANN, &[]);
    let pair = site.server.sign_in(ANN);
    for token in [&pair.access, &pair.refresh] {
        for hint in ["access_token", "refresh_token", "pin", "", "%00%FF"] {
            let told = form(&service, INTROSPECT, &format!("token_type_hint={hint}&token={token}&client_id=x"));
            assert_eq!(told.json()["active"], true, "{hint}: {told:?}");
        }
        let told = service.post(INTROSPECT, json!({"token": token, "token_type_hint": "x", "new": [1]}));
        assert_eq!(told.json()["active"], true, "{told:?}");
    }
}

#[test]
fn of_any_other_it_is_told_that_it_is_not_active() {
    let site = Site::new();
    let service = service(&site);
    let ann = site.app.user(ANN, &[]);
    let pair = site.server.sign_in(ANN);
    let foreign = TestApp::foreign();
    foreign.user(ANN, &[]);
    let foreign = foreign.sign_in(ANN);
    let list = String::from_utf8(site.server.anonymous().get("/api/auth/status-lists/1/").body).unwrap();
    let none = pair.access.rsplit_once('.').unwrap().0;
    let mut bad = vec![
        "nothing".to_owned(),
        "%00%FF".to_owned(),
        "a.b.c".to_owned(),
        "..".to_owned(),
        "0".repeat(40),
        "2c5ea4c0-4067-11e9-8bad-9b1deb4d3b7d".to_owned(),
        "x".repeat(8000),
        pair.access[..pair.access.len() - 1].to_owned(),
        format!("{}A", pair.access),
        format!("{none}."),
        format!("Bearer%20{}", pair.access),
        format!("{}%2C{}", pair.access, pair.refresh),
        foreign.access,
        foreign.refresh,
        list,
    ];
    // Spent, then ended for it.
    let spent = site.server.sign_in(ANN).refresh;
    assert_eq!(site.server.anonymous().post("/token/refresh/", json!({"refresh": spent})).status, 200);
    bad.push(spent.clone());
    for token in &bad {
        assert!(!is_active(&service, token), "{token}");
    }
    assert!(is_active(&service, &pair.access));
    // R-32: nor of whoever may not come in.
    let uuid = opaque(&site);
    let key = site.server.bearer(&pair.access).post("/api-tokens/", json!({"name": "x"})).text("key");
    let off = site.root().patch(&format!("/users/{ann}/"), json!({"is_active": false}));
    assert_eq!(off.status, 200, "{off:?}");
    for token in [&pair.access, &pair.refresh, &uuid.0, &uuid.1, &key] {
        assert!(!is_active(&service, token), "{token}");
    }
    site.lives();
}

/// R-26, R-29: at every end, of every kind of token; also the last second of its life.
#[test]
fn an_end_is_seen_by_the_next_question() {
    for end in ["logout", "revoke", "all", "deactivate", "password", "delete", "force", "cli", "expiry"] {
        let site = Site::new();
        let service = service(&site);
        let ann = site.app.user(ANN, &[]);
        let root = site.root();
        let pair = site.server.sign_in(ANN);
        let mine = site.server.bearer(&pair.access);
        assert!(is_active(&service, &pair.access) && is_active(&service, &pair.refresh));
        let answer = match end {
            "logout" => mine.post("/logout/", json!({})),
            "revoke" => form(&mine, REVOKE, &format!("token={}", pair.refresh)),
            "all" => mine.post("/token/revoke_all/", json!({})),
            "deactivate" => root.patch(&format!("/users/{ann}/"), json!({"is_active": false})),
            "password" => root.patch(&format!("/users/{ann}/"), json!({"password": "Another-1-password"})),
            "delete" => root.delete(&format!("/users/{ann}/")),
            "force" => {
                site.app.clock.advance(Duration::from_millis(1));
                let now = site.app.env.clock.now().to_rfc3339();
                root.patch(&format!("/users/{ann}/"), json!({"force_logout_at": now}))
            }
            "cli" => {
                let cli = site.app.second();
                let (actor, origin) = (crate::support::operator(), crate::support::origin());
                authsrv::service::sessions::end_of_user(&cli.ctx(&actor, &origin), ann).unwrap();
                mine.get("/healthz")
            }
            _ => {
                site.app.clock.advance(Duration::from_secs(300));
                mine.get("/healthz")
            }
        };
        assert!([200, 204].contains(&answer.status), "{end}: {answer:?}");
        assert!(!is_active(&service, &pair.access), "R-26: {end}");
        assert_eq!(is_active(&service, &pair.refresh), end == "expiry", "R-26: {end}");
    }
}

/// Tokens of a former system (D-12) are judged as everywhere.
#[test]
fn tokens_of_a_former_system() {
    let site = Site::new();
    let service = service(&site);
    let ann = site.app.user(ANN, &[]);
    former::import(&site.app);
    let now = site.app.env.clock.now();
    let [access, refresh, other] =
        [("access", 1), ("refresh", 2), ("access", 3)].map(|(kind, n)| former::token(kind, ann.0, now, n));
    for token in [&access, &refresh, &other] {
        assert_eq!(ask(&service, token)["sub"], ann.to_string());
    }
    for token in [&access, &refresh] {
        assert_eq!(form(&site.signed_in(ANN), REVOKE, &format!("token={token}")).status, 200);
        assert!(!is_active(&service, token));
    }
    assert!(is_active(&service, &other));
    assert_eq!(site.server.bearer(&access).get("/me/").status, 401);
    assert_eq!(site.server.anonymous().post("/token/refresh/", json!({"refresh": refresh})).status, 401);
}

#[test]
fn who_may_not_ask_learns_nothing() {
    let site = Site::new();
    site.app.widen();
    site.app.user(ANN, &["viewer"]);
    let pair = site.server.sign_in(ANN);
    let spoiled = site.server.sign_in(ANN);
    site.server.bearer(&spoiled.access).post("/logout/", json!({}));
    for (client, shown) in [
        (site.server.anonymous(), false),
        (site.server.bearer("not.a.token"), true),
        (site.server.bearer(&spoiled.access), true),
        (site.server.bearer(&pair.refresh), true),
        (site.server.anonymous().token(&"0".repeat(40)), true),
    ] {
        for path in [INTROSPECT, REVOKE] {
            for body in [format!("token={}", pair.access), "token=x".to_owned(), String::new(), "%".to_owned()] {
                let answer = form(&client, path, &body);
                assert_eq!((answer.status, answer.text("error").as_str()), (401, "invalid_client"), "{answer:?}");
                let challenge = answer.header("www-authenticate").unwrap();
                assert!(challenge.starts_with("Bearer "), "{challenge}");
                assert_eq!(challenge.contains("error=\"invalid_token\""), shown, "{challenge}");
            }
        }
    }
    // R-35: whether there is such a token or not.
    let weak = site.server.bearer(&pair.access);
    let answers = [&pair.access, "x"].map(|token| form(&weak, INTROSPECT, &format!("token={token}")));
    assert_eq!((answers[0].status, answers[0].text("error").as_str()), (403, "insufficient_scope"));
    assert_eq!(answers[0].body, answers[1].body);
    assert_eq!(form(&weak, INTROSPECT, "").status, 403, "the right is asked for before the body is read");
    // R-26, R-41: the right is asked for each time.
    site.role("asker", &["tokens:read"]);
    let root = site.root();
    assert_eq!(root.post("/users/1/roles/", json!({"role": "asker"})).status, 201);
    assert!(is_active(&weak, &pair.access));
    let role = root.get("/roles/?search=asker").json()["results"][0]["id"].as_i64().unwrap();
    assert_eq!(root.delete(&format!("/users/1/roles/{role}/")).status, 204);
    assert_eq!(form(&weak, INTROSPECT, "token=x").status, 403);
}

#[test]
fn hostile_bodies() {
    let site = Site::new();
    let root = site.root();
    let token = site.server.sign_in("root@example.com").access;
    for path in [INTROSPECT, REVOKE] {
        let with_query = format!("{path}?token={token}");
        for (about, answer) in [
            ("no token", form(&root, path, "")),
            ("no token but a hint", form(&root, path, "token_type_hint=access_token")),
            ("an empty token", form(&root, path, "token=")),
            ("two tokens", form(&root, path, &format!("token={token}&token={token}"))),
            ("two hints", form(&root, path, &format!("token={token}&token_type_hint=a&token_type_hint=b"))),
            ("a token in the address alone", form(&root, &with_query, "")),
            ("a token in the address too", form(&root, &with_query, &format!("token={token}"))),
            ("a list", root.post(path, json!([token]))),
            ("a list of tokens", root.post(path, json!({"token": [token]}))),
            ("a number", root.post(path, json!({"token": 5}))),
            ("null", root.post(path, json!({"token": null}))),
            ("an object", root.post(path, json!({"token": {"$ne": ""}}))),
            ("no JSON", root.send("POST", path, Some(("application/json", b"{".to_vec())))),
            ("no UTF-8", root.send("POST", path, Some(("application/json", b"{\"token\":\"\xff\"}".to_vec())))),
            (
                "twice in JSON",
                root.send("POST", path, Some(("application/json", br#"{"token":"a","token":"b"}"#.to_vec()))),
            ),
            (
                "deep JSON",
                root.send(
                    "POST",
                    path,
                    Some(("application/json", format!("{}{}", "[".repeat(99), "]".repeat(99)).into())),
                ),
            ),
        ] {
            assert_eq!((answer.status, answer.text("error").as_str()), (400, "invalid_request"), "{about}: {answer:?}");
            assert!(!answer.text("error_description").contains(&token), "R-53: {about}");
            refused(&answer, about);
        }
        let kind = root.send("POST", path, Some(("text/plain", format!("token={token}").into())));
        assert_eq!((kind.status, kind.text("error").as_str()), (415, "invalid_request"));
        let long = form(&root, path, &format!("token={}", "x".repeat(17_000)));
        assert_eq!((long.status, long.text("error").as_str()), (413, "invalid_request"));
        for method in ["GET", "PUT", "PATCH", "DELETE"] {
            assert_eq!(root.send(method, &with_query, None).status, 405, "{method} {path}");
        }
    }
    assert_eq!(site.server.bearer(&token).get("/me/").status, 200, "nothing was revoked");
    site.lives();
}

/// RFC 7009: the whole session (D-10), at once, and the same answer to whatever is no good token.
#[test]
fn what_is_revoked_is_over_at_once() {
    let site = Site::new();
    site.app.user(ANN, &[]);
    for kind in ["access", "refresh", "uuid", "spent", "key", "login key"] {
        let other = site.server.sign_in(ANN);
        let pair = site.server.sign_in(ANN);
        let mine = site.server.bearer(&other.access);
        let (token, access) = match kind {
            "access" => (pair.access.clone(), Some(pair.access)),
            "refresh" => (pair.refresh, Some(pair.access)),
            "uuid" => {
                let (access, refresh) = opaque(&site);
                (refresh, Some(access))
            }
            "spent" => {
                let next = site.server.anonymous().post("/token/refresh/", json!({"refresh": pair.refresh}));
                site.app.clock.advance(Duration::from_secs(60));
                (pair.refresh, Some(next.text("access")))
            }
            "key" => (mine.post("/api-tokens/", json!({"name": "x"})).text("key"), None),
            _ => {
                let login =
                    site.server.anonymous().post("/api-token-auth/", json!({"username": ANN, "password": PASSWORD}));
                (login.text("token"), None)
            }
        };
        let client = match &access {
            Some(access) => site.server.bearer(access),
            None => site.server.anonymous().token(&token),
        };
        assert_eq!(client.get("/me/").status, 200, "{kind}");
        for again in ["first", "second"] {
            let answer = form(&mine, REVOKE, &format!("token={token}&token_type_hint=refresh_token"));
            assert_eq!((answer.status, answer.body.len()), (200, 0), "{kind}, {again} time: {answer:?}");
            assert_eq!(answer.header("cache-control"), Some("no-store"));
            assert_eq!(client.get("/me/").status, 401, "R-26: {kind}");
        }
        assert_eq!(mine.get("/me/").status, 200, "another session goes on: {kind}");
        for nothing in ["x", "a.b.c", &"0".repeat(40), "2c5ea4c0-4067-11e9-8bad-9b1deb4d3b7d"] {
            let answer = form(&mine, REVOKE, &format!("token={nothing}"));
            assert_eq!((answer.status, answer.body.len()), (200, 0), "{nothing}: {answer:?}");
        }
    }
    // Also the one that the caller shows.
    let pair = site.server.sign_in(ANN);
    let mine = site.server.bearer(&pair.access);
    assert_eq!(form(&mine, REVOKE, &format!("token={}", pair.access)).status, 200);
    assert_eq!(form(&mine, REVOKE, "token=x").status, 401);
}

#[test]
fn nobody_revokes_what_is_anothers() {
    let site = Site::new();
    site.app.user(ANN, &[]);
    let eve = site.somebody("eve@example.com", &["manager"]);
    let pair = site.server.sign_in(ANN);
    let ann = site.server.bearer(&pair.access);
    let key = ann.post("/api-tokens/", json!({"name": "x"})).text("key");
    let uuid = opaque(&site).1;
    former::import(&site.app);
    let [access, refresh] =
        [("access", 1), ("refresh", 2)].map(|(kind, n)| former::token(kind, 1, site.app.env.clock.now(), n));
    let all = [&pair.access, &pair.refresh, &key, &uuid, &access, &refresh];
    for token in all {
        let answer = form(&eve, REVOKE, &format!("token={token}"));
        assert_eq!((answer.status, answer.text("error").as_str()), (403, "insufficient_scope"), "{answer:?}");
    }
    assert_eq!(ann.get("/me/").status, 200);
    assert_eq!(site.server.anonymous().token(&key).get("/me/").status, 200);
    assert_eq!(site.server.bearer(&access).get("/me/").status, 200);
    assert_eq!(site.server.anonymous().post("/api/refresh/", json!({"refresh_token": uuid})).status, 200);
    assert_eq!(site.server.anonymous().post("/token/refresh/", json!({"refresh": pair.refresh})).status, 200);
    // With the right it is done.
    site.role("janitor", &["tokens:delete"]);
    let janitor = site.somebody("janitor@example.com", &["janitor"]);
    for token in [&pair.access, &key, &access, &refresh] {
        assert_eq!(form(&janitor, REVOKE, &format!("token={token}")).status, 200);
    }
    assert_eq!(ann.get("/me/").status, 401);
    assert_eq!(site.server.anonymous().token(&key).get("/me/").status, 401);
    assert_eq!(site.server.bearer(&access).get("/me/").status, 401);
    assert_eq!(form(&janitor, INTROSPECT, "token=x").status, 403, "who may revoke may not ask");
}

/// RFC 8414: what is told of the server is true of it, begins with its public URL (R-48), and promises nothing else.
#[test]
fn metadata_leads_to_what_there_is() {
    let site = Site::new();
    let nobody = site.server.anonymous();
    let path = "/.well-known/oauth-authorization-server";
    let told = nobody.get(path);
    assert_eq!(told.header("cross-origin-resource-policy"), Some("cross-origin"));
    let told = told.json();
    assert_eq!(told["issuer"], "http://127.0.0.1:8000");
    for name in ["jwks_uri", "status_list_aggregation_endpoint", "service_documentation"] {
        let address = told[name].as_str().unwrap().strip_prefix("http://127.0.0.1:8000").unwrap();
        assert_eq!(nobody.get(address).status, 200, "{name}");
    }
    for name in ["introspection_endpoint", "revocation_endpoint"] {
        let address = told[name].as_str().unwrap().strip_prefix("http://127.0.0.1:8000").unwrap();
        assert_eq!(form(&nobody, address, "token=x").status, 401, "{name}");
        assert_eq!(told[format!("{name}_auth_methods_supported")], json!(["Bearer"]));
    }
    for absent in ["authorization_endpoint", "token_endpoint", "registration_endpoint"] {
        assert_eq!(told.get(absent), None, "{absent}");
    }
    assert_eq!((&told["response_types_supported"], &told["grant_types_supported"]), (&json!([]), &json!([])));
    let public = [("public_url".to_owned(), Some(json!("https://auth.example.com")))];
    site.app.operate(|ctx| authsrv::service::settings::change(ctx, &public)).unwrap();
    let told = nobody.get(path).json();
    let addresses = told.as_object().unwrap().values().filter_map(Value::as_str);
    assert!(addresses.into_iter().all(|address| address.starts_with("https://auth.example.com")), "{told}");
}
