//! Refresh tokens in SQLite.

use rusqlite::{Row, named_params, params_from_iter};

use super::list::{Filter, order};
use super::sessions::{FORCED_END, address, not_ended};
use super::{SqliteTx, maybe_time, micros, time};
use crate::domain::error::Result;
use crate::domain::ids::{SessionId, Timestamp, TokenId, UserId};
use crate::domain::pages::Listing;
use crate::domain::tokens::{NewRefreshToken, RefreshToken, SecretHash};
use crate::store::{Tokens, missed};

/// A token is revoked when it is marked so or its session was ended, by a forced logout too: one fact, read in one place
/// (S4-41).
fn select() -> String {
    format!(
        "SELECT t.id AS id, t.jti, t.session_id, t.user_id AS user_id, t.generation, t.issued_at AS issued_at,
             t.expires_at AS expires_at, t.spent_at, COALESCE(t.revoked_at, s.ended_at) AS revoked_at,
             {FORCED_END} AS forced_end, t.ip_address, t.user_agent, t.last_used_at, t.successor
         FROM tokens t JOIN sessions s ON s.id = t.session_id"
    )
}

const ORDER: &[(&str, &str)] = &[("issued_at", "issued_at"), ("expires_at", "expires_at"), ("user_id", "user_id")];

/// A token as it is `now`.
fn token(row: &Row, now: Timestamp) -> rusqlite::Result<RefreshToken> {
    let forced_end = maybe_time(row, "forced_end")?.filter(|at| *at <= now);
    Ok(RefreshToken {
        id: TokenId(row.get("id")?),
        jti: row.get("jti")?,
        session_id: SessionId(row.get("session_id")?),
        user_id: UserId(row.get("user_id")?),
        generation: row.get("generation")?,
        issued_at: time(row, "issued_at")?,
        expires_at: time(row, "expires_at")?,
        spent_at: maybe_time(row, "spent_at")?,
        revoked_at: maybe_time(row, "revoked_at")?.or(forced_end),
        ip_address: address(row)?,
        user_agent: row.get("user_agent")?,
        last_used_at: maybe_time(row, "last_used_at")?,
        successor: row.get("successor")?,
    })
}

fn filter(listing: &Listing, now: Timestamp) -> Filter {
    let live = format!(
        "revoked_at IS NULL AND expires_at > ?
         AND EXISTS (SELECT 1 FROM sessions s WHERE s.id = tokens.session_id AND {})",
        not_ended()
    );
    let mut filter = Filter::of_user(listing, &live, now);
    for word in &listing.search {
        filter.and_prefix("tokens", &["jti"], &[word.to_lowercase()]);
    }
    filter
}

