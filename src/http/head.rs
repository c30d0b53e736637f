//! Heads of requests, judged before hyper reads them.
//!
//! hyper alone decides where a request ends, but it takes heads that another program on the way could read otherwise: bare
//! line feeds, a length beside chunks, two hosts. Such a head is refused whole (R-52); of what is left there is only one
//! reading. What hyper would refuse with an empty answer is refused here as well, so that every answer is ours (R-44).

use axum::http::uri::Authority;
use axum::http::{StatusCode, Uri};
use memchr::memchr;

/// Most header lines of a request.
pub const HEADERS_MAX: usize = 100;
/// Longest name of a method; none that is registered is as long.
const METHOD_MAX: usize = 32;
/// Longest headers of a request, in bytes.
const FIELDS_MAX: usize = 16 * 1024;
/// Longest head of a request: headers, and a target of 8 KiB.
pub const HEAD_MAX: usize = FIELDS_MAX + 8 * 1024;

/// A head that is not let through; the answer has this status.
pub type Refused = StatusCode;

/// Lets the bytes of one connection through, each head only when it is complete and good.
#[derive(Default)]
pub struct Gate {
    state: State,
    /// The head so far.
    held: Vec<u8>,
    /// Heads let through.
    passed: u64,
}

/// What comes next.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum State {
    /// A head, or more of it.
    #[default]
    Head,
    /// So many bytes of a body.
    Body(u64),
    /// A body in chunks. Where it ends is for hyper to find out: its request is the last of the connection.
    Chunks,
    /// Nothing that would be looked at.
    Shut,
}

impl Gate {
    /// Whether a head has begun and is not complete.
    pub fn is_waiting(&self) -> bool {
        !self.held.is_empty()
    }

    /// How many heads were let through.
    pub fn passed(&self) -> u64 {
        self.passed
    }

    /// Takes what has arrived and puts into `out` what may be read.
    ///
    /// # Errors
    /// The status of the refusal, once; nothing is let through after it.
    pub fn pass(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Refused> {
        while !bytes.is_empty() {
            bytes = match self.state {
                State::Head => self.line(bytes, out).inspect_err(|_| self.state = State::Shut)?,
                State::Body(left) => {
                    let here = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
                    let left = left - here as u64;
                    self.state = if left == 0 { State::Head } else { State::Body(left) };
                    out.extend_from_slice(&bytes[..here]);
                    &bytes[here..]
                }
                State::Chunks => {
                    out.extend_from_slice(bytes);
                    &[]
                }
                State::Shut => &[],
            };
        }
        Ok(())
    }

    /// Takes bytes to the end of a line; gives the rest.
    fn line<'a>(&mut self, bytes: &'a [u8], out: &mut Vec<u8>) -> Result<&'a [u8], Refused> {
        let end = memchr(b'\n', bytes).map_or(bytes.len(), |at| at + 1);
        let (part, rest) = bytes.split_at(end);
        self.held.extend_from_slice(part);
        if self.held.len() > HEAD_MAX {
            let in_target = !self.held[..HEAD_MAX].contains(&b'\n');
            return Err(if in_target { StatusCode::URI_TOO_LONG } else { StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE });
        }
        // What is no HTTP at all, such as the first bytes of TLS, has no lines to wait for.
        let is_text = is_all(part, |byte| !byte.is_ascii_control() || matches!(byte, b'\t' | b'\r' | b'\n'));
        let is_whole = part.ends_with(b"\n");
        if !is_text || (is_whole && !self.held.ends_with(b"\r\n")) {
            return Err(StatusCode::BAD_REQUEST);
        }
        if self.held == b"\r\n" {
            // An empty line before a head (RFC 9112, section 2.2).
            self.held.clear();
        } else if self.held.ends_with(b"\r\n\r\n") {
            self.state = judge(&self.held[..self.held.len() - 4])?;
            self.passed += 1;
            out.append(&mut self.held);
        }
        Ok(rest)
    }
}

/// The headers that say where a request ends and whom it is for.
#[derive(Default)]
struct Framing<'a> {
    hosts: Vec<&'a [u8]>,
    lengths: Vec<&'a [u8]>,
    encodings: Vec<&'a [u8]>,
}

