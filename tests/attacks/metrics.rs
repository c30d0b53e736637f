//! Numbers for Prometheus: somebody looks for them at the public door, makes their labels grow without end, writes
//! what he likes or a secret into them, keeps the door busy, or watches others by them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use rustix::process::Signal;
use serde_json::json;

use super::registration;
use super::wire::{Wire, exchange, request};
use crate::support::http::Client;
use crate::support::process::Process;
use crate::support::shell::Shell;
use crate::support::{PASSWORD, once};

/// A server with a door for metrics, and its address.
fn measured(shell: &Shell) -> (Process, SocketAddr) {
    let mut command = shell.server();
    command.args(["--metrics-listen", "127.0.0.1:0"]);
    let server = Process::of(command);
    let said = server.log_with("/metrics");
    let url = said.split_whitespace().find(|word| word.ends_with("/metrics")).unwrap();
    let address = url.strip_prefix("http://").unwrap().strip_suffix("/metrics").unwrap().parse().unwrap();
    (server, address)
}

/// What is told now, by name with labels.
fn scraped(address: SocketAddr) -> BTreeMap<String, f64> {
    let answer = Client::of(address).get("/metrics");
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("text/plain; version=0.0.4"));
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    let text = String::from_utf8(answer.body).unwrap();
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    samples
        .map(|line| {
            let (name, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("{line}"));
            (name.to_owned(), value.parse().unwrap_or_else(|_| panic!("{line}")))
        })
        .collect()
}

/// A sample, once it has this value: the answer may be there before it is counted.
#[track_caller]
fn counts(address: SocketAddr, name: &str, value: f64) {
    let found = once(|| (scraped(address).get(name) == Some(&value)).then_some(()));
    assert!(found.is_some(), "{name} is not {value} in {:#?}", scraped(address));
}

#[test]
fn there_are_none_unless_asked_for_and_never_at_the_public_door() {
    let shell = Shell::new();
    let server = shell.serve();
    assert_eq!(server.anonymous().get("/metrics").status, 404);
    assert!(!server.log().contains("etrics"), "{}", server.log());
    drop(server);
    let (server, address) = measured(&shell);
    for path in ["/metrics", "/metrics/", "/api/auth/metrics/"] {
        assert_eq!(server.anonymous().get(path).status, 404, "{path}");
    }
    let door = Client::of(address);
    for path in ["/", "/login/", "/users/", "/healthz", "/metrics/x"] {
        assert_eq!(door.get(path).status, 404, "{path}");
    }
    assert_eq!(door.send("POST", "/metrics", None).status, 405);
    assert_eq!(door.send("HEAD", "/metrics", None).status, 200);
}

#[test]
fn what_happens_is_counted() {
    let shell = Shell::new();
    let (server, address) = measured(&shell);
    let nobody = server.anonymous();
    assert_eq!(nobody.post("/register/", registration("ann@example.com")).status, 201);
    let sign_in = |path: &str, name: &str, word: &str| {
        let body = json!({name: "ann@example.com", "password": word});
        nobody.post(path, body).status
    };
    for (path, name) in [
        ("/login/", "email"),
        ("/api/token/", "username"),
        ("/api/login/", "email"),
        ("/auth/token/login/", "username"),
    ] {
        assert!((400..402).contains(&sign_in(path, name, "Falsches-Wort-9973")), "{path}");
        assert_eq!(sign_in(path, name, PASSWORD), 200, "{path}");
    }
    assert_eq!(nobody.post("/login/", json!({"email": 7})).status, 400);
    let ann = server.bearer(&nobody.sign_in("ann@example.com").access);
    assert_eq!((ann.get("/users/").status, ann.get("/users/99/").status), (403, 403));
    assert_eq!(nobody.get("/me/").status, 401);
    for (name, value) in [
        ("authsrv_logins_total{result=\"success\"}", 5.0),
        ("authsrv_logins_total{result=\"failure\"}", 4.0),
        ("authsrv_logins_total{result=\"invalid\"}", 1.0),
        ("authsrv_http_requests_total{method=\"GET\",route=\"/users/{id}\",status=\"403\"}", 1.0),
        ("authsrv_http_requests_total{method=\"POST\",route=\"/login\",status=\"200\"}", 2.0),
        ("authsrv_http_request_duration_seconds_count{method=\"POST\",route=\"/login\"}", 4.0),
        ("authsrv_refused_total{reason=\"forbidden\"}", 2.0),
        ("authsrv_sessions_active", 5.0),
        ("authsrv_database_up", 1.0),
        ("authsrv_hash_running", 0.0),
        ("authsrv_hash_queue_depth", 0.0),
        ("authsrv_build_info{version=\"0.1.0\"}", 1.0),
    ] {
        counts(address, name, value);
    }
    // What the command line did is seen as well.
    shell.run("sessions revoke --user ann@example.com").done();
    let told = scraped(address);
    assert_eq!(told["authsrv_sessions_active"], 0.0);
    assert!(told["authsrv_database_size_bytes"] > 4096.0 && told["process_resident_memory_bytes"] > 1e6);
    assert!(told["process_open_fds"] > 5.0 && told["process_start_time_seconds"] > 1.7e9);
}

