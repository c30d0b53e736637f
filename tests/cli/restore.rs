//! `restore`: never under somebody's feet, never over what is not asked for, and cut off anywhere it leaves a whole database.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use authsrv::store::sqlite::open::{APPLICATION_ID, SCHEMA_VERSION};
use rusqlite::Connection;

use crate::support::once;
use crate::support::shell::Shell;

/// A folder with a database in which Ann is, a backup of it, and then Bob.
fn shell() -> Shell {
    let shell = Shell::new();
    shell.user("ann@example.com");
    shell.run("backup b.db").done();
    shell.user("bob@example.com");
    shell
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = entries.collect();
    names.sort();
    names
}

/// The names of former databases.
fn former(shell: &Shell) -> Vec<String> {
    names(shell.folder()).into_iter().filter(|name| name.starts_with("authsrv.db.before-restore-")).collect()
}

/// Who is in it: first letters, in order.
fn people(shell: &Shell, db: &str) -> String {
    let listed = shell.json(&format!("users list --db {db} --master-key-file authsrv.key"));
    let names = listed.as_array().unwrap().iter().map(|user| user["email"].as_str().unwrap()[..1].to_owned());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names.concat()
}

#[test]
fn the_former_database_is_kept_beside() {
    let shell = shell();
    shell.run("restore b.db --no-input").exits(2).says("--yes");
    assert_eq!((people(&shell, "authsrv.db").as_str(), former(&shell).len()), ("ab", 0));
    let ran = shell.run("restore b.db --yes -o json").done().says("is kept as").says("Everybody signs in anew");
    let record = ran.json();
    let kept = former(&shell);
    assert_eq!(kept.len(), 1);
    assert_eq!(record["former"].as_str().unwrap().rsplit('/').next(), Some(kept[0].as_str()));
    assert_eq!(record["schema_version"], SCHEMA_VERSION);
    assert_eq!(people(&shell, "authsrv.db"), "a");
    assert_eq!(people(&shell, &kept[0]), "ab", "nothing is lost");
    assert_eq!(fs::metadata(shell.file("authsrv.db")).unwrap().mode() & 0o7777, 0o600);
    assert!(!names(shell.folder()).iter().any(|name| name.ends_with(".restoring")));
    let events = shell.json("audit list --event backup.restored");
    assert_eq!(events.as_array().unwrap().len(), 1);
    shell.run("audit verify").done();
    // The backup is what it was, and can be taken again; the former one is a backup like any other.
    shell.run("backup --verify b.db").done();
    let again = kept[0].clone();
    shell.run(&format!("restore --yes {again}")).done();
    assert_eq!(people(&shell, "authsrv.db"), "ab");
    shell.serve().signal(rustix::process::Signal::TERM);
}

#[test]
fn where_there_is_no_database_nobody_is_asked() {
    let shell = shell();
    for name in names(shell.folder()).iter().filter(|name| name.starts_with("authsrv.db")) {
        fs::remove_file(shell.file(name)).unwrap();
    }
    shell.run("restore b.db").done();
    assert_eq!((people(&shell, "authsrv.db").as_str(), former(&shell).len()), ("a", 0));
    shell.run("restore b.db --db none/a.db").exits(1).says("there is no folder ").says("mkdir -p ");
}

/// Root restores for the server's user.
#[test]
fn the_new_database_belongs_to_whom_the_former_or_the_folder_does() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("only root gives files away");
        return;
    }
    let shell = shell();
    let owners = || ["authsrv.db", "authsrv.db.lock"].map(|name| fs::metadata(shell.file(name)).unwrap().uid());
    std::os::unix::fs::chown(shell.file("authsrv.db"), Some(65_534), Some(65_534)).unwrap();
    shell.run("restore b.db --yes").done();
    assert_eq!(owners(), [65_534; 2]);
    std::os::unix::fs::chown(shell.folder(), Some(65_532), Some(65_532)).unwrap();
    for name in names(shell.folder()).iter().filter(|name| name.starts_with("authsrv.db")) {
        fs::remove_file(shell.file(name)).unwrap();
    }
    shell.run("restore b.db").done();
    assert_eq!(owners(), [65_532; 2]);
}

