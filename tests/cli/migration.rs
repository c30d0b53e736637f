//! Upgrades: a backup first, one schema or the other whatever is killed, never under a running server, and files that are
//! not this program's business stay byte for byte what they are (R-66; C-16, C-17).

use std::fs::{self, OpenOptions};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use authsrv::store::sqlite::open::{APPLICATION_ID, SCHEMA_VERSION};
use rusqlite::Connection;

use crate::support::process::{BINARY, isolated};
use crate::support::shell::Shell;

const PREVIOUS: i64 = SCHEMA_VERSION - 1;

/// The migrations, oldest first.
fn migrations() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store/sqlite/migrations");
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert_eq!(files.len() as i64, SCHEMA_VERSION);
    files.iter().map(|file| fs::read_to_string(file).unwrap()).collect()
}

/// A database of this schema with some thousand rows in it.
fn older(path: &Path, schema: i64) {
    let file = Connection::open(path).unwrap();
    file.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(())).unwrap();
    for sql in &migrations()[..usize::try_from(schema).unwrap()] {
        file.execute_batch(sql).unwrap();
    }
    file.execute_batch(&format!(
        "PRAGMA application_id = {APPLICATION_ID};
         PRAGMA user_version = {schema};
         WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
         INSERT INTO users (email, email_key, first_name, last_name, is_active, is_staff, is_superuser, date_joined,
                            updated_at)
         SELECT 'u' || i || '@example.com', 'u' || i || '@example.com', 'Ann ' || i, 'B', 1, 0, 0, 0, 0 FROM n;
         INSERT INTO sessions (uuid, user_id, profile, user_agent, created_at, expires_at, ends_at)
         SELECT 's' || id, id, 'rbac', 'tests', 0, 1, 1 FROM users;
         INSERT INTO audit (at, actor_kind, actor, door, user_agent, action, entity, result, details)
         SELECT id, 'operator', 'root', 'cli', '', 'user.created', 'user', 'ok', '{{}}' FROM users;"
    ))
    .unwrap();
    drop(file);
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

/// The schema of a file: its version, and everything that is defined in it.
fn shape(path: &Path) -> (i64, Vec<String>) {
    let file = Connection::open(path).unwrap();
    let version = file.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
    let mut statement = file.prepare("SELECT name || ': ' || IFNULL(sql, '') FROM sqlite_schema ORDER BY 1").unwrap();
    let all = statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    (version, all)
}

/// The backups that were made before an upgrade.
fn kept(shell: &Shell) -> Vec<PathBuf> {
    let entries = fs::read_dir(shell.folder()).unwrap().map(|entry| entry.unwrap().path());
    let is_kept = |path: &PathBuf| path.display().to_string().contains("authsrv.db.schema-");
    entries.filter(is_kept).collect()
}

fn older_shell() -> Shell {
    let shell = Shell::empty();
    older(&shell.file("authsrv.db"), PREVIOUS);
    shell
}

#[test]
fn an_upgrade_keeps_what_was_there_before() {
    for command in ["migrate -o json", "serve"] {
        let shell = older_shell();
        let before = shape(&shell.file("authsrv.db"));
        if command == "serve" {
            let server = shell.serve();
            let backup = kept(&shell).pop().unwrap();
            server.log_with(backup.file_name().unwrap().to_str().unwrap());
        } else {
            let ran = shell.run(command).done().says("is kept as");
            assert_eq!(ran.json()["backup"], kept(&shell)[0].display().to_string());
        }
        let [backup] = &kept(&shell)[..] else { panic!("{:?}", kept(&shell)) };
        let name = backup.file_name().unwrap().to_str().unwrap();
        assert!(name.starts_with(&format!("authsrv.db.schema-{PREVIOUS}-")), "{name}");
        assert_eq!(fs::metadata(backup).unwrap().permissions().mode() & 0o7777, 0o600);
        shell.run(&format!("backup --verify {name}")).done();
        assert_eq!((shape(&shell.file("authsrv.db")).0, shape(backup)), (SCHEMA_VERSION, before));
        shell.run("migrate").done().says("is up to date");
        assert_eq!(kept(&shell).len(), 1, "nothing to do, nothing kept");
    }
}