#[test]
fn labels_do_not_grow_with_what_is_sent() {
    let shell = Shell::new();
    let (server, address) = measured(&shell);
    let send = |method: &str, target: &str, headers: &str| {
        exchange(server.address, request(method, target, &format!("Connection: close\r\n{headers}")));
    };
    let names = |told: &BTreeMap<String, f64>| told.keys().cloned().collect::<BTreeSet<String>>();
    let round = |at: u32| {
        let secret = format!("Geheim{at}");
        send(&secret, "/login/", "");
        send("GET", &format!("/{secret}/"), "");
        send("GET", &format!("/users/{at}/"), "");
        send("GET", &format!("/users/{secret}/"), "");
        send("GET", &format!("/healthz?x={secret}"), "");
        send("GET", &format!("/healthz\"}}%0aevil{{{at}"), "");
        send("OPTIONS", "/me/", &format!("Origin: https://{secret}.example\r\nUser-Agent: {secret}\r\n"));
        send("GET", "/me/", &format!("Authorization: Bearer {secret}\r\nX-Request-Id: {secret}\r\n"));
    };
    round(0);
    // The line of the last request may come after its answer.
    counts(address, "authsrv_http_requests_total{method=\"GET\",route=\"/me\",status=\"401\"}", 1.0);
    let before = names(&scraped(address));
    (1..30).for_each(round);
    counts(address, "authsrv_http_requests_total{method=\"GET\",route=\"/me\",status=\"401\"}", 30.0);
    let after = names(&scraped(address));
    assert_eq!(before, after, "R-53: a client makes series");
    let all = after.into_iter().collect::<String>();
    assert!(!all.contains("Geheim") && !all.contains("evil"), "{all}");
    assert!(all.contains("method=\"other\"") && all.contains("route=\"none\""), "{all}");
}

#[test]
fn slow_clients_at_its_door_keep_nobody_out_and_it_closes_with_the_server() {
    let shell = Shell::new();
    let (mut server, address) = measured(&shell);
    let mut held: Vec<Wire> = (0..60).map(|_| Wire::to(address)).collect();
    for wire in &mut held {
        wire.send("GET /metrics HTTP/1.1\r\nHost: a\r\n");
    }
    scraped(address);
    drop(held);
    server.stop(Signal::TERM);
    assert!(std::net::TcpStream::connect(address).is_err());
}

#[test]
fn an_address_that_is_taken_stops_the_start() {
    let shell = Shell::empty();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let ran = shell.run(&format!("serve --listen 127.0.0.1:0 --metrics-listen {address}")).exits(1);
    ran.says(&address.to_string()).says("--metrics-listen");
    assert_eq!(shell.folder().read_dir().unwrap().count(), 0, "and nothing was made");
    shell.run("serve --listen 127.0.0.1:0 --metrics-listen everywhere").exits(2).says("--metrics-listen");
}

/// What the README tells of them is what there is.
#[test]
fn the_readme_names_them_all() {
    let readme = include_str!("../../README.md");
    let section = readme.split("## Logs and metrics").nth(1).unwrap().split("\n## ").next().unwrap();
    let named: BTreeSet<&str> =
        section.split('`').filter(|word| word.starts_with("authsrv_") || word.starts_with("process_")).collect();
    let shell = Shell::new();
    let (server, address) = measured(&shell);
    server.anonymous().get("/me/");
    counts(address, "authsrv_refused_total{reason=\"unauthenticated\"}", 1.0);
    let answer = String::from_utf8(Client::of(address).get("/metrics").body).unwrap();
    let there: BTreeSet<&str> =
        answer.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    assert_eq!(named, there);
}
