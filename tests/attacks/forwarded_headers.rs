//! A client says where it comes from.
//!
//! Everything that counts by address (limits, sessions, the audit trail) is worth what the address is worth. The attacker
//! writes `X-Forwarded-For` himself: directly, or to a proxy in front that adds the real address behind what he wrote. He
//! writes it twice, in other spellings, with things that are no addresses, with names that would have to be looked up, with
//! more hops than anybody could read, as `Forwarded`, and with what his proxy does not touch.

use std::net::TcpStream;

use authsrv::service::doctor::{self, Facts, Level};
use serde_json::json;

use super::Site;
use super::wire::{exchange, request};
use crate::support::http::{Client, Server};
use crate::support::shell::{Shell, run};
use crate::support::{PASSWORD, TestApp, once};

const EMAIL: &str = "ann@example.com";
const LOOPBACK: &str = "127.0.0.1";

fn behind(proxies: &str) -> Site {
    let app = TestApp::new().behind(proxies);
    app.user(EMAIL, &[]);
    Site::of(app)
}

/// The address that a sign-in with these headers is taken to come from.
fn seen(server: &Server, headers: &[(&str, &str)]) -> String {
    let client = headers.iter().fold(server.anonymous(), |client, (name, value)| client.with(name, value));
    seen_by(server, &client)
}

fn seen_by(server: &Server, client: &Client) -> String {
    let answer = client.post("/login/", json!({"email": EMAIL, "password": PASSWORD}));
    assert_eq!(answer.status, 200, "{answer:?}");
    let sessions = server.bearer(&answer.text("access")).get("/me/get_sessions/").json();
    let own = sessions.as_array().unwrap().iter().find(|session| session["current"] == true).unwrap();
    own["ip_address"].as_str().unwrap().to_owned()
}

#[test]
fn nobody_is_believed_by_default() {
    let site = behind("");
    for name in ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Client-IP", "True-Client-IP", "CF-Connecting-IP", "Via"]
    {
        for value in ["203.0.113.9", "for=203.0.113.9", "203.0.113.9, 127.0.0.1"] {
            assert_eq!(seen(&site.server, &[(name, value)]), LOOPBACK, "{name}: {value}");
        }
    }
    let site = behind("10.0.0.0/8, ::1, 127.0.0.2");
    assert_eq!(seen(&site.server, &[("X-Forwarded-For", "203.0.113.9, 10.0.0.1")]), LOOPBACK, "another proxy");
}

