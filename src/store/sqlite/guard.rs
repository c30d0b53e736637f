//! Attempts that are limited, in SQLite.

use rusqlite::{Row, named_params};

use super::{SqliteTx, broken, maybe_time, micros, time};
use crate::domain::error::Result;
use crate::domain::guard::{Attempts, Bucket, Count, Key};
use crate::domain::ids::{Timestamp, UserId};
use crate::store::Guard;
use crate::store::guard::Counts;

const COLUMNS: &str = "bucket, subject, user_id, times, closed_until, address, expires_at";

fn count(row: &Row) -> rusqlite::Result<Count> {
    let word: String = row.get("bucket")?;
    let bucket = Bucket::parse(&word).ok_or_else(|| broken("bucket", &word))?;
    let times: Vec<u8> = row.get("times")?;
    let (chunks, rest) = times.as_chunks::<8>();
    if !rest.is_empty() {
        return Err(broken("times", "not a list of times"));
    }
    let times = chunks.iter().map(|chunk| i64::from_be_bytes(*chunk)).collect();
    let address: Option<String> = row.get("address")?;
    Ok(Count {
        key: Key { bucket, subject: row.get("subject")? },
        user: row.get::<_, Option<i64>>("user_id")?.map(UserId),
        address: address.and_then(|text| text.parse().ok()),
        attempts: Attempts::from_stored(times, maybe_time(row, "closed_until")?),
        expires_at: time(row, "expires_at")?,
    })
}

impl Guard for SqliteTx<'_> {
    fn attempts(&self, key: &Key) -> Result<Option<Count>> {
        let sql = format!("SELECT {COLUMNS} FROM guard WHERE bucket = ?1 AND subject = ?2");
        self.one(&sql, (key.bucket.as_str(), &key.subject), count)
    }

    fn store_attempts(&self, count: &Count) -> Result<()> {
        let times: Vec<u8> = count.attempts.times().iter().flat_map(|time| time.to_be_bytes()).collect();
        self.change(
            "INSERT INTO guard (bucket, subject, user_id, times, closed_until, address, expires_at)
             VALUES (:bucket, :subject, :user_id, :times, :closed_until, :address, :expires_at)
             ON CONFLICT (bucket, subject) DO UPDATE SET
                 user_id = excluded.user_id, times = excluded.times, closed_until = excluded.closed_until,
                 address = excluded.address, expires_at = excluded.expires_at",
            named_params! {
                ":bucket": count.key.bucket.as_str(),
                ":subject": count.key.subject,
                ":user_id": count.user.map(|user| user.0),
                ":times": times,
                ":closed_until": count.attempts.closed_until.map(micros),
                ":address": count.address.map(|address| address.to_string()),
                ":expires_at": micros(count.expires_at),
            },
        )?;
        Ok(())
    }

    fn count_attempts(&self) -> Result<u64> {
        self.counted("guard")
    }

    fn list_attempts(&self, after: Option<&Key>, limit: u32) -> Result<Vec<Count>> {
        let (bucket, subject) = after.map_or(("", ""), |key| (key.bucket.as_str(), key.subject.as_str()));
        let sql =
            format!("SELECT {COLUMNS} FROM guard WHERE (bucket, subject) > (?1, ?2) ORDER BY bucket, subject LIMIT ?3");
        self.all(&sql, (bucket, subject, limit), count)
    }

    fn forget_attempts(&self, which: &Counts) -> Result<u64> {
        let gone = match which {
            Counts::All => self.change("DELETE FROM guard", [])?,
            Counts::OfUser(user) => self.change("DELETE FROM guard WHERE user_id = ?", [user.0])?,
            Counts::One(key) => {
                let sql = "DELETE FROM guard WHERE bucket = ?1 AND subject = ?2";
                self.change(sql, (key.bucket.as_str(), &key.subject))?
            }
        };
        Ok(gone as u64)
    }

    fn purge_attempts(&self, now: Timestamp, limit: u32) -> Result<u64> {
        let sql = "DELETE FROM guard WHERE (bucket, subject) IN
                   (SELECT bucket, subject FROM guard WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2)";
        Ok(self.change(sql, (micros(now), limit))? as u64)
    }
}
