//! The route table: every path and method with its guard, its handler and its documentation.
//!
//! A dialect fills a [`Table`] with one entry per route; the router, the OpenAPI document and the tests of rights are
//! all made from the same entries, so that none can be missing from another. Paths are written with the slash at their
//! end; the [`shell`](super::shell) takes it off before the lookup, so both spellings reach the same entry (D-4).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use aide::generate::GenContext;
use aide::openapi::Operation;
use aide::operation::{OperationHandler, OperationInput, OperationOutput};
use axum::handler::Handler;
use axum::http::header::ALLOW;
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, MethodRouter};
use axum::{Extension, Router};
use schemars::SchemaGenerator;
use serde_json::Value;

use super::answers;
use super::call::Shared;

/// What a route asks of its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guard {
    /// Nothing; credentials are not looked at.
    Public,
    /// To be signed in.
    SignedIn,
    /// To hold this right: code names of a resource and an action.
    Right(&'static str, &'static str),
}

/// How a dialect treats what it did not ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// Unknown and duplicate keys are refused; a number is no text.
    Strict,
    /// Unknown keys are ignored, the last duplicate counts, numbers are taken for text.
    Lenient,
}

/// One of the APIs that the server speaks.
#[derive(Debug, PartialEq, Eq)]
pub struct Dialect {
    /// Its name, as in audit rows.
    pub name: &'static str,
    /// How it reads bodies.
    pub reading: Reading,
}

/// What a request is judged by, put beside it by the router.
#[derive(Debug, Clone, Copy)]
pub struct Mark {
    /// The dialect spoken.
    pub dialect: &'static Dialect,
    /// What the route asks.
    pub guard: Guard,
}

/// One row of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteInfo {
    /// Name of the dialect.
    pub dialect: &'static str,
    /// Path with `{parameters}`, as documented: with the slash at its end.
    pub path: String,
    /// Method; HEAD goes with GET, OPTIONS with all.
    pub method: Method,
    /// What it asks of the caller.
    pub guard: Guard,
    /// Whether it is another spelling of the path of another route (D-5).
    pub alias: bool,
}

/// Documents a handler. The generator is for answers, that of the context for bodies: what is optional differs.
type Describe = fn(&mut GenContext, &mut SchemaGenerator, &mut Operation);

/// One route with all that belongs to it.
#[derive(Clone)]
pub struct Route {
    pub(crate) info: RouteInfo,
    pub(crate) tag: String,
    pub(crate) summary: &'static str,
    pub(crate) description: &'static str,
    pub(crate) describe: Describe,
    pub(crate) takes_bearer: bool,
    pub(crate) also: &'static [u16],
    pub(crate) by_uuid_too: bool,
    pub(crate) example: Option<Value>,
    methods: MethodRouter<Arc<Shared>>,
}

impl Route {
    /// Documents the route: one line, and what else there is to say.
    pub fn says(&mut self, summary: &'static str, description: &'static str) -> &mut Self {
        self.summary = summary;
        self.description = description;
        self
    }

    /// Documents that a public route takes the credentials of whoever shows some.
    pub fn takes_bearer(&mut self) -> &mut Self {
        self.takes_bearer = true;
        self
    }

    /// Documents that a UUID may stand in the path for the id.
    pub fn by_uuid_too(&mut self) -> &mut Self {
        self.by_uuid_too = true;
        self
    }

    /// Documents a body that can be sent as it stands.
    pub fn example(&mut self, body: Value) -> &mut Self {
        self.example = Some(body);
        self
    }

    /// Documents statuses of errors that neither the guard nor the parameters tell of.
    pub fn also(&mut self, statuses: &'static [u16]) -> &mut Self {
        self.also = statuses;
        self
    }
}

/// All routes, in the order in which they were added.
#[derive(Default)]
pub struct Table {
    pub(crate) routes: Vec<Route>,
}

/// Where in the table routes are added: a dialect under a prefix, one section of its documentation at a time.
pub struct Section<'a> {
    table: &'a mut Table,
    dialect: &'static Dialect,
    prefix: &'static str,
    tag: String,
}

impl Table {
    /// Begins a section of the documentation.
    pub fn section(&mut self, dialect: &'static Dialect, prefix: &'static str, tag: impl Into<String>) -> Section<'_> {
        Section { table: self, dialect, prefix, tag: tag.into() }
    }

    /// Adds another spelling: every route whose first segment after `prefix` is `from` is served as `to`, too.
    pub fn alias(&mut self, prefix: &str, from: &str, to: &str) {
        let (from, to) = (format!("{prefix}{from}/"), format!("{prefix}{to}/"));
        let copies: Vec<Route> = self
            .routes
            .iter()
            .filter_map(|route| {
                let rest = route.info.path.strip_prefix(&from)?;
                let mut copy = route.clone();
                copy.info.path = format!("{to}{rest}");
                copy.info.alias = true;
                Some(copy)
            })
            .collect();
        self.routes.extend(copies);
    }

    /// Every segment of every path that is no parameter.
    pub fn words(&self) -> BTreeSet<String> {
        let segments = self.routes.iter().flat_map(|route| route.info.path.split('/'));
        segments.filter(|segment| !segment.starts_with('{')).map(str::to_owned).collect()
    }

    /// The rows alone.
    pub fn into_infos(self) -> Vec<RouteInfo> {
        self.routes.into_iter().map(|route| route.info).collect()
    }

    /// The router. Every path knows its methods: OPTIONS names them, and so does the refusal of any other.
    pub fn into_router(self, shared: Arc<Shared>) -> Router {
        let mut paths: BTreeMap<String, (MethodRouter<Arc<Shared>>, Vec<Method>)> = BTreeMap::new();
        for route in self.routes {
            let (methods, known) = paths.entry(bare(&route.info.path).to_owned()).or_default();
            *methods = std::mem::take(methods).merge(route.methods);
            known.push(route.info.method);
        }
        let mut router = Router::new();
        for (path, (methods, known)) in paths {
            let allow = allowed(&known);
            let refuse = allow.clone();
            let methods = methods
                .options(move || std::future::ready(with_allow(StatusCode::OK.into_response(), &allow)))
                .fallback(move |method: Method| std::future::ready(not_allowed(&method, &refuse)));
            router = router.route(&path, methods);
        }
        router.fallback(async || answers::not_found()).with_state(shared)
    }
}

