//! Tokens of a former system, signed by HMAC-SHA-256 with a secret that was imported (D-12).
//!
//! The key decides that they are HS256: a token is brought here only if no key of ours is named in it. What that
//! system looked at is looked at here, in its order; issuer and audience are for the place to judge.

use serde_json::{Map, Value};

use super::jwt::{FORBIDDEN_HEADERS, LAST_SECOND, Moment, Parts, object, user_of};
use super::mac::MacKey;
use crate::domain::error::TokenFault;
use crate::domain::tokens::ImportedClaims;

/// The only algorithm of imported keys.
pub const HS256: &str = "HS256";

/// Longest name of a token that is believed, in characters; SimpleJWT's have 32.
const JTI_MAX: usize = 255;

/// Verifies a token of a former system: that the key signed it with HS256, that `now` is within its time, and that it has
/// a name. What is missing for a certain use is `None`.
///
/// # Errors
/// - `Malformed` — not a token, or a claim is of a type that it cannot have
/// - `WrongHeader` — `alg` is not HS256, or it brings `crit` or a key of its own
/// - `BadSignature` — the key did not sign this
/// - `NotYetValid` — `nbf` or `iat` lies in the future
/// - `Expired` — `exp` is not later than `now`
/// - `Claim` — `exp` or `jti` is missing
pub fn verify_imported(token: &str, key: &MacKey, moment: Moment) -> Result<ImportedClaims, TokenFault> {
    let parts = Parts::of(token)?;
    let is_keys = parts.header.get("alg").and_then(Value::as_str) == Some(HS256);
    if !is_keys || FORBIDDEN_HEADERS.iter().any(|name| parts.header.contains_key(*name)) {
        return Err(TokenFault::WrongHeader);
    }
    if !key.verifies(parts.signed.as_bytes(), &parts.signature()?) {
        return Err(TokenFault::BadSignature);
    }
    let claims = object(&parts.claims)?;
    let (iat, nbf, exp) = (second(&claims, "iat")?, second(&claims, "nbf")?, second(&claims, "exp")?);
    let latest = moment.second.saturating_add(moment.leeway);
    if [iat, nbf].into_iter().flatten().any(|from| from > latest) {
        return Err(TokenFault::NotYetValid);
    }
    let exp = exp.ok_or(TokenFault::Claim("exp"))?;
    if exp <= moment.second.saturating_sub(moment.leeway) {
        return Err(TokenFault::Expired);
    }
    Ok(ImportedClaims {
        // What is no text is no type that there is.
        token_type: claims.get("token_type").map(|kind| kind.as_str().unwrap_or_default().to_owned()),
        exp,
        iat,
        jti: jti(&claims)?,
        user_id: user_of(claims.get("user_id")),
        username: text(&claims, "username"),
        issuers: texts(&claims, "iss"),
        audience: texts(&claims, "aud"),
    })
}

/// A number of seconds since 1970, of which a fraction is cut off as that system did; none if there is no such claim.
fn second(claims: &Map<String, Value>, name: &str) -> Result<Option<i64>, TokenFault> {
    let Some(value) = claims.get(name) else { return Ok(None) };
    let number = match value {
        Value::Number(number) => number.as_i64().or_else(|| number.as_f64().and_then(whole)),
        _ => None,
    };
    let second = number.filter(|second| *second >= 0).ok_or(TokenFault::Malformed)?;
    Ok(Some(second.min(LAST_SECOND)))
}

#[expect(clippy::cast_possible_truncation, reason = "bounded before")]
fn whole(number: f64) -> Option<i64> {
    (0.0..=1e15).contains(&number).then_some(number as i64)
}

fn jti(claims: &Map<String, Value>) -> Result<String, TokenFault> {
    match claims.get("jti") {
        None => Err(TokenFault::Claim("jti")),
        Some(Value::String(jti)) if !jti.is_empty() && jti.chars().count() <= JTI_MAX => Ok(jti.clone()),
        Some(_) => Err(TokenFault::Malformed),
    }
}

/// One text or several; none for what is no text.
fn texts(claims: &Map<String, Value>, name: &str) -> Vec<String> {
    let all = match claims.get(name) {
        Some(Value::Array(several)) => several.as_slice(),
        Some(one) => std::slice::from_ref(one),
        None => &[],
    };
    all.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn text(claims: &Map<String, Value>, name: &str) -> Option<String> {
    claims.get(name).and_then(Value::as_str).map(str::to_owned)
}
