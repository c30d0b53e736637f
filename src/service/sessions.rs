//! Sessions: who is signed in where, and ending that.

use serde_json::json;

use crate::domain::error::{Entity, Error, Result};
use crate::domain::ids::{SessionId, UserId};
use crate::domain::pages::{Listing, PageOf};
use crate::domain::rights::{Right, action, resource};
use crate::domain::sessions::{EndReason, Session};
use crate::domain::tokens::RefreshToken;
use crate::service::{Access, Ctx, api_tokens};
use crate::store::Tx;
use crate::store::api_tokens::Those;
use crate::store::sessions::Which;

pub use crate::store::sessions::SESSION_ORDER as ORDER;

/// Sessions, ended ones too as long as they are kept.
///
/// Needs `sessions:read`.
///
/// # Errors
/// `Forbidden`, and those of the store.
pub fn list(ctx: &Ctx, listing: &Listing) -> Result<PageOf<Session>> {
    ctx.require(&Right::of(resource::SESSIONS, action::READ))?;
    ctx.env
        .store
        .read(|tx| PageOf::of(listing, tx.list_sessions(listing, ctx.now)?, || tx.count_sessions(listing, ctx.now)))
}

/// One session.
///
/// Needs `sessions:read`.
///
/// # Errors
/// `Forbidden`, `NotFound(Session)`, and those of the store.
pub fn get(ctx: &Ctx, id: SessionId) -> Result<Session> {
    ctx.require(&Right::of(resource::SESSIONS, action::READ))?;
    ctx.env.store.read(|tx| tx.session(id))?.ok_or(Error::NotFound(Entity::Session))
}

/// One session by its UUID.
///
/// Needs `sessions:read`.
///
/// # Errors
/// `Forbidden`, `NotFound(Session)`, and those of the store.
pub fn by_uuid(ctx: &Ctx, uuid: &str) -> Result<Session> {
    ctx.require(&Right::of(resource::SESSIONS, action::READ))?;
    let found = ctx.env.store.read(|tx| tx.session_by_uuid(&uuid.to_ascii_lowercase()))?;
    found.ok_or(Error::NotFound(Entity::Session))
}

/// Ends a session; `false` if it had ended already.
///
/// Needs `sessions:delete`. Writes the end and one `session.ended` event.
///
/// # Errors
/// `Forbidden`, `NotFound(Session)`, and those of the store.
pub fn end(ctx: &Ctx, id: SessionId) -> Result<bool> {
    ctx.require(&Right::of(resource::SESSIONS, action::DELETE))?;
    ctx.end(|tx| end_one(ctx, tx, id, EndReason::Revoked))
}

/// Ends the session of a UUID; `false` if it had ended already.
///
/// Needs `sessions:delete`. Writes the end and one `session.ended` event.
///
/// # Errors
/// `Forbidden`, `NotFound(Session)`, and those of the store.
pub fn end_by_uuid(ctx: &Ctx, uuid: &str) -> Result<bool> {
    ctx.require(&Right::of(resource::SESSIONS, action::DELETE))?;
    ctx.end(|tx| {
        let session = tx.session_by_uuid(&uuid.to_ascii_lowercase())?.ok_or(Error::NotFound(Entity::Session))?;
        end_one(ctx, tx, session.id, EndReason::Revoked)
    })
}

/// Ends a session in a transaction that is open, with its event.
pub(super) fn end_one(ctx: &Ctx, tx: &dyn Tx, id: SessionId, reason: EndReason) -> Result<bool> {
    let session = tx.session(id)?.ok_or(Error::NotFound(Entity::Session))?;
    let ended = tx.end_sessions(Which::One(id), reason, ctx.now)? == 1;
    if ended {
        let details = json!({"user_id": session.user_id.0, "reason": reason.as_str()});
        tx.record(&ctx.event("session.ended", "session", Some(id.0), details))?;
    }
    Ok(ended)
}

