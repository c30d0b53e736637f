//! Device credentials over the wire: a cookie for browsers, and a field `device` for programs, which ask for one with an
//! empty text or `true`, and show one with itself. It gives a budget of guesses and no rights, so that it is the
//! one cookie that this API looks at.
//!
//! The cookie has the prefix `__Host-` and is `Secure`, whatever the server is reached by: over plain http a browser keeps
//! it for this machine alone, and elsewhere its user is a client of which nothing is known.

use std::borrow::Cow;

use aide::generate::GenContext;
use aide::openapi::{Operation, Response as Documented};
use aide::operation::OperationOutput;
use axum::http::header::{COOKIE, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::domain::guard::Device;
use crate::service::Ctx;

/// The cookie's name.
pub const NAME: &str = "__Host-authsrv-dev";
/// Life of the cookie in seconds: 180 days, as long as the credential's (E.7).
const MAX_AGE: u32 = 15_552_000;
/// Longest text that may be a credential.
const TEXT_MAX: usize = 200;

/// The credential that a browser shows by itself.
pub fn shown(headers: &HeaderMap) -> Option<Device> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut cookies = lines.flat_map(|line| line.split(';')).filter_map(|cookie| cookie.trim().split_once('='));
    cookies.find(|(name, _)| *name == NAME).and_then(|(_, value)| device(value))
}

fn device(text: &str) -> Option<Device> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    let fits = !text.is_empty() && text.len() <= TEXT_MAX && text.bytes().all(plain);
    fits.then(|| Device(text.to_owned()))
}

/// The field `device` of a sign-in. Whatever else it holds is of a client that knows nothing of this, and not looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Asked {
    /// It is not there, or means something else.
    #[default]
    No,
    /// A credential is asked for.
    New,
    /// One is shown.
    Shown(Device),
}

impl<'de> Deserialize<'de> for Asked {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        Ok(match Value::deserialize(input)? {
            Value::Bool(true) => Asked::New,
            Value::String(text) if text.is_empty() || text == "true" => Asked::New,
            Value::String(text) => device(&text).map_or(Asked::No, Asked::Shown),
            _ => Asked::No,
        })
    }
}

impl JsonSchema for Asked {
    fn schema_name() -> Cow<'static, str> {
        "DeviceAsked".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({})
    }
}

impl Asked {
    /// Tells the operation of the credential that is shown.
    pub fn show(&self, ctx: &Ctx) {
        if let Asked::Shown(device) = self {
            ctx.show_device(device.clone());
        }
    }

    /// The credential that the operation gave, if one was asked for.
    pub fn told(&self, ctx: &Ctx) -> Option<String> {
        let given = (*self != Asked::No).then(|| ctx.device_given()).flatten();
        given.map(|Device(text)| text)
    }
}

/// An answer with the device credential that the operation gave, as a cookie.
pub struct Remembered<A>(A, Option<Device>);

impl<A> Remembered<A> {
    /// Of an operation that is done.
    pub fn of(ctx: &Ctx, answer: A) -> Self {
        Self(answer, ctx.device_given())
    }

    /// The same with another answer.
    pub fn map<B>(self, change: impl FnOnce(A) -> B) -> Remembered<B> {
        Remembered(change(self.0), self.1)
    }
}

impl<A: IntoResponse> IntoResponse for Remembered<A> {
    fn into_response(self) -> Response {
        let mut response = self.0.into_response();
        let cookie = self
            .1
            .map(|Device(text)| format!("{NAME}={text}; Secure; HttpOnly; SameSite=Lax; Path=/; Max-Age={MAX_AGE}"));
        if let Some(mut value) = cookie.and_then(|text| HeaderValue::from_maybe_shared(text).ok()) {
            value.set_sensitive(true);
            response.headers_mut().append(SET_COOKIE, value);
        }
        response
    }
}

impl<A: OperationOutput> OperationOutput for Remembered<A> {
    type Inner = A::Inner;

    fn operation_response(context: &mut GenContext, operation: &mut Operation) -> Option<Documented> {
        A::operation_response(context, operation)
    }

    fn inferred_responses(context: &mut GenContext, operation: &mut Operation) -> Vec<(Option<u16>, Documented)> {
        A::inferred_responses(context, operation)
    }
}
