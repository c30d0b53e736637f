//! The file of the database is damaged: by a disk, by somebody with an editor, by half a copy. The program never crashes over
//! it, lets nobody in by it, and says in clear words what is wrong and what to do (R-67, C-15).
//!
//! SQLite has no checksums of pages: a byte of a text that is in no index can change unseen. What `doctor --deep` finds of
//! single bits is told here, and two thirds are asked for; it finds about nine of ten.

use std::fs;
use std::path::Path;

use rusqlite::Connection;
use rusqlite::config::DbConfig;
use rustix::process::Signal;
use serde_json::json;

use crate::support::shell::{Ran, Shell};

/// The bytes of a database with people, sessions, links and a trail, in one file.
struct Good {
    shell: Shell,
    bytes: Vec<u8>,
    /// A token of a session that was ended.
    ended: String,
}

fn good() -> Good {
    let shell = Shell::new();
    shell.superuser("root@example.com");
    (0..5).for_each(|n| shell.user(&format!("user{n}@example.com")));
    shell.user("ann@example.com");
    shell.run("roles grant ann@example.com viewer").done();
    let mut server = shell.serve();
    let pair = server.anonymous().sign_in("ann@example.com");
    server.anonymous().sign_in("root@example.com");
    server.bearer(&pair.access).post("/logout/", json!({"refresh": pair.refresh}));
    assert_eq!(server.bearer(&pair.access).get("/me/").status, 401);
    server.stop(Signal::TERM);
    let bytes = fs::read(shell.file("authsrv.db")).unwrap();
    Good { shell, bytes, ended: pair.access }
}

impl Good {
    /// Puts these bytes in the place of the database.
    fn put(&self, bytes: &[u8]) {
        for ending in ["-wal", "-shm"] {
            let _ = fs::remove_file(self.shell.file(&format!("authsrv.db{ending}")));
        }
        fs::write(self.shell.file("authsrv.db"), bytes).unwrap();
    }

    /// What `doctor --deep` says of the database as it is; whether it found anything.
    fn examined(&self, about: &str) -> bool {
        let ran = self.shell.run("doctor --deep -o plain");
        assert!([0, 1].contains(&ran.code), "{about}: {ran:?}");
        assert!(!ran.err.contains("panicked"), "{about}: {ran:?}");
        let problems: Vec<&str> = ran.out.lines().filter(|line| line.starts_with("problem")).collect();
        if problems.is_empty() {
            assert!(!ran.err.starts_with("error: "), "{about}: {ran:?}");
        }
        !problems.is_empty()
    }

    /// Passes if Ann may not do what she may not, or the damage is found.
    fn denies(&self, is_found: bool, about: &str) {
        let Ran { code, err, .. } = self.shell.run("check ann@example.com users delete");
        assert!([1, 2, 70].contains(&code) || is_found, "R-67: {about}: allowed, and nothing is found: {err}");
        assert!(!err.contains("panicked"), "{about}: {err}");
    }

    /// Passes if a server lets nobody in with a wrong password or an ended session, or does not start at all.
    fn serves_no_stranger(&self, about: &str) {
        let mut command = self.shell.server();
        let path = self.shell.file("said");
        command.stdout(fs::File::create(&path).unwrap()).stderr(fs::File::options().append(true).open(&path).unwrap());
        let mut child = command.spawn().unwrap();
        let said = || fs::read_to_string(&path).unwrap();
        let address = crate::support::once(|| {
            let listening = said().lines().find_map(|line| Some(line.strip_prefix("Listening  http://")?.to_owned()));
            match child.try_wait().unwrap() {
                Some(status) => Some(Err(status.code())),
                None => listening.map(Ok),
            }
        });
        match address.unwrap() {
            Err(code) => {
                assert!([Some(1), Some(70)].contains(&code) && said().contains("error: "), "{about}: {}", said())
            }
            Ok(address) => {
                let client = crate::support::http::Client::of(address.trim().parse().unwrap());
                assert_ne!(client.clone().bearer(&self.ended).get("/me/").status, 200, "R-67: {about}");
                let body = json!({"email": "root@example.com", "password": "wrong"});
                assert_ne!(client.post("/login/", body).status, 200, "R-67: {about}");
            }
        }
        let _ = child.kill();
        child.wait().unwrap();
        assert!(!said().contains("panicked"), "{about}: {}", said());
    }
}

/// Numbers that are the same in every run (splitmix64).
fn numbers() -> impl Iterator<Item = usize> {
    (1_u64..).map(|n| {
        let mut z = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) >> 8).unwrap()
    })
}

#[test]
fn a_whole_file_is_found_whole() {
    let good = good();
    assert!(!good.examined("as it was"));
    let ran = good.shell.run("doctor --deep -o plain");
    for subject in ["database in depth", "whole audit trail", "sealed secrets"] {
        ran.out
            .lines()
            .find(|line| line.starts_with("ok\t") && line.contains(subject))
            .unwrap_or_else(|| panic!("{ran:?}"));
    }
    let names: Vec<_> = fs::read_dir(good.shell.folder()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!names.iter().any(|name| name.to_string_lossy().contains("partial")), "{names:?}");
}

