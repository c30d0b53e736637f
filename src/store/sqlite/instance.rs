//! Keys, issuers and marks in SQLite.

use rusqlite::{Row, named_params};

use super::{SqliteTx, maybe_time, micros, time};
use crate::domain::error::Result;
use crate::domain::ids::Timestamp;
use crate::domain::keys::StoredKey;
use crate::store::Instance;

const COLUMNS: &str = "kid, algorithm, sealed, public_jwk, created_at, signs, signs_from, access_until, refresh_until,
     revoked_at, expires_at";

fn key(row: &Row) -> rusqlite::Result<StoredKey> {
    Ok(StoredKey {
        kid: row.get("kid")?,
        algorithm: row.get("algorithm")?,
        sealed: row.get("sealed")?,
        public_jwk: row.get("public_jwk")?,
        created_at: time(row, "created_at")?,
        signs: row.get("signs")?,
        signs_from: maybe_time(row, "signs_from")?,
        access_until: maybe_time(row, "access_until")?,
        refresh_until: maybe_time(row, "refresh_until")?,
        revoked_at: maybe_time(row, "revoked_at")?,
        expires_at: maybe_time(row, "expires_at")?,
    })
}

impl Instance for SqliteTx<'_> {
    fn signing_keys(&self) -> Result<Vec<StoredKey>> {
        self.all(&format!("SELECT {COLUMNS} FROM signing_keys ORDER BY id"), [], key)
    }

    fn signing_key(&self, kid: &str) -> Result<Option<StoredKey>> {
        if let Some(memo) = self.memo()?
            && let Some(known) = memo.keys.iter().find(|known| known.kid == kid)
        {
            return Ok(Some(known.clone()));
        }
        let found = self.one(&format!("SELECT {COLUMNS} FROM signing_keys WHERE kid = ?"), [kid], key)?;
        if let (Some(mut memo), Some(found)) = (self.memo()?, &found) {
            memo.keys.push(found.clone());
        }
        Ok(found)
    }

    fn insert_key(&self, key: &StoredKey) -> Result<()> {
        self.insert(
            "INSERT INTO signing_keys (kid, algorithm, sealed, public_jwk, created_at, signs, signs_from, access_until,
                                       refresh_until, revoked_at, expires_at)
             VALUES (:kid, :algorithm, :sealed, :public_jwk, :created_at, :signs, :signs_from, :access_until,
                     :refresh_until, :revoked_at, :expires_at)",
            named_params! {
                ":kid": key.kid,
                ":algorithm": key.algorithm,
                ":sealed": key.sealed,
                ":public_jwk": key.public_jwk,
                ":created_at": micros(key.created_at),
                ":signs": key.signs,
                ":signs_from": key.signs_from.map(micros),
                ":access_until": key.access_until.map(micros),
                ":refresh_until": key.refresh_until.map(micros),
                ":revoked_at": key.revoked_at.map(micros),
                ":expires_at": key.expires_at.map(micros),
            },
        )?;
        Ok(())
    }

    fn set_key_end(&self, kid: &str, expires_at: Timestamp) -> Result<bool> {
        Ok(self.change("UPDATE signing_keys SET expires_at = ?2 WHERE kid = ?1", (kid, micros(expires_at)))? == 1)
    }

    fn set_key_start(&self, kid: &str, from: Timestamp) -> Result<bool> {
        let others = "UPDATE signing_keys SET signs_from = NULL WHERE signs_from > ?2 AND kid <> ?1";
        self.change(others, (kid, micros(from)))?;
        let sql = "UPDATE signing_keys SET signs_from = ?2 WHERE kid = ?1 AND signs = 1";
        Ok(self.change(sql, (kid, micros(from)))? == 1)
    }

    fn note_key_use(&self, kid: &str, access: Option<Timestamp>, refresh: Option<Timestamp>) -> Result<bool> {
        let (access, refresh) = (access.map(micros), refresh.map(micros));
        // Writes only when something changes: of many sign-ins within a second, one.
        let sql = "UPDATE signing_keys
             SET access_until = MAX(IFNULL(access_until, 0), IFNULL(?2, 0)),
                 refresh_until = NULLIF(MAX(IFNULL(refresh_until, 0), IFNULL(?3, 0)), 0)
             WHERE kid = ?1 AND (IFNULL(access_until, 0) < IFNULL(?2, 0) OR IFNULL(refresh_until, 0) < IFNULL(?3, 0))";
        self.change(sql, (kid, access, refresh))?;
        let live = "SELECT 1 FROM signing_keys WHERE kid = ? AND signs = 1 AND revoked_at IS NULL";
        Ok(self.one(live, [kid], |_| Ok(()))?.is_some())
    }

    fn revoke_key(&self, kid: &str, now: Timestamp) -> Result<bool> {
        let sql = "UPDATE signing_keys SET revoked_at = ?2 WHERE kid = ?1 AND revoked_at IS NULL";
        Ok(self.change(sql, (kid, micros(now)))? == 1)
    }

    fn sealed_secret(&self, name: &str) -> Result<Option<Vec<u8>>> {
        self.one("SELECT sealed FROM sealed_secrets WHERE name = ?", [name], |row| row.get(0))
    }

    fn sealed_secrets(&self) -> Result<Vec<(String, Vec<u8>)>> {
        self.all("SELECT name, sealed FROM sealed_secrets ORDER BY name", [], |row| Ok((row.get(0)?, row.get(1)?)))
    }

    fn reseal_secret(&self, name: &str, sealed: &[u8]) -> Result<bool> {
        Ok(self.change("UPDATE sealed_secrets SET sealed = ?2 WHERE name = ?1", (name, sealed))? == 1)
    }

    fn reseal_key(&self, kid: &str, sealed: &[u8]) -> Result<bool> {
        Ok(self.change("UPDATE signing_keys SET sealed = ?2 WHERE kid = ?1", (kid, sealed))? == 1)
    }

    fn insert_sealed_secret(&self, name: &str, sealed: &[u8]) -> Result<()> {
        self.change("INSERT INTO sealed_secrets (name, sealed) VALUES (?, ?)", (name, sealed))?;
        Ok(())
    }

    fn is_issuer(&self, url: &str) -> Result<bool> {
        if self.memo()?.is_some_and(|memo| memo.issuers.iter().any(|known| known == url)) {
            return Ok(true);
        }
        let is_known = self.one("SELECT 1 FROM issuers WHERE url = ?", [url], |_| Ok(()))?.is_some();
        if let Some(mut memo) = self.memo()?.filter(|_| is_known) {
            memo.issuers.push(url.to_owned());
        }
        Ok(is_known)
    }

    fn remember_issuer(&self, url: &str, now: Timestamp) -> Result<()> {
        self.change("INSERT OR IGNORE INTO issuers (url, first_used_at) VALUES (?, ?)", (url, micros(now)))?;
        Ok(())
    }

    fn mark(&self, name: &str) -> Result<Option<String>> {
        self.one("SELECT value FROM marks WHERE name = ?", [name], |row| row.get(0))
    }

    fn set_mark(&self, name: &str, value: &str) -> Result<()> {
        self.change(
            "INSERT INTO marks (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            [name, value],
        )?;
        Ok(())
    }

    fn quick_check(&self) -> Result<Vec<String>> {
        let found: Vec<String> = self.all("PRAGMA quick_check(10)", [], |row| row.get(0))?;
        let foreign: Vec<String> = self.all("PRAGMA foreign_key_check", [], |row| {
            Ok(format!("{}: a row refers to a missing row of {}", row.get::<_, String>(0)?, row.get::<_, String>(2)?))
        })?;
        Ok(found.into_iter().filter(|line| line != "ok").chain(foreign).collect())
    }
}
