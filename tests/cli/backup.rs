//! `backup`: a whole file or none, while others write; and it names and deletes nothing but its own.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use authsrv::app::{Missing, Parts};
use authsrv::crypto::hash::Hasher;
use authsrv::crypto::random::OsRandom;
use authsrv::domain::identifiers::Email;
use authsrv::domain::pages::Listing;
use authsrv::domain::users::NewUser;
use authsrv::service::users::NewAccount;
use authsrv::service::{audit, backups, users};
use authsrv::store::sqlite::open::SCHEMA_VERSION;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use crate::support::process::script;
use crate::support::shell::{Ran, Shell};
use crate::support::{TestApp, once};

/// Names in a folder, in order.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = entries.collect();
    names.sort();
    names
}

/// Names of unfinished copies.
fn partial(folder: &Path) -> usize {
    names(folder).iter().filter(|name| name.starts_with(".authsrv-backup-")).count()
}

fn folder(shell: &Shell, name: &str) -> std::path::PathBuf {
    let path = shell.file(name);
    fs::create_dir(&path).unwrap();
    path
}

#[test]
fn a_backup_is_a_whole_database_for_its_owner_alone() {
    let shell = Shell::new();
    shell.user("ann@example.com");
    let out = folder(&shell, "out");
    let made = shell.run("backup out/a.db -o json").done();
    assert!(made.err.contains("authsrv.key") && made.err.contains("not in it"), "{}", made.err);
    let record = made.json();
    assert_eq!((record["path"].as_str(), record["schema_version"].as_i64()), (Some("out/a.db"), Some(SCHEMA_VERSION)));
    let file = fs::metadata(out.join("a.db")).unwrap();
    assert_eq!((file.mode() & 0o7777, file.len()), (0o600, record["bytes"].as_u64().unwrap()));
    assert_eq!(record["pages"].as_u64().unwrap() * 4096, file.len());
    let sum = script("sh", &out, "sha256sum a.db").output().unwrap();
    assert!(String::from_utf8(sum.stdout).unwrap().starts_with(record["sha256"].as_str().unwrap()));
    let before = fs::read(out.join("a.db")).unwrap();
    let verified = shell.run("backup --verify out/a.db -o json").done().json();
    assert_eq!(verified["bytes"], record["bytes"]);
    assert_eq!(names(&out), ["a.db"], "nothing is left beside it");
    assert_eq!(fs::read(out.join("a.db")).unwrap(), before);
    let events = shell.json("audit list --event backup.made");
    assert_eq!(events[0]["details"]["sha256"], record["sha256"]);
    assert_eq!(events.as_array().unwrap().len(), 1);
    // It is a database: with the key beside it, it can be used as it is.
    fs::copy(shell.file("authsrv.key"), out.join("a.key")).unwrap();
    shell.run("users show ann@example.com --db out/a.db").done();
}

#[test]
fn no_file_is_overwritten_and_none_of_the_database() {
    let shell = Shell::new();
    fs::write(shell.file("there"), "a letter").unwrap();
    symlink("authsrv.db", shell.file("link")).unwrap();
    symlink("nowhere", shell.file("dangling")).unwrap();
    fs::hard_link(shell.file("authsrv.db"), shell.file("same")).unwrap();
    // What SQLite has beside a database while it is used may be there still.
    let names = |folder: &Path| -> Vec<String> {
        names(folder).into_iter().filter(|name| !name.ends_with("-wal") && !name.ends_with("-shm")).collect()
    };
    let before = names(shell.folder());
    let itself = "is the database itself";
    for (file, says) in [
        ("there", "is there already"),
        ("dangling", "is there already"),
        ("link", itself),
        ("same", itself),
        ("authsrv.db", itself),
        ("./authsrv.db-wal", itself),
        ("authsrv.db-shm", itself),
        ("authsrv.db.lock", itself),
        ("authsrv.db-journal", itself),
        ("authsrv.key", "is there already"),
        ("none/a.db", "there is no folder"),
    ] {
        let ran = shell.run(&format!("backup {file}")).exits(1).says(says);
        assert!(ran.err.contains("hint: "), "{file}: {}", ran.err);
        assert_eq!(names(shell.folder()), before, "{file}");
    }
    assert_eq!(fs::read(shell.file("there")).unwrap(), b"a letter");
    shell.run("backup --every 0s out.db").exits(2).says("length of time");
    shell.run("backup --keep 0 out.db").exits(2);
    shell.run("backup").exits(2);
    shell.run("backup --verify --keep 3 out.db").exits(2);
    shell.run("backup a.db --db nothing.db").exits(1).says("there is no database");
}

