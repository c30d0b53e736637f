//! Bodies: the one way in for JSON, in every dialect.
//!
//! bytes → one JSON value ([`json`]) → checked against the JSON schema of the type and brought into its
//! form ([`shape`]), all complaints at once → the type. Bytes are taken in when the handler is called, at
//! most [`BODY_MAX`] of them; everything else happens in [`Body::parse`], inside the operation and so after the guard.

use std::any::{TypeId, type_name};
use std::collections::HashMap;
use std::convert::Infallible;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use aide::generate::GenContext;
use aide::openapi::{MediaType, Operation, RequestBody, SchemaObject};
use aide::operation::OperationInput;
use axum::body::{Bytes, HttpBody};
use axum::extract::{FromRequest, Request};
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, EXPECT};
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{Deserialize, DeserializeOwned, Deserializer};
use serde_json::{Map, Value};

use super::fault::{Fault, Result, Unreadable};
use super::routes::Reading;
use super::server::Patience;
use super::{call, shape};
use crate::domain::error::{Entity, Error};
use crate::domain::json::{self, Twice};
use crate::service::{self, Ctx};

/// Longest body, in bytes.
pub const BODY_MAX: usize = 16 * 1024;
/// Deepest nesting of arrays and objects.
pub const DEPTH_MAX: usize = 32;
/// How much of a body that is too long is read and dropped, so that the client gets to read the refusal.
const DROPPED_MAX: usize = 32 * 1024 * 1024;
/// How long such a client may send nothing before it is refused all the same.
const SILENCE: Duration = Duration::from_secs(1);

/// A body that should be JSON of the form of `T`.
pub struct Body<T> {
    sent: Result<Vec<u8>, Unreadable>,
    reading: Reading,
    form: PhantomData<fn() -> T>,
}

impl<S: Send + Sync, T> FromRequest<S> for Body<T> {
    type Rejection = Infallible;

    async fn from_request(request: Request, _: &S) -> Result<Self, Infallible> {
        let reading = call::mark(request.extensions()).dialect.reading;
        let headers = request.headers().clone();
        let sent = receive_all(request).await.and_then(|bytes| expect_json(&headers, bytes));
        Ok(Self { sent, reading, form: PhantomData })
    }
}

/// Takes in the bytes of a body.
///
/// # Errors
/// [`Unreadable`] when they are too many, come too slowly, or break off.
pub async fn receive_all(request: Request) -> Result<Vec<u8>, Unreadable> {
    let patience = request.extensions().get::<Patience>().copied().unwrap_or_default();
    let (parts, body) = request.into_parts();
    match tokio::time::timeout(patience.body, receive(&parts.headers, body)).await {
        Ok(sent) => sent,
        Err(_) => Err(Unreadable::TooSlow),
    }
}

impl<T: DeserializeOwned + JsonSchema + 'static> Body<T> {
    /// The body as a value of its type. An empty one counts as `{}`.
    ///
    /// # Errors
    /// `Unreadable` when it is no JSON; `Invalid` with all that is wrong in it.
    pub fn parse(self) -> Result<T> {
        read(&self.sent?, self.reading)
    }

    /// The body of a request about one thing. That it exists is judged first, as Django REST framework does.
    ///
    /// # Errors
    /// `NotFound`, then those of [`Body::parse`].
    pub fn parse_for(self, ctx: &Ctx, entity: Entity, id: i64) -> Result<T> {
        self.parse().or_else(|wrong| {
            service::exists(ctx, entity, id)?;
            Err(wrong)
        })
    }
}

/// Reads bytes as JSON of the form of `T`.
///
/// # Errors
/// Those of [`Body::parse`].
pub fn read<T: DeserializeOwned + JsonSchema + 'static>(bytes: &[u8], reading: Reading) -> Result<T> {
    let bytes = if bytes.is_empty() { b"{}" } else { bytes };
    let twice = if reading == Reading::Strict { Twice::Refused } else { Twice::LastCounts };
    fit(json::parse(bytes, DEPTH_MAX, twice).map_err(Unreadable::Json)?, reading)
}

/// Brings a JSON value into the form of `T`.
///
/// # Errors
/// `Invalid` with all that is wrong in it.
pub fn fit<T: DeserializeOwned + JsonSchema + 'static>(value: Value, reading: Reading) -> Result<T> {
    let value = shape::check(schema_of::<T>().as_value(), value, reading).map_err(Error::Invalid)?;
    serde_json::from_value(value).map_err(|_| {
        // The error would quote the body, and so passwords.
        tracing::error!(form = type_name::<T>(), "a body that fits its schema does not fit its type");
        Fault::Refused(Error::invalid("", "invalid", "Invalid data."))
    })
}

