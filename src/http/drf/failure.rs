//! Errors in the shapes of Django REST framework and Simple JWT, for every dialect that has their manners.
//!
//! `{"field": ["…"]}` for input, `{"detail": "…"}` for the rest, `code` beside it where Simple JWT has one, and `messages`
//! where the header brought a bad token.

use aide::generate::GenContext;
use aide::openapi::{Operation, Response as Documented};
use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde_json::{Map, Value, json};

use crate::domain::error::{Conflict, Entity, Error, FieldError, Reason, Refusal, TokenFault};
use crate::http::answers;
use crate::http::fault::{self, Fault, Unreadable};

/// What a dialect calls an account.
pub struct Words {
    /// The noun of `No … matches the given query.`
    pub noun: &'static str,
    /// What is said of an e-mail, phone or username that somebody has.
    pub taken: fn(&str) -> String,
}

/// The words of `django.contrib.auth`.
pub const USER: Words = Words { noun: "User", taken: |field| format!("A user with that {field} already exists.") };

/// The words of a user model of one's own.
pub const OWN_USER: Words = Words { noun: "User", taken: |field| format!("user with this {field} already exists.") };

/// `{"detail": …}` with a status.
pub fn detail(status: StatusCode, detail: &str) -> Response {
    (status, Json(json!({ "detail": detail }))).into_response()
}

fn coded(code: &str, detail: &str) -> Response {
    (StatusCode::UNAUTHORIZED, Json(json!({ "detail": detail, "code": code }))).into_response()
}

/// The answer to a request that failed.
pub fn respond(fault: Fault, words: &Words) -> Response {
    match fault {
        Fault::Refused(error) => refused(error, words),
        Fault::Credentials(Error::Unauthenticated(reason)) => not_let_in(&reason),
        Fault::Credentials(error) => refused(error, words),
        Fault::Hidden => detail(StatusCode::NOT_FOUND, "Not found."),
        Fault::Unreadable(why) => unreadable(&why),
    }
}

fn refused(error: Error, words: &Words) -> Response {
    match error {
        Error::Invalid(fields) => by_field(fields),
        Error::Unauthenticated(reason) => unauthenticated(&reason),
        Error::Forbidden(refusal) => detail(StatusCode::FORBIDDEN, forbidden(&refusal)),
        Error::NotFound(Entity::Page) => detail(StatusCode::NOT_FOUND, "Invalid page."),
        Error::NotFound(Entity::User) => {
            detail(StatusCode::NOT_FOUND, &format!("No {} matches the given query.", words.noun))
        }
        Error::NotFound(_) => detail(StatusCode::NOT_FOUND, "Not found."),
        Error::Conflict(Conflict::Taken(_, field)) => {
            by_field(vec![FieldError::new(field, "unique", (words.taken)(field))])
        }
        Error::Conflict(conflict) => detail(StatusCode::CONFLICT, &fault::sentence(&conflict.to_string())),
        Error::TooMany { retry_after } => {
            let seconds = answers::whole_seconds(retry_after);
            answers::retry(detail(StatusCode::TOO_MANY_REQUESTS, &answers::throttled_detail(seconds)), seconds)
        }
        Error::Unavailable { retry_after } => {
            let text = "Service temporarily unavailable, try again later.";
            answers::retry(detail(StatusCode::SERVICE_UNAVAILABLE, text), answers::whole_seconds(retry_after))
        }
        Error::Internal(cause) => {
            tracing::error!(%cause, "an operation failed");
            detail(StatusCode::INTERNAL_SERVER_ERROR, "A server error occurred.")
        }
    }
}

/// A refusal of credentials as a complaint about the input: what the sign-ins for API tokens make of it.
pub fn credentials_as_input(fault: Fault) -> Fault {
    match fault {
        Fault::Refused(Error::Unauthenticated(Reason::BadCredentials)) => {
            let message = "Unable to log in with provided credentials.";
            Error::invalid("", "invalid_credentials", message).into()
        }
        other => other,
    }
}

