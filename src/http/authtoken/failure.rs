//! Errors of the dialect: those of Django REST framework.

use aide::generate::GenContext;
use aide::openapi::{Operation, Response as Documented};
use aide::operation::OperationOutput;
use axum::response::{IntoResponse, Response};

use crate::http::drf::failure::{self, Refused, USER};
use crate::http::fault::Fault;

/// What handlers give.
pub type Answer<T> = Result<T, Failure>;

/// An error of this dialect.
pub struct Failure(Fault);

impl Failure {
    /// The same of a sign-in, which calls wrong credentials wrong input.
    pub fn of_login(fault: Fault) -> Self {
        Self(failure::credentials_as_input(fault))
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        failure::respond(self.0, &USER)
    }
}

impl OperationOutput for Failure {
    type Inner = Refused;

    fn inferred_responses(context: &mut GenContext, operation: &mut Operation) -> Vec<(Option<u16>, Documented)> {
        failure::documented(context, operation)
    }
}
