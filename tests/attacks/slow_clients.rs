//! Clients that take their time: they must not keep others out, and are sent away.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use authsrv::http::Patience;

use super::Site;
use super::wire::{Wire, exchange, request};
use crate::support::once;

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