/// What is no whole backup of ours is said to be none, and stays as it is.
#[test]
fn what_is_no_whole_backup_is_said_to_be_none() {
    let shell = Shell::new();
    shell.run("backup good.db").done();
    let good = fs::read(shell.file("good.db")).unwrap();
    let out = folder(&shell, "out");
    let sql =
        |sql: &'static str| move |path: &Path| rusqlite::Connection::open(path).unwrap().execute_batch(sql).unwrap();
    type Spoil<'a> = Box<dyn Fn(&Path) + 'a>;
    let spoilt: [(&str, Spoil); 8] = [
        ("is empty", Box::new(|path| fs::write(path, "").unwrap())),
        ("is not a database of authsrv", Box::new(|path| fs::write(path, "a letter to my aunt".repeat(99)).unwrap())),
        ("is not a database of authsrv", Box::new(sql("PRAGMA application_id = 7"))),
        ("newer authsrv (schema 99", Box::new(sql("PRAGMA user_version = 99"))),
        ("is damaged", Box::new(|path| fs::write(path, &good[..good.len() / 2]).unwrap())),
        (
            "is damaged",
            Box::new(|path| {
                let mut bytes = good.clone();
                bytes[8192..12288].fill(0);
                fs::write(path, bytes).unwrap();
            }),
        ),
        ("is damaged", Box::new(sql("PRAGMA foreign_keys = OFF; DELETE FROM resources WHERE id = 1"))),
        ("is not all", Box::new(|path| fs::write(format!("{}-wal", path.display()), "log").unwrap())),
    ];
    for (says, spoil) in &spoilt {
        for name in names(&out) {
            fs::remove_file(out.join(name)).unwrap();
        }
        let path = out.join("a.db");
        fs::write(&path, &good).unwrap();
        spoil(&path);
        let (before, beside) = (fs::read(&path).unwrap(), names(&out));
        shell.run("backup --verify out/a.db").exits(1).says(says);
        assert_eq!((fs::read(&path).unwrap(), names(&out)), (before, beside), "{says}");
    }
    shell.run("backup --verify out").exits(1).says("not a plain file");
    shell.run("backup --verify nothing").exits(1).says("there is no file");
    shell.run("backup --verify authsrv.db").exits(1).says("is the database itself").says("doctor --deep");
}

/// C-18: copies that are made while four threads write are states that there were.
#[test]
fn a_backup_of_a_database_that_is_written_is_one_state_of_it() {
    let app = TestApp::new();
    let (acked, over) = (AtomicU64::new(0), AtomicBool::new(false));
    let users_of = |env: &authsrv::service::Env| env.store.read(|tx| tx.count_users(&Listing::default())).unwrap();
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let (app, acked, over) = (&app, &acked, &over);
            scope.spawn(move || {
                for n in 0.. {
                    let email = Some(Email::parse(&format!("u{writer}-{n}@example.com")).unwrap());
                    let profile = NewUser { email, is_active: true, ..NewUser::default() };
                    let new = NewAccount { profile, password: None, roles: Vec::new() };
                    app.operate(|ctx| users::create(ctx, new)).unwrap();
                    acked.fetch_add(1, Ordering::SeqCst);
                    if over.load(Ordering::SeqCst) {
                        break;
                    }
                }
            });
        }
        for n in 0..6 {
            let (before, path) = (acked.load(Ordering::SeqCst), app.folder.path().join(format!("b{n}.db")));
            app.operate(|ctx| backups::make(ctx, &path, &mut |_| {})).unwrap();
            let after = acked.load(Ordering::SeqCst) + 4;
            let parts = Parts {
                database: path,
                master_key: app.folder.path().join("authsrv.key"),
                clock: Box::new(app.clock.clone()),
                random: Box::new(OsRandom),
                hasher: Hasher::for_tests(),
            };
            let (copy, _) = parts.open(Missing::Refuse).unwrap();
            let there = users_of(&copy);
            assert!((before..=after).contains(&there), "{there} is not in {before}..={after}");
            let (actor, origin) = (crate::support::operator(), crate::support::origin());
            assert_eq!(audit::verify(&copy.ctx(&actor, &origin), None).unwrap().broken, None);
        }
        over.store(true, Ordering::SeqCst);
    });
    assert_eq!(users_of(&app.env), acked.load(Ordering::SeqCst));
}

/// C-18: `kill -9` at any moment leaves a whole file of the name, or none, and the next backup tidies up.
#[test]
fn a_backup_that_is_killed_leaves_nothing_of_its_name() {
    let shell = Shell::new();
    let out = folder(&shell, "out");
    let (mut killed, mut unfinished) = (0, 0);
    for round in 0..30 {
        let mut child = shell.process("backup out/a.db").stderr(Stdio::null()).spawn().unwrap();
        if round % 3 == 0 {
            // As soon as there is something to see.
            once(|| (partial(&out) > 0 || child.try_wait().unwrap().is_some()).then_some(()));
        } else {
            std::thread::sleep(Duration::from_millis(2 * round));
        }
        child.kill().unwrap();
        killed += u32::from(child.wait().unwrap().code().is_none());
        unfinished += partial(&out);
        if out.join("a.db").exists() {
            shell.run("backup --verify out/a.db").done();
            fs::remove_file(out.join("a.db")).unwrap();
        }
    }
    assert!(killed > 0 && unfinished > 0, "{killed} were killed, {unfinished} of them had begun");
    shell.run("backup out/a.db").done();
    assert_eq!(names(&out), ["a.db"]);
}

