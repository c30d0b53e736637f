//! `keys` at the shell, with a server beside: made, rotated, killed, brought along and handed out.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use authsrv::crypto::jwt::{self, VerifyingKey};
use authsrv::domain::tokens::TokenType;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::live::Site;
use crate::support::http::Client;
use crate::support::shell::Shell;

const ANN: &str = "ann@example.com";

fn kid(token: &str) -> String {
    jwt::key_id(token).unwrap()
}

fn jwks(client: &Client) -> Vec<Value> {
    client.get("/.well-known/jwks.json").json()["keys"].as_array().unwrap().clone()
}

fn states(shell: &Shell) -> Vec<String> {
    let keys = shell.json("keys list");
    keys.as_array().unwrap().iter().map(|key| key["state"].as_str().unwrap().to_owned()).collect()
}

/// Whether the token is good by the published keys alone.
fn verifies(client: &Client, token: &str) -> bool {
    let kid = kid(token);
    let keys = jwks(client);
    let Some(key) = keys.iter().find(|key| key["kid"] == kid.as_str()) else { return false };
    let key = VerifyingKey::new(&kid, key["alg"].as_str().unwrap(), &key.to_string()).unwrap();
    jwt::verify(token, &key, TokenType::Access, chrono::Utc::now()).is_ok()
}

/// Each algorithm: sign-in, `me/`, refresh, published keys; a running server follows without a restart.
#[test]
fn a_running_server_signs_by_every_algorithm() {
    let site = Site::new();
    let first = site.person(ANN);
    assert_eq!(first.client.get("/me/").status, 200);
    for (name, published) in [("EdDSA", true), ("rs256", true), ("HS256", false), ("ES256", true)] {
        let made = site.run(&format!("keys generate --algorithm {name}")).done().says("Made the next key");
        let again = site.run(&format!("keys generate --algorithm {name}")).done().says("There is a next key already");
        assert!(made.err.contains("keys rotate") && again.err.contains("keys rotate"));
        site.run("keys rotate --now").done().says("signs from now on").says("stay good until they expire");
        let ann = site.sign_in(ANN);
        let header = jwt::read_unverified(&ann.access).unwrap().header;
        assert!(header["alg"].as_str().unwrap().eq_ignore_ascii_case(name), "{header:?}");
        assert_eq!(ann.client.get("/me/").status, 200);
        let next = site.server.anonymous().post("/token/refresh/", json!({"refresh": ann.refresh}));
        assert_eq!(next.status, 200, "{next:?}");
        assert_eq!(site.server.bearer(&next.text("access")).get("/me/").status, 200);
        assert_eq!(verifies(&site.server.anonymous(), &next.text("access")), published, "{name}");
        let token = next.text("access");
        let export = |format: &str| site.shell.run_all(&["keys", "export-public", &kid(&token), "--format", format]);
        if published {
            assert!(export("pem").done().out.starts_with("-----BEGIN PUBLIC KEY-----\n"));
            let jwk: Value = serde_json::from_str(&export("jwk").done().out).unwrap();
            assert_eq!(jwk["kid"], kid(&token).as_str());
            assert!(jwk.get("d").is_none() && jwk.get("k").is_none());
        } else {
            export("pem").exits(2).says("no public half");
            site.run("keys export-public --format pem").exits(2).says("no public half");
        }
    }
    // What the first key signed is good all the same.
    assert_eq!(first.client.get("/me/").status, 200);
    assert!(verifies(&site.server.anonymous(), &first.access), "R-25: still published");
    let whole: Value = serde_json::from_str(&site.run("keys export-public").done().out).unwrap();
    assert_eq!(whole["keys"].as_array(), Some(&jwks(&site.server.anonymous())));
    assert_eq!(states(&site.shell).iter().filter(|state| *state == "current").count(), 1);
    site.run("keys export-public nothing").exits(1).says("no key");
    site.run("keys generate --algorithm none").exits(2).says("ES256");
}

/// plain `rotate` publishes the next key and lets it sign later by itself; E.6: the headers of the published keys.
#[test]
fn a_rotation_publishes_first() {
    let site = Site::new();
    let ann = site.person(ANN);
    site.run("keys rotate").done().says("is published, and signs from");
    site.run("keys rotate").done().says("decided already");
    assert_eq!(states(&site.shell), ["current", "next"]);
    assert_eq!(jwks(&site.server.anonymous()).len(), 2);
    assert_eq!(kid(&site.sign_in(ANN).access), kid(&ann.access), "it signs only in five minutes");
    let answer = site.server.anonymous().get("/.well-known/jwks.json");
    assert_eq!(answer.header("cache-control"), Some("public, max-age=300"));
    assert_eq!(answer.header("cross-origin-resource-policy"), Some("cross-origin"));
    site.run("keys rotate --now").done().says("signs from now on");
    assert_eq!(states(&site.shell), ["retiring", "current"]);
    site.run(&format!("keys rotate {}", kid(&ann.access))).exits(2).says("signed before");
    site.run("keys rotate nothing").exits(1).says("no key");
}

