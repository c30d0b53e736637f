//! Why a request does not pass: `{"detail": …, "code": …}`, and the code in a header, which is all that some proxies show.

use aide::generate::GenContext;
use aide::openapi::{Operation, Response as Documented};
use aide::operation::OperationOutput;
use axum::Json;
use axum::http::header::WWW_AUTHENTICATE;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::domain::error::{Error, Reason};
use crate::domain::rights::Right;
use crate::http::answers::{self, Detail};
use crate::http::fault::{self, Fault};
use crate::service::forward::Denial;

/// What the handler gives.
pub type Answer<T> = Result<T, Failure>;

const REASON: HeaderName = HeaderName::from_static("x-auth-reason");

/// An error of this dialect.
pub enum Failure {
    /// The question is refused, whoever it is about.
    Refused(Refusal),
    /// The caller may not.
    Denied(Denial),
    /// His credentials are bad, or nothing can be decided for now.
    Fault(Fault),
}

/// Why a question is refused.
#[derive(Debug)]
pub enum Refusal {
    /// Who asks is no trusted proxy.
    Untrusted,
    /// It names no policy.
    NoPolicy,
    /// This is the name of no policy.
    Policy(String),
    /// This is no path.
    Prefix(String),
    /// There is no such parameter.
    Parameter(String),
    /// Too many policies or paths.
    TooMany,
    /// Headers say different things of the request.
    Disagree,
    /// Its method is none that is known.
    Method,
    /// Its address cannot be read, for this reason.
    Target(&'static str),
    /// Its address does not lie below the path that the policy is for.
    Elsewhere,
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        match self {
            Failure::Refused(refusal) => refused(&refusal),
            Failure::Denied(denial) => denied(denial),
            Failure::Fault(Fault::Refused(error) | Fault::Credentials(error)) => failed(error),
            Failure::Fault(Fault::Hidden | Fault::Unreadable(_)) => forbidden("refused", "This cannot be decided."),
        }
    }
}

fn refused(refusal: &Refusal) -> Response {
    match refusal {
        Refusal::Untrusted => misconfigured(
            "untrusted_proxy",
            "Only a trusted proxy may ask; name it in --trusted-proxies (AUTHSRV_TRUSTED_PROXIES).",
        ),
        Refusal::NoPolicy => misconfigured("no_policy", "The question names no policy: ?policy=is_authenticated."),
        Refusal::Policy(name) => misconfigured("unknown_policy", &format!("There is no policy {name:?}.")),
        Refusal::Prefix(path) => misconfigured("bad_path", &format!("{path:?} is not a plain path.")),
        Refusal::Parameter(name) => {
            misconfigured("unknown_parameter", &format!("There is no parameter {name:?}; there are policy and path."))
        }
        Refusal::TooMany => misconfigured("too_many", "The question has too many policies or paths."),
        Refusal::Disagree => forbidden("ambiguous_request", "The headers tell of different requests."),
        Refusal::Method => forbidden("unknown_method", "The method of the request is not known."),
        Refusal::Target(why) => forbidden("bad_target", &format!("The address of the request {why}.")),
        Refusal::Elsewhere => forbidden("outside_path", "The policy is for another path."),
    }
}

fn denied(denial: Denial) -> Response {
    match denial {
        Denial::Anonymous => unauthenticated(&Reason::Missing),
        Denial::Lacks(right) => lacking(&right),
        Denial::LacksRole(role) => forbidden("role_required", &format!("This needs the role {role}.")),
        Denial::NotStaff => forbidden("staff_required", "This is for staff."),
        Denial::NoMethod => misconfigured(
            "no_method",
            "The policy needs the method of the request: X-Forwarded-Method or X-Original-Method.",
        ),
        Denial::UnknownRole(code) => misconfigured("unknown_policy", &format!("There is no role {code:?}.")),
        Denial::UnknownResource(code) => {
            misconfigured("unknown_policy", &format!("There is no policy and no resource {code:?}."))
        }
    }
}

fn failed(error: Error) -> Response {
    match error {
        Error::Unauthenticated(reason) => unauthenticated(&reason),
        Error::TooMany { retry_after } => answers::throttled(retry_after),
        Error::Unavailable { .. } => answers::unavailable(),
        Error::Internal(cause) => {
            tracing::error!(%cause, "an operation failed");
            answers::internal()
        }
        Error::Invalid(_) | Error::Forbidden(_) | Error::NotFound(_) | Error::Conflict(_) => {
            forbidden("refused", "This cannot be decided.")
        }
    }
}

fn unauthenticated(reason: &Reason) -> Response {
    let (code, detail) = fault::unauthenticated(reason);
    let mut response = with_reason(code, answers::error(StatusCode::UNAUTHORIZED, code, &detail));
    response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"api\""));
    response
}

/// 403 for whoever asks, until the proxy or the server is set up in another way.
fn misconfigured(code: &'static str, detail: &str) -> Response {
    tracing::warn!(code, "forward-auth is not set up right: {detail}");
    forbidden(code, detail)
}

fn forbidden(code: &'static str, detail: &str) -> Response {
    with_reason(code, answers::error(StatusCode::FORBIDDEN, code, detail))
}

fn lacking(right: &Right) -> Response {
    const CODE: &str = "permission_denied";
    let detail = "You do not have permission to perform this action.".to_owned();
    let body = Detail { detail, code: CODE.to_owned(), required: Some(right.to_string()) };
    with_reason(CODE, (StatusCode::FORBIDDEN, Json(body)).into_response())
}

fn with_reason(code: &'static str, mut response: Response) -> Response {
    response.headers_mut().insert(REASON, HeaderValue::from_static(code));
    response
}

impl OperationOutput for Failure {
    type Inner = Detail;

    /// Which of them a route can give depends on the route; the document leaves out what it cannot.
    fn inferred_responses(context: &mut GenContext, operation: &mut Operation) -> Vec<(Option<u16>, Documented)> {
        crate::http::docs::errors::every::<Detail, Detail>(context, operation)
    }
}
