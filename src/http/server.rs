//! The accept loop: connections in, bounded in number and time; on the way out everything accepted is answered.
//!
//! `axum::serve` sets no time limits and no cap, hence a loop of our own over hyper, which alone decides where a request
//! ends.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::http::header::TRANSFER_ENCODING;
use axum::response::Response;
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tower::{Service, ServiceExt};

use super::answers;
use super::call::Peer;
use super::connections::Places;
use super::head::{HEAD_MAX, HEADERS_MAX};
use super::metrics::Metrics;
use super::shell::{Refused, Shell};
use super::stream::{Phase, Stream, Times};
use super::tls::{Line, Tls};
use super::unread::Unread;
use crate::domain::proxies::TrustedProxies;
use crate::service::Env;

/// Read buffer of a connection at its largest.
const BUFFER_MAX: usize = 32 * 1024;
/// Pause after a failed accept, such as for want of file handles.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// How long, once told to stop, connections may still bring a request that was on its way.
const LAST_WORDS: Duration = Duration::from_millis(100);

/// How long the server waits for what others must do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// For the head of a request; for the first one it begins with the connection, and TLS is part of it.
    pub head: Duration,
    /// For the body of a request.
    pub body: Duration,
    /// For a client that has not taken an answer to take some of it.
    pub write: Duration,
    /// For the next request on a connection.
    pub idle: Duration,
    /// For the answers to what was accepted, once it is told to stop.
    pub drain: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        let [head, body, write, idle, drain] = [10, 10, 30, 75, 15].map(Duration::from_secs);
        Self { head, body, write, idle, drain }
    }
}

/// What answers requests.
#[derive(Clone)]
pub enum App {
    /// All dialects, in their shell.
    Whole(Shell),
    /// Some routes.
    Routes(Router),
}

/// What is served.
pub struct Site {
    /// What answers.
    pub app: App,
    /// Who may have more connections than other addresses.
    pub proxies: TrustedProxies,
}

impl Site {
    /// Everything that there is.
    pub fn of(env: Arc<Env>) -> Self {
        Self::measured(env, None)
    }

    /// The same, counted in these metrics.
    pub fn measured(env: Arc<Env>, metrics: Option<Arc<Metrics>>) -> Self {
        Self { proxies: env.proxies.clone(), app: App::Whole(super::measured(env, metrics)) }
    }
}

impl From<Router> for Site {
    fn from(app: Router) -> Self {
        Self { app: App::Routes(app), proxies: TrustedProxies::default() }
    }
}

/// Where connections come from, and how they are made secure.
pub struct Entrance {
    /// Takes them.
    pub listener: TcpListener,
    /// Makes them secure; `None` where a proxy in front has done it.
    pub tls: Option<Arc<Tls>>,
}

impl From<TcpListener> for Entrance {
    fn from(listener: TcpListener) -> Self {
        Self { listener, tls: None }
    }
}