/// Judges a head, without the empty line at its end; says what comes after it.
fn judge(head: &[u8]) -> Result<State, Refused> {
    let mut lines = head.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let first = lines.next().unwrap_or_default();
    let is_newest = request_line(first).ok_or(StatusCode::BAD_REQUEST)?;
    if head.len() - first.len() > FIELDS_MAX {
        return Err(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
    }
    let mut framing = Framing::default();
    for (at, line) in lines.enumerate() {
        if at == HEADERS_MAX {
            return Err(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
        }
        let (name, value) = header(line).ok_or(StatusCode::BAD_REQUEST)?;
        let is = |known: &[u8]| name.eq_ignore_ascii_case(known);
        match name.len() {
            4 if is(b"host") => framing.hosts.push(value),
            14 if is(b"content-length") => framing.lengths.push(value),
            17 if is(b"transfer-encoding") => framing.encodings.push(value),
            _ => {}
        }
    }
    framing.state(is_newest).ok_or(StatusCode::BAD_REQUEST)
}

/// Whether it is HTTP/1.1 rather than 1.0; `None` when it is neither or no request line.
fn request_line(line: &[u8]) -> Option<bool> {
    let mut words = line.split(|byte| *byte == b' ');
    let (method, target, version) = (words.next()?, words.next()?, words.next()?);
    let good = words.next().is_none()
        && is_token(method)
        && method.len() <= METHOD_MAX
        && target.is_ascii()
        && Uri::try_from(target).is_ok();
    match version {
        b"HTTP/1.1" if good => Some(true),
        b"HTTP/1.0" if good => Some(false),
        _ => None,
    }
}

/// Name and value; `None` for what is no header, such as one that goes on from the line before.
fn header(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = memchr(b':', line)?;
    let (name, value) = (&line[..colon], &line[colon + 1..]);
    let is_text = is_all(value, |byte| !byte.is_ascii_control() || byte == b'\t');
    (is_token(name) && is_text).then(|| (name, value.trim_ascii()))
}

/// A token (RFC 9110, section 5.6.2).
fn is_token(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|byte| TOKEN[usize::from(*byte)])
}

/// What a token may consist of, by byte.
const TOKEN: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 128 {
        table[byte] = (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    let signs = b"!#$%&'*+-.^_`|~";
    let mut at = 0;
    while at < signs.len() {
        table[signs[at] as usize] = true;
        at += 1;
    }
    table
};

/// Whether all bytes are such. Looks at all of them, many at a time, where a loop that may stop takes one after another.
fn is_all(bytes: &[u8], is_such: impl Fn(u8) -> bool) -> bool {
    bytes.iter().fold(true, |all, byte| all & is_such(*byte))
}

impl Framing<'_> {
    /// What comes after the head; `None` when that can be read in more than one way.
    fn state(&self, is_newest: bool) -> Option<State> {
        match self.hosts.as_slice() {
            [] if is_newest => return None,
            [] => {}
            [host] => is_host(host).then_some(())?,
            _ => return None,
        }
        match (self.lengths.as_slice(), self.encodings.as_slice()) {
            ([], []) => Some(State::Head),
            ([length], []) => match number(length)? {
                0 => Some(State::Head),
                bytes => Some(State::Body(bytes)),
            },
            ([], [encoding]) if is_newest && encoding.eq_ignore_ascii_case(b"chunked") => Some(State::Chunks),
            _ => None,
        }
    }
}

/// A host, with or without its port; nothing of a user.
fn is_host(text: &[u8]) -> bool {
    let Ok(authority) = Authority::try_from(text) else { return false };
    let port = authority.as_str().strip_prefix(authority.host());
    port.is_some_and(|port| matches!(port, "" | ":") || authority.port_u16().is_some())
}

/// Plain digits.
fn number(text: &[u8]) -> Option<u64> {
    let plain = text.iter().all(u8::is_ascii_digit);
    let number: u64 = std::str::from_utf8(text).ok().filter(|_| plain)?.parse().ok()?;
    // hyper keeps the last few numbers for other ends.
    (number <= i64::MAX as u64).then_some(number)
}
