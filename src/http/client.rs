//! Where a request comes from, decided once for all who ask: the other end of the connection, unless that is a proxy
//! whose word counts.
//!
//! Then it is the right-most hop of `X-Forwarded-For` that is no trusted proxy itself: what stands left of it anybody may
//! have written. A hop that is no address ends the search, and the last good one counts. From a peer that is not trusted the
//! headers mean nothing; that they came is told, since a proxy that was forgotten makes one address of all clients (E.3).

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::Request;
use axum::http::HeaderMap;

use super::call::Peer;
use super::forwarded;
use crate::service::{Env, doctor};

/// How often the log tells of one peer that is not trusted.
const TOLD_EVERY: Duration = Duration::from_secs(60);
/// Peers that it tells of in that time; a flood of others is told of by none.
const TOLD_MAX: usize = 64;
/// How often it is noted for `doctor`.
const NOTED_EVERY: Duration = Duration::from_secs(3600);

/// Where a request comes from, put beside it by the shell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Client {
    /// The address that counts.
    pub address: IpAddr,
    /// Whether a trusted proxy brought the request.
    pub is_proxied: bool,
}

/// Tells of each request where it comes from.
#[derive(Clone)]
pub struct Clients {
    env: Arc<Env>,
    told: Arc<Mutex<Told>>,
}

/// Which peers were told of, and what was noted.
#[derive(Default)]
struct Told {
    peers: HashMap<IpAddr, Instant>,
    noted: HashMap<doctor::Forwarder, Instant>,
}

impl Clients {
    /// For all requests of a server.
    pub fn new(env: Arc<Env>) -> Self {
        Self { env, told: Arc::default() }
    }

    /// Where a request comes from; `None` where no connection brought it.
    pub fn of(&self, request: &Request) -> Option<Client> {
        let peer = request.extensions().get::<Peer>()?.0.ip().to_canonical();
        if self.env.proxies.contains(peer) {
            return Some(Client { address: self.behind(peer, request.headers()), is_proxied: true });
        }
        if forwarded::is_told(request.headers()) {
            self.tell(peer);
        }
        Some(Client { address: peer, is_proxied: false })
    }

    /// Whom a trusted proxy speaks for.
    fn behind(&self, proxy: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut found = proxy;
        for hop in forwarded::hops(headers) {
            let Some(address) = hop else { break };
            found = address;
            if !self.env.proxies.contains(address) {
                break;
            }
        }
        found
    }

    /// Tells of a peer whose word does not count; seldom, whatever it sends.
    fn tell(&self, peer: IpAddr) {
        let now = Instant::now();
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.is_news(peer, now) {
            tracing::warn!(
                %peer,
                "X-Forwarded-For comes from a peer that is not trusted, and means nothing; if it is your proxy, name it in --trusted-proxies"
            );
        }
        let kind = doctor::Forwarder::of(peer);
        if told.noted.get(&kind).is_some_and(|noted| now.duration_since(*noted) < NOTED_EVERY) {
            return;
        }
        told.noted.insert(kind, now);
        drop(told);
        let env = Arc::clone(&self.env);
        // No answer waits for it.
        tokio::task::spawn_blocking(move || doctor::note_forwarder(&env, peer));
    }
}

impl Told {
    fn is_news(&mut self, peer: IpAddr, now: Instant) -> bool {
        if self.peers.len() >= TOLD_MAX {
            self.peers.retain(|_, told| now.duration_since(*told) < TOLD_EVERY);
        }
        match self.peers.get(&peer) {
            Some(told) if now.duration_since(*told) < TOLD_EVERY => false,
            None if self.peers.len() >= TOLD_MAX => false,
            _ => {
                self.peers.insert(peer, now);
                true
            }
        }
    }
}
