//! Tokens: who holds a good one, and what one is exchanged for.
//!
//! [`authenticate`] is the only way from credentials to an [`Actor`]. Everything that can end access is read from the
//! database at each call, so that an end is seen by the next request, whichever door it came through.

mod inspect;

use serde_json::json;

use crate::crypto::jwt;
use crate::crypto::seal::{open_for_holder, seal_for_holder};
use crate::domain::error::{ApiTokenFault, Entity, Error, Reason, Result, TokenFault};
use crate::domain::ids::{Timestamp, UserId};
use crate::domain::pages::{Listing, PageOf};
use crate::domain::rights::{Grants, Right, action, resource};
use crate::domain::sessions::{EndReason, Session};
use crate::domain::settings::Settings;
use crate::domain::tokens::{Claims, RefreshToken, TokenPair, TokenType};
use crate::domain::users::User;
use crate::service::issue::{self, Issuer, Place};
use crate::service::{Access, Actor, Caller, Ctx, Env, api_tokens, keys};
use crate::store::Tx;
use crate::store::sessions::Which;

pub use crate::crypto::jwt::TOKEN_MAX;
pub use crate::store::tokens::TOKEN_ORDER as ORDER;
pub use inspect::{Inspection, inspect};

/// What a successor is sealed for.
const SUCCESSOR: &str = "refresh-successor";
/// Rows that one transaction of [`purge`] deletes at most.
const PURGE_BATCH: u32 = 1000;
/// How long after its expiry a row stays, so that a look at what just ended still finds it: one hour.
const PURGE_AFTER_SECONDS: i64 = 3600;

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

/// What a refresh gives: the refresh token only where the session's profile rotates.
#[derive(Clone, PartialEq, Eq)]
pub struct Refreshed {
    /// A new access token.
    pub access: String,
    /// The refresh token that replaces the one that was shown.
    pub refresh: Option<String>,
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
            let verifier = Verifier::read(env, tx, now)?;
            let claims = match verifier.verify(token, TokenType::Access) {
                Err(Error::Unauthenticated(Reason::Token(TokenFault::WrongType)))
                    if verifier.settings.bearer_refresh() =>
                {
                    verifier.verify(token, TokenType::Refresh)?
                }
                other => other?,
            };
            let standing = Standing::of(tx, &claims, now)?;
            if claims.token_type == TokenType::Refresh {
                tx.refresh_token(&claims.jti, now)?
                    .filter(|row| row.revoked_at.is_none())
                    .ok_or(TokenFault::Revoked)?;
            }
            let user = standing.user;
            let grants = grants_of(tx, &user)?;
            let label = user.label().to_owned();
            Ok(Actor::User(Caller { user: user.id, label, by: Access::Session(standing.session.id), grants }))
        }),
    }
}

