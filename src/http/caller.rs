//! Raw credentials out of a request: the `Authorization` header and nothing else. Cookies and the query say nothing of who
//! calls (that of a known device says nothing but that: `devices.rs`), and nothing is looked up.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;

use crate::service::tokens::{Credentials, TOKEN_MAX};

/// The keyword of access tokens, where no setting names others.
const BEARER: &str = "Bearer";

/// What the caller brought. The keyword is `Bearer`, in that spelling, as Simple JWT has it, or `Token` in any, as Django
/// REST framework has it.
pub fn credentials(headers: &HeaderMap) -> Credentials {
    credentials_by(headers, &[BEARER])
}

/// The same where access tokens come under one of these keywords (`simplejwt.auth_header_types`).
pub fn credentials_by(headers: &HeaderMap, keywords: &[impl AsRef<str>]) -> Credentials {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Credentials::None };
    if values.next().is_some() {
        return Credentials::Malformed;
    }
    let is_bearer = |word: &[u8]| keywords.iter().any(|keyword| keyword.as_ref().as_bytes() == word);
    let bytes = value.as_bytes();
    let words: Vec<&[u8]> = bytes.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).take(3).collect();
    match words.as_slice() {
        [keyword, key @ ..] if keyword.eq_ignore_ascii_case(b"Token") => token(key),
        [keyword, token] if is_bearer(keyword) && token.len() <= TOKEN_MAX => {
            Credentials::Bearer(String::from_utf8_lossy(token).into_owned())
        }
        [keyword, ..] if is_bearer(keyword) => Credentials::Malformed,
        _ if value.to_str().is_err() => Credentials::Malformed,
        _ => Credentials::None,
    }
}

/// What follows the word `Token`. A key that is no key, in whatever letters, is one that nobody has.
fn token(words: &[&[u8]]) -> Credentials {
    match words {
        [] => Credentials::TokenMissing,
        [key] => Credentials::Token(String::from_utf8_lossy(&key[..key.len().min(TOKEN_MAX)]).into_owned()),
        _ => Credentials::TokenSpaces,
    }
}

/// The headers of a request that say who calls, and no others.
pub fn kept(headers: &HeaderMap) -> HeaderMap {
    headers.get_all(AUTHORIZATION).iter().map(|value| (AUTHORIZATION, value.clone())).collect()
}
