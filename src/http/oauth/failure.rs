//! Errors in the shape of OAuth: a word of RFC 6749, section 5.2, or of RFC 6750, section 3.1, and a sentence for people.

use aide::generate::GenContext;
use aide::openapi::{Operation, Response as Documented};
use aide::operation::OperationOutput;
use axum::Json;
use axum::http::header::WWW_AUTHENTICATE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::error::{Error, Reason, Refusal};
use crate::http::answers;
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

/// An error.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "OAuthError")]
pub struct ErrorOut {
    /// Stable word for programs.
    error: &'static str,
    /// Sentence for people.
    error_description: String,
}

/// An error with this status, word and sentence.
pub fn error(status: StatusCode, error: &'static str, description: impl Into<String>) -> Response {
    (status, Json(ErrorOut { error, error_description: description.into() })).into_response()
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

fn refused(refusal: Error) -> Response {
    match refusal {
        Error::Invalid(fields) => error(StatusCode::BAD_REQUEST, "invalid_request", fault::in_one_line(&fields)),
        Error::Unauthenticated(reason) => unauthenticated(&reason),
        Error::Forbidden(refusal) => forbidden(&refusal),
        // Nothing here is named by what could be missing or taken.
        Error::NotFound(_) => answers::not_found(),
        Error::Conflict(conflict) => {
            error(StatusCode::CONFLICT, "invalid_request", fault::sentence(&conflict.to_string()))
        }
        Error::TooMany { retry_after } => {
            let seconds = answers::whole_seconds(retry_after);
            let text = answers::throttled_detail(seconds);
            answers::retry(error(StatusCode::TOO_MANY_REQUESTS, "temporarily_unavailable", text), seconds)
        }
        Error::Unavailable { retry_after } => {
            let text = "Service temporarily unavailable, try again later.";
            let busy = error(StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable", text);
            answers::retry(busy, answers::whole_seconds(retry_after))
        }
        Error::Internal(cause) => {
            tracing::error!(%cause, "an operation failed");
            error(StatusCode::INTERNAL_SERVER_ERROR, "server_error", "A server error occurred.")
        }
    }
}

/// RFC 6749 has one word for this; the header tells by RFC 6750 whether a token was shown that is not good.
fn unauthenticated(reason: &Reason) -> Response {
    let (text, challenge) = match reason {
        Reason::Missing => (fault::NO_CREDENTIALS, "Bearer realm=\"api\""),
        _ => ("The credentials are not good.", "Bearer realm=\"api\", error=\"invalid_token\""),
    };
    let mut response = error(StatusCode::UNAUTHORIZED, "invalid_client", text);
    response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    response
}

fn forbidden(refusal: &Refusal) -> Response {
    error(StatusCode::FORBIDDEN, "insufficient_scope", fault::sentence(&refusal.to_string()))
}

fn unreadable(why: &Unreadable) -> Response {
    let refuse = |status, text: String| error(status, "invalid_request", text);
    match why {
        Unreadable::TooLarge => answers::closing(refuse(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("The body is longer than {} bytes.", crate::http::body::BODY_MAX),
        )),
        Unreadable::MediaType(_) => refuse(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "The body must be application/x-www-form-urlencoded or application/json.".to_owned(),
        ),
        Unreadable::Json(wrong) | Unreadable::Multipart(wrong) => {
            refuse(StatusCode::BAD_REQUEST, format!("The body cannot be read: {wrong}."))
        }
        Unreadable::TooSlow => {
            answers::closing(refuse(StatusCode::REQUEST_TIMEOUT, "The request took too long to arrive.".to_owned()))
        }
        Unreadable::CutOff => answers::closing(refuse(StatusCode::BAD_REQUEST, "The body ended too early.".to_owned())),
    }
}

impl OperationOutput for Failure {
    type Inner = ErrorOut;

    /// Which of them a route can give depends on the route; the document leaves out what it cannot.
    fn inferred_responses(context: &mut GenContext, operation: &mut Operation) -> Vec<(Option<u16>, Documented)> {
        crate::http::docs::errors::every::<ErrorOut, ErrorOut>(context, operation)
    }
}
