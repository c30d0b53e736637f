//! Lists: `page`, `page_size`, `search`, `ordering` and filters out of the query; the envelope with its links.

use std::convert::Infallible;
use std::marker::PhantomData;

use aide::generate::GenContext;
use aide::openapi::Operation;
use aide::operation::{OperationInput, ParamLocation, add_parameters, parameters_from_schema};
use axum::extract::FromRequestParts;
use axum::http::header::HOST;
use axum::http::request::Parts;
use axum::http::uri::Authority;
use schemars::JsonSchema;
use serde::Serialize;

use super::body::Sent;
use super::fault::Result;
use super::ids::number;
use super::shell::Target;
use super::times;
use crate::domain::error::{Entity, Error, FieldError};
use crate::domain::ids::UserId;
use crate::domain::pages::{Listing, Order, PAGE_DEFAULT, PAGE_MAX, PageOf};
use crate::service::{Ctx, settings};

/// Most words of a search.
const WORDS_MAX: usize = 10;
/// Longest search, in characters.
const SEARCH_MAX: usize = 200;

/// A part of a list, with the way to the others.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "PageOf{T}")]
pub struct Envelope<T> {
    /// All that match.
    pub count: u64,
    /// Address of the next page.
    pub next: Option<String>,
    /// Address of the page before.
    pub previous: Option<String>,
    /// This page.
    pub results: Vec<T>,
}

/// What every list can be asked for. Only documentation: the query is read leniently by [`Asked`].
#[derive(JsonSchema)]
#[expect(dead_code, reason = "its fields are read by the schema generator alone")]
pub struct Parameters {
    /// Number of the page, from 1, or `last`.
    #[schemars(default)]
    page: Sent<String>,
    /// Items on a page: 50 unless given, at most 200.
    #[schemars(default)]
    page_size: Sent<i32>,
    /// Words that must all occur in the item's names, identifiers or description. Sessions are found by how their UUID or
    /// address begins, and users by how a name begins where the word has one or two characters.
    #[schemars(default)]
    search: Sent<String>,
    /// Fields to order by, separated by commas; `-` before one: largest first.
    #[schemars(default)]
    ordering: Sent<String>,
}

/// What a list of things that can be active can be asked for, too.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "its fields are read by the schema generator alone")]
pub struct ActiveParameters {
    #[serde(flatten)]
    parameters: Parameters,
    /// Only what is active, or only what is not.
    #[schemars(default)]
    is_active: Sent<bool>,
}

/// What a list of things that belong to users can be asked for, too.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "its fields are read by the schema generator alone")]
pub struct OwnedParameters {
    #[serde(flatten)]
    parameters: ActiveParameters,
    /// Only what belongs to the user with this id.
    #[schemars(default, range(min = 1))]
    user: Sent<i64>,
}

/// What the list of events can be asked for, too.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "its fields are read by the schema generator alone")]
pub struct TrailParameters {
    #[serde(flatten)]
    parameters: Parameters,
    /// Only what the user with this id did, or what was done to that user.
    #[schemars(default, range(min = 1))]
    user: Sent<i64>,
    /// Only events whose name begins so: `login`, or `login.failed`.
    #[schemars(default)]
    event: Sent<String>,
    /// Only what happened at this time or later.
    #[schemars(default)]
    since: Sent<String>,
    /// Only what happened before this time.
    #[schemars(default)]
    until: Sent<String>,
}

/// What a list can be filtered by, besides what every list takes.
pub trait Filters {
    /// Names of the parameters; others are not looked at.
    const FILTERS: &'static [&'static str];
}

impl Filters for Parameters {
    const FILTERS: &'static [&'static str] = &[];
}

impl Filters for ActiveParameters {
    const FILTERS: &'static [&'static str] = &["is_active"];
}

impl Filters for OwnedParameters {
    const FILTERS: &'static [&'static str] = &["is_active", "user"];
}

impl Filters for TrailParameters {
    const FILTERS: &'static [&'static str] = &["user", "event", "since", "until"];
}

/// The address by which a list was asked for.
pub struct Address {
    /// Name and value, decoded; the last of a name counts.
    pairs: Vec<(String, String)>,
    /// The query as sent.
    raw: String,
    /// Host of the list, if the request names one as it should.
    host: Option<Authority>,
    path: String,
}

