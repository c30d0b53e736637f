//! Tokens: who holds a good one, and what one is exchanged for.
//!
//! [`authenticate`] is the only way from credentials to an [`Actor`]. Everything that can end access is read from the
//! database at each call, so that an end is seen by the next request, whichever door it came through.

mod imported;
mod inspect;
mod purge;
mod refresh;
mod revoke;

use std::sync::Arc;

use crate::crypto::jwt::{self, Moment, VerifyingKey};
use crate::domain::error::{ApiTokenFault, Entity, Error, Reason, Result, TokenFault};
use crate::domain::ids::{Timestamp, UserId};
use crate::domain::pages::{Listing, PageOf};
use crate::domain::rights::{Grants, Right, action, resource};
use crate::domain::sessions::{EndReason, Session};
use crate::domain::settings::Settings;
use crate::domain::tokens::{Claims, RefreshToken, TokenType};
use crate::domain::users::User;
use crate::service::{Access, Actor, Caller, Ctx, Env, api_tokens, keys, settings};
use crate::store::Tx;
use imported::Presented;

pub use crate::crypto::jwt::TOKEN_MAX;
pub use crate::store::tokens::TOKEN_ORDER as ORDER;
pub use imported::Import;
pub use inspect::{Inspection, inspect};
pub use purge::{Sweeper, purge};
pub use refresh::{Refreshed, end_session_of, refresh, verify};
pub use revoke::revoke_shown;

/// What a request brought to prove who it is. Its `Debug` shows no token.
#[derive(Clone, PartialEq, Eq)]
pub enum Credentials {
    /// Nothing, or a scheme that is not ours.
    None,
    /// An `Authorization: Bearer` header that does not hold exactly one token.
    Malformed,
    /// A token.
    Bearer(String),
    /// `Authorization: Token` with a key.
    Token(String),
    /// `Authorization: Token` with nothing after it.
    TokenMissing,
    /// `Authorization: Token` with more than one word after it.
    TokenSpaces,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Credentials::None => "None",
            Credentials::Malformed => "Malformed",
            Credentials::Bearer(_) => "Bearer(…)",
            Credentials::Token(_) => "Token(…)",
            Credentials::TokenMissing => "TokenMissing",
            Credentials::TokenSpaces => "TokenSpaces",
        })
    }
}

/// Finds out who calls.
///
/// # Errors
/// `Unauthenticated` with the reason; `Unavailable` and `Internal` of the store.
pub fn authenticate(env: &Env, credentials: &Credentials, now: Timestamp) -> Result<Actor> {
    match credentials {
        Credentials::None => Ok(Actor::Anonymous),
        Credentials::Malformed => Err(Error::Unauthenticated(Reason::MalformedHeader)),
        Credentials::TokenMissing => Err(Error::api_token(ApiTokenFault::NoKey)),
        Credentials::TokenSpaces => Err(Error::api_token(ApiTokenFault::Spaces)),
        Credentials::Token(key) => env.store.read(|tx| api_tokens::caller(tx, key, now)).map(Actor::User),
        Credentials::Bearer(token) => env.store.read(|tx| {
            let caller = bearer(&Verifier::read(env, tx, now)?, token)?;
            let grants = grants_now(tx, caller.user)?;
            Ok(Actor::User(Caller { grants, ..caller }))
        }),
    }
}

/// Who may come in with this token. What he may do is not read.
fn bearer(verifier: &Verifier, token: &str) -> Result<Caller> {
    let (user, by) = holder(verifier, token)?;
    let label = user.label().to_owned();
    Ok(Caller { user: user.id, label, by, grants: Grants::default() })
}

/// [`bearer`] in a look at the database.
pub(super) fn glanced(
    (env, tx): (&Env, &dyn Tx),
    (settings, now): (&Arc<Settings>, Timestamp),
    token: &str,
) -> Result<Caller> {
    bearer(&Verifier { env, tx, now, settings: Arc::clone(settings) }, token)
}

