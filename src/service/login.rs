//! Signing in and out.

use std::time::Duration;

use serde_json::json;

use crate::crypto::hash::Verdict;
use crate::domain::error::{Error, Reason, Result};
use crate::domain::identifiers::sign_in_keys;
use crate::domain::ids::UserId;
use crate::domain::passwords::Password;
use crate::domain::settings::Profile;
use crate::domain::tokens::TokenPair;
use crate::domain::users::User;
use crate::service::guard::{self, Pass, Whose};
use crate::service::issue::{self, Issuer};
use crate::service::{Ctx, audit, import, sessions, tokens};
use crate::store::Tx;

/// When to come again after a sign-in that met an end of all sessions.
const RETRY: Duration = Duration::from_secs(1);

/// A successful sign-in.
#[derive(Debug)]
pub struct SignedIn {
    /// Who.
    pub user: User,
    /// His tokens.
    pub pair: TokenPair,
}

/// Signs somebody in with a password. `identifier` is his e-mail, phone or username, whatever the door calls it (D-15).
/// An unknown, an inactive and a password-less account cost the same time and give the same answer.
///
/// Counts the attempt, before anything is hashed. Writes `last_login`, the session, its first refresh token and one
/// `login.succeeded` event, and takes the attempt back; a hash that was imported or made with other parameters than today's
/// is renewed; the caller is given a device credential. Or else one `login.failed` event.
///
/// # Errors
/// - `Unauthenticated(BadCredentials)` — no active account has these credentials
/// - `TooMany` — too many guesses at this account, by this device or from this network
/// - `Unavailable` — the attempt cannot be counted, too many hashes are being computed, the database cannot be
///   written, or all sessions of the account were ended while the password was verified
pub fn login(ctx: &Ctx, identifier: &str, password: &str, profile: Profile) -> Result<SignedIn> {
    let attempt = Attempt { identifier, password, profile: profile.as_str() };
    let prepare = |user: &User| {
        let issuer = ctx.env.store.read(|tx| Issuer::read(ctx.env, tx))?;
        issue::open(ctx, &issuer, user, profile)
    };
    let (user, pair) = judged(ctx, &attempt, prepare, |tx, _, opening| opening.store(ctx, tx))?;
    Ok(SignedIn { user, pair })
}

/// What somebody shows to be let in.
pub(super) struct Attempt<'a> {
    pub identifier: &'a str,
    pub password: &'a str,
    /// What he is given, for the audit trail.
    pub profile: &'static str,
}

/// The judgement on a sign-in, the same whatever is given for it: `prepare` makes that before the transaction, `give`
/// writes it in the transaction.
///
/// # Errors
/// Those of [`login`], of `prepare` and of `give`.
pub(super) fn judged<P, T>(
    ctx: &Ctx,
    attempt: &Attempt,
    prepare: impl Fn(&User) -> Result<P>,
    give: impl Fn(&dyn Tx, &User, P) -> Result<T>,
) -> Result<(User, T)> {
    let pass = guard::admit(ctx, &Whose::Named(attempt.identifier))?;
    let again = || tried(ctx, (attempt, &pass), &prepare, &give);
    // Another hash may stand there because another sign-in has just renewed it: that is looked at once more.
    let outcome = again().and_then(|first| if matches!(first, Outcome::Replaced) { again() } else { Ok(first) });
    match pass.judged(outcome)? {
        Outcome::Given(user, given) => Ok((*user, given)),
        Outcome::Refused(why, user) => Err(refused(ctx, attempt, (why, user))),
        Outcome::Replaced => Err(refused(ctx, attempt, ("wrong_password", None))),
    }
}

