//! What the services ask about sessions.

use std::ops::RangeInclusive;

use crate::domain::error::Result;
use crate::domain::ids::{SessionId, Timestamp, UserId};
use crate::domain::pages::Listing;
use crate::domain::sessions::{EndReason, NewSession, Session};

/// Fields that a list of sessions can be ordered by.
pub const SESSION_ORDER: &[&str] = &["id", "created_at", "expires_at", "user_id"];

/// Which sessions to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// This one.
    One(SessionId),
    /// All of a user.
    OfUser(UserId),
    /// All of a user but this one.
    OthersOfUser(UserId, SessionId),
    /// All of a user that were begun before this instant.
    BegunBefore(UserId, Timestamp),
    /// All there are.
    Everyone,
}

/// Sessions. A session that was begun before its user's `force_logout_at` expires at that instant, if not earlier (S4-35).
pub trait Sessions {
    /// The session with this id.
    fn session(&self, id: SessionId) -> Result<Option<Session>>;
    /// The session with this UUID.
    fn session_by_uuid(&self, uuid: &str) -> Result<Option<Session>>;
    /// How many match; `active` asks whether they are live at `now`.
    fn count_sessions(&self, listing: &Listing, now: Timestamp) -> Result<u64>;
    /// Those that match. Searched: UUID and address, from their beginning.
    fn list_sessions(&self, listing: &Listing, now: Timestamp) -> Result<Vec<Session>>;
    /// Live sessions of a user, newest first.
    fn live_sessions(&self, user: UserId, now: Timestamp) -> Result<Vec<Session>>;
    /// How many of all users' have neither ended nor expired. Counted along an index.
    fn count_live_sessions(&self, now: Timestamp) -> Result<u64>;
    /// The session with the highest number that was ever given; that need not be there any more. Zero before the first.
    fn newest_session(&self) -> Result<SessionId>;
    /// Those with these numbers by which somebody gets in at `now`: live, of users who are active.
    fn usable_sessions(&self, numbers: RangeInclusive<i64>, now: Timestamp) -> Result<Vec<SessionId>>;
    /// Adds one.
    fn insert_session(&self, new: &NewSession) -> Result<SessionId>;
    /// Sets when a session ends unless it is refreshed before.
    fn set_session_end(&self, id: SessionId, expires_at: Timestamp) -> Result<()>;
    /// Ends those that have not ended, and revokes their refresh tokens; says how many of them were live. Expired ones
    /// are ended too, so that none comes back when a clock that ran ahead is set right.
    fn end_sessions(&self, which: Which, reason: EndReason, now: Timestamp) -> Result<u64>;
    /// Until when tokens of a former system that name this user are void: the last end of all his sessions, of all but one, or
    /// of all begun before an instant (then that instant). The start of 1970 if there was none.
    fn void_until(&self, user: UserId) -> Result<Timestamp>;
    /// A number that grows whenever all sessions of this user, all but one, or all begun before an instant are ended,
    /// whether there were any or not: who began to sign in before sees it.
    fn epoch(&self, user: UserId) -> Result<i64>;
    /// Deletes sessions, with their tokens, that expired before this instant, at most `limit`; says how many.
    fn purge_sessions(&self, before: Timestamp, limit: u32) -> Result<u64>;
}
