//! Refresh tokens: what one is worth, exchanging it, ending its session. Three kinds go one way: JWTs of ours, UUIDs, and
//! those of a former system.

use std::time::Duration;

use serde_json::json;

use super::imported::Import;
use super::{Standing, Verified, Verifier};
use crate::crypto::mac::is_uuid;
use crate::crypto::seal::{open_for_holder, seal_for_holder};
use crate::domain::audit::Event;
use crate::domain::error::{Error, Reason, Result, TokenFault};
use crate::domain::ids::{Timestamp, UserId};
use crate::domain::sessions::EndReason;
use crate::domain::settings::Settings;
use crate::domain::tokens::{Claims, RefreshToken, SecretHash, TokenPair, TokenType};
use crate::service::issue::{self, Draft, Issuer, Place, Signed};
use crate::service::{Ctx, Env, guard, sessions};
use crate::store::Tx;
use crate::store::sessions::Which;

/// What a successor is sealed for.
const SUCCESSOR: &str = "refresh-successor";
/// Stands in place of a sealed successor that can be derived.
const DERIVED: &[u8] = &[];

/// What a refresh gives: the refresh token only where the session's profile rotates.
#[derive(Clone, PartialEq, Eq)]
pub struct Refreshed {
    /// A new access token.
    pub access: String,
    /// The refresh token that replaces the one that was shown.
    pub refresh: Option<String>,
}

/// A refresh token that somebody shows.
pub(super) enum Shown {
    /// A JWT of ours, verified.
    Signed(Claims),
    /// The hash of a UUID, of which nothing is known yet.
    Opaque(SecretHash),
    /// One of a former system, verified: whose it says it is, and what it calls him.
    Imported(UserId, Import, Option<String>),
}

impl Shown {
    /// Reads a refresh token of any kind.
    pub fn read(verifier: &Verifier, token: &str) -> Result<Self> {
        if is_uuid(token) {
            return Ok(Shown::Opaque(issue::hash_of(token)));
        }
        match verifier.verify(token, TokenType::Refresh)? {
            Verified::Ours(claims) => Ok(Shown::Signed(claims)),
            Verified::Imported(token) => {
                let (user, import) = token.import()?;
                Ok(Shown::Imported(user, import, token.claims.username))
            }
        }
    }

    fn username(&self) -> Option<String> {
        match self {
            Shown::Signed(claims) => claims.username.clone(),
            Shown::Imported(_, _, username) => username.clone(),
            Shown::Opaque(_) => None,
        }
    }
}

/// What a refresh token is worth at this moment.
pub(super) enum Worth {
    /// It is the newest of its session.
    Good(Standing, RefreshToken),
    /// It was spent a moment ago: the answer may have been lost on the way, or two windows of one client refresh at once.
    /// The successor is the same for all, so there is never more than one chain.
    Again(Standing, RefreshToken, Vec<u8>),
    /// It was spent before: somebody has a copy.
    Reused(Standing),
    /// It is good, of a former system, and was never shown here.
    Foreign(UserId, Import),
}