/// Ends the session, or revokes the API token, that the caller calls by; who came with an access token of a former system,
/// ends that token.
///
/// Writes the end and one `session.ended`, `api_token.revoked` or `token.revoked` event.
///
/// # Errors
/// `Unauthenticated`, and those of the store.
pub fn end_own(ctx: &Ctx) -> Result<()> {
    let caller = ctx.caller()?;
    // Who was signed out meanwhile has what he asked for.
    ctx.env.store.end(|tx| match &caller.by {
        Access::Session(session) => end_one(ctx, tx, *session, EndReason::Logout).map(drop),
        Access::ApiToken(id) => api_tokens::revoke_one(ctx, tx, *id).map(drop),
        Access::Imported(import) => import.revoke(ctx, tx, caller.user),
    })
}

/// The caller's live sessions, newest first, each with its newest refresh token (D-10).
///
/// # Errors
/// `Unauthenticated`, and those of the store.
pub fn mine(ctx: &Ctx) -> Result<Vec<(Session, RefreshToken)>> {
    let me = ctx.caller()?.user;
    ctx.env.store.read(|tx| live(ctx, tx, me))
}

/// A user's live sessions, newest first.
///
/// Needs `sessions:read`.
///
/// # Errors
/// `Forbidden`, `NotFound(User)`, and those of the store.
pub fn of_user(ctx: &Ctx, user: UserId) -> Result<Vec<(Session, RefreshToken)>> {
    ctx.require(&Right::of(resource::SESSIONS, action::READ))?;
    ctx.env.store.read(|tx| live(ctx, tx, user))
}

fn live(ctx: &Ctx, tx: &dyn Tx, user: UserId) -> Result<Vec<(Session, RefreshToken)>> {
    tx.user(user)?.ok_or(Error::NotFound(Entity::User))?;
    let sessions = tx.live_sessions(user, ctx.now)?.into_iter();
    sessions
        .filter_map(|session| match tx.newest_token(session.id, ctx.now) {
            Ok(token) => token.map(|token| Ok((session, token))),
            Err(error) => Some(Err(error)),
        })
        .collect()
}

/// Ends all sessions of the caller, the one he calls by too, and sign-ins that are under way, and revokes his API tokens;
/// says how many sessions.
///
/// Writes the ends and one `sessions.ended` event.
///
/// # Errors
/// `Unauthenticated`, and those of the store.
pub fn end_mine(ctx: &Ctx) -> Result<u64> {
    let me = ctx.caller()?.user;
    ctx.env.store.end(|tx| end_all_of(ctx, tx, me))
}

/// Ends all sessions of a user and his sign-ins that are under way, and revokes his API tokens; says how many sessions.
///
/// Needs `tokens:delete`. Writes the ends and one `sessions.ended` event.
///
/// # Errors
/// `Forbidden`, `NotFound(User)`, and those of the store.
pub fn end_of_user(ctx: &Ctx, user: UserId) -> Result<u64> {
    ctx.require(&Right::of(resource::TOKENS, action::DELETE))?;
    ctx.end(|tx| end_all_of(ctx, tx, user))
}

fn end_all_of(ctx: &Ctx, tx: &dyn Tx, user: UserId) -> Result<u64> {
    tx.user(user)?.ok_or(Error::NotFound(Entity::User))?;
    let ended = tx.end_sessions(Which::OfUser(user), EndReason::RevokedAll, ctx.now)?;
    let revoked = tx.revoke_api_tokens(Those::OfUser(user), ctx.now)?;
    let details = json!({ "count": ended, "api_tokens": revoked });
    tx.record(&ctx.event("sessions.ended", "user", Some(user.0), details))?;
    Ok(ended)
}

/// Ends all sessions there are and all sign-ins that are under way, and revokes all API tokens; says how many sessions.
///
/// Needs `tokens:delete`. Writes the ends and one `sessions.ended` event.
///
/// # Errors
/// `Forbidden`, and those of the store.
pub fn end_everyones(ctx: &Ctx) -> Result<u64> {
    ctx.require(&Right::of(resource::TOKENS, action::DELETE))?;
    ctx.end(|tx| {
        let ended = tx.end_sessions(Which::Everyone, EndReason::RevokedAll, ctx.now)?;
        let revoked = tx.revoke_api_tokens(Those::Everyone, ctx.now)?;
        let details = json!({ "count": ended, "api_tokens": revoked });
        tx.record(&ctx.event("sessions.ended", "session", None, details))?;
        Ok(ended)
    })
}