/// a key that got out is killed; a running server refuses its tokens at the next request, and sign-ins go on.
#[test]
fn a_killed_key_ends_its_tokens_at_the_next_request() {
    let site = Site::new();
    let ann = site.person(ANN);
    let old = kid(&ann.access);
    site.run(&format!("keys revoke {old}")).exits(2).says("--yes");
    assert_eq!(ann.client.get("/me/").status, 200, "nothing was changed");
    site.run(&format!("keys revoke {old} --yes")).done().says("Revoked key").says("signs from now on");
    assert_eq!(ann.client.get("/me/").status, 401);
    let refreshed = site.server.anonymous().post("/token/refresh/", json!({"refresh": ann.refresh}));
    assert_eq!(refreshed.status, 401, "{refreshed:?}");
    assert!(jwks(&site.server.anonymous()).iter().all(|key| key["kid"] != old.as_str()));
    let again = site.sign_in(ANN);
    assert_eq!(again.client.get("/me/").status, 200);
    assert!(verifies(&site.server.anonymous(), &again.access));
    site.run(&format!("keys revoke {old}")).done().says("Had been revoked already");
    let events: Vec<String> = ["key.created", "key.rotated", "key.revoked"].map(str::to_owned).to_vec();
    let connection = rusqlite::Connection::open(site.shell.file("authsrv.db")).unwrap();
    for event in events {
        let sql = "SELECT COUNT(*) FROM audit WHERE action = ? AND details NOT LIKE '%seal%'";
        assert!(connection.query_row(sql, [&event], |row| row.get::<_, i64>(0)).unwrap() > 0, "{event}");
    }
}

#[test]
fn a_private_key_of_ones_own_signs_after_a_rotation() {
    let site = Site::new();
    let own = jwt::generate(authsrv::crypto::jwt::Algorithm::EdDsa).unwrap();
    let text = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(&own.secret));
    let path = site.shell.file("own.pem");
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let import = "keys import --private-key --file own.pem";
    site.run(import).exits(2).says("chmod 600 own.pem");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    site.run(import).done().says("EdDSA").says("keys rotate");
    site.run(import).done().says("Is here already");
    site.run(&format!("keys rotate --now {}", own.kid)).done();
    site.shell.user(ANN);
    let ann = site.sign_in(ANN);
    assert_eq!(kid(&ann.access), own.kid);
    assert!(verifies(&site.server.anonymous(), &ann.access));
    fs::write(&path, "-----BEGIN ENCRYPTED PRIVATE KEY-----\n").unwrap();
    site.run(import).exits(2).says("openssl pkcs8");
    site.run("keys import --private-key").exits(2).says("--file");
    site.run("keys import --private-key --hs256 --file own.pem").exits(2);
}

/// sign-ins, refreshes and requests go on while keys are replaced again and again; none fails, and what was signed
/// is published as long as it is good.
#[test]
fn r25_no_valid_token_fails_while_keys_are_replaced() {
    let site = Site::new();
    let people: Vec<String> = (0..3).map(|n| format!("p{n}@example.com")).collect();
    people.iter().for_each(|email| site.shell.user(email));
    let (stop, requests) = (AtomicBool::new(false), AtomicUsize::new(0));
    let kids = std::thread::scope(|scope| {
        let workers: Vec<_> = people
            .iter()
            .map(|email| {
                let (site, stop, requests) = (&site, &stop, &requests);
                scope.spawn(move || {
                    let mut kids = std::collections::BTreeSet::new();
                    let (mut tokens, anonymous) = (Vec::new(), site.server.anonymous());
                    while !stop.load(Ordering::SeqCst) {
                        let pair = anonymous.sign_in(email);
                        let next = anonymous.post("/token/refresh/", json!({"refresh": pair.refresh}));
                        assert_eq!(next.status, 200, "{next:?}");
                        tokens.extend([pair.access, next.text("access")]);
                        for token in tokens.iter().rev().take(12) {
                            let me = site.server.bearer(token).get("/me/");
                            assert_eq!(me.status, 200, "{me:?}");
                            assert!(verifies(&anonymous, token), "R-25: published as long as it is good");
                            requests.fetch_add(1, Ordering::SeqCst);
                            kids.insert(kid(token));
                        }
                    }
                    kids
                })
            })
            .collect();
        for algorithm in ["ES256", "EdDSA", "RS256", "ES256", "EdDSA", "ES256"] {
            site.run(&format!("keys generate --algorithm {algorithm}")).done();
            site.run("keys rotate --now").done();
            std::thread::sleep(std::time::Duration::from_millis(300));
        }
        stop.store(true, Ordering::SeqCst);
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect::<std::collections::BTreeSet<_>>()
    });
    assert!(kids.len() >= 3 && requests.load(Ordering::SeqCst) > 20, "the load met several keys: {kids:?}");
}
