//! What the services ask about the outbox.

use crate::domain::error::Result;
use crate::domain::ids::{MailId, Timestamp, UserId};
use crate::domain::mails::{Kind, Mail, NewMail, Status};
use crate::domain::pages::Listing;

/// Fields that a list of mails can be ordered by.
pub const MAIL_ORDER: &[&str] = &["id", "created_at"];

/// A mail that was taken to be sent, with what it says.
pub struct Claimed {
    /// The mail; this attempt is counted already.
    pub mail: Mail,
    /// What it says, sealed.
    pub sealed: Vec<u8>,
    /// By which it is held: whoever marks it shows that he still holds it.
    pub lease: Timestamp,
}

/// What a failed attempt means for a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// It is tried again at this instant.
    At(Timestamp),
    /// It is not tried again unless somebody asks for it; what it says is kept as long.
    Ask,
    /// It never will be: what it says is wiped.
    Never,
}

/// Mails to be sent. What one says is kept only while it may yet be sent.
pub trait Outbox {
    /// The mail with this id.
    fn mail(&self, id: MailId) -> Result<Option<Mail>>;
    /// How many there are of this status, or of all; `listing` counts as in `list_mails`.
    fn count_mails(&self, listing: &Listing, status: Option<Status>) -> Result<u64>;
    /// Those of this status, or all. Searched: address.
    fn list_mails(&self, listing: &Listing, status: Option<Status>) -> Result<Vec<Mail>>;
    /// Adds one, to be sent at once.
    fn insert_mail(&self, mail: &NewMail, now: Timestamp) -> Result<MailId>;
    /// Writes what `insert_mail` writes and takes it back, so that the one takes as long as the other.
    fn feign_mail(&self, mail: &NewMail, now: Timestamp) -> Result<()>;
    /// Whether there is anything to do: one to send, give up or delete.
    fn has_due_mail(&self, now: Timestamp) -> Result<bool>;
    /// Takes the one that waits longest of those that are due and that nobody holds, until `lease`, and counts the attempt.
    fn claim_mail(&self, now: Timestamp, lease: Timestamp) -> Result<Option<Claimed>>;
    /// Marks one as sent and wipes what it said. One that was dropped meanwhile stays dropped.
    fn mark_sent(&self, id: MailId, now: Timestamp) -> Result<()>;
    /// Says what comes after a failed attempt, if the mail is still held by `lease`.
    fn mark_failed(&self, id: MailId, lease: Timestamp, error: &str, next: Next) -> Result<()>;
    /// Gives up what has expired and wipes what it said; says how many.
    fn give_up_mails(&self, now: Timestamp) -> Result<u64>;
    /// Makes one due at once, if what it says is still there and nobody holds it; says whether it was.
    fn requeue_mail(&self, id: MailId, now: Timestamp) -> Result<bool>;
    /// Makes all due at once that are queued or were refused and still have what they say; says how many.
    fn requeue_mails(&self, now: Timestamp) -> Result<u64>;
    /// Drops those of a user that are of these kinds and may yet be sent; says how many.
    fn drop_mails(&self, user: UserId, kinds: &[Kind]) -> Result<u64>;
    /// Drops those that carry this one-time token and may yet be sent; says how many.
    fn drop_mails_of_token(&self, token: i64) -> Result<u64>;
    /// What the mails say that may yet be sent, sealed.
    fn sealed_mails(&self) -> Result<Vec<(MailId, Vec<u8>)>>;
    /// Replaces what a mail says by the same, sealed anew; false if it is not to be sent any more.
    fn reseal_mail(&self, id: MailId, sealed: &[u8]) -> Result<bool>;
    /// Deletes those that were written before this instant and cannot be sent any more; says how many.
    fn purge_mails(&self, before: Timestamp, limit: u32) -> Result<u64>;
}