/// What came of one try.
enum Outcome<T> {
    /// It was his password.
    Given(Box<User>, T),
    /// It was not, or he may not; why, for the audit trail, and who, if anybody.
    Refused(&'static str, Option<UserId>),
    /// The stored hash was replaced meanwhile.
    Replaced,
}

/// The refusal of a sign-in, the same for all reasons. Writes one `login.failed` event.
fn refused(ctx: &Ctx, attempt: &Attempt, (why, user): (&'static str, Option<UserId>)) -> Error {
    let details = json!({"profile": attempt.profile, "reason": why});
    let mut event = ctx.event("login.failed", "user", user.map(|user| user.0), details);
    event.result = "refused";
    match audit::record(ctx, event) {
        Ok(()) => Error::Unauthenticated(Reason::BadCredentials),
        Err(error) => error,
    }
}

/// One try of [`judged`].
fn tried<P, T>(
    ctx: &Ctx,
    (attempt, pass): (&Attempt, &Pass),
    prepare: &impl Fn(&User) -> Result<P>,
    give: &impl Fn(&dyn Tx, &User, P) -> Result<T>,
) -> Result<Outcome<T>> {
    let env = ctx.env;
    let keys = sign_in_keys(attempt.identifier);
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let (user, hash, epoch) = env.store.read(|tx| {
        let user = tx.user_by_keys(&keys)?;
        let hash = user.as_ref().map(|user| tx.password_hash(user.id)).transpose()?.flatten();
        let epoch = user.as_ref().map(|user| tx.epoch(user.id)).transpose()?;
        Ok((user, hash, epoch))
    })?;
    let whom = user.as_ref().map(|user| user.id);
    let Ok(password) = Password::parse("password", attempt.password) else {
        // Nothing that is too long, empty or otherwise impossible can be anybody's password: no hash is computed for it.
        return Ok(Outcome::Refused("wrong_password", whom));
    };
    let (Some(user), Some(hash)) = (user, hash) else {
        env.hasher.verify_nobody(password.as_str())?;
        import::level(env, &password, None)?;
        return Ok(Outcome::Refused(if whom.is_some() { "no_password" } else { "unknown_account" }, whom));
    };
    let verdict = env.hasher.check(&password, &hash)?;
    if verdict == Verdict::Wrong || !user.is_active {
        import::level(env, &password, Some(&hash))?;
        return Ok(Outcome::Refused(if user.is_active { "wrong_password" } else { "inactive" }, whom));
    }
    let renewed = match verdict {
        Verdict::RightButWeak => Some(env.hasher.hash(password.as_str(), env.random.as_ref())?),
        Verdict::Right | Verdict::Wrong => None,
    };
    let is_last = renewed.is_some() && import::is_last(env, Some(user.id))?;
    let prepared = prepare(&user)?;
    env.store.write(|tx| {
        // Whatever happened while the hash was computed counts: a new password or e-mail, a deactivation, a deletion.
        let found = tx.user_by_keys(&keys)?.filter(|found| found.id == user.id && found.is_active);
        let Some(mut user) = found else { return Ok(Outcome::Refused("inactive", whom)) };
        if tx.password_hash(user.id)?.as_deref() != Some(hash.as_str()) {
            return Ok(Outcome::Replaced);
        }
        if Some(tx.epoch(user.id)?) != epoch {
            return Err(Error::Unavailable { retry_after: RETRY });
        }
        user.last_login = Some(ctx.now);
        tx.update_user(&user)?;
        pass.take_back(tx)?;
        guard::remember(ctx, tx, user.id, renewed.as_ref().unwrap_or(&hash))?;
        if let Some(renewed) = &renewed {
            tx.set_password_hash(user.id, Some(renewed))?;
        }
        if is_last {
            import::forget_cost(tx)?;
        }
        let given = give(tx, &user, prepared)?;
        let details = json!({"profile": attempt.profile, "user": user.label()});
        tx.record(&ctx.event("login.succeeded", "user", Some(user.id.0), details))?;
        Ok(Outcome::Given(Box::new(user), given))
    })
}

/// Ends the session of a refresh token, or where none is shown what the caller calls by (D-3).
///
/// # Errors
/// Those of [`logout_by_refresh`] and [`logout`]; `Invalid("refresh")` — nobody is signed in, and no token is shown.
pub fn sign_out(ctx: &Ctx, refresh: Option<String>) -> Result<()> {
    match refresh {
        Some(refresh) => logout_by_refresh(ctx, &refresh),
        None if ctx.caller().is_ok() => logout(ctx),
        None => Err(Error::invalid("refresh", "required", "This field is required.")),
    }
}

/// Ends the session of this refresh token. Nobody need be signed in: who holds the token may end it (S1-20).
///
/// # Errors
/// `Unauthenticated` with what is wrong with the token; `Unavailable` and `Internal` of the store.
pub fn logout_by_refresh(ctx: &Ctx, refresh: &str) -> Result<()> {
    tokens::end_session_of(ctx, refresh)
}

/// Ends the session, or revokes the API token, that the caller calls by (D-3).
///
/// # Errors
/// `Unauthenticated(Missing)` when nobody is; `Unavailable` and `Internal` of the store.
pub fn logout(ctx: &Ctx) -> Result<()> {
    sessions::end_own(ctx)
}
