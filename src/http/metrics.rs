//! Numbers for Prometheus, on an address of their own: `GET /metrics` (text format 0.0.4).
//!
//! Labels are route templates and fixed words, never anything that a client sends: nobody can make them grow, and no
//! secret can get into one. What is not counted as it happens is looked up when somebody asks.

mod process;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::header::{ALLOW, CONTENT_TYPE};
use axum::http::{Method, StatusCode};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::{Router, routing};
use prometheus::{
    Gauge, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, Opts, Registry, TextEncoder,
};
use tokio::sync::Mutex;

use super::fault::Fault;
use super::{answers, shell};
use crate::domain::error::Error;
use crate::service::{Env, vitals};

/// Upper bounds of the buckets of times, in seconds: from a token check to the longest time for an answer.
const BUCKETS: [f64; 14] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// What is counted of a server, and what is looked up of it.
pub struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    times: HistogramVec,
    logins: IntCounterVec,
    refused: IntCounterVec,
    looked_up: LookedUp,
    env: Arc<Env>,
    /// The files of the database, the main one first.
    files: Vec<PathBuf>,
    /// One look at a time: it takes a connection, and few ask.
    turn: Mutex<()>,
}

/// What is looked up when somebody asks.
struct LookedUp {
    hash_running: IntGauge,
    hash_waiting: IntGauge,
    hash_rejected: IntCounter,
    sessions: IntGauge,
    mails: IntGauge,
    database_up: IntGauge,
    database_size: IntGauge,
    log_size: IntGauge,
    process: process::Process,
}

/// Makes the metrics of one registry.
struct Maker(Registry);

impl Maker {
    fn keep<M: prometheus::core::Collector + Clone + 'static>(&self, metric: M) -> prometheus::Result<M> {
        self.0.register(Box::new(metric.clone()))?;
        Ok(metric)
    }

    fn gauge(&self, name: &str, help: &str) -> prometheus::Result<IntGauge> {
        self.keep(IntGauge::new(name, help)?)
    }

    fn fractional(&self, name: &str, help: &str) -> prometheus::Result<Gauge> {
        self.keep(Gauge::new(name, help)?)
    }

    fn counter(&self, name: &str, help: &str) -> prometheus::Result<IntCounter> {
        self.keep(IntCounter::new(name, help)?)
    }

    fn counters(&self, name: &str, help: &str, labels: &[&str]) -> prometheus::Result<IntCounterVec> {
        self.keep(IntCounterVec::new(Opts::new(name, help), labels)?)
    }
}

impl LookedUp {
    fn new(make: &Maker) -> prometheus::Result<Self> {
        Ok(Self {
            hash_running: make.gauge("authsrv_hash_running", "Passwords that are being hashed.")?,
            hash_waiting: make.gauge("authsrv_hash_queue_depth", "Passwords that wait to be hashed.")?,
            hash_rejected: make.counter(
                "authsrv_hash_rejected_total",
                "Passwords that were not hashed, because too many waited or the wait took too long.",
            )?,
            sessions: make.gauge("authsrv_sessions_active", "Sessions that have neither ended nor expired.")?,
            mails: make.gauge("authsrv_mails_waiting", "Mails that have not been sent yet.")?,
            database_up: make.gauge("authsrv_database_up", "Whether the database could be read just now.")?,
            database_size: make.gauge("authsrv_database_size_bytes", "Size of the database file.")?,
            log_size: make.gauge("authsrv_database_wal_size_bytes", "Size of the write-ahead log beside it.")?,
            process: process::Process::new(make)?,
        })
    }
}

impl Metrics {
    /// Of a server on this database, which consists of `files`, the main one first and its log second.
    ///
    /// # Errors
    /// `Internal` when a name is no name or given twice, which would be a fault of ours.
    pub fn new(env: Arc<Env>, files: &[PathBuf]) -> Result<Self, Error> {
        Self::made(env, files.to_vec()).map_err(Error::internal)
    }

    fn made(env: Arc<Env>, files: Vec<PathBuf>) -> prometheus::Result<Self> {
        let make = Maker(Registry::new());
        let build = make.keep(prometheus::IntGaugeVec::new(
            Opts::new("authsrv_build_info", "The program; always 1."),
            &["version"],
        )?)?;
        build.get_metric_with_label_values(&[env!("CARGO_PKG_VERSION")])?.set(1);
        let times = HistogramOpts::new("authsrv_http_request_duration_seconds", "Time until the answer was there.");
        let times = HistogramVec::new(times.buckets(BUCKETS.to_vec()), &["method", "route"])?;
        let logins = make.counters("authsrv_logins_total", "Sign-ins by password.", &["result"])?;
        for result in RESULTS {
            logins.get_metric_with_label_values(&[result])?;
        }
        Ok(Self {
            requests: make.counters(
                "authsrv_http_requests_total",
                "Requests; status 499 where the client went away.",
                &["method", "route", "status"],
            )?,
            times: make.keep(times)?,
            logins,
            refused: make.counters("authsrv_refused_total", "Requests that were refused.", &["reason"])?,
            looked_up: LookedUp::new(&make)?,
            registry: make.0,
            env,
            files,
            turn: Mutex::default(),
        })
    }

