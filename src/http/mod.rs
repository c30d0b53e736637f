//! The door of the network: HTTP dialects over one set of operations.
//!
//! Start at [`router`]: the dialects, inside the [`shell`] that every answer passes. What each route asks of its
//! caller is in the table that [`route_table`] gives without a server. A handler parses, calls one service function and shapes what it gives;
//! [`call`] is the only place where async code meets the services. This module decides nothing about rights or values.

pub mod answers;
pub mod body;
pub mod call;
pub mod caller;
pub mod connections;
pub mod docs;
pub mod fault;
pub mod head;
pub mod ids;
pub mod lists;
pub mod rbac;
pub mod routes;
pub mod server;
pub mod shape;
pub mod shell;
pub mod stream;
pub mod times;
pub mod unread;
pub mod wellknown;

use std::sync::Arc;

use axum::Router;

use crate::service::Env;

pub use call::Shared;
pub use routes::{Guard, RouteInfo};
pub use server::{Patience, serve};

/// Everything that is served, ready for [`serve`].
pub fn router(env: Arc<Env>) -> Router {
    let table = table();
    let words = table.words();
    shell::around(table.into_router(Arc::new(Shared::new(Arc::clone(&env)))), words, env)
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
    wellknown::routes(&mut table);
    docs::routes(&mut table);
    table
}
