//! The outbox in SQLite.

use rusqlite::types::Value;
use rusqlite::{Row, named_params, params_from_iter};

use super::list::{Filter, order};
use super::{SqliteTx, broken, maybe_time, micros, time};
use crate::domain::error::Result;
use crate::domain::ids::{MailId, Timestamp, UserId};
use crate::domain::mails::{Kind, Mail, NewMail, Status};
use crate::domain::pages::Listing;
use crate::store::Outbox;
use crate::store::outbox::{Claimed, Next};

const COLUMNS: &str =
    "id, kind, recipient, status, attempts, next_attempt_at, last_error, created_at, sent_at, expires_at";

const ORDER: &[(&str, &str)] = &[("created_at", "created_at")];

/// Those that may be sent now: due, not given up, and in nobody's hands. The moment is bound three times.
const READY: &str = "status = 'queued' AND next_attempt_at <= ? AND expires_at > ? AND IFNULL(leased_until <= ?, TRUE)";

fn mail(row: &Row) -> rusqlite::Result<Mail> {
    let (kind, status): (String, String) = (row.get("kind")?, row.get("status")?);
    Ok(Mail {
        id: MailId(row.get("id")?),
        kind: Kind::parse(&kind).ok_or_else(|| broken("kind", &kind))?,
        to: row.get("recipient")?,
        status: Status::parse(&status).ok_or_else(|| broken("status", &status))?,
        attempts: row.get("attempts")?,
        next_attempt_at: time(row, "next_attempt_at")?,
        last_error: row.get("last_error")?,
        created_at: time(row, "created_at")?,
        sent_at: maybe_time(row, "sent_at")?,
        expires_at: time(row, "expires_at")?,
    })
}

fn filter(listing: &Listing, status: Option<Status>) -> Filter {
    let mut filter = Filter::default();
    if let Some(status) = status {
        filter.and("status = ?", [Value::from(status.as_str().to_owned())]);
    }
    for word in &listing.search {
        filter.and_contains(&["recipient"], word);
    }
    filter
}

