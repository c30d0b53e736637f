//! Ids in paths: plain decimal digits, or nothing that exists.

use std::convert::Infallible;

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;

use super::fault::{self, Fault};
use crate::domain::error::{Entity, Error, Result};
use crate::domain::ids::UserId;

/// What stands in the path where its template has parameters. Judged only when asked: a caller without the right learns
/// nothing of it.
pub struct PathIds(Vec<String>);

impl<S: Send + Sync> FromRequestParts<S> for PathIds {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let found = RawPathParams::from_request_parts(parts, state).await;
        Ok(Self(found.map(|params| params.iter().map(|(_, value)| value.to_owned()).collect()).unwrap_or_default()))
    }
}

impl aide::OperationInput for PathIds {}

impl PathIds {
    /// The id at a place.
    ///
    /// # Errors
    /// `NotFound` when that is not a whole number from 1 to 2⁶³ − 1 in plain digits.
    pub fn id(&self, at: usize, entity: Entity) -> Result<i64> {
        self.0.get(at).and_then(|text| number(text)).ok_or(Error::NotFound(entity))
    }

    /// The text at a place.
    ///
    /// # Errors
    /// `NotFound` when it is no UTF-8.
    pub fn text(&self, at: usize, entity: Entity) -> Result<&str> {
        self.0.get(at).map(String::as_str).ok_or(Error::NotFound(entity))
    }
}

/// The id of a user in a path of the Django dialects. A number that is nobody's names nobody; any other text, nothing at
/// all.
///
/// # Errors
/// `NotFound(User)`, `Hidden`.
pub fn user(text: &str) -> fault::Result<UserId> {
    let id = python_id(text).ok_or(Fault::Hidden)?;
    Ok(UserId(id.ok_or(Error::NotFound(Entity::User))?))
}

/// An id in a path. `None` if Python's `int` would not read it: blanks around it, a sign, `_` between digits; `Some(None)`
/// if it would and it is nobody's, or is not written in plain digits, the one spelling that names anybody here.
fn python_id(text: &str) -> Option<Option<i64>> {
    let trimmed = text.trim();
    let digits = trimmed.strip_prefix(['-', '+']).unwrap_or(trimmed);
    let is_number = digits.split('_').all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()));
    is_number.then(|| number(text))
}

/// A positive whole number in plain digits.
pub fn number(text: &str) -> Option<i64> {
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten().filter(|number| *number > 0)
}
