//! Keys, issuers and marks in SQLite.

use rusqlite::{Row, named_params};

use super::{SqliteTx, maybe_time, micros, time};
use crate::domain::error::Result;
use crate::domain::ids::Timestamp;
use crate::domain::tokens::StoredKey;
use crate::store::Instance;

const COLUMNS: &str = "kid, algorithm, sealed, public_jwk, created_at, signs, revoked_at, expires_at";

fn key(row: &Row) -> rusqlite::Result<StoredKey> {
    Ok(StoredKey {
        kid: row.get("kid")?,
        algorithm: row.get("algorithm")?,
        sealed: row.get("sealed")?,
        public_jwk: row.get("public_jwk")?,
        created_at: time(row, "created_at")?,
        signs: row.get("signs")?,
        revoked_at: maybe_time(row, "revoked_at")?,
        expires_at: maybe_time(row, "expires_at")?,
    })
}

impl Instance for SqliteTx {
    fn signing_keys(&self) -> Result<Vec<StoredKey>> {
        self.all(&format!("SELECT {COLUMNS} FROM signing_keys ORDER BY id"), [], key)
    }

    fn signing_key(&self, kid: &str) -> Result<Option<StoredKey>> {
        self.one(&format!("SELECT {COLUMNS} FROM signing_keys WHERE kid = ?"), [kid], key)
    }

    fn current_key(&self) -> Result<Option<StoredKey>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM signing_keys WHERE signs = 1 AND revoked_at IS NULL ORDER BY id DESC LIMIT 1"
        );
        self.one(&sql, [], key)
    }

    fn insert_key(&self, key: &StoredKey) -> Result<()> {
        self.insert(
            "INSERT INTO signing_keys (kid, algorithm, sealed, public_jwk, created_at, signs, revoked_at, expires_at)
             VALUES (:kid, :algorithm, :sealed, :public_jwk, :created_at, :signs, :revoked_at, :expires_at)",
            named_params! {
                ":kid": key.kid,
                ":algorithm": key.algorithm,
                ":sealed": key.sealed,
                ":public_jwk": key.public_jwk,
                ":created_at": micros(key.created_at),
                ":signs": key.signs,
                ":revoked_at": key.revoked_at.map(micros),
                ":expires_at": key.expires_at.map(micros),
            },
        )?;
        Ok(())
    }

    fn set_key_end(&self, kid: &str, expires_at: Timestamp) -> Result<bool> {
        Ok(self.change("UPDATE signing_keys SET expires_at = ?2 WHERE kid = ?1", (kid, micros(expires_at)))? == 1)
    }

    fn revoke_key(&self, kid: &str, now: Timestamp) -> Result<bool> {
        let sql = "UPDATE signing_keys SET revoked_at = ?2 WHERE kid = ?1 AND revoked_at IS NULL";
        Ok(self.change(sql, (kid, micros(now)))? == 1)
    }

    fn sealed_secret(&self, name: &str) -> Result<Option<Vec<u8>>> {
        self.one("SELECT sealed FROM sealed_secrets WHERE name = ?", [name], |row| row.get(0))
    }

    fn insert_sealed_secret(&self, name: &str, sealed: &[u8]) -> Result<()> {
        self.change("INSERT INTO sealed_secrets (name, sealed) VALUES (?, ?)", (name, sealed))?;
        Ok(())
    }

    fn is_issuer(&self, url: &str) -> Result<bool> {
        Ok(self.one("SELECT 1 FROM issuers WHERE url = ?", [url], |_| Ok(()))?.is_some())
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
