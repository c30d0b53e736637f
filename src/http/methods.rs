//! The methods of one path together: OPTIONS names them, any other is refused, and browsers get a page.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::Request;
use axum::http::header::{ALLOW, AUTHORIZATION};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::MethodRouter;
use tower::{Service, ServiceExt};

use super::browse::{Browsable, Guide};
use super::call::{Call, Shared};
use super::drf::View;
use super::fault::Fault;
use super::routes::{Dialect, Route};
use super::{answers, drf};
use crate::domain::error::Error;

/// The view of a path and the dialect that it belongs to.
type Viewed = (&'static Dialect, &'static View);

/// The methods of one path.
#[derive(Default)]
pub struct Methods {
    routes: MethodRouter<Arc<Shared>>,
    known: Vec<Method>,
}

impl Methods {
    /// Adds a route.
    pub fn add(&mut self, route: Route) {
        self.routes = std::mem::take(&mut self.routes).merge(route.methods);
        self.known.push(route.info.method);
    }

    /// These, OPTIONS, and the refusal of all others, in the manner of the path's view if it has one.
    pub fn with_the_rest(self, view: Option<Viewed>, guide: Option<Arc<Guide>>) -> MethodRouter<Arc<Shared>> {
        let allow = allowed(&self.known);
        if let (Some(view), Some(guide)) = (view, &guide) {
            return drf::view::around(self.routes, view, allow, Arc::clone(guide));
        }
        let refuse = allow.clone();
        let routes = self
            .routes
            .options(async move |call: Call| counted(call, with_allow(StatusCode::OK.into_response(), &allow)).await)
            .fallback(async move |method: Method, call: Call| counted(call, not_allowed(&method, &refuse)).await);
        match guide {
            Some(guide) => routes.layer::<_, Infallible>(Browsable(guide)),
            None => routes,
        }
    }

    /// The same, but that whoever sends no credentials gets the twin of one of the routes.
    pub fn or_twin(
        self,
        twin: Route,
        (view, guide): (Option<Viewed>, Option<Arc<Guide>>),
        shared: Arc<Shared>,
    ) -> impl Service<Request, Response = Response, Error = Infallible, Future = impl Send> + Clone + Send + Sync + 'static
    {
        let method = twin.info.method.clone();
        let anonymous = Self { routes: twin.methods, known: self.known.clone() }.with_the_rest(view, guide.clone());
        let (known, anonymous) = (self.with_the_rest(None, guide), anonymous);
        let (known, anonymous) = (known.with_state(Arc::clone(&shared)), anonymous.with_state(shared));
        tower::service_fn(move |request: Request| {
            let is_anonymous = *request.method() == method && !request.headers().contains_key(AUTHORIZATION);
            if is_anonymous { anonymous.clone().oneshot(request) } else { known.clone().oneshot(request) }
        })
    }
}

/// Names the methods of a path, in `Allow`, whatever is asked, and does nothing.
pub fn named(known: &[Method]) -> MethodRouter {
    let allow = allowed(known);
    axum::routing::any(move || std::future::ready(with_allow(StatusCode::NO_CONTENT.into_response(), &allow)))
}

/// `Allow` in the order of Django REST framework.
fn allowed(known: &[Method]) -> HeaderValue {
    let order = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
    let mut names: Vec<&str> = order.iter().filter(|method| known.contains(method)).map(Method::as_str).collect();
    if known.contains(&Method::GET) {
        names.push("HEAD");
    }
    names.push("OPTIONS");
    HeaderValue::from_str(&names.join(", ")).unwrap_or(HeaderValue::from_static("OPTIONS"))
}

/// An answer that no operation gives, unless the rates refuse even that.
async fn counted(call: Call, answer: Response) -> Response {
    match call.counted().await {
        Err(Fault::Refused(Error::TooMany { retry_after })) => answers::throttled(retry_after),
        // Whatever else prevents counting does not prevent this.
        Ok(()) | Err(_) => answer,
    }
}

fn with_allow(mut response: Response, allow: &HeaderValue) -> Response {
    response.headers_mut().insert(ALLOW, allow.clone());
    response
}

fn not_allowed(method: &Method, allow: &HeaderValue) -> Response {
    let detail = format!("Method \"{method}\" not allowed.");
    with_allow(answers::error(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", &detail), allow)
}
