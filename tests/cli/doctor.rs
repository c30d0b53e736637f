//! `doctor`: it reports, whatever state the installation is in.

use std::fs::{self, OpenOptions, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use authsrv::domain::settings::Profile;
use serde_json::Value;

use crate::support::PASSWORD;
use crate::support::shell::Shell;

fn healthy() -> Shell {
    let shell = Shell::new();
    fs::set_permissions(shell.folder(), Permissions::from_mode(0o700)).unwrap();
    shell.pipe("createsuperuser --email root@example.com --password-stdin", PASSWORD).done();
    shell
}

fn database(shell: &Shell) -> PathBuf {
    shell.folder().join("authsrv.db")
}

/// What is a problem or a warning: subject, text, advice.
fn bad(shell: &Shell) -> Vec<[String; 3]> {
    let ran = shell.run("doctor -o json");
    let found: Vec<Value> = serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {}", ran.err));
    let bad: Vec<_> =
        found.iter().filter(|row| ["problem", "warning"].contains(&row["level"].as_str().unwrap())).collect();
    assert_eq!(ran.code, i32::from(!bad.is_empty()), "{found:?}");
    let text = |row: &Value, field: &str| row[field].as_str().unwrap_or_default().to_owned();
    bad.into_iter().map(|row| ["subject", "text", "advice"].map(|field| text(row, field))).collect()
}

#[test]
fn doctor_exits_1_while_something_is_wrong() {
    let shell = Shell::new();
    let ran = shell.run("doctor -o plain").exits(1);
    ran.prints("problem\tsuperusers").prints("authsrv createsuperuser");
    fs::remove_file(shell.folder().join("authsrv.key")).unwrap();
    shell.run("doctor -o plain").exits(1).prints("problem\tmaster key");
}

/// In a table each finding is a line and each command a line of its own; what is well is only named.
#[test]
fn a_table_of_findings_has_commands_to_copy() {
    let shell = Shell::new();
    fs::set_permissions(shell.folder(), Permissions::from_mode(0o755)).unwrap();
    shell.run("settings set refresh.grace 60").done();
    let ran = shell.run("doctor").exits(1).says("3 findings need attention.");
    let lines: Vec<&str> = ran.out.lines().collect();
    let after = |start: &str| lines[lines.iter().position(|line| line.starts_with(start)).unwrap() + 1].trim_start();
    assert_eq!(after("problem  superusers: "), "authsrv createsuperuser");
    assert_eq!(after("warning  refresh.grace: "), "authsrv settings reset refresh.grace");
    assert!(after("warning  files: ").starts_with("chmod 700 "), "{}", ran.out);
    assert!(lines.last().unwrap().starts_with("ok       master key, process, database, "), "{}", ran.out);
    assert!(!ran.out.contains('│'), "{}", ran.out);
}

#[test]
fn notes_are_no_faults() {
    let shell = healthy();
    assert_eq!(bad(&shell), Vec::<[String; 3]>::new());
    let ran = shell.run("doctor -o plain").done().prints("note\tpublic_url").says("Nothing is wrong or risky.");
    assert!(!ran.err.contains("All is well"), "{}", ran.err);
    shell.run("settings set registration.mode closed").done();
    shell.run("settings set public_url https://auth.example.com").done();
    shell.run(&format!("settings set mail.folder {}", shell.file("mails").display())).done();
    shell.run("settings set mail.transport folder").done();
    shell.run("doctor").done().says("All is well.");
}

#[test]
fn a_database_that_is_not_opened_is_a_finding_among_others() {
    let shell = healthy();
    let path = database(&shell);
    let whole = fs::read(&path).unwrap();
    fs::remove_file(shell.folder().join("authsrv.key")).unwrap();
    let mode = |mode| fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
    let sql = |sql: &str| rusqlite::Connection::open(&path).unwrap().execute_batch(sql).unwrap();
    let states: [(&dyn Fn(), &str, &str); 6] = [
        (&|| mode(0o644), "others", "chmod 600"),
        (&|| sql("PRAGMA user_version = 99"), "schema 99", "newer program"),
        (&|| fs::write(&path, b"").unwrap(), "is empty", "backup"),
        (&|| fs::write(&path, [0xaa; 9000]).unwrap(), "not a database", "backup"),
        (&|| fs::write(&path, &whole[..50]).unwrap(), "malformed", "backup"),
        (&|| fs::write(&path, [&whole[..5000], &[0xaa; 5000]].concat()).unwrap(), "malformed", "backup"),
    ];
    for (spoil, text, advice) in states {
        spoil();
        let found = bad(&shell);
        let [_, says, asks] = found.iter().find(|[subject, ..]| subject == "database").unwrap();
        assert!(says.contains(text) && asks.contains(advice), "{found:?}");
        assert!(found.iter().any(|[subject, ..]| subject == "master key"), "it goes on: {found:?}");
        mode(0o600);
        let _ = fs::remove_file(shell.folder().join("authsrv.db-wal"));
        fs::write(&path, &whole).unwrap();
    }
}

#[test]
fn a_damaged_page_is_told_once() {
    let shell = healthy();
    let file = OpenOptions::new().write(true).open(database(&shell)).unwrap();
    file.set_len(3 * 4096).unwrap();
    let found = bad(&shell);
    assert!(found.iter().all(|[subject, _, advice]| subject == "database" && advice.contains("backup")), "{found:?}");
    assert!((1..=2).contains(&found.len()), "{found:?}");
}

/// Each setting beyond what is usual is a finding, and the command that it names mends it.
#[test]
fn risky_settings_are_told_with_the_command_that_mends_them() {
    let shell = healthy();
    let risky = [
        ("rbac.access_lifetime", "2h", "rbac.access_lifetime"),
        ("rbac.rotate_refresh", "false", "rbac.rotate_refresh"),
        ("rbac.session_lifetime", "91d", "rbac.session_lifetime"),
        ("rbac.refresh_lifetime", "31d", "rbac.refresh_lifetime"),
        ("simplejwt.access_lifetime", "3h", "simplejwt.access_lifetime"),
        ("sessions.per_user", "0", "sessions.per_user"),
        ("sessions.per_user", "101", "sessions.per_user"),
        ("refresh.grace", "31", "refresh.grace"),
        ("tokens.bearer_refresh", "true", "tokens.bearer_refresh"),
    ];
    for (key, value, subject) in risky {
        shell.run(&format!("settings set {key} {value}")).done();
        let found = bad(&shell);
        let [[named, _, advice]] = &found[..] else { panic!("{key} {value}: {found:?}") };
        assert_eq!(named, subject);
        shell.run(advice.strip_prefix("authsrv ").unwrap()).done();
        assert_eq!(bad(&shell), Vec::<[String; 3]>::new(), "{advice}");
        shell.run(&format!("settings reset {key}")).done();
    }
    for profile in Profile::ALL {
        shell.run(&format!("settings set {}.access_lifetime 1h", profile.as_str())).done();
    }
    assert_eq!(bad(&shell), Vec::<[String; 3]>::new(), "what is allowed is no risk");
    shell.run("settings set registration.mode example.com").done();
    assert!(bad(&shell)[0][2].contains("authsrv users activate"), "activation alone lets nobody in");
}
