//! Handlers that find beside their request what it is judged by. Not layers around each route: every layer costs every
//! request more than this does.

use std::sync::Arc;

use axum::extract::Request;
use axum::handler::Handler;

use super::{Mark, Name};
use crate::http::call::Shared;
use crate::http::visit;

/// A handler with the marks of its route.
#[derive(Clone)]
pub(super) struct Marked<H> {
    pub handler: H,
    pub mark: Mark,
    pub name: Name,
}

impl<T: 'static, H: Handler<T, Arc<Shared>>> Handler<T, Arc<Shared>> for Marked<H> {
    type Future = H::Future;

    fn call(self, mut request: Request, shared: Arc<Shared>) -> H::Future {
        visit::matched(request.extensions());
        request.extensions_mut().insert(self.mark);
        request.extensions_mut().insert(self.name);
        self.handler.call(request, shared)
    }
}
