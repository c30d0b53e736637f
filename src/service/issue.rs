//! Issuing: how a session and its tokens come to be, the same for login, registration and refresh.
//!
//! Two steps, since signing is slow and the database has one writer: [`draft`] decides and signs before the
//! transaction, [`Draft::store`] writes in it.

use std::sync::Arc;

use crate::crypto::jwt::{self, SigningKey};
use crate::crypto::mac::{as_uuid, sha256};
use crate::crypto::random::uuid;
use crate::domain::error::{Error, Result};
use crate::domain::ids::{SessionId, Timestamp, UserId};
use crate::domain::sessions::{EndReason, NewSession, Session};
use crate::domain::settings::{Profile, Settings};
use crate::domain::status_lists::StatusReference;
use crate::domain::tokens::{Claims, NewRefreshToken, RefreshToken, SecretHash, TokenPair, TokenType};
use crate::domain::users::User;
use crate::service::{Ctx, Env, keys, secrets, sessions, settings};
use crate::store::Tx;

/// What is needed to issue, read in one transaction.
#[derive(Clone)]
pub(super) struct Issuer {
    pub settings: Arc<Settings>,
    key: Arc<SigningKey>,
    url: String,
    /// The number that the next session gets, if none begins meanwhile.
    next: SessionId,
}

impl Issuer {
    /// Reads settings and key as they are now.
    pub fn read(env: &Env, tx: &dyn Tx) -> Result<Self> {
        let settings = settings::of(env, tx)?;
        let url = settings.public_url().unwrap_or_else(|| env.default_url.clone());
        let next = SessionId(tx.newest_session()?.0 + 1);
        Ok(Self { settings, key: keys::signing(env, tx)?, url, next })
    }

    /// Name in `iss` of tokens of a profile.
    pub fn name(&self, profile: Profile) -> String {
        self.settings.issuer(profile).unwrap_or_else(|| self.url.clone())
    }
}

/// What was signed by which key, to be remembered with it: the key verifies until the last of it has expired.
pub(super) struct Signed {
    kid: String,
    access_until: Timestamp,
    refresh_until: Option<Timestamp>,
}

impl Signed {
    /// Remembers it, in the transaction that gives it out.
    ///
    /// # Errors
    /// `Unavailable` when the key was revoked meanwhile: what it signed is good for nothing.
    pub fn note(&self, tx: &dyn Tx) -> Result<()> {
        let live = tx.note_key_use(&self.kid, Some(self.access_until), self.refresh_until)?;
        if live { Ok(()) } else { Err(Error::Unavailable { retry_after: std::time::Duration::from_secs(1) }) }
    }
}

/// A pair that is signed and not yet stored.
pub(super) struct Draft {
    pub pair: TokenPair,
    pub signed: Signed,
    token: NewRefreshToken,
    issuer: String,
}

/// A session that is about to begin, with its first pair.
pub(super) struct Opening {
    pub draft: Draft,
    session: NewSession,
    issuer: Issuer,
    username: Option<String>,
}

/// Prepares the session of a sign-in. The user's id may come later, for an account that is made in the transaction:
/// then the pair is signed there.
pub(super) fn open(ctx: &Ctx, issuer: &Issuer, user: &User, profile: Profile) -> Result<Opening> {
    let session = session(ctx, issuer, user.id, profile)?;
    let username = profile.names_user().then(|| name_of(user));
    let draft = draft(ctx, issuer, &Place::first(&session, issuer.next, username.clone()))?;
    Ok(Opening { draft, session, issuer: issuer.clone(), username })
}

/// What tokens call a user: his username, else whatever else he signs in by.
pub(super) fn name_of(user: &User) -> String {
    user.username.as_ref().map_or_else(|| user.label().to_owned(), |name| name.as_str().to_owned())
}

/// A session that begins now.
fn session(ctx: &Ctx, issuer: &Issuer, user: UserId, profile: Profile) -> Result<NewSession> {
    let rules = issuer.settings.token_rules(profile);
    let ends_at = later(ctx.now, rules.session);
    Ok(NewSession {
        uuid: uuid(ctx.env.random.as_ref())?,
        user_id: user,
        profile,
        ip_address: ctx.origin.address,
        user_agent: ctx.origin.user_agent.clone(),
        created_at: ctx.now,
        expires_at: later(ctx.now, rules.refresh).min(ends_at),
        ends_at,
    })
}

/// Begins a session whose first refresh token is one of a former system, good until `expires_at` and known by `hash`.
/// From here on it goes the way of all refresh tokens.
pub(super) fn adopt(
    ctx: &Ctx,
    tx: &dyn Tx,
    user: UserId,
    (hash, expires_at): (SecretHash, Timestamp),
) -> Result<SessionId> {
    let issuer = Issuer::read(ctx.env, tx)?;
    let session = session(ctx, &issuer, user, Profile::SimpleJwt)?;
    let session = NewSession { expires_at: expires_at.min(session.ends_at), ..session };
    let id = tx.insert_session(&session)?;
    let jti = uuid(ctx.env.random.as_ref())?;
    tx.insert_token(&NewRefreshToken {
        session_id: id,
        secret_hash: Some(hash),
        ..first_row(ctx, user, (jti, expires_at))
    })?;
    if let Some(most) = issuer.settings.sessions_per_user() {
        end_least_used(ctx, tx, (user, id), usize::try_from(most).unwrap_or(usize::MAX))?;
    }
    Ok(id)
}

