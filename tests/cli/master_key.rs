//! The master key at the shell: changed under a running server, and everything that can be wrong with its file.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Stdio;
use std::time::Instant;

use serde_json::json;

use crate::live::Site;
use crate::support::PASSWORD;
use crate::support::former::SECRET;
use crate::support::shell::Shell;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn the_master_key_is_changed_and_a_running_server_follows() {
    let site = Site::new();
    let key = site.shell.file("authsrv.key");
    let before = fs::read(&key).unwrap();
    let ann = site.person("ann@example.com");
    let ran = site.run("keys reseal").done().says("Changed the master key").says("old master key only");
    let after = fs::read(&key).unwrap();
    assert!(before != after && mode(&key) == 0o600);
    for line in [&before, &after] {
        let secret = String::from_utf8_lossy(line).trim().rsplit(':').next().unwrap().to_owned();
        assert!(!ran.err.contains(&secret) && !ran.out.contains(&secret), "R-53");
    }
    assert_eq!(ann.client.get("/me/").status, 200);
    let next = site.server.anonymous().post("/token/refresh/", json!({"refresh": ann.refresh}));
    assert_eq!(next.status, 200, "{next:?}");
    // A key that the server has not seen yet was sealed with the new one.
    site.run("keys rotate --now").done();
    assert_eq!(site.sign_in("ann@example.com").client.get("/me/").status, 200);
    site.run("keys reseal").done();
    let doctor = site.run("doctor -o plain");
    assert!(doctor.out.contains("ok\tsigning key") && doctor.out.contains("ok\tmaster key"), "{doctor:?}");
    let Site { shell, mut server } = site;
    server.stop(rustix::process::Signal::TERM);
    let server = shell.serve();
    assert_eq!(server.bearer(&server.anonymous().sign_in("ann@example.com").access).get("/me/").status, 200);
    drop(server);
    fs::write(&key, &before).unwrap();
    shell.run("serve --listen 127.0.0.1:0").exits(1).says("is not the one of this database").says("--master-key-file");
}

#[test]
fn r54_a_server_refuses_a_key_that_is_missing_wrong_or_open_to_others() {
    let shell = Shell::new();
    let (key, away) = (shell.file("authsrv.key"), shell.file("away.key"));
    let serve = "serve --listen 127.0.0.1:0";
    for wide in [0o640, 0o604, 0o660, 0o666, 0o644] {
        fs::set_permissions(&key, fs::Permissions::from_mode(wide)).unwrap();
        shell.run(serve).exits(1).says("is open to others").says("chmod 600");
        let ran = shell.run("keys generate").exits(1).says("is open to others").says("chmod 600");
        assert!(!ran.err.contains("internal error"), "a file that is open is no fault of the program: {ran:?}");
    }
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    fs::rename(&key, &away).unwrap();
    for command in [serve, "keys generate", "keys reseal", "migrate"] {
        let ran = shell.run(command);
        assert!(ran.code != 0 && ran.err.contains("is missing") && ran.err.contains("backup"), "{command}: {ran:?}");
        assert!(!key.exists(), "no other key is made beside what is sealed: {command}");
    }
    symlink(&away, &key).unwrap();
    shell.run(serve).exits(1).says("symbolic link");
    fs::remove_file(&key).unwrap();
    let other = Shell::new();
    fs::copy(other.file("authsrv.key"), &key).unwrap();
    shell.run(serve).exits(1).says("is not the one of this database").says("backup");
    let ran = shell.run("keys generate");
    assert!(ran.code != 0 && ran.err.contains("is not the one of this database"), "{ran:?}");
    fs::remove_file(&key).unwrap();
    fs::rename(&away, &key).unwrap();
    shell.run("keys generate").done();
    drop(shell.serve());
}

/// A database whose keys are all revoked still has sealed things in it.
#[test]
fn no_master_key_is_made_where_anything_is_sealed() {
    let shell = Shell::new();
    fs::write(shell.file("secret.txt"), SECRET).unwrap();
    fs::set_permissions(shell.file("secret.txt"), fs::Permissions::from_mode(0o600)).unwrap();
    shell.run("keys import --hs256 --file secret.txt").done();
    let connection = rusqlite::Connection::open(shell.file("authsrv.db")).unwrap();
    connection.execute_batch("UPDATE signing_keys SET revoked_at = 1 WHERE signs = 1").unwrap();
    drop(connection);
    fs::remove_file(shell.file("authsrv.key")).unwrap();
    shell.run("serve --listen 127.0.0.1:0").exits(1).says("is missing");
    assert!(!shell.file("authsrv.key").exists());
}

/// killed at any instant, a change of the master key leaves a database and a file that go together.
#[test]
fn a_change_that_is_killed_leaves_what_works() {
    let shell = Shell::new();
    shell.user("ann@example.com");
    let begun = Instant::now();
    shell.run("keys reseal").done();
    let mut wait = begun.elapsed() / 2;
    let (mut killed, mut changed) = (0, 0);
    for round in 0..20_u32 {
        let before = fs::read(shell.file("authsrv.key")).unwrap();
        let mut child = shell.process("keys reseal").stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(wait);
        child.kill().unwrap();
        killed += u32::from(!child.wait().unwrap().success());
        let is_changed = fs::read(shell.file("authsrv.key")).unwrap() != before;
        changed += u32::from(is_changed);
        // Around the instant at which the one key takes the place of the other.
        wait = if is_changed { wait * 8 / 10 } else { wait * 115 / 100 };
        let doctor = shell.run("doctor -o plain").out;
        assert!(doctor.contains("ok\tsigning key") && doctor.contains("ok\tmaster key"), "round {round}: {doctor}");
        shell.run(&format!("settings set refresh.grace {}", 10 + round)).done();
        shell.run("audit verify").done();
    }
    assert!(killed > 0 && changed > 0, "{killed} were killed, {changed} changed the key");
    let server = shell.serve();
    assert_eq!(server.bearer(&server.anonymous().sign_in("ann@example.com").access).get("/me/").status, 200);
    drop(server);
    shell.run("keys reseal").done();
    let names = fs::read_dir(shell.folder()).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    assert_eq!(names.filter(|name| name.contains(".key")).collect::<Vec<_>>(), ["authsrv.key"]);
}

/// systemd lends a key as a file that only the service may read, named by a variable.
#[test]
fn a_credential_of_systemd_is_the_master_key() {
    let shell = Shell::empty();
    let lent = shell.file("lent");
    fs::create_dir(&lent).unwrap();
    let line = "authsrv-master-key-1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\n";
    fs::write(lent.join("authsrv.key"), line).unwrap();
    fs::set_permissions(lent.join("authsrv.key"), fs::Permissions::from_mode(0o400)).unwrap();
    let run =
        |words: &str| shell.command(words).env("CREDENTIALS_DIRECTORY", &lent).write_stdin(PASSWORD).output().unwrap();
    assert!(run("migrate").status.success());
    assert!(!shell.file("authsrv.key").exists(), "none is made beside the database");
    assert!(run("keys generate").status.success());
    shell.run("keys generate --algorithm EdDSA").exits(1).says("is missing");
    assert_eq!(fs::read_to_string(lent.join("authsrv.key")).unwrap(), line);
}
