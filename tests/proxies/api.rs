//! A small API that knows nothing of users: it tells what reached it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

use serde_json::{Map, Value, json};

/// Serves on a port of its own for as long as the test runs.
pub fn start() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            std::thread::spawn(move || drop(answer(stream)));
        }
    });
    address
}

fn exactly(reader: &mut impl Read, length: usize) -> std::io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    reader.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// RFC 9112, section 7.1, without trailers.
fn chunked(reader: &mut impl BufRead) -> std::io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let length = usize::from_str_radix(line.trim(), 16).unwrap_or(0);
        body.extend(exactly(reader, length)?);
        reader.read_line(&mut line)?;
        if length == 0 {
            return Ok(body);
        }
    }
}

/// One request a connection.
fn answer(mut stream: TcpStream) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
    let [method, target, _] = words.as_slice() else { return Ok(()) };
    let mut headers = Map::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), json!(value.trim()));
    }
    let length = headers.get("content-length").and_then(Value::as_str).and_then(|length| length.parse().ok());
    let body = match length {
        None if headers.contains_key("transfer-encoding") => chunked(&mut reader)?,
        length => exactly(&mut reader, length.unwrap_or(0))?,
    };
    let body = String::from_utf8_lossy(&body);
    let told = json!({"method": method, "target": target, "headers": headers, "body": body}).to_string();
    let sent = if method == "HEAD" { "" } else { told.as_str() };
    write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{sent}",
        told.len()
    )
}
