//! TLS at the door, where no proxy in front has it: handshakes in bounded time, and certificates that are replaced while
//! the server runs.

use std::future::Future;
use std::io::{Error, ErrorKind, Result};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{Instant, MissedTickBehavior};
use tokio_rustls::TlsAcceptor;

use crate::app::tls::{Pair, Stamp};
use crate::domain::tls::TlsFiles;
use crate::service::Env;

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What bytes go in and out by.
pub trait Line: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Line for T {}

/// The certificate in use, and the files that it came from.
pub struct Tls {
    files: TlsFiles,
    /// Tells the time.
    env: Arc<Env>,
    current: Mutex<Current>,
}

struct Current {
    acceptor: TlsAcceptor,
    /// What was said of the files before they were last read, in vain or not.
    stamp: Stamp,
}

impl Tls {
    /// Begins with this pair out of these files.
    pub fn new(files: TlsFiles, pair: Pair, env: Arc<Env>) -> Arc<Self> {
        let current = Mutex::new(Current { acceptor: TlsAcceptor::from(pair.config), stamp: pair.stamp });
        Arc::new(Self { files, env, current })
    }

    /// Follows what becomes of the files for as long as it is polled: soon after a change, and at once when told so by
    /// SIGHUP. Connections go on by the certificate that they began with.
    ///
    /// # Errors
    /// The system lets us listen to no signal.
    pub fn follow(self: Arc<Self>) -> Result<impl Future<Output = ()>> {
        let mut told = signal(SignalKind::hangup())?;
        let mut ticks = tokio::time::interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Ok(async move {
            loop {
                let why = tokio::select! {
                    Some(()) = told.recv() => Why::Told,
                    _ = ticks.tick() => Why::Changed,
                };
                let tls = Arc::clone(&self);
                // Files may be far away.
                if let Err(broken) = tokio::task::spawn_blocking(move || tls.look(why)).await {
                    tracing::error!(%broken, "the certificate could not be looked at");
                }
            }
        })
    }

    /// Reads the files if there is reason to. Those that cannot be used leave in use what was read before.
    fn look(&self, why: Why) {
        let stamp = Stamp::of(&self.files);
        let before = std::mem::replace(&mut self.lock().stamp, stamp.clone());
        if why == Why::Changed && before == stamp {
            return;
        }
        match Pair::read(&self.files) {
            Ok(pair) => self.replace(pair),
            Err(wrong) => {
                let what = wrong.what();
                tracing::error!(%what, "the new certificate cannot be used; the one before stays in use");
            }
        }
    }

    fn replace(&self, pair: Pair) {
        let until = pair.validity.until.date_naive();
        self.lock().acceptor = TlsAcceptor::from(pair.config);
        match pair.validity.fault(self.env.clock.now()) {
            Some(fault) => tracing::warn!(%fault, "the certificate was read anew, and clients will not take it"),
            None => tracing::info!(%until, "the certificate was read anew"),
        }
    }

    /// Makes a connection secure, by `due` at the latest.
    ///
    /// # Errors
    /// `TimedOut`, or what is wrong with what the client says.
    pub async fn secure(&self, stream: TcpStream, due: Instant) -> Result<Box<dyn Line>> {
        let handshake = self.lock().acceptor.accept(stream);
        match tokio::time::timeout_at(due, handshake).await {
            Ok(secured) => Ok(Box::new(secured?)),
            Err(_) => Err(Error::from(ErrorKind::TimedOut)),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why files are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    /// Somebody says that they have changed.
    Told,
    /// They may have.
    Changed,
}
