//! Sockets: the accept loop, its limits, and how it ends.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use authsrv::http::Patience;

use crate::support::http::{Server, asked_for_body};
use crate::support::{PASSWORD, PATIENCE, TestApp, once};

fn start() -> (TestApp, Server) {
    let app = TestApp::new();
    let server = Server::start(&app);
    (app, server)
}

fn connect(server: &Server) -> TcpStream {
    let stream = TcpStream::connect(server.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}

/// Sends bytes and reads until the server closes.
fn exchange(server: &Server, bytes: &[u8]) -> String {
    let mut stream = connect(server);
    stream.write_all(bytes).unwrap();
    let mut answer = Vec::new();
    drop(stream.read_to_end(&mut answer));
    String::from_utf8_lossy(&answer).into_owned()
}

/// Status line of each answer in a stream.
fn statuses(answer: &str) -> Vec<&str> {
    answer.split("HTTP/1.").skip(1).map(|rest| &rest[2..5]).collect()
}

#[test]
fn framing_is_judged_by_one_parser() {
    let (_app, server) = start();
    let login = "POST /login/ HTTP/1.1\r\nHost: a\r\n";
    for (request, status) in [
        (
            format!("{login}Content-Length: 2\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n"),
            "400",
        ),
        (format!("{login}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{{}}"), "400"),
        (format!("{login}Content-Length: +2\r\n\r\n{{}}"), "400"),
        ("GET / HTTP/1.1\r\nHost: a\r\n folded: b\r\n\r\n".to_owned(), "400"),
        ("GET /healthz HTTP/1.1\nHost: a\r\n\r\n".to_owned(), "400"),
        ("GET /healthz HTTP/1.1\r\nHost: a\n\r\n".to_owned(), "400"),
        ("GET /healthz HTTP/1.1\r\nHost: a\r\n\n".to_owned(), "400"),
        ("GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n".to_owned(), "400"),
        ("GET /healthz HTTP/1.1\r\n\r\n".to_owned(), "400"),
        ("GET /healthz HTTP/1.0\r\n\r\n".to_owned(), "200"),
        ("\r\nGET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".to_owned(), "200"),
        ("OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".to_owned(), "200"),
        ("CONNECT a:80 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".to_owned(), "405"),
        ("TRACE /users/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".to_owned(), "405"),
        ("GET / HTTP/3.0\r\n\r\n".to_owned(), "400"),
        ("\u{1}\u{2}\u{3}\r\n\r\n".to_owned(), "400"),
        (
            format!("{login}Content-Type: application/json\r\nConnection: close\r\nContent-Length: 3\r\n\r\n{{\n}}"),
            "400",
        ),
        (format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "X-A: b\r\n".repeat(120)), "431"),
        (format!("GET / HTTP/1.1\r\nHost: a\r\nX-A: {}\r\n\r\n", "b".repeat(40_000)), "431"),
        (format!("GET / HTTP/1.1\r\nHost: a\r\nX-A: {}\r\n\r\n", "b".repeat(17_000)), "431"),
        ("GET / HTTP/1.1\r\nHost: \r\n\r\n".to_owned(), "400"),
        ("GET / HTTP/1.1\r\nHost: a b/../\r\n\r\n".to_owned(), "400"),
        ("GET / HTTP/1.1\r\nHost: user@a\r\n\r\n".to_owned(), "400"),
        ("GET / HTTP/1.1\r\nHost: a:b\r\n\r\n".to_owned(), "400"),
        ("GET / HTTP/1.1\r\nHost: a:99999\r\n\r\n".to_owned(), "400"),
        ("GET /healthz HTTP/1.1\r\nHost: [::1]:80\r\nConnection: close\r\n\r\n".to_owned(), "200"),
        (format!("{} / HTTP/1.1\r\nHost: a\r\n\r\n", "G".repeat(5_000)), "400"),
    ] {
        let answer = exchange(&server, request.as_bytes());
        assert_eq!(statuses(&answer).first().copied(), Some(status), "{request:.80}: {answer:.200}");
    }
}

#[test]
fn a_large_body_is_refused_and_the_refusal_is_read() {
    let (_app, server) = start();
    let mut request =
        b"POST /login/ HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 10000000\r\n\r\n"
            .to_vec();
    request.resize(request.len() + 10_000_000, b'[');
    let answer = exchange(&server, &request);
    assert_eq!(statuses(&answer), ["413"], "{answer:.300}");
    let waits = b"POST /login/ HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Type: application/json\r\nContent-Length: 10000000\r\n\r\n";
    let answer = exchange(&server, waits);
    assert_eq!(statuses(&answer), ["413"], "{answer:.300}");
}

/// A server that waits a second for a head, and ten for the next request.
fn impatient() -> (TestApp, Server) {
    let app = TestApp::new();
    let (head, idle) = (Duration::from_secs(1), Duration::from_secs(10));
    let server = Server::patient(&app, Patience { head, idle, ..Patience::default() });
    (app, server)
}

#[test]
fn a_head_that_does_not_come_ends_the_connection() {
    let (_app, server) = impatient();
    let begun = Instant::now();
    let mut third = connect(&server);
    third.write_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    let mut buffer = [0; 4096];
    assert!(third.read(&mut buffer).unwrap() > 0);
    third.write_all(b"GET /he").unwrap();
    let mut second = connect(&server);
    second.write_all(b"GET / HT").unwrap();
    let answers = [connect(&server), second, third];
    for mut stream in answers {
        let mut answer = Vec::new();
        drop(stream.read_to_end(&mut answer));
    }
    let taken = begun.elapsed();
    assert!((Duration::from_millis(900)..Duration::from_secs(8)).contains(&taken), "{taken:?}");
}

#[test]
fn an_idle_connection_outlives_the_time_for_a_head() {
    let (_app, server) = impatient();
    let mut stream = connect(&server);
    let mut buffer = [0; 4096];
    for _ in 0..2 {
        stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
        let read = stream.read(&mut buffer).unwrap();
        assert!(String::from_utf8_lossy(&buffer[..read]).starts_with("HTTP/1.1 200"));
        std::thread::sleep(Duration::from_millis(1500));
    }
}

#[test]
fn what_was_accepted_is_answered_at_the_end() {
    let app = TestApp::new();
    let server = Server::patient(&app, Patience { drain: PATIENCE, ..Patience::default() });
    app.user("ann@example.com", &[]);
    let body = format!("{{\"email\": \"ann@example.com\", \"password\": \"{PASSWORD}\"}}");
    let (first, rest) = body.split_at(10);
    let (address, idle) = (server.address, connect(&server));
    let mut slow = asked_for_body(address, "/login/", body.len());
    slow.write_all(first.as_bytes()).unwrap();
    let stopping = std::thread::spawn(move || drop(server));
    once(|| TcpStream::connect(address).is_err().then_some(())).expect("it accepts no more");
    slow.write_all(rest.as_bytes()).unwrap();
    let mut answer = String::new();
    drop(slow.read_to_string(&mut answer));
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let begun = Instant::now();
    stopping.join().unwrap();
    assert!(begun.elapsed() < PATIENCE / 2, "waited for an idle connection");
    drop(idle);
}

#[test]
fn a_body_that_nobody_reads_spoils_nothing() {
    let (_app, server) = start();
    let answer = exchange(
        &server,
        b"DELETE /nowhere HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\n{\n\n\n\n}\
          GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    );
    assert_eq!(statuses(&answer), ["404", "200"], "{answer}");
}