#[test]
fn the_right_most_hop_that_is_not_trusted_counts() {
    let site = behind("127.0.0.1, 10.0.0.0/8, 2001:db8::/32");
    for (told, counts) in [
        ("203.0.113.9", "203.0.113.9"),
        ("198.51.100.1, 203.0.113.9", "203.0.113.9"),
        ("127.0.0.1, 10.0.0.1, 203.0.113.9", "203.0.113.9"),
        ("198.51.100.1, 203.0.113.9, 10.1.1.1, 10.2.2.2", "203.0.113.9"),
        ("198.51.100.1, 203.0.113.9:4711, [2001:db8::7]:443", "203.0.113.9"),
        ("203.0.113.9,10.0.0.1,::ffff:10.0.0.2", "203.0.113.9"),
        ("2001:DB9::0:1", "2001:db9::1"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("10.7.7.7", "10.7.7.7"),
        ("10.7.7.7, 10.8.8.8", "10.7.7.7"),
        ("", LOOPBACK),
        (" , ,", LOOPBACK),
    ] {
        assert_eq!(seen(&site.server, &[("X-Forwarded-For", told)]), counts, "{told:?}");
    }
    assert_eq!(seen(&site.server, &[]), LOOPBACK);
    for name in ["X-Real-IP", "Client-IP", "True-Client-IP", "X-Client-IP", "X-Forwarded", "Forwarded-For"] {
        assert_eq!(seen(&site.server, &[(name, "203.0.113.9")]), LOOPBACK, "{name}");
    }
}

#[test]
fn what_is_no_address_ends_the_search() {
    let site = behind("127.0.0.1, 10.0.0.0/8");
    for wrong in [
        "unknown",
        "_hidden",
        "localhost",
        "example.com",
        "203.0.113.999",
        "203.0.113",
        "0x7f.1",
        "2130706433",
        "::g",
        "[::1",
        "203.0.113.9:port",
        "203.0.113.9%00",
        "203.0.113.9;",
        "\"203.0.113.9\"",
        "'203.0.113.9'",
        "203.0.113.9/32",
        "1 2",
        "<script>",
        "-",
        "é",
        "203.0.113.9\t198.51.100.1",
        "fe80::1%lo",
    ] {
        let told = |hops: String| seen(&site.server, &[("X-Forwarded-For", &hops)]);
        assert_eq!(told(wrong.to_owned()), LOOPBACK, "{wrong}");
        assert_eq!(told(format!("198.51.100.1, {wrong}")), LOOPBACK, "what stands left of it anybody wrote: {wrong}");
        assert_eq!(told(format!("198.51.100.1, {wrong}, 10.0.0.5")), "10.0.0.5", "{wrong}");
        assert_eq!(told(format!("{wrong}, 203.0.113.9")), "203.0.113.9", "{wrong}");
    }
}

#[test]
fn several_headers_are_one_list() {
    let site = behind("127.0.0.1, 10.0.0.0/8");
    let twice =
        |first: &str, second: &str| seen(&site.server, &[("X-Forwarded-For", first), ("x-forwarded-for", second)]);
    assert_eq!(twice("198.51.100.1", "203.0.113.9"), "203.0.113.9");
    assert_eq!(twice("198.51.100.1, 203.0.113.9", "10.0.0.1"), "203.0.113.9");
    assert_eq!(twice("198.51.100.1", "nonsense"), LOOPBACK);
    assert_eq!(twice("203.0.113.9", ""), "203.0.113.9");
}

/// `X-Forwarded-For` wins: a proxy that writes it passes `Forwarded` on as it came.
#[test]
fn forwarded_counts_only_where_nothing_else_does() {
    let site = behind("127.0.0.1, 10.0.0.0/8");
    let forwarded = |value: &str| seen(&site.server, &[("Forwarded", value)]);
    assert_eq!(forwarded("for=198.51.100.1, for=\"[2001:db8::9]:80\";proto=https, for=10.0.0.1"), "2001:db8::9");
    assert_eq!(forwarded("for=198.51.100.1, for=unknown"), LOOPBACK);
    assert_eq!(forwarded("for=\"198.51.100.1"), LOOPBACK);
    let both = [("Forwarded", "for=198.51.100.1"), ("X-Forwarded-For", "203.0.113.9")];
    assert_eq!(seen(&site.server, &both), "203.0.113.9");
}

#[test]
fn many_hops_are_not_read_to_the_end() {
    let site = behind("127.0.0.1, 10.0.0.0/8");
    let endless = format!("198.51.100.1{}", ",10.0.0.1".repeat(1500));
    assert_eq!(seen(&site.server, &[("X-Forwarded-For", &endless)]), "10.0.0.1", "no address that somebody chose");
    let bytes = request("GET", "/healthz", &"X-Forwarded-For: 10.0.0.1\r\n".repeat(90));
    assert_eq!(exchange(site.server.address, bytes).unwrap().status, 200);
    let bytes = [b"GET /healthz HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: \xff\xfe, \x80\r\n\r\n".as_slice()].concat();
    assert_eq!(exchange(site.server.address, bytes).unwrap().status, 200);
    site.lives();
}

/// S3-21: rates count clients behind a proxy one by one, and nobody gets more by what he writes.
#[test]
fn rates_count_the_address_that_counts() {
    for (proxies, spoofed_helps) in [("", false), (LOOPBACK, true)] {
        let site = behind(proxies);
        let rate = [("throttle.rates".to_owned(), Some(json!("anon=2/minute")))];
        site.app.operate(|ctx| authsrv::service::settings::change(ctx, &rate)).unwrap();
        let asked = |hops: String| site.server.anonymous().with("X-Forwarded-For", &hops).post("/login/", json!({}));
        for at in 0..2 {
            assert_eq!(asked(format!("192.0.2.{at}, 203.0.113.9")).status, 400);
        }
        assert_eq!(asked("192.0.2.77, 203.0.113.9".to_owned()).status, 429, "whatever he wrote before it");
        let other = asked("203.0.113.10".to_owned()).status;
        assert_eq!(other, if spoofed_helps { 400 } else { 429 });
    }
}

/// E.3, last paragraph: a proxy that was forgotten is told of, in the log and by `doctor`.
#[test]
fn a_peer_that_is_not_trusted_is_told_of_once() {
    let shell = Shell::new();
    shell.superuser("root@example.com");
    let server = shell.serve();
    for at in 0..50 {
        let client = server.anonymous().with("X-Forwarded-For", &format!("203.0.113.{at}"));
        assert_eq!(client.get("/healthz").status, 200);
    }
    let log = server.log_with("--trusted-proxies");
    assert_eq!(log.matches("--trusted-proxies").count(), 1, "once a minute: {log}");
    assert!(log.contains("client=127.0.0.1") && !log.contains("203.0.113."), "{log}");
    let finding = || {
        let findings = shell.json_of_doctor();
        findings.as_array().unwrap().iter().find(|one| one["subject"] == "trusted_proxies").unwrap().clone()
    };
    let told = once(|| Some(finding()).filter(|finding| finding["level"] == "warning")).unwrap_or_else(finding);
    assert!(told["text"].as_str().unwrap().contains("127.0.0.1, which is not trusted"), "{told}");
    assert!(told["advice"].as_str().unwrap().ends_with("authsrv serve --trusted-proxies 127.0.0.1"), "{told}");
    std::fs::write(shell.file(".env"), "AUTHSRV_TRUSTED_PROXIES=127.0.0.0/8\n").unwrap();
    assert_eq!(finding()["level"], "ok", "it is trusted now");
}

/// Somebody far away who writes the header is worth knowing of, and no fault of the installation.
#[test]
fn a_stranger_cannot_make_doctor_complain() {
    let app = TestApp::new();
    app.superuser("root@example.com");
    let facts = Facts {
        database: app.folder.path().join("authsrv.db"),
        files: Vec::new(),
        master_key: app.folder.path().join("authsrv.key"),
        ..Default::default()
    };
    for (peer, level) in [("198.51.100.1", Level::Note), ("10.0.0.1", Level::Warning)] {
        doctor::note_forwarder(&app.env, peer.parse().unwrap());
        let findings = app.operate(|ctx| doctor::examine(ctx, &facts)).unwrap();
        let found =
            findings.into_iter().find(|one| one.subject == "trusted_proxies" && one.text.contains(peer)).unwrap();
        assert_eq!(found.level, level, "{peer}");
    }
    app.clock.advance(std::time::Duration::from_secs(25 * 3600));
    let findings = app.operate(|ctx| doctor::examine(ctx, &facts)).unwrap();
    let found = findings.iter().find(|one| one.subject == "trusted_proxies").unwrap();
    assert_eq!(found.level, Level::Ok, "that was long ago");
}

/// Trusting everybody is allowed, and risky.
#[test]
fn a_list_that_is_none_stops_the_start() {
    let shell = Shell::new();
    for wrong in ["localhost", "10.0.0.0/33", "127.0.0.1:80", "127.0.0.1,,::1", "*", "10.0.0.1 10.0.0.2"] {
        let words = ["serve", "--listen", "127.0.0.1:0", "--trusted-proxies", wrong];
        let ran = run(shell.folder(), &words, "").exits(2).says("(--trusted-proxies)").says("10.0.0.0/8");
        assert!(ran.out.is_empty(), "{ran:?}");
    }
    std::fs::write(shell.file("authsrv.toml"), "trusted_proxies = [\"127.0.0.1\", \"nowhere\"]\n").unwrap();
    shell.run("serve --listen 127.0.0.1:0").exits(2).says("nowhere").says("authsrv.toml, line 1");
    std::fs::write(shell.file("authsrv.toml"), "trusted_proxies = [\"0.0.0.0/0\", \"::1\"]\n").unwrap();
    let findings = shell.json_of_doctor();
    let told = findings.as_array().unwrap().iter().find(|one| one["subject"] == "trusted_proxies").unwrap();
    assert_eq!(told["level"], "warning", "{told}");
}

/// E.4: a proxy carries everybody, so it has more connections than other addresses.
#[test]
fn a_trusted_proxy_may_have_more_connections_than_others() {
    const PER_ADDRESS: usize = 256;
    let site = behind(LOOPBACK);
    let waiting: Vec<TcpStream> =
        (0..PER_ADDRESS + 20).map(|_| TcpStream::connect(site.server.address).unwrap()).collect();
    site.lives();
    for stream in &waiting {
        stream.set_nonblocking(true).unwrap();
        let closed = stream.peek(&mut [0]).is_ok();
        assert!(!closed, "none made room for another");
    }
}
