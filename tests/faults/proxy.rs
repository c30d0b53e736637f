//! A proxy that keeps what it was told of a token for a while, as a server would that has a cache: the control of the
//! tests of revocation, which must find it out.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Answers, by all that was asked, and when they came.
type Kept = Mutex<HashMap<Vec<u8>, (Instant, Vec<u8>)>>;

/// Starts one in front of a server, which keeps answers for so long; its threads end with the test.
pub fn caching(server: SocketAddr, keeps: Duration) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, kept) = (listener.local_addr().unwrap(), Arc::<Kept>::default());
    std::thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let kept = Arc::clone(&kept);
            // A client that goes away in the middle ends its thread.
            std::thread::spawn(move || passes(client, server, (&kept, keeps)));
        }
    });
    address
}

/// One request, since every answer ends its connection.
fn passes(mut client: TcpStream, server: SocketAddr, (kept, keeps): (&Kept, Duration)) -> std::io::Result<()> {
    let mut reader = BufReader::new(client.try_clone()?);
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
    let known = kept.lock().unwrap().get(&asked).filter(|(since, _)| since.elapsed() < keeps).cloned();
    if let Some((_, answer)) = known {
        return client.write_all(&answer);
    }
    let mut stream = TcpStream::connect(server)?;
    stream.write_all(&asked)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    client.write_all(&answer)?;
    kept.lock().unwrap().insert(asked, (Instant::now(), answer));
    Ok(())
}
