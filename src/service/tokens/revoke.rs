//! Revoking a token that somebody shows, of whichever kind (RFC 7009).

use super::imported::Import;
use super::refresh::{Shown, Worth, end_for_reuse, judge};
use super::{Standing, Verified, Verifier};
use crate::crypto::mac::is_uuid;
use crate::domain::api_tokens::is_key;
use crate::domain::error::{Error, Reason, Result, TokenFault};
use crate::domain::ids::{ApiTokenId, UserId};
use crate::domain::rights::{Right, action, resource};
use crate::domain::sessions::EndReason;
use crate::domain::tokens::TokenType;
use crate::service::{Actor, Ctx, api_tokens, sessions};
use crate::store::Tx;

/// What a good token stands for.
enum Held {
    /// An access token, or a refresh token that was not spent: their session.
    Session(Standing),
    /// A refresh token that was spent before: its session, and somebody has a copy.
    Reused(Standing),
    /// An API token.
    ApiToken(ApiTokenId, UserId),
    /// An access token of a former system.
    Imported(UserId, Import),
    /// A refresh token of a former system that was never shown.
    Foreign(UserId, Import),
}

/// Ends the session of an access or refresh token, or revokes an API token, that is shown. What is unknown, expired or
/// over already is no error, and nothing happens.
///
/// One's own needs nothing; another's needs `tokens:delete`. Writes the end and one `session.ended` event, or
/// `token.reused` for a refresh token that was spent before, or `api_token.revoked`, or for an access token of a former system
/// `token.revoked`; for a refresh token of a former system that was never shown, also the session that it stands for and
/// one `token.imported` event.
///
/// # Errors
/// `Unauthenticated` — the caller is not signed in; `Forbidden` — the token is another's; those of the store.
pub fn revoke_shown(ctx: &Ctx, token: &str) -> Result<()> {
    ctx.admitted()?;
    // Who shows nothing of worth does not get as far as the one writer's lock.
    let found = ctx.env.store.read(|tx| held(ctx, tx, token))?;
    match found {
        Some(held) => may(ctx, &held)?,
        None => return Ok(()),
    }
    ctx.end(|tx| match held(ctx, tx, token)? {
        None => Ok(()),
        Some(held) => {
            may(ctx, &held)?;
            end(ctx, tx, held)
        }
    })
}

/// Passes whoever shows a token of his own, or may revoke those of others.
fn may(ctx: &Ctx, held: &Held) -> Result<()> {
    let owner = match held {
        Held::Session(standing) | Held::Reused(standing) => standing.user.id,
        Held::ApiToken(_, user) | Held::Imported(user, _) | Held::Foreign(user, _) => *user,
    };
    match ctx.actor {
        Actor::User(caller) if caller.user == owner => Ok(()),
        _ => ctx.holds(&Right::of(resource::TOKENS, action::DELETE)),
    }
}

fn end(ctx: &Ctx, tx: &dyn Tx, held: Held) -> Result<()> {
    match held {
        Held::Session(standing) => sessions::end_one(ctx, tx, standing.session.id, EndReason::Revoked).map(drop),
        Held::Reused(standing) => end_for_reuse(ctx, tx, &standing),
        Held::ApiToken(id, _) => api_tokens::revoke_one(ctx, tx, id).map(drop),
        Held::Imported(user, import) => import.revoke(ctx, tx, user),
        Held::Foreign(user, import) => {
            let session = import.adopt(ctx, tx, user)?;
            sessions::end_one(ctx, tx, session, EndReason::Revoked).map(drop)
        }
    }
}

/// What a token stands for; none if it is not good.
fn held(ctx: &Ctx, tx: &dyn Tx, token: &str) -> Result<Option<Held>> {
    let found = if is_key(token) { of_key(ctx, tx, token) } else { of_token(ctx, tx, token) };
    match found {
        Err(Error::Unauthenticated(_)) => Ok(None),
        other => other.map(Some),
    }
}

fn of_key(ctx: &Ctx, tx: &dyn Tx, key: &str) -> Result<Held> {
    match api_tokens::looked_up(tx, key, ctx.now)? {
        (Some(token), None) => Ok(Held::ApiToken(token.id, token.user_id)),
        (_, wrong) => Err(wrong.unwrap_or(TokenFault::Malformed.into())),
    }
}

fn of_token(ctx: &Ctx, tx: &dyn Tx, token: &str) -> Result<Held> {
    let verifier = Verifier::read(ctx.env, tx, ctx.now)?;
    if !is_uuid(token) {
        match verifier.verify(token, TokenType::Access) {
            Err(Error::Unauthenticated(Reason::Token(TokenFault::WrongType))) => {}
            Err(other) => return Err(other),
            Ok(Verified::Ours(claims)) => return Standing::of(tx, &claims, ctx.now).map(Held::Session),
            Ok(Verified::Imported(token)) => {
                let (user, import) = token.import()?;
                import.user(tx, user, ctx.now)?;
                return Ok(Held::Imported(user, import));
            }
        }
    }
    Ok(match judge(tx, &Shown::read(&verifier, token)?, ctx.now)? {
        Worth::Good(standing, _) | Worth::Again(standing, ..) => Held::Session(standing),
        Worth::Reused(standing) => Held::Reused(standing),
        Worth::Foreign(user, import) => Held::Foreign(user, import),
    })
}
