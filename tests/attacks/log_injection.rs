//! Somebody writes lines of his own into the log, hides in it what he did, or stops the server by not reading it (R-45,
//! with line breaks, colours and forged ids in whatever he may send, by breaking off, by a pipe that nobody reads.

use std::io::{BufRead, BufReader, PipeReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use super::wire::{Wire, exchange, request};
use super::{registration, with};
use crate::support::http::Client;
use crate::support::process::Process;
use crate::support::shell::Shell;
use crate::support::{PASSWORD, once};

/// A server with such a log.
fn logging(shell: &Shell, level: &str, format: &str) -> Process {
    let mut command = shell.server();
    command.args(["--log", level, "--log-format", format]);
    Process::of(command)
}

/// What the server wrote, once this request's line of access is there.
fn lines_with(server: &Process, id: &str) -> Vec<Value> {
    let lines = || -> Vec<Value> {
        let log = server.log();
        let whole = log.split_inclusive('\n').filter(|line| line.ends_with('\n'));
        whole.map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
    };
    let is_told = |line: &Value| line["request_id"] == id && line["target"] == "authsrv::access";
    once(|| Some(lines()).filter(|lines| lines.iter().any(is_told))).unwrap_or_else(|| panic!("{}", server.log()))
}

#[test]
fn every_line_about_a_request_has_the_id_of_its_answer() {
    let shell = Shell::new();
    let server = logging(&shell, "trace", "json");
    let made = server.anonymous().post("/register/", registration("ann@example.com"));
    assert_eq!(made.status, 201);
    let body = json!({"email": "ann@example.com", "password": PASSWORD});
    let answer = server.anonymous().post("/login/", body);
    let id = answer.header("x-request-id").unwrap();
    let lines = lines_with(&server, id);
    let mine: Vec<&Value> = lines.iter().filter(|line| line["request_id"] == id).collect();
    let access: Vec<&&Value> = mine.iter().filter(|line| line["target"] == "authsrv::access").collect();
    let [access] = access[..] else { panic!("one line a request: {access:?}") };
    let told = ["method", "route", "status", "client", "dialect", "user_id"].map(|name| access[name].clone());
    let expected = [json!("POST"), json!("/login"), json!(200), json!("127.0.0.1"), json!("rbac"), json!(1)];
    assert_eq!(told, expected);
    assert!(access["micros"].as_u64().unwrap() > 0);
    // Also those of the thread that does the work.
    let asked = |line: &&Value| line["sql"].as_str().is_some_and(|sql| sql.contains("password FROM users"));
    assert!(mine.iter().any(asked), "{mine:?}");
    let lost = lines.iter().filter(|line| asked(line) && line["request_id"].is_null()).count();
    assert_eq!(lost, 0, "{lines:?}");
    // An id of the client's own is not taken.
    let forged = exchange(server.address, request("GET", "/healthz", "X-Request-Id: forged\r\nConnection: close\r\n"));
    assert_ne!(forged.unwrap().header("x-request-id"), Some("forged"));
    assert!(!server.log().contains("forged"));
}

#[test]
fn only_errors_have_their_ids_too() {
    let shell = Shell::new();
    for format in ["text", "json"] {
        let server = logging(&shell, "error", format);
        std::fs::rename(shell.file("authsrv.db"), shell.file("away.db")).unwrap();
        let answer = server.anonymous().get("/readyz/");
        std::fs::rename(shell.file("away.db"), shell.file("authsrv.db")).unwrap();
        assert_eq!(answer.status, 503, "{answer:?}");
        let id = answer.header("x-request-id").unwrap();
        server.log_with(id);
    }
}

/// who sends a password and breaks off before he is answered leaves his line.
#[test]
fn who_breaks_off_leaves_a_line() {
    let shell = Shell::new();
    let server = logging(&shell, "info", "json");
    let body = "{\"email\": \"ann@example.com\", \"password\": \"Falsches-Wort-9973\"}";
    let head = format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len());
    for _ in 0..5 {
        let mut wire = Wire::to(server.address);
        wire.send(request("GET", "/healthz", ""));
        assert!(once(|| wire.is_told().then_some(())).is_some());
        wire.send(request("POST", "/login/", &head)).send(body);
        // With an answer that was not read the connection is reset, and the other answer has nowhere to go.
        drop(wire);
    }
    let told = || {
        let log = server.log();
        log.lines().filter(|line| line.contains("\"route\":\"/login\"")).count()
    };
    assert!(once(|| (told() == 5).then_some(())).is_some(), "{}", server.log());
}

