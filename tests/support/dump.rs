//! Everything that is in a database file, as text. Only ever read.

use std::collections::BTreeMap;
use std::path::Path;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};

/// Values by column; a NULL is `None`.
pub type Row = BTreeMap<String, Option<String>>;

/// Rows by table and primary key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dump(pub BTreeMap<String, BTreeMap<String, Row>>);

/// Columns that differ from run to run: what happens when, the random, and who did it from where.
const VOLATILE: [(&str, &[&str]); 14] = [
    ("users", &["password", "date_joined", "last_login", "updated_at"]),
    ("sessions", &["uuid", "ip_address", "user_agent", "created_at", "expires_at", "ends_at", "ended_at"]),
    (
        "tokens",
        &[
            "jti",
            "issued_at",
            "expires_at",
            "spent_at",
            "revoked_at",
            "ip_address",
            "user_agent",
            "last_used_at",
            "successor",
            "secret_hash",
        ],
    ),
    ("api_tokens", &["key_hash", "nonce", "created_at", "expires_at", "last_used_at", "revoked_at"]),
    ("one_time_tokens", &["hash", "created_at", "expires_at", "used_at"]),
    ("outbox", &["sealed", "next_attempt_at", "leased_until", "created_at", "sent_at", "expires_at"]),
    ("settings", &["updated_at"]),
    (
        "signing_keys",
        &["kid", "sealed", "public_jwk", "created_at", "signs_from", "access_until", "refresh_until", "expires_at"],
    ),
    ("sealed_secrets", &["sealed"]),
    ("revoked_imports", &["hash", "expires_at"]),
    ("issuers", &["url", "first_used_at"]),
    ("marks", &["value"]),
    // Each door says there who came through it: see `attributed` in tests/parity.rs.
    ("audit", &["at", "actor_kind", "actor_id", "actor", "door", "ip_address", "user_agent", "hash", "seal"]),
    ("audit_head", &["last_hash", "pruned_hash", "seal"]),
];

impl Dump {
    /// Reads the file.
    pub fn of(file: &Path) -> Self {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(file, flags).unwrap();
        connection.execute_batch("BEGIN").unwrap();
        let tables = texts(
            &connection,
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'users_search%'
                AND (name NOT LIKE 'sqlite_%' OR name = 'sqlite_sequence')",
        );
        let mut dump = Self(tables.into_iter().map(|table| (table.clone(), rows(&connection, &table))).collect());
        // How often sessions were ended is told to sign-ins under way and to nobody else: ending none counts too.
        for counted in ["epoch", "void_until"] {
            dump.0.get_mut("users").unwrap().values_mut().for_each(|row| drop(row.remove(counted)));
            dump.0.get_mut("marks").unwrap().remove(counted);
        }
        // How often somebody tried is told by no door, and the command line is not counted.
        dump.0.remove("guard");
        dump.0.get_mut("counts").unwrap().remove("guard");
        dump
    }

    /// Passes if nothing is different in `other`.
    #[track_caller]
    pub fn is(&self, other: &Dump, why: &str) {
        let lines = |dump: &Dump| -> Vec<String> {
            let rows = dump.0.iter().flat_map(|(table, rows)| rows.iter().map(move |row| format!("{table}: {row:?}")));
            rows.collect()
        };
        let (here, there) = (lines(self), lines(other));
        let only = |a: &[String], b: &[String]| -> Vec<String> {
            a.iter().filter(|line| !b.contains(line)).cloned().collect()
        };
        assert!(here == there, "{why}: {:#?} became {:#?}", only(&here, &there), only(&there, &here));
    }

    /// One table.
    pub fn table(&self, table: &str) -> &BTreeMap<String, Row> {
        &self.0[table]
    }

    /// The audit events that are not in `before`, in their order.
    pub fn events_since(&self, before: &Dump) -> Vec<Row> {
        let old = before.table("audit");
        let mut new: Vec<&Row> = self.table("audit").values().filter(|row| !old.contains_key(&number(row))).collect();
        new.sort_by_key(|row| row["id"].as_ref().unwrap().parse::<i64>().unwrap());
        new.into_iter().cloned().collect()
    }

    /// One line a row, in which a volatile value is only said to be null, as it was `before`, or another.
    pub fn settled(&self, before: &Dump) -> Vec<String> {
        let mut lines = Vec::new();
        for (table, rows) in &self.0 {
            let volatile = VOLATILE.iter().find(|(name, _)| name == table).map_or(&[][..], |(_, columns)| columns);
            for (key, row) in rows {
                let was = before.0[table].get(key);
                if was == Some(row) {
                    lines.push(format!("{table}: {} (as it was)", if *table == "issuers" { "url" } else { key }));
                    continue;
                }
                let shown = row.iter().map(|(column, value)| {
                    let value = match value {
                        _ if table == "audit" && volatile.contains(&column.as_str()) => "(whoever)".to_owned(),
                        Some(_) if !volatile.contains(&column.as_str()) => format!("{value:?}"),
                        None => "NULL".to_owned(),
                        _ if was.is_some_and(|was| &was[column] == value) => "(kept)".to_owned(),
                        _ => "(new)".to_owned(),
                    };
                    format!("{column}={value}")
                });
                lines.push(format!("{table}: {}", shown.collect::<Vec<_>>().join(" ")));
            }
        }
        lines
    }
}

fn number(row: &Row) -> String {
    row["id"].clone().unwrap()
}

fn texts(connection: &Connection, sql: &str) -> Vec<String> {
    let mut statement = connection.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.collect::<rusqlite::Result<_>>().unwrap()
}

fn rows(connection: &Connection, table: &str) -> BTreeMap<String, Row> {
    let keys = texts(connection, &format!("SELECT name FROM pragma_table_info('{table}') WHERE pk > 0 ORDER BY pk"));
    let mut statement = connection.prepare(&format!("SELECT * FROM {table}")).unwrap();
    let columns: Vec<String> = statement.column_names().into_iter().map(str::to_owned).collect();
    let mut found = statement.query([]).unwrap();
    let mut rows = BTreeMap::new();
    while let Some(row) = found.next().unwrap() {
        let value = |at| match row.get_ref(at).unwrap() {
            ValueRef::Null => None,
            ValueRef::Integer(number) => Some(number.to_string()),
            ValueRef::Real(number) => Some(number.to_string()),
            ValueRef::Text(text) => Some(String::from_utf8(text.to_vec()).unwrap()),
            ValueRef::Blob(bytes) => Some(format!("{bytes:02x?}")),
        };
        let row: Row = columns.iter().enumerate().map(|(at, column)| (column.clone(), value(at))).collect();
        let key = if keys.is_empty() { vec!["name".to_owned()] } else { keys.clone() };
        let key: Vec<String> = key.iter().map(|column| row[column].clone().unwrap()).collect();
        assert!(rows.insert(key.join(" "), row).is_none(), "{table} has no key");
    }
    rows
}
