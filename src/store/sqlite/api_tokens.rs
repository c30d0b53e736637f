//! API tokens in SQLite.

use rusqlite::types::Value;
use rusqlite::{Row, named_params, params_from_iter};

use super::list::{Filter, order};
use super::sessions::FORCED_END;
use super::{SqliteTx, maybe_time, micros, time};
use crate::domain::api_tokens::{ApiToken, Kind, NewApiToken};
use crate::domain::error::Result;
use crate::domain::ids::{ApiTokenId, Timestamp, UserId};
use crate::domain::pages::Listing;
use crate::store::ApiTokens;
use crate::store::api_tokens::{LoginToken, Those};

/// Tokens go by the name `s`, as sessions do where [`FORCED_END`] is asked of them.
fn select() -> String {
    format!(
        "SELECT s.id AS id, s.user_id AS user_id, s.name AS name, s.created_at AS created_at,
             s.expires_at AS expires_at, s.last_used_at AS last_used_at, s.revoked_at, {FORCED_END} AS forced_end
         FROM api_tokens s"
    )
}

/// Whether the token `s` is live, at a moment that is bound twice.
fn is_live() -> String {
    format!("s.revoked_at IS NULL AND IFNULL({FORCED_END} > ?, TRUE) AND IFNULL(s.expires_at > ?, TRUE)")
}

const ORDER: &[(&str, &str)] = &[
    ("created_at", "created_at"),
    ("expires_at", "expires_at"),
    ("last_used_at", "last_used_at"),
    ("user_id", "user_id"),
];

/// A token as it is `now`.
fn token(row: &Row, now: Timestamp) -> rusqlite::Result<ApiToken> {
    let forced_end = maybe_time(row, "forced_end")?.filter(|at| *at <= now);
    Ok(ApiToken {
        id: ApiTokenId(row.get("id")?),
        user_id: UserId(row.get("user_id")?),
        name: row.get("name")?,
        created_at: time(row, "created_at")?,
        expires_at: maybe_time(row, "expires_at")?,
        last_used_at: maybe_time(row, "last_used_at")?,
        revoked_at: maybe_time(row, "revoked_at")?.or(forced_end),
    })
}

fn filter(listing: &Listing, now: Timestamp) -> Filter {
    let mut filter = Filter::of_user(listing, &is_live(), now);
    for word in &listing.search {
        filter.and_contains(&["name"], word);
    }
    filter
}

impl ApiTokens for SqliteTx<'_> {
    fn api_token(&self, id: ApiTokenId, now: Timestamp) -> Result<Option<ApiToken>> {
        self.one(&format!("{} WHERE s.id = ?", select()), [id.0], |row| token(row, now))
    }

    fn api_token_by_hash(&self, key_hash: &[u8; 32], now: Timestamp) -> Result<Option<ApiToken>> {
        self.one(&format!("{} WHERE s.key_hash = ?", select()), [key_hash], |row| token(row, now))
    }

    fn api_token_named(&self, user: UserId, name: &str, now: Timestamp) -> Result<Option<ApiToken>> {
        let sql = format!("{} WHERE s.user_id = ? AND s.name = ? AND {}", select(), is_live());
        self.one(&sql, (user.0, name, micros(now), micros(now)), |row| token(row, now))
    }

    fn login_token(&self, user: UserId, now: Timestamp) -> Result<Option<LoginToken>> {
        let sql = format!(
            "SELECT s.id, s.nonce, s.key_hash FROM api_tokens s WHERE s.user_id = ? AND s.name IS NULL AND {}",
            is_live()
        );
        self.one(&sql, (user.0, micros(now), micros(now)), |row| {
            Ok(LoginToken { id: ApiTokenId(row.get("id")?), nonce: row.get("nonce")?, key_hash: row.get("key_hash")? })
        })
    }

    fn count_api_tokens(&self, listing: &Listing, now: Timestamp) -> Result<u64> {
        let filter = filter(listing, now);
        self.count(&format!("SELECT COUNT(*) FROM api_tokens s {}", filter.clause()), params_from_iter(&filter.values))
    }

    fn list_api_tokens(&self, listing: &Listing, now: Timestamp) -> Result<Vec<ApiToken>> {
        let (filter, order) = (filter(listing, now), order(listing, ORDER));
        let sql = format!(
            "SELECT * FROM ({} WHERE s.id IN (SELECT id FROM api_tokens s {} {order} LIMIT ? OFFSET ?)) {order}",
            select(),
            filter.clause()
        );
        self.all(&sql, params_from_iter(filter.window(listing)), |row| token(row, now))
    }

    fn insert_api_token(&self, new: &NewApiToken) -> Result<ApiTokenId> {
        let (name, nonce) = match &new.kind {
            Kind::Login(nonce) => (None, Some(nonce)),
            Kind::Named(name) => (Some(name), None),
        };
        self.change(
            "UPDATE api_tokens SET revoked_at = ?3 WHERE user_id = ?1 AND name IS ?2 AND revoked_at IS NULL",
            (new.user_id.0, name, micros(new.created_at)),
        )?;
        let id = self.insert(
            "INSERT INTO api_tokens (user_id, name, key_hash, nonce, created_at, expires_at)
             VALUES (:user_id, :name, :key_hash, :nonce, :created_at, :expires_at)",
            named_params! {
                ":user_id": new.user_id.0,
                ":name": name,
                ":key_hash": new.key_hash,
                ":nonce": nonce,
                ":created_at": micros(new.created_at),
                ":expires_at": new.expires_at.map(micros),
            },
        )?;
        Ok(ApiTokenId(id))
    }

    fn note_use(&self, id: ApiTokenId, since: Timestamp, now: Timestamp) -> Result<()> {
        self.change(
            "UPDATE api_tokens SET last_used_at = ?3
             WHERE id = ?1 AND IFNULL(last_used_at NOT BETWEEN ?2 AND ?3, TRUE)",
            (id.0, micros(since), micros(now)),
        )?;
        Ok(())
    }

    fn revoke_api_tokens(&self, those: Those, now: Timestamp) -> Result<u64> {
        let (condition, ids) = match those {
            Those::One(id) => ("s.id = ?", vec![id.0]),
            Those::LoginOf(user) => ("s.user_id = ? AND s.name IS NULL", vec![user.0]),
            Those::OfUser(user) => ("s.user_id = ?", vec![user.0]),
            Those::MadeBefore(user, at) => ("s.user_id = ? AND s.created_at < ?", vec![user.0, micros(at)]),
            Those::Everyone => ("TRUE", vec![]),
        };
        let with_ids = |times: usize| {
            let mut values = vec![Value::from(micros(now)); times];
            values.extend(ids.iter().copied().map(Value::from));
            params_from_iter(values)
        };
        let live = format!("SELECT COUNT(*) FROM api_tokens s WHERE {} AND {condition}", is_live());
        let live = self.count(&live, with_ids(2))?;
        let sql = format!("UPDATE api_tokens AS s SET revoked_at = ? WHERE s.revoked_at IS NULL AND {condition}");
        self.change(&sql, with_ids(1))?;
        Ok(live)
    }

    fn purge_api_tokens(&self, before: Timestamp, limit: u32) -> Result<u64> {
        let sql = "DELETE FROM api_tokens WHERE id IN (
                       SELECT id FROM api_tokens WHERE expires_at < ?1 OR revoked_at < ?1 LIMIT ?2)";
        Ok(self.change(sql, (micros(before), limit))? as u64)
    }
}
