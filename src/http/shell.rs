//! What every answer passes, whatever route or dialect: a request id, security headers, limits, panics, the access log.

use std::convert::Infallible;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, SERVER, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use tower::{Service, ServiceExt};
use tracing::Instrument;

use super::answers;
use super::client::Clients;
use super::cors::{self, Page};
use super::drf::view::Suffix;
use super::metrics::Metrics;
use super::outside::Outside;
use super::visit::Entry;

/// Longest target of a request (path and query), in bytes.
const TARGET_MAX: usize = 8 * 1024;
/// Longest time for an answer, reading the body included.
const ANSWER_TIME: Duration = Duration::from_secs(30);
/// Methods that exist here at all.
pub(super) const METHODS: &str = "GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS";

/// Headers of every answer that does not say otherwise itself.
const HEADERS: [(HeaderName, &str); 8] = [
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (REFERRER_POLICY, "same-origin"),
    (X_FRAME_OPTIONS, "DENY"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), "camera=(), microphone=(), geolocation=(), payment=()"),
    (CACHE_CONTROL, "no-store"),
    (CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"),
];

/// The path as the client wrote it, put beside the request.
#[derive(Debug, Clone)]
pub struct Target(pub String);

/// Put beside a request that only stands for a head that was not let through.
#[derive(Debug, Clone, Copy)]
pub struct Refused(pub StatusCode);

/// What the shell knows of the paths inside.
pub struct Paths {
    /// Beginnings of those whose last segment may end with a format.
    pub suffixed: Vec<&'static str>,
    /// Tells the methods of each.
    pub methods: Router,
}

/// What the shell looks at, and what it tells.
#[derive(Clone)]
pub struct Watch {
    /// Tells where a request comes from.
    pub clients: Clients,
    /// The settings that every answer obeys.
    pub outside: Outside,
    /// Where answers are counted, if anywhere.
    pub metrics: Option<Arc<Metrics>>,
}

/// The routes inside the shell.
pub fn around(routes: Router, paths: Paths, watch: Watch) -> Shell {
    Shell { routes, paths: Arc::new(paths), watch }
}

/// See [`around`]. A service around the router, not a layer on its routes: it must see a request before the lookup.
#[derive(Clone)]
pub struct Shell {
    routes: Router,
    paths: Arc<Paths>,
    watch: Watch,
}

impl Service<Request> for Shell {
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let shell = self.clone();
        let id = uuid::Uuid::new_v4().to_string();
        // Every line that is logged on behalf of the request has its id.
        let span = tracing::error_span!(target: "authsrv::request", "request", request_id = %id);
        Box::pin(async move { Ok(shell.attend(request, &id).await) }.instrument(span))
    }
}

impl Shell {
    async fn attend(self, mut request: Request, id: &str) -> Response {
        if let Some(client) = self.watch.clients.of(&request) {
            request.extensions_mut().insert(client);
        }
        let entry = Entry::of(&mut request, self.watch.metrics.clone());
        let (outside, page) = (self.watch.outside.of_request(), Page::of(&request));
        request.extensions_mut().insert(outside.clone());
        let mut response = match refuse_early(&request) {
            Some(refusal) => refusal,
            None => self.serve(request, &page).await,
        };
        let settings = outside.settings().await;
        dress(response.headers_mut(), id);
        page.dress(&settings, response.headers_mut());
        if outside.is_https(&settings) {
            response.headers_mut().insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
        }
        entry.answered(response.status());
        response
    }

    /// What the routes answer, or in their place what a browser is told that asks for an allowed page.
    async fn serve(self, mut request: Request, page: &Page) -> Response {
        let written = request.uri().path().to_owned();
        if let Some((path, format)) = suffix(&written, &self.paths.suffixed) {
            request.extensions_mut().insert(Suffix(format.to_owned()));
            if let Some(uri) = with_path(request.uri(), path) {
                *request.uri_mut() = uri;
            }
        }
        if let Some(uri) = without_slash(request.uri()) {
            *request.uri_mut() = uri;
        }
        if page.is_preflight()
            && let Some(outside) = request.extensions().get::<Outside>().cloned()
        {
            let settings = outside.settings().await;
            if page.is_allowed(&settings) {
                return cors::preflight(&self.paths.methods, request.uri(), &settings).await;
            }
        }
        request.extensions_mut().insert(Target(written));
        answer(self.routes, request).await
    }
}