/// Judges a refresh token by what is stored of it.
pub(super) fn judge(tx: &dyn Tx, shown: &Shown, now: Timestamp) -> Result<Worth> {
    let found = match shown {
        Shown::Signed(claims) => {
            let standing = Standing::of(tx, claims, now)?;
            let row = tx.refresh_token(&claims.jti, now)?.filter(|row| row.session_id == standing.session.id);
            Some((standing, row.ok_or(TokenFault::Revoked)?))
        }
        Shown::Opaque(hash) => Some(known_by(tx, hash, now)?.ok_or(TokenFault::Malformed)?),
        Shown::Imported(_, import, _) => known_by(tx, &import.hash, now)?,
    };
    let Some((standing, mut row)) = found else {
        let Shown::Imported(user, import, _) = shown else { return Err(TokenFault::Revoked.into()) };
        import.user(tx, *user, now)?;
        return Ok(Worth::Foreign(*user, import.clone()));
    };
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

/// The token that is known by this hash, with its session.
fn known_by(tx: &dyn Tx, hash: &SecretHash, now: Timestamp) -> Result<Option<(Standing, RefreshToken)>> {
    let Some(row) = tx.refresh_token_by_hash(hash, now)? else { return Ok(None) };
    if row.expires_at <= now {
        return Err(TokenFault::Expired.into());
    }
    let standing = Standing::in_session(tx, tx.session(row.session_id)?, row.user_id, now)?;
    Ok(Some((standing, row)))
}

/// What a token is worth, of whichever type: none for an access token that is good.
pub(super) fn weigh(verifier: &Verifier, token: &str) -> Result<Option<Worth>> {
    let (tx, now) = (verifier.tx, verifier.now);
    if !is_uuid(token) {
        match verifier.verify(token, TokenType::Access) {
            Err(Error::Unauthenticated(Reason::Token(TokenFault::WrongType))) => {}
            Err(other) => return Err(other),
            Ok(Verified::Ours(claims)) => return Standing::of(tx, &claims, now).map(|_| None),
            Ok(Verified::Imported(token)) => {
                let (user, import) = token.import()?;
                return import.user(tx, user, now).map(|_| None);
            }
        }
    }
    judge(tx, &Shown::read(verifier, token)?, now).map(Some)
}

/// Passes if somebody could use this signed token now: it is ours, or of a former system, of whatever type, unexpired,
/// and neither spent nor revoked. Changes nothing.
///
/// # Errors
/// `Unauthenticated` with the reason, a spent token being revoked; `Unavailable` and `Internal` of the store.
pub fn verify(ctx: &Ctx, token: &str) -> Result<()> {
    ctx.env.store.read(|tx| {
        let verifier = Verifier::read(ctx.env, tx, ctx.now)?;
        if verifier.own_key(token)?.is_none() {
            let token = verifier.imported(token)?;
            // That system verified tokens of types that nobody asks for here.
            if token.claims.token_type.as_deref() != Some(TokenType::Refresh.as_str()) {
                let (user, import) = token.import()?;
                return import.user(tx, user, ctx.now).map(drop);
            }
        }
        match weigh(&verifier, token)? {
            None | Some(Worth::Good(..) | Worth::Foreign(..)) => Ok(()),
            Some(Worth::Again(..) | Worth::Reused(_)) => Err(TokenFault::Revoked.into()),
        }
    })
}

/// A refresh token, how new ones are issued, and what it is worth.
type Seen = (Shown, Issuer, Worth);

fn look(ctx: &Ctx, token: &str) -> Result<Seen> {
    let env = ctx.env;
    env.store.read(|tx| {
        let shown = Shown::read(&Verifier::read(env, tx, ctx.now)?, token)?;
        let worth = judge(tx, &shown, ctx.now)?;
        Ok((shown, Issuer::read(env, tx)?, worth))
    })
}

/// Exchanges a refresh token for a new access token. Where the session's profile rotates, the refresh token is spent and
/// replaced; shown again within the grace it gives the same successor, later it ends the session (D-11, R-22). One of a
/// former system begins a session first.
///
/// Writes the rotation and one `token.refreshed` event, or the end of the session and one `token.reused` event; before
/// that, the session of a token of a former system and one `token.imported` event.
///
/// # Errors
/// `Unauthenticated` with the reason; `TooMany` — its session was refreshed too often in a minute, and the token is not
/// spent; `Unavailable` and `Internal` of the store.
pub fn refresh(ctx: &Ctx, token: &str) -> Result<Refreshed> {
    let mut seen = look(ctx, token)?;
    if let Worth::Foreign(..) = seen.2 {
        // On its own, since the new pair is signed for the session, and of many uses at once one begins it.
        ctx.env.store.write(|tx| match judge(tx, &seen.0, ctx.now)? {
            Worth::Foreign(user, import) => import.adopt(ctx, tx, user).map(drop),
            _ => Ok(()),
        })?;
        seen = look(ctx, token)?;
    }
    let (shown, issuer, worth) = seen;
    let (Worth::Good(standing, row) | Worth::Again(standing, row, _)) = &worth else {
        return end_reused(ctx, &shown);
    };
    let profile = standing.session.profile;
    let place = Place {
        user: standing.user.id,
        session: standing.session.id,
        sid: &standing.session.uuid,
        profile,
        ends_at: standing.session.ends_at,
        generation: row.generation + 1,
        username: profile.names_user().then(|| shown.username().unwrap_or_else(|| issue::name_of(&standing.user))),
    };
    if matches!(worth, Worth::Good(..)) && !issuer.settings.token_rules(profile).rotates {
        let (access, signed) = issue::access(ctx, &issuer, &place)?;
        return refresh_in_place(ctx, &shown, (access, signed, issuer.name(profile)));
    }
    let draft = issue::draft(ctx, &issuer, &place)?;
    rotate(ctx, (token, &shown), draft, &issuer)
}

/// Judges a refresh token, and counts the refresh by its session (E.3); says how long it has to wait if there were too
/// many. What was spent a moment ago gives nothing new and is not counted; what was spent long ago ends its session, however
/// many there were.
fn judged_in_time(ctx: &Ctx, tx: &dyn Tx, shown: &Shown) -> Result<Result<Worth, Duration>> {
    let worth = judge(tx, shown, ctx.now)?;
    if let Worth::Good(standing, _) = &worth
        && let Some(wait) = guard::refresh(ctx, tx, &standing.session.uuid, standing.user.id)?
    {
        return Ok(Err(wait));
    }
    Ok(Ok(worth))
}

/// Spends a refresh token for the pair of a draft, or gives again what it was spent for.
fn rotate(ctx: &Ctx, (token, shown): (&str, &Shown), draft: Draft, issuer: &Issuer) -> Result<Refreshed> {
    let env = ctx.env;
    let opaque = matches!(shown, Shown::Opaque(_));
    let sealed = match opaque {
        true => DERIVED.to_vec(),
        false => seal_for_holder(token, SUCCESSOR, &issue::pack(&draft.pair), env.random.as_ref())?,
    };
    let pair = env.store.write(|tx| match judged_in_time(ctx, tx, shown)? {
        Err(wait) => Ok(Err(wait)),
        Ok(Worth::Good(standing, row)) => {
            let draft = if opaque { draft.named(issue::successor_of(env, tx, token)?) } else { draft };
            tx.spend_token(row.id, &sealed, ctx.now, ctx.now - issuer.settings.refresh_grace())?;
            let pair = draft.succeed(tx, standing.session.id, ctx.now)?;
            tx.record(&refreshed(ctx, &standing))?;
            Ok(Ok(Some(pair)))
        }
        Ok(Worth::Again(standing, row, sealed)) => {
            let pair = match opaque {
                true => derived_again((env, tx), token, &row, draft)?,
                false => {
                    open_for_holder(token, SUCCESSOR, &sealed).ok().map(|pair| issue::unpack(&pair)).transpose()?
                }
            };
            match pair {
                Some(_) => tx.touch_token(row.id, ctx.now)?,
                // The same claims under another signature, which ES256 allows anybody to make: not what was handed out.
                None => end_for_reuse(ctx, tx, &standing)?,
            }
            Ok(Ok(pair))
        }
        Ok(Worth::Reused(standing)) => end_for_reuse(ctx, tx, &standing).map(|()| Ok(None)),
        Ok(Worth::Foreign(..)) => Err(TokenFault::Revoked.into()),
    })?;
    let pair = pair.map_err(|retry_after| Error::TooMany { retry_after })?;
    let TokenPair { access, refresh } = pair.ok_or(TokenFault::Reused)?;
    Ok(Refreshed { access, refresh: Some(refresh) })
}

/// The UUID that a spent one was replaced by, with the access token of a draft; none if it was replaced by another.
fn derived_again(
    (env, tx): (&Env, &dyn Tx),
    token: &str,
    row: &RefreshToken,
    draft: Draft,
) -> Result<Option<TokenPair>> {
    let refresh = issue::successor_of(env, tx, token)?;
    let successor = tx.refresh_token_by_hash(&issue::hash_of(&refresh), row.issued_at)?;
    let follows = |next: &RefreshToken| next.session_id == row.session_id && next.generation == row.generation + 1;
    if successor.is_none_or(|next| !follows(&next)) {
        return Ok(None);
    }
    draft.signed.note(tx)?;
    Ok(Some(TokenPair { access: draft.pair.access, refresh }))
}

/// Gives another access token for a refresh token that stays good.
fn refresh_in_place(
    ctx: &Ctx,
    shown: &Shown,
    (access, signed, issued_by): (String, Signed, String),
) -> Result<Refreshed> {
    let good = ctx.env.store.write(|tx| match judged_in_time(ctx, tx, shown)? {
        Err(wait) => Ok(Err(wait)),
        Ok(Worth::Good(standing, row)) => {
            tx.touch_token(row.id, ctx.now)?;
            signed.note(tx)?;
            tx.remember_issuer(&issued_by, ctx.now)?;
            tx.record(&refreshed(ctx, &standing))?;
            Ok(Ok(true))
        }
        // Spent while its profile still rotated.
        Ok(Worth::Again(standing, ..) | Worth::Reused(standing)) => {
            end_for_reuse(ctx, tx, &standing).map(|()| Ok(false))
        }
        Ok(Worth::Foreign(..)) => Err(TokenFault::Revoked.into()),
    })?;
    if good.map_err(|retry_after| Error::TooMany { retry_after })? {
        Ok(Refreshed { access, refresh: None })
    } else {
        Err(TokenFault::Reused.into())
    }
}

/// Ends the session of a token that was found to be spent, after looking again with nobody else writing.
fn end_reused<T>(ctx: &Ctx, shown: &Shown) -> Result<T> {
    ctx.env.store.end(|tx| match judge(tx, shown, ctx.now)? {
        Worth::Good(standing, _) | Worth::Again(standing, ..) | Worth::Reused(standing) => {
            end_for_reuse(ctx, tx, &standing)
        }
        Worth::Foreign(..) => Err(TokenFault::Revoked.into()),
    })?;
    Err(TokenFault::Reused.into())
}

pub(super) fn end_for_reuse(ctx: &Ctx, tx: &dyn Tx, standing: &Standing) -> Result<()> {
    tracing::warn!(user = standing.user.id.0, session = standing.session.id.0, "a spent refresh token was shown again");
    tx.end_sessions(Which::One(standing.session.id), EndReason::RefreshReused, ctx.now)?;
    let mut event =
        ctx.event("token.reused", "session", Some(standing.session.id.0), json!({"user_id": standing.user.id.0}));
    event.result = "refused";
    tx.record(&event)
}

fn refreshed(ctx: &Ctx, standing: &Standing) -> Event {
    ctx.event("token.refreshed", "session", Some(standing.session.id.0), json!({"user_id": standing.user.id.0}))
}

/// Ends the session of a refresh token, as its holder; nobody need be signed in. A token that was spent before ends the
/// session too and is refused. One of a former system that was never shown is good for nothing afterwards.
///
/// Writes the end and one `session.ended` or `token.reused` event; for a token of a former system that was never shown,
/// also the session that it stands for and one `token.imported` event.
///
/// # Errors
/// `Unauthenticated` with the reason; `Unavailable` and `Internal` of the store.
pub fn end_session_of(ctx: &Ctx, token: &str) -> Result<()> {
    // Nobody need be signed in: whoever has no good token does not get as far as the one writer's lock.
    let shown = ctx.env.store.read(|tx| {
        let shown = Shown::read(&Verifier::read(ctx.env, tx, ctx.now)?, token)?;
        judge(tx, &shown, ctx.now).map(|_| shown)
    })?;
    let good = ctx.env.store.end(|tx| match judge(tx, &shown, ctx.now)? {
        Worth::Good(standing, _) | Worth::Again(standing, ..) => {
            sessions::end_one(ctx, tx, standing.session.id, EndReason::Logout)?;
            Ok(true)
        }
        Worth::Foreign(user, import) => {
            let session = import.adopt(ctx, tx, user)?;
            sessions::end_one(ctx, tx, session, EndReason::Logout)
        }
        Worth::Reused(standing) => end_for_reuse(ctx, tx, &standing).map(|()| false),
    })?;
    if good { Ok(()) } else { Err(TokenFault::Reused.into()) }
}
