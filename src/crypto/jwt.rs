//! Tokens: signing them, and the one function that believes them.
//!
//! A token has no say in how it is verified: its `kid` names a key of ours, and that key names the algorithm. It
//! is not judged here whether the key, the session and the issuer are still good; see `service::tokens`.

mod proven;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde_json::{Map, Value};

use super::status_lists::StatusOut;
use crate::domain::error::{Error, Result, TokenFault};
use crate::domain::ids::{Timestamp, UserId};
use crate::domain::json::{self, Twice};
use crate::domain::tokens::{Claims, TokenType};

pub use proven::{Proven, Shown};

pub use super::keys::{NewKey, SigningKey, VerifyingKey, export_pem, generate, of_pem, of_secret};
pub use crate::domain::keys::Algorithm;

/// Longest token that is looked at, in bytes; ours have about 500.
pub const TOKEN_MAX: usize = 4096;
/// How far `iat` may lie in the future, in seconds. It is not asked who may come in (that is `exp`), and a clock that
/// was set back by a little must not log everybody out. `exp` and `nbf` get no such grace.
const IAT_LEEWAY: i64 = 60;
/// Deepest nesting of arrays and objects; our own tokens have one level.
const DEPTH_MAX: usize = 8;
/// Last second of the year 9999, in seconds since 1970: the last that RFC 3339 can write.
pub(super) const LAST_SECOND: i64 = 253_402_300_799;
/// Header names that would let a token bring its own key, or rules that we do not know.
pub(super) const FORBIDDEN_HEADERS: [&str; 5] = ["crit", "jwk", "jku", "x5u", "x5c"];

#[derive(Serialize)]
struct HeaderOut<'a> {
    alg: &'a str,
    typ: &'a str,
    kid: &'a str,
}

#[derive(Serialize)]
struct ClaimsOut<'a> {
    token_type: &'a str,
    exp: i64,
    iat: i64,
    jti: &'a str,
    user_id: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<&'a str>,
    sub: String,
    sid: &'a str,
    iss: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    aud: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<StatusOut<'a>>,
}

/// What a token says of itself, whether true or not. Only for showing.
#[derive(Debug, Clone, PartialEq)]
pub struct Unverified {
    /// The header.
    pub header: Map<String, Value>,
    /// The claims.
    pub claims: Map<String, Value>,
}

/// When a token is judged, and how far clocks may differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Second since 1970.
    pub second: i64,
    /// In seconds.
    pub leeway: i64,
}

impl Moment {
    /// This instant, with a leeway.
    pub fn new(now: Timestamp, leeway: std::time::Duration) -> Self {
        Self { second: now.timestamp(), leeway: i64::try_from(leeway.as_secs()).unwrap_or(0) }
    }
}

/// A token taken apart; nothing of it is believed yet.
pub(super) struct Parts<'a> {
    pub header: Map<String, Value>,
    /// Decoded, not yet read.
    pub claims: Vec<u8>,
    /// What is signed: both as they stand in the token.
    pub signed: &'a str,
    /// As it stands in the token.
    signature: &'a str,
}

/// Signs claims; the header is `alg`, `typ` and `kid`.
///
/// # Errors
/// `Internal` when the key cannot sign.
pub fn sign(key: &SigningKey, claims: &Claims) -> Result<String> {
    let body = ClaimsOut {
        token_type: claims.token_type.as_str(),
        exp: claims.exp,
        iat: claims.iat,
        jti: &claims.jti,
        user_id: claims.user_id.0,
        username: claims.username.as_deref(),
        sub: claims.user_id.to_string(),
        sid: &claims.sid,
        iss: &claims.iss,
        aud: claims.aud.as_deref(),
        status: claims.status.as_ref().map(StatusOut::of),
    };
    signed(key, claims.token_type.header_type(), &body)
}

/// Signs any claims under this header `typ`.
pub(super) fn signed(key: &SigningKey, typ: &str, body: &impl Serialize) -> Result<String> {
    let header = HeaderOut { alg: key.algorithm.name(), typ, kid: &key.kid };
    let mut token = format!("{}.{}", encode(&header)?, encode(body)?);
    let signature = key.sign(token.as_bytes())?;
    token.push('.');
    token.push_str(&signature);
    Ok(token)
}

/// The `kid` in a token's header: which key to verify it with.
///
/// # Errors
/// - `Malformed` — not a token at all: too long, not three parts of canonical base64url, or no JSON header
/// - `UnknownKey` — it names none
pub fn key_id(token: &str) -> Result<String, TokenFault> {
    kid(&Parts::of(token)?.header).map(str::to_owned)
}

