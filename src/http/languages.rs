//! The language that a client would rather read: for pages, and for the mails that its request causes.

use axum::http::HeaderMap;
use axum::http::header::ACCEPT_LANGUAGE;

use crate::domain::mails::Language;

/// The language of ours that the client would rather have, if it names any (RFC 9110, 12.5.4).
pub fn asked_for(headers: &HeaderMap) -> Option<Language> {
    let wanted = headers.get(ACCEPT_LANGUAGE)?.to_str().ok()?;
    let mut best: Option<(f32, Language)> = None;
    for one in wanted.split(',') {
        let mut parts = one.split(';').map(str::trim);
        let tag = parts.next().unwrap_or("").to_ascii_lowercase();
        let language = match tag.split('-').next().unwrap_or("") {
            "en" => Language::En,
            "ru" => Language::Ru,
            _ => continue,
        };
        let weight = parts.find_map(|part| part.strip_prefix("q=")).map_or(1.0, |q| q.parse().unwrap_or(0.0));
        if weight > best.map_or(0.0, |(best, _)| best) {
            best = Some((weight, language));
        }
    }
    best.map(|(_, language)| language)
}
