//! What every answer passes, whatever route or dialect: a request id, security headers, limits, panics, the access log.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

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

use super::answers;
use super::client::Clients;
use super::cors::{self, Page};
use super::drf::view::Suffix;
use super::outside::Outside;
use crate::service::Env;

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
    /// The segments that they are made of.
    pub words: BTreeSet<String>,
    /// Beginnings of those whose last segment may end with a format.
    pub suffixed: Vec<&'static str>,
    /// Tells the methods of each.
    pub methods: Router,
}

/// The routes inside the shell.
pub fn around(routes: Router, paths: Paths, env: Arc<Env>) -> Router {
    Router::new().fallback_service(Shell {
        routes,
        paths: Arc::new(paths),
        clients: Clients::new(Arc::clone(&env)),
        outside: Outside::new(env),
    })
}

/// See [`around`]. A service around the router, not a layer on its routes: it must see a request before the lookup.
#[derive(Clone)]
struct Shell {
    routes: Router,
    paths: Arc<Paths>,
    clients: Clients,
    outside: Outside,
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
        Box::pin(async move { Ok(shell.attend(request).await) })
    }
}

impl Shell {
    async fn attend(self, mut request: Request) -> Response {
        let begun = Instant::now();
        let id = uuid::Uuid::new_v4().to_string();
        let (method, path) = (request.method().clone(), loggable(request.uri().path(), &self.paths.words));
        let client = self.clients.of(&request);
        if let Some(client) = client {
            request.extensions_mut().insert(client);
        }
        let (outside, page) = (self.outside.of_request(), Page::of(&request));
        request.extensions_mut().insert(outside.clone());
        let mut response = match refuse_early(&request) {
            Some(refusal) => refusal,
            None => self.serve(request, &page, &id).await,
        };
        let settings = outside.settings().await;
        dress(response.headers_mut(), &id);
        page.dress(&settings, response.headers_mut());
        if settings.public_is_https() {
            response.headers_mut().insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
        }
        let status = response.status().as_u16();
        let micros = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
        tracing::info!(target: "authsrv::access", %method, %path, client = client.map(|client| tracing::field::display(client.address)), status, micros, request_id = %id, "request");
        response
    }

    /// What the routes answer, or in their place what a browser is told that asks for an allowed page.
    async fn serve(self, mut request: Request, page: &Page, id: &str) -> Response {
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
        answer(self.routes, request, id).await
    }
}

/// A path as it may be logged: of words that routes are made of, and ids. Anything else could be a token or a password
/// in the wrong place.
fn loggable(path: &str, words: &BTreeSet<String>) -> String {
    let is_id = |segment: &str| segment.len() < 20 && segment.bytes().all(|byte| byte.is_ascii_digit());
    let shown = |segment| if is_id(segment) || words.contains(segment) { segment } else { "…" };
    path.split('/').map(shown).collect::<Vec<_>>().join("/")
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

async fn answer(routes: Router, request: Request, id: &str) -> Response {
    let answer = CatchPanic(Box::pin(routes.oneshot(request)));
    match tokio::time::timeout(ANSWER_TIME, answer).await {
        Ok(Some(Ok(response))) => response,
        Ok(Some(Err(never))) => match never {},
        Ok(None) => {
            tracing::error!(request_id = %id, "a handler panicked");
            answers::internal()
        }
        Err(_) => answers::overdue(),
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

fn dress(headers: &mut HeaderMap, id: &str) {
    for (name, value) in HEADERS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    headers.remove(SERVER);
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(HeaderName::from_static("x-request-id"), id);
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
