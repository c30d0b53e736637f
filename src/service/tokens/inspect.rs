//! What there is to say of a token that somebody shows, for whoever looks for the reason of a refusal.

use serde_json::{Map, Value};

use super::Verifier;
use super::refresh::{Worth, weigh};
use crate::crypto::jwt;
use crate::crypto::mac::is_uuid;
use crate::domain::api_tokens::is_key;
use crate::domain::error::{Error, Reason, Result, TokenFault};
use crate::domain::ids::{Timestamp, UserId};
use crate::domain::rights::{Right, action, resource};
use crate::domain::settings::Settings;
use crate::domain::tokens::TokenType;
use crate::service::{Ctx, api_tokens, issue};
use crate::store::Tx;

/// What there is to say of a token that somebody shows. While nothing proves that it is ours, its claims are what anybody
/// may have written, and nothing is looked up by them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspection {
    /// Whether it is accepted now.
    pub valid: bool,
    /// Why it is not.
    pub reason: Option<String>,
    /// Whether a key of ours, that is good, signed it.
    pub proven: bool,
    /// `access` or `refresh`, as it says itself; `api` for the key of an API token.
    pub token_type: Option<String>,
    /// Key that it names.
    pub kid: Option<String>,
    /// Its name.
    pub jti: Option<String>,
    /// Whose it says it is.
    pub user_id: Option<i64>,
    /// E-mail, phone or username of that user, if that is proven and he exists.
    pub user: Option<String>,
    /// UUID of the session that it names.
    pub sid: Option<String>,
    /// Number of that session, if that is proven and it exists.
    pub session_id: Option<i64>,
    /// When it was issued, as it says itself.
    pub issued_at: Option<Timestamp>,
    /// When it expires, as it says itself.
    pub expires_at: Option<Timestamp>,
    /// From when on it is good, where it says so.
    pub not_before: Option<Timestamp>,
    /// Who issued it: as it says itself, or where it is no signed token, this server.
    pub issuer: Option<String>,
    /// Whom it is for, where it says so; one name or several.
    pub audience: Vec<String>,
}

/// Says of a token whether it is accepted, why not, whose it is, by which key and session. Changes nothing: a spent
/// refresh token that is only looked at ends no session.
///
/// The key of an API token is looked at as well.
///
/// Needs `tokens:read`.
///
/// # Errors
/// `Forbidden`, and those of the store; a bad token is no error.
pub fn inspect(ctx: &Ctx, token: &str) -> Result<Inspection> {
    ctx.require(&Right::of(resource::TOKENS, action::READ))?;
    if is_key(token) {
        return ctx.read(|tx| inspect_key(ctx, tx, token));
    }
    ctx.read(|tx| {
        let (reason, proven) = match worth_of(ctx, tx, token) {
            Ok(None) => (None, true),
            Ok(Some(spent)) => (Some(spent.to_owned()), true),
            Err(Error::Unauthenticated(reason)) => (Some(reason.to_string()), is_proven(&reason)),
            Err(other) => return Err(other),
        };
        if is_uuid(token) {
            return of_uuid(ctx, tx, token, (reason, proven));
        }
        let read = jwt::read_unverified(token).ok();
        let (header, claims) = read.map(|read| (read.header, read.claims)).unwrap_or_default();
        let text = |map: &Map<_, _>, key: &str| map.get(key).and_then(Value::as_str).map(str::to_owned);
        let at = |key: &str| claims.get(key).and_then(Value::as_i64).and_then(|s| Timestamp::from_timestamp(s, 0));
        let user_id = claims.get("user_id").and_then(|id| id.as_i64().or_else(|| id.as_str()?.parse().ok()));
        let sid = text(&claims, "sid");
        let user = user_id.filter(|_| proven).map(|id| tx.user(UserId(id))).transpose()?.flatten();
        let session = sid.as_deref().filter(|_| proven).map(|sid| tx.session_by_uuid(sid)).transpose()?.flatten();
        Ok(Inspection {
            valid: reason.is_none(),
            reason,
            proven,
            token_type: text(&claims, "token_type"),
            kid: text(&header, "kid"),
            jti: text(&claims, "jti"),
            user_id,
            user: user.map(|user| user.label().to_owned()),
            sid,
            session_id: session.map(|session| session.id.0),
            issued_at: at("iat"),
            expires_at: at("exp"),
            not_before: at("nbf"),
            issuer: text(&claims, "iss"),
            audience: names(claims.get("aud")),
        })
    })
}

