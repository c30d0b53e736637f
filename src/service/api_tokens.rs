//! API tokens: keys that are sent with each request as `Authorization: Token …` (S3-18).
//!
//! A key carries the rights of its user, no more and no less, as they are at each request. It dies at once when all sessions
//! of the user are ended, by whichever door, when a forced logout comes, when the account is deleted; it is refused while
//! the account is not active. The login token, which Django REST framework gives at every login, dies with the password
//! as well; tokens with a name are for programs and outlive it.

use serde_json::json;

use crate::crypto::mac::{hex, sha256};
use crate::domain::api_tokens::{self, ApiToken, Kind, NewApiToken};
use crate::domain::error::{ApiTokenFault, Conflict, Entity, Error, Result};
use crate::domain::ids::{ApiTokenId, Timestamp, UserId};
use crate::domain::pages::{Listing, PageOf};
use crate::domain::rights::{Right, action, resource};
use crate::domain::settings::Settings;
use crate::domain::users::User;
use crate::service::login::{self, Attempt};
use crate::service::{Access, Actor, Caller, Ctx, Env, bounds, secrets, tokens};
use crate::store::Tx;
use crate::store::api_tokens::Those;

pub use crate::store::api_tokens::API_TOKEN_ORDER as ORDER;

/// What the keys of login tokens are derived for.
const LOGIN_KEY: &str = "login-token";
/// Random bytes that a login token's key is derived from.
const NONCE_LEN: usize = 32;
/// Bytes of a key.
const KEY_BYTES: usize = api_tokens::KEY_LEN / 2;
/// How long after a use was noted the next is.
const NOTED_EVERY_SECONDS: i64 = 60;

/// A token to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewToken {
    /// What it is for; one name is given to one live token of a user.
    pub name: String,
    /// When it expires, if ever.
    pub expires_at: Option<Timestamp>,
}

/// A key as handed out; only its holder knows it. Its `Debug` shows nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Key(pub String);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(…)")
    }
}

/// Who calls with this key.
///
/// # Errors
/// `Unauthenticated(ApiToken)` with what is wrong; those of the store.
pub(super) fn caller(tx: &dyn Tx, key: &str, now: Timestamp) -> Result<Caller> {
    // Nothing else was ever given out, and nothing else is looked up.
    let found = if api_tokens::is_key(key) { tx.api_token_by_hash(&sha256(key.as_bytes()), now)? } else { None };
    let (token, user) = standing(tx, found, now)?;
    let grants = tokens::grants_of(tx, &user)?;
    let label = user.label().to_owned();
    Ok(Caller { user: user.id, label, by: Access::ApiToken(token.id), grants })
}

/// The token that was found, and its user, both good.
///
/// # Errors
/// `Unauthenticated(ApiToken)` with what is wrong; those of the store.
pub(super) fn standing(tx: &dyn Tx, found: Option<ApiToken>, now: Timestamp) -> Result<(ApiToken, User)> {
    let token = found.filter(|token| token.is_live(now)).ok_or(Error::api_token(ApiTokenFault::Unknown))?;
    match tx.user(token.user_id)? {
        Some(user) if user.is_active => Ok((token, user)),
        _ => Err(Error::api_token(ApiTokenFault::UserInactive)),
    }
}

/// The token with this key, whether it is good or not, and what keeps it from being accepted.
pub(super) fn looked_up(tx: &dyn Tx, key: &str, now: Timestamp) -> Result<(Option<ApiToken>, Option<Error>)> {
    let found = tx.api_token_by_hash(&sha256(key.as_bytes()), now)?;
    match standing(tx, found.clone(), now) {
        Ok(_) => Ok((found, None)),
        Err(error @ Error::Unauthenticated(_)) => Ok((found, Some(error))),
        Err(error) => Err(error),
    }
}

/// Whether a use at `now` should be noted: none was within the last minute.
fn is_due(token: &ApiToken, now: Timestamp) -> bool {
    token.last_used_at.is_none_or(|last| last > now || last < now - chrono::Duration::seconds(NOTED_EVERY_SECONDS))
}

