//! The page around an answer.

use std::sync::OnceLock;

use axum::body::to_bytes;
use axum::extract::Request;
use axum::http::header::{CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, VARY};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use axum::response::{Html, IntoResponse, Response};
use minijinja::Environment;
use minijinja::value::Serde;
use serde::Serialize;

use super::files::FILES;
use super::guide::Guide;
use super::json::{self, Piece};
use crate::http::answers;
use crate::http::shell::Target;

/// Longest answer that is shown, in bytes: a list of the longest page is well below.
const ANSWER_MAX: usize = 16 * 1024 * 1024;

/// What the pages may do.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; \
    connect-src 'self'; form-action 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'; \
    require-trusted-types-for 'script'; trusted-types 'none'";

/// What the page says of the request.
pub struct Asked {
    method: String,
    /// Path and query as sent.
    path: String,
    query: Option<String>,
    host: Option<Authority>,
}

impl Asked {
    /// Out of a request.
    pub fn of(request: &Request) -> Self {
        let (uri, written) = (request.uri(), request.extensions().get::<Target>());
        let path = written.map_or_else(|| uri.path().to_owned(), |written| written.0.clone());
        let host = request.headers().get(HOST).and_then(|value| value.to_str().ok()?.parse::<Authority>().ok());
        let host = host.filter(|host| !host.as_str().contains('@'));
        // HEAD asks for the headers of the page that GET gives.
        let method = if request.method() == Method::HEAD { &Method::GET } else { request.method() };
        Self { method: method.to_string(), path, query: uri.query().map(str::to_owned), host }
    }

    fn target(&self) -> String {
        self.query.as_ref().map_or_else(|| self.path.clone(), |query| format!("{}?{query}", self.path))
    }

    /// The same address with the answer bare.
    fn bare(&self) -> String {
        let query = self.query.as_deref().unwrap_or("").split('&');
        let kept = query.filter(|pair| !pair.is_empty() && *pair != "format" && !pair.starts_with("format="));
        let pairs: Vec<&str> = kept.chain(["format=json"]).collect();
        format!("{}?{}", self.path, pairs.join("&"))
    }
}

/// All that the template puts in.
#[derive(Serialize)]
struct Shown<'a> {
    guide: &'a Guide,
    method: &'a str,
    target: String,
    bare: String,
    status: String,
    failed: bool,
    headers: Vec<Header>,
    body: Vec<Piece>,
    files: Vec<&'static str>,
}

#[derive(Serialize)]
struct Header {
    name: String,
    value: String,
}

/// The page around an answer, with its status and headers.
pub async fn around(guide: &Guide, asked: &Asked, answer: Response) -> Response {
    let (parts, body) = answer.into_parts();
    let Ok(bytes) = to_bytes(body, ANSWER_MAX).await else { return answers::internal() };
    let shown = Shown {
        guide,
        method: &asked.method,
        target: asked.target(),
        bare: asked.bare(),
        status: format!("{} {}", parts.status.as_u16(), parts.status.canonical_reason().unwrap_or("")),
        failed: parts.status.as_u16() >= 400,
        headers: headers(&parts.headers),
        body: json::pieces(&bytes, asked.host.as_ref()),
        files: FILES.iter().map(|file| file.name.as_str()).collect(),
    };
    let template = environment().get_template("page.html");
    match template.and_then(|template| template.render(Serde(&shown))) {
        Ok(page) => dressed(parts, page),
        Err(wrong) => {
            tracing::error!(%wrong, "a page cannot be made");
            answers::internal()
        }
    }
}

/// What a client sees of the answer's headers.
fn headers(headers: &HeaderMap) -> Vec<Header> {
    let shown = headers.iter().filter(|(name, _)| **name != CONTENT_LENGTH);
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let mut all: Vec<Header> =
        shown.map(|(name, value)| Header { name: capital(name.as_str()), value: text(value) }).collect();
    all.sort_by(|one, other| one.name.cmp(&other.name));
    all
}

/// `www-authenticate` → `WWW-Authenticate`
fn capital(name: &str) -> String {
    let word = |word: &str| match word {
        "www" => "WWW".to_owned(),
        _ => word.get(..1).map_or_else(String::new, str::to_uppercase) + word.get(1..).unwrap_or(""),
    };
    name.split('-').map(word).collect::<Vec<_>>().join("-")
}

fn dressed(parts: axum::http::response::Parts, page: String) -> Response {
    let mut response = Html(page).into_response();
    *response.status_mut() = parts.status;
    let kept = parts.headers.into_iter().scan(None, |last, (name, value)| {
        *last = name.or(last.take());
        Some((last.clone(), value))
    });
    let headers = response.headers_mut();
    for (name, value) in kept {
        let Some(name) = name.filter(|name| *name != CONTENT_TYPE && *name != CONTENT_LENGTH) else { continue };
        headers.append(name, value);
    }
    headers.entry(VARY).or_insert(HeaderValue::from_static("Accept"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    let embedder = HeaderName::from_static("cross-origin-embedder-policy");
    headers.insert(embedder, HeaderValue::from_static("require-corp"));
    response
}

/// The templates. What ends with `.html` is escaped.
fn environment() -> &'static Environment<'static> {
    static TEMPLATES: OnceLock<Environment<'static>> = OnceLock::new();
    TEMPLATES.get_or_init(|| {
        let mut templates = Environment::new();
        if let Err(wrong) = templates.add_template("page.html", include_str!("html/page.html")) {
            tracing::error!(%wrong, "the template of the pages is broken");
        }
        templates
    })
}
