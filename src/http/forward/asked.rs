//! What a proxy asks: its policies out of the query, and the request that it is about out of its headers.

use std::convert::Infallible;

use aide::generate::GenContext;
use aide::openapi::Operation;
use aide::operation::{OperationInput, ParamLocation, add_parameters, parameters_from_schema};
use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use schemars::JsonSchema;

use super::failure::Refusal;
use super::target;
use crate::domain::policies::{Policy, Verb};
use crate::http::client::Client;

/// Most policies, and most paths, in one question.
const MOST: usize = 32;

/// A question, not read yet.
pub struct Asked {
    /// Whether a trusted proxy asks.
    is_proxied: bool,
    query: String,
    headers: HeaderMap,
}

/// A question.
#[derive(Debug)]
pub struct Question {
    /// All of them must hold.
    pub policies: Vec<Policy>,
    /// What the request does, if the proxy says so.
    pub verb: Option<Verb>,
}

/// What the query may say. Only documentation: it is read by [`Asked::read`].
#[derive(JsonSchema)]
#[expect(dead_code, reason = "its fields are read by the schema generator alone")]
struct Parameters {
    /// `allow_any`, `is_authenticated`, `is_admin`, `authenticated_or_read_only`, `role:<code name>`, or the code name of a
    /// resource, on which the request's method needs its right. Several, separated by commas or in several parameters: all
    /// must hold.
    policy: String,
    /// Path that the request's must be or lie below; of several, all of them.
    #[schemars(default)]
    path: String,
}

impl<S: Send + Sync> FromRequestParts<S> for Asked {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self {
            is_proxied: parts.extensions.get::<Client>().is_some_and(|client| client.is_proxied),
            query: parts.uri.query().unwrap_or_default().to_owned(),
            headers: parts.headers.clone(),
        })
    }
}

impl OperationInput for Asked {
    fn operation_input(context: &mut GenContext, operation: &mut Operation) {
        let schema = Parameters::json_schema(&mut context.schema);
        let parameters = parameters_from_schema(context, schema, ParamLocation::Query);
        add_parameters(context, operation, parameters);
    }
}

impl Asked {
    /// Reads it.
    ///
    /// # Errors
    /// Why it is refused, whoever it is about.
    pub fn read(&self) -> Result<Question, Refusal> {
        if !self.is_proxied {
            return Err(Refusal::Untrusted);
        }
        let (policies, paths) = self.rules()?;
        let told = self.told()?;
        let verb = told.method.map(|method| Verb::of(method).ok_or(Refusal::Method)).transpose()?;
        let path = told.uri.map(|uri| target::path(uri).map_err(Refusal::Target)).transpose()?;
        for prefix in &paths {
            match &path {
                None => return Err(Refusal::Target("is not told")),
                Some(path) if !target::is_below(path, prefix) => return Err(Refusal::Elsewhere),
                Some(_) => {}
            }
        }
        Ok(Question { policies, verb })
    }

    /// Policies and paths of the query. An unknown parameter may be a misspelt one that was to narrow.
    fn rules(&self) -> Result<(Vec<Policy>, Vec<String>), Refusal> {
        let (mut policies, mut paths) = (Vec::new(), Vec::new());
        for (name, value) in form_urlencoded::parse(self.query.as_bytes()) {
            match &*name {
                "policy" => {
                    for word in value.split(',') {
                        let policy = Policy::parse(word.trim()).ok_or_else(|| Refusal::Policy(word.to_owned()))?;
                        policies.push(policy);
                    }
                }
                "path" => paths.push(target::path(&value).map_err(|_| Refusal::Prefix(value.to_string()))?),
                _ => return Err(Refusal::Parameter(name.into_owned())),
            }
        }
        match policies.len() {
            0 => Err(Refusal::NoPolicy),
            count if count > MOST || paths.len() > MOST => Err(Refusal::TooMany),
            _ => Ok((policies, paths)),
        }
    }

    /// The request that it is about. A header that comes twice, or by both names, must say the same; and one family must
    /// not fill what the other leaves open, since a proxy that writes the one hands the other on as the client sent it.
    fn told(&self) -> Result<Told<'_>, Refusal> {
        let nginx = Told { method: self.one("x-original-method")?, uri: self.one("x-original-uri")? };
        let others = Told { method: self.one("x-forwarded-method")?, uri: self.one("x-forwarded-uri")? };
        match (nginx.is_empty(), others.is_empty()) {
            (true, _) => Ok(others),
            (false, true) => Ok(nginx),
            (false, false) if nginx == others => Ok(nginx),
            (false, false) => Err(Refusal::Disagree),
        }
    }

    fn one(&self, name: &'static str) -> Result<Option<&str>, Refusal> {
        let mut values = self.headers.get_all(name).iter();
        let Some(first) = values.next() else { return Ok(None) };
        if values.any(|other| other != first) {
            return Err(Refusal::Disagree);
        }
        first.to_str().map(Some).map_err(|_| Refusal::Target("has letters that are not ASCII"))
    }
}

/// A request as headers of one family tell it.
#[derive(PartialEq, Eq)]
struct Told<'a> {
    method: Option<&'a str>,
    uri: Option<&'a str>,
}

impl Told<'_> {
    fn is_empty(&self) -> bool {
        self.method.is_none() && self.uri.is_none()
    }
}