#[test]
fn any_command_that_upgrades_says_so() {
    let shell = older_shell();
    let ran = shell.run("users list -o json --limit 1").done().says("Upgraded").says("is kept as");
    assert_eq!(ran.json().as_array().unwrap().len(), 1);
    assert!(!shell.run("users list --limit 1").done().err.contains("Upgraded"));
}

/// Where there can be no backup there is no upgrade.
#[test]
fn without_a_backup_nothing_is_upgraded() {
    let shell = older_shell();
    let before = shape(&shell.file("authsrv.db"));
    let text = "trap '' XFSZ; ulimit -f 400; exec authsrv migrate";
    let ran = shell.paste(text).exits(1).says("there is no backup of it");
    assert!(ran.err.contains("cannot write") && ran.err.lines().next().unwrap().starts_with("error: "), "{}", ran.err);
    assert_eq!((shape(&shell.file("authsrv.db")), kept(&shell).len()), (before.clone(), 0));
    // A damaged one is not made worse.
    let length = fs::metadata(shell.file("authsrv.db")).unwrap().len();
    let mut bytes = fs::read(shell.file("authsrv.db")).unwrap();
    bytes[usize::try_from(length).unwrap() - 8192..].fill(0x5a);
    fs::write(shell.file("authsrv.db"), bytes).unwrap();
    shell.run("migrate").exits(1).says("is damaged");
    assert_eq!((shape(&shell.file("authsrv.db")), kept(&shell).len()), (before, 0));
}

/// Passes if the file is exactly of the one schema or the other, whole, and with all of its rows; says which.
fn one_or_the_other(shell: &Shell, shapes: &[(i64, Vec<String>); 2]) -> i64 {
    let path = shell.file("authsrv.db");
    let found = shape(&path);
    assert!(shapes.contains(&found), "R-66: schema {} is neither", found.0);
    let file = Connection::open(&path).unwrap();
    let whole: String = file.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    let rows: i64 = file.query_row("SELECT COUNT(*) FROM users", [], |row| row.get(0)).unwrap();
    assert_eq!((whole.as_str(), rows), ("ok", 3000));
    for backup in kept(shell) {
        assert_eq!(shape(&backup), shapes[0], "{}", backup.display());
    }
    assert!(found.0 == PREVIOUS || !kept(shell).is_empty(), "no backup, and yet upgraded");
    found.0
}

/// The shapes before and after, and the bytes of the file before.
fn before_and_after() -> ([(i64, Vec<String>); 2], Vec<u8>) {
    let shell = older_shell();
    let (before, bytes) = (shape(&shell.file("authsrv.db")), fs::read(shell.file("authsrv.db")).unwrap());
    shell.run("migrate").done();
    ([before, shape(&shell.file("authsrv.db"))], bytes)
}

fn put_back(shell: &Shell, bytes: &[u8]) {
    for entry in fs::read_dir(shell.folder()).unwrap() {
        fs::remove_file(entry.unwrap().path()).unwrap();
    }
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(0o600).open(shell.file("authsrv.db")).unwrap();
    std::io::Write::write_all(&mut file, bytes).unwrap();
}

/// C-16: killed at any moment; then typed again.
#[test]
fn an_upgrade_that_is_killed_leaves_one_schema_or_the_other() {
    let (shapes, bytes) = before_and_after();
    let shell = Shell::empty();
    let mut killed = 0;
    for round in 0..14 {
        put_back(&shell, &bytes);
        let mut child = shell.process("migrate").stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(7 * round));
        child.kill().unwrap();
        killed += u32::from(child.wait().unwrap().code().is_none());
        one_or_the_other(&shell, &shapes);
        shell.run("migrate").done();
        assert_eq!(one_or_the_other(&shell, &shapes), SCHEMA_VERSION);
    }
    assert!(killed > 0);
}

