//! Errors of the dialect: those of Django REST framework, and two of Djoser's own shapes.

use aide::generate::GenContext;
use aide::openapi::{Operation, Response as Documented};
use aide::operation::OperationOutput;
use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::Manner;
use crate::domain::error::Error;
use crate::http::drf::failure::{self, OWN_USER, Refused, USER};
use crate::http::fault::Fault;

/// What handlers give.
pub type Answer<T> = Result<T, Failure>;

/// An error of this dialect.
pub enum Failure {
    /// One that every dialect of these manners has.
    Fault(Fault),
    /// The same where people register by e-mail or phone (S1).
    PhoneFault(Fault),
    /// A bare list with one sentence (400).
    Bare(&'static str),
    /// Nothing but the status 400.
    Empty,
}

impl Failure {
    /// The same in the manner of the door.
    pub fn in_manner(manner: Manner, fault: Fault) -> Self {
        match manner {
            Manner::Stock => Failure::Fault(fault),
            Manner::Phone => Failure::PhoneFault(fault),
        }
    }

    /// The same of a sign-in for an API token, which calls wrong credentials wrong input.
    pub fn of_token_login(fault: Fault) -> Self {
        Failure::Fault(failure::credentials_as_input(fault))
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
            Failure::Fault(fault) => failure::respond(fault, &USER),
            Failure::PhoneFault(fault) => failure::respond(shortened(fault), &OWN_USER),
            Failure::Bare(sentence) => (StatusCode::BAD_REQUEST, Json([sentence])).into_response(),
            Failure::Empty => StatusCode::BAD_REQUEST.into_response(),
        }
    }
}

/// The complaint about a phone without its advice, and that about likeness in the words of this user model.
fn shortened(fault: Fault) -> Fault {
    let Fault::Refused(Error::Invalid(mut fields)) = fault else { return fault };
    for field in &mut fields {
        if field.message.starts_with("Enter a valid phone number") {
            field.message = "Enter a valid phone number.".to_owned();
        }
        if field.message.ends_with("similar to the email address.") {
            field.message = field.message.replace("email address.", "email.");
        }
    }
    Error::Invalid(fields).into()
}

impl OperationOutput for Failure {
    type Inner = Refused;

    fn inferred_responses(context: &mut GenContext, operation: &mut Operation) -> Vec<(Option<u16>, Documented)> {
        failure::documented(context, operation)
    }
}