/// All messages under their fields, in order; those about the whole under `non_field_errors`.
fn by_field(fields: Vec<FieldError>) -> Response {
    let mut body: Map<String, Value> = Map::new();
    for FieldError { field, message, .. } in fields {
        let key = if field.is_empty() { "non_field_errors".to_owned() } else { field };
        if let Value::Array(messages) = body.entry(key).or_insert_with(|| json!([])) {
            messages.push(message.into());
        }
    }
    (StatusCode::BAD_REQUEST, Json(body)).into_response()
}

/// Of what an operation was given: credentials or a token in the body.
fn unauthenticated(reason: &Reason) -> Response {
    match reason {
        Reason::BadCredentials => {
            detail(StatusCode::UNAUTHORIZED, "No active account found with the given credentials")
        }
        Reason::Token(fault) => coded("token_not_valid", &fault::token(*fault)),
        Reason::UserInactive | Reason::UserGone => {
            detail(StatusCode::UNAUTHORIZED, "No active account found for the given token.")
        }
        other => not_let_in(other),
    }
}

/// Of the credentials in the header.
fn not_let_in(reason: &Reason) -> Response {
    match reason {
        Reason::Missing => detail(StatusCode::UNAUTHORIZED, fault::NO_CREDENTIALS),
        Reason::MalformedHeader => coded("bad_authorization_header", fault::MALFORMED_HEADER),
        Reason::BadCredentials => {
            detail(StatusCode::UNAUTHORIZED, "No active account found with the given credentials")
        }
        Reason::Token(TokenFault::Claim("user_id")) => {
            coded("token_not_valid", &fault::token(TokenFault::Claim("user_id")))
        }
        Reason::Token(fault) => bad_token(&fault::token(*fault)),
        Reason::ApiToken(wrong) => detail(StatusCode::UNAUTHORIZED, &fault::api_token(*wrong).1),
        Reason::UserInactive => coded("user_inactive", "User is inactive"),
        Reason::UserGone => coded("user_not_found", "User not found"),
    }
}

fn bad_token(message: &str) -> Response {
    let body = json!({
        "detail": "Given token not valid for any token type",
        "code": "token_not_valid",
        "messages": [{"token_class": "AccessToken", "token_type": "access", "message": message}],
    });
    (StatusCode::UNAUTHORIZED, Json(body)).into_response()
}

fn forbidden(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::Lacks(_) => "You do not have permission to perform this action.",
        Refusal::Beyond(_) => "This reaches beyond your own permissions.",
        Refusal::SuperuserOnly => "Only a superuser may do this.",
        Refusal::RegistrationClosed => "Registration is closed.",
        Refusal::StaleToken => "Stale token for given user.",
        Refusal::ForeignPage => "Another site sent this.",
    }
}

fn unreadable(why: &Unreadable) -> Response {
    let bad = |text: &str| detail(StatusCode::BAD_REQUEST, text);
    match why {
        Unreadable::TooLarge => {
            let text = format!("The body is longer than {} bytes.", crate::http::body::BODY_MAX);
            answers::closing(detail(StatusCode::PAYLOAD_TOO_LARGE, &text))
        }
        Unreadable::MediaType(sent) => {
            let text = format!("Unsupported media type \"{sent}\" in request.");
            detail(StatusCode::UNSUPPORTED_MEDIA_TYPE, &text)
        }
        Unreadable::Json(wrong) => bad(&format!("JSON parse error - {wrong}")),
        Unreadable::Multipart(wrong) => bad(&format!("Multipart form parse error - {wrong}")),
        Unreadable::TooSlow => answers::too_slow(),
        Unreadable::CutOff => answers::closing(bad("The body ended too early.")),
    }
}

/// What is wrong with each field; `non_field_errors` speaks of the whole.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "its field is read by the schema generator alone")]
pub struct FieldErrors(std::collections::BTreeMap<String, Vec<String>>);

/// A sentence for people, and where Simple JWT has one a word for programs.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "its fields are read by the schema generator alone")]
pub struct Refused {
    detail: String,
    #[schemars(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    #[schemars(skip_serializing_if = "Option::is_none")]
    messages: Option<Vec<std::collections::BTreeMap<String, String>>>,
}

/// The errors of these dialects in the document.
pub fn documented(context: &mut GenContext, operation: &mut Operation) -> Vec<(Option<u16>, Documented)> {
    crate::http::docs::errors::every::<Refused, FieldErrors>(context, operation)
}