impl Address {
    /// Out of a request.
    pub fn of(parts: &Parts) -> Self {
        let pairs = axum::extract::Query::try_from_uri(&parts.uri).map(|query| query.0).unwrap_or_default();
        let path =
            parts.extensions.get::<Target>().map_or_else(|| parts.uri.path().to_owned(), |target| target.0.clone());
        let host = parts.headers.get(HOST).and_then(|value| value.to_str().ok());
        let host = host.and_then(|text| text.parse::<Authority>().ok()).filter(|host| !host.as_str().contains('@'));
        Self { pairs, raw: parts.uri.query().unwrap_or("").to_owned(), host, path }
    }

    /// The value of a parameter, if it is there and not empty.
    pub fn value(&self, name: &str) -> Option<&str> {
        let found = self.pairs.iter().rev().find(|(known, _)| known == name);
        found.map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
    }

    /// The address without its query: where clients reach the server, if somebody has said so, since a proxy may name
    /// another host than they do.
    ///
    /// # Errors
    /// Those of the store.
    pub fn base(&self, ctx: &Ctx) -> Result<String> {
        Ok(self.origin(ctx)? + &self.path)
    }

    /// Where clients reach the server; nothing if nobody says.
    ///
    /// # Errors
    /// Those of the store.
    pub fn origin(&self, ctx: &Ctx) -> Result<String> {
        let scheme = ctx.env.default_url.split("://").next().unwrap_or_default();
        let by_host = || self.host.as_ref().map(|host| format!("{scheme}://{host}"));
        let origin = settings::public_url(ctx.env)?.or_else(by_host);
        Ok(origin.unwrap_or_default())
    }

    /// The address with these parameters, or without them where there is no value: the rest of the query stays as sent.
    pub fn link(&self, base: &str, parameters: &[(&str, Option<u64>)]) -> String {
        let is_other = |pair: &&str| {
            let name = pair.split('=').next();
            !pair.is_empty() && parameters.iter().all(|(known, _)| name != Some(known))
        };
        let mut query: Vec<String> = self.raw.split('&').filter(is_other).map(str::to_owned).collect();
        let set = parameters.iter().filter_map(|(name, value)| value.map(|value| format!("{name}={value}")));
        query.extend(set);
        if query.is_empty() { base.to_owned() } else { format!("{base}?{}", query.join("&")) }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Address {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(parts))
    }
}

impl OperationInput for Address {}

impl Address {
    /// The same as Django REST framework makes it: all parameters written anew, in the order of their names.
    pub fn sorted_link(&self, base: &str, parameters: &[(&str, Option<u64>)]) -> String {
        let is_other = |name: &str| parameters.iter().all(|(known, _)| name != *known);
        let set = parameters.iter().filter_map(|(name, value)| Some((String::from(*name), (*value)?.to_string())));
        let kept = self.pairs.iter().filter(|(name, _)| is_other(name)).cloned();
        let mut query: Vec<(String, String)> = set.chain(kept).collect();
        query.sort_by(|(one, _), (other, _)| one.cmp(other));
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
        if query.is_empty() { base.to_owned() } else { format!("{base}?{query}") }
    }
}

/// The query of a list, judged only when asked.
pub struct Asked<P = Parameters> {
    address: Address,
    /// What is documented of it.
    parameters: PhantomData<fn() -> P>,
}

impl<S: Send + Sync, P> FromRequestParts<S> for Asked<P> {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self { address: Address::of(parts), parameters: PhantomData })
    }
}

impl<P: JsonSchema> OperationInput for Asked<P> {
    fn operation_input(context: &mut GenContext, operation: &mut Operation) {
        let schema = P::json_schema(&mut context.schema);
        let parameters = parameters_from_schema(context, schema, ParamLocation::Query);
        add_parameters(context, operation, parameters);
    }
}

/// Which page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Page {
    Number(u64),
    Last,
}