/// Forty flips of one byte at any place that holds something, then other damage.
#[test]
fn a_damaged_file_crashes_nothing_and_lets_nobody_in() {
    let good = good();
    let (mut found, mut tried) = (0, 0);
    let places = numbers().map(|n| n % good.bytes.len()).filter(|at| good.bytes[*at] != 0);
    for at in places.take(36) {
        let mut bytes = good.bytes.clone();
        bytes[at] ^= 1 << (at % 8);
        good.put(&bytes);
        let about = format!("a bit of byte {at}");
        let is_found = good.examined(&about);
        good.denies(is_found, &about);
        (found, tried) = (found + u32::from(is_found), tried + 1);
        if tried % 9 == 0 {
            good.serves_no_stranger(&about);
        }
    }
    eprintln!("doctor --deep found {found} of {tried} flipped bits");
    assert!(found * 3 >= tried * 2, "only {found} of {tried} were found");
    let pages = good.bytes.len() / 4096;
    for page in numbers().map(|n| n % pages).take(12) {
        let mut bytes = good.bytes.clone();
        bytes[page * 4096..(page + 1) * 4096].fill(0);
        good.put(&bytes);
        let about = format!("page {} is zero", page + 1);
        let is_found = good.examined(&about);
        good.denies(is_found, &about);
        assert!(is_found || good.bytes[page * 4096..(page + 1) * 4096].iter().all(|byte| *byte == 0), "{about}");
    }
    let half = good.bytes.len() / 8192 * 4096;
    for (about, bytes) in [
        ("half of it", &good.bytes[..half]),
        ("all but a page", &good.bytes[..good.bytes.len() - 4096]),
        ("4095 bytes", &good.bytes[..4095]),
        ("nothing", &[]),
        ("garbage in front", &[&[0x5a; 100], &good.bytes[100..]].concat()),
    ] {
        good.put(bytes);
        assert!(good.examined(about), "{about}");
        good.denies(true, about);
        good.serves_no_stranger(about);
    }
}

/// The log of another database, and no log where there was one.
#[test]
fn a_log_of_another_and_a_lost_log() {
    let good = good();
    let other = Shell::new();
    let log = |path: &Path, sql: &str| {
        let connection = Connection::open(path).unwrap();
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).unwrap();
        connection.execute_batch(sql).unwrap();
    };
    log(&other.file("authsrv.db"), "UPDATE roles SET code_name = 'x' || code_name; DELETE FROM role_permissions");
    good.put(&good.bytes);
    fs::copy(other.file("authsrv.db-wal"), good.shell.file("authsrv.db-wal")).unwrap();
    let is_found = good.examined("the log of another database");
    assert!(is_found, "pages of another database are among ours");
    good.denies(is_found, "the log of another database");
    // Without its log the database is what it was at its last checkpoint: whole, and nobody can tell but the audit trail,
    // whose newest event somebody has noted elsewhere.
    good.put(&good.bytes);
    good.shell.run("users deactivate ann@example.com").done();
    let newest = good.shell.json("audit verify");
    let expected = format!("{}:{}", newest["last_id"], newest["last_hash"].as_str().unwrap());
    good.put(&good.bytes);
    assert!(!good.examined("a lost log"));
    good.shell.run(&format!("audit verify --expect {expected}")).exits(1);
    good.serves_no_stranger("a lost log");
}

/// What is kept beside the tables does not agree with them any more.
#[test]
fn what_disagrees_is_found_in_depth() {
    let good = good();
    for (about, sql, says) in [
        ("a count", "UPDATE counts SET n = n + 1 WHERE name = 'users'", "are counted"),
        ("the index for searches", "DROP TRIGGER users_search_update; UPDATE users SET first_name = 'Zoe'", "searches"),
        (
            "an index",
            "PRAGMA writable_schema = ON;
             UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema WHERE name = 'users_first_name')
             WHERE name = 'users_last_name'",
            "users_last_name",
        ),
        ("a reference", "PRAGMA foreign_keys = OFF; UPDATE user_roles SET role_id = 99", "missing row"),
        ("a key", "UPDATE signing_keys SET sealed = zeroblob(100)", "does not open"),
        ("an event", "DROP TRIGGER audit_append_only_update; UPDATE audit SET actor = 'x' WHERE id = 20", "event 20"),
    ] {
        good.put(&good.bytes);
        Connection::open(good.shell.file("authsrv.db")).unwrap().execute_batch(sql).unwrap();
        let ran = good.shell.run("doctor --deep -o plain").exits(1);
        let told = ran.out.lines().find(|line| line.starts_with("problem") && line.contains(says));
        assert!(told.is_some(), "{about}: {ran:?}");
    }
    good.put(&good.bytes);
    let mut bytes = good.bytes.clone();
    bytes[4096 * 3..4096 * 4].fill(0x5a);
    good.put(&bytes);
    let ran = good.shell.run("doctor --deep -o plain").exits(1);
    assert!(ran.out.contains("restore FILE"), "the recovery is named: {ran:?}");
}
