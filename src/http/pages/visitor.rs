//! Who looks at a page: which language he reads, and whether his browser sends the form of this page or another site's.

use std::convert::Infallible;

use aide::operation::OperationInput;
use axum::extract::FromRequestParts;
use axum::http::header::{HOST, ORIGIN};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName};

use super::views::View;
use crate::domain::error::{Error, Refusal, Result};
use crate::domain::mails::Language;
use crate::http::{fault, languages};
use crate::service::{Ctx, settings};

/// As told by the headers of a request.
pub struct Visitor {
    language: Option<Language>,
    is_foreign: bool,
}

/// A page as a visitor is to see it.
pub struct Seen {
    pub language: Language,
    pub outcome: fault::Result<View>,
}

impl<S: Send + Sync> FromRequestParts<S> for Visitor {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self { language: languages::asked_for(&parts.headers), is_foreign: is_foreign(&parts.headers) })
    }
}

impl OperationInput for Visitor {}

impl Visitor {
    /// What came of his request, in his language, or else in that of mails.
    pub fn sees(&self, ctx: &Ctx, outcome: fault::Result<View>) -> Seen {
        let language = self.language.or_else(|| settings::language(ctx.env).ok()).unwrap_or(Language::En);
        Seen { language, outcome }
    }

    /// Passes unless another site makes his browser send this.
    ///
    /// # Errors
    /// `Forbidden(ForeignPage)`.
    pub fn sent_here(&self) -> Result<()> {
        if self.is_foreign { Err(Error::Forbidden(Refusal::ForeignPage)) } else { Ok(()) }
    }
}

/// Whether the browser says that another site sends this. One that says nothing of sites tells the origin, which is
/// `null` for a page that sends no referrer, as ours.
fn is_foreign(headers: &HeaderMap) -> bool {
    let text = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    match (text(HeaderName::from_static("sec-fetch-site")), text(ORIGIN)) {
        (Some(site), _) => site != "same-origin" && site != "none",
        (None, None | Some("null")) => false,
        (None, Some(origin)) => origin.split_once("://").map(|(_, host)| host) != text(HOST),
    }
}