impl<P: Filters> Asked<P> {
    /// The value of a parameter, if it is there and not empty.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.address.value(name)
    }

    /// The page asked for, fetched by `fetch` and shaped by `out`. `order`: fields that the list can be ordered by.
    ///
    /// # Errors
    /// `Invalid` for parameters that are wrong; `NotFound(Page)` for a page that there is not; those of `fetch`.
    pub fn page<T, W>(
        &self,
        ctx: &Ctx,
        order: &[&'static str],
        mut fetch: impl FnMut(&Listing) -> Result<PageOf<T>, Error>,
        out: impl Fn(T) -> W,
    ) -> Result<Envelope<W>> {
        let size = self.size();
        let mut listing = Listing { limit: size, ..self.listing(order)? };
        let number = match self.number()? {
            Page::Number(number) => number,
            Page::Last => {
                let counted = fetch(&Listing { limit: 0, ..listing.clone() })?;
                counted.total.div_ceil(u64::from(size)).max(1)
            }
        };
        let offset = (number - 1).checked_mul(u64::from(size)).filter(|offset| i64::try_from(*offset).is_ok());
        listing.offset = offset.ok_or(Error::NotFound(Entity::Page))?;
        let found = fetch(&listing)?;
        if number > 1 && listing.offset >= found.total {
            return Err(Error::NotFound(Entity::Page).into());
        }
        let base = self.address.base(ctx)?;
        let link = |page: u64| self.address.link(&base, &[("page", (page > 1).then_some(page))]);
        let more = listing.offset + found.items.len() as u64;
        Ok(Envelope {
            count: found.total,
            next: (more < found.total && !found.items.is_empty()).then(|| link(number + 1)),
            previous: (number > 1).then(|| link(number - 1)),
            results: found.items.into_iter().map(out).collect(),
        })
    }

    fn size(&self) -> u32 {
        let digits = |text: &&str| text.bytes().all(|byte| byte.is_ascii_digit());
        let asked = self.value("page_size").filter(digits).map(|text| text.parse().unwrap_or(PAGE_MAX));
        asked.filter(|size| *size > 0).unwrap_or(PAGE_DEFAULT).min(PAGE_MAX)
    }

    fn number(&self) -> Result<Page, Error> {
        match self.value("page") {
            None => Ok(Page::Number(1)),
            Some("last") => Ok(Page::Last),
            Some(text) => {
                number(text).map(|page| Page::Number(page.unsigned_abs())).ok_or(Error::NotFound(Entity::Page))
            }
        }
    }

    fn listing(&self, order: &[&'static str]) -> Result<Listing, Error> {
        let mut wrong = Vec::new();
        let search = self.value("search").unwrap_or("");
        if search.contains('\0') {
            wrong.push(FieldError::null_characters("search"));
        }
        if search.chars().count() > SEARCH_MAX {
            wrong.push(FieldError::too_long("search", SEARCH_MAX));
        }
        let mut ordered = Vec::new();
        for name in self.value("ordering").unwrap_or("").split(',').map(str::trim).filter(|name| !name.is_empty()) {
            match Order::parse(name, order) {
                Some(field) if ordered.len() < order.len() => ordered.push(field),
                Some(_) => {}
                None => {
                    let message = format!("This list can be ordered by: {}.", order.join(", "));
                    wrong.push(FieldError::new("ordering", "invalid_choice", message));
                    break;
                }
            }
        }
        let user = self.filter("user", "A valid integer is required.", number, &mut wrong).map(UserId);
        let active = self.filter("is_active", "Must be a valid boolean.", boolean, &mut wrong);
        let event = self.filter("event", "A name consists of letters, dots and underscores.", event, &mut wrong);
        let since = self.filter("since", times::WRONG_FORMAT, times::parse, &mut wrong);
        let until = self.filter("until", times::WRONG_FORMAT, times::parse, &mut wrong);
        if !wrong.is_empty() {
            return Err(Error::Invalid(wrong));
        }
        let search = search.split_whitespace().take(WORDS_MAX).map(str::to_owned).collect();
        Ok(Listing { search, order: ordered, user, active, event, since, until, ..Listing::default() })
    }

    fn filter<T>(
        &self,
        name: &'static str,
        message: &str,
        parse: impl FnOnce(&str) -> Option<T>,
        wrong: &mut Vec<FieldError>,
    ) -> Option<T> {
        let text = self.value(name).filter(|_| P::FILTERS.contains(&name))?;
        let value = parse(text);
        if value.is_none() {
            wrong.push(FieldError::new(name, "invalid", message));
        }
        value
    }
}

fn event(text: &str) -> Option<String> {
    const LONGEST: usize = 100;
    let fits = text.len() <= LONGEST && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_' || b == b'.');
    fits.then(|| text.to_owned())
}

fn boolean(text: &str) -> Option<bool> {
    match text {
        "true" | "True" | "1" => Some(true),
        "false" | "False" | "0" => Some(false),
        _ => None,
    }
}