    /// Counts a request that is over.
    pub fn answered(&self, (method, route): (&str, &str), status: u16, time: Duration) {
        if let Ok(times) = self.times.get_metric_with_label_values(&[method, route]) {
            times.observe(time.as_secs_f64());
        }
        count(&self.requests, &[method, route, &status.to_string()]);
        if let Some(reason) = reason(status) {
            count(&self.refused, &[reason]);
        }
    }

    /// Counts a sign-in by password.
    pub fn tried<T>(&self, outcome: &Result<T, Fault>) {
        count(&self.logins, &[result(outcome)]);
    }

    /// Everything, in the text format. Blocks.
    fn told(&self) -> Result<String, Error> {
        let (seen, hashing) = (&self.looked_up, self.env.hasher.load());
        seen.hash_running.set(whole(hashing.running as u64));
        seen.hash_waiting.set(whole(hashing.waiting as u64));
        seen.hash_rejected.inc_by(hashing.rejected.saturating_sub(seen.hash_rejected.get()));
        let vitals = vitals::look(&self.env);
        seen.database_up.set(i64::from(vitals.is_ok()));
        // What cannot be read now stays as it was found last.
        if let Ok(vitals) = vitals {
            seen.sessions.set(whole(vitals.live_sessions));
            seen.mails.set(whole(vitals.waiting_mails));
        }
        // Never opened: closing it would drop the locks of SQLite.
        let size = |nth: usize| self.files.get(nth).and_then(|path| path.metadata().ok()).map_or(0, |file| file.len());
        seen.database_size.set(whole(size(0)));
        seen.log_size.set(whole(size(1)));
        seen.process.look();
        TextEncoder::new().encode_to_string(&self.registry.gather()).map_err(Error::internal)
    }
}

fn count(counters: &IntCounterVec, labels: &[&str]) {
    // Fails for a wrong number of labels alone.
    if let Ok(counter) = counters.get_metric_with_label_values(labels) {
        counter.inc();
    }
}

fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The words for how a sign-in ends.
const RESULTS: [&str; 6] = ["success", "failure", "throttled", "invalid", "unavailable", "error"];

fn result<T>(outcome: &Result<T, Fault>) -> &'static str {
    let [success, failure, throttled, invalid, unavailable, error] = RESULTS;
    match outcome {
        Ok(_) => success,
        Err(Fault::Hidden | Fault::Unreadable(_)) => invalid,
        Err(Fault::Refused(refusal) | Fault::Credentials(refusal)) => match refusal {
            Error::Unauthenticated(_) | Error::Forbidden(_) => failure,
            Error::Invalid(_) | Error::NotFound(_) | Error::Conflict(_) => invalid,
            Error::TooMany { .. } => throttled,
            Error::Unavailable { .. } => unavailable,
            Error::Internal(_) => error,
        },
    }
}

/// Why a request was refused, by the status that said so.
fn reason(status: u16) -> Option<&'static str> {
    match status {
        401 => Some("unauthenticated"),
        403 => Some("forbidden"),
        404 => Some("not_found"),
        405 => Some("method_not_allowed"),
        408 => Some("too_slow"),
        409 => Some("conflict"),
        413 | 414 | 431 => Some("too_large"),
        429 => Some("throttled"),
        499 => None,
        400..=498 => Some("invalid"),
        503 => Some("unavailable"),
        500.. => Some("error"),
        _ => None,
    }
}

/// What listens for Prometheus: `/metrics` and nothing else. It asks for no credentials.
pub fn router(metrics: Arc<Metrics>) -> Router {
    let only_get = async |method: Method| {
        let detail = format!("Method \"{method}\" not allowed.");
        let refusal = answers::error(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", &detail);
        ([(ALLOW, "GET, HEAD")], refusal)
    };
    Router::new()
        .route("/metrics", routing::get(tell).fallback(only_get).with_state(metrics))
        .fallback(async || answers::not_found())
        .layer(map_response(async |mut response: Response| {
            shell::harden(response.headers_mut());
            response
        }))
}

async fn tell(State(metrics): State<Arc<Metrics>>) -> Response {
    let _turn = metrics.turn.lock().await;
    let asked = Arc::clone(&metrics);
    match tokio::task::spawn_blocking(move || asked.told()).await {
        Ok(Ok(text)) => ([(CONTENT_TYPE, prometheus::TEXT_FORMAT)], text).into_response(),
        Ok(Err(cause)) => {
            tracing::error!(%cause, "the metrics cannot be told");
            answers::internal()
        }
        Err(_) => answers::internal(),
    }
}
