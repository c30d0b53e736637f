//! The route table: every path and method with its guard, its handler and its documentation.
//!
//! A dialect fills a [`Table`] with one entry per route; the router, the OpenAPI document and the tests of rights are
//! all made from the same entries, so that none can be missing from another. Paths are written with the slash at their
//! end; the [`shell`](super::shell) takes it off before the lookup, so both spellings reach the same entry (D-4).

mod marked;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use aide::generate::GenContext;
use aide::openapi::Operation;
use aide::operation::{OperationHandler, OperationInput, OperationOutput};
use axum::Router;
use axum::handler::Handler;
use axum::http::Method;
use axum::routing::{MethodFilter, MethodRouter};
use schemars::SchemaGenerator;
use serde_json::Value;

use super::answers;
use super::browse::Guides;
use super::call::Shared;
use super::docs::document::describe;
use super::drf::View;
use super::methods::{self, Methods};
use marked::Marked;

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

impl Guard {
    /// The same in a sentence of the documentation.
    pub fn needs(self) -> String {
        match self {
            Guard::Public => "Open to everybody.".to_owned(),
            Guard::SignedIn => "Needs somebody signed in.".to_owned(),
            Guard::Right(resource, action) => format!("Needs the permission `{resource}:{action}`."),
        }
    }
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
    /// The word by which the setting `dialects.off` switches it off, if that can.
    pub switch: Option<&'static str>,
}

/// What a request is judged by, put beside it by the router.
#[derive(Debug, Clone, Copy)]
pub struct Mark {
    /// The dialect spoken.
    pub dialect: &'static Dialect,
    /// What the route asks.
    pub guard: Guard,
    /// The view that it belongs to, in a dialect that has views.
    pub view: Option<&'static View>,
}

