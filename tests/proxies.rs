//! Real proxies in front of an API that has no code for sign-in (D-18, S3-5, S4-51), set up by the files that the README
//! shows. `.ci/run` installs them; where one is not there, its tests say that they are left out, and pass.

mod api;
mod front;

use serde_json::{Value, json};

use crate::attacks::wire::exchange;
use crate::support::http::{Answer, Client};
use crate::support::shell::Shell;
use front::{Behind, Front, Kind};

const ANN: &str = "ann@example.com";
const BOB: &str = "bob@example.com";
const ROOT: &str = "root@example.com";

/// People: Ann may read documents, Bob nothing, root everything.
fn people() -> Shell {
    let shell = Shell::new();
    shell.superuser(ROOT);
    shell.user(ANN);
    shell.user(BOB);
    shell.run(&format!("roles grant {ANN} viewer")).done();
    shell
}

/// What the API saw of a request that reached it.
#[track_caller]
fn seen(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

/// Passes if the request did not reach the API.
#[track_caller]
fn refused(answer: &Answer, status: u16, code: &str) {
    assert_eq!((answer.status, answer.text("code").as_str()), (status, code), "{answer:?}");
    assert_eq!(answer.header("www-authenticate").is_some(), status == 401, "{answer:?}");
}

/// Everything that clients write in the hope that somebody believes it.
fn spoofing(client: Client) -> Client {
    let headers = [
        ("X-Auth-User-Id", "1"),
        ("X-Auth-User-Email", ROOT),
        ("X-Auth-Roles", "admin"),
        ("X_Auth_User_Id", "1"),
        ("X-Auth_User-Id", "1"),
        ("x-auth-user-id", "1"),
    ];
    headers.iter().fold(client, |client, (name, value)| client.with(name, value))
}

/// S3-13, S4-54: each policy, for each caller.
fn the_policies_hold(front: &Front) {
    let (nobody, ann, bob, root) =
        (front.anonymous(), front.signed_in(ANN), front.signed_in(BOB), front.signed_in(ROOT));
    refused(&nobody.get("/documents/"), 401, "not_authenticated");
    refused(&front.anonymous().bearer("not.a.token").get("/documents/"), 401, "token_not_valid");
    refused(&bob.get("/documents/1/"), 403, "permission_denied");
    assert_eq!(seen(&ann.get("/documents/1/?page=2"))["target"], "/documents/1/?page=2");
    for method in ["POST", "PUT", "PATCH", "DELETE"] {
        refused(&ann.send(method, "/documents/1/", None), 403, "permission_denied");
        assert_eq!(seen(&root.send(method, "/documents/1/", None))["method"], method, "D-8");
    }
    assert_eq!(nobody.get("/NFTs/").status, 200, "anybody may read");
    assert_eq!(nobody.send("HEAD", "/NFTs/1/", None).status, 200);
    refused(&nobody.post("/NFTs/", json!({"title": "A"})), 401, "not_authenticated");
    let body = json!({"title": "A", "description": "x".repeat(100_000)});
    let made = seen(&bob.post("/NFTs/", body.clone()));
    assert_eq!((&made["method"], &made["body"]), (&json!("POST"), &json!(body.to_string())), "as it was sent");
    refused(&nobody.get("/staff/"), 401, "not_authenticated");
    refused(&ann.get("/staff/"), 403, "staff_required");
    assert_eq!(root.get("/staff/").status, 200);
}

/// R-42: the API hears who it is from us alone.
fn identity_is_not_for_clients_to_say(front: &Front) {
    let told = |answer: &Answer| {
        let seen = seen(answer);
        let names = seen["headers"].as_object().unwrap();
        let about: Vec<&String> = names.keys().filter(|name| name.replace('_', "-").starts_with("x-auth-")).collect();
        let known = ["x-auth-roles", "x-auth-user-email", "x-auth-user-id"];
        assert!(about.iter().all(|name| known.contains(&name.as_str())), "{about:?}");
        known.map(|name| seen["headers"][name].as_str().unwrap_or_default().to_owned())
    };
    let ann = front.signed_in(ANN);
    assert_eq!(told(&ann.get("/documents/")), ["viewer", ANN, "2"]);
    assert_eq!(told(&spoofing(ann).get("/documents/")), ["viewer", ANN, "2"]);
    assert_eq!(told(&spoofing(front.anonymous()).get("/NFTs/")), ["", "", ""]);
    assert_eq!(told(&spoofing(front.signed_in(BOB)).post("/NFTs/", json!({}))), ["", BOB, "3"]);
}

/// R-42: method and address are the proxy's to say.
fn requests_are_not_for_clients_to_say(front: &Front) {
    let claims = [
        ("X-Forwarded-Method", "GET"),
        ("X-Forwarded-Uri", "/NFTs/"),
        ("X-Original-Method", "GET"),
        ("X-Original-URI", "/NFTs/"),
        ("X-HTTP-Method-Override", "GET"),
    ];
    let ann = front.signed_in(ANN);
    for (name, value) in claims {
        let claiming = |client: Client| client.with(name, value);
        assert_eq!(claiming(ann.clone()).post("/documents/", json!({})).status, 403, "{name}");
        assert_eq!(claiming(front.anonymous()).get("/documents/").status, 401, "{name}");
        assert_eq!(claiming(front.anonymous()).post("/NFTs/", json!({})).status, 401, "{name}");
    }
    let all = |client: Client| claims.iter().fold(client, |client, (name, value)| client.with(name, value));
    assert_eq!(all(ann).post("/documents/", json!({})).status, 403);
    // Ways around the location, as bytes.
    for target in [
        "/documents/?policy=allow_any",
        "//documents/",
        "/./documents/",
        "/NFTs/../documents/",
        "/NFTs/%2e%2e/documents/",
        "/NFTs/..%2fdocuments/",
        "/NFTs/%2e%2e%2fdocuments/",
        "/NFTs/..;/documents/",
        "/NFTs/..%5cdocuments/",
        "/NFTs/%252e%252e/documents/",
        "/NFTs//../documents/",
        "/NFTs/%00/documents/",
        "/_authsrv",
    ] {
        let bytes = format!("GET {target} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", front.address);
        let answer = exchange(front.address, bytes).unwrap();
        assert_ne!(answer.status, 200, "{target}: {answer:?}");
        assert!(answer.json()["target"].is_null(), "it reached the API: {answer:?}");
    }
    let root = front.signed_in(ROOT);
    for target in ["/api/auth/forward/?policy=allow_any", "/api/auth/forward", "/api/auth/%66orward/"] {
        assert_eq!(root.get(target).status, 404, "{target}");
    }
}

/// R-26: what ends access is seen by the next request through the proxy.
fn an_end_is_instant(front: &Front) {
    for _ in 0..3 {
        let ann = front.signed_in(ANN);
        assert_eq!(ann.get("/documents/").status, 200);
        assert_eq!(ann.post("/logout/", json!({})).status, 200);
        refused(&ann.get("/documents/"), 401, "token_not_valid");
    }
    let ann = front.signed_in(ANN);
    assert_eq!(ann.get("/documents/").status, 200);
    front.shell.run(&format!("roles revoke {ANN} viewer")).done();
    refused(&ann.get("/documents/"), 403, "permission_denied");
    front.shell.run(&format!("roles grant {ANN} viewer")).done();
    assert_eq!(ann.get("/documents/").status, 200);
    front.shell.run(&format!("users deactivate {ANN}")).done();
    refused(&ann.get("/documents/"), 401, "user_inactive");
    front.shell.run("resources delete documents --yes").done();
    refused(&front.signed_in(ROOT).get("/documents/"), 403, "unknown_policy");
}

/// R-35: where nobody decides, nobody passes.
fn without_a_decision_nobody_passes(mut front: Front) {
    let root = front.signed_in(ROOT);
    assert_eq!(root.get("/documents/").status, 200);
    front.stop_authsrv();
    for path in ["/documents/", "/NFTs/"] {
        let answer = root.get(path);
        assert!(answer.status >= 500, "{answer:?}");
    }
}

fn guards(kind: Kind) {
    let Some(front) = Front::start(kind, people(), Behind::Trusted) else { return };
    the_policies_hold(&front);
    identity_is_not_for_clients_to_say(&front);
    requests_are_not_for_clients_to_say(&front);
    without_a_decision_nobody_passes(front);
}

#[test]
fn nginx_guards_an_api() {
    guards(Kind::Nginx);
}

#[test]
fn caddy_guards_an_api() {
    guards(Kind::Caddy);
}

#[test]
fn an_end_of_access_is_instant_behind_each_of_them() {
    for kind in [Kind::Nginx, Kind::Caddy] {
        if let Some(front) = Front::start(kind, people(), Behind::Trusted) {
            an_end_is_instant(&front);
        }
    }
}

/// R-42: a proxy that is not trusted lets nobody in.
#[test]
fn a_proxy_must_be_trusted() {
    for kind in [Kind::Nginx, Kind::Caddy] {
        if let Some(front) = Front::start(kind, people(), Behind::Nobody) {
            refused(&front.signed_in(ROOT).get("/NFTs/"), 403, "untrusted_proxy");
        }
    }
}

/// R-16, R-18, R-20: by the public key alone, and not by roles.
#[test]
fn haproxy_verifies_our_tokens_by_the_public_key() {
    let Some(front) = Front::start(Kind::Haproxy, people(), Behind::Nobody) else { return };
    let pair = front.authsrv().anonymous().sign_in(ANN);
    let asked = |token: &str| spoofing(front.anonymous().bearer(token)).get("/documents/");
    let seen = seen(&asked(&pair.access));
    assert_eq!(seen["headers"]["x-auth-user-id"], "2", "{seen}");
    let names = seen["headers"]
        .as_object()
        .unwrap()
        .keys()
        .filter(|name| name.starts_with("x_auth") || name.starts_with("x-auth"));
    assert_eq!(names.count(), 1, "{seen}");
    let (body, signature) = pair.access.rsplit_once('.').unwrap();
    let (header, claims) = body.split_once('.').unwrap();
    let swapped = format!("{header}.{claims}.{}", signature.chars().rev().collect::<String>());
    front.shell.run("settings set rbac.access_lifetime 1").done();
    let short = front.authsrv().anonymous().sign_in(ANN).access;
    let stranger = people();
    stranger.run(&format!("settings set public_url http://{}", front.authsrv().address)).done();
    let foreign = stranger.serve().anonymous().sign_in(ANN).access;
    std::thread::sleep(std::time::Duration::from_secs(2));
    for wrong in [&pair.refresh, &swapped, &short, &foreign, &format!("{header}.{claims}."), &"x".to_owned()] {
        let answer = asked(wrong);
        assert_eq!(answer.status, 401, "{answer:?}");
        assert!(answer.header("www-authenticate").is_some());
    }
    assert_eq!(spoofing(front.anonymous()).get("/documents/").status, 401);
}

/// What people copy is what these tests run.
#[test]
fn the_readme_shows_the_files() {
    let readme = include_str!("../README.md");
    for (fence, text) in [
        ("nginx", include_str!("../packaging/nginx.conf")),
        ("caddyfile", include_str!("../packaging/Caddyfile")),
        ("haproxy", include_str!("../packaging/haproxy.cfg")),
        ("yaml", include_str!("../packaging/traefik.yml")),
    ] {
        assert!(readme.contains(&format!("```{fence}\n{text}```\n")), "the README shows another file for {fence}");
    }
}
