//! Issuing: how a session and its tokens come to be, the same for login, registration and refresh.
//!
//! Two steps, since signing is slow and the database has one writer: [`draft`] decides and signs before the
//! transaction, [`Draft::store`] writes in it.

use std::sync::Arc;

use crate::crypto::jwt::{self, SigningKey};
use crate::crypto::random::uuid;
use crate::domain::error::{Error, Result};
use crate::domain::ids::{SessionId, Timestamp, UserId};
use crate::domain::sessions::{EndReason, NewSession, Session};
use crate::domain::settings::{Profile, Settings};
use crate::domain::tokens::{Claims, NewRefreshToken, RefreshToken, TokenPair, TokenType};
use crate::service::{Ctx, Env, keys, sessions};
use crate::store::Tx;

/// What is needed to issue, read in one transaction.
pub(super) struct Issuer {
    pub settings: Settings,
    key: Arc<SigningKey>,
    /// Named in `iss`.
    pub url: String,
}

impl Issuer {
    /// Reads settings and key as they are now.
    pub fn read(env: &Env, tx: &dyn Tx) -> Result<Self> {
        let settings = Settings::from_stored(tx.stored_settings()?);
        let url = settings.public_url().unwrap_or_else(|| env.default_url.clone());
        Ok(Self { settings, key: keys::signing(env, tx)?, url })
    }
}

/// A pair that is signed and not yet stored.
pub(super) struct Draft {
    pub pair: TokenPair,
    token: NewRefreshToken,
    issuer: String,
}

/// A session that is about to begin, with its first pair.
pub(super) struct Opening {
    pub draft: Draft,
    session: NewSession,
    most: Option<u64>,
}

/// Prepares the session of a sign-in. The user's id may come later, for an account that is made in the transaction:
/// then the pair is signed there.
pub(super) fn open(ctx: &Ctx, issuer: &Issuer, user: UserId, profile: Profile) -> Result<Opening> {
    let rules = issuer.settings.token_rules(profile);
    let ends_at = later(ctx.now, rules.session);
    let session = NewSession {
        uuid: uuid(ctx.env.random.as_ref())?,
        user_id: user,
        profile,
        ip_address: ctx.origin.address,
        user_agent: ctx.origin.user_agent.clone(),
        created_at: ctx.now,
        expires_at: later(ctx.now, rules.refresh).min(ends_at),
        ends_at,
    };
    let draft =
        draft(ctx, issuer, &Place { user, sid: &session.uuid, profile, ends_at, generation: RefreshToken::FIRST })?;
    Ok(Opening { draft, session, most: issuer.settings.sessions_per_user() })
}

/// Where in a session a pair belongs.
pub(super) struct Place<'a> {
    pub user: UserId,
    pub sid: &'a str,
    pub profile: Profile,
    pub ends_at: Timestamp,
    pub generation: i64,
}

/// Signs a pair.
pub(super) fn draft(ctx: &Ctx, issuer: &Issuer, place: &Place) -> Result<Draft> {
    let rules = issuer.settings.token_rules(place.profile);
    let expires_at = later(ctx.now, rules.refresh).min(place.ends_at);
    let jti = uuid(ctx.env.random.as_ref())?;
    let refresh = claims(ctx, issuer, place, (TokenType::Refresh, jti.clone(), expires_at));
    let pair = TokenPair { access: access(ctx, issuer, place)?, refresh: jwt::sign(&issuer.key, &refresh)? };
    let token = NewRefreshToken {
        jti,
        session_id: SessionId(0),
        user_id: place.user,
        generation: place.generation,
        issued_at: ctx.now,
        expires_at,
        ip_address: ctx.origin.address,
        user_agent: ctx.origin.user_agent.clone(),
    };
    Ok(Draft { pair, token, issuer: issuer.url.clone() })
}

