//! Somebody wants in by a key that is not his, almost right, or over; or wants more by one that is his (R-20, R-21, R-26,
//!

use std::time::Duration;

use authsrv::crypto::mac::{hex, sha256};
use authsrv::domain::ids::UserId;
use authsrv::service::api_tokens::{self, NewToken};
use rustix::process::Signal;
use serde_json::{Value, json};

use super::{Site, refused};
use crate::support::http::{Answer, Client};
use crate::support::process::Process;
use crate::support::shell::Shell;

const ANN: &str = "ann@example.com";

impl Site {
    fn key(&self, user: UserId, name: &str) -> String {
        let new = NewToken { name: name.to_owned(), expires_at: None };
        self.app.operate(|ctx| api_tokens::create(ctx, user, new)).unwrap().1.0
    }

    fn token(&self, key: &str) -> Client {
        self.server.anonymous().token(key)
    }
}

#[test]
fn nothing_but_the_key_itself_lets_in() {
    let site = Site::new();
    let ann = site.app.user(ANN, &[]);
    let key = site.key(ann, "x");
    assert_eq!(site.token(&key).get("/me/").status, 200);
    let hash = sha256(key.as_bytes());
    let other = if key.starts_with('0') { "1" } else { "0" };
    let mut near = vec![
        key[..39].to_owned(),
        key[1..].to_owned(),
        key[..20].to_owned(),
        format!("{key}0"),
        format!("0{key}"),
        format!("{key},{key}"),
        format!("\"{key}\""),
        key.to_uppercase(),
        key.chars().rev().collect(),
        format!("{other}{}", &key[1..]),
        format!("{}%30", &key[..39]),
        hex(&hash),
        hex(&hash)[..40].to_owned(),
        "%".to_owned(),
        "*".to_owned(),
        "' OR 1=1--".replace(' ', "/**/"),
        "null".to_owned(),
        "1".to_owned(),
        ann.0.to_string(),
    ];
    // An upper-case key without letters is the key.
    near.retain(|text| *text != key);
    for wrong in near {
        let answer = site.token(&wrong).get("/me/");
        assert_eq!((answer.status, answer.text("detail").as_str()), (401, "Invalid token."), "R-21: {wrong:?}");
    }
    // Each kind only where it belongs.
    let pair = site.server.sign_in(ANN);
    for jwt in [&pair.access, &pair.refresh] {
        assert_eq!(site.token(jwt).get("/me/").status, 401, "R-20");
    }
    assert_eq!(site.server.bearer(&key).get("/me/").status, 401, "R-20");
    for path in
        [format!("/me/?token={key}"), format!("/me/?auth_token={key}"), format!("/me/?Authorization=Token%20{key}")]
    {
        assert_eq!(site.server.anonymous().get(&path).status, 401);
    }
    for body in [json!({"refresh": key}), json!({"refresh_token": key})] {
        refused(&site.server.anonymous().post("/token/refresh/", body.clone()), "R-20");
        refused(&site.server.anonymous().post("/logout/", body), "R-20");
    }
    assert_eq!(site.token(&key).get("/me/").status, 200);
}

#[test]
fn every_end_is_seen_by_the_next_request() {
    for end in ["revoke", "own", "all", "mine", "deactivate", "delete", "force", "expiry", "logout"] {
        let site = Site::new();
        let ann = site.app.user(ANN, &[]);
        let root = site.root();
        let keys = [site.key(ann, "x"), {
            let expires_at = Some(site.app.env.clock.now() + chrono::Duration::minutes(1));
            let new = NewToken { name: "y".to_owned(), expires_at };
            site.app.operate(|ctx| api_tokens::create(ctx, ann, new)).unwrap().1.0
        }];
        let by_key = site.token(&keys[1]);
        assert_eq!(by_key.get("/me/").status, 200);
        let answer = match end {
            "revoke" => root.delete("/api-tokens/2/"),
            "own" => by_key.delete("/api-tokens/2/"),
            "all" => root.post("/token/revoke_all/1/", json!({})),
            "mine" => by_key.post("/token/revoke_all/", json!({})),
            "deactivate" => root.patch("/users/1/", json!({"is_active": false})),
            "delete" => root.delete("/users/1/"),
            "logout" => by_key.post("/logout/", json!({})),
            "force" => {
                site.app.clock.advance(Duration::from_millis(1));
                root.patch("/users/1/", json!({"force_logout_at": site.app.env.clock.now().to_rfc3339()}))
            }
            _ => {
                site.app.clock.advance(Duration::from_secs(60));
                root.get("/me/")
            }
        };
        assert!([200, 204].contains(&answer.status), "{end}: {answer:?}");
        for path in ["/me/", "/users/", "/api-tokens/", "/api/auth/me/get_sessions/"] {
            assert_eq!(by_key.get(path).status, 401, "R-26: {end}: {path}");
        }
        refused(&by_key.post("/api-tokens/", json!({"name": "z"})), end);
        let one_only = ["revoke", "own", "expiry", "logout"].contains(&end);
        assert_eq!(site.token(&keys[0]).get("/me/").status, if one_only { 200 } else { 401 }, "{end}");
    }
}

