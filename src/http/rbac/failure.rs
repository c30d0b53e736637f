//! Errors in the shape of Django REST framework: `{"field": ["…"]}` for input, `{"detail": …, "code": …}` for the rest.

use std::collections::BTreeMap;

use aide::generate::GenContext;
use aide::openapi::{Operation, Response as Documented};
use aide::operation::OperationOutput;
use axum::Json;
use axum::http::header::WWW_AUTHENTICATE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value};

use crate::domain::error::{Conflict, Entity, Error, FieldError, Reason, Refusal, TokenFault};
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
            // A user whose refresh token is shown and who is not active, or gone, is told apart no more than by an ended
            // session.
            Fault::Refused(Error::Unauthenticated(Reason::UserInactive | Reason::UserGone)) => {
                unauthenticated(&Reason::Token(TokenFault::Revoked))
            }
            Fault::Refused(error) | Fault::Credentials(error) => refused(error),
            Fault::Hidden => answers::not_found(),
            Fault::Unreadable(why) => unreadable(&why),
        }
    }
}

fn refused(error: Error) -> Response {
    match error {
        Error::Invalid(fields) => by_field(StatusCode::BAD_REQUEST, fields),
        Error::Unauthenticated(reason) => unauthenticated(&reason),
        Error::Forbidden(refusal) => forbidden(&refusal),
        Error::NotFound(entity) => answers::error(StatusCode::NOT_FOUND, "not_found", missing(entity)),
        Error::Conflict(conflict) => conflicting(conflict),
        Error::TooMany { retry_after } => answers::throttled(retry_after),
        Error::Unavailable { retry_after } => {
            let refusal = answers::error(
                StatusCode::SERVICE_UNAVAILABLE,
                "unavailable",
                "Service temporarily unavailable, try again later.",
            );
            answers::retry(refusal, answers::whole_seconds(retry_after))
        }
        Error::Internal(cause) => {
            tracing::error!(%cause, "an operation failed");
            answers::internal()
        }
    }
}

fn unreadable(why: &Unreadable) -> Response {
    match why {
        Unreadable::TooLarge => answers::closing(answers::error(
            StatusCode::PAYLOAD_TOO_LARGE,
            "payload_too_large",
            &format!("The body is longer than {} bytes.", crate::http::body::BODY_MAX),
        )),
        Unreadable::MediaType(sent) => answers::error(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            &format!("Unsupported media type \"{sent}\" in request."),
        ),
        Unreadable::Json(wrong) => {
            answers::error(StatusCode::BAD_REQUEST, "parse_error", &format!("JSON parse error - {wrong}"))
        }
        Unreadable::Multipart(wrong) => answers::error(StatusCode::BAD_REQUEST, "parse_error", wrong),
        Unreadable::TooSlow => answers::too_slow(),
        Unreadable::CutOff => {
            answers::closing(answers::error(StatusCode::BAD_REQUEST, "parse_error", "The body ended too early."))
        }
    }
}

/// All messages under their fields, in order; those about the whole under `non_field_errors`.
fn by_field(status: StatusCode, fields: Vec<FieldError>) -> Response {
    let mut body: Map<String, Value> = Map::new();
    for FieldError { field, message, .. } in fields {
        let key = if field.is_empty() { "non_field_errors".to_owned() } else { field };
        let messages = body.entry(key).or_insert_with(|| Value::Array(Vec::new()));
        if let Value::Array(messages) = messages {
            messages.push(message.into());
        }
    }
    (status, Json(body)).into_response()
}

fn unauthenticated(reason: &Reason) -> Response {
    let (code, detail) = fault::unauthenticated(reason);
    let mut response = answers::error(StatusCode::UNAUTHORIZED, code, &detail);
    response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"api\""));
    response
}

fn forbidden(refusal: &Refusal) -> Response {
    let (code, detail, required) = match refusal {
        Refusal::Lacks(right) => {
            ("permission_denied", "You do not have permission to perform this action.", Some(right))
        }
        Refusal::Beyond(right) => ("permission_denied", "This reaches beyond your own permissions.", Some(right)),
        Refusal::SuperuserOnly => ("superuser_required", "Only a superuser may do this.", None),
        Refusal::RegistrationClosed => ("registration_closed", "Registration is closed.", None),
        Refusal::StaleToken => ("stale_token", "Stale token for given user.", None),
        Refusal::ForeignPage => ("permission_denied", "Another site sent this.", None),
    };
    let required = required.map(ToString::to_string);
    (StatusCode::FORBIDDEN, Json(Detail { detail: detail.to_owned(), code: code.to_owned(), required })).into_response()
}

fn missing(entity: Entity) -> &'static str {
    match entity {
        Entity::User => "No user matches the given query.",
        Entity::Role => "No role matches the given query.",
        Entity::Resource => "No resource matches the given query.",
        Entity::Action => "No action matches the given query.",
        Entity::Permission => "No permission matches the given query.",
        Entity::Session => "No session matches the given query.",
        Entity::Key => "No key matches the given query.",
        Entity::Token => "No token matches the given query.",
        Entity::ApiToken => "No API token matches the given query.",
        Entity::Setting => "No setting matches the given query.",
        Entity::Mail => "No mail matches the given query.",
        Entity::Page => "Invalid page.",
    }
}

fn conflicting(conflict: Conflict) -> Response {
    let sentence = fault::sentence(&conflict.to_string());
    let code = match conflict {
        Conflict::Taken(entity, field) => {
            let message = match entity {
                Entity::Permission => "The fields resource, action must make a unique set.".to_owned(),
                _ => sentence.replace('_', " "),
            };
            return by_field(StatusCode::CONFLICT, vec![FieldError::new(field, "unique", message)]);
        }
        Conflict::LastSuperuser => "last_superuser",
        Conflict::BuiltIn(_) => "built_in",
    };
    answers::error(StatusCode::CONFLICT, code, &sentence)
}

/// What is wrong with each field; `non_field_errors` speaks of the whole.
#[derive(schemars::JsonSchema)]
#[expect(dead_code, reason = "its field is read by the schema generator alone")]
pub struct FieldErrors(BTreeMap<String, Vec<String>>);

impl OperationOutput for Failure {
    type Inner = Detail;

    /// Which of them a route can give depends on the route; the document leaves out what it cannot.
    fn inferred_responses(context: &mut GenContext, operation: &mut Operation) -> Vec<(Option<u16>, Documented)> {
        crate::http::docs::errors::every::<Detail, FieldErrors>(context, operation)
    }
}
