//! Bodies as Django REST framework takes them: JSON, urlencoded or multipart, by `Content-Type`.
//!
//! Whatever the form, it becomes one JSON object, which is judged by the same schema as any body
//! ([`shape`](crate::http::shape)): unknown keys are ignored, the last of a name counts.

use std::borrow::Cow;
use std::convert::Infallible;
use std::marker::PhantomData;

use aide::generate::GenContext;
use aide::openapi::Operation;
use aide::operation::OperationInput;
use axum::extract::{FromRequest, Request};
use axum::http::header::CONTENT_TYPE;
use encoding_rs::{Encoding, UTF_8};
use futures_util::{FutureExt, stream};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::python;
use crate::domain::error::{Error, FieldError};
use crate::domain::json::{self, Twice};
use crate::http::body::{self, Body, DEPTH_MAX};
use crate::http::fault::{Fault, Result, Unreadable};
use crate::http::routes::Reading;

/// A body of the form of `T`, read when it is asked for.
pub struct Form<T> {
    sent: Result<Vec<u8>, Unreadable>,
    /// `Content-Type` as sent.
    media_type: Option<String>,
    blanks: Blanks,
    form: PhantomData<fn() -> T>,
}

/// What an empty field of an HTML form is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Blanks {
    /// An empty text.
    Kept,
    /// Nothing.
    LeftOut,
}

impl<S: Send + Sync, T> FromRequest<S> for Form<T> {
    type Rejection = Infallible;

    async fn from_request(request: Request, _: &S) -> Result<Self, Infallible> {
        let named = request.headers().get_all(CONTENT_TYPE).iter();
        let named: Vec<_> = named.map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
        // Two types are one that nobody knows.
        let media_type = (!named.is_empty()).then(|| named.join(","));
        let sent = body::receive_all(request).await;
        Ok(Self { sent, media_type, blanks: Blanks::Kept, form: PhantomData })
    }
}

impl<T: DeserializeOwned + JsonSchema + 'static> Form<T> {
    /// The body as a value of its type.
    ///
    /// # Errors
    /// `Unreadable` when it is none of the three forms; `Invalid` with all that is wrong in it.
    pub fn parse(self) -> Result<T> {
        self.parse_as()
    }

    /// The body as a value of another type than the documented one: where a setting asks for more.
    ///
    /// # Errors
    /// Those of [`Form::parse`].
    pub fn parse_as<U: DeserializeOwned + JsonSchema + 'static>(self) -> Result<U> {
        body::fit(self.value()?, Reading::Lenient)
    }
}

impl<T> Form<T> {
    fn value(self) -> Result<Value> {
        let media_type = self.media_type.unwrap_or_default();
        let mut value = read(self.sent?, &media_type)?;
        let is_form = essence(&media_type) != "application/json";
        if let (Blanks::LeftOut, true, Value::Object(fields)) = (self.blanks, is_form, &mut value) {
            fields.retain(|_, value| value != "");
        }
        Ok(value)
    }

    /// The body as a value of `U`, judged also by what only a look at the data tells, such as that a name is taken:
    /// `judge` is asked about each text that nothing else is wrong with, and all complaints come together, in the order of
    /// the form.
    ///
    /// # Errors
    /// Those of [`Form::parse`], and those of `judge`.
    pub fn parse_judged<U: DeserializeOwned + JsonSchema + 'static>(
        self,
        judge: impl Fn(&str, &str) -> Result<Option<FieldError>, Error>,
    ) -> Result<U> {
        self.parse_judged_late(judge, |_, _| Ok(None))
    }

    /// The same, where some judgement is dear or made later anyhow, as that of a password: `late` is asked only if
    /// something else is wrong.
    ///
    /// # Errors
    /// Those of [`Form::parse`], and those of both.
    pub fn parse_judged_late<U: DeserializeOwned + JsonSchema + 'static>(
        self,
        judge: impl Fn(&str, &str) -> Result<Option<FieldError>, Error>,
        late: impl Fn(&str, &str) -> Result<Option<FieldError>, Error>,
    ) -> Result<U> {
        let value = self.value()?;
        let sent = value.as_object().cloned().unwrap_or_default();
        let (fitting, mut wrong) = match body::fit::<U>(value, Reading::Lenient) {
            Ok(fitting) => (Some(fitting), Vec::new()),
            Err(Fault::Refused(Error::Invalid(wrong))) => (None, wrong),
            Err(other) => return Err(other),
        };
        judge_each(&sent, &mut wrong, judge)?;
        if !wrong.is_empty() {
            judge_each(&sent, &mut wrong, late)?;
        }
        let order = body::fields_of::<U>();
        wrong.sort_by_key(|fault| order.iter().position(|name| *name == fault.field));
        fitting.filter(|_| wrong.is_empty()).ok_or(Error::Invalid(wrong).into())
    }

    /// The same form with what was left empty taken out, if it came from an HTML form: there an empty field that may be
    /// left out counts as left out.
    #[must_use]
    pub fn without_blanks(self) -> Self {
        Self { blanks: Blanks::LeftOut, ..self }
    }
}

