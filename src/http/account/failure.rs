//! Errors of the dialect: those of Django REST framework, of a model that is called account.

use aide::generate::GenContext;
use aide::openapi::{Operation, Response as Documented};
use aide::operation::OperationOutput;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use crate::domain::error::{Entity, Error};
use crate::http::drf::Words;
use crate::http::drf::failure::{self, Refused};
use crate::http::fault::Fault;

/// What handlers give.
pub type Answer<T> = Result<T, Failure>;

/// An error of this dialect.
pub enum Failure {
    /// One that every dialect of these manners has.
    Fault(Fault),
    /// Nobody is there, said by the status 404 alone (S0-19).
    Nobody,
}

const ACCOUNT: Words = Words { noun: "Account", taken: |field| format!("account with this {field} already exists.") };

impl Failure {
    /// The same where a missing account is told by the status alone.
    pub fn bare(fault: Fault) -> Self {
        match fault {
            Fault::Refused(Error::NotFound(Entity::User)) => Failure::Nobody,
            other => Failure::Fault(other),
        }
    }
}

impl<E: Into<Fault>> From<E> for Failure {
    fn from(error: E) -> Self {
        Failure::Fault(error.into())
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        match self {
            Failure::Fault(fault) => failure::respond(fault, &ACCOUNT),
            Failure::Nobody => StatusCode::NOT_FOUND.into_response(),
        }
    }
}

impl OperationOutput for Failure {
    type Inner = Refused;

    fn inferred_responses(context: &mut GenContext, operation: &mut Operation) -> Vec<(Option<u16>, Documented)> {
        failure::documented(context, operation)
    }
}