pub(super) async fn receive(headers: &HeaderMap, body: axum::body::Body) -> Result<Vec<u8>, Unreadable> {
    let announced: Option<u64> = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    let too_long = announced.is_some_and(|length| length > BODY_MAX as u64);
    // A client that waits for leave to send gets none; any other is heard out.
    if too_long && headers.contains_key(EXPECT) {
        return Err(Unreadable::TooLarge);
    }
    let mut body = body;
    if too_long {
        hear_out(&mut body).await;
        return Err(Unreadable::TooLarge);
    }
    let mut kept = Vec::new();
    while let Some(bytes) = next(&mut body).await? {
        if kept.len() + bytes.len() > BODY_MAX {
            hear_out(&mut body).await;
            return Err(Unreadable::TooLarge);
        }
        kept.extend_from_slice(&bytes);
    }
    Ok(kept)
}

/// Drops the rest of a body that is too long, as long as the client sends, so that it gets to read the refusal.
async fn hear_out(body: &mut axum::body::Body) {
    let mut dropped = 0;
    while let Ok(Ok(Some(bytes))) = tokio::time::timeout(SILENCE, next(body)).await {
        dropped += bytes.len();
        if dropped > DROPPED_MAX {
            break;
        }
    }
}

async fn next(body: &mut axum::body::Body) -> Result<Option<Bytes>, Unreadable> {
    loop {
        let frame = std::future::poll_fn(|context| Pin::new(&mut *body).poll_frame(context)).await;
        match frame {
            None => return Ok(None),
            Some(Err(_)) => return Err(Unreadable::CutOff),
            Some(Ok(frame)) => {
                if let Ok(bytes) = frame.into_data() {
                    return Ok(Some(bytes));
                }
            }
        }
    }
}

/// Passes what is empty, or JSON by its `Content-Type`.
fn expect_json(headers: &HeaderMap, bytes: Vec<u8>) -> Result<Vec<u8>, Unreadable> {
    if bytes.is_empty() {
        return Ok(bytes);
    }
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    let sent = values.next().and_then(|value| value.to_str().ok()).unwrap_or("");
    if values.next().is_none() && is_json(sent) { Ok(bytes) } else { Err(Unreadable::MediaType(sent.to_owned())) }
}

fn is_json(media_type: &str) -> bool {
    let lower = media_type.to_ascii_lowercase();
    let mut parts = lower.split(';').map(str::trim);
    let essence = parts.next().unwrap_or("");
    let json = essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"));
    json && parts.filter_map(|part| part.strip_prefix("charset=")).all(|name| name.trim_matches('"') == "utf-8")
}

/// The schema of a type, made once, with everything in its place instead of referred to.
fn schema_of<T: JsonSchema + 'static>() -> Arc<Schema> {
    static KNOWN: OnceLock<Mutex<HashMap<TypeId, Arc<Schema>>>> = OnceLock::new();
    let known = KNOWN.get_or_init(Mutex::default);
    let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
    let made = known.entry(TypeId::of::<T>()).or_insert_with(|| {
        let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
        Arc::new(settings.into_generator().into_root_schema_for::<T>())
    });
    Arc::clone(made)
}

/// Names of the fields of a type, in its order.
pub fn fields_of<T: JsonSchema + 'static>() -> Vec<String> {
    let schema = schema_of::<T>();
    let properties = schema.get("properties").and_then(Value::as_object);
    properties.into_iter().flat_map(Map::keys).cloned().collect()
}

impl<T: JsonSchema + 'static> OperationInput for Body<T> {
    fn operation_input(context: &mut GenContext, operation: &mut Operation) {
        // An empty body counts as `{}`.
        let required = shape::check(schema_of::<T>().as_value(), Value::Object(Map::new()), Reading::Strict).is_err();
        let schema =
            SchemaObject { json_schema: context.schema.subschema_for::<T>(), external_docs: None, example: None };
        let media = MediaType { schema: Some(schema), ..MediaType::default() };
        let content = [("application/json".to_owned(), media)].into_iter().collect();
        let body = RequestBody { content, required, ..RequestBody::default() };
        aide::operation::set_body(context, operation, body);
    }
}

/// A key that may be left out of a body. Whether `null` may stand for its value is for `T` to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent<T>(pub Option<T>);

impl<T> Default for Sent<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Sent<T> {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        T::deserialize(input).map(|value| Self(Some(value)))
    }
}

impl<T: JsonSchema> JsonSchema for Sent<T> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> std::borrow::Cow<'static, str> {
        T::schema_id()
    }

    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

/// A key that answers carry and bodies may give back: taken and not looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReadOnly;

impl<'de> Deserialize<'de> for ReadOnly {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        Value::deserialize(input).map(|_| Self)
    }
}

impl JsonSchema for ReadOnly {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ReadOnly".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({"readOnly": true})
    }
}