/// Whether a token says that it is signed with HS256, as those of a former system are.
///
/// # Errors
/// `Malformed` — not a token at all.
pub fn says_hs256(token: &str) -> Result<bool, TokenFault> {
    Ok(Parts::of(token)?.header.get("alg").and_then(Value::as_str) == Some(super::imported::HS256))
}

/// Verifies a token: that `key` signed it, that it is of the `expected` kind, that its claims are whole and `now` is
/// within its time. Nothing it says is believed before the signature is.
///
/// # Errors
/// - `Malformed` — not a token, or its claims are not one JSON object without repeated names
/// - `UnknownKey` — its `kid` is not that of `key`
/// - `WrongHeader` — `alg` is not the key's, `typ` is none of ours, or it brings `crit` or a key of its own
/// - `BadSignature` — the key did not sign this
/// - `WrongType` — good, and of another kind than `expected`
/// - `Claim` — the claim is missing or of the wrong JSON type
/// - `Expired` — `exp` is not later than `now`
/// - `NotYetValid` — `nbf` is later than `now`, or `iat` is by more than a minute
pub fn verify(token: &str, key: &VerifyingKey, expected: TokenType, now: Timestamp) -> Result<Claims, TokenFault> {
    verify_at(token, key, expected, Moment { second: now.timestamp(), leeway: 0 })
}

/// [`verify`] with a leeway on every time in the token.
///
/// # Errors
/// Those of [`verify`].
pub fn verify_at(token: &str, key: &VerifyingKey, expected: TokenType, at: Moment) -> Result<Claims, TokenFault> {
    Ok(read(token, key, expected, at)?.claims)
}