/// Serves `site` at `entrance` until `shutdown` is ready; then accepts nothing more, answers what was accepted, and
/// returns.
pub async fn serve(
    entrance: impl Into<Entrance>,
    site: impl Into<Site>,
    shutdown: impl Future<Output = ()>,
    patience: Patience,
) {
    let (Entrance { listener, tls }, Site { app, proxies }) = (entrance.into(), site.into());
    let (places, graceful, stopping) = (Places::new(proxies), GracefulShutdown::new(), watch::Sender::new(false));
    let door = Door { app, patience, tls, places, graceful, stopping };
    let mut shutdown = pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            biased;
            () = &mut shutdown => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => door.open(stream, peer).await,
            Err(failure) => {
                tracing::warn!(%failure, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    door.shut(listener).await;
}

/// Where connections come in.
struct Door {
    app: App,
    patience: Patience,
    tls: Option<Arc<Tls>>,
    places: Arc<Places>,
    graceful: GracefulShutdown,
    /// Whether every answer from now on is the last of its connection.
    stopping: watch::Sender<bool>,
}

impl Door {
    async fn open(&self, stream: TcpStream, peer: SocketAddr) {
        if let Err(failure) = stream.set_nodelay(true) {
            tracing::debug!(%failure, "cannot set TCP_NODELAY");
        }
        let phase = Phase::first();
        let Some(place) = self.places.take(peer.ip().to_canonical(), phase.clone()).await else { return };
        let (app, patience, stopping) = (self.app.clone(), self.patience, self.stopping.subscribe());
        let attendant = Attendant { app, peer, patience, phase, stopping };
        // From now on, so that also who is still about to be made secure is waited for at the end.
        let (tls, watcher) = (self.tls.clone(), self.graceful.watcher());
        let attended = async move {
            let Some(line) = attendant.line(stream, tls).await else { return };
            if let Err(broken) = watcher.watch(attendant.connection(line)).await {
                tracing::debug!(%broken, "connection ended early");
            }
        };
        tokio::spawn(async move {
            tokio::select! {
                () = attended => {}
                () = place.is_wanted() => tracing::debug!("connection ended for another"),
            }
        });
    }

    /// Answers what has come in: also in connections that the system has accepted for us, and what is on its way to us in
    /// those that we have.
    async fn shut(self, listener: TcpListener) {
        self.stopping.send_replace(true);
        if let Ok(listener) = listener.into_std() {
            while let Ok((stream, peer)) = listener.accept() {
                if stream.set_nonblocking(true).is_ok()
                    && let Ok(stream) = TcpStream::from_std(stream)
                {
                    self.open(stream, peer).await;
                }
            }
        }
        if self.graceful.count() > 0 {
            tokio::time::sleep(LAST_WORDS.min(self.patience.drain)).await;
        }
        if tokio::time::timeout(self.patience.drain, self.graceful.shutdown()).await.is_err() {
            tracing::warn!("some requests were not answered before the end");
        }
    }
}

/// What answers the requests of one connection.
struct Attendant {
    app: App,
    peer: SocketAddr,
    patience: Patience,
    phase: Phase,
    stopping: watch::Receiver<bool>,
}

impl Attendant {
    /// What the connection's bytes go in and out by. `None` where it does not become secure in time, or at all.
    async fn line(&self, stream: TcpStream, tls: Option<Arc<Tls>>) -> Option<Box<dyn Line>> {
        let Some(tls) = tls else { return Some(Box::new(stream)) };
        let mut stopping = self.stopping.clone();
        let last_call = async move {
            drop(stopping.wait_for(|is_stopping| *is_stopping).await);
            tokio::time::sleep(LAST_WORDS).await;
        };
        tokio::select! {
            secured = tls.secure(stream, self.phase.begun() + self.patience.head) => match secured {
                Ok(line) => Some(line),
                Err(broken) => {
                    tracing::debug!(%broken, "connection did not become secure");
                    None
                }
            },
            () = last_call => None,
        }
    }

    fn connection(self, line: Box<dyn Line>) -> http1::Connection<TokioIo<Stream>, Self> {
        let Patience { head, write, idle, .. } = self.patience;
        let stream = Stream::new(line, self.phase.clone(), Times { head, write });
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(idle)
            .half_close(true)
            .max_headers(HEADERS_MAX)
            .max_header_size(HEAD_MAX)
            .max_buf_size(BUFFER_MAX)
            .serve_connection(TokioIo::new(stream), self)
    }
}

impl hyper::service::Service<Request<Incoming>> for Attendant {
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let (app, phase, stopping) = (self.app.clone(), self.phase.clone(), self.stopping.clone());
        let refused = phase.busy().map(Refused);
        // Nobody but hyper knows where chunks end, and what comes behind them has not passed the gate.
        let is_last = request.headers().contains_key(TRANSFER_ENCODING);
        let (parts, body) = request.into_parts();
        // Most requests bring none, and it is looked after for nothing.
        let unread = (!body.is_end_stream()).then(|| Unread::new(body, &parts.headers));
        let body = unread.clone().map_or_else(Body::empty, Body::new);
        let mut request = Request::from_parts(parts, body);
        request.extensions_mut().insert(Peer(self.peer));
        request.extensions_mut().insert(self.patience);
        if let Some(refused) = refused {
            request.extensions_mut().insert(refused);
        }
        Box::pin(async move {
            let response = match app {
                App::Whole(mut shell) => shell.call(request).await,
                App::Routes(routes) => routes.oneshot(request).await,
            };
            let is_read = match unread {
                Some(unread) => unread.drop_rest().await,
                None => true,
            };
            let goes_on = is_read && !is_last && !*stopping.borrow();
            phase.idle();
            if goes_on { response } else { response.map(answers::closing) }
        })
    }
}
