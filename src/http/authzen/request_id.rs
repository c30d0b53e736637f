//! `X-Request-ID`: what a client calls its request comes back with the answer.

use std::convert::Infallible;

use aide::generate::GenContext;
use aide::openapi::{Operation, Response as Documented};
use aide::operation::OperationOutput;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};

const NAME: HeaderName = HeaderName::from_static("x-request-id");
/// Longest that comes back, in bytes.
const LENGTH_MAX: usize = 128;

/// What the client calls its request, if it is harmless: of the letters of UUIDs, trace ids and the like, and there once.
/// In place of any other the answer has the server's own.
pub struct RequestId(Option<HeaderValue>);

impl<S: Send + Sync> FromRequestParts<S> for RequestId {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let mut named = parts.headers.get_all(NAME).iter();
        let first = named.next().filter(|value| is_harmless(value.as_bytes()));
        Ok(Self(first.filter(|_| named.next().is_none()).cloned()))
    }
}

impl aide::OperationInput for RequestId {}

fn is_harmless(bytes: &[u8]) -> bool {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:~/+=@|".contains(byte);
    (1..=LENGTH_MAX).contains(&bytes.len()) && bytes.iter().all(plain)
}

impl RequestId {
    /// The answer with it.
    pub fn on<T>(self, answer: T) -> Identified<T> {
        Identified { id: self.0, answer }
    }
}

/// An answer that gives back what the client calls its request.
pub struct Identified<T> {
    id: Option<HeaderValue>,
    answer: T,
}

impl<T: IntoResponse> IntoResponse for Identified<T> {
    fn into_response(self) -> Response {
        let mut response = self.answer.into_response();
        if let Some(id) = self.id {
            response.headers_mut().insert(NAME, id);
        }
        response
    }
}

impl<T: OperationOutput> OperationOutput for Identified<T> {
    type Inner = T::Inner;

    fn inferred_responses(context: &mut GenContext, operation: &mut Operation) -> Vec<(Option<u16>, Documented)> {
        T::inferred_responses(context, operation)
    }
}
