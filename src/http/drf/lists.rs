//! Lists as Django REST framework's paginators cut them: a bare array, pages by number, or `limit` and `offset`, by
//! settings.

use std::convert::Infallible;

use aide::generate::GenContext;
use aide::openapi::{Operation, Response as Documented};
use aide::operation::{OperationInput, OperationOutput};
use axum::Json;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::error::{Entity, Error};
use crate::domain::pages::{Listing, PAGE_MAX, PageOf};
use crate::domain::settings::Pagination;
use crate::http::answers::documented;
use crate::http::fault::Result;
use crate::http::ids::number;
use crate::http::lists::{Address, Envelope};
use crate::service::{Ctx, settings};

/// Most items of an array without pages. Whoever has more sets `drf.page_size`.
const WHOLE_MAX: u64 = 10_000;

/// A list, whole or a page of it.
#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "ListOf{T}")]
pub enum Listed<T> {
    /// Everything.
    Whole(Vec<T>),
    /// A page.
    Page(Envelope<T>),
}

impl<T: Serialize> IntoResponse for Listed<T> {
    fn into_response(self) -> Response {
        Json(self).into_response()
    }
}

impl<T: JsonSchema> OperationOutput for Listed<T> {
    type Inner = T;

    fn inferred_responses(context: &mut GenContext, operation: &mut Operation) -> Vec<(Option<u16>, Documented)> {
        documented::<Self>(context, operation, 200)
    }
}

/// What is asked of a list, judged by the settings when it is fetched.
pub struct Asked(Address);

impl<S: Send + Sync> FromRequestParts<S> for Asked {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(Address::of(parts)))
    }
}

impl OperationInput for Asked {}

impl Asked {
    /// The address of what lies below this one.
    ///
    /// # Errors
    /// Those of the store.
    pub fn below(&self, ctx: &Ctx, name: &str) -> Result<String> {
        let base = self.0.base(ctx)?;
        let (base, format) =
            base.split_once("/.").map_or((base.trim_end_matches('/'), ""), |(base, format)| (base, format));
        let end = match (format, self.0.value("format")) {
            ("", None) => "/".to_owned(),
            ("", Some(asked)) => format!("/?format={asked}"),
            (format, _) => format!(".{}", format.trim_end_matches('/')),
        };
        Ok(format!("{base}/{name}{end}"))
    }

    /// The part asked for, fetched by `fetch` and shaped by `out`.
    ///
    /// # Errors
    /// `NotFound(Page)` for a page that there is not; those of `fetch`.
    pub fn list<T, W>(
        &self,
        ctx: &Ctx,
        mut fetch: impl FnMut(&Listing) -> Result<PageOf<T>, Error>,
        out: impl Fn(T) -> W,
    ) -> Result<Listed<W>> {
        match settings::in_force(ctx.env)?.pagination() {
            Pagination::None => whole(fetch, out),
            Pagination::PageNumber(size) => self.page(ctx, size, &mut fetch, out),
            Pagination::LimitOffset(size) => self.slice(ctx, size, &mut fetch, out),
        }
    }

    fn page<T, W>(
        &self,
        ctx: &Ctx,
        size: u32,
        fetch: &mut dyn FnMut(&Listing) -> Result<PageOf<T>, Error>,
        out: impl Fn(T) -> W,
    ) -> Result<Listed<W>> {
        let asked = match self.0.value("page") {
            None => Some(1),
            Some("last") => None,
            Some(text) => Some(number(text).ok_or(Error::NotFound(Entity::Page))?.unsigned_abs()),
        };
        let page = match asked {
            Some(page) => page,
            None => fetch(&Listing { limit: 0, ..Listing::default() })?.total.div_ceil(u64::from(size)).max(1),
        };
        let offset = (page - 1).checked_mul(u64::from(size)).filter(|offset| i64::try_from(*offset).is_ok());
        let offset = offset.ok_or(Error::NotFound(Entity::Page))?;
        let found = fetch(&Listing { offset, limit: size, ..Listing::default() })?;
        if page > 1 && offset >= found.total {
            return Err(Error::NotFound(Entity::Page).into());
        }
        let base = self.0.base(ctx)?;
        let link = |page: u64| self.0.sorted_link(&base, &[("page", (page > 1).then_some(page))]);
        Ok(Listed::Page(Envelope {
            count: found.total,
            next: (offset + (found.items.len() as u64) < found.total).then(|| link(page + 1)),
            previous: (page > 1).then(|| link(page - 1)),
            results: found.items.into_iter().map(out).collect(),
        }))
    }

    fn slice<T, W>(
        &self,
        ctx: &Ctx,
        size: u32,
        fetch: &mut dyn FnMut(&Listing) -> Result<PageOf<T>, Error>,
        out: impl Fn(T) -> W,
    ) -> Result<Listed<W>> {
        let asked = |name: &str| self.0.value(name).and_then(|text| text.parse::<u64>().ok());
        let limit = asked("limit").filter(|limit| *limit > 0).unwrap_or(u64::from(size)).min(u64::from(PAGE_MAX));
        let offset = asked("offset").filter(|offset| i64::try_from(*offset).is_ok()).unwrap_or(0);
        let rows = u32::try_from(limit).unwrap_or(PAGE_MAX);
        let found = fetch(&Listing { offset, limit: rows, ..Listing::default() })?;
        let base = self.0.base(ctx)?;
        let link = |offset: u64| {
            self.0.sorted_link(&base, &[("limit", Some(limit)), ("offset", (offset > 0).then_some(offset))])
        };
        Ok(Listed::Page(Envelope {
            count: found.total,
            next: (offset.saturating_add(limit) < found.total).then(|| link(offset + limit)),
            previous: (offset > 0).then(|| link(offset.saturating_sub(limit))),
            results: found.items.into_iter().map(out).collect(),
        }))
    }
}

/// Everything, fetched page by page.
fn whole<T, W>(mut fetch: impl FnMut(&Listing) -> Result<PageOf<T>, Error>, out: impl Fn(T) -> W) -> Result<Listed<W>> {
    let mut all = Vec::new();
    loop {
        let found = fetch(&Listing { offset: all.len() as u64, limit: PAGE_MAX, ..Listing::default() })?;
        if found.total > WHOLE_MAX {
            let message = format!("This list has {} items, too many for one answer: set drf.page_size.", found.total);
            return Err(Error::invalid("", "too_long", message).into());
        }
        let is_last = found.items.len() < PAGE_MAX as usize;
        all.extend(found.items.into_iter().map(&out));
        if is_last {
            return Ok(Listed::Whole(all));
        }
    }
}