fn first_row(ctx: &Ctx, user: UserId, (jti, expires_at): (String, Timestamp)) -> NewRefreshToken {
    NewRefreshToken {
        jti,
        session_id: SessionId(0),
        user_id: user,
        generation: RefreshToken::FIRST,
        issued_at: ctx.now,
        expires_at,
        ip_address: ctx.origin.address,
        user_agent: ctx.origin.user_agent.clone(),
        secret_hash: None,
    }
}

/// Where in a session a pair belongs.
pub(super) struct Place<'a> {
    pub user: UserId,
    pub session: SessionId,
    pub sid: &'a str,
    pub profile: Profile,
    pub ends_at: Timestamp,
    pub generation: i64,
    /// The claim `username`, where the profile has one.
    pub username: Option<String>,
}

impl<'a> Place<'a> {
    /// That of the first pair of a session that gets this number.
    fn first(session: &'a NewSession, number: SessionId, username: Option<String>) -> Self {
        Self {
            user: session.user_id,
            session: number,
            sid: &session.uuid,
            profile: session.profile,
            ends_at: session.ends_at,
            generation: RefreshToken::FIRST,
            username,
        }
    }
}

/// Signs a pair.
pub(super) fn draft(ctx: &Ctx, issuer: &Issuer, place: &Place) -> Result<Draft> {
    let rules = issuer.settings.token_rules(place.profile);
    let expires_at = later(ctx.now, rules.refresh).min(place.ends_at);
    let jti = uuid(ctx.env.random.as_ref())?;
    let row = first_row(ctx, place.user, (jti.clone(), expires_at));
    let token = NewRefreshToken { generation: place.generation, ..row };
    let issued_by = issuer.name(place.profile);
    let (access, signed) = access(ctx, issuer, place)?;
    if place.profile.refresh_is_opaque() {
        let pair = TokenPair { access, refresh: String::new() };
        return Ok(Draft { pair, signed, token, issuer: issued_by }.named(uuid(ctx.env.random.as_ref())?));
    }
    let refresh = claims(ctx, issuer, place, (TokenType::Refresh, jti, expires_at));
    let pair = TokenPair { access, refresh: jwt::sign(&issuer.key, &refresh)? };
    let signed = Signed { refresh_until: Some(expires_at), ..signed };
    Ok(Draft { pair, signed, token, issuer: issued_by })
}

/// The UUID that follows from a spent one, the same each time: of both only hashes are stored (D-11).
pub(super) fn successor_of(env: &Env, tx: &dyn Tx, spent: &str) -> Result<String> {
    Ok(as_uuid(&secrets::derive(env, tx, "refresh-successor", spent.as_bytes())?))
}

/// The hash that a UUID is known by.
pub(super) fn hash_of(uuid: &str) -> SecretHash {
    sha256(uuid.as_bytes())
}

/// Signs an access token alone, for profiles that do not rotate.
pub(super) fn access(ctx: &Ctx, issuer: &Issuer, place: &Place) -> Result<(String, Signed)> {
    let rules = issuer.settings.token_rules(place.profile);
    let expires_at = later(ctx.now, rules.access).min(place.ends_at);
    let jti = uuid(ctx.env.random.as_ref())?;
    let token = jwt::sign(&issuer.key, &claims(ctx, issuer, place, (TokenType::Access, jti, expires_at)))?;
    let kid = issuer.key.kid().to_owned();
    Ok((token, Signed { kid, access_until: expires_at, refresh_until: None }))
}

fn claims(ctx: &Ctx, issuer: &Issuer, place: &Place, token: (TokenType, String, Timestamp)) -> Claims {
    let (token_type, jti, expires_at) = token;
    // Refresh tokens are shown to nobody but this server.
    let names_list = token_type == TokenType::Access && issuer.settings.status_list_enabled();
    Claims {
        token_type,
        exp: expires_at.timestamp(),
        iat: ctx.now.timestamp(),
        jti,
        user_id: place.user,
        sid: place.sid.to_owned(),
        iss: issuer.name(place.profile),
        aud: issuer.settings.audience(),
        username: place.username.clone(),
        status: names_list.then(|| StatusReference::of(place.session, &issuer.url)),
    }
}

/// `now` and a while, in whole seconds: the resolution of `exp`.
fn later(now: Timestamp, after: std::time::Duration) -> Timestamp {
    let seconds = now.timestamp().saturating_add(i64::try_from(after.as_secs()).unwrap_or(i64::MAX));
    Timestamp::from_timestamp(seconds, 0).unwrap_or(Timestamp::MAX_UTC)
}

impl Opening {
    /// Writes session and token; ends those sessions of a user that were used least lately, if he has more than he may.
    pub fn store(mut self, ctx: &Ctx, tx: &dyn Tx) -> Result<TokenPair> {
        let user = self.session.user_id;
        let id = tx.insert_session(&self.session)?;
        // Another session began since the access token was signed, and has the place that it names.
        if id != self.issuer.next {
            let place = Place::first(&self.session, id, self.username.take());
            (self.draft.pair.access, _) = access(ctx, &self.issuer, &place)?;
        }
        let pair = self.draft.store(tx, id, ctx.now)?;
        if let Some(most) = self.issuer.settings.sessions_per_user() {
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
    /// The same with this UUID as its refresh token.
    pub fn named(mut self, refresh: String) -> Self {
        self.token.secret_hash = Some(hash_of(&refresh));
        self.pair.refresh = refresh;
        self
    }

    /// Writes the refresh token into its session.
    pub fn store(mut self, tx: &dyn Tx, session: SessionId, now: Timestamp) -> Result<TokenPair> {
        self.token.session_id = session;
        self.signed.note(tx)?;
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
