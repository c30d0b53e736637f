//! Tokens of a former system, signed with a key that was imported (D-12). They belong to no session: an access token is
//! good until it expires, is revoked, or all sessions of its user are ended; a refresh token begins a session when it is
//! first used, and is from then on that session's first.

use serde_json::json;

use super::Verifier;
use crate::crypto::imported::verify_imported;
use crate::crypto::mac::sha256;
use crate::domain::error::{Error, Reason, Result, TokenFault};
use crate::domain::ids::{SessionId, Timestamp, UserId};
use crate::domain::settings::Profile;
use crate::domain::times;
use crate::domain::tokens::{ImportedClaims, SecretHash, TokenType};
use crate::domain::users::User;
use crate::service::{Ctx, issue, keys};
use crate::store::Tx;

/// A token of a former system that an imported key signed, and that names somebody.
#[derive(Clone, PartialEq, Eq)]
pub struct Import {
    kid: String,
    /// What it is known by here.
    pub(super) hash: SecretHash,
    issued_at: Option<i64>,
    expires_at: Timestamp,
}

impl std::fmt::Debug for Import {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Import").field("kid", &self.kid).finish_non_exhaustive()
    }
}

/// The same before anything was asked of it.
pub(super) struct Presented {
    kid: String,
    pub claims: ImportedClaims,
}

impl Verifier<'_> {
    /// Verifies a token of a former system by whichever imported key signed it.
    pub(super) fn imported(&self, token: &str) -> Result<Presented> {
        let mut fault = TokenFault::UnknownKey;
        for (kid, key) in keys::imported(self.env, self.tx, self.now)? {
            match verify_imported(token, &key, self.moment()) {
                Ok(claims) if self.is_meant(&claims) => return Ok(Presented { kid, claims }),
                Ok(_) => return Err(TokenFault::WrongIssuer.into()),
                Err(TokenFault::BadSignature) => fault = TokenFault::BadSignature,
                Err(other) => return Err(other.into()),
            }
        }
        Err(fault.into())
    }

    /// Whether a token names no other issuer and audience than the settings do. It need not name any (D-12).
    fn is_meant(&self, claims: &ImportedClaims) -> bool {
        let fits = |wanted: Option<String>, named: &[String]| {
            named.is_empty() || wanted.is_none_or(|wanted| named.contains(&wanted))
        };
        fits(self.settings.issuer(Profile::SimpleJwt), &claims.issuers)
            && fits(self.settings.audience(), &claims.audience)
    }
}

/// Until when expired tokens of a former system were forgotten.
const PURGED: &str = "imports_purged_before";

/// Forgets revoked tokens of a former system that expired before this instant, at most `limit`; says how many.
pub(super) fn purge(tx: &dyn Tx, before: Timestamp, limit: u32) -> Result<u64> {
    let gone = tx.purge_revoked_imports(before, limit)?;
    if gone > 0 && purged_before(tx)?.is_none_or(|purged| purged < before) {
        tx.set_mark(PURGED, &times::written(before))?;
    }
    Ok(gone)
}

fn purged_before(tx: &dyn Tx) -> Result<Option<Timestamp>> {
    Ok(tx.mark(PURGED)?.as_deref().and_then(times::instant))
}

impl Presented {
    /// Itself, if it is of this kind.
    pub fn of_type(self, expected: TokenType) -> Result<Self, TokenFault> {
        match self.claims.token_type.as_deref() {
            None => Err(TokenFault::Claim("token_type")),
            Some(found) if found == expected.as_str() => Ok(self),
            Some(_) => Err(TokenFault::WrongType),
        }
    }

    /// Whose it is, and what it is known by.
    pub fn import(&self) -> Result<(UserId, Import), TokenFault> {
        let claims = &self.claims;
        let user = claims.user_id.ok_or(TokenFault::Claim("user_id"))?;
        let kind = claims.token_type.as_deref().unwrap_or("");
        // By type and user too: what one token is has no bearing on another of the same name.
        let hash = sha256(format!("imported token\n{kind}\n{user}\n{}", claims.jti).as_bytes());
        let expires_at = Timestamp::from_timestamp(claims.exp, 0).unwrap_or(Timestamp::MAX_UTC);
        Ok((user, Import { kid: self.kid.clone(), hash, issued_at: claims.iat, expires_at }))
    }
}

impl Import {
    /// Its user, if it is still good: its key verifies, he is active and was not signed out everywhere since, and it was not
    /// revoked itself.
    pub(super) fn user(&self, tx: &dyn Tx, user: UserId, now: Timestamp) -> Result<User> {
        tx.signing_key(&self.kid)?.filter(|key| key.is_live(now)).ok_or(TokenFault::UnknownKey)?;
        let user = tx.user(user)?.ok_or(Error::Unauthenticated(Reason::UserGone))?;
        // Somebody of the former system had this number, and this is somebody else.
        if self.issued_at.is_some_and(|second| second < user.date_joined.timestamp()) {
            return Err(Error::Unauthenticated(Reason::UserGone));
        }
        if !user.is_active {
            return Err(Error::Unauthenticated(Reason::UserInactive));
        }
        // Nobody knows any more whether it was revoked, also when the clock is set back.
        if purged_before(tx)?.is_some_and(|purged| self.expires_at < purged) {
            return Err(TokenFault::Expired.into());
        }
        let forced = user.force_logout_at.filter(|at| *at <= now);
        let voided = Some(tx.void_until(user.id)?).filter(|at| *at > Timestamp::default());
        let is_void = [forced, voided].into_iter().flatten().any(|at| self.is_issued_by(at));
        if is_void || tx.is_import_revoked(&self.hash)? {
            return Err(TokenFault::Revoked.into());
        }
        Ok(user)
    }

    /// Whether it may have been issued by this instant: its time is cut to the second, or not told at all.
    fn is_issued_by(&self, at: Timestamp) -> bool {
        self.issued_at.is_none_or(|second| second <= at.timestamp())
    }

    /// Ends an access token of this user, with its event.
    pub(in crate::service) fn revoke(&self, ctx: &Ctx, tx: &dyn Tx, user: UserId) -> Result<()> {
        if tx.revoke_import(&self.hash, self.expires_at)? {
            tx.record(&ctx.event("token.revoked", "user", Some(user.0), json!({ "key": self.kid })))?;
        }
        Ok(())
    }

    /// Begins a session with this refresh token of this user, with its event.
    pub(super) fn adopt(&self, ctx: &Ctx, tx: &dyn Tx, user: UserId) -> Result<SessionId> {
        let session = issue::adopt(ctx, tx, user, (self.hash, self.expires_at))?;
        // Kept longer than the session may be.
        tx.revoke_import(&self.hash, self.expires_at)?;
        let details = json!({"user_id": user.0, "key": self.kid});
        tx.record(&ctx.event("token.imported", "session", Some(session.0), details))?;
        Ok(session)
    }
}