/// Method and path of the route, as documented, put beside a request by the router.
#[derive(Debug, Clone)]
pub struct Name(pub Arc<str>);

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
    pub(crate) reading: Reading,
    pub(crate) tag: String,
    pub(crate) summary: &'static str,
    pub(crate) description: &'static str,
    pub(crate) describe: Describe,
    pub(crate) takes_bearer: bool,
    pub(crate) also: &'static [u16],
    pub(crate) bare: &'static [u16],
    pub(crate) by_uuid_too: bool,
    pub(crate) example: Option<Value>,
    pub(crate) anonymous: bool,
    pub(crate) methods: MethodRouter<Arc<Shared>>,
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

    /// Leaves the path's other route of this method, of another dialect, to whoever sends credentials (D-2).
    pub fn for_the_anonymous(&mut self) -> &mut Self {
        self.anonymous = true;
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
    /// The views, by path.
    views: BTreeMap<String, (&'static Dialect, &'static View)>,
    /// Beginnings of paths whose last segment may end with a format.
    suffixed: Vec<&'static str>,
    /// Dialects without views whose paths have a page for browsers all the same.
    browsable: BTreeSet<&'static str>,
    /// Paths whose page tells of all routes of a dialect.
    contents: Vec<(String, &'static str)>,
    /// Routes that whoever sends no credentials gets in place of the same path's other one.
    pub(crate) twins: Vec<Route>,
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

    /// Settles where dialects meet on a path and method: whoever came later has it, or has it for the anonymous.
    pub fn settle(&mut self) {
        let mut settled: Vec<Route> = Vec::new();
        for route in std::mem::take(&mut self.routes) {
            if route.anonymous {
                self.twins.push(route);
                continue;
            }
            settled.retain(|known| known.info.path != route.info.path || known.info.method != route.info.method);
            settled.push(route);
        }
        self.routes = settled;
    }

    /// Lets paths that begin so end with a format, as those of Django REST framework's routers do: `users.json`.
    pub fn suffixed(&mut self, prefix: &'static str) {
        self.suffixed.push(prefix);
    }

    /// Beginnings of paths whose last segment may end with a format.
    pub fn suffixes(&self) -> Vec<&'static str> {
        self.suffixed.clone()
    }

    /// Gives the paths of a dialect without views a page for browsers.
    pub fn browsable(&mut self, dialect: &'static Dialect) {
        self.browsable.insert(dialect.name);
    }

    /// Whether [`Table::browsable`] named this dialect.
    pub fn is_browsable(&self, dialect: &str) -> bool {
        self.browsable.contains(dialect)
    }

    /// The view of a path without the slash at its end.
    pub fn view(&self, path: &str) -> Option<&'static View> {
        self.views.get(path).map(|(_, view)| *view)
    }

    /// Paths whose page tells of all routes of a dialect.
    pub fn contents(&self) -> impl Iterator<Item = (&str, &'static str)> {
        self.contents.iter().map(|(path, dialect)| (path.as_str(), *dialect))
    }

    /// Knows the methods of each path, in `Allow`, and does nothing.
    pub fn methods(&self) -> Router {
        let mut paths: BTreeMap<&str, Vec<Method>> = BTreeMap::new();
        for Route { info, .. } in &self.routes {
            paths.entry(bare(&info.path)).or_default().push(info.method.clone());
        }
        paths.into_iter().fold(Router::new(), |router, (path, known)| router.route(path, methods::named(&known)))
    }

    /// The rows alone.
    pub fn into_infos(self) -> Vec<RouteInfo> {
        self.routes.into_iter().map(|route| route.info).collect()
    }

    /// The router. Every path knows its methods: OPTIONS names them, and so does the refusal of any other.
    pub fn into_router(self, shared: Arc<Shared>) -> Router {
        let mut paths: BTreeMap<String, Methods> = BTreeMap::new();
        let guides = Guides::of(&self);
        for route in self.routes {
            paths.entry(bare(&route.info.path).to_owned()).or_default().add(route);
        }
        let mut twins: BTreeMap<String, Route> =
            self.twins.into_iter().map(|twin| (bare(&twin.info.path).to_owned(), twin)).collect();
        let mut router = Router::new();
        for (path, methods) in paths {
            let view = self.views.get(&path).copied();
            let guide = guides.of_path(&path);
            router = match twins.remove(&path) {
                Some(twin) => router.route_service(&path, methods.or_twin(twin, (view, guide), Arc::clone(&shared))),
                None => router.route(&path, methods.with_the_rest(view, guide)),
            };
        }
        router.fallback(async || answers::not_found()).with_state(shared)
    }
}

/// The path without the slash at its end.
pub fn bare(path: &str) -> &str {
    if path.len() > 1 { path.strip_suffix('/').unwrap_or(path) } else { path }
}

impl Section<'_> {
    /// Names the view of a path; its methods are added as anybody's.
    pub fn view(&mut self, path: &str, view: &'static View) -> &mut Self {
        let path = format!("{}{path}", self.prefix);
        self.table.views.insert(bare(&path).to_owned(), (self.dialect, view));
        self
    }

    /// Lets the page of a path tell of all routes of the dialect.
    pub fn contents(&mut self, path: &str) -> &mut Self {
        let path = format!("{}{path}", self.prefix);
        self.table.contents.push((bare(&path).to_owned(), self.dialect.name));
        self
    }

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
        let path = format!("{}{path}", self.prefix);
        let view = self.table.views.get(bare(&path)).map(|(_, view)| *view);
        let mark = Mark { dialect: self.dialect, guard, view };
        let name = Name(format!("{method} {path}").into());
        let handler = Marked { handler, mark, name };
        let info = RouteInfo { dialect: self.dialect.name, path, method, guard, alias: false };
        let at = self.table.routes.len();
        self.table.routes.push(Route {
            info,
            reading: self.dialect.reading,
            tag: self.tag.clone(),
            summary: "",
            description: "",
            describe: describe::<I, O>,
            takes_bearer: false,
            also: &[],
            bare: &[],
            by_uuid_too: false,
            example: None,
            anonymous: false,
            methods: axum::routing::on(filter, handler),
        });
        &mut self.table.routes[at]
    }
}