impl Outbox for SqliteTx<'_> {
    fn mail(&self, id: MailId) -> Result<Option<Mail>> {
        self.one(&format!("SELECT {COLUMNS} FROM outbox WHERE id = ?"), [id.0], mail)
    }

    fn count_mails(&self, listing: &Listing, status: Option<Status>) -> Result<u64> {
        let filter = filter(listing, status);
        self.count(&format!("SELECT COUNT(*) FROM outbox {}", filter.clause()), params_from_iter(&filter.values))
    }

    fn list_mails(&self, listing: &Listing, status: Option<Status>) -> Result<Vec<Mail>> {
        let (filter, order) = (filter(listing, status), order(listing, ORDER));
        let sql = format!("SELECT {COLUMNS} FROM outbox {} {order} LIMIT ? OFFSET ?", filter.clause());
        self.all(&sql, params_from_iter(filter.window(listing)), mail)
    }

    fn insert_mail(&self, mail: &NewMail, now: Timestamp) -> Result<MailId> {
        let id = self.insert(
            "INSERT INTO outbox (kind, user_id, token_id, recipient, status, sealed, next_attempt_at, created_at,
                 expires_at)
             VALUES (:kind, :user_id, :token_id, :recipient, 'queued', :sealed, :now, :now, :expires_at)",
            named_params! {
                ":kind": mail.kind.as_str(),
                ":user_id": mail.user.map(|user| user.0),
                ":token_id": mail.token,
                ":recipient": mail.to,
                ":sealed": mail.sealed,
                ":now": micros(now),
                ":expires_at": micros(mail.expires_at),
            },
        )?;
        Ok(MailId(id))
    }

    fn feign_mail(&self, mail: &NewMail, now: Timestamp) -> Result<()> {
        let id = self.insert_mail(mail, now)?;
        self.change("DELETE FROM outbox WHERE id = ?", [id.0]).map(drop)
    }

    fn has_due_mail(&self, now: Timestamp) -> Result<bool> {
        let now = micros(now);
        let ready = format!("SELECT 1 FROM outbox WHERE {READY} LIMIT 1");
        if self.one(&ready, (now, now, now), |_| Ok(()))?.is_some() {
            return Ok(true);
        }
        let over = "SELECT 1 FROM outbox WHERE sealed IS NOT NULL AND expires_at <= ? LIMIT 1";
        Ok(self.one(over, [now], |_| Ok(()))?.is_some())
    }

    fn claim_mail(&self, now: Timestamp, lease: Timestamp) -> Result<Option<Claimed>> {
        let now = micros(now);
        let sql = format!(
            "UPDATE outbox SET leased_until = ?, attempts = attempts + 1
             WHERE id = (SELECT id FROM outbox WHERE {READY} ORDER BY next_attempt_at, id LIMIT 1)
             RETURNING {COLUMNS}, sealed"
        );
        self.one(&sql, (micros(lease), now, now, now), |row| {
            Ok(Claimed { mail: mail(row)?, sealed: row.get("sealed")?, lease })
        })
    }

    fn mark_sent(&self, id: MailId, now: Timestamp) -> Result<()> {
        self.change(
            "UPDATE outbox SET status = 'sent', sealed = NULL, leased_until = NULL, last_error = NULL, sent_at = ?2
             WHERE id = ?1 AND status IN ('queued', 'failed')",
            (id.0, micros(now)),
        )?;
        Ok(())
    }

    fn mark_failed(&self, id: MailId, lease: Timestamp, error: &str, next: Next) -> Result<()> {
        let set = match next {
            Next::At(_) => "next_attempt_at = ?4",
            Next::Ask => "status = 'failed', next_attempt_at = IFNULL(?4, next_attempt_at)",
            Next::Never => "status = 'failed', sealed = NULL, next_attempt_at = IFNULL(?4, next_attempt_at)",
        };
        let at = if let Next::At(at) = next { Some(micros(at)) } else { None };
        let sql = format!(
            "UPDATE outbox SET {set}, last_error = ?3, leased_until = NULL
             WHERE id = ?1 AND leased_until = ?2 AND status = 'queued'"
        );
        self.change(&sql, (id.0, micros(lease), error, at))?;
        Ok(())
    }

    fn give_up_mails(&self, now: Timestamp) -> Result<u64> {
        let sql = "UPDATE outbox SET status = 'failed', sealed = NULL, leased_until = NULL,
                 last_error = IFNULL(last_error, 'it could not be sent before it expired')
             WHERE sealed IS NOT NULL AND expires_at <= ?";
        Ok(self.change(sql, [micros(now)])? as u64)
    }

    fn requeue_mail(&self, id: MailId, now: Timestamp) -> Result<bool> {
        let sql = "UPDATE outbox SET status = 'queued', next_attempt_at = ?2, leased_until = NULL
             WHERE id = ?1 AND sealed IS NOT NULL AND expires_at > ?2 AND IFNULL(leased_until <= ?2, TRUE)";
        Ok(self.change(sql, (id.0, micros(now)))? == 1)
    }

    fn requeue_mails(&self, now: Timestamp) -> Result<u64> {
        let sql = "UPDATE outbox SET status = 'queued', next_attempt_at = ?1, leased_until = NULL
             WHERE sealed IS NOT NULL AND expires_at > ?1 AND IFNULL(leased_until <= ?1, TRUE)";
        Ok(self.change(sql, [micros(now)])? as u64)
    }

    fn drop_mails(&self, user: UserId, kinds: &[Kind]) -> Result<u64> {
        let marks = vec!["?"; kinds.len()].join(", ");
        let sql = format!(
            "UPDATE outbox SET status = 'dropped', sealed = NULL, leased_until = NULL
             WHERE user_id = ? AND sealed IS NOT NULL AND kind IN ({marks})"
        );
        let kinds = kinds.iter().map(|kind| Value::from(kind.as_str().to_owned()));
        let values: Vec<Value> = std::iter::once(Value::from(user.0)).chain(kinds).collect();
        Ok(self.change(&sql, params_from_iter(values))? as u64)
    }

    fn drop_mails_of_token(&self, token: i64) -> Result<u64> {
        let sql = "UPDATE outbox SET status = 'dropped', sealed = NULL, leased_until = NULL
             WHERE token_id = ? AND sealed IS NOT NULL";
        Ok(self.change(sql, [token])? as u64)
    }

    fn sealed_mails(&self) -> Result<Vec<(MailId, Vec<u8>)>> {
        let sql = "SELECT id, sealed FROM outbox WHERE sealed IS NOT NULL ORDER BY id";
        self.all(sql, [], |row| Ok((MailId(row.get(0)?), row.get(1)?)))
    }

    fn reseal_mail(&self, id: MailId, sealed: &[u8]) -> Result<bool> {
        let sql = "UPDATE outbox SET sealed = ?2 WHERE id = ?1 AND sealed IS NOT NULL";
        Ok(self.change(sql, (id.0, sealed))? == 1)
    }

    fn purge_mails(&self, before: Timestamp, limit: u32) -> Result<u64> {
        let sql = "DELETE FROM outbox WHERE id IN
             (SELECT id FROM outbox WHERE created_at < ? AND sealed IS NULL LIMIT ?)";
        Ok(self.change(sql, (micros(before), limit))? as u64)
    }
}