#[test]
fn nobody_writes_lines_of_his_own() {
    let forged = "x\n2026-01-01T00:00:00Z  INFO authsrv::access: request FORGED \u{1b}[31m\u{9b}2J\r\u{202e}";
    for format in ["text", "json"] {
        let shell = Shell::new();
        shell.superuser("root@example.com");
        let mut server = logging(&shell, "trace", format);
        let nobody = server.anonymous();
        let root = server.bearer(&nobody.sign_in("root@example.com").access);
        let mut sent = registration("ann@example.com");
        sent = with(sent, &json!({"first_name": forged, "last_name": forged}));
        nobody.post("/register/", sent);
        nobody.post("/login/", json!({"email": forged, "password": forged}));
        nobody.post("/auth/users/reset_password/", json!({"email": forged}));
        nobody.post("/auth/users/reset_password/", json!({"email": "root@example.com"}));
        root.post("/roles/", json!({"name": forged, "code_name": forged}));
        root.patch("/settings/", json!({"mail.site_name": forged}));
        nobody.get("/FORGED%0a%1b%5b31m/?FORGED=%0aFORGED");
        for head in [
            "FORGED / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
            "GET /FORGED\n2026 HTTP/1.1\r\nHost: FORGED\r\nConnection: close\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nUser-Agent: FORGED \u{202e}\u{9b}31m\r\nConnection: close\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: FORGED\r\nForwarded: for=FORGED\r\nConnection: close\r\n\r\n",
        ] {
            exchange(server.address, head);
        }
        let log = server.stop(Signal::TERM);
        assert!(!log.contains("FORGED"), "R-45: {log}");
        let acts = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!log.chars().any(acts), "R-45: {log:?}");
        for line in log.lines() {
            let is_ours = match format {
                "json" => serde_json::from_str::<Value>(line).is_ok(),
                _ => ["2", "Database", "Listening", "Docs", "Tokens"].iter().any(|start| line.starts_with(start)),
            };
            assert!(is_ours, "R-45: {line}");
        }
    }
}

/// A server whose log goes into a pipe, which is read until it listens and not further.
fn unread(mut command: Command) -> (Child, BufReader<PipeReader>, SocketAddr) {
    let (pipe, writer) = std::io::pipe().unwrap();
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(writer).spawn().unwrap();
    // Or the pipe would have two ends to write to.
    drop(command);
    let mut pipe = BufReader::new(pipe);
    let address = loop {
        let mut line = String::new();
        assert!(pipe.read_line(&mut line).unwrap() > 0, "the server did not start");
        if let Some(address) = line.strip_prefix("Listening  http://") {
            break address.trim().parse().unwrap();
        }
    };
    (child, pipe, address)
}

#[track_caller]
fn ends_well(mut child: Child) {
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    let status = once(|| child.try_wait().unwrap());
    drop(child.kill());
    assert_eq!(status.and_then(|status| status.code()), Some(0));
}

#[test]
fn a_log_that_nobody_reads_stops_nothing() {
    for is_closed in [true, false] {
        let shell = Shell::new();
        let mut command = shell.server();
        command.args(["--log", "trace"]);
        let (child, pipe, address) = unread(command);
        let pipe = if is_closed { None } else { Some(pipe) };
        let client = Client::of(address);
        assert_eq!(client.post("/register/", registration("ann@example.com")).status, 201, "closed: {is_closed}");
        // More than a pipe takes.
        for _ in 0..400 {
            assert_eq!(client.get("/readyz/").status, 200, "closed: {is_closed}");
        }
        client.sign_in("ann@example.com");
        ends_well(child);
        drop(pipe);
    }
}
