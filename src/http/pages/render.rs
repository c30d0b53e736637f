//! From what is to be seen to bytes: status, headers, HTML out of the one template.

use std::sync::OnceLock;

use aide::generate::GenContext;
use aide::openapi::{MediaType, Operation, Response as Documented};
use aide::operation::OperationOutput;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_LANGUAGE, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, VARY,
};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use minijinja::value::Serde;
use minijinja::{Environment, context};

use super::views::Shown;
use super::visitor::Seen;
use super::words::{self, Words};
use crate::domain::error::{Error, FieldError, Refusal};
use crate::domain::mails::Language;
use crate::http::answers;
use crate::http::fault::{Fault, Result, Unreadable};

/// What the pages may load and where their forms may go: this server alone.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; \
    connect-src 'self'; form-action 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'; \
    require-trusted-types-for 'script'; trusted-types 'none'";
/// The files' addresses carry the version, so they never change.
const FOREVER: &str = "public, max-age=31536000, immutable";

const STYLE: &str = include_str!("html/pages.css");
const ICON: &str = include_str!("html/icon.svg");

/// Statuses that a page can have, and why.
const STATUSES: [(u16, &str); 11] = [
    (200, "The page."),
    (400, "The page, with what is wrong in its form."),
    (403, "Another site sent the form."),
    (404, "The link is not good: used, replaced, expired, or never made."),
    (408, "The form took too long to arrive."),
    (413, "The form is too long."),
    (415, "The body is no form."),
    (429, "Too many attempts."),
    (500, "A fault of the server."),
    (503, "The server is busy."),
    (409, "It cannot be done as things are."),
];

/// A page, ready to be sent.
pub struct Page {
    status: StatusCode,
    language: Language,
    shown: Shown,
}

impl Page {
    /// What came of a request.
    pub fn of(seen: Result<Seen>) -> Self {
        match seen {
            Ok(Seen { language, outcome: Ok(view) }) => {
                let status = if view.is_refusal() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
                Self { status, language, shown: view.shown(words::of(language)) }
            }
            Ok(Seen { language, outcome: Err(fault) }) => Self::failed(language, &fault),
            Err(fault) => Self::failed(Language::En, &fault),
        }
    }

    fn failed(language: Language, fault: &Fault) -> Self {
        let words = words::of(language);
        let (status, (title, text)) = match fault {
            Fault::Refused(error) | Fault::Credentials(error) => refused(words, error),
            Fault::Hidden => (StatusCode::NOT_FOUND, words.dead),
            Fault::Unreadable(why) => (unreadable(why), words.unreadable),
        };
        Self { status, language, shown: Shown { title, lines: vec![text.to_owned()], forms: Vec::new() } }
    }

    fn html(&self) -> Option<String> {
        static TEMPLATES: OnceLock<Option<Environment<'static>>> = OnceLock::new();
        let made = || {
            let mut templates = Environment::new();
            templates.add_template("page.html", include_str!("html/page.html")).ok()?;
            Some(templates)
        };
        let template = TEMPLATES.get_or_init(made).as_ref()?.get_template("page.html").ok()?;
        let version = env!("CARGO_PKG_VERSION");
        let context = context! { page => Serde(&self.shown), lang => self.language.as_str(), version => version };
        template.render(context).ok()
    }
}

fn refused(words: &Words, error: &Error) -> (StatusCode, (&'static str, &'static str)) {
    match error {
        Error::Forbidden(Refusal::StaleToken) => (StatusCode::OK, words.stale),
        Error::Forbidden(_) => (StatusCode::FORBIDDEN, words.foreign),
        Error::Invalid(fields) if fields.iter().any(is_of_link) => (StatusCode::NOT_FOUND, words.dead),
        Error::Invalid(_) | Error::Unauthenticated(_) => (StatusCode::BAD_REQUEST, words.unreadable),
        Error::NotFound(_) => (StatusCode::NOT_FOUND, words.dead),
        Error::Conflict(_) => (StatusCode::CONFLICT, words.broken),
        Error::TooMany { .. } => (StatusCode::TOO_MANY_REQUESTS, words.busy),
        Error::Unavailable { .. } => (StatusCode::SERVICE_UNAVAILABLE, words.busy),
        Error::Internal(cause) => {
            tracing::error!(%cause, "a page cannot be made");
            (StatusCode::INTERNAL_SERVER_ERROR, words.broken)
        }
    }
}

fn is_of_link(fault: &FieldError) -> bool {
    fault.field == "uid" || fault.field == "token"
}

fn unreadable(why: &Unreadable) -> StatusCode {
    match why {
        Unreadable::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Unreadable::MediaType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Unreadable::Json(_) | Unreadable::Multipart(_) | Unreadable::CutOff => StatusCode::BAD_REQUEST,
        Unreadable::TooSlow => StatusCode::REQUEST_TIMEOUT,
    }
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        let Some(html) = self.html() else {
            tracing::error!("the template of the account pages cannot be rendered");
            return answers::internal();
        };
        let headers = [
            (CONTENT_TYPE, "text/html; charset=utf-8"),
            (CONTENT_LANGUAGE, self.language.as_str()),
            (CONTENT_SECURITY_POLICY, POLICY),
            (REFERRER_POLICY, "no-referrer"),
            (CACHE_CONTROL, "no-store"),
            (VARY, "Accept-Language"),
            (HeaderName::from_static("cross-origin-embedder-policy"), "require-corp"),
        ];
        let response = (self.status, headers, html).into_response();
        match self.status {
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => answers::retry(response, 1),
            StatusCode::PAYLOAD_TOO_LARGE | StatusCode::REQUEST_TIMEOUT => answers::closing(response),
            _ => response,
        }
    }
}

fn html_response(description: &str) -> Documented {
    let content = [("text/html".to_owned(), MediaType::default())].into_iter().collect();
    Documented { description: description.to_owned(), content, ..Documented::default() }
}

impl OperationOutput for Page {
    type Inner = ();

    fn inferred_responses(_: &mut GenContext, _: &mut Operation) -> Vec<(Option<u16>, Documented)> {
        STATUSES.iter().map(|(status, meaning)| (Some(*status), html_response(meaning))).collect()
    }
}

/// A file of the pages by its name, with its media type.
pub fn file(name: &str) -> Option<(&'static str, &'static str)> {
    match name {
        "pages.css" => Some(("text/css; charset=utf-8", STYLE)),
        "icon.svg" => Some(("image/svg+xml", ICON)),
        _ => None,
    }
}

/// A file, if there is one.
pub struct File(pub Result<Option<(&'static str, &'static str)>>);

impl IntoResponse for File {
    fn into_response(self) -> Response {
        match self.0 {
            Ok(Some((media_type, text))) => {
                let mut response = ([(CACHE_CONTROL, FOREVER)], text).into_response();
                response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
                response
            }
            Ok(None) => answers::not_found(),
            Err(_) => answers::unavailable(),
        }
    }
}

impl OperationOutput for File {
    type Inner = ();

    fn inferred_responses(context: &mut GenContext, operation: &mut Operation) -> Vec<(Option<u16>, Documented)> {
        answers::documented_file(context, operation)
    }
}