impl Tokens for SqliteTx<'_> {
    fn refresh_token(&self, jti: &str, now: Timestamp) -> Result<Option<RefreshToken>> {
        self.one(&format!("{} WHERE t.jti = ?", select()), [jti], |row| token(row, now))
    }

    fn refresh_token_by_hash(&self, hash: &SecretHash, now: Timestamp) -> Result<Option<RefreshToken>> {
        self.one(&format!("{} WHERE t.secret_hash = ?", select()), [hash.as_slice()], |row| token(row, now))
    }

    fn newest_token(&self, session: SessionId, now: Timestamp) -> Result<Option<RefreshToken>> {
        let sql = format!("{} WHERE t.session_id = ? ORDER BY t.generation DESC LIMIT 1", select());
        self.one(&sql, [session.0], |row| token(row, now))
    }

    fn count_tokens(&self, listing: &Listing, now: Timestamp) -> Result<u64> {
        let filter = filter(listing, now);
        if filter.is_empty() {
            return self.counted("tokens");
        }
        self.count(&format!("SELECT COUNT(*) FROM tokens {}", filter.clause()), params_from_iter(&filter.values))
    }

    fn list_tokens(&self, listing: &Listing, now: Timestamp) -> Result<Vec<RefreshToken>> {
        let (filter, order) = (filter(listing, now), order(listing, ORDER));
        let sql = format!(
            "SELECT * FROM ({} WHERE t.id IN (SELECT id FROM tokens {} {order} LIMIT ? OFFSET ?)) {order}",
            select(),
            filter.clause()
        );
        self.all(&sql, params_from_iter(filter.window(listing)), |row| token(row, now))
    }

    fn insert_token(&self, new: &NewRefreshToken) -> Result<TokenId> {
        let id = self.insert(
            "INSERT INTO tokens (jti, session_id, user_id, generation, issued_at, expires_at, ip_address, user_agent,
                                 secret_hash)
             VALUES (:jti, :session_id, :user_id, :generation, :issued_at, :expires_at, :ip_address, :user_agent,
                     :secret_hash)",
            named_params! {
                ":jti": new.jti,
                ":session_id": new.session_id.0,
                ":user_id": new.user_id.0,
                ":generation": new.generation,
                ":issued_at": micros(new.issued_at),
                ":expires_at": micros(new.expires_at),
                ":ip_address": new.ip_address.map(|address| address.to_string()),
                ":user_agent": new.user_agent,
                ":secret_hash": new.secret_hash,
            },
        )?;
        Ok(TokenId(id))
    }

    fn spend_token(&self, id: TokenId, successor: &[u8], now: Timestamp, forget: Timestamp) -> Result<()> {
        // Of those right before it, by the index of generations: a session may have thousands. What is left is forgotten by
        // a purge.
        self.change(
            "UPDATE tokens SET successor = NULL WHERE id IN (
                 SELECT old.id FROM tokens new JOIN tokens old
                     ON old.session_id = new.session_id AND old.generation BETWEEN new.generation - 32 AND new.generation
                 WHERE new.id = ?1 AND old.successor IS NOT NULL AND +old.spent_at <= ?2)",
            (id.0, micros(forget)),
        )?;
        let hit = self.change(
            "UPDATE tokens SET spent_at = ?3, revoked_at = ?3, last_used_at = ?3, successor = ?2
             WHERE id = ?1 AND spent_at IS NULL",
            (id.0, successor, micros(now)),
        )?;
        if hit == 1 { Ok(()) } else { Err(missed("tokens")) }
    }

    fn touch_token(&self, id: TokenId, now: Timestamp) -> Result<()> {
        let hit = self.change("UPDATE tokens SET last_used_at = ?2 WHERE id = ?1", (id.0, micros(now)))?;
        if hit == 1 { Ok(()) } else { Err(missed("tokens")) }
    }

    fn is_import_revoked(&self, hash: &SecretHash) -> Result<bool> {
        let sql = "SELECT 1 FROM revoked_imports WHERE hash = ?";
        Ok(self.one(sql, [hash.as_slice()], |_| Ok(()))?.is_some())
    }

    fn revoke_import(&self, hash: &SecretHash, expires_at: Timestamp) -> Result<bool> {
        let sql = "INSERT OR IGNORE INTO revoked_imports (hash, expires_at) VALUES (?, ?)";
        Ok(self.change(sql, (hash.as_slice(), micros(expires_at)))? == 1)
    }

    fn purge_revoked_imports(&self, before: Timestamp, limit: u32) -> Result<u64> {
        let sql = "DELETE FROM revoked_imports WHERE hash IN (
                       SELECT hash FROM revoked_imports WHERE expires_at < ? LIMIT ?)";
        Ok(self.change(sql, (micros(before), limit))? as u64)
    }

    fn forget_successors(&self, before: Timestamp, limit: u32) -> Result<u64> {
        let gone = self.change(
            "UPDATE tokens SET successor = NULL WHERE id IN (
                 SELECT id FROM tokens WHERE successor IS NOT NULL AND spent_at < ?1 LIMIT ?2)",
            (micros(before), limit),
        )?;
        Ok(gone as u64)
    }

    fn purge_tokens(&self, before: Timestamp, limit: u32) -> Result<u64> {
        let sql = "DELETE FROM tokens WHERE id IN (SELECT id FROM tokens WHERE expires_at < ? LIMIT ?)";
        Ok(self.change(sql, (micros(before), limit))? as u64)
    }
}
