//! Status lists as signed tokens, and the claim that refers to one (draft-ietf-oauth-status-list).

use serde::Serialize;

use super::jwt::{self, SigningKey};
use crate::domain::error::Result;
use crate::domain::status_lists::{StatusListClaims, StatusReference};

/// Header `typ`, by which such a token is nothing else.
const HEADER_TYPE: &str = "statuslist+jwt";
/// A bit for each session: valid or invalid.
const BITS: u8 = 1;

/// The claim `status`.
#[derive(Serialize)]
pub(super) struct StatusOut<'a> {
    status_list: ReferenceOut<'a>,
}

#[derive(Serialize)]
struct ReferenceOut<'a> {
    idx: i64,
    uri: &'a str,
}

impl<'a> StatusOut<'a> {
    /// The claim that says this.
    pub fn of(reference: &'a StatusReference) -> Self {
        Self { status_list: ReferenceOut { idx: reference.index, uri: &reference.uri } }
    }
}

#[derive(Serialize)]
struct ListOut<'a> {
    sub: &'a str,
    iat: i64,
    exp: i64,
    ttl: i64,
    status_list: BitsOut<'a>,
}

#[derive(Serialize)]
struct BitsOut<'a> {
    bits: u8,
    lst: &'a str,
}

/// Signs a list.
///
/// # Errors
/// `Internal` when the key cannot sign.
pub fn sign(key: &SigningKey, claims: &StatusListClaims) -> Result<String> {
    let status_list = BitsOut { bits: BITS, lst: &claims.lst };
    let body = ListOut { sub: &claims.sub, iat: claims.iat, exp: claims.exp, ttl: claims.ttl, status_list };
    jwt::signed(key, HEADER_TYPE, &body)
}
