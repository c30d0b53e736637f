//! Requests of which two programs would think differently where they end, or whom they are for; protocols that are not
//! ours (R-52). Each must be refused and end its connection, and what hides behind it must never be served.

use std::time::Duration;

use super::wire::{Wire, exchange, request};
use super::{Site, refused, survived};
use crate::support::PASSWORD;

/// What an attacker would like to have served behind his back.
const HIDDEN: &str = "GET /.well-known/jwks.json HTTP/1.1\r\nHost: localhost\r\n\r\n";

#[test]
fn what_can_be_read_in_two_ways_is_refused() {
    let site = Site::new();
    let post = "POST /login/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
    let get = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n";
    for (about, bytes) in [
        (
            "length and chunks",
            format!("{post}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{HIDDEN}"),
        ),
        (
            "chunks and length",
            format!("{post}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n{HIDDEN}"),
        ),
        ("two lengths", format!("{post}Content-Length: 0\r\nContent-Length: 50\r\n\r\n{HIDDEN}")),
        ("two equal lengths", format!("{post}Content-Length: 0\r\nContent-Length: 0\r\n\r\n{HIDDEN}")),
        ("a list of lengths", format!("{post}Content-Length: 0, 0\r\n\r\n{HIDDEN}")),
        ("+0", format!("{post}Content-Length: +0\r\n\r\n{HIDDEN}")),
        ("-1", format!("{post}Content-Length: -1\r\n\r\n{HIDDEN}")),
        ("0x0", format!("{post}Content-Length: 0x0\r\n\r\n{HIDDEN}")),
        ("no length", format!("{post}Content-Length: \r\n\r\n{HIDDEN}")),
        ("a length of 2^64", format!("{post}Content-Length: 18446744073709551616\r\n\r\n{HIDDEN}")),
        ("a length with a blank", format!("{post}Content-Length: 1 0\r\n\r\n{HIDDEN}")),
        ("a name with a blank", format!("{post}Content-Length : 0\r\n\r\n{HIDDEN}")),
        (
            "two encodings",
            format!("{post}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{HIDDEN}"),
        ),
        ("chunked twice", format!("{post}Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n{HIDDEN}")),
        ("chunked not last", format!("{post}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n{HIDDEN}")),
        ("identity", format!("{post}Transfer-Encoding: identity\r\n\r\n{HIDDEN}")),
        ("xchunked", format!("{post}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n{HIDDEN}")),
        ("\"chunked\"", format!("{post}Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n{HIDDEN}")),
        ("\\x0bchunked", format!("{post}Transfer-Encoding: \u{b}chunked\r\n\r\n0\r\n\r\n{HIDDEN}")),
        ("chunks in HTTP/1.0", format!("POST /login/ HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{HIDDEN}")),
        ("bare line feeds", format!("GET /healthz HTTP/1.1\nHost: localhost\n\n{HIDDEN}")),
        ("one bare line feed", format!("GET /healthz HTTP/1.1\r\nHost: localhost\nX: y\r\n\r\n{HIDDEN}")),
        ("a bare line feed at the end", format!("{get}\n{HIDDEN}")),
        ("a bare carriage return", format!("{get}X: a\rTransfer-Encoding: chunked\r\n\r\n{HIDDEN}")),
        ("a folded line", format!("{get}X: a\r\n b\r\n\r\n{HIDDEN}")),
        ("a folded line by a tab", format!("{get}X: a\r\n\tb\r\n\r\n{HIDDEN}")),
        ("a fold at once", format!("GET /healthz HTTP/1.1\r\n Host: localhost\r\n\r\n{HIDDEN}")),
        ("two hosts", format!("{get}Host: localhost\r\n\r\n{HIDDEN}")),
        ("two other hosts", format!("{get}hOsT: evil.example\r\n\r\n{HIDDEN}")),
        ("no host", format!("GET /healthz HTTP/1.1\r\n\r\n{HIDDEN}")),
        ("no colon", format!("{get}X\r\n\r\n{HIDDEN}")),
        ("no name", format!("{get}: y\r\n\r\n{HIDDEN}")),
        ("NUL in a name", format!("{get}X\0: y\r\n\r\n{HIDDEN}")),
        ("NUL in a value", format!("{get}X: \0\r\n\r\n{HIDDEN}")),
        ("NUL in the target", format!("GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n{HIDDEN}")),
        ("a name that is no text", format!("{get}é: y\r\n\r\n{HIDDEN}")),
        ("a target that is no text", format!("GET /é HTTP/1.1\r\nHost: a\r\n\r\n{HIDDEN}")),
        ("two blanks", format!("GET  /healthz HTTP/1.1\r\nHost: a\r\n\r\n{HIDDEN}")),
        ("a blank in the target", format!("GET /health z HTTP/1.1\r\nHost: a\r\n\r\n{HIDDEN}")),
        ("no version", format!("GET /healthz\r\n\r\n{HIDDEN}")),
        ("no target", format!("GET HTTP/1.1\r\nHost: a\r\n\r\n{HIDDEN}")),
        ("HTTP/1.2", format!("GET /healthz HTTP/1.2\r\nHost: a\r\n\r\n{HIDDEN}")),
        ("HTTP/0.9", format!("GET /healthz HTTP/0.9\r\n\r\n{HIDDEN}")),
        ("http/1.1", format!("GET /healthz http/1.1\r\nHost: a\r\n\r\n{HIDDEN}")),
        ("HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\x12\x04\0\0\0\0\0".to_owned()),
        ("a method that is none", format!("G(T /healthz HTTP/1.1\r\nHost: a\r\n\r\n{HIDDEN}")),
        ("another protocol", "\0\0\0\0\r\n\r\n".to_owned()),
        ("SSH", "SSH-2.0-OpenSSH_9.6\r\n\r\n".to_owned()),
        ("a shell", "help\r\n\r\n".to_owned()),
    ] {
        let mut wire = Wire::to(site.server.address);
        let answer = wire.send(&bytes).answer().unwrap_or_else(|| panic!("{about}: no answer"));
        assert_eq!(answer.status, 400, "R-52: {about}: {answer:?}");
        refused(&answer, about);
        assert_eq!(answer.header("connection"), Some("close"), "R-52: {about}");
        assert!(wire.is_over(), "R-52: {about}: something is served behind it");
    }
    let hello = [0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03, 0xa1, 0xb2];
    let answer = exchange(site.server.address, hello).unwrap();
    assert_eq!(answer.status, 400, "TLS: answered at once: {answer:?}");
    site.lives();
}

