//! Device credentials: given at each sign-in, shown at the next. One says that its holder has signed in to this account
//! before, and gives him a budget of guesses of his own; it is good for nothing else.

use super::{Subject, of_user};
use crate::crypto::device::{self, Claims};
use crate::crypto::mac::{Secret, hex};
use crate::domain::error::Result;
use crate::domain::guard::{Bucket, Device, Key};
use crate::domain::ids::{Timestamp, UserId};
use crate::domain::settings::Settings;
use crate::service::{Ctx, secrets};
use crate::store::Tx;
use crate::store::guard::Counts;

/// Life of a credential: 180 days (E.2).
const LIFE: chrono::Duration = chrono::Duration::days(180);

/// What the caller's credential says, if it is good for this account. A wrong one is none. As much is computed where
/// there is no account.
pub(super) fn known(ctx: &Ctx, subject: &Subject, secret: &Secret, now: Timestamp) -> Option<Claims> {
    let shown = ctx.device_shown()?;
    let claims = device::read(secret, &shown.0, subject.password_hash.as_deref().unwrap_or_default())?;
    let is_his = subject.user == Some(UserId(claims.user)) && subject.password_hash.is_some();
    (is_his && now.timestamp() < claims.expires_at).then_some(claims)
}

/// Gives the caller a credential of the account that he has just shown to be his, with `password_hash`; the one that he
/// showed begins anew, unless it lost trust.
pub(in crate::service) fn remember(ctx: &Ctx, tx: &dyn Tx, user: UserId, password_hash: &str) -> Result<()> {
    let secret = secrets::of_generation(&ctx.env.master, tx.instance())?;
    let stored = tx.password_hash(user)?;
    let subject = Subject { text: of_user(user), user: Some(user), password_hash: stored };
    let mut id = [0; device::ID_LEN];
    match known(ctx, &subject, &secret, ctx.now) {
        Some(claims) if !is_closed(tx, &claims.id)? => id = claims.id,
        _ => ctx.env.random.fill(&mut id)?,
    }
    let claims = Claims { user: user.0, expires_at: (ctx.now + LIFE).timestamp(), id };
    ctx.give_device(Device(device::issue(&secret, &claims, password_hash)));
    Ok(())
}

fn is_closed(tx: &dyn Tx, id: &[u8]) -> Result<bool> {
    let known = tx.attempts(&Key { bucket: Bucket::Device, subject: hex(id) })?;
    Ok(known.is_some_and(|count| count.attempts.closed_until.is_some()))
}

/// Forgets the guesses at an account whose password was set by a mailed link or an administrator: they were at another
/// password, and its owner must get in now.
pub(in crate::service) fn forgive(tx: &dyn Tx, user: UserId) -> Result<()> {
    if !Settings::from_stored(tx.stored_settings()?).guard().is_off(Bucket::Account) {
        tx.forget_attempts(&Counts::One(Key { bucket: Bucket::Account, subject: of_user(user) }))?;
    }
    Ok(())
}
