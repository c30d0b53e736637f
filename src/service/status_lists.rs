//! Status lists for services that verify tokens by key alone: whether a session is over, in a signed token of a short
//! life (draft-ietf-oauth-status-list).
//!
//! Open to everybody, as the public keys are: a list says of numbers which of them are over, and nothing of whose they are.

use std::time::Duration;

use crate::crypto::status_lists;
use crate::domain::error::Result;
use crate::domain::ids::SessionId;
use crate::domain::settings::Settings;
use crate::domain::status_lists::{ListNumber, StatusListClaims, Statuses};
use crate::service::{Ctx, keys, settings};

/// A list as handed out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedList {
    /// The token.
    pub token: String,
    /// How long it is believed.
    pub lifetime: Duration,
}

/// A list, made anew at each call, so that the end of a session is in every list that is asked for after it. None
/// if no session stands in it yet; the first is always there.
///
/// # Errors
/// `Internal` when it cannot be signed; those of the store.
pub fn signed(ctx: &Ctx, list: ListNumber) -> Result<Option<SignedList>> {
    let found = ctx.env.store.read(|tx| {
        let newest = tx.newest_session()?;
        if list > ListNumber::of(newest) {
            return Ok(None);
        }
        let live = tx.usable_sessions(list.sessions(), ctx.now)?;
        let settings = Settings::from_stored(tx.stored_settings()?);
        Ok(Some((newest, live, settings, keys::signing(ctx.env, tx)?)))
    })?;
    let Some((newest, live, settings, key)) = found else { return Ok(None) };
    let lifetime = settings.status_list_lifetime();
    let url = settings.public_url().unwrap_or_else(|| ctx.env.default_url.clone());
    let (now, ttl) = (ctx.now.timestamp(), i64::try_from(lifetime.as_secs()).unwrap_or(0));
    let lst = Statuses::of(list, newest, &live).packed()?;
    let claims = StatusListClaims { sub: list.uri(&url), iat: now, exp: now + ttl, ttl, lst };
    Ok(Some(SignedList { token: status_lists::sign(&key, &claims)?, lifetime }))
}

/// The addresses of all lists.
///
/// # Errors
/// Those of the store.
pub fn addresses(ctx: &Ctx) -> Result<Vec<String>> {
    let newest: SessionId = ctx.env.store.read(|tx| tx.newest_session())?;
    let url = settings::issuer_url(ctx.env)?;
    Ok(ListNumber::of(newest).up_to_this().map(|list| list.uri(&url)).collect())
}
