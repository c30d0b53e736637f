//! Errors of the dialect: those of Django REST framework and Simple JWT.

use aide::generate::GenContext;
use aide::openapi::{Operation, Response as Documented};
use aide::operation::OperationOutput;
use axum::response::{IntoResponse, Response};

use crate::domain::error::{Error, FieldError, Reason, TokenFault};
use crate::http::drf::failure::{self, Refused, USER};
use crate::http::fault::{self, Fault};

/// What handlers give.
pub type Answer<T> = Result<T, Failure>;

/// An error of this dialect.
pub struct Failure(Fault);

impl Failure {
    /// The same of `verify/`, which calls a blacklisted token wrong input (400) and not a refusal (401).
    pub fn of_verify(error: Fault) -> Self {
        match error {
            Fault::Refused(Error::Unauthenticated(Reason::Token(
                wrong @ (TokenFault::Revoked | TokenFault::Reused),
            ))) => {
                let complaint = FieldError::new("", "blacklisted", fault::token(wrong));
                Self(Fault::Refused(complaint.into()))
            }
            other => Self(other),
        }
    }
}

impl<E: Into<Fault>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.into())
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
