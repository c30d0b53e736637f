//! The door of the network: HTTP dialects over one set of operations.
//!
//! Start at [`router`]: the dialects, inside the [`shell`] that every answer passes. What each route asks of its
//! caller is in the table that [`route_table`] gives without a server. A handler parses, calls one service function and shapes what it gives;
//! [`call`] is the only place where async code meets the services. This module decides nothing about rights or values.

pub mod account;
pub mod answers;
pub mod authtoken;
pub mod authzen;
pub mod body;
pub mod browse;
pub mod call;
pub mod caller;
pub mod client;
pub mod connections;
pub mod cors;
pub mod devices;
pub mod djoser;
pub mod docs;
pub mod drf;
pub mod fault;
pub mod forward;
pub mod forwarded;
pub mod head;
pub mod ids;
pub mod languages;
pub mod lists;
pub mod methods;
pub mod metrics;
pub mod oauth;
pub mod outside;
pub mod pages;
pub mod pyjwt;
pub mod rbac;
pub mod routes;
pub mod server;
pub mod shape;
pub mod shell;
pub mod simplejwt;
pub mod stream;
pub mod throttle;
pub mod times;
pub mod tls;
pub mod unread;
pub mod visit;
pub mod wellknown;

use std::sync::Arc;

use axum::Router;

use crate::domain::settings::Profile;
use crate::service::Env;

pub use call::Shared;
use client::Clients;
pub use metrics::Metrics;
use outside::Outside;
pub use routes::{Guard, RouteInfo};
pub use server::{Entrance, Patience, Site, serve};
use shell::{Paths, Shell, Watch};

/// Everything that is served, for whoever brings requests by other ways than [`serve`].
pub fn router(env: Arc<Env>) -> Router {
    Router::new().fallback_service(measured(env, None))
}

/// Everything that is served, counted in these metrics.
pub fn measured(env: Arc<Env>, metrics: Option<Arc<Metrics>>) -> Shell {
    let table = table();
    let paths = Paths { suffixed: table.suffixes(), methods: table.methods() };
    let shared = Shared::new(Arc::clone(&env)).measured(metrics.clone());
    let watch = Watch { clients: Clients::new(Arc::clone(&env)), outside: Outside::new(env), metrics };
    shell::around(table.into_router(Arc::new(shared)), paths, watch)
}

/// Every route, without a server: who may call what (for tests and listings).
pub fn route_table() -> Vec<RouteInfo> {
    table().into_infos()
}

/// Every dialect is named here, once.
pub(crate) fn table() -> routes::Table {
    let mut table = routes::Table::default();
    rbac::routes(&mut table, "/", "");
    rbac::routes(&mut table, "/api/auth/", " · /api/auth/");
    simplejwt::routes(&mut table, "/api/token/", Profile::SimpleJwt);
    simplejwt::routes(&mut table, "/auth/jwt/", Profile::Djoser);
    simplejwt::routes(&mut table, "/api/auth/jwt/", Profile::Djoser);
    simplejwt::logout(&mut table, "/api/auth/");
    djoser::routes(&mut table);
    djoser::phone_routes(&mut table);
    authtoken::routes(&mut table);
    account::routes(&mut table);
    pyjwt::routes(&mut table);
    oauth::routes(&mut table);
    authzen::routes(&mut table);
    forward::routes(&mut table);
    wellknown::routes(&mut table);
    docs::routes(&mut table);
    pages::routes(&mut table);
    table.settle();
    table
}
