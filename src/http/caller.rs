//! Raw credentials out of a request: the `Authorization` header and nothing else. Cookies and the query are never looked
//! at, and nothing is looked up.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;

use crate::service::tokens::{Credentials, TOKEN_MAX};

/// What the caller brought. The keyword is `Bearer`, in that spelling, as Simple JWT has it.
pub fn credentials(headers: &HeaderMap) -> Credentials {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Credentials::None };
    if values.next().is_some() {
        return Credentials::Malformed;
    }
    let Ok(text) = value.to_str() else { return Credentials::Malformed };
    let mut words = text.split_ascii_whitespace();
    if words.next() != Some("Bearer") {
        return Credentials::None;
    }
    match (words.next(), words.next()) {
        (Some(token), None) if token.len() <= TOKEN_MAX => Credentials::Bearer(token.to_owned()),
        _ => Credentials::Malformed,
    }
}
