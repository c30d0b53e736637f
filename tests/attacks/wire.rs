//! Bytes on a socket, for requests that no client library sends.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use crate::support::http::Answer;

/// A connection of its own.
pub struct Wire {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Wire {
    /// Connects.
    pub fn to(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(8))).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, read: Vec::new() }
    }

    /// Sends bytes; a server that has hung up already is no failure.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        drop(self.stream.write_all(bytes.as_ref()));
        self
    }

    /// Says that nothing more will be sent.
    pub fn finish(&mut self) -> &mut Self {
        drop(self.stream.shutdown(Shutdown::Write));
        self
    }

    /// The next answer; `None` when the server hangs up without one.
    pub fn answer(&mut self) -> Option<Answer> {
        self.answer_to("GET")
    }

    /// The next answer to a request of this method.
    pub fn answer_to(&mut self, method: &str) -> Option<Answer> {
        let end = loop {
            if let Some(at) = self.read.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            if !self.more() {
                return None;
            }
        };
        let head = String::from_utf8_lossy(&self.read[..end]).into_owned();
        self.read.drain(..end);
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers: Vec<(String, String)> = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        if status == 100 {
            return self.answer_to(method);
        }
        let length = headers.iter().find(|(name, _)| name == "content-length");
        let length = length.map_or(0, |(_, value)| value.parse::<usize>().unwrap());
        let length = if method == "HEAD" { 0 } else { length };
        while self.read.len() < length {
            assert!(self.more(), "the body ended early: {head}");
        }
        let body = self.read.drain(..length).collect();
        Some(Answer { status, headers, body })
    }

    /// Whether anything has come that is not read yet: bytes, or the end.
    pub fn is_told(&self) -> bool {
        self.stream.set_nonblocking(true).unwrap();
        let told = self.stream.peek(&mut [0]);
        self.stream.set_nonblocking(false).unwrap();
        !told.is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
    }

    /// Whether the server has ended the connection, with nothing more to read.
    pub fn is_over(&mut self) -> bool {
        self.read.is_empty() && !self.more()
    }

    fn more(&mut self) -> bool {
        let mut buffer = [0; 16 * 1024];
        match self.stream.read(&mut buffer) {
            Ok(0) => false,
            Ok(length) => {
                self.read.extend_from_slice(&buffer[..length]);
                true
            }
            Err(error) if error.kind() == ErrorKind::ConnectionReset => false,
            Err(error) => panic!("the server neither answers nor hangs up: {error}"),
        }
    }
}

/// One request on a connection of its own.
pub fn exchange(address: SocketAddr, request: impl AsRef<[u8]>) -> Option<Answer> {
    let method = String::from_utf8_lossy(request.as_ref()).split(' ').next().unwrap_or("").to_owned();
    Wire::to(address).send(request).answer_to(&method)
}

/// The text of a request without a body.
pub fn request(method: &str, target: &str, headers: &str) -> String {
    format!("{method} {target} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n")
}