#[test]
fn what_is_allowed_is_served() {
    let site = Site::new();
    site.app.user("ann@example.com", &[]);
    let login = format!(r#"{{"email":"ann@example.com","password":"{PASSWORD}"}}"#);
    let chunked: String = login
        .as_bytes()
        .chunks(7)
        .map(|part| format!("{:x};a=b\r\n{}\r\n", part.len(), String::from_utf8_lossy(part)))
        .collect();
    let post = "POST /login/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
    for (about, bytes, status) in [
        ("an absolute target", "GET http://other.example/healthz HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned(), 200),
        ("HTTP/1.0", "GET /healthz HTTP/1.0\r\n\r\n".to_owned(), 200),
        ("empty lines before", format!("\r\n\r\n{}", request("GET", "/healthz", "")), 200),
        ("a value with no blank", request("GET", "/healthz", "X:y\r\nEmpty:\r\n"), 200),
        ("text in a value", request("GET", "/healthz", "X: é\t日本\r\n"), 200),
        ("chunks", format!("{post}Transfer-Encoding: Chunked\r\n\r\n{chunked}0\r\nTrailer: x\r\n\r\n"), 200),
        ("a length", format!("{post}Content-Length: {}\r\n\r\n{login}", login.len()), 200),
        ("leave to send", format!("{post}Expect: 100-continue\r\nContent-Length: {}\r\n\r\n{login}", login.len()), 200),
        ("a bad chunk", format!("{post}Transfer-Encoding: chunked\r\n\r\nzz\r\n"), 400),
        ("a huge chunk", format!("{post}Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n"), 400),
        ("a body cut off", format!("{post}Content-Length: 100\r\n\r\n{{"), 400),
        ("chunks cut off", format!("{post}Transfer-Encoding: chunked\r\n\r\n5\r\nab"), 400),
    ] {
        let mut wire = Wire::to(site.server.address);
        let answer = wire.send(&bytes).finish().answer().unwrap_or_else(|| panic!("{about}: no answer"));
        assert_eq!(answer.status, status, "{about}: {answer:?}");
        survived(&answer, about);
    }
    // Nothing is read behind chunks, whose end is the one thing that is not judged beforehand.
    let mut wire = Wire::to(site.server.address);
    wire.send(format!("{post}Transfer-Encoding: chunked\r\n\r\n{chunked}0\r\n\r\n{HIDDEN}"));
    assert_eq!(wire.answer().unwrap().status, 200);
    assert!(wire.is_over(), "R-52");
}

#[test]
fn requests_in_a_row_are_answered_in_their_order() {
    let site = Site::new();
    site.app.user("ann@example.com", &[]);
    let login = format!(r#"{{"email":"ann@example.com","password":"{PASSWORD}"}}"#);
    let post =
        request("POST", "/login/", &format!("Content-Type: application/json\r\nContent-Length: {}\r\n", login.len()));
    let all = [
        request("GET", "/healthz", ""),
        format!("{post}{login}"),
        request("GET", "/nowhere", ""),
        request("HEAD", "/healthz", ""),
        format!("{post}{login}"),
        request("DELETE", "/login/", ""),
        "GET /healthz HTTP/1.1\nHost: localhost\n\n".to_owned(),
        request("GET", "/healthz", ""),
    ];
    // In one piece, and in pieces that end anywhere.
    for size in [usize::MAX, 1, 7, 100] {
        let mut wire = Wire::to(site.server.address);
        for piece in all.concat().as_bytes().chunks(size.min(all.concat().len())) {
            wire.send(piece);
        }
        let methods = ["GET", "POST", "GET", "HEAD", "POST", "DELETE", "GET"];
        let statuses: Vec<u16> = methods.iter().map(|method| wire.answer_to(method).unwrap().status).collect();
        assert_eq!(statuses, [200, 200, 404, 200, 200, 405, 400], "in pieces of {size}");
        assert!(wire.is_over(), "R-52: nothing is served behind a refusal");
    }
}

#[test]
fn a_client_that_hangs_up_half_way_harms_nobody() {
    let site = Site::new();
    for bytes in [
        "",
        "G",
        "GET / HTTP/1.1",
        "GET / HTTP/1.1\r\nHost: a\r\n",
        "POST /login/ HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n{",
    ] {
        for _ in 0..20 {
            Wire::to(site.server.address).send(bytes);
        }
        let mut wire = Wire::to(site.server.address);
        let answer = wire.send(bytes).finish().answer();
        assert!(answer.is_none_or(|answer| answer.status < 500), "{bytes:?}");
    }
    std::thread::sleep(Duration::from_millis(20));
    site.lives();
}
