//! Errors of AuthZEN: a status, and a message in JSON with a word for programs. A denial is none.

use aide::generate::GenContext;
use aide::openapi::{Operation, Response as Documented};
use aide::operation::OperationOutput;
use axum::Json;
use axum::http::header::WWW_AUTHENTICATE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::domain::error::{Error, Refusal};
use crate::http::answers::{self, Detail};
use crate::http::fault::{self, Fault, Unreadable};

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
        match self.0 {
            Fault::Refused(error) | Fault::Credentials(error) => refused(error),
            Fault::Hidden => answers::not_found(),
            Fault::Unreadable(why) => unreadable(&why),
        }
    }
}

fn refused(error: Error) -> Response {
    match error {
        Error::Invalid(fields) => malformed(&fault::in_one_line(&fields)),
        Error::Unauthenticated(reason) => {
            let (code, detail) = fault::unauthenticated(&reason);
            let mut response = answers::error(StatusCode::UNAUTHORIZED, code, &detail);
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"api\""));
            response
        }
        Error::Forbidden(refusal) => forbidden(&refusal),
        // Nothing here is named by what could be missing or taken.
        Error::NotFound(_) => answers::not_found(),
        Error::Conflict(conflict) => {
            answers::error(StatusCode::CONFLICT, "conflict", &fault::sentence(&conflict.to_string()))
        }
        Error::TooMany { retry_after } => answers::throttled(retry_after),
        Error::Unavailable { retry_after } => {
            answers::retry(answers::unavailable(), answers::whole_seconds(retry_after))
        }
        Error::Internal(cause) => {
            tracing::error!(%cause, "an operation failed");
            answers::internal()
        }
    }
}

fn forbidden(refusal: &Refusal) -> Response {
    let required = match refusal {
        Refusal::Lacks(right) => Some(right.to_string()),
        _ => None,
    };
    let detail = fault::sentence(&refusal.to_string());
    (StatusCode::FORBIDDEN, Json(Detail { detail, code: "permission_denied".to_owned(), required })).into_response()
}

fn malformed(why: &str) -> Response {
    answers::error(StatusCode::BAD_REQUEST, "invalid_request", why)
}

fn unreadable(why: &Unreadable) -> Response {
    match why {
        Unreadable::TooLarge => answers::closing(answers::error(
            StatusCode::PAYLOAD_TOO_LARGE,
            "payload_too_large",
            &format!("The body is longer than {} bytes.", crate::http::body::BODY_MAX),
        )),
        // The standard knows no 415.
        Unreadable::MediaType(_) => malformed("The body must be application/json."),
        Unreadable::Json(wrong) | Unreadable::Multipart(wrong) => malformed(&format!("JSON parse error - {wrong}")),
        Unreadable::TooSlow => answers::too_slow(),
        Unreadable::CutOff => answers::closing(malformed("The body ended too early.")),
    }
}

impl OperationOutput for Failure {
    type Inner = Detail;

    /// Which of them a route can give depends on the route; the document leaves out what it cannot.
    fn inferred_responses(context: &mut GenContext, operation: &mut Operation) -> Vec<(Option<u16>, Documented)> {
        crate::http::docs::errors::every::<Detail, Detail>(context, operation)
    }
}
