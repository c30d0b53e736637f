//! Which files are opened, which are refused, and that a refused one is left as it was.

use std::fs;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Barrier;
use std::time::{Duration, Instant};

use authsrv::app::{self, Parts};
use authsrv::crypto::hash::Hasher;
use authsrv::crypto::random::OsRandom;
use authsrv::store::Store;
use authsrv::store::sqlite::Sqlite;
use authsrv::store::sqlite::open::{APPLICATION_ID, Missing, OpenError, Opened, SCHEMA_VERSION};
use rusqlite::Connection;
use rusqlite::config::DbConfig;
use tempfile::TempDir;

use super::add_user;

fn open(path: &Path, missing: Missing) -> Result<(Sqlite, Opened), OpenError> {
    Sqlite::open(path, missing, Duration::from_secs(5), super::chain())
}

fn refused(path: &Path, missing: Missing) -> OpenError {
    open(path, missing).map(|(_, opened)| opened).expect_err("it was opened")
}

fn place() -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a.db");
    (folder, path)
}

fn close(path: &Path) {
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

/// Database and log, byte by byte.
fn bytes(path: &Path) -> [Option<Vec<u8>>; 2] {
    ["", "-wal"].map(|end| fs::read(format!("{}{end}", path.display())).ok())
}

#[test]
fn a_missing_file_is_made_only_if_allowed() {
    let (folder, path) = place();
    assert!(matches!(refused(&path, Missing::Refuse), OpenError::Missing(named) if named == path));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    assert_eq!(open(&path, Missing::Create).unwrap().1, Opened::Created);
    assert_eq!(open(&path, Missing::Create).unwrap().1, Opened::AsItWas);
    assert_eq!(open(&path, Missing::Refuse).unwrap().1, Opened::AsItWas);
}

/// What the first release wrote is brought up to date at the first opening, with all that is in it.
#[test]
fn a_file_of_the_first_release_is_migrated() {
    let (_folder, path) = place();
    let first = Connection::open(&path).unwrap();
    first.execute_batch(include_str!("../../src/store/sqlite/migrations/0001_init.sql")).unwrap();
    first.execute_batch(&format!("PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = 1;")).unwrap();
    first.execute("INSERT INTO marks (name, value) VALUES ('seed', 'kept')", []).unwrap();
    drop(first);
    close(&path);
    let (store, opened) = open(&path, Missing::Refuse).unwrap();
    assert!(matches!(opened, Opened::Migrated { from: 1, .. }));
    let store: &dyn Store = &store;
    assert_eq!(store.read(|tx| tx.mark("seed")).unwrap().as_deref(), Some("kept"));
    drop(open(&path, Missing::Refuse).map(|(_, again)| assert_eq!(again, Opened::AsItWas)));
}

#[test]
fn an_empty_file_is_filled_only_if_allowed() {
    let (folder, path) = place();
    fs::write(&path, "").unwrap();
    close(&path);
    assert!(matches!(refused(&path, Missing::Refuse), OpenError::Empty(_)));
    assert_eq!((fs::metadata(&path).unwrap().len(), fs::read_dir(folder.path()).unwrap().count()), (0, 1));
    assert_eq!(open(&path, Missing::Create).unwrap().1, Opened::Created);
}

#[test]
fn what_is_no_plain_private_file_is_refused() {
    let (folder, path) = place();
    fs::create_dir(&path).unwrap();
    assert!(matches!(refused(&path, Missing::Create), OpenError::NotAFile(_)));
    let real = folder.path().join("real.db");
    drop(open(&real, Missing::Create).unwrap());
    let link = folder.path().join("link.db");
    symlink(&real, &link).unwrap();
    assert!(matches!(refused(&link, Missing::Refuse), OpenError::NotAFile(_)));
    let dangling = folder.path().join("dangling.db");
    symlink(folder.path().join("nowhere"), &dangling).unwrap();
    assert!(matches!(refused(&dangling, Missing::Create), OpenError::NotAFile(_)));
    assert!(!folder.path().join("nowhere").exists());
    for mode in [0o644, 0o640, 0o606, 0o610] {
        fs::set_permissions(&real, fs::Permissions::from_mode(mode)).unwrap();
        assert!(matches!(refused(&real, Missing::Create), OpenError::TooOpen { mode: found, .. } if found == mode));
    }
    close(&real);
    open(&real, Missing::Refuse).unwrap();
}

/// a link that lies in the place of the lock file leads nowhere.
#[test]
fn the_lock_file_is_no_link_either() {
    let (folder, path) = place();
    symlink(folder.path().join("elsewhere"), folder.path().join("a.db.lock")).unwrap();
    assert!(open(&path, Missing::Create).is_err());
    assert!(!folder.path().join("elsewhere").exists());
}

#[test]
fn files_of_others_stay_byte_for_byte_what_they_are() {
    let (folder, path) = place();
    let beside = || fs::read_dir(folder.path()).unwrap().count() - 1;
    for content in [&b"hello, this is a letter to my aunt, and no database at all"[..], &[0; 5000]] {
        fs::write(&path, content).unwrap();
        close(&path);
        assert!(matches!(refused(&path, Missing::Create), OpenError::NotOurs(_)));
        assert_eq!((fs::read(&path).unwrap(), beside()), (content.to_vec(), 0));
    }
    fs::remove_file(&path).unwrap();
    for setup in [
        "CREATE TABLE t (x)",
        "PRAGMA application_id = 7",
        "PRAGMA user_version = 1",
        "PRAGMA journal_mode = WAL; CREATE TABLE t (x)",
    ] {
        let _ = fs::remove_file(&path);
        Connection::open(&path).unwrap().execute_batch(setup).unwrap();
        close(&path);
        let before = bytes(&path);
        assert!(matches!(refused(&path, Missing::Create), OpenError::NotOurs(_)), "{setup}");
        assert_eq!((bytes(&path), beside()), (before, 0), "{setup}");
    }
}

#[test]
fn a_path_means_itself_whatever_it_is_called() {
    let folder = TempDir::new().unwrap();
    for name in ["a?mode=ro.db", "b#c.db", "d%20e.db", "f g.db", "ü.db"] {
        let path = folder.path().join(name);
        drop(open(&path, Missing::Create).unwrap());
        fs::remove_file(format!("{}.lock", path.display())).unwrap();
        assert_eq!(open(&path, Missing::Refuse).unwrap().1, Opened::AsItWas, "{name}");
        let twice = PathBuf::from(format!("/{}", path.display()));
        fs::remove_file(format!("{}.lock", path.display())).unwrap();
        assert_eq!(open(&twice, Missing::Refuse).unwrap().1, Opened::AsItWas, "{name}");
    }
}

/// As a program leaves it that was killed: with everything still in the log.
fn leave_log(path: &Path, sql: &str) {
    let connection = Connection::open(path).unwrap();
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).unwrap();
    connection.execute_batch(sql).unwrap();
    drop(connection);
    close(path);
    assert!(!bytes(path)[1].as_ref().unwrap().is_empty());
}

