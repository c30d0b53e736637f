//! `authsrv health`: whether the server on this machine can serve, for whoever watches over it.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use super::Start;
use super::failure::Failure;
use super::output::{Cell, Output, Record};
use super::serve::reachable;
use crate::app::tls;
use crate::config::Flags;

/// Longest wait for the server.
const PATIENCE: Duration = Duration::from_secs(3);
/// Most of the answer that is read, in bytes.
const ANSWER_MAX: u64 = 4096;
/// How TLS begins what it says to who does not speak it: the type of an alert (RFC 8446, section 5.1).
const TLS_ALERT: u8 = 21;

/// Options of `health`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  authsrv health\n  authsrv health --listen 127.0.0.1:9000")]
pub struct Args {
    /// Where the server listens, as it was told itself [env: AUTHSRV_LISTEN] [default: 127.0.0.1:8000]
    #[arg(long, value_name = "ADDR:PORT")]
    listen: Option<OsString>,
}

impl Args {
    /// What was typed.
    pub fn flags(self) -> Flags {
        Flags { listen: self.listen, ..Flags::default() }
    }
}

/// Asks; exits 1 if the server is not ready or not there. Opens no file.
pub fn run(start: &Start) -> Result<Output<'static>, Failure> {
    let address = reachable(start.config.listen);
    if address.port() == 0 {
        return Err(Failure::usage("a server on port 0 listens on a port that only it knows")
            .hint("say which with --listen ADDR:PORT"));
    }
    match status(address, start.config.tls.is_some()) {
        Ok(200) => {
            let record = Record(vec![("status", Cell::text("ready")), ("address", Cell::text(address))]);
            Ok(Output::done(format!("The server at {address} is ready."), record))
        }
        Ok(status) => Err(Failure::refused(format!("the server at {address} is not ready: it answers with {status}"))),
        Err(error) => Err(Failure::refused(format!("no server answers at {address}: {error}"))),
    }
}

/// The status that the server gives, over TLS if it is told to speak that, or does.
fn status(address: SocketAddr, speaks_tls: bool) -> io::Result<u16> {
    if speaks_tls {
        return read_status(&ask(tls::client::with_whoever(connect(address)?)?, address)?);
    }
    let answer = ask(connect(address)?, address)?;
    if answer.first() == Some(&TLS_ALERT) { status(address, true) } else { read_status(&answer) }
}

fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// Asks, and gives how the answer begins.
fn ask(mut stream: impl Read + Write, address: SocketAddr) -> io::Result<Vec<u8>> {
    stream.write_all(format!("GET /readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").as_bytes())?;
    let mut answer = Vec::new();
    match stream.take(ANSWER_MAX).read_to_end(&mut answer) {
        // What has come counts, however the other end hangs up.
        Err(error) if answer.is_empty() => Err(error),
        _ => Ok(answer),
    }
}

fn read_status(answer: &[u8]) -> io::Result<u16> {
    let head = String::from_utf8_lossy(answer);
    let status = head.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok());
    status.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "this is no HTTP"))
}
