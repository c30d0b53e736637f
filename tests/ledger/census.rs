//! What is in the file.

use std::collections::BTreeMap;
use std::path::Path;

use rusqlite::{Connection, OpenFlags, Row};

use super::{Key, Ledger, Value};
use crate::support::shell::run;

/// What was in the file between two instants.
#[derive(Debug, Clone, Default)]
pub struct Census {
    /// When it began, by the ledger's clock.
    pub from: u64,
    /// When it was over.
    pub to: u64,
    /// Registers that are not gone.
    pub values: BTreeMap<Key, Value>,
    /// The account of each session that has not ended.
    pub owners: BTreeMap<String, String>,
    /// How many refresh tokens of each such session are good.
    pub leaves: BTreeMap<String, usize>,
    /// Active superusers.
    pub superusers: usize,
    /// What is wrong with the file itself.
    pub faults: Vec<String>,
}

impl Census {
    /// Reads the database in this folder, by the SQLite that the program has in it.
    pub fn of(folder: &Path, ledger: &Ledger) -> Self {
        let from = ledger.now();
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(folder.join("authsrv.db"), flags).unwrap();
        connection.busy_timeout(crate::support::PATIENCE).unwrap();
        let mut census = Self { from, ..Self::default() };
        connection.execute_batch("BEGIN").unwrap();
        census.reads(&connection);
        census.to = ledger.now();
        census.examines(&connection);
        census
    }

    /// The same, and what the program itself says of the audit trail.
    pub fn with_trail(folder: &Path, ledger: &Ledger) -> Self {
        let mut census = Self::of(folder, ledger);
        let verified = run(folder, &["audit", "verify"], "");
        if verified.code != 0 {
            census.faults.push(format!("the audit trail: {verified:?}"));
        }
        census
    }

    fn reads(&mut self, connection: &Connection) {
        let sql = "SELECT email, is_active, is_superuser FROM users";
        for (email, is_active, is_superuser) in all(connection, sql, |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        {
            let (email, is_active, is_superuser): (String, bool, bool) = (email, is_active, is_superuser);
            self.superusers += usize::from(is_active && is_superuser);
            self.values.insert(Key::Account(email), if is_active { Value::Live } else { Value::Off });
        }
        let sql =
            "SELECT u.email, r.code_name FROM user_roles JOIN users u ON u.id = user_id JOIN roles r ON r.id = role_id";
        for (email, role) in all(connection, sql, |row| Ok((row.get(0)?, row.get(1)?))) {
            self.values.insert(Key::Role(email, role), Value::Live);
        }
        let sql = "SELECT uuid, email FROM sessions JOIN users u ON u.id = user_id WHERE ended_at IS NULL";
        for (session, email) in all(connection, sql, |row| Ok((row.get::<_, String>(0)?, row.get(1)?))) {
            self.values.insert(Key::Session(session.clone()), Value::Live);
            self.leaves.insert(session.clone(), 0);
            self.owners.insert(session, email);
        }
        let sql = "SELECT uuid, jti FROM tokens JOIN sessions s ON s.id = session_id
            WHERE ended_at IS NULL AND spent_at IS NULL AND revoked_at IS NULL";
        for (session, jti) in all(connection, sql, |row| Ok((row.get::<_, String>(0)?, row.get(1)?))) {
            *self.leaves.entry(session.clone()).or_default() += 1;
            self.values.insert(Key::Leaf(session), Value::Is(jti));
        }
    }

    fn examines(&mut self, connection: &Connection) {
        for fault in all(connection, "PRAGMA integrity_check", |row| row.get::<_, String>(0)) {
            if fault != "ok" {
                self.faults.push(fault);
            }
        }
        let table = |row: &Row| row.get::<_, String>(0);
        let strays = all(connection, "PRAGMA foreign_key_check", table);
        self.faults.extend(strays.into_iter().map(|table| format!("a row of {table} refers to nothing")));
    }
}

fn all<T>(connection: &Connection, sql: &str, map: impl FnMut(&Row) -> rusqlite::Result<T>) -> Vec<T> {
    let mut statement = connection.prepare(sql).unwrap();
    statement.query_map([], map).unwrap().collect::<rusqlite::Result<_>>().unwrap()
}
