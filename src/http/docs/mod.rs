//! The API's documentation: OpenAPI at `/api/schema/`, Swagger UI at `/api/docs/`, ReDoc at `/api/redoc/`.
//!
//! Nothing of it is made before it is first asked for. The viewers' scripts come out of the crate `aide`; the pages load
//! them from this server, run nothing inline and name no address outside.

pub mod document;
pub mod errors;
mod pages;
mod twins;

use std::sync::OnceLock;

use aide::generate::GenContext;
use aide::openapi::{Operation, Response as Documented};
use aide::operation::OperationOutput;
use axum::http::HeaderMap;
use axum::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, VARY,
};
use axum::response::{IntoResponse, Response};

use super::answers;
use super::call::Call;
use super::ids::PathIds;
use super::routes::{Dialect, Guard, Reading, Table};
use crate::domain::error::Entity;
use pages::Packed;

static DIALECT: Dialect = Dialect { name: "docs", reading: Reading::Strict, switch: None };

/// What the pages may load: this server's own files.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
    font-src 'self' data:; worker-src 'self' blob:; connect-src 'self'; frame-ancestors 'none'";
/// The files' addresses carry the version, so they never change.
const FOREVER: &str = "public, max-age=31536000, immutable";

/// Adds the routes.
pub fn routes(table: &mut Table) {
    let mut docs = table.section(&DIALECT, "/api/", "Documentation");
    docs.get("schema/", Guard::Public, schema).says("This document", "OpenAPI 3.1.");
    docs.get("docs/", Guard::Public, swagger).says("Swagger UI", "The API to read and to try.");
    docs.get("docs/{file}", Guard::Public, file).says("Files of Swagger UI", "Scripts and styles of the page.");
    docs.get("redoc/", Guard::Public, redoc).says("ReDoc", "The API to read.");
    docs.get("redoc/{file}", Guard::Public, file).says("Files of ReDoc", "Scripts of the page.");
    docs.get("browse/{file}", Guard::Public, browse_file)
        .says("Files of the pages", "What the pages load that browsers get in place of JSON.");
}

/// Something with a media type of its own, served packed to whoever takes that.
struct File {
    media_type: &'static str,
    caching: &'static str,
    policy: Option<&'static str>,
    content: &'static Packed,
    packed: bool,
}

impl IntoResponse for File {
    fn into_response(self) -> Response {
        let mut response = if self.packed {
            ([(CONTENT_ENCODING, "gzip")], self.content.bytes()).into_response()
        } else {
            self.content.unpacked().into_response()
        };
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, axum::http::HeaderValue::from_static(self.media_type));
        headers.insert(CACHE_CONTROL, axum::http::HeaderValue::from_static(self.caching));
        headers.insert(VARY, axum::http::HeaderValue::from_static("Accept-Encoding"));
        if let Some(policy) = self.policy {
            headers.insert(CONTENT_SECURITY_POLICY, axum::http::HeaderValue::from_static(policy));
        }
        response
    }
}

/// Found, not found, or not to be had now.
struct Page(Result<Option<File>, super::fault::Fault>);

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        match self.0 {
            Ok(Some(file)) => file.into_response(),
            Ok(None) => answers::not_found(),
            Err(fault) => {
                tracing::error!(?fault, "cannot make the documentation");
                answers::unavailable()
            }
        }
    }
}

impl OperationOutput for Page {
    type Inner = ();

    fn inferred_responses(context: &mut GenContext, operation: &mut Operation) -> Vec<(Option<u16>, Documented)> {
        answers::documented_file(context, operation)
    }
}

/// Whether the client takes gzip: listed, and not with `q=0`.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let accepted = headers.get(ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or("");
    accepted.split(',').any(|one| {
        let mut parts = one.split(';').map(str::trim);
        matches!(parts.next(), Some("gzip" | "x-gzip" | "*"))
            && !parts.any(|part| matches!(part, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
    })
}

async fn schema(call: Call, headers: HeaderMap) -> Page {
    static DOCUMENT: OnceLock<Packed> = OnceLock::new();
    let packed = takes_gzip(&headers);
    let made = call.run(|_| Ok(DOCUMENT.get_or_init(|| Packed::of(&json()))));
    let file = |content| File { media_type: "application/json", caching: "no-store", policy: None, content, packed };
    Page(made.await.map(|content| Some(file(content))))
}

/// The document as text.
pub fn json() -> String {
    let document = document::document(super::table());
    serde_json::to_string(&document).unwrap_or_else(|wrong| {
        tracing::error!(%wrong, "the OpenAPI document cannot be written");
        "{}".to_owned()
    })
}

async fn swagger(call: Call, headers: HeaderMap) -> Page {
    html(call, &headers, pages::swagger).await
}

async fn redoc(call: Call, headers: HeaderMap) -> Page {
    html(call, &headers, pages::redoc).await
}

async fn html(call: Call, headers: &HeaderMap, page: fn() -> &'static Packed) -> Page {
    let packed = takes_gzip(headers);
    let file = |content| File {
        media_type: "text/html; charset=utf-8",
        caching: "no-store",
        policy: Some(POLICY),
        content,
        packed,
    };
    Page(call.run(move |_| Ok(page())).await.map(|content| Some(file(content))))
}

async fn file(call: Call, ids: PathIds, headers: HeaderMap) -> Page {
    one_of(call, ids, &headers, pages::file).await
}

async fn browse_file(call: Call, ids: PathIds, headers: HeaderMap) -> Page {
    one_of(call, ids, &headers, pages::browse_file).await
}

/// A file that one of the shelves may have by the name in the path.
async fn one_of(
    call: Call,
    ids: PathIds,
    headers: &HeaderMap,
    shelf: fn(&str) -> Option<(&'static str, &'static Packed)>,
) -> Page {
    let packed = takes_gzip(headers);
    let found = call.run(move |_| Ok(ids.text(0, Entity::Page).ok().and_then(shelf)));
    let file = |(media_type, content)| File { media_type, caching: FOREVER, policy: None, content, packed };
    Page(found.await.map(|found| found.map(file)))
}