/// What a user may do now.
pub(super) fn grants_now(tx: &dyn Tx, user: UserId) -> Result<Grants> {
    tx.user(user)?.map_or_else(|| Ok(Grants::default()), |user| grants_of(tx, &user))
}

/// Who may come in with this token, and by what.
fn holder(verifier: &Verifier, token: &str) -> Result<(User, Access)> {
    let (tx, now) = (verifier.tx, verifier.now);
    let claims = match verifier.verify(token, TokenType::Access) {
        Err(Error::Unauthenticated(Reason::Token(TokenFault::WrongType))) if verifier.settings.bearer_refresh() => {
            match verifier.verify(token, TokenType::Refresh)? {
                Verified::Ours(claims) => claims,
                // It is worth something only once it was exchanged.
                Verified::Imported(_) => return Err(TokenFault::WrongType.into()),
            }
        }
        other => match other? {
            Verified::Ours(claims) => claims,
            Verified::Imported(token) => {
                let (user, import) = token.import()?;
                return Ok((import.user(tx, user, now)?, Access::Imported(import)));
            }
        },
    };
    let standing = Standing::of(tx, &claims, now)?;
    if claims.token_type == TokenType::Refresh {
        let row = tx.refresh_token(&claims.jti, now)?;
        row.filter(|row| row.revoked_at.is_none()).ok_or(TokenFault::Revoked)?;
    }
    Ok((standing.user, Access::Session(standing.session.id)))
}

/// What a caller may do now; he was authenticated before.
///
/// # Errors
/// `Unauthenticated` if his session has ended or his API token was revoked since, or his account is no longer active; those
/// of the store.
pub(super) fn still_signed_in(tx: &dyn Tx, caller: &Caller, now: Timestamp) -> Result<Grants> {
    let user = match &caller.by {
        Access::Session(session) => Standing::in_session(tx, tx.session(*session)?, caller.user, now)?.user,
        Access::ApiToken(id) => api_tokens::standing(tx, tx.api_token(*id, now)?, now)?.1,
        Access::Imported(import) => import.user(tx, caller.user, now)?,
    };
    grants_of(tx, &user)
}

pub(super) fn grants_of(tx: &dyn Tx, user: &User) -> Result<Grants> {
    if user.is_superuser { Ok(Grants::superuser()) } else { Ok(Grants::of(tx.rights_of_user(user.id)?)) }
}

/// What tokens are verified by: keys, issuers and settings, as one transaction sees them.
struct Verifier<'a> {
    env: &'a Env,
    tx: &'a dyn Tx,
    now: Timestamp,
    settings: Arc<Settings>,
}

impl<'a> Verifier<'a> {
    fn read(env: &'a Env, tx: &'a dyn Tx, now: Timestamp) -> Result<Self> {
        Ok(Self { env, tx, now, settings: settings::of(env, tx)? })
    }

    /// Verifies a token of this kind, ours or of a former system. Says nothing of session and user.
    fn verify(&self, token: &str, expected: TokenType) -> Result<Verified> {
        let shown = self.env.keys.proven.shown(token);
        if let Some(claims) = self.proven(&shown, expected)? {
            return self.addressed(claims).map(Verified::Ours);
        }
        match self.own_key(token)? {
            Some(key) => {
                let claims = jwt::prove((token, &shown), &key, expected, self.moment())?;
                self.addressed(claims).map(Verified::Ours)
            }
            None => Ok(Verified::Imported(self.imported(token)?.of_type(expected)?)),
        }
    }

    /// The claims of a token whose signature is known to be good, if its key still verifies and it is in its time. Of all
    /// others it is told what is the matter when they are judged as if they had never been seen.
    fn proven(&self, shown: &jwt::Shown, expected: TokenType) -> Result<Option<Claims>> {
        let Some(kid) = shown.kid() else { return Ok(None) };
        match keys::verifying(self.env, self.tx, (kid, self.now)) {
            Ok(Some(_)) => Ok(shown.claims(expected, self.moment())),
            Ok(None) | Err(Error::Unauthenticated(_)) => Ok(None),
            Err(other) => Err(other),
        }
    }