/// R-63, C-18: whatever has the database open, it is refused, and says what has.
#[test]
fn a_database_in_use_is_not_replaced() {
    let shell = shell();
    let before = fs::metadata(shell.file("authsrv.db")).unwrap().ino();
    let mut server = shell.serve();
    let refused = shell.run("restore b.db --yes").exits(1).says("is in use").says("authsrv restore b.db");
    let holder = format!("process {}: ", server.id());
    assert!(refused.err.contains(&holder) && refused.err.contains(" serve "), "{}", refused.err);
    server.stop(rustix::process::Signal::TERM);
    let mut command = shell.process("users create --email c@example.com --password-stdin");
    let mut child = command.stdin(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let _ = once(|| shell.run("restore b.db --yes --no-input").err.contains("users create").then_some(()));
    drop(child.stdin.take());
    child.wait().unwrap();
    assert_eq!(fs::metadata(shell.file("authsrv.db")).unwrap().ino() == before, former(&shell).is_empty());
    shell.run("restore b.db --yes").done();
}

/// What is no whole backup of ours is refused before anything is changed.
#[test]
fn what_is_no_whole_backup_is_refused() {
    let shell = shell();
    let good = fs::read(shell.file("b.db")).unwrap();
    let before = fs::read(shell.file("authsrv.db")).unwrap();
    let sql = |sql: &'static str| move |path: &Path| Connection::open(path).unwrap().execute_batch(sql).unwrap();
    type Spoils<'a> = Box<dyn Fn(&Path) + 'a>;
    let spoilt: [(&str, Spoils<'_>); 7] = [
        ("is empty", Box::new(|path| fs::write(path, "").unwrap())),
        ("is not a database of authsrv", Box::new(|path| fs::write(path, [7; 9000]).unwrap())),
        ("is not a database of authsrv", Box::new(sql("PRAGMA application_id = 7"))),
        ("newer authsrv (schema 99", Box::new(sql("PRAGMA user_version = 99"))),
        ("is damaged", Box::new(|path| fs::write(path, &good[..good.len() - 9000]).unwrap())),
        ("is damaged", Box::new(sql("PRAGMA foreign_keys = OFF; DELETE FROM resources WHERE id = 1"))),
        ("its log", Box::new(|path| fs::write(format!("{}-wal", path.display()), "log").unwrap())),
    ];
    for (says, spoil) in &spoilt {
        fs::write(shell.file("spoilt.db"), &good).unwrap();
        spoil(&shell.file("spoilt.db"));
        let ran = shell.run("restore spoilt.db --yes").exits(1).says(says);
        assert!(ran.err.contains("spoilt.db") && ran.err.contains("hint: "), "{}", ran.err);
        assert!(former(&shell).is_empty() && fs::read(shell.file("authsrv.db")).unwrap() == before, "{says}");
        let _ = fs::remove_file(shell.file("spoilt.db-wal"));
    }
    shell.run("restore nothing.db --yes").exits(1).says("there is no file nothing.db");
    shell.run("restore authsrv.db --yes").exits(1).says("is the database itself");
    fs::hard_link(shell.file("authsrv.db"), shell.file("same.db")).unwrap();
    shell.run("restore same.db --yes").exits(1).says("is the database itself");
    assert!(!names(shell.folder()).iter().any(|name| name.ends_with(".restoring")));
    assert_eq!(people(&shell, "authsrv.db"), "ab");
}

/// An older backup is brought to the present form on its way.
#[test]
fn an_older_backup_is_migrated() {
    const OLD: [&str; 2] = [
        include_str!("../../src/store/sqlite/migrations/0001_init.sql"),
        include_str!("../../src/store/sqlite/migrations/0002_api_tokens.sql"),
    ];
    let shell = Shell::new();
    let old = Connection::open(shell.file("old.db")).unwrap();
    OLD.iter().for_each(|sql| old.execute_batch(sql).unwrap());
    old.execute_batch(&format!(
        "PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = 2;
         INSERT INTO users (email, email_key, first_name, last_name, is_active, is_staff, is_superuser, date_joined, updated_at)
         VALUES ('old@example.com', 'old@example.com', '', '', 1, 0, 0, 0, 0)"
    ))
    .unwrap();
    drop(old);
    let before = fs::read(shell.file("old.db")).unwrap();
    assert_eq!(shell.run("restore old.db --yes -o json").done().json()["schema_version"], 2);
    assert_eq!(people(&shell, "authsrv.db"), "o");
    assert_eq!(fs::read(shell.file("old.db")).unwrap(), before);
    shell.run("audit verify").done();
}

/// The master key is in no backup. With another, it is restored all the same, and said; the event is written with the right one.
#[test]
fn another_master_key_is_told_of() {
    let shell = shell();
    let key = fs::read(shell.file("authsrv.key")).unwrap();
    fs::rename(shell.file("authsrv.key"), shell.file("kept.key")).unwrap();
    let missing = shell.run("restore b.db --yes").done();
    assert!(
        missing.err.contains("warning: what is in it does not open") && missing.err.contains("is missing"),
        "{missing:?}"
    );
    let other = Shell::new();
    fs::copy(other.file("authsrv.key"), shell.file("authsrv.key")).unwrap();
    let wrong = shell.run("restore b.db --yes").done();
    assert!(wrong.err.contains("is not the one of this database"), "{wrong:?}");
    assert_eq!(shell.json("audit list --event backup.restored").as_array().unwrap().len(), 0);
    fs::write(shell.file("authsrv.key"), key).unwrap();
    assert_eq!(shell.json("audit list --event backup.restored").as_array().unwrap().len(), 1);
    assert_eq!(shell.json("audit list --event backup.restored").as_array().unwrap().len(), 1);
    shell.run("audit verify").done();
}

/// the database that is there may be anything, or its log that of another: it is kept, and nothing of it gets into the
/// new one.
#[test]
fn no_log_but_its_own_lies_beside_the_new_database() {
    let shell = shell();
    for spoil in ["garbage", "a log of another", "no database but a log"] {
        let other = Shell::new();
        other.run("settings set public_url https://evil.example.com").done();
        let connection = Connection::open(other.file("authsrv.db")).unwrap();
        connection.set_db_config(rusqlite::config::DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).unwrap();
        connection.execute_batch("PRAGMA journal_mode = WAL; UPDATE users SET email = 'x'; DELETE FROM roles").unwrap();
        drop(connection);
        fs::copy(other.file("authsrv.db-wal"), shell.file("authsrv.db-wal")).unwrap();
        match spoil {
            "garbage" => fs::write(shell.file("authsrv.db"), [0xaa; 20_000]).unwrap(),
            "no database but a log" => fs::remove_file(shell.file("authsrv.db")).unwrap(),
            _ => {}
        }
        shell.run("restore b.db --yes").done();
        let left = names(shell.folder());
        let own = ["authsrv.db-wal", "authsrv.db-shm", "authsrv.db-journal"];
        assert!(!left.iter().any(|name| own.contains(&name.as_str())), "{spoil}: {left:?}");
        assert_eq!(
            (people(&shell, "authsrv.db").as_str(), shell.json("roles list").as_array().unwrap().len()),
            ("a", 3)
        );
        shell.run("backup --verify b.db").done();
        std::thread::sleep(Duration::from_millis(1050));
    }
}

/// Killed at any moment, it leaves the former database or the new one, whole, and can be typed again.
#[test]
fn a_restoration_that_is_killed_can_be_typed_again() {
    let shell = shell();
    let (mut killed, mut replaced) = (0, 0);
    for round in 0..24 {
        let mut child =
            shell.process("restore b.db --yes").stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(round * 4));
        child.kill().unwrap();
        killed += u32::from(child.wait().unwrap().code().is_none());
        let found = people(&shell, "authsrv.db");
        assert!(["a", "ab"].contains(&found.as_str()), "{found}");
        if found == "a" {
            replaced += 1;
            let [first, ..] = &former(&shell)[..] else { panic!("the former one is gone") };
            let first = first.clone();
            assert_eq!(people(&shell, &first), "ab");
            shell.run(&format!("restore --yes {first}")).done();
        }
        for name in former(&shell) {
            fs::remove_file(shell.file(&name)).unwrap();
        }
    }
    assert!(killed > 0, "{killed} killed, {replaced} too late");
    shell.run("restore b.db --yes").done();
    assert_eq!(people(&shell, "authsrv.db"), "a");
    assert!(!names(shell.folder()).iter().any(|name| name.ends_with(".restoring")));
}

#[test]
fn a_full_disk_changes_nothing() {
    let shell = shell();
    let before = fs::read(shell.file("authsrv.db")).unwrap();
    let text = "trap '' XFSZ; ulimit -f 200; exec authsrv restore b.db --yes";
    let ran = shell.paste(text).exits(1);
    assert!(ran.err.contains("cannot write"), "{}", ran.err);
    assert_eq!((fs::read(shell.file("authsrv.db")).unwrap(), former(&shell).len()), (before, 0));
    assert!(!names(shell.folder()).iter().any(|name| name.ends_with(".restoring")));
}
