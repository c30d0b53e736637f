//! Names that would move the cursor, colour or turn the line of whoever lists them at the shell.

use rustix::process::Signal;
use serde_json::json;

use crate::support::PASSWORD;
use crate::support::process::Process;
use crate::support::shell::{Ran, Shell};

/// What somebody may call himself.
const NAMES: [&str; 9] = [
    "\u{1b}[2J\u{1b}[31mroot",
    "\u{1b}]0;owned\u{7}",
    "\u{1b}]8;;http://evil.example\u{1b}\\click\u{1b}]8;;\u{1b}\\",
    "Ann\u{202e}nimda",
    "Ann\nroot@example.com\tyes",
    "Ann\r\nBob\u{8}\u{8}\u{8}",
    "\u{9b}31mred\u{85}\u{2028}line",
    "a\u{200b}\u{200d}\u{feff}\u{ad}b\u{e0041}",
    "\u{2066}left\u{2069}\u{200f}",
];

/// Characters that act: all controls but the line feed, separators, marks of direction, and what is not seen.
fn acts(c: char) -> bool {
    (c.is_control() && c != '\n')
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{e0000}'..='\u{e0fff}')
}

#[track_caller]
fn inert(ran: &Ran, plain: bool, about: &str) {
    for text in [&ran.out, &ran.err] {
        let found = text.chars().find(|c| acts(*c) && !(plain && *c == '\t'));
        assert!(found.is_none(), "R-45: {about}: {found:?} in {text:?}");
    }
}

#[test]
fn names_are_inert_in_every_form() {
    let shell = Shell::new();
    let mut command = shell.server();
    command.args(["--log", "debug"]);
    let mut server = Process::of(command);
    shell.superuser("root@example.com");
    let root = server.bearer(&server.anonymous().sign_in("root@example.com").access);
    for (at, name) in NAMES.iter().enumerate() {
        let body = json!({
            "email": format!("a{at}@example.com"), "password": PASSWORD, "password2": PASSWORD,
            "first_name": name, "last_name": name, "middle_name": name,
        });
        let made = server.anonymous().post("/register/", body);
        assert!([201, 400].contains(&made.status), "{name:?}: {made:?}");
        for list in ["roles", "resources", "actions"] {
            let body = json!({"name": format!("n{at}{name}"), "code_name": format!("c{at}"), "description": name});
            let made = root.post(&format!("/{list}/"), body);
            assert!([201, 400].contains(&made.status), "{name:?}: {made:?}");
        }
        // Refused addresses and names come back in messages.
        server.anonymous().post("/login/", json!({"email": name, "password": name}));
        root.post("/users/1/roles/", json!({"role": name}));
    }
    for words in [
        "users list",
        "users show a0@example.com",
        "roles list",
        "roles show c0",
        "resources list",
        "actions list",
        "sessions list",
        "tokens list",
        "check a0@example.com c0 c0 --explain",
        "settings list",
        "doctor",
    ] {
        for form in ["table", "plain", "json"] {
            let ran = shell.run(&format!("{words} -o {form}"));
            inert(&ran, form == "plain", &format!("{words} {form}"));
            if form == "json" && words != "doctor" {
                ran.json();
            }
            if form == "plain" && words == "users list" {
                let columns: Vec<usize> = ran.out.lines().map(|line| line.split('\t').count()).collect();
                assert!(columns.iter().all(|count| *count == columns[0]), "R-45: a name makes columns: {ran:?}");
            }
        }
    }
    let log = server.stop(Signal::TERM);
    assert!(!log.chars().any(|c| acts(c) && c != '\t'), "R-45: in the log: {log:?}");
}

#[test]
fn what_is_typed_comes_back_inert() {
    let shell = Shell::new();
    let evil = "\u{1b}[31m\u{202e}x\n\u{7}";
    for words in [
        vec!["users", "show", evil],
        vec!["users", "delete", evil, "--yes"],
        vec!["users", "create", "--email", evil, "--password-stdin"],
        vec!["users", "create", "--username", evil, "--password-stdin"],
        vec!["roles", "show", evil],
        vec!["roles", "create", "--name", evil, "--code-name", evil],
        vec!["roles", "grant", evil, evil],
        vec!["roles", "allow", "viewer", evil],
        vec!["roles", "allow", "viewer", "\u{1b}[31m:\u{202e}"],
        vec!["resources", "delete", evil, "--yes"],
        vec!["actions", "create", "--name", "x", "--code-name", evil],
        vec!["check", evil, evil, evil],
        vec!["check", evil, evil, evil, "--explain"],
        vec!["settings", "get", evil],
        vec!["settings", "set", evil, evil],
        vec!["settings", "set", "public_url", evil],
        vec!["settings", "set", "registration.mode", evil],
        vec!["sessions", "list", "--user", evil],
        vec!["sessions", "revoke", evil],
        vec!["tokens", "revoke", evil],
        vec!["users", "list", "--ordering", evil],
        vec!["users", "list", "-o", evil],
        vec!["--db", evil, "users", "list"],
        vec!["--config", evil, "users", "list"],
        vec!["seed", evil],
        vec![evil],
        vec!["users", evil],
        vec!["users", "list", "--\u{1b}[31m"],
        vec!["serve", "--listen", evil],
        vec!["serve", "--log", evil],
    ] {
        let ran = shell.pipe_all(&words, PASSWORD);
        assert!([1, 2].contains(&ran.code), "{words:?}: {ran:?}");
        inert(&ran, false, &format!("{words:?}"));
    }
    for list in ["users", "roles", "resources", "actions", "sessions", "tokens"] {
        inert(&shell.run_all(&[list, "list", "--search", evil]), false, list);
    }
    let ran = shell.pipe("tokens inspect", &format!("{evil}.{evil}.{evil}"));
    inert(&ran, false, "tokens inspect");
    let ran = shell.pipe("users create --email ann@example.com --password-stdin", evil);
    inert(&ran, false, "a password");
}

#[test]
fn a_seed_file_with_escapes_is_inert_in_its_complaints() {
    let shell = Shell::new();
    std::fs::write(
        shell.file("evil.toml"),
        "[[roles]]\nname = \"\\u001b[31mx\"\ncode_name = \"\\u001b[31m\u{202e}\"\n",
    )
    .unwrap();
    std::fs::write(shell.file("plan.toml"), "[[roles]]\nname = \"\\u001b[31mx\\u202e\"\ncode_name = \"ok\"\n").unwrap();
    for words in ["seed evil.toml", "seed plan.toml --dry-run", "seed plan.toml"] {
        inert(&shell.run(words), false, words);
    }
}
