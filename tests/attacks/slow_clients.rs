//! Clients that take their time: they must not keep others out, and are sent away.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use authsrv::http::Patience;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::json;
use tokio::net::TcpSocket;

use super::Site;
use super::wire::{Wire, exchange, request};
use crate::support::shell::Shell;
use crate::support::{PASSWORD, once};

/// A server that waits for a head or a body for longer than other clients wait for an answer. Who had to wait for the
/// slow ones to be sent away would fail.
fn patient() -> Site {
    let time = Duration::from_secs(120);
    Site::patient(Patience { head: time, body: time, ..Patience::default() })
}

/// Connections in each of which this has been sent.
fn held(site: &Site, count: usize, sent: &str) -> Vec<Wire> {
    let mut held: Vec<Wire> = (0..count).map(|_| Wire::to(site.server.address)).collect();
    for wire in &mut held {
        wire.send(sent);
    }
    held
}

#[test]
fn heads_that_are_not_complete_keep_nobody_out() {
    let site = patient();
    let held = held(&site, 100, "GET /healthz HTTP/1.1\r\nHost: a\r\n");
    site.lives();
    for mut wire in held {
        assert_eq!(wire.send("\r\n").answer().unwrap().status, 200, "and each is answered once it is complete");
    }
}

#[test]
fn passwords_that_are_not_complete_keep_nobody_out() {
    let site = patient();
    let ann = site.somebody("ann@example.com", &[]);
    let head = request("POST", "/login/", "Content-Type: application/json\r\nContent-Length: 2\r\n");
    let held = held(&site, 60, &head);
    for _ in 0..10 {
        assert_eq!(ann.get("/me/").status, 200);
    }
    site.signed_in("ann@example.com");
    for mut wire in held {
        assert_eq!(wire.send("{}").answer().unwrap().status, 400, "and each is answered once it is complete");
    }
}

#[test]
fn a_head_or_a_body_that_drips_is_cut_off() {
    let time = Duration::from_secs(1);
    let site = Site::patient(Patience { head: time, body: time, ..Patience::default() });
    let address = site.server.address;
    let mut silent = Wire::to(address);
    let mut idle = Wire::to(address);
    assert_eq!(idle.send(request("GET", "/healthz", "")).answer().unwrap().status, 200);
    idle.send("GET");
    let mut head = Wire::to(address);
    let mut body = Wire::to(address);
    head.send("GET /healthz HTTP/1.1\r\nHost: a\r\nX: ");
    body.send(request("POST", "/login/", "Content-Type: application/json\r\nContent-Length: 10000\r\n"));
    let dripped = once(|| {
        head.send("y");
        body.send(" ");
        (head.is_told() && body.is_told()).then_some(())
    });
    dripped.expect("the time is that of the whole, not of a byte");
    assert!(silent.is_over() && head.is_over() && idle.is_over(), "R-51");
    let late = body.answer().unwrap();
    assert_eq!(late.status, 408, "R-51: {late:?}");
    assert_eq!(exchange(address, request("GET", "/healthz", "")).unwrap().status, 200);
}

/// Announces a long body and sends nothing of it, or its beginning.
#[test]
fn a_body_that_is_announced_too_long_is_not_waited_for() {
    let site = Site::patient(Patience { body: Duration::from_secs(3600), ..Patience::default() });
    for sent in ["", "{\"email\":"] {
        let head = "Content-Type: application/json\r\nContent-Length: 1000000\r\n";
        let answer = exchange(site.server.address, request("POST", "/login/", head) + sent).unwrap();
        assert_eq!(answer.status, 413, "R-51: {answer:?}");
    }
}

/// Asks for large answers and takes none of them, or a byte now and then.
#[test]
fn who_does_not_read_is_cut_off() {
    let time = Duration::from_secs(1);
    let site = Site::patient(Patience { write: time, drain: time, ..Patience::default() });
    let asked = request("GET", "/api/docs/swagger-ui.js", "").repeat(40);
    let mut dripping = TcpStream::connect(site.server.address).unwrap();
    dripping.set_read_timeout(Some(Duration::from_secs(8))).unwrap();
    dripping.write_all(asked.as_bytes()).unwrap();
    let mut deaf = dripping.try_clone().unwrap();
    let cut = once(|| {
        let mut byte = [0];
        // The end of what was sent before it was cut off is long in coming at this pace; a write tells sooner.
        drop(deaf.read(&mut byte));
        deaf.write_all(b"x").is_err().then_some(())
    });
    cut.expect("R-51: a byte now and then is no progress");
    site.lives();
}

/// How the clients of a crowd waste time.
#[derive(Clone, Copy)]
enum Way {
    /// Asks for much and takes nothing.
    Deaf,
    /// Was answered and asks for nothing more.
    Idle,
    /// Has announced a password that does not come.
    Body,
    /// Does not come to the end of its headers.
    Head,
}

/// 2,000 connections from ten addresses, fewer from each than one may have.
#[test]
fn a_crowd_of_all_kinds_keeps_no_login_waiting() {
    const CROWD: usize = 2_000;
    if !may_open(CROWD as u64 + 500) {
        eprintln!("left out: this process may not open {CROWD} connections (ulimit -Hn)");
        return;
    }
    let shell = Shell::new();
    shell.superuser("root@example.com");
    let server = shell.serve();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut crowd = Vec::new();
    for number in 0..CROWD {
        // Heads last, since their time ends first.
        let way = [Way::Deaf, Way::Idle, Way::Body, Way::Head][number * 4 / CROWD];
        let stream = runtime.block_on(joins(server.address, u8::try_from(number % 10).unwrap() + 2));
        crowd.push(wastes(stream.into_std().unwrap(), way));
    }
    for path in ["/login/", "/api/auth/login/"] {
        let login = server.anonymous().post(path, json!({"email": "root@example.com", "password": PASSWORD}));
        assert_eq!(login.status, 200, "R-51: {path}");
    }
    let there = crowd[CROWD * 3 / 4..].iter().filter(|one| is_open(one)).count();
    assert!(there > CROWD / 8, "they were still there: {there}");
}

/// Whether this process can be let open so many files.
fn may_open(files: u64) -> bool {
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= files) {
        return true;
    }
    let raised = Rlimit { current: limit.maximum.map_or(Some(files), |most| Some(most.min(files))), ..limit };
    limit.maximum.is_none_or(|most| most >= files) && setrlimit(Resource::Nofile, raised).is_ok()
}

/// A connection from 127.0.0.`host`.
async fn joins(server: SocketAddr, host: u8) -> tokio::net::TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    socket.bind(SocketAddr::from(([127, 0, 0, host], 0))).unwrap();
    socket.connect(server).await.unwrap()
}

/// Begins to waste time.
fn wastes(mut stream: TcpStream, way: Way) -> TcpStream {
    stream.set_nonblocking(false).unwrap();
    let sent = match way {
        Way::Deaf => request("GET", "/api/docs/swagger-ui.js", ""),
        Way::Idle => request("GET", "/healthz", ""),
        Way::Body => request("POST", "/login/", "Content-Type: application/json\r\nContent-Length: 9000\r\n"),
        Way::Head => "POST /login/ HTTP/1.1\r\nHost: a\r\nX-Slow: ".to_owned(),
    };
    stream.write_all(sent.as_bytes()).unwrap();
    if matches!(way, Way::Idle) {
        assert!(stream.read(&mut [0; 4096]).unwrap() > 0);
    }
    stream
}

fn is_open(stream: &TcpStream) -> bool {
    stream.set_nonblocking(true).unwrap();
    stream.peek(&mut [0]).is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
}