#[test]
fn the_log_of_another_program_is_left_alone_too() {
    let (_folder, path) = place();
    leave_log(&path, "PRAGMA journal_mode = WAL; CREATE TABLE t (x); INSERT INTO t VALUES (1);");
    let before = bytes(&path);
    assert!(matches!(refused(&path, Missing::Create), OpenError::NotOurs(_)));
    assert_eq!(bytes(&path), before);
}

/// an older program leaves a newer file untouched.
#[test]
fn a_newer_file_stays_byte_for_byte_what_it_is() {
    let (_folder, path) = place();
    drop(open(&path, Missing::Create).unwrap());
    leave_log(&path, &format!("PRAGMA user_version = {}; CREATE TABLE newer (x);", SCHEMA_VERSION + 1));
    let before = bytes(&path);
    let error = refused(&path, Missing::Create);
    assert!(
        matches!(error, OpenError::Newer { found, known, .. } if (found, known) == (SCHEMA_VERSION + 1, SCHEMA_VERSION))
    );
    assert_eq!(bytes(&path), before);
}

/// A file of the first release is brought up to date and keeps what is in it.
#[test]
fn a_file_of_the_first_schema_is_migrated() {
    const FIRST: &str = include_str!("../../src/store/sqlite/migrations/0001_init.sql");
    let (_folder, path) = place();
    let connection = Connection::open(&path).unwrap();
    connection.execute_batch(FIRST).unwrap();
    connection
        .execute_batch(&format!(
            "PRAGMA journal_mode = WAL; PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = 1;
             INSERT INTO users (email, email_key, first_name, last_name, is_active, is_staff, is_superuser, date_joined, updated_at)
             VALUES ('a@example.com', 'a@example.com', '', '', 1, 0, 0, 0, 0)"
        ))
        .unwrap();
    drop(connection);
    close(&path);
    let (store, opened) = open(&path, Missing::Refuse).unwrap();
    assert!(matches!(opened, Opened::Migrated { from: 1, .. }));
    let store: &dyn Store = &store;
    let user = store.read(|tx| tx.user_by_keys(&["a@example.com"])).unwrap().unwrap();
    assert!(store.read(|tx| tx.login_token(user.id, super::at(0))).unwrap().is_none());
    let version = |path: &Path| -> i64 {
        Connection::open(path).unwrap().query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap()
    };
    assert_eq!(version(&path), SCHEMA_VERSION);
}

