//! Proxies that do what a server must not, for the controls, which must find it out: one keeps what it was told of a token for
//! a while, as a server would that has a cache; one acknowledges what is not done yet.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Answers, by all that was asked, and when they came.
type Kept = Mutex<HashMap<Vec<u8>, (Instant, Vec<u8>)>>;

/// Starts one in front of a server, which keeps answers for so long; its threads end with the test.
pub fn caching(server: SocketAddr, keeps: Duration) -> SocketAddr {
    let kept = Arc::<Kept>::default();
    starts(move |mut client| {
        let asked = request(&client)?;
        let known = kept.lock().unwrap().get(&asked).filter(|(since, _)| since.elapsed() < keeps).cloned();
        if let Some((_, answer)) = known {
            return client.write_all(&answer);
        }
        let answer = passes(server, &asked)?;
        client.write_all(&answer)?;
        kept.lock().unwrap().insert(asked, (Instant::now(), answer));
        Ok(())
    })
}

/// Starts one that acknowledges every logout at once, and passes it on a moment later.
pub fn hasty(server: SocketAddr, later: Duration) -> SocketAddr {
    const DONE: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";
    starts(move |mut client| {
        let asked = request(&client)?;
        if asked.starts_with(b"POST /logout/") {
            client.write_all(DONE)?;
            drop(client);
            std::thread::sleep(later);
            return passes(server, &asked).map(drop);
        }
        client.write_all(&passes(server, &asked)?)
    })
}

/// Starts a proxy that treats each connection like this, in a thread of its own.
fn starts(treat: impl Fn(TcpStream) -> std::io::Result<()> + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, treat) = (listener.local_addr().unwrap(), Arc::new(treat));
    std::thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let treat = Arc::clone(&treat);
            // A client or a server that goes away in the middle ends its thread.
            std::thread::spawn(move || treat(client));
        }
    });
    address
}

/// One request, which asks for the end of its connection.
fn request(client: &TcpStream) -> std::io::Result<Vec<u8>> {
    let mut reader = BufReader::new(client);
    let (mut asked, mut length, mut line) = (Vec::new(), 0, String::new());
    while reader.read_line(&mut line)? > 0 && line != "\r\n" {
        let lower = line.to_ascii_lowercase();
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
        if !lower.starts_with("connection:") {
            asked.extend_from_slice(line.as_bytes());
        }
        line.clear();
    }
    asked.extend_from_slice(b"connection: close\r\n\r\n");
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    asked.extend(body);
    Ok(asked)
}

/// What the server says to it.
fn passes(server: SocketAddr, asked: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(server)?;
    stream.write_all(asked)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    // A server that was killed leaves a part of an answer, or none.
    if answer.is_empty() { Err(std::io::ErrorKind::UnexpectedEof.into()) } else { Ok(answer) }
}