#[test]
fn a_full_disk_leaves_nothing_behind() {
    let shell = Shell::new();
    let out = folder(&shell, "out");
    // No file grows beyond 100 KB; who writes on is told so and not killed.
    let text = "trap '' XFSZ; ulimit -f 200; exec authsrv backup out/a.db";
    let ran = Ran::from(script("sh", shell.folder(), text).output().unwrap()).exits(1);
    assert!(ran.err.contains("cannot write"), "{}", ran.err);
    assert_eq!(names(&out), Vec::<String>::new());
    shell.run("backup out/a.db").done();
}

/// a damaged database gives no backup that could take the place of a good one.
#[test]
fn a_damaged_database_gives_no_backup() {
    let shell = Shell::new();
    let out = folder(&shell, "out");
    let mut bytes = fs::read(shell.file("authsrv.db")).unwrap();
    let last = bytes.len() - 3 * 4096;
    bytes[last..].fill(0x5a);
    fs::write(shell.file("authsrv.db"), bytes).unwrap();
    shell.run("backup out/a.db").exits(1).says("is damaged").says("doctor --deep");
    assert_eq!(names(&out), Vec::<String>::new());
}

#[test]
fn of_a_series_only_the_newest_are_kept_and_nothing_else_goes() {
    let shell = Shell::new();
    let out = folder(&shell, "out");
    shell.run("backup out/other-20200101T000000Z.db").done();
    fs::copy(out.join("other-20200101T000000Z.db"), out.join("authsrv-2020.db")).unwrap();
    fs::copy(out.join("other-20200101T000000Z.db"), out.join("authsrv-20200101T000000Z.db.bak")).unwrap();
    fs::write(out.join("authsrv-20200101T000000Z.db"), "a letter").unwrap();
    fs::create_dir(out.join("authsrv-20200102T000000Z.db")).unwrap();
    symlink("other-20200101T000000Z.db", out.join("authsrv-20200103T000000Z.db")).unwrap();
    let others = names(&out);
    for old in ["20210101T000000Z", "20210102T000000Z", "20210103T000000Z"] {
        fs::copy(out.join("other-20200101T000000Z.db"), out.join(format!("authsrv-{old}.db"))).unwrap();
    }
    let made = shell.json("backup --keep 2 out/");
    let mut gone: Vec<String> =
        made["deleted"].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect();
    gone.sort();
    assert_eq!(gone, ["out/authsrv-20210101T000000Z.db", "out/authsrv-20210102T000000Z.db"]);
    let kept: Vec<String> = names(&out).into_iter().filter(|name| !others.contains(name)).collect();
    assert_eq!(kept.len(), 2, "{kept:?}");
    assert!(kept[0] == "authsrv-20210103T000000Z.db" && made["path"] == json!(format!("out/{}", kept[1])), "{kept:?}");
    assert!(others.iter().all(|name| out.join(name).symlink_metadata().is_ok()));
    // A path instead of a folder names the series; two within a second are two.
    shell.run("backup --keep 5 out/mine.db").done();
    shell.run("backup --keep 5 out/mine.db").done();
    assert_eq!(names(&out).iter().filter(|name| name.starts_with("mine-") && name.ends_with("Z.db")).count(), 2);
}

/// A series survives what fails, goes on beside a server, and stops when it is told to.
#[test]
fn a_series_goes_on_until_it_is_told_to_stop() {
    let shell = Shell::new();
    let server = shell.serve();
    let log = shell.file("log");
    let written = || fs::read_to_string(&log).unwrap();
    let mut series = shell.process("backup --every 1s --keep 2 out/");
    let mut child = series.stderr(fs::File::create(&log).unwrap()).spawn().unwrap();
    once(|| written().contains("there is no folder").then_some(())).unwrap();
    let out = folder(&shell, "out");
    let newest = || names(&out).pop();
    let first = once(newest).unwrap();
    once(|| newest().filter(|name| *name != first && names(&out).len() == 2)).unwrap();
    fs::set_permissions(shell.file("authsrv.db"), Permissions::from_mode(0o644)).unwrap();
    once(|| written().contains("others").then_some(())).unwrap();
    fs::set_permissions(shell.file("authsrv.db"), Permissions::from_mode(0o600)).unwrap();
    let last = newest().unwrap();
    once(|| newest().filter(|name| *name > last)).unwrap();
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    assert_eq!(once(|| child.try_wait().unwrap()).unwrap().code(), Some(0));
    assert_eq!(written().matches("master key").count(), 1, "{}", written());
    assert_eq!((names(&out).len(), partial(&out)), (2, 0));
    assert_eq!(server.anonymous().get("/api/auth/me/").status, 401);
}