#[test]
fn our_own_log_of_a_killed_program_is_read() {
    let (_folder, path) = place();
    drop(open(&path, Missing::Create).unwrap());
    leave_log(&path, "INSERT INTO marks (name, value) VALUES ('left', 'here')");
    let (store, _) = open(&path, Missing::Refuse).unwrap();
    let store: &dyn Store = &store;
    assert_eq!(store.read(|tx| tx.mark("left")).unwrap().as_deref(), Some("here"));
}

#[test]
fn eight_that_open_a_new_file_at_once_all_succeed() {
    for _ in 0..5 {
        let (_folder, path) = place();
        let start = Barrier::new(8);
        std::thread::scope(|scope| {
            for n in 0..8 {
                let (path, start) = (&path, &start);
                scope.spawn(move || {
                    start.wait();
                    let (store, _) = open(path, Missing::Create).unwrap();
                    let store: &dyn Store = &store;
                    store.write(|tx| Ok(add_user(tx, &format!("u{n}@example.com")))).unwrap();
                });
            }
        });
        let (store, opened) = open(&path, Missing::Refuse).unwrap();
        assert_eq!((opened, super::users(&store)), (Opened::AsItWas, 8));
    }
}

/// A file that somebody turns into a database while it is looked at is one or the other, and never somebody else's.
#[test]
fn a_file_is_judged_by_one_state() {
    let (_folder, path) = place();
    let turning = Connection::open(&path).unwrap();
    turning.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF").unwrap();
    close(&path);
    let lock =
        fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path.with_extension("db.lock")).unwrap();
    // As others do who are about to open it: nobody can migrate, all look again and again.
    lock.lock_shared().unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| open(&path, Missing::Create).unwrap());
        }
        let until = Instant::now() + Duration::from_millis(700);
        while Instant::now() < until {
            turning
                .execute_batch(&format!("BEGIN; PRAGMA application_id = {APPLICATION_ID}; CREATE TABLE t (x); COMMIT"))
                .unwrap();
            turning.execute_batch("BEGIN; PRAGMA application_id = 0; DROP TABLE t; COMMIT").unwrap();
        }
        lock.unlock().unwrap();
    });
}

struct Now;

impl authsrv::service::Clock for Now {
    fn now(&self) -> authsrv::domain::ids::Timestamp {
        super::at(0)
    }
}

fn parts(folder: &Path) -> Parts {
    Parts {
        database: folder.join("a.db"),
        master_key: folder.join("a.key"),
        clock: Box::new(Now),
        random: Box::new(OsRandom),
        hasher: Hasher::for_tests(),
    }
}

/// keys and seeds of an installation are made once, also when many start at once.
#[test]
fn eight_first_starts_at_once_make_one_installation() {
    let folder = TempDir::new().unwrap();
    let start = Barrier::new(8);
    // All stay open until the last has started, as servers do.
    let open: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    start.wait();
                    parts(folder.path()).open(app::Missing::Create).map(|(env, _)| env).unwrap()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let connection = Connection::open(folder.path().join("a.db")).unwrap();
    let number = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(number("SELECT COUNT(*) FROM signing_keys"), 1);
    assert_eq!(number("SELECT COUNT(*) FROM audit WHERE action = 'key.created'"), 1);
    assert_eq!(number("SELECT COUNT(*) FROM audit WHERE action = 'role.created'"), 3);
    assert_eq!(number("SELECT COUNT(*) FROM roles"), 3);
    drop(open);
}
