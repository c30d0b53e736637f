//! After which errors a connection is not used again, and what is asked of the file before the next write.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use authsrv::domain::error::Error;
use authsrv::store::Mode;
use authsrv::store::sqlite::connections::Connections;
use r2d2::{ManageConnection, Pool};
use tempfile::TempDir;

use super::{add_user, store, users};

/// A file with a user in it that nobody has open, and what opens it.
fn file() -> (TempDir, PathBuf, Connections) {
    let (folder, store) = store();
    store.write(|tx| Ok(add_user(tx, "a@example.com"))).unwrap();
    store.checkpoint().unwrap();
    drop(store);
    let path = folder.path().join("authsrv.db");
    let connections = connections(&path, Mode::Write);
    (folder, path, connections)
}

fn connections(path: &Path, mode: Mode) -> Connections {
    Connections::new(path, mode, Duration::from_secs(1))
}

/// As on a full disk.
const FILL: &str =
    "PRAGMA max_page_count = 1; CREATE TABLE filling (x); INSERT INTO filling VALUES (zeroblob(10000000))";

#[test]
fn errors_that_say_nothing_of_the_file_break_nothing() {
    let (_folder, _, connections) = file();
    let mut connection = connections.connect().unwrap();
    for wrong in ["nonsense", "SELECT * FROM nowhere", "INSERT INTO marks (name, value) VALUES ('epoch', '1')"] {
        connection.run(|raw| raw.execute_batch(wrong)).unwrap_err();
        assert!(!connections.has_broken(&mut connection), "{wrong}");
    }
}

#[test]
fn a_connection_that_is_left_in_a_transaction_is_broken() {
    let (_folder, _, connections) = file();
    let mut connection = connections.connect().unwrap();
    connection.run(|raw| raw.execute_batch("BEGIN IMMEDIATE")).unwrap();
    assert!(connection.is_in_transaction() && connections.has_broken(&mut connection));
    connection.run(|raw| raw.execute_batch("ROLLBACK")).unwrap();
    assert!(!connections.has_broken(&mut connection));
}

#[test]
fn a_connection_that_met_a_full_disk_is_replaced() {
    let (_folder, path, _) = file();
    let pool = Pool::builder().max_size(1).min_idle(Some(0)).build(connections(&path, Mode::Write)).unwrap();
    let limit = || {
        let read = |raw: &rusqlite::Connection| raw.query_row("PRAGMA max_page_count", [], |row| row.get::<_, i64>(0));
        pool.get().unwrap().run(read).unwrap()
    };
    pool.get().unwrap().run(|raw| raw.execute_batch("PRAGMA max_page_count = 100000")).unwrap();
    assert_eq!(limit(), 100_000, "the same connection");
    pool.get().unwrap().run(|raw| raw.execute_batch(FILL)).unwrap_err();
    assert!(limit() > 100_000, "another connection");
}

/// The first page of a table, so that it is neither read nor written without being noticed.
fn damage(path: &Path, table: &str) -> Vec<u8> {
    let connection = rusqlite::Connection::open(path).unwrap();
    let number = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, u32>(0)).unwrap() as usize;
    let root = number(&format!("SELECT rootpage FROM sqlite_schema WHERE name = '{table}'"));
    let size = number("PRAGMA page_size");
    drop(connection);
    let whole = fs::read(path).unwrap();
    let mut damaged = whole.clone();
    damaged[(root - 1) * size..root * size].fill(0x55);
    fs::write(path, damaged).unwrap();
    whole
}

#[test]
fn a_damaged_file_is_not_written_before_it_is_whole_again() {
    let (_folder, path, writers) = file();
    let mut connection = writers.connect().unwrap();
    let whole = damage(&path, "roles");
    connection.run(|raw| raw.execute_batch("INSERT INTO roles (name, code_name) VALUES ('R', 'r')")).unwrap_err();
    assert!(writers.has_broken(&mut connection));
    drop(connection);
    writers.connect().unwrap_err();
    writers.connect().unwrap_err();
    let reader = connections(&path, Mode::Read).connect().unwrap();
    assert_eq!(reader.run(|raw| raw.query_row("SELECT COUNT(*) FROM users", [], |row| row.get(0))), Ok(1));
    drop(reader);
    fs::write(&path, whole).unwrap();
    let connection = writers.connect().unwrap();
    connection.run(|raw| raw.execute_batch("INSERT INTO roles (name, code_name) VALUES ('R', 'r')")).unwrap();
}

/// The largest id was given: SQLite calls that full, too.
#[test]
fn the_store_goes_on_after_an_error_that_cost_its_connection() {
    let (folder, store) = store();
    let other = rusqlite::Connection::open(folder.path().join("authsrv.db")).unwrap();
    other.execute_batch("INSERT INTO sqlite_sequence (name, seq) VALUES ('users', 9223372036854775807)").unwrap();
    for _ in 0..3 {
        let refused = store.write(|tx| {
            tx.set_mark("left", "behind")?;
            tx.insert_user(&super::person("a@example.com"), None, super::at(0))
        });
        assert!(matches!(refused, Err(Error::Unavailable { .. })), "{refused:?}");
    }
    assert_eq!(store.read(|tx| tx.mark("left")).unwrap(), None);
    other.execute_batch("UPDATE sqlite_sequence SET seq = 5 WHERE name = 'users'").unwrap();
    assert_eq!(store.write(|tx| Ok(add_user(tx, "a@example.com"))).unwrap().0, 6);
    assert_eq!(users(&*store), 1);
}