/// Notes that the actor has used his API token, if he has one and the last use that is noted is over a minute old. A
/// failure is logged and nothing else comes of it: that a token is in use is good to know, not worth an answer.
pub fn note_use(env: &Env, actor: &Actor, now: Timestamp) {
    let Actor::User(Caller { by: Access::ApiToken(id), .. }) = actor else { return };
    let noted = env.store.read(|tx| tx.api_token(*id, now)).and_then(|found| match found {
        Some(token) if is_due(&token, now) => {
            let since = now - chrono::Duration::seconds(NOTED_EVERY_SECONDS);
            env.store.write(|tx| tx.note_use(*id, since, now))
        }
        _ => Ok(()),
    });
    if let Err(error) = noted {
        tracing::warn!(%error, api_token = id.0, "the use of an API token could not be noted");
    }
}

/// Signs somebody in with a password for his login token: the same key each time, until it is revoked. Judged as
/// [`login::login`] is, in the same time and with the same answers.
///
/// Writes `last_login`, one `login.succeeded` event and, where there is no live login token, a new one with one
/// `api_token.created` event.
///
/// # Errors
/// Those of [`login::login`].
pub fn login_token(ctx: &Ctx, identifier: &str, password: &str) -> Result<(User, Key)> {
    let attempt = Attempt { identifier, password, profile: "api_token" };
    let nonce = |_: &User| {
        let mut nonce = vec![0; NONCE_LEN];
        ctx.env.random.fill(&mut nonce)?;
        Ok(nonce)
    };
    login::judged(ctx, &attempt, nonce, |tx, user, nonce| login_key(ctx, tx, user, nonce))
}

/// The key of the user's login token, which is made of `nonce` if there is none.
fn login_key(ctx: &Ctx, tx: &dyn Tx, user: &User, nonce: Vec<u8>) -> Result<Key> {
    let derived = |nonce: &[u8]| -> Result<Key> {
        let bytes = secrets::derive(ctx.env, tx, LOGIN_KEY, nonce)?;
        Ok(Key(hex(&bytes[..KEY_BYTES])))
    };
    if let Some(there) = tx.login_token(user.id, ctx.now)? {
        let key = derived(&there.nonce)?;
        // Under another secret it was another key, which nobody can tell any more.
        if sha256(key.0.as_bytes()).as_slice() == there.key_hash {
            return Ok(key);
        }
    }
    let key = derived(&nonce)?;
    let new = NewApiToken {
        user_id: user.id,
        kind: Kind::Login(nonce),
        key_hash: sha256(key.0.as_bytes()),
        created_at: ctx.now,
        expires_at: None,
    };
    insert(ctx, tx, &new)?;
    Ok(key)
}

fn insert(ctx: &Ctx, tx: &dyn Tx, new: &NewApiToken) -> Result<ApiToken> {
    let id = tx.insert_api_token(new)?;
    let token = tx.api_token(id, ctx.now)?.ok_or(Error::NotFound(Entity::ApiToken))?;
    let details = json!({
        "user_id": new.user_id.0, "name": token.name,
        "expires_at": token.expires_at.map(crate::domain::times::written),
    });
    tx.record(&ctx.event("api_token.created", "api_token", Some(id.0), details))?;
    Ok(token)
}

/// Revokes the caller's login token, whatever he calls by; `false` if he has none.
///
/// Writes the end and one `api_token.revoked` event, if there is one.
///
/// # Errors
/// `Unauthenticated`, and those of the store.
pub fn logout(ctx: &Ctx) -> Result<bool> {
    let me = ctx.caller()?.user;
    ctx.end(|tx| match tx.login_token(me, ctx.now)? {
        Some(token) => revoke_one(ctx, tx, token.id),
        None => Ok(false),
    })
}