/// The answer in place of a head that is not let through; the connection ends with it.
fn refusal(status: StatusCode) -> Response {
    let (code, detail) = match status {
        StatusCode::URI_TOO_LONG => ("uri_too_long", "The address is too long."),
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => ("headers_too_large", "The headers are too many or too long."),
        _ => ("bad_request", "This is not a well-formed HTTP/1.1 request."),
    };
    answers::closing(answers::error(status, code, detail))
}

/// Requests that no route sees.
fn refuse_early(request: &Request) -> Option<Response> {
    if let Some(Refused(status)) = request.extensions().get() {
        return Some(refusal(*status));
    }
    let target = request.uri().path_and_query().map_or("", PathAndQuery::as_str);
    if target.len() > TARGET_MAX {
        return Some(refusal(StatusCode::URI_TOO_LONG));
    }
    let asks_server = request.uri().path() == "*";
    if request.method() == Method::CONNECT || (asks_server && request.method() != Method::OPTIONS) {
        let detail = format!("Method \"{}\" not allowed.", request.method());
        let refusal = answers::error(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", &detail);
        return Some(([(ALLOW, METHODS)], refusal).into_response());
    }
    asks_server.then(|| ([(ALLOW, METHODS)], StatusCode::OK).into_response())
}

async fn answer(routes: Router, request: Request) -> Response {
    let answer = CatchPanic(Box::pin(routes.oneshot(request)));
    match tokio::time::timeout(ANSWER_TIME, answer).await {
        Ok(Some(Ok(response))) => response,
        Ok(Some(Err(never))) => match never {},
        // The panic itself is logged where it happens.
        Ok(None) => answers::internal(),
        Err(_) => {
            tracing::error!("an answer was not there in time");
            answers::overdue()
        }
    }
}

/// The same address without the slash at the end of its path (D-4).
fn without_slash(uri: &Uri) -> Option<Uri> {
    let path = uri.path().strip_suffix('/').filter(|path| !path.is_empty() && !path.ends_with('/'))?;
    with_path(uri, path)
}

/// A path without the format that it ends with, and that format: `users` and `json` out of `users.json`. Only the root
/// has it after a slash.
fn suffix<'a>(path: &'a str, prefixes: &[&str]) -> Option<(&'a str, &'a str)> {
    let prefix = prefixes.iter().find(|prefix| path.starts_with(**prefix))?;
    let (rest, format) = path.strip_suffix('/').unwrap_or(path).rsplit_once('.')?;
    let is_format = !format.is_empty() && format.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let ends_a_word = rest == *prefix || !rest.ends_with('/');
    (is_format && ends_a_word).then_some((rest, format))
}

/// The same address with another path.
fn with_path(uri: &Uri, path: &str) -> Option<Uri> {
    let target = uri.query().map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"));
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(target.parse().ok()?);
    Uri::from_parts(parts).ok()
}

/// Gives an answer the headers that every answer has.
pub fn harden(headers: &mut HeaderMap) {
    for (name, value) in HEADERS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    headers.remove(SERVER);
}

fn dress(headers: &mut HeaderMap, id: &str) {
    harden(headers);
    // A dialect may have to give back the one that the client sent.
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.entry(HeaderName::from_static("x-request-id")).or_insert(id);
    }
}

/// A future that ends with `None` where the inner one panics.
struct CatchPanic<F>(Pin<Box<F>>);

impl<F: Future> Future for CatchPanic<F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match std::panic::catch_unwind(AssertUnwindSafe(|| self.0.as_mut().poll(context))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(output)) => Poll::Ready(Some(output)),
            Err(_) => Poll::Ready(None),
        }
    }
}
