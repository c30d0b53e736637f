//! Requests exactly as they were recorded: any method, any header value, and no header that the case does not name but
//! `Host` and `Content-Length`.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};

use crate::support::PATIENCE;

/// What came back.
#[derive(Debug, Default, Clone)]
pub struct Answer {
    /// Status.
    pub status: u16,
    /// Headers as sent, each byte a character.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The first header of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The body, with what is not UTF-8 in it replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// What is asked, placeholders filled in.
pub struct Ask {
    /// Method.
    pub method: String,
    /// Path with query.
    pub path: String,
    /// Headers in their order.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Option<Vec<u8>>,
}

impl Ask {
    /// A POST with a JSON body.
    pub fn post(path: &str, body: &serde_json::Value) -> Self {
        Self {
            method: "POST".to_owned(),
            path: path.to_owned(),
            headers: vec![("Content-Type".to_owned(), "application/json".to_owned())],
            body: Some(body.to_string().into_bytes()),
        }
    }

    /// Sends it on a connection of its own.
    pub fn send(&self, to: SocketAddr) -> io::Result<Answer> {
        let mut stream = TcpStream::connect(to)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let mut head = format!("{} {} HTTP/1.1\r\nHost: testserver\r\n", self.method, self.path);
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if let Some(body) = &self.body {
            head.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        head.push_str("\r\n");
        stream.write_all(head.as_bytes())?;
        // A server that refuses by the head need not read the body: its answer counts, not the broken pipe.
        drop(stream.write_all(self.body.as_deref().unwrap_or_default()));
        read(&mut BufReader::new(stream), self.method == "HEAD")
    }
}

fn read(from: &mut impl BufRead, is_head: bool) -> io::Result<Answer> {
    let mut answer = loop {
        let answer = head(from)?;
        if answer.status >= 200 {
            break answer;
        }
    };
    if is_head || matches!(answer.status, 204 | 304) {
        return Ok(answer);
    }
    let length = answer.header("Content-Length").and_then(|text| text.parse::<usize>().ok());
    answer.body = match length {
        _ if answer.header("Transfer-Encoding").is_some() => chunks(from)?,
        Some(length) => {
            let mut body = vec![0; length];
            from.read_exact(&mut body)?;
            body
        }
        None => {
            let mut body = Vec::new();
            from.read_to_end(&mut body)?;
            body
        }
    };
    Ok(answer)
}

fn head(from: &mut impl BufRead) -> io::Result<Answer> {
    let status = line(from)?;
    let status = status.split(' ').nth(1).and_then(|text| text.parse().ok());
    let mut answer = Answer { status: status.ok_or_else(|| io::Error::other("no status line"))?, ..Answer::default() };
    loop {
        let line = line(from)?;
        if line.is_empty() {
            return Ok(answer);
        }
        let (name, value) = line.split_once(':').unwrap_or((&line, ""));
        answer.headers.push((name.to_owned(), value.trim().to_owned()));
    }
}

fn line(from: &mut impl BufRead) -> io::Result<String> {
    let mut bytes = Vec::new();
    if from.read_until(b'\n', &mut bytes)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(bytes.trim_ascii_end().iter().copied().map(char::from).collect())
}

fn chunks(from: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let size = line(from)?;
        let size = u64::from_str_radix(size.split(';').next().unwrap_or_default().trim(), 16);
        let size = size.map_err(io::Error::other)?;
        if size == 0 {
            return Ok(body);
        }
        from.by_ref().take(size).read_to_end(&mut body)?;
        line(from)?;
    }
}