    /// The key of ours that a token names. None if it names none and says to be signed as a former system did.
    fn own_key(&self, token: &str) -> Result<Option<Arc<VerifyingKey>>> {
        let named = match jwt::key_id(token) {
            Ok(kid) => keys::verifying(self.env, self.tx, (&kid, self.now))?,
            Err(TokenFault::UnknownKey) => None,
            Err(fault) => return Err(fault.into()),
        };
        if named.is_none() && !jwt::says_hs256(token)? {
            return Err(TokenFault::UnknownKey.into());
        }
        Ok(named)
    }

    /// Passes the claims of a token that we issued, for this audience.
    fn addressed(&self, claims: Claims) -> Result<Claims> {
        if !self.tx.is_issuer(&claims.iss)? {
            return Err(TokenFault::WrongIssuer.into());
        }
        let audience = self.settings.audience();
        if audience.is_some() && claims.aud != audience {
            return Err(TokenFault::WrongIssuer.into());
        }
        Ok(claims)
    }

    fn moment(&self) -> Moment {
        Moment::new(self.now, self.settings.leeway())
    }
}

/// A token that a good key of ours signed.
enum Verified {
    Ours(Claims),
    Imported(Presented),
}

/// The session and the user that a verified token speaks for, both good.
struct Standing {
    session: Session,
    user: User,
}

impl Standing {
    fn of(tx: &dyn Tx, claims: &Claims, now: Timestamp) -> Result<Self> {
        let session = tx.session_by_uuid(&claims.sid)?.filter(|session| session.user_id == claims.user_id);
        Self::in_session(tx, session, claims.user_id, now)
    }

    /// A user in the session that was found to be his, if one was.
    fn in_session(tx: &dyn Tx, session: Option<Session>, user: UserId, now: Timestamp) -> Result<Self> {
        // A session is deleted with its user, and its number is never given again.
        let Some(session) = session else {
            let gone = tx.user(user)?.is_none();
            return Err(if gone { Error::Unauthenticated(Reason::UserGone) } else { TokenFault::Revoked.into() });
        };
        let user = tx.user(session.user_id)?.ok_or(Error::Unauthenticated(Reason::UserGone))?;
        if !user.is_active {
            return Err(Error::Unauthenticated(Reason::UserInactive));
        }
        if !session.is_live(now) {
            return Err(TokenFault::Revoked.into());
        }
        Ok(Self { session, user })
    }
}

/// Refresh tokens.
///
/// Needs `tokens:read`.
///
/// # Errors
/// `Forbidden`, and those of the store.
pub fn list(ctx: &Ctx, listing: &Listing) -> Result<PageOf<RefreshToken>> {
    ctx.require(&Right::of(resource::TOKENS, action::READ))?;
    ctx.env
        .store
        .read(|tx| Ok(PageOf { items: tx.list_tokens(listing, ctx.now)?, total: tx.count_tokens(listing, ctx.now)? }))
}

/// Revokes the refresh token with this `jti`, which ends its session; `false` if it had ended already.
///
/// Needs `tokens:delete`. Writes the end and one `session.ended` event.
///
/// # Errors
/// `Forbidden`, `NotFound(Token)`, and those of the store.
pub fn revoke(ctx: &Ctx, jti: &str) -> Result<bool> {
    ctx.require(&Right::of(resource::TOKENS, action::DELETE))?;
    ctx.end(|tx| {
        let row = tx.refresh_token(&jti.to_ascii_lowercase(), ctx.now)?.ok_or(Error::NotFound(Entity::Token))?;
        super::sessions::end_one(ctx, tx, row.session_id, EndReason::Revoked)
    })
}