/// Makes a token with a name and says its key, once for ever.
///
/// One's own needs nothing; another's needs `tokens:create`, and every right of that user, or, if he is staff or a
/// superuser, to be a superuser. Writes the token and one `api_token.created` event.
///
/// # Errors
/// - `Unauthenticated`; `Forbidden` — see above; `NotFound(User)`
/// - `Conflict(Taken(ApiToken, "name"))` — a live token of the user has this name
/// - `Invalid` — `name`: none, too long, or one too many; `expires_at`: past, or later than the end of the API token that
///   the caller calls by; `user`: not active
pub fn create(ctx: &Ctx, user: UserId, new: NewToken) -> Result<(ApiToken, Key)> {
    let is_own = is_own(ctx, user);
    if !is_own {
        ctx.require(&Right::of(resource::TOKENS, action::CREATE))?;
    }
    let name = api_tokens::name(&new.name)?;
    if new.expires_at.is_some_and(|end| end <= ctx.now) {
        return Err(Error::invalid("expires_at", "min_value", "This lies in the past."));
    }
    let mut bytes = [0; KEY_BYTES];
    ctx.env.random.fill(&mut bytes)?;
    let key = Key(hex(&bytes));
    let made = ctx.write(|tx| {
        let target = tx.user(user)?.ok_or(Error::NotFound(Entity::User))?;
        if !is_own {
            bounds::may_command(ctx, tx, &target)?;
        }
        if !target.is_active {
            return Err(Error::invalid("user", "inactive", "The user is not active."));
        }
        not_beyond(ctx, tx, new.expires_at)?;
        free(ctx, tx, user, &name)?;
        let key_hash = sha256(key.0.as_bytes());
        let (kind, expires_at) = (Kind::Named(name), new.expires_at);
        insert(ctx, tx, &NewApiToken { user_id: user, kind, key_hash, created_at: ctx.now, expires_at })
    })?;
    Ok((made, key))
}

/// Passes if the user may have one more token, of this name.
fn free(ctx: &Ctx, tx: &dyn Tx, user: UserId, name: &str) -> Result<()> {
    if tx.api_token_named(user, name, ctx.now)?.is_some() {
        return Err(Error::Conflict(Conflict::Taken(Entity::ApiToken, "name")));
    }
    let live = Listing { user: Some(user), active: Some(true), ..Listing::default() };
    if tx.count_api_tokens(&live, ctx.now)? >= api_tokens::PER_USER {
        return Err(Error::invalid("name", "too_many", "The user has too many API tokens; revoke one first."));
    }
    Ok(())
}

/// Passes unless the caller calls by an API token that ends before what he makes with it would.
fn not_beyond(ctx: &Ctx, tx: &dyn Tx, expires_at: Option<Timestamp>) -> Result<()> {
    let Actor::User(Caller { by: Access::ApiToken(id), .. }) = ctx.actor else { return Ok(()) };
    let own_end = tx.api_token(*id, ctx.now)?.and_then(|own| own.expires_at);
    match own_end {
        Some(end) if expires_at.is_none_or(|wanted| wanted > end) => {
            let message = "A token made with an API token cannot outlive that.";
            Err(Error::invalid("expires_at", "max_value", message))
        }
        _ => Ok(()),
    }
}

/// API tokens: with `tokens:read` everybody's, or those of `listing.user`; without it the caller's own.
///
/// # Errors
/// `Unauthenticated`; `Forbidden` — another's, without the right; those of the store.
pub fn list(ctx: &Ctx, listing: &Listing) -> Result<PageOf<ApiToken>> {
    let right = Right::of(resource::TOKENS, action::READ);
    let mut listing = listing.clone();
    match ctx.actor {
        Actor::User(caller) if listing.user.is_none_or(|user| user == caller.user) && ctx.holds(&right).is_err() => {
            listing.user = Some(caller.user);
        }
        Actor::User(caller) if listing.user == Some(caller.user) => {}
        _ => ctx.require(&right)?,
    }
    ctx.env.store.read(|tx| {
        PageOf::of(&listing, tx.list_api_tokens(&listing, ctx.now)?, || tx.count_api_tokens(&listing, ctx.now))
    })
}

