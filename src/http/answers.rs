//! Answers that are the same in every dialect, and the shapes of success.

use std::time::Duration;

use aide::generate::GenContext;
use aide::openapi::{MediaType, Operation, Response as Documented};
use aide::operation::OperationOutput;
use axum::Json;
use axum::http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONNECTION, RETRY_AFTER};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;

/// An error that says one thing: a sentence for people and a stable word for programs.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Detail {
    /// Sentence for people.
    pub detail: String,
    /// Stable word for programs.
    pub code: String,
    /// The right that is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub required: Option<String>,
}

/// `{"detail": …, "code": …}` with a status.
pub fn error(status: StatusCode, code: &str, detail: &str) -> Response {
    let body = Detail { detail: detail.to_owned(), code: code.to_owned(), required: None };
    (status, Json(body)).into_response()
}

/// The answer to a path that is not served.
pub fn not_found() -> Response {
    error(StatusCode::NOT_FOUND, "not_found", "Not found.")
}

/// The answer when a fault of ours prevents another.
pub fn internal() -> Response {
    error(StatusCode::INTERNAL_SERVER_ERROR, "internal_error", "A server error occurred.")
}

/// The answer to a request that came too slowly; the connection ends with it.
pub fn too_slow() -> Response {
    closing(error(StatusCode::REQUEST_TIMEOUT, "request_timeout", "The request took too long to arrive."))
}

/// The answer when something cannot be served for now; nothing happened.
pub fn unavailable() -> Response {
    let detail = "Service temporarily unavailable, try again later.";
    retry(error(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail), 1)
}

/// The answer to one request too many, in the words of Django REST framework.
pub fn throttled(retry_after: Duration) -> Response {
    let seconds = whole_seconds(retry_after);
    retry(error(StatusCode::TOO_MANY_REQUESTS, "throttled", &throttled_detail(seconds)), seconds)
}

/// What is said to whoever asks too often.
pub fn throttled_detail(seconds: u64) -> String {
    let unit = if seconds == 1 { "second" } else { "seconds" };
    format!("Request was throttled. Expected available in {seconds} {unit}.")
}

/// Rounded up, at least one.
pub fn whole_seconds(time: Duration) -> u64 {
    (time.as_secs() + u64::from(time.subsec_nanos() > 0)).max(1)
}

/// The answer when an operation takes too long. It goes on, so nobody knows yet whether it will succeed.
pub fn overdue() -> Response {
    let detail = "The request could not be answered in time; what it asked for may still happen.";
    error(StatusCode::SERVICE_UNAVAILABLE, "timeout", detail)
}

/// Marks the connection to be closed after the answer.
pub fn closing(mut response: Response) -> Response {
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

/// Says in how many seconds to try again.
pub fn retry(mut response: Response, seconds: u64) -> Response {
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    response
}

/// 201 with what was made.
pub struct Created<T>(pub T);

impl<T: Serialize> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        (StatusCode::CREATED, Json(self.0)).into_response()
    }
}

impl<T: JsonSchema> OperationOutput for Created<T> {
    type Inner = T;

    fn inferred_responses(context: &mut GenContext, operation: &mut Operation) -> Vec<(Option<u16>, Documented)> {
        documented::<T>(context, operation, 201)
    }
}

/// 201 with what was given just now, 200 with what was there before.
pub enum Given<T> {
    /// Now.
    Now(T),
    /// Before.
    Before(T),
}

impl<T: Serialize> IntoResponse for Given<T> {
    fn into_response(self) -> Response {
        match self {
            Given::Now(value) => (StatusCode::CREATED, Json(value)).into_response(),
            Given::Before(value) => Json(value).into_response(),
        }
    }
}

impl<T: JsonSchema> OperationOutput for Given<T> {
    type Inner = T;

    fn inferred_responses(context: &mut GenContext, operation: &mut Operation) -> Vec<(Option<u16>, Documented)> {
        let mut both = documented::<T>(context, operation, 201);
        both.extend(documented::<T>(context, operation, 200));
        both
    }
}

/// Something that is nobody's secret: pages of any origin may read it, and whoever gets it may keep it for a while.
pub struct Published<T> {
    answer: T,
    kept: Duration,
}

impl<T> Published<T> {
    /// An answer, and how long it may be kept.
    pub fn new(answer: T, kept: Duration) -> Self {
        Self { answer, kept }
    }
}

impl<T: IntoResponse> IntoResponse for Published<T> {
    fn into_response(self) -> Response {
        let headers = [
            (ACCESS_CONTROL_ALLOW_ORIGIN, "*".to_owned()),
            (CACHE_CONTROL, format!("public, max-age={}", self.kept.as_secs())),
            (HeaderName::from_static("cross-origin-resource-policy"), "cross-origin".to_owned()),
        ];
        (headers, self.answer).into_response()
    }
}

impl<T: OperationOutput> OperationOutput for Published<T> {
    type Inner = T::Inner;

    fn inferred_responses(context: &mut GenContext, operation: &mut Operation) -> Vec<(Option<u16>, Documented)> {
        T::inferred_responses(context, operation)
    }
}

/// How an answer of this type and status is documented.
pub fn documented<T: JsonSchema>(
    context: &mut GenContext,
    operation: &mut Operation,
    status: u16,
) -> Vec<(Option<u16>, Documented)> {
    Json::<T>::operation_response(context, operation).map(|response| (Some(status), response)).into_iter().collect()
}

/// How a file is documented, which is missing (404) or cannot be made (503).
pub fn documented_file(context: &mut GenContext, operation: &mut Operation) -> Vec<(Option<u16>, Documented)> {
    let content = [("*/*".to_owned(), MediaType::default())].into_iter().collect();
    let file = Documented { description: "The file.".to_owned(), content, ..Documented::default() };
    let mut all = vec![(Some(200), file)];
    all.extend(documented::<Detail>(context, operation, 404));
    all.extend(documented::<Detail>(context, operation, 503));
    all
}

/// Done, nothing to say.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Done {}

/// 204: done, and gone.
pub struct Gone;

impl IntoResponse for Gone {
    fn into_response(self) -> Response {
        StatusCode::NO_CONTENT.into_response()
    }
}

impl OperationOutput for Gone {
    type Inner = ();

    fn inferred_responses(_: &mut GenContext, _: &mut Operation) -> Vec<(Option<u16>, Documented)> {
        vec![(Some(204), Documented { description: "Done; no body.".to_owned(), ..Documented::default() })]
    }
}
