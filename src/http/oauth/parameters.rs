//! Parameters out of a body: urlencoded, as OAuth has them, or a JSON object. None may be there twice (RFC 6749, section
//! 3.2), one without a value counts as left out, and the address is no place for a token.

use std::convert::Infallible;
use std::marker::PhantomData;

use aide::generate::GenContext;
use aide::openapi::Operation;
use aide::operation::OperationInput;
use axum::extract::{FromRequest, Request};
use axum::http::header::CONTENT_TYPE;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::domain::error::Error;
use crate::domain::json::{self, Twice};
use crate::http::body::{self, Body, DEPTH_MAX};
use crate::http::fault::{Result, Unreadable};

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

/// Parameters of the form of `T`, read when they are asked for.
pub struct Parameters<T> {
    sent: Result<Vec<u8>, Unreadable>,
    /// `Content-Type` as sent.
    media_type: String,
    /// What stands after the path.
    query: Option<String>,
    form: PhantomData<fn() -> T>,
}

impl<S: Send + Sync, T> FromRequest<S> for Parameters<T> {
    type Rejection = Infallible;

    async fn from_request(request: Request, _: &S) -> Result<Self, Infallible> {
        let named = request.headers().get_all(CONTENT_TYPE).iter();
        let named: Vec<_> = named.map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
        // Two types are one that nobody knows.
        let media_type = named.join(",");
        let query = request.uri().query().map(str::to_owned);
        let sent = body::receive_all(request).await;
        Ok(Self { sent, media_type, query, form: PhantomData })
    }
}

impl<T: DeserializeOwned + JsonSchema + 'static> Parameters<T> {
    /// The parameters as a value of their type.
    ///
    /// # Errors
    /// `Unreadable` when they are neither of the two forms; `Invalid` with all that is wrong in them, or where the
    /// address names a parameter of this route.
    pub fn parse(self) -> Result<T> {
        let known = body::fields_of::<T>();
        let named = form_urlencoded::parse(self.query.as_deref().unwrap_or("").as_bytes());
        if named.map(|(name, _)| name).any(|name| known.contains(&name.into_owned())) {
            return Err(Error::invalid("", "invalid", "Parameters belong into the body.").into());
        }
        let Value::Object(mut parameters) = read(&self.sent?, &self.media_type)? else {
            return Err(Error::invalid("", "invalid", "The body must be an object of parameters.").into());
        };
        parameters.retain(|name, value| known.contains(name) && *value != "" && !value.is_null());
        if let Some((name, _)) = parameters.iter().find(|(_, value)| !value.is_string()) {
            return Err(Error::invalid(name, "invalid", "Not a valid string.").into());
        }
        // What letters a token has is for the operation to judge, which knows it or not.
        serde_json::from_value(Value::Object(parameters))
            .map_err(|_| Error::invalid("", "required", "A required parameter is missing.").into())
    }
}

/// The body as a JSON value; an empty one is an empty object.
fn read(bytes: &[u8], media_type: &str) -> Result<Value> {
    if bytes.is_empty() {
        return Ok(Value::Object(Map::new()));
    }
    match media_type.split(';').next().unwrap_or("").trim().to_ascii_lowercase().as_str() {
        FORM => once_each(bytes),
        JSON => Ok(json::parse(bytes, DEPTH_MAX, Twice::Refused).map_err(Unreadable::Json)?),
        _ => Err(Unreadable::MediaType(media_type.to_owned()).into()),
    }
}

fn once_each(bytes: &[u8]) -> Result<Value> {
    let mut parameters = Map::new();
    for (name, value) in form_urlencoded::parse(bytes).into_owned() {
        if parameters.insert(name, Value::String(value)).is_some() {
            return Err(Error::invalid("", "invalid", "A parameter is there twice.").into());
        }
    }
    Ok(Value::Object(parameters))
}

impl<T: JsonSchema + 'static> OperationInput for Parameters<T> {
    fn operation_input(context: &mut GenContext, operation: &mut Operation) {
        Body::<T>::operation_input(context, operation);
        let Some(aide::openapi::ReferenceOr::Item(documented)) = &mut operation.request_body else { return };
        if let Some(json) = documented.content.get(JSON).cloned() {
            documented.content.insert(FORM.to_owned(), json);
        }
    }
}