/// keys that are asked for while everything is revoked.
#[test]
fn no_key_slips_through_while_all_is_being_revoked() {
    for round in 0..4 {
        let site = Site::new();
        let ann = site.app.user(ANN, &[]);
        let (root, me) = (site.root(), site.signed_in(ANN));
        let kept: Vec<String> = std::thread::scope(|scope| {
            let making = scope.spawn(|| {
                let made = (0..30).map(|n| me.post("/api-tokens/", json!({"name": n.to_string()})));
                made.filter(|answer| answer.status == 201).map(|answer| answer.text("key")).collect::<Vec<_>>()
            });
            std::thread::sleep(Duration::from_millis(3 + round * 5));
            assert_eq!(root.post(&format!("/token/revoke_all/{ann}/"), json!({})).status, 200);
            making.join().unwrap()
        });
        for key in kept {
            assert_eq!(site.token(&key).get("/me/").status, 401, "R-28: a key has survived");
        }
    }
}

/// a key is made for nobody who may more than its maker, and gives nobody more than he has.
#[test]
fn no_way_up() {
    let site = Site::new();
    site.role("issuer", &["tokens:all"]);
    let (me, plain) = (site.app.user("issuer@example.com", &["issuer"]), site.app.user("plain@example.com", &[]));
    let (admin, root) = (site.app.user("admin@example.com", &["admin"]), site.app.superuser("boss@example.com"));
    let key = site.key(me, "mine");
    for client in [site.signed_in("issuer@example.com"), site.token(&key)] {
        for above in [admin, root] {
            let answer = client.post("/api-tokens/", json!({"name": "up", "user": above.0}));
            assert_eq!(answer.status, 403, "R-38: {answer:?}");
        }
        assert_eq!(client.get("/users/").status, 403);
        let body = json!({"name": "x", "user": plain.0, "key": "0".repeat(40), "user_id": root.0});
        refused(&client.post("/api-tokens/", body), "a key of one's own choice");
    }
    let made = site.token(&key).post("/api-tokens/", json!({"name": "down", "user": plain.0}));
    assert_eq!(made.status, 201, "{made:?}");
    let down = site.token(&made.text("key"));
    assert_eq!((down.get("/me/").json()["id"].as_i64(), down.get("/users/").status), (Some(plain.0), 403));
    // Rights go with the user, not with the key.
    let superuser = site.root();
    assert_eq!(superuser.post(&format!("/users/{plain}/roles/"), json!({"role": "viewer"})).status, 201);
    assert_eq!(down.get("/users/").status, 200);
    assert_eq!(site.token(&key).delete(&format!("/api-tokens/{}/", made.json()["id"])).status, 204);
    // Others' are not seen, and what is not there looks the same.
    let other = site.token(&site.key(plain, "own"));
    let told = |answer: Answer| (answer.status, answer.json());
    let (theirs, nobodys) = (other.delete("/api-tokens/1/"), other.delete("/api-tokens/999/"));
    assert_eq!(told(theirs), told(nobodys));
    assert_eq!(other.get(&format!("/api-tokens/?user={me}")).status, 403);
    let own = other.get("/api-tokens/").json();
    assert!(own["results"].as_array().unwrap().iter().all(|row| row["user_id"] == plain.0), "{own}");
}

/// at the loudest log, in every file, before and after a stop.
#[test]
fn no_key_is_logged_or_stored() {
    for format in ["text", "json"] {
        let shell = Shell::new();
        shell.superuser("root@example.com");
        let mut command = shell.server();
        command.args(["--log", "trace", "--log-format", format]);
        let mut server = Process::of(command);
        let access = server.anonymous().sign_in("root@example.com").access;
        let first = server.bearer(&access).post("/api-tokens/", json!({"name": "http"})).text("key");
        let second = shell.json("tokens api create root@example.com --name cli")["key"].as_str().unwrap().to_owned();
        let client = |key: &str| server.anonymous().token(key);
        for key in [&first, &second] {
            assert_eq!(client(key).get("/me/").status, 200);
            client(key).get(&format!("/api-tokens/?x={}", "y".repeat(10)));
            client(key).delete(&format!("/api-tokens/{key}/"));
            client(&key[..39]).get("/me/");
        }
        let listed: Value = client(&first).get("/api-tokens/").json();
        let commands = [shell.run("tokens api list --fields all").done(), shell.run("tokens api list -o json").done()];
        let log = server.stop(Signal::TERM);
        assert!(log.len() > 1000);
        for key in [&first, &second] {
            // The path with a key in it is what a client chose to send; what is logged of it is its route.
            assert!(!log.contains(key.as_str()), "R-53: {format}");
            assert!(!listed.to_string().contains(key.as_str()));
            assert!(commands.iter().all(|ran| !ran.out.contains(key.as_str()) && !ran.err.contains(key.as_str())));
            for file in std::fs::read_dir(shell.folder()).unwrap() {
                let path = file.unwrap().path();
                let bytes = std::fs::read(&path).unwrap();
                assert!(!bytes.windows(40).any(|window| window == key.as_bytes()), "R-21: {}", path.display());
            }
        }
    }
}

/// A key typed in the wrong place is not repeated.
#[test]
fn a_key_as_an_argument_is_not_repeated() {
    let shell = Shell::new();
    shell.user(ANN);
    let key = shell.json(&format!("tokens api create {ANN} --name x"))["key"].as_str().unwrap().to_owned();
    let ran = shell.run(&format!("tokens api revoke {key}")).exits(2);
    assert!(!ran.err.contains(&key) && !ran.out.contains(&key), "{ran:?}");
}
