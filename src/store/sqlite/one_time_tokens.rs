//! One-time tokens in SQLite.

use rusqlite::{Row, named_params};

use super::{SqliteTx, broken, maybe_time, micros, time};
use crate::domain::error::Result;
use crate::domain::ids::{Timestamp, UserId};
use crate::domain::one_time_tokens::{NewOneTimeToken, OneTimeToken, Purpose};
use crate::store::OneTimeTokens;

fn token(row: &Row) -> rusqlite::Result<OneTimeToken> {
    let purpose: String = row.get("purpose")?;
    Ok(OneTimeToken {
        id: row.get("id")?,
        user_id: UserId(row.get("user_id")?),
        purpose: Purpose::parse(&purpose).ok_or_else(|| broken("purpose", &purpose))?,
        created_at: time(row, "created_at")?,
        expires_at: time(row, "expires_at")?,
        used_at: maybe_time(row, "used_at")?,
    })
}

impl OneTimeTokens for SqliteTx<'_> {
    fn one_time_token(&self, fingerprint: &[u8]) -> Result<Option<OneTimeToken>> {
        let sql = "SELECT id, user_id, purpose, created_at, expires_at, used_at FROM one_time_tokens WHERE hash = ?";
        self.one(sql, [fingerprint], token)
    }

    fn insert_one_time_token(&self, new: &NewOneTimeToken) -> Result<i64> {
        let purpose = new.purpose.as_str();
        self.change("DELETE FROM one_time_tokens WHERE user_id = ? AND purpose = ?", (new.user_id.0, purpose))?;
        self.insert(
            "INSERT INTO one_time_tokens (user_id, purpose, hash, created_at, expires_at)
             VALUES (:user_id, :purpose, :hash, :created_at, :expires_at)",
            named_params! {
                ":user_id": new.user_id.0,
                ":purpose": purpose,
                ":hash": new.fingerprint,
                ":created_at": micros(new.created_at),
                ":expires_at": micros(new.expires_at),
            },
        )
    }

    fn feign_one_time_token(&self, new: &NewOneTimeToken) -> Result<()> {
        let purpose = new.purpose.as_str();
        self.change("DELETE FROM one_time_tokens WHERE user_id = ? AND purpose = ?", (new.user_id.0, purpose))?;
        // A row must be somebody's; nobody sees it there.
        let sql = "INSERT INTO one_time_tokens (user_id, purpose, hash, created_at, expires_at)
             SELECT first.id, :purpose, :hash, :created_at, :expires_at
             FROM (SELECT id FROM users ORDER BY id LIMIT 100) AS first
             WHERE NOT EXISTS (SELECT 1 FROM one_time_tokens WHERE user_id = first.id AND purpose = :purpose) LIMIT 1";
        self.change(
            sql,
            named_params! {
                ":purpose": purpose,
                ":hash": new.fingerprint,
                ":created_at": micros(new.created_at),
                ":expires_at": micros(new.expires_at),
            },
        )?;
        self.change("DELETE FROM one_time_tokens WHERE hash = ?", [&new.fingerprint]).map(drop)
    }

    fn use_one_time_token(&self, id: i64, now: Timestamp) -> Result<bool> {
        let sql = "UPDATE one_time_tokens SET used_at = ?2 WHERE id = ?1 AND used_at IS NULL";
        Ok(self.change(sql, (id, micros(now)))? == 1)
    }

    fn drop_one_time_tokens(&self, user: UserId, purposes: &[Purpose]) -> Result<u64> {
        let sql = "DELETE FROM one_time_tokens WHERE user_id = ? AND purpose = ? AND used_at IS NULL";
        let mut dropped = 0;
        for purpose in purposes {
            dropped += self.change(sql, (user.0, purpose.as_str()))? as u64;
        }
        Ok(dropped)
    }

    fn purge_one_time_tokens(&self, before: Timestamp, limit: u32) -> Result<u64> {
        let sql = "DELETE FROM one_time_tokens WHERE id IN
                   (SELECT id FROM one_time_tokens WHERE expires_at < ? ORDER BY expires_at LIMIT ?)";
        Ok(self.change(sql, (micros(before), limit))? as u64)
    }
}