/// The live token of a user with this name.
///
/// Needs `tokens:read`, unless it is the caller's own.
///
/// # Errors
/// `Unauthenticated`, `Forbidden`, and those of the store.
pub fn named(ctx: &Ctx, user: UserId, name: &str) -> Result<Option<ApiToken>> {
    if !is_own(ctx, user) {
        ctx.require(&Right::of(resource::TOKENS, action::READ))?;
    }
    let name = api_tokens::name(name)?;
    ctx.env.store.read(|tx| tx.api_token_named(user, &name, ctx.now))
}

/// Revokes a token; `false` if it was over already.
///
/// Another's needs `tokens:delete`. Writes the end and one `api_token.revoked` event.
///
/// # Errors
/// `Unauthenticated`, `Forbidden` — also where there is no such token; `NotFound(ApiToken)`; those of the store.
pub fn revoke(ctx: &Ctx, id: ApiTokenId) -> Result<bool> {
    let may = |tx: &dyn Tx| -> Result<()> {
        match tx.api_token(id, ctx.now)? {
            Some(token) if is_own(ctx, token.user_id) => Ok(()),
            _ => ctx.holds(&Right::of(resource::TOKENS, action::DELETE)),
        }
    };
    // Who may not does not get as far as the one writer's lock.
    ctx.env.store.read(may)?;
    ctx.end(|tx| {
        may(tx)?;
        revoke_one(ctx, tx, id)
    })
}

/// Revokes all tokens of a user, the login token too; says how many were live. His sessions go on.
///
/// Another's need `tokens:delete`. Writes the ends and one `api_tokens.revoked` event, if there are any.
///
/// # Errors
/// `Unauthenticated`, `Forbidden`, `NotFound(User)`, and those of the store.
pub fn revoke_of_user(ctx: &Ctx, user: UserId) -> Result<u64> {
    if !is_own(ctx, user) {
        ctx.require(&Right::of(resource::TOKENS, action::DELETE))?;
    }
    ctx.end(|tx| {
        tx.user(user)?.ok_or(Error::NotFound(Entity::User))?;
        let revoked = tx.revoke_api_tokens(Those::OfUser(user), ctx.now)?;
        if revoked > 0 {
            tx.record(&ctx.event("api_tokens.revoked", "user", Some(user.0), json!({ "count": revoked })))?;
        }
        Ok(revoked)
    })
}

/// Revokes one in a transaction that is open, with its event; `false` if it was over already.
pub(super) fn revoke_one(ctx: &Ctx, tx: &dyn Tx, id: ApiTokenId) -> Result<bool> {
    let token = tx.api_token(id, ctx.now)?.ok_or(Error::NotFound(Entity::ApiToken))?;
    let revoked = tx.revoke_api_tokens(Those::One(id), ctx.now)? == 1;
    if revoked {
        let details = json!({"user_id": token.user_id.0, "name": token.name});
        tx.record(&ctx.event("api_token.revoked", "api_token", Some(id.0), details))?;
    }
    Ok(revoked)
}

/// Ends a user's login token after a change of his password or e-mail, in the transaction of that, unless he made
/// it with that token and the setting `djoser.logout_on_password_change` is off.
pub(super) fn end_login(ctx: &Ctx, tx: &dyn Tx, user: UserId) -> Result<()> {
    let Some(login) = tx.login_token(user, ctx.now)? else { return Ok(()) };
    let made_with_it = matches!(ctx.actor, Actor::User(caller) if caller.by == Access::ApiToken(login.id));
    if made_with_it && !Settings::from_stored(tx.stored_settings()?).logout_on_password_change() {
        return Ok(());
    }
    revoke_one(ctx, tx, login.id).map(drop)
}

fn is_own(ctx: &Ctx, user: UserId) -> bool {
    matches!(ctx.actor, Actor::User(caller) if caller.user == user)
}