/// [`verify_at`] for a token that is looked up among those that are [`Proven`], and is one of them afterwards.
///
/// # Errors
/// Those of [`verify`].
pub fn prove(
    (token, shown): (&str, &Shown<'_>),
    key: &VerifyingKey,
    expected: TokenType,
    at: Moment,
) -> Result<Claims, TokenFault> {
    let read = read(token, key, expected, at)?;
    shown.is_proven(&read);
    Ok(read.claims)
}

/// A token that a key has signed, read.
#[derive(Debug, Clone)]
pub(super) struct Read {
    kid: String,
    claims: Claims,
    /// The claim `nbf`, which ours do not have.
    not_before: Option<i64>,
}

impl Read {
    /// Whether it is of this kind and within its time.
    fn is_good(&self, expected: TokenType, at: Moment) -> bool {
        self.claims.token_type == expected && self.check_time(at).is_ok()
    }

    fn check_time(&self, at: Moment) -> Result<(), TokenFault> {
        if self.not_before.is_some_and(|second| second > at.second.saturating_add(at.leeway)) {
            return Err(TokenFault::NotYetValid);
        }
        if self.claims.exp <= at.second.saturating_sub(at.leeway) {
            return Err(TokenFault::Expired);
        }
        if self.claims.iat > at.second.saturating_add(at.leeway.max(IAT_LEEWAY)) {
            return Err(TokenFault::NotYetValid);
        }
        Ok(())
    }
}

fn read(token: &str, key: &VerifyingKey, expected: TokenType, at: Moment) -> Result<Read, TokenFault> {
    let parts = Parts::of(token)?;
    let presented = check_header(&parts.header, key)?;
    check_signature(&parts, key)?;
    let claims = object(&parts.claims)?;
    if presented != expected || text(&claims, "token_type")? != expected.as_str() {
        return Err(TokenFault::WrongType);
    }
    let not_before = if claims.contains_key("nbf") { Some(second(&claims, "nbf")) } else { None };
    let read = read_claims(&claims, expected)?;
    let read = Read { kid: key.kid.clone(), claims: read, not_before: not_before.transpose()? };
    read.check_time(at)?;
    Ok(read)
}

/// Reads what a token says of itself without verifying anything. Nobody may be let in for it.
///
/// # Errors
/// `Malformed` when it is no token.
pub fn read_unverified(token: &str) -> Result<Unverified, TokenFault> {
    let parts = Parts::of(token)?;
    let claims = object(&parts.claims)?;
    Ok(Unverified { header: parts.header, claims })
}

impl<'a> Parts<'a> {
    pub fn of(token: &'a str) -> Result<Self, TokenFault> {
        if token.len() > TOKEN_MAX {
            return Err(TokenFault::Malformed);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(TokenFault::Malformed)?;
        let (header, claims) = signed.split_once('.').ok_or(TokenFault::Malformed)?;
        // A fourth part would leave a dot in `claims`, which is no base64url.
        let header = object(&decode(header)?)?;
        decode(signature)?; // Only for its spelling; its length is for the algorithm to judge.
        Ok(Self { header, claims: decode(claims)?, signed, signature })
    }

    /// The signature's bytes.
    pub fn signature(&self) -> Result<Vec<u8>, TokenFault> {
        decode(self.signature)
    }
}

/// The JSON object that these bytes are.
pub(super) fn object(bytes: &[u8]) -> Result<Map<String, Value>, TokenFault> {
    match json::parse(bytes, DEPTH_MAX, Twice::Refused) {
        Ok(Value::Object(map)) => Ok(map),
        _ => Err(TokenFault::Malformed),
    }
}

/// The only spelling of some bytes: no padding, no blanks, no stray bits in the last character.
fn decode(part: &str) -> Result<Vec<u8>, TokenFault> {
    URL_SAFE_NO_PAD.decode(part).ok().filter(|bytes| !bytes.is_empty()).ok_or(TokenFault::Malformed)
}

fn encode(value: &impl Serialize) -> Result<String> {
    Ok(URL_SAFE_NO_PAD.encode(serde_json::to_vec(value).map_err(Error::internal)?))
}

fn kid(header: &Map<String, Value>) -> Result<&str, TokenFault> {
    header.get("kid").and_then(Value::as_str).ok_or(TokenFault::UnknownKey)
}

/// Checks the header against the key, and gives the kind of token that it claims.
fn check_header(header: &Map<String, Value>, key: &VerifyingKey) -> Result<TokenType, TokenFault> {
    if kid(header)? != key.kid {
        return Err(TokenFault::UnknownKey);
    }
    let is_keys = header.get("alg").and_then(Value::as_str) == Some(key.algorithm.name());
    if !is_keys || FORBIDDEN_HEADERS.iter().any(|name| header.contains_key(*name)) {
        return Err(TokenFault::WrongHeader);
    }
    let typ = header.get("typ").and_then(Value::as_str).ok_or(TokenFault::WrongHeader)?;
    let kinds = [TokenType::Access, TokenType::Refresh];
    kinds.into_iter().find(|kind| kind.header_type() == typ).ok_or(TokenFault::WrongHeader)
}

fn check_signature(parts: &Parts<'_>, key: &VerifyingKey) -> Result<(), TokenFault> {
    let good = key.verifies(parts.signed.as_bytes(), parts.signature);
    if good { Ok(()) } else { Err(TokenFault::BadSignature) }
}

/// Reads each claim in its one type.
fn read_claims(claims: &Map<String, Value>, token_type: TokenType) -> Result<Claims, TokenFault> {
    let user_id = user_id(claims)?;
    if text(claims, "sub")? != user_id.to_string() {
        return Err(TokenFault::Claim("sub"));
    }
    Ok(Claims {
        token_type,
        exp: second(claims, "exp")?,
        iat: second(claims, "iat")?,
        jti: text(claims, "jti")?.to_owned(),
        user_id,
        sid: text(claims, "sid")?.to_owned(),
        iss: text(claims, "iss")?.to_owned(),
        username: claims.get("username").and_then(Value::as_str).map(str::to_owned),
        aud: if claims.contains_key("aud") { Some(text(claims, "aud")?.to_owned()) } else { None },
        status: None,
    })
}

/// A string that is not empty.
fn text<'a>(claims: &'a Map<String, Value>, name: &'static str) -> Result<&'a str, TokenFault> {
    claims.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).ok_or(TokenFault::Claim(name))
}

/// A whole number of seconds since 1970; no fraction, no exponent, no string.
fn second(claims: &Map<String, Value>, name: &'static str) -> Result<i64, TokenFault> {
    let number = claims.get(name).and_then(Value::as_i64);
    number.filter(|second| (0..=LAST_SECOND).contains(second)).ok_or(TokenFault::Claim(name))
}

/// An integer, or a string of its digits (D-12); never in another spelling.
fn user_id(claims: &Map<String, Value>) -> Result<UserId, TokenFault> {
    user_of(claims.get("user_id")).ok_or(TokenFault::Claim("user_id"))
}

/// A user's id as a claim has it.
pub(super) fn user_of(claim: Option<&Value>) -> Option<UserId> {
    let number = match claim? {
        Value::String(digits) => digits.parse::<i64>().ok().filter(|number| number.to_string() == *digits),
        value => value.as_i64(),
    };
    number.filter(|number| *number > 0).map(UserId)
}
