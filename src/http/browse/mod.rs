//! The browsable side of the API (S2-12, S3-3): what a browser gets where a client gets JSON.
//!
//! A page around the very answer that a client would have got, with its status and headers: the answer for eyes, what the
//! route table says of the path, and a form to try its methods. The page is whole without its script; the script adds the
//! form, keeps the token that is typed in memory alone, and shows what comes back as text.
//!
//! No dialect: it serves no path but its files (`/api/browse/…`, by [`docs`](super::docs)). All that is not a template goes
//! through [`minijinja`]'s escaping, and the policy of the pages lets nothing run but the one script.

pub mod files;
pub mod guide;
mod json;
mod page;

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::extract::Request;
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::http::{HeaderMap, Method};
use axum::response::Response;
use axum::routing::Route;
use axum::routing::future::RouteFuture;
use futures_util::future::Either;
use tower::{Layer, Service};

pub use guide::{Guide, Guides};
pub use page::{Asked, around};

/// Answers requests on a path without a view: with the page where a browser asks, else as if it were not there.
#[derive(Clone)]
pub struct Browsable(pub Arc<Guide>);

impl Layer<Route> for Browsable {
    type Service = BrowsableRoute;

    fn layer(&self, route: Route) -> BrowsableRoute {
        BrowsableRoute { guide: Arc::clone(&self.0), route }
    }
}

/// A route with [`Browsable`] around it. Not made of a function, whose future would cost every request that no browser sent.
#[derive(Clone)]
pub struct BrowsableRoute {
    guide: Arc<Guide>,
    route: Route,
}

impl Service<Request> for BrowsableRoute {
    type Response = Response;
    type Error = Infallible;
    type Future = Either<RouteFuture<Infallible>, Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let reads = request.method() == Method::GET || request.method() == Method::HEAD;
        if !(reads && is_browser(request.headers())) {
            return Either::Left(self.route.call(request));
        }
        let (asked, guide) = (Asked::of(&request), Arc::clone(&self.guide));
        let answer = self.route.call(request);
        Either::Right(Box::pin(async move {
            let answer = answer.await?;
            let is_json = answer.headers().get(CONTENT_TYPE).is_some_and(|kind| kind == "application/json");
            Ok(if is_json { around(&guide, &asked, answer).await } else { answer })
        }))
    }
}

/// Whether HTML is named in `Accept`, and before any JSON: `*/*` and what libraries send is JSON.
fn is_browser(headers: &HeaderMap) -> bool {
    let values = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut ranges = values.flat_map(|value| value.split(',')).map(|range| {
        let essence = range.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
        (essence == "text/html", essence == "application/json" || essence.ends_with("+json"))
    });
    ranges.find(|(html, json)| *html || *json).is_some_and(|(html, _)| html)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_browsers_get_pages() {
        for (accept, page) in [
            ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", true),
            ("text/html", true),
            ("*/*", false),
            ("", false),
            ("application/json, text/plain, */*", false),
            ("application/json, text/html", false),
            ("application/problem+json;q=1, text/html", false),
            ("text/*", false),
        ] {
            let headers = [(ACCEPT, accept.parse().unwrap_or(axum::http::HeaderValue::from_static("")))];
            assert_eq!(is_browser(&headers.into_iter().collect()), page, "{accept}");
        }
        assert!(!is_browser(&HeaderMap::new()));
    }
}
