//! What a browser sends of a form: `application/x-www-form-urlencoded`.

use std::convert::Infallible;

use aide::operation::OperationInput;
use axum::extract::{FromRequest, Request};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;

use crate::http::body;
use crate::http::fault::{Result, Unreadable};
use crate::http::server::Patience;

/// A body that should be a form.
pub struct Form(Result<Vec<u8>, Unreadable>);

/// Its fields.
pub struct Fields(Vec<(String, String)>);

impl<S: Send + Sync> FromRequest<S> for Form {
    type Rejection = Infallible;

    async fn from_request(request: Request, _: &S) -> Result<Self, Infallible> {
        let patience = request.extensions().get::<Patience>().copied().unwrap_or_default();
        let (parts, body) = request.into_parts();
        let sent = match tokio::time::timeout(patience.body, body::receive(&parts.headers, body)).await {
            Ok(sent) => sent.and_then(|bytes| expect_form(&parts.headers, bytes)),
            Err(_) => Err(Unreadable::TooSlow),
        };
        Ok(Self(sent))
    }
}

// Told in the route's description: the document shows JSON bodies alone.
impl OperationInput for Form {}

impl Form {
    /// The fields of the form. An empty body is one without any.
    ///
    /// # Errors
    /// `Unreadable` when it is no form.
    pub fn read(self) -> Result<Fields> {
        Ok(Fields(form_urlencoded::parse(&self.0?).into_owned().collect()))
    }
}

impl Fields {
    /// What stands in a field; of several with one name, in the last. Nothing where there is none.
    pub fn text(&self, name: &str) -> &str {
        self.0.iter().rev().find(|(known, _)| known == name).map_or("", |(_, text)| text)
    }
}

fn expect_form(headers: &HeaderMap, bytes: Vec<u8>) -> Result<Vec<u8>, Unreadable> {
    let sent = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let essence = sent.split(';').next().unwrap_or("").trim();
    let is_form = essence.eq_ignore_ascii_case("application/x-www-form-urlencoded");
    if bytes.is_empty() || is_form { Ok(bytes) } else { Err(Unreadable::MediaType(sent.to_owned())) }
}
