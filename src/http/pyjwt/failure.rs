//! Errors of the dialect: those of Django REST framework.

use aide::generate::GenContext;
use aide::openapi::{Operation, Response as Documented};
use aide::operation::OperationOutput;
use axum::response::{IntoResponse, Response};

use crate::domain::error::{Error, Reason, TokenFault};
use crate::http::drf::failure::{self, OWN_USER, Refused};
use crate::http::fault::Fault;

/// What handlers give.
pub type Answer<T> = Result<T, Failure>;

/// An error of this dialect.
pub struct Failure(Fault);

impl<E: Into<Fault>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let fault = match self.0 {
            // A user who is not active is told apart from one who is gone no more than their tokens are.
            Fault::Refused(Error::Unauthenticated(Reason::UserInactive | Reason::UserGone)) => {
                Fault::Refused(TokenFault::Malformed.into())
            }
            other => other,
        };
        failure::respond(fault, &OWN_USER)
    }
}

impl OperationOutput for Failure {
    type Inner = Refused;

    fn inferred_responses(context: &mut GenContext, operation: &mut Operation) -> Vec<(Option<u16>, Documented)> {
        failure::documented(context, operation)
    }
}
