//! Views: what Django REST framework does around the methods of one path, in its order: a renderer is chosen (406, or 404
//! for an unknown format), then [`Call`] authenticates, asks the guard and the throttle (401, 403, 429), and only then it
//! matters whether the path has the method (405). Every answer says what the path allows and what it varies by.

use std::convert::Infallible;
use std::sync::{Arc, OnceLock};

use axum::Extension;
use axum::body::to_bytes;
use axum::extract::{FromRequestParts, RawPathParams, Request};
use axum::http::header::{ALLOW, CONTENT_TYPE, VARY, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::MethodRouter;
use axum::{Json, body::Body as Bytes};
use serde::Serialize;
use serde_json::Value;
use serde_json::ser::{PrettyFormatter, Serializer};

use super::failure::{self, USER};
use super::metadata::{self, Action};
use super::negotiation::{self, NoRenderer, Renderer};
use crate::domain::settings::Authenticator;
use crate::http::answers;
use crate::http::browse::{self, Asked, Guide};
use crate::http::call::{Call, Shared};
use crate::http::routes::{Dialect, Guard, Mark};
use crate::http::visit;
use crate::service::Ctx;

/// Longest answer that is written anew, in bytes: a list of the longest page is well below.
const ANSWER_MAX: usize = 16 * 1024 * 1024;

/// Fields that a view takes, for a caller who may send them: with the texts that stand in the path for its parameters.
pub type Fields = fn(&Ctx, &[String]) -> Option<Action>;

/// What the framework knows of the methods of one path together.
#[derive(Debug)]
pub struct View {
    /// As OPTIONS and the page call it: `Token Obtain Pair`.
    pub name: &'static str,
    /// What it is for.
    pub description: &'static str,
    /// Whether credentials are looked at; bad ones are then refused even where none are needed.
    pub authenticates: bool,
    /// What OPTIONS asks of the caller, and methods that the path lacks.
    pub guard: Guard,
    /// Whether browsers get a page.
    pub browsable: bool,
    /// Whether the setting `account.open` lets everybody in (S0-22).
    pub opens: bool,
    /// What OPTIONS lists of its fields.
    pub fields: Option<Fields>,
}

/// The ending of a path that names a format (`users.json`), put beside the request.
#[derive(Debug, Clone)]
pub struct Suffix(pub String);

/// What a call learnt of how callers prove who they are; put beside the request, filled in by [`Call`].
#[derive(Debug, Clone, Default)]
pub struct Seen(Arc<OnceLock<Sight>>);

#[derive(Debug)]
struct Sight {
    first: Option<Authenticator>,
    looked_at_session: bool,
}

impl Seen {
    /// Notes the authenticators, and whether one of them has found somebody or refused what it found.
    pub fn note(&self, authenticators: &[Authenticator], decided: bool) {
        let looked_at_session = !decided && authenticators.contains(&Authenticator::Session);
        let _ = self.0.set(Sight { first: authenticators.first().copied(), looked_at_session });
    }

    fn first(&self) -> Authenticator {
        self.0.get().and_then(|sight| sight.first).unwrap_or(Authenticator::Jwt)
    }

    fn looked_at_session(&self) -> bool {
        self.0.get().is_some_and(|sight| sight.looked_at_session)
    }
}

/// The methods of a path with all that surrounds them.
pub fn around(
    methods: MethodRouter<Arc<Shared>>,
    (dialect, view): (&'static Dialect, &'static View),
    allow: HeaderValue,
    guide: Arc<Guide>,
) -> MethodRouter<Arc<Shared>> {
    let mark = Mark { dialect, guard: view.guard, view: Some(view) };
    let around = move |request: Request, next: Next| attend(view, (allow.clone(), Arc::clone(&guide)), request, next);
    methods
        .options(move |call: Call, arguments: Arguments| options(view, call, arguments))
        .fallback(move |method: Method, call: Call| refuse(method, call))
        .layer::<_, Infallible>(from_fn(around))
        .layer::<_, Infallible>(Extension(mark))
}

/// The texts that stand in the path for its parameters.
struct Arguments(Vec<String>);

impl<S: Send + Sync> FromRequestParts<S> for Arguments {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut axum::http::request::Parts, state: &S) -> Result<Self, Self::Rejection> {
        let found = RawPathParams::from_request_parts(parts, state).await;
        Ok(Self(found.map(|all| all.iter().map(|(_, value)| value.to_owned()).collect()).unwrap_or_default()))
    }
}

