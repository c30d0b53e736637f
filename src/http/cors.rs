//! Calls from pages of other origins: what a browser is told, by the setting `cors.origins` (empty: nothing at all).
//!
//! An origin counts only as a whole, byte by byte: no pattern, no `null`. Credentials travel in headers that the page sets
//! itself, so cookies are never allowed. A preflight is answered here, before any route: it needs no credentials, counts
//! nowhere and does nothing. The public keys are open to every page without this (`wellknown.rs`).

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, ALLOW, ORIGIN, VARY,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use tower::ServiceExt;

use crate::domain::settings::Settings;

/// Headers that a page may send besides those that it may send anyway.
const HEADERS: &str = "accept, accept-language, authorization, content-type, x-csrftoken, x-requested-with";
/// Headers that a page may read besides those that it may read anyway.
const EXPOSED: &str = "Link, Retry-After, WWW-Authenticate, X-Request-Id";

/// What a request says of the page that sends it.
pub struct Page {
    origin: Option<HeaderValue>,
    is_preflight: bool,
}

impl Page {
    /// Of this request. Two origins are none.
    pub fn of(request: &Request) -> Self {
        let headers = request.headers();
        let mut origins = headers.get_all(ORIGIN).iter();
        let origin = origins.next().filter(|_| origins.next().is_none()).cloned();
        let asks = request.method() == Method::OPTIONS && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
        Self { is_preflight: asks && origin.is_some(), origin }
    }

    /// Whether a browser asks here, before it sends the page's request, if it may.
    pub fn is_preflight(&self) -> bool {
        self.is_preflight
    }

    /// Whether the setting names the page's origin.
    pub fn is_allowed(&self, settings: &Settings) -> bool {
        let named = |origin: &HeaderValue| settings.cors_origins().iter().any(|known| known.as_bytes() == origin);
        self.origin.as_ref().is_some_and(named)
    }

    /// Adds what a browser needs to let the page see the answer; what is open to every page stays so. That an answer
    /// depends on the origin is told to caches whoever asks, or one page would be served what was kept for another.
    pub fn dress(&self, settings: &Settings, headers: &mut HeaderMap) {
        if headers.contains_key(ACCESS_CONTROL_ALLOW_ORIGIN) || settings.cors_origins().is_empty() {
            return;
        }
        vary(headers);
        if let Some(origin) = self.origin.clone().filter(|_| self.is_allowed(settings)) {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
        }
    }
}

/// The answer to a preflight for `uri`; `methods` knows the methods of each path.
pub async fn preflight(methods: &Router, uri: &Uri, settings: &Settings) -> Response {
    let mut asked = Request::new(Body::empty());
    *asked.uri_mut() = uri.clone();
    let allow = match methods.clone().oneshot(asked).await {
        Ok(response) => response.headers().get(ALLOW).cloned(),
        Err(never) => match never {},
    };
    let headers = [
        (ACCESS_CONTROL_ALLOW_METHODS, allow.unwrap_or(HeaderValue::from_static(super::shell::METHODS))),
        (ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(HEADERS)),
        (ACCESS_CONTROL_MAX_AGE, HeaderValue::from(settings.cors_max_age().as_secs())),
    ];
    (StatusCode::NO_CONTENT, headers).into_response()
}

/// Adds `Origin` to what an answer depends on.
fn vary(headers: &mut HeaderMap) {
    let before: Vec<&str> = headers.get_all(VARY).iter().filter_map(|value| value.to_str().ok()).collect();
    let all = [before.as_slice(), &["Origin"]].concat().join(", ");
    if let Ok(all) = HeaderValue::from_str(&all) {
        headers.insert(VARY, all);
    }
}