/// Signs an access token alone, for profiles that do not rotate.
pub(super) fn access(ctx: &Ctx, issuer: &Issuer, place: &Place) -> Result<String> {
    let rules = issuer.settings.token_rules(place.profile);
    let expires_at = later(ctx.now, rules.access).min(place.ends_at);
    let jti = uuid(ctx.env.random.as_ref())?;
    jwt::sign(&issuer.key, &claims(ctx, issuer, place, (TokenType::Access, jti, expires_at)))
}

fn claims(ctx: &Ctx, issuer: &Issuer, place: &Place, token: (TokenType, String, Timestamp)) -> Claims {
    let (token_type, jti, expires_at) = token;
    Claims {
        token_type,
        exp: expires_at.timestamp(),
        iat: ctx.now.timestamp(),
        jti,
        user_id: place.user,
        sid: place.sid.to_owned(),
        iss: issuer.url.clone(),
        aud: issuer.settings.audience(),
    }
}

/// `now` and a while, in whole seconds: the resolution of `exp`.
fn later(now: Timestamp, after: std::time::Duration) -> Timestamp {
    let seconds = now.timestamp().saturating_add(i64::try_from(after.as_secs()).unwrap_or(i64::MAX));
    Timestamp::from_timestamp(seconds, 0).unwrap_or(Timestamp::MAX_UTC)
}

impl Opening {
    /// Writes session and token; ends those sessions of a user that were used least lately, if he has more than he may.
    pub fn store(self, ctx: &Ctx, tx: &dyn Tx) -> Result<TokenPair> {
        let user = self.session.user_id;
        let id = tx.insert_session(&self.session)?;
        let pair = self.draft.store(tx, id, ctx.now)?;
        if let Some(most) = self.most {
            end_least_used(ctx, tx, (user, id), usize::try_from(most).unwrap_or(usize::MAX))?;
        }
        Ok(pair)
    }
}

/// Ends the sessions of a user beyond the `keep` that were begun or refreshed last. The newest stays, whatever the clock
/// said when the others were used.
fn end_least_used(ctx: &Ctx, tx: &dyn Tx, (user, newest): (UserId, SessionId), keep: usize) -> Result<()> {
    let mut live = tx.live_sessions(user, ctx.now)?;
    if live.len() <= keep {
        return Ok(());
    }
    live.retain(|session| session.id != newest);
    // One without a token sorts first: nobody can use it any more.
    let used = |session: &Session| {
        let newest = tx.newest_token(session.id, ctx.now)?;
        Ok((newest.map(|token| token.issued_at), session.id))
    };
    let mut live: Vec<_> = live.iter().map(used).collect::<Result<_>>()?;
    live.sort();
    for (_, id) in live.iter().rev().skip(keep.saturating_sub(1)) {
        sessions::end_one(ctx, tx, *id, EndReason::TooManySessions)?;
    }
    Ok(())
}

impl Draft {
    /// Writes the refresh token into its session.
    pub fn store(mut self, tx: &dyn Tx, session: SessionId, now: Timestamp) -> Result<TokenPair> {
        self.token.session_id = session;
        tx.insert_token(&self.token)?;
        tx.remember_issuer(&self.issuer, now)?;
        Ok(self.pair)
    }

    /// Writes the refresh token as the successor in its session, which then ends when that token does: a session that
    /// nobody can refresh any more is not live.
    pub fn succeed(self, tx: &dyn Tx, session: SessionId, now: Timestamp) -> Result<TokenPair> {
        tx.set_session_end(session, self.token.expires_at)?;
        self.store(tx, session, now)
    }
}

/// A pair as bytes, to be sealed.
pub(super) fn pack(pair: &TokenPair) -> Vec<u8> {
    format!("{}\n{}", pair.access, pair.refresh).into_bytes()
}

/// A pair out of its bytes.
pub(super) fn unpack(bytes: &[u8]) -> Result<TokenPair> {
    let text = std::str::from_utf8(bytes).map_err(Error::internal)?;
    let (access, refresh) = text.split_once('\n').ok_or_else(|| Error::internal("a sealed pair is broken"))?;
    Ok(TokenPair { access: access.to_owned(), refresh: refresh.to_owned() })
}