/// Asks about each text that nothing is wrong with yet.
fn judge_each(
    sent: &Map<String, Value>,
    wrong: &mut Vec<FieldError>,
    judge: impl Fn(&str, &str) -> Result<Option<FieldError>, Error>,
) -> Result<()> {
    for (name, value) in sent {
        let text = match value {
            Value::String(text) => Cow::Borrowed(text.as_str()),
            Value::Number(number) => Cow::Owned(number.to_string()),
            _ => continue,
        };
        if wrong.iter().all(|fault| fault.field != *name) {
            wrong.extend(judge(name, &text)?);
        }
    }
    Ok(())
}

/// The media type without its parameters, in small letters.
fn essence(media_type: &str) -> String {
    media_type.split(';').next().unwrap_or("").trim().to_ascii_lowercase()
}

/// The body as a JSON value; an empty one is an empty object.
fn read(bytes: Vec<u8>, media_type: &str) -> Result<Value> {
    if bytes.is_empty() {
        return Ok(Value::Object(Map::new()));
    }
    match essence(media_type).as_str() {
        // A range names no type; the first parser takes it.
        "application/json" | "application/*" | "*/*" => read_json(&bytes, encoding(media_type)),
        "application/x-www-form-urlencoded" => {
            let text = encoding(media_type).decode(&bytes).0;
            Ok(last_of_each(form_urlencoded::parse(text.as_bytes()).into_owned()))
        }
        "multipart/form-data" => read_multipart(bytes, media_type),
        _ => Err(Unreadable::MediaType(media_type.to_owned()).into()),
    }
}

/// The encoding that `charset` names; one that nobody knows is taken for UTF-8, as the original does.
fn encoding(media_type: &str) -> &'static Encoding {
    let named = media_type.split(';').skip(1).filter_map(|part| part.trim().split_once('='));
    let charset = named.into_iter().find(|(name, _)| name.eq_ignore_ascii_case("charset"));
    let label = charset.map_or("", |(_, value)| value.trim_matches('"'));
    // Python knows `latin-1` and `utf_8`, too.
    let plain = || label.replace(['-', '_'], "");
    Encoding::for_label(label.as_bytes()).or_else(|| Encoding::for_label(plain().as_bytes())).unwrap_or(UTF_8)
}

fn read_json(bytes: &[u8], encoding: &'static Encoding) -> Result<Value> {
    let decoded = if encoding == UTF_8 { Cow::Borrowed(bytes) } else { recoded(bytes, encoding) };
    let parse = |bytes: &[u8]| json::parse(bytes, DEPTH_MAX, Twice::LastCounts);
    parse(&decoded).or_else(|wrong| {
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => text,
            Err(_) => return Err(Unreadable::Json(python::undecodable(&decoded).unwrap_or(wrong)).into()),
        };
        let said = python::complaint(text);
        let kept = if said.is_none() { python::with_surrogates(text) } else { None };
        let read = kept.and_then(|text| parse(text.as_bytes()).ok());
        read.ok_or_else(|| Unreadable::Json(said.unwrap_or(wrong)).into())
    })
}

fn recoded<'a>(bytes: &'a [u8], encoding: &'static Encoding) -> Cow<'a, [u8]> {
    match encoding.decode(bytes).0 {
        Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
        Cow::Owned(text) => Cow::Owned(text.into_bytes()),
    }
}

fn last_of_each(pairs: impl Iterator<Item = (String, String)>) -> Value {
    Value::Object(pairs.map(|(name, value)| (name, Value::String(value))).collect())
}

/// The texts of a multipart body; a file is a value of no type that is taken anywhere.
fn read_multipart(bytes: Vec<u8>, media_type: &str) -> Result<Value> {
    let Ok(boundary) = multer::parse_boundary(media_type) else {
        return Err(Unreadable::Multipart("Invalid boundary in multipart: None".to_owned()).into());
    };
    // A part that breaks off has all that came of it.
    let mut bytes = bytes;
    bytes.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    let whole = stream::once(std::future::ready(Ok::<_, std::io::Error>(bytes)));
    let mut parts = multer::Multipart::new(whole, boundary);
    let mut found = Vec::new();
    let all = async {
        while let Ok(Some(part)) = parts.next_field().await {
            let Some(name) = part.name().map(str::to_owned) else { continue };
            let is_file = part.file_name().is_some();
            let Ok(text) = part.text().await else { break };
            found.push((name, if is_file { Value::Array(Vec::new()) } else { Value::String(text) }));
        }
    };
    // The body is in memory: there is nothing to wait for.
    let _ = all.now_or_never();
    Ok(Value::Object(found.into_iter().collect()))
}

impl<T: JsonSchema + 'static> OperationInput for Form<T> {
    fn operation_input(context: &mut GenContext, operation: &mut Operation) {
        Body::<T>::operation_input(context, operation);
        let Some(aide::openapi::ReferenceOr::Item(documented)) = &mut operation.request_body else { return };
        if let Some(json) = documented.content.get("application/json").cloned() {
            for form in ["application/x-www-form-urlencoded", "multipart/form-data"] {
                documented.content.insert(form.to_owned(), json.clone());
            }
        }
    }
}
