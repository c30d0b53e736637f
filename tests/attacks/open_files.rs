//! Files that others could read, change or swap under the program.

use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use super::registration;
use crate::support::process::{Process, script};
use crate::support::shell::{Ran, Shell};

fn chmod(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// Starts the server, which must fail, and say this.
#[track_caller]
fn refuses(shell: &Shell, part: &str) -> Ran {
    let ran = shell.run("serve --listen 127.0.0.1:0").exits(1).says(part);
    assert!(!ran.err.contains("panicked"), "{}", ran.err);
    ran
}

/// A registration, which must succeed.
#[track_caller]
fn registers(server: &Process) {
    let made = server.anonymous().post("/register/", registration("ann@example.com"));
    assert_eq!(made.status, 201, "{made:?}");
}

#[test]
fn files_are_the_owners_alone_whatever_the_umask() {
    let shell = Shell::empty();
    let server = Process::of(script("sh", shell.folder(), "umask 0000; exec authsrv serve --listen 127.0.0.1:0"));
    registers(&server);
    let mut names = Vec::new();
    for file in std::fs::read_dir(shell.folder()).unwrap() {
        let file = file.unwrap();
        let mode = file.metadata().unwrap().mode() & 0o7777;
        assert_eq!(mode, 0o600, "R-54: {:?} has {mode:04o}", file.file_name());
        names.push(file.file_name().into_string().unwrap());
    }
    names.sort();
    let database = ["", "-shm", "-wal", ".ballast", ".lock"].map(|ending| format!("authsrv.db{ending}"));
    let all: Vec<String> = database.into_iter().chain(["authsrv.key".to_owned()]).collect();
    assert_eq!(names, all, "and nothing else is left about");
}

#[test]
fn files_open_to_others_stop_the_start() {
    for (name, mode) in [
        ("authsrv.key", 0o644),
        ("authsrv.key", 0o640),
        ("authsrv.key", 0o602),
        ("authsrv.db", 0o644),
        ("authsrv.db", 0o660),
        ("authsrv.db", 0o604),
        ("authsrv.db.lock", 0o666),
    ] {
        let shell = Shell::new();
        chmod(&shell.file(name), mode);
        refuses(&shell, "chmod 600").says(name);
        assert_eq!(std::fs::metadata(shell.file(name)).unwrap().mode() & 0o7777, mode, "and it is left as it was");
    }
    // What a server leaves that was killed. (Empty ones SQLite closes by itself.)
    for name in ["authsrv.db-wal", "authsrv.db-shm"] {
        let shell = Shell::new();
        registers(&shell.serve());
        chmod(&shell.file(name), 0o644);
        refuses(&shell, "chmod 600");
    }
}

#[test]
fn links_are_not_followed() {
    for name in ["authsrv.db", "authsrv.key", "authsrv.db.lock"] {
        let shell = Shell::new();
        std::fs::rename(shell.file(name), shell.file("elsewhere")).unwrap();
        symlink(shell.file("elsewhere"), shell.file(name)).unwrap();
        refuses(&shell, name);
    }
    // A link put where a file is about to be made.
    for name in ["authsrv.db", "authsrv.key", "authsrv.db.lock"] {
        let shell = Shell::empty();
        symlink(shell.file("target"), shell.file(name)).unwrap();
        refuses(&shell, name);
        assert!(!shell.file("target").exists(), "R-54: {name} was followed");
    }
}

#[test]
fn a_directory_that_others_write_to_stops_the_start() {
    let shell = Shell::new();
    for mode in [0o777, 0o775, 0o770, 0o730, 0o707, 0o1777] {
        chmod(shell.folder(), mode);
        refuses(&shell, "director").says("chmod go-w");
    }
    chmod(shell.folder(), 0o755);
    drop(shell.serve());
    chmod(shell.folder(), 0o777);
    let mut command = shell.server();
    command.env("AUTHSRV_ALLOW_OPEN_DIRECTORY", "true");
    drop(Process::of(command));
    chmod(shell.folder(), 0o700);
}

#[test]
fn without_its_master_key_a_database_is_not_served_and_gets_no_other() {
    let shell = Shell::new();
    let key = std::fs::read(shell.file("authsrv.key")).unwrap();
    std::fs::remove_file(shell.file("authsrv.key")).unwrap();
    refuses(&shell, "missing");
    assert!(!shell.file("authsrv.key").exists(), "R-55: a new master key was made in silence");

    let other = Shell::new();
    std::fs::copy(other.file("authsrv.key"), shell.file("authsrv.key")).unwrap();
    refuses(&shell, "is not the one of this database");
    for wrong in ["", "\n", "authsrv-master-key-1:", "authsrv-master-key-1:AAAA", "x", "\0\0\0\0"] {
        std::fs::write(shell.file("authsrv.key"), wrong).unwrap();
        refuses(&shell, "damaged");
        assert_eq!(std::fs::read(shell.file("authsrv.key")).unwrap(), wrong.as_bytes(), "and it is left as it was");
    }
    std::fs::remove_file(shell.file("authsrv.key")).unwrap();
    std::fs::create_dir(shell.file("authsrv.key")).unwrap();
    refuses(&shell, "not a regular file");
    std::fs::remove_dir(shell.file("authsrv.key")).unwrap();
    std::fs::write(shell.file("authsrv.key"), key).unwrap();
    chmod(&shell.file("authsrv.key"), 0o600);
    drop(shell.serve());
}

#[test]
fn other_peoples_files_are_left_alone() {
    let shell = Shell::empty();
    for (name, bytes) in [("text.db", b"hello".as_slice()), ("long.db", &[b'x'; 8192]), ("zero.db", &[0; 4096])] {
        std::fs::write(shell.file(name), bytes).unwrap();
        chmod(&shell.file(name), 0o600);
        shell.run(&format!("serve --listen 127.0.0.1:0 --db {name}")).exits(1);
        assert_eq!(std::fs::read(shell.file(name)).unwrap(), bytes, "{name}");
    }
    for path in ["/dev/null", "/dev/zero", "/proc/self/mem", ".", "/"] {
        let ran = shell.run(&format!("serve --listen 127.0.0.1:0 --db {path}"));
        assert!([1, 2].contains(&ran.code), "{path}: {ran:?}");
    }
}
