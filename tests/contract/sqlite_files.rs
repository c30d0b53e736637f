//! What lies on the disk: modes, pragmas, the shape of the tables.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use authsrv::store::sqlite::open::{APPLICATION_ID, SCHEMA_VERSION, configure};
use rusqlite::Connection;

use super::{add_user, store};

fn texts(connection: &Connection, sql: &str) -> Vec<String> {
    let mut statement = connection.prepare(sql).unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

fn number(connection: &Connection, sql: &str) -> i64 {
    connection.query_row(sql, [], |row| row.get(0)).unwrap()
}

fn open(folder: &Path) -> Connection {
    Connection::open(folder.join("authsrv.db")).unwrap()
}

/// nobody else reads any of the files.
#[test]
fn every_file_is_its_owners_alone() {
    let (folder, store) = store();
    store.write(|tx| Ok(add_user(tx, "a@example.com"))).unwrap();
    for name in ["authsrv.db", "authsrv.db-wal", "authsrv.db-shm", "authsrv.db.lock"] {
        let found = std::fs::symlink_metadata(folder.path().join(name)).unwrap();
        assert!(found.is_file(), "{name}");
        assert_eq!(found.permissions().mode() & 0o7777, 0o600, "{name}");
    }
}

/// R-58, F-6: what durability and identity rest on.
#[test]
fn the_file_says_what_it_is_and_is_kept_safely() {
    let (folder, _store) = store();
    let connection = open(folder.path());
    assert_eq!(texts(&connection, "PRAGMA journal_mode"), ["wal"]);
    assert_eq!(number(&connection, "PRAGMA application_id"), i64::from(APPLICATION_ID));
    assert_eq!(number(&connection, "PRAGMA user_version"), SCHEMA_VERSION);
    assert_eq!(texts(&connection, "PRAGMA quick_check"), ["ok"]);
    for read_only in [false, true] {
        configure(&connection, Duration::from_secs(1), read_only).unwrap();
        assert_eq!(number(&connection, "PRAGMA synchronous"), 2, "FULL");
        assert_eq!(number(&connection, "PRAGMA foreign_keys"), 1);
        assert_eq!(number(&connection, "PRAGMA trusted_schema"), 0);
        assert_eq!(number(&connection, "PRAGMA query_only"), i64::from(read_only));
    }
}

#[test]
fn tables_are_strict_and_ids_are_never_given_twice() {
    let (folder, _store) = store();
    let connection = open(folder.path());
    let loose = "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND strict = 0
                 AND name NOT LIKE 'sqlite_%'";
    assert_eq!(texts(&connection, loose), Vec::<String>::new());
    let reusing = "SELECT name FROM sqlite_schema WHERE type = 'table' AND sql LIKE '%id INTEGER PRIMARY KEY%'
                   AND sql NOT LIKE '%id INTEGER PRIMARY KEY AUTOINCREMENT%' AND name NOT LIKE 'users_search%'";
    assert_eq!(texts(&connection, reusing), Vec::<String>::new());
    for table in
        ["users", "roles", "resources", "actions", "permissions", "sessions", "tokens", "signing_keys", "audit"]
    {
        let sql = format!("SELECT COUNT(*) FROM sqlite_schema WHERE name = '{table}' AND sql LIKE '%AUTOINCREMENT%'");
        assert_eq!(number(&connection, &sql), 1, "{table}");
    }
}
