//! What becomes known of a request on its way: the route that it matched, the dialect, the user. It is told once, in the
//! access log and to the metrics, when the answer is there or the client has gone away. Nothing of it is in the words of
//! the client, whose path, query or method may hold a secret or a forged line.

use std::net::IpAddr;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::http::{Extensions, Method, StatusCode};

use super::client::Client;
use super::metrics::Metrics;
use crate::domain::ids::UserId;

/// Stands for the route of a request that matches none.
const NO_ROUTE: &str = "none";
/// Stands for every method that there is no route for.
const OTHER_METHOD: &str = "other";
/// Stands for the status of an answer that nobody waited for, as in the log of nginx.
const WENT_AWAY: u16 = 499;

/// Put beside a request, so that whoever learns something of it can note it.
#[derive(Clone, Default)]
pub struct Visit(Arc<Known>);

#[derive(Default)]
struct Known {
    route: OnceLock<MatchedPath>,
    dialect: OnceLock<&'static str>,
    user: OnceLock<UserId>,
}

impl Visit {
    /// Notes the dialect that is spoken.
    pub fn speaks(&self, dialect: &'static str) {
        // Whatever was noted first stays: a route has one dialect.
        let _ = self.0.dialect.set(dialect);
    }

    /// Notes who calls, or who has signed in by it.
    pub fn is_by(&self, user: UserId) {
        let _ = self.0.user.set(user);
    }

    fn route(&self) -> &str {
        self.0.route.get().map_or(NO_ROUTE, MatchedPath::as_str)
    }
}

/// Notes the route of a request that matched one.
pub fn matched(extensions: &Extensions) {
    if let (Some(visit), Some(route)) = (extensions.get::<Visit>(), extensions.get::<MatchedPath>()) {
        let _ = visit.0.route.set(route.clone());
    }
}

/// A request that is being answered. It is told when this is dropped, however it ends: who breaks the connection off
/// once his password was compared leaves his line, too.
pub struct Entry {
    visit: Visit,
    begun: Instant,
    method: &'static str,
    address: Option<IpAddr>,
    status: u16,
    metrics: Option<Arc<Metrics>>,
}

impl Entry {
    /// The entry of a request that begins now; puts its [`Visit`] beside it.
    pub fn of(request: &mut Request, metrics: Option<Arc<Metrics>>) -> Self {
        let visit = Visit::default();
        request.extensions_mut().insert(visit.clone());
        let address = request.extensions().get::<Client>().map(|client| client.address);
        let method = word(request.method());
        Self { visit, begun: Instant::now(), method, address, status: WENT_AWAY, metrics }
    }

    /// The answer is there.
    pub fn answered(mut self, status: StatusCode) {
        self.status = status.as_u16();
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let (route, time) = (self.visit.route(), self.begun.elapsed());
        if let Some(metrics) = &self.metrics {
            metrics.answered((self.method, route), self.status, time);
        }
        let known = &self.visit.0;
        tracing::info!(
            target: "authsrv::access",
            method = self.method,
            route,
            status = self.status,
            micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX),
            client = self.address.map(tracing::field::display),
            user_id = known.user.get().map(|user| user.0),
            dialect = known.dialect.get(),
            "request"
        );
    }
}

/// The method in one of our own words.
fn word(method: &Method) -> &'static str {
    const KNOWN: [Method; 7] =
        [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::HEAD, Method::OPTIONS];
    const WORDS: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
    KNOWN.iter().zip(WORDS).find(|(known, _)| *known == method).map_or(OTHER_METHOD, |(_, word)| word)
}