/// C-16: killed in the place of a write, for writes that are spread over the backup and the upgrade, and for each of the last.
#[test]
fn an_upgrade_that_is_killed_at_a_write_leaves_one_schema_or_the_other() {
    let shell = Shell::empty();
    if !isolated("strace", shell.folder()).arg("-V").output().is_ok_and(|output| output.status.success()) {
        eprintln!("there is no strace here, by which a program is killed at a write");
        return;
    }
    let (shapes, bytes) = before_and_after();
    let traced = |inject: &str| {
        let mut command = isolated("strace", shell.folder());
        command.args(["-f", "-qq", "-o", "trace", "-e", "trace=pwrite64,fdatasync,fsync"]);
        if !inject.is_empty() {
            command.args(["-e", inject]);
        }
        put_back(&shell, &bytes);
        command.arg(BINARY).arg("migrate").output().unwrap()
    };
    traced("");
    let trace = fs::read_to_string(shell.file("trace")).unwrap();
    let all = trace.lines().filter(|line| line.contains("pwrite64(")).count();
    let spread = (0..5).map(|n| 1 + n * all / 5);
    let (mut before, mut after) = (0, 0);
    for at in spread.chain((all.saturating_sub(60)..all).step_by(6)) {
        traced(&format!("inject=pwrite64:signal=SIGKILL:when={at}"));
        match one_or_the_other(&shell, &shapes) {
            PREVIOUS => before += 1,
            _ => after += 1,
        }
    }
    assert!(before > 0, "{before} were killed before the upgrade was done, {after} after");
    shell.run("migrate").done();
    assert_eq!(one_or_the_other(&shell, &shapes), SCHEMA_VERSION);
}

/// Nothing upgrades a database that a server of an older version uses: it holds the same lock.
#[test]
fn nothing_is_upgraded_under_a_server() {
    let shell = older_shell();
    let before = fs::read(shell.file("authsrv.db")).unwrap();
    let mut options = OpenOptions::new();
    let lock = options.write(true).create_new(true).mode(0o600).open(shell.file("authsrv.db.lock")).unwrap();
    lock.lock_shared().unwrap();
    let ran = shell.run("migrate").exits(1).says("must be migrated, but another authsrv has it open");
    assert!(ran.err.contains(&format!("used by process {}: ", std::process::id())), "{}", ran.err);
    assert_eq!((fs::read(shell.file("authsrv.db")).unwrap(), kept(&shell).len()), (before, 0));
    drop(lock);
    shell.run("migrate").done();
}

/// C-17: what is newer, somebody else's or empty is refused by every command before anything is written.
#[test]
fn what_is_not_this_programs_business_stays_as_it_is() {
    let shell = Shell::new();
    let good = fs::read(shell.file("authsrv.db")).unwrap();
    let sql = |sql: &str| {
        let file = Connection::open(shell.file("authsrv.db")).unwrap();
        file.execute_batch(sql).unwrap();
    };
    let newer = format!("PRAGMA user_version = {}", SCHEMA_VERSION + 1);
    let states: [(&dyn Fn(), &str); 6] = [
        (&|| sql(&newer), "was written by a newer authsrv"),
        (&|| sql("PRAGMA application_id = 1234"), "is not a database of authsrv"),
        (&|| sql("PRAGMA application_id = 0"), "is not a database of authsrv"),
        (
            &|| fs::write(shell.file("authsrv.db"), "a letter to my aunt ".repeat(500)).unwrap(),
            "is not a database of authsrv",
        ),
        (&|| fs::write(shell.file("authsrv.db"), [0xaa; 9000]).unwrap(), "is not a database of authsrv"),
        (&|| fs::write(shell.file("authsrv.db"), "").unwrap(), "is empty"),
    ];
    for (spoil, says) in states {
        fs::write(shell.file("authsrv.db"), &good).unwrap();
        spoil();
        let before = fs::read(shell.file("authsrv.db")).unwrap();
        for command in ["serve --listen 127.0.0.1:0", "migrate", "users list", "tokens purge", "seed", "backup b.db"] {
            // An empty file is a new database for those that make one.
            if before.is_empty() && ["serve", "migrate", "seed"].iter().any(|word| command.starts_with(word)) {
                continue;
            }
            let ran = shell.run(command).exits(1).says(says);
            assert_eq!(ran.err.lines().filter(|line| line.starts_with("error: ")).count(), 1, "{}", ran.err);
            assert!(ran.err.lines().count() <= 2, "{command}: {}", ran.err);
            assert_eq!(fs::read(shell.file("authsrv.db")).unwrap(), before, "{command}: {says}");
            assert!(
                !shell.file("authsrv.db-wal").exists() || fs::read(shell.file("authsrv.db-wal")).unwrap().is_empty()
            );
        }
        shell.run("doctor").exits(1);
        assert_eq!(fs::read(shell.file("authsrv.db")).unwrap(), before, "doctor: {says}");
    }
}
