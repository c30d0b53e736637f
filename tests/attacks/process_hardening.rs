//! Somebody with an account on the machine, or with the files of a crash, looks for what the server knows (R-53, R-54, E.8):
//! a core dump, the memory, the environment, files made under a wide umask, copies that lie about.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;

use rustix::process::geteuid;
use serde_json::Value;

use crate::support::PASSWORD;
use crate::support::process::{BINARY, Process, isolated, script};
use crate::support::shell::Shell;

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Somebody without rights.
const USER: u32 = 54_321;

/// What stands behind `name` in a file of `/proc`.
fn told(server: &Process, file: &str, name: &str) -> String {
    let text = fs::read_to_string(format!("/proc/{}/{file}", server.id())).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("{name}: {text}"));
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn whatever_it_is_started_under_it_keeps_to_itself() {
    let shell = Shell::new();
    let words = "umask 0000; ulimit -c unlimited 2>/dev/null || ulimit -c $(ulimit -H -c); \
                 exec authsrv serve --listen 127.0.0.1:0";
    let server = Process::of(script("sh", shell.folder(), words));
    assert_eq!(told(&server, "status", "Umask:"), "0077");
    assert_eq!(told(&server, "status", "NoNewPrivs:"), "1");
    assert!(told(&server, "limits", "Max core file size").starts_with("0 0 "));
}

/// The memory and the environment of a process that may be dumped are there for every program of the same user.
#[test]
fn programs_of_the_same_user_learn_nothing() {
    if !geteuid().is_root() {
        // Only root can become another user.
        return;
    }
    let shell = Shell::empty();
    mode(shell.folder(), 0o700);
    chown(shell.folder(), Some(USER), Some(USER)).unwrap();
    // Others must find the way to it, wherever this was built.
    let binary = shell.file("authsrv");
    fs::copy(BINARY, &binary).unwrap();
    let as_user = |words: &[&str]| {
        let id = USER.to_string();
        let mut command = isolated("setpriv", shell.folder());
        command.args(["--reuid", &id, "--regid", &id, "--clear-groups"]).args(words);
        command
    };
    let mut command = as_user(&[binary.to_str().unwrap(), "serve", "--listen", "127.0.0.1:0"]);
    command.env("AUTHSRV_SUPERUSER_EMAIL", "root@example.com").env("AUTHSRV_SUPERUSER_PASSWORD", PASSWORD);
    let server = Process::of(command);
    let id = server.id();
    assert_eq!(fs::metadata(format!("/proc/{id}/environ")).unwrap().uid(), 0, "E.8: it can be dumped");
    for file in ["environ", "mem", "maps"] {
        let read = as_user(&["head", "-c", "1", &format!("/proc/{id}/{file}")]).output().unwrap();
        assert!(!read.status.success(), "E.8: {file} of the server is open to its user's other programs");
    }
    let environment = fs::read(format!("/proc/{id}/environ")).unwrap();
    let is_there = environment.windows(PASSWORD.len()).any(|window| window == PASSWORD.as_bytes());
    assert!(!is_there, "E.8: the password stays in the environment");
    assert_eq!(server.anonymous().sign_in("root@example.com").access.split('.').count(), 3);
}

/// What `doctor` finds wrong: subject, text, advice.
fn found(shell: &Shell, levels: &[&str]) -> Vec<[String; 3]> {
    let rows: Vec<Value> = serde_json::from_str(&shell.run("doctor -o json").out).unwrap();
    let rows = rows.iter().filter(|row| levels.contains(&row["level"].as_str().unwrap()));
    let text = |row: &Value, key: &str| row[key].as_str().unwrap_or_default().to_owned();
    rows.map(|row| ["subject", "text", "advice"].map(|key| text(row, key))).collect()
}

fn bad(shell: &Shell) -> Vec<[String; 3]> {
    found(shell, &["problem", "warning"])
}

fn healthy() -> Shell {
    let shell = Shell::new();
    mode(shell.folder(), 0o700);
    shell.superuser("root@example.com");
    assert_eq!(bad(&shell), Vec::<[String; 3]>::new());
    shell
}

#[test]
fn doctor_finds_copies_that_others_may_read() {
    let shell = healthy();
    let copies = [("authsrv.db", "backup.bin"), ("authsrv.key", "old"), ("authsrv.db", ".hidden")];
    for (from, to) in copies {
        fs::copy(shell.file(from), shell.file(to)).unwrap();
        mode(&shell.file(to), 0o640);
    }
    // Of others, and no concern of ours.
    fs::write(shell.file("notes.txt"), "hello").unwrap();
    rusqlite::Connection::open(shell.file("theirs.db")).unwrap().execute_batch("CREATE TABLE a (b)").unwrap();
    mode(&shell.file("theirs.db"), 0o644);
    let told = bad(&shell);
    assert_eq!(told.len(), copies.len(), "{told:?}");
    for (_, to) in copies {
        let [_, text, advice] = told.iter().find(|[_, text, _]| text.contains(to)).unwrap();
        assert!(text.contains("copy"), "{text}");
        shell.paste(advice).done();
    }
    assert_eq!(bad(&shell), Vec::<[String; 3]>::new(), "R-54: the advice mends it");
}

#[test]
fn doctor_finds_each_file_and_directory_that_is_too_open() {
    let shell = healthy();
    for (name, open) in [("authsrv.key", 0o640), ("authsrv.db.lock", 0o644), ("", 0o755), ("", 0o770), ("", 0o777)] {
        let path = shell.file(name);
        let before = fs::metadata(&path).unwrap().mode() & 0o777;
        mode(&path, open);
        let told = bad(&shell);
        mode(&path, before);
        assert!(told.iter().any(|[_, _, advice]| advice.contains("chmod ")), "R-54: {name} {open:o}: {told:?}");
    }
}

#[test]
fn doctor_finds_a_password_that_is_left_over() {
    let shell = healthy();
    fs::write(shell.file(".env"), "AUTHSRV_SUPERUSER_PASSWORD=Korrekt-Pferd-7751\n").unwrap();
    let told = bad(&shell);
    let [[subject, text, _]] = &told[..] else { panic!("{told:?}") };
    assert!(subject == "superusers" && text.contains(".env, line 1") && !text.contains("Pferd"), "{told:?}");
}

/// What a running server could not keep to itself is found in it, not in the command.
#[test]
fn doctor_looks_at_the_server_that_runs() {
    let shell = healthy();
    let server = shell.serve();
    assert_eq!(bad(&shell), Vec::<[String; 3]>::new());
    let notes = found(&shell, &["note"]);
    let told = notes.iter().any(|[subject, text, _]| {
        subject == "process" && text.contains(&format!("process {}", server.id())) && text.contains("root")
    });
    assert_eq!(told, geteuid().is_root(), "{notes:?}");
}