async fn options(view: &'static View, call: Call, arguments: Arguments) -> Response {
    let told = call.run(move |ctx| Ok(view.fields.and_then(|fields| fields(ctx, &arguments.0)))).await;
    match told {
        Ok(action) => Json(metadata::describe(view, action)).into_response(),
        Err(fault) => failure::respond(fault, &USER),
    }
}

async fn refuse(method: Method, call: Call) -> Response {
    match call.run(|_| Ok(())).await {
        Ok(()) => failure::detail(StatusCode::METHOD_NOT_ALLOWED, &format!("Method \"{method}\" not allowed.")),
        Err(fault) => failure::respond(fault, &USER),
    }
}

async fn attend(
    view: &'static View,
    (allow, guide): (HeaderValue, Arc<Guide>),
    mut request: Request,
    next: Next,
) -> Response {
    visit::matched(request.extensions());
    let seen = Seen::default();
    request.extensions_mut().insert(seen.clone());
    let renderer = negotiation::choose(request.headers(), &format(&request), view.browsable);
    let asked = (renderer == Ok(Renderer::Html)).then(|| Asked::of(&request));
    let response = match renderer {
        Ok(Renderer::Html) => next.run(request).await,
        Ok(Renderer::Json(indent)) => indented(next.run(request).await, indent).await,
        Err(NoRenderer::UnknownFormat) => failure::detail(StatusCode::NOT_FOUND, "Not found."),
        Err(NoRenderer::NotAcceptable) => {
            failure::detail(StatusCode::NOT_ACCEPTABLE, "Could not satisfy the request Accept header.")
        }
    };
    let mut response = dress(by_session(response, view, &seen), view, &seen, allow);
    let Some(asked) = asked else { return response };
    // The original's page names the user of the session.
    response.headers_mut().insert(VARY, HeaderValue::from_static("Accept, Cookie"));
    browse::around(&guide, &asked, response).await
}

/// Where sessions are looked at first, nobody can be asked for credentials: 401 becomes 403.
fn by_session(mut response: Response, view: &View, seen: &Seen) -> Response {
    if view.authenticates && response.status() == StatusCode::UNAUTHORIZED && seen.first() == Authenticator::Session {
        *response.status_mut() = StatusCode::FORBIDDEN;
    }
    response
}

/// The format that the path or the query names; empty for none.
fn format(request: &Request) -> String {
    if let Some(Suffix(format)) = request.extensions().get() {
        return format.clone();
    }
    let query = request.uri().query().unwrap_or("");
    let named = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name == "format").last();
    named.map(|(_, value)| value.into_owned()).unwrap_or_default()
}

/// The headers of every answer of a view.
fn dress(mut response: Response, view: &View, seen: &Seen, allow: HeaderValue) -> Response {
    let status = response.status();
    let headers = response.headers_mut();
    headers.insert(ALLOW, allow);
    let vary = match (view.browsable, seen.looked_at_session()) {
        (true, true) => Some("Accept, Cookie"),
        (true, false) => Some("Accept"),
        (false, true) => Some("Cookie"),
        (false, false) => None,
    };
    if let Some(vary) = vary {
        headers.insert(VARY, HeaderValue::from_static(vary));
    }
    if status == StatusCode::UNAUTHORIZED {
        let scheme = if view.authenticates { seen.first() } else { Authenticator::Jwt };
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(scheme.challenge()));
    }
    response
}

/// The same answer with its JSON indented by so many blanks.
async fn indented(response: Response, blanks: usize) -> Response {
    let is_json = response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind == "application/json");
    if blanks == 0 || !is_json {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(bytes) = to_bytes(body, ANSWER_MAX).await else { return answers::internal() };
    let Ok(value) = serde_json::from_slice::<Value>(&bytes) else { return answers::internal() };
    parts.headers.remove(axum::http::header::CONTENT_LENGTH);
    Response::from_parts(parts, Bytes::from(pretty(&value, blanks)))
}

/// JSON for eyes.
pub(super) fn pretty(value: &Value, blanks: usize) -> Vec<u8> {
    let (mut out, indent) = (Vec::new(), " ".repeat(blanks));
    let mut writer = Serializer::with_formatter(&mut out, PrettyFormatter::with_indent(indent.as_bytes()));
    match value.serialize(&mut writer) {
        Ok(()) => out,
        Err(_) => value.to_string().into_bytes(),
    }
}