/// The same for a text that has the form of a key.
fn inspect_key(ctx: &Ctx, tx: &dyn Tx, key: &str) -> Result<Inspection> {
    let (found, wrong) = api_tokens::looked_up(tx, key, ctx.now)?;
    let user = found.as_ref().map(|token| tx.user(token.user_id)).transpose()?.flatten();
    Ok(Inspection {
        valid: wrong.is_none(),
        reason: wrong.map(|error| error.to_string()),
        proven: found.is_some(),
        token_type: found.as_ref().map(|_| "api".to_owned()),
        kid: None,
        jti: None,
        user_id: found.as_ref().map(|token| token.user_id.0),
        user: user.map(|user| user.label().to_owned()),
        sid: None,
        session_id: None,
        issued_at: found.as_ref().map(|token| token.created_at),
        expires_at: found.as_ref().and_then(|token| token.expires_at),
        not_before: None,
        issuer: found.map(|_| issuer(ctx, tx)).transpose()?,
        audience: Vec::new(),
    })
}

/// What there is to say of a UUID: all that is stored of it.
fn of_uuid(ctx: &Ctx, tx: &dyn Tx, token: &str, (reason, proven): (Option<String>, bool)) -> Result<Inspection> {
    let row = tx.refresh_token_by_hash(&issue::hash_of(token), ctx.now)?;
    let user = row.as_ref().map(|row| tx.user(row.user_id)).transpose()?.flatten();
    let session = row.as_ref().map(|row| tx.session(row.session_id)).transpose()?.flatten();
    Ok(Inspection {
        valid: reason.is_none(),
        reason,
        proven,
        token_type: row.as_ref().map(|_| TokenType::Refresh.as_str().to_owned()),
        kid: None,
        jti: row.as_ref().map(|row| row.jti.clone()),
        user_id: row.as_ref().map(|row| row.user_id.0),
        user: user.map(|user| user.label().to_owned()),
        sid: session.as_ref().map(|session| session.uuid.clone()),
        session_id: session.map(|session| session.id.0),
        issued_at: row.as_ref().map(|row| row.issued_at),
        expires_at: row.as_ref().map(|row| row.expires_at),
        not_before: None,
        issuer: row.map(|_| issuer(ctx, tx)).transpose()?,
        audience: Vec::new(),
    })
}

/// The name of this server.
fn issuer(ctx: &Ctx, tx: &dyn Tx) -> Result<String> {
    let settings = Settings::from_stored(tx.stored_settings()?);
    Ok(settings.public_url().unwrap_or_else(|| ctx.env.default_url.clone()))
}

/// A claim of one name or several (RFC 7519, section 4.1.3).
fn names(claim: Option<&Value>) -> Vec<String> {
    match claim {
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        Some(Value::String(one)) => vec![one.clone()],
        _ => Vec::new(),
    }
}

/// Whether a token of either type would be accepted now; of a spent one, what comes of showing it again.
fn worth_of(ctx: &Ctx, tx: &dyn Tx, token: &str) -> Result<Option<&'static str>> {
    Ok(match weigh(&Verifier::read(ctx.env, tx, ctx.now)?, token)? {
        None | Some(Worth::Good(..) | Worth::Foreign(..)) => None,
        Some(Worth::Again(..)) => {
            Some("the refresh token was used a moment ago; used again now, it gives the same successor")
        }
        Some(Worth::Reused(_)) => Some("the refresh token was used before; used again, it ends its session"),
    })
}

/// Whether a refusal comes after the signature was found to be that of a good key of ours.
fn is_proven(reason: &Reason) -> bool {
    use TokenFault::{BadSignature, Malformed, UnknownKey, WrongHeader};
    !matches!(reason, Reason::Token(Malformed | UnknownKey | WrongHeader | BadSignature))
}