/// The path without the slash at its end.
fn bare(path: &str) -> &str {
    if path.len() > 1 { path.strip_suffix('/').unwrap_or(path) } else { path }
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

fn with_allow(mut response: Response, allow: &HeaderValue) -> Response {
    response.headers_mut().insert(ALLOW, allow.clone());
    response
}

fn not_allowed(method: &Method, allow: &HeaderValue) -> Response {
    let detail = format!("Method \"{method}\" not allowed.");
    with_allow(answers::error(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", &detail), allow)
}

impl Section<'_> {
    /// Adds a route that reads.
    pub fn get<H, T, I, O>(&mut self, path: &str, guard: Guard, handler: H) -> &mut Route
    where
        H: Handler<T, Arc<Shared>> + OperationHandler<I, O>,
        T: 'static,
        I: OperationInput,
        O: OperationOutput,
    {
        self.add(MethodFilter::GET, Method::GET, path, guard, handler)
    }

    /// Adds a route that creates or acts.
    pub fn post<H, T, I, O>(&mut self, path: &str, guard: Guard, handler: H) -> &mut Route
    where
        H: Handler<T, Arc<Shared>> + OperationHandler<I, O>,
        T: 'static,
        I: OperationInput,
        O: OperationOutput,
    {
        self.add(MethodFilter::POST, Method::POST, path, guard, handler)
    }

    /// Adds a route that updates.
    pub fn put<H, T, I, O>(&mut self, path: &str, guard: Guard, handler: H) -> &mut Route
    where
        H: Handler<T, Arc<Shared>> + OperationHandler<I, O>,
        T: 'static,
        I: OperationInput,
        O: OperationOutput,
    {
        self.add(MethodFilter::PUT, Method::PUT, path, guard, handler)
    }

    /// Adds a route that updates in part.
    pub fn patch<H, T, I, O>(&mut self, path: &str, guard: Guard, handler: H) -> &mut Route
    where
        H: Handler<T, Arc<Shared>> + OperationHandler<I, O>,
        T: 'static,
        I: OperationInput,
        O: OperationOutput,
    {
        self.add(MethodFilter::PATCH, Method::PATCH, path, guard, handler)
    }

    /// Adds a route that deletes.
    pub fn delete<H, T, I, O>(&mut self, path: &str, guard: Guard, handler: H) -> &mut Route
    where
        H: Handler<T, Arc<Shared>> + OperationHandler<I, O>,
        T: 'static,
        I: OperationInput,
        O: OperationOutput,
    {
        self.add(MethodFilter::DELETE, Method::DELETE, path, guard, handler)
    }

    fn add<H, T, I, O>(
        &mut self,
        filter: MethodFilter,
        method: Method,
        path: &str,
        guard: Guard,
        handler: H,
    ) -> &mut Route
    where
        H: Handler<T, Arc<Shared>> + OperationHandler<I, O>,
        T: 'static,
        I: OperationInput,
        O: OperationOutput,
    {
        let mark = Mark { dialect: self.dialect, guard };
        let info = RouteInfo {
            dialect: self.dialect.name,
            path: format!("{}{path}", self.prefix),
            method,
            guard,
            alias: false,
        };
        let at = self.table.routes.len();
        self.table.routes.push(Route {
            info,
            tag: self.tag.clone(),
            summary: "",
            description: "",
            describe: describe::<I, O>,
            takes_bearer: false,
            also: &[],
            by_uuid_too: false,
            example: None,
            methods: axum::routing::on(filter, handler).route_layer(Extension(mark)),
        });
        &mut self.table.routes[at]
    }
}

/// Writes down what a handler takes and gives, out of its types.
fn describe<I: OperationInput, O: OperationOutput>(
    context: &mut GenContext,
    answers: &mut SchemaGenerator,
    operation: &mut Operation,
) {
    I::operation_input(context, operation);
    std::mem::swap(&mut context.schema, answers);
    for (status, response) in O::inferred_responses(context, operation) {
        let Some(status) = status else { continue };
        let known = operation.responses.get_or_insert_default();
        known
            .responses
            .entry(aide::openapi::StatusCode::Code(status))
            .or_insert(aide::openapi::ReferenceOr::Item(response));
    }
    std::mem::swap(&mut context.schema, answers);
}