/// What a caller may do now; he was authenticated before.
///
/// # Errors
/// `Unauthenticated` if his session has ended or his API token was revoked since, or his account is no longer active; those
/// of the store.
pub(super) fn still_signed_in(tx: &dyn Tx, caller: &Caller, now: Timestamp) -> Result<Grants> {
    let user = match caller.by {
        Access::Session(id) => Standing::in_session(tx, tx.session(id)?, caller.user, now)?.user,
        Access::ApiToken(id) => api_tokens::standing(tx, tx.api_token(id, now)?, now)?.1,
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
    settings: Settings,
}

impl<'a> Verifier<'a> {
    fn read(env: &'a Env, tx: &'a dyn Tx, now: Timestamp) -> Result<Self> {
        Ok(Self { env, tx, now, settings: Settings::from_stored(tx.stored_settings()?) })
    }

    /// Verifies a token of ours: signature, header and claims by [`jwt::verify`], then issuer and audience. Says nothing
    /// of session and user.
    fn verify(&self, token: &str, expected: TokenType) -> Result<Claims> {
        let key = keys::verifying(self.env, self.tx, &jwt::key_id(token)?)?;
        let claims = jwt::verify(token, &key, expected, self.now)?;
        if !self.tx.is_issuer(&claims.iss)? {
            return Err(TokenFault::WrongIssuer.into());
        }
        let audience = self.settings.audience();
        if audience.is_some() && claims.aud != audience {
            return Err(TokenFault::WrongIssuer.into());
        }
        Ok(claims)
    }
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

/// What a refresh token is worth at this moment.
enum Worth {
    /// It is the newest of its session.
    Good(Standing, RefreshToken),
    /// It was spent a moment ago: the answer may have been lost on the way, or two windows of one client refresh at once.
    /// The successor is the same for all, so there is never more than one chain.
    Again(Standing, RefreshToken, Vec<u8>),
    /// It was spent before: somebody has a copy.
    Reused(Standing),
}

/// Judges a verified refresh token by what is stored of it.
fn judge(tx: &dyn Tx, claims: &Claims, now: Timestamp) -> Result<Worth> {
    let standing = Standing::of(tx, claims, now)?;
    let row = tx.refresh_token(&claims.jti, now)?.filter(|row| row.session_id == standing.session.id);
    let mut row = row.ok_or(TokenFault::Revoked)?;
    let Some(spent_at) = row.spent_at else {
        let live = row.revoked_at.is_none() && now < row.expires_at;
        return if live { Ok(Worth::Good(standing, row)) } else { Err(TokenFault::Revoked.into()) };
    };
    let grace = Settings::from_stored(tx.stored_settings()?).refresh_grace().as_micros();
    // Of two calls at once the one that began first may come to the database last, and clocks are set right.
    let since = (now - spent_at).num_microseconds().map_or(u128::MAX, |micros| u128::from(micros.unsigned_abs()));
    match row.successor.take() {
        Some(sealed) if since < grace => Ok(Worth::Again(standing, row, sealed)),
        _ => Ok(Worth::Reused(standing)),
    }
}

/// Exchanges a refresh token for a new access token. Where the session's profile rotates, the refresh token is spent and
/// replaced; shown again within the grace it gives the same pair, later it ends the session (D-11, R-22).
///
/// Writes the rotation and one `token.refreshed` event, or the end of the session and one `token.reused` event.
///
/// # Errors
/// `Unauthenticated` with the reason; `Unavailable` and `Internal` of the store.
pub fn refresh(ctx: &Ctx, token: &str) -> Result<Refreshed> {
    let env = ctx.env;
    let (claims, issuer, worth) = env.store.read(|tx| {
        let claims = Verifier::read(env, tx, ctx.now)?.verify(token, TokenType::Refresh)?;
        let worth = judge(tx, &claims, ctx.now)?;
        Ok((claims, Issuer::read(env, tx)?, worth))
    })?;
    let (Worth::Good(standing, row) | Worth::Again(standing, row, _)) = &worth else {
        return end_reused(ctx, &claims);
    };
    let session = &standing.session;
    let place = Place {
        user: standing.user.id,
        sid: &session.uuid,
        profile: session.profile,
        ends_at: session.ends_at,
        generation: row.generation + 1,
    };
    if matches!(worth, Worth::Good(..)) && !issuer.settings.token_rules(session.profile).rotates {
        return refresh_in_place(ctx, &claims, &issuer, issue::access(ctx, &issuer, &place)?);
    }
    let draft = issue::draft(ctx, &issuer, &place)?;
    let sealed = seal_for_holder(token, SUCCESSOR, &issue::pack(&draft.pair), env.random.as_ref())?;
    let pair = env.store.write(|tx| match judge(tx, &claims, ctx.now)? {
        Worth::Good(standing, row) => {
            tx.spend_token(row.id, &sealed, ctx.now, ctx.now - issuer.settings.refresh_grace())?;
            let pair = draft.succeed(tx, standing.session.id, ctx.now)?;
            tx.record(&refreshed(ctx, &standing))?;
            Ok(Some(pair))
        }
        Worth::Again(standing, row, sealed) => match open_for_holder(token, SUCCESSOR, &sealed) {
            Ok(pair) => {
                tx.touch_token(row.id, ctx.now)?;
                issue::unpack(&pair).map(Some)
            }
            // The same claims under another signature, which ES256 allows anybody to make: not what was handed out.
            Err(_) => end_for_reuse(ctx, tx, &standing).map(|()| None),
        },
        Worth::Reused(standing) => end_for_reuse(ctx, tx, &standing).map(|()| None),
    })?;
    let TokenPair { access, refresh } = pair.ok_or(TokenFault::Reused)?;
    Ok(Refreshed { access, refresh: Some(refresh) })
}

/// Gives another access token for a refresh token that stays good.
fn refresh_in_place(ctx: &Ctx, claims: &Claims, issuer: &Issuer, access: String) -> Result<Refreshed> {
    let good = ctx.env.store.write(|tx| match judge(tx, claims, ctx.now)? {
        Worth::Good(standing, row) => {
            tx.touch_token(row.id, ctx.now)?;
            tx.remember_issuer(&issuer.url, ctx.now)?;
            tx.record(&refreshed(ctx, &standing))?;
            Ok(true)
        }
        // Spent while its profile still rotated.
        Worth::Again(standing, ..) | Worth::Reused(standing) => end_for_reuse(ctx, tx, &standing).map(|()| false),
    })?;
    if good { Ok(Refreshed { access, refresh: None }) } else { Err(TokenFault::Reused.into()) }
}

/// Ends the session of a token that was found to be spent, after looking again with nobody else writing.
fn end_reused<T>(ctx: &Ctx, claims: &Claims) -> Result<T> {
    ctx.env.store.write(|tx| {
        let standing = Standing::of(tx, claims, ctx.now)?;
        end_for_reuse(ctx, tx, &standing)
    })?;
    Err(TokenFault::Reused.into())
}

fn end_for_reuse(ctx: &Ctx, tx: &dyn Tx, standing: &Standing) -> Result<()> {
    tracing::warn!(user = standing.user.id.0, session = standing.session.id.0, "a spent refresh token was shown again");
    tx.end_sessions(Which::One(standing.session.id), EndReason::RefreshReused, ctx.now)?;
    let mut event =
        ctx.event("token.reused", "session", Some(standing.session.id.0), json!({"user_id": standing.user.id.0}));
    event.result = "refused";
    tx.record(&event)
}

fn refreshed(ctx: &Ctx, standing: &Standing) -> crate::domain::audit::Event {
    ctx.event("token.refreshed", "session", Some(standing.session.id.0), json!({"user_id": standing.user.id.0}))
}

/// Ends the session of a refresh token, as its holder; nobody need be signed in. A token that was spent before ends the
/// session too and is refused.
///
/// Writes the end and one `session.ended` or `token.reused` event.
///
/// # Errors
/// `Unauthenticated` with the reason; `Unavailable` and `Internal` of the store.
pub fn end_session_of(ctx: &Ctx, token: &str) -> Result<()> {
    let env = ctx.env;
    // Nobody need be signed in: whoever has no good token does not get as far as the one writer's lock.
    let claims = env.store.read(|tx| Verifier::read(env, tx, ctx.now)?.verify(token, TokenType::Refresh))?;
    let good = env.store.write(|tx| match judge(tx, &claims, ctx.now)? {
        Worth::Good(standing, _) | Worth::Again(standing, ..) => {
            super::sessions::end_one(ctx, tx, standing.session.id, EndReason::Logout)?;
            Ok(true)
        }
        Worth::Reused(standing) => end_for_reuse(ctx, tx, &standing).map(|()| false),
    })?;
    if good { Ok(()) } else { Err(TokenFault::Reused.into()) }
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
    ctx.write(|tx| {
        let row = tx.refresh_token(&jti.to_ascii_lowercase(), ctx.now)?.ok_or(Error::NotFound(Entity::Token))?;
        super::sessions::end_one(ctx, tx, row.session_id, EndReason::Revoked)
    })
}

/// Deletes sessions and tokens that expired over an hour ago, and API tokens that expired or were revoked then, in batches
/// that never hold the database for long. `progress` hears the running total after each.
///
/// Needs `tokens:delete`. Writes one `tokens.purged` event for each batch.
///
/// # Errors
/// `Forbidden`, and those of the store; what was deleted until then stays deleted.
pub fn purge(ctx: &Ctx, progress: &mut dyn FnMut(u64)) -> Result<u64> {
    ctx.require(&Right::of(resource::TOKENS, action::DELETE))?;
    let before = ctx.now - chrono::Duration::seconds(PURGE_AFTER_SECONDS);
    let mut total = 0;
    loop {
        let (forgotten, gone) = ctx.write(|tx| {
            let forgotten = tx.forget_successors(before, PURGE_BATCH)?;
            let tokens = tx.purge_tokens(before, PURGE_BATCH)?;
            // A session takes its tokens along, and may have thousands: it waits until they are gone.
            let waits = tokens == u64::from(PURGE_BATCH);
            let sessions = if waits { 0 } else { tx.purge_sessions(before, PURGE_BATCH)? };
            let keys = tx.purge_api_tokens(before, PURGE_BATCH)?;
            if tokens + sessions + keys > 0 {
                let details = json!({"tokens": tokens, "sessions": sessions, "api_tokens": keys});
                tx.record(&ctx.event("tokens.purged", "token", None, details))?;
            }
            Ok((forgotten, tokens + sessions + keys))
        })?;
        total += gone;
        progress(total);
        if forgotten + gone == 0 {
            break;
        }
    }
    Ok(total)
}
