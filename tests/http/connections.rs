//! Too many connections: a new one is served in place of the one that has waited longest.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::support::TestApp;
use crate::support::http::Server;

/// Most connections from one address.
const PER_ADDRESS: usize = 256;

fn connect(server: &Server) -> TcpStream {
    let stream = TcpStream::connect(server.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(8))).unwrap();
    stream
}

/// The status of the next answer; `None` when the server has closed.
fn asks(stream: &mut TcpStream) -> Option<String> {
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n").ok()?;
    let mut buffer = [0; 4096];
    let read = stream.read(&mut buffer).ok().filter(|read| *read > 0)?;
    Some(String::from_utf8_lossy(&buffer[9..12.min(read)]).into_owned())
}

#[test]
fn the_longest_waiting_connection_makes_room_for_a_new_one() {
    let app = TestApp::new();
    let server = Server::start(&app);
    // At work: its body is still to come.
    let mut at_work = connect(&server);
    let head = "POST /login/ HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n";
    at_work.write_all(head.as_bytes()).unwrap();
    let mut waiting: Vec<TcpStream> = (1..PER_ADDRESS).map(|_| connect(&server)).collect();
    for stream in &mut waiting {
        assert_eq!(asks(stream).as_deref(), Some("200"));
    }
    waiting[1].write_all(b"GET /hea").unwrap();
    let mut newcomers: Vec<TcpStream> = (0..3).map(|_| connect(&server)).collect();
    for newcomer in &mut newcomers {
        assert_eq!(asks(newcomer).as_deref(), Some("200"), "R-51");
    }
    for gone in &mut waiting[..3] {
        assert_eq!(asks(gone), None, "it had waited longest");
    }
    assert_eq!(asks(&mut waiting[3]).as_deref(), Some("200"));
    at_work.write_all(b"{}").unwrap();
    let mut answer = [0; 12];
    at_work.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 400", "what is at work is never cut off");
}
