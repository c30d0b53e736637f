//! Passwords and tokens where they do not belong: logs at their loudest, the database and its log, error bodies,
//! arguments.

use std::collections::BTreeSet;

use rustix::process::Signal;
use serde_json::json;

use super::wire::{exchange, request};
use crate::support::process::Process;
use crate::support::shell::Shell;

/// Passwords that are typed, each so odd that it is found wherever it is.
const GOOD: &str = "Korrekt-Pferd-Batterie-7751";
const NEXT: &str = "Zweites-Geheimnis-Klammer-8862";
const WRONG: &str = "Falsches-Wort-Laterne-9973";
const SUPER: &str = "Oberstes-Kennwort-Fenster-1184";
const SET: &str = "Gesetztes-Kennwort-Wolke-2295";
const BROKEN: &str = "Verungluecktes-Wort-Regen-3306";

#[track_caller]
fn absent(bytes: &[u8], secrets: &BTreeSet<String>, place: &str) {
    for secret in secrets {
        let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
        assert!(!found, "R-53: {secret} is in {place}");
    }
}

/// All that an account can do with passwords and tokens; gives the tokens.
fn scenario(server: &Process, shell: &Shell) -> Vec<String> {
    let mut tokens = Vec::new();
    let nobody = server.anonymous();
    let mut keep = |answer: &crate::support::http::Answer| {
        for key in ["access", "refresh"] {
            tokens.extend(answer.json()[key].as_str().map(str::to_owned));
        }
    };
    let body = json!({"email": "ann@example.com", "password": GOOD, "password2": GOOD});
    let first = nobody.post("/register/", body.clone());
    assert_eq!(first.status, 201, "{first:?}");
    keep(&first);
    keep(&nobody.post("/register/", body));
    keep(&nobody.post("/login/", json!({"email": "ann@example.com", "password": WRONG})));
    let second = nobody.post("/login/", json!({"email": "ann@example.com", "password": GOOD}));
    keep(&second);
    // In the wrong place: as a name, a key, a query, a path, a header.
    for answer in [
        nobody.post("/login/", json!({"email": BROKEN, "password": WRONG})),
        nobody.post("/login/", json!({"email": "a@example.com", "password": {"x": BROKEN}})),
        nobody.post("/login/", json!({"email": "a@example.com", "password": [BROKEN]})),
        nobody.post("/register/", json!({"email": "b@example.com", "password": BROKEN, "password2": WRONG})),
        nobody.send(
            "POST",
            "/login/",
            Some(("application/json", format!("{{\"password\": \"{BROKEN}\" x").into_bytes())),
        ),
        nobody.send(
            "POST",
            "/login/",
            Some(("application/x-www-form-urlencoded", format!("password={BROKEN}").into_bytes())),
        ),
        nobody.get(&format!("/login/?password={BROKEN}")),
        nobody.post("/token/refresh/", json!({"refresh": BROKEN})),
    ] {
        assert!((400..500).contains(&answer.status), "{answer:?}");
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        assert!(!text.contains(BROKEN) && !text.contains(WRONG), "R-53: {text}");
    }
    let headers =
        format!("Authorization: Bearer {BROKEN}.{BROKEN}.{BROKEN}\r\nCookie: x={BROKEN}\r\nConnection: close\r\n");
    exchange(server.address, request("GET", "/me/", &headers)).unwrap();
    let refresh = second.text("refresh");
    let third = nobody.post("/token/refresh/", json!({"refresh": refresh}));
    keep(&third);
    keep(&nobody.post("/token/refresh/", json!({"refresh": refresh})));
    let ann = server.bearer(&third.text("access"));
    let change =
        ann.post("/me/password/", json!({"current_password": GOOD, "new_password": NEXT, "new_password2": NEXT}));
    assert_eq!(change.status, 200, "{change:?}");
    ann.post("/me/password/", json!({"current_password": WRONG, "new_password": BROKEN}));
    let root = nobody.post("/login/", json!({"email": "root@example.com", "password": SUPER}));
    keep(&root);
    let root = server.bearer(&root.text("access"));
    assert_eq!(root.post("/users/", json!({"email": "c@example.com", "password": SET})).status, 201);
    assert_eq!(root.patch("/users/1/", json!({"password": SUPER})).status, 200);
    shell.pipe("users set-password c@example.com --password-stdin", SET).done();
    // In the wrong place.
    assert_eq!(ann.get(&format!("/sessions/{}/", third.text("refresh"))).status, 403);
    assert_eq!(nobody.get(&format!("/{GOOD}/")).status, 404);
    ann.post("/logout/", json!({"refresh": third.text("refresh")}));
    nobody.post("/token/refresh/", json!({"refresh": refresh}));
    tokens
}

#[test]
fn nothing_secret_is_logged_or_stored_in_clear() {
    for format in ["text", "json"] {
        let shell = Shell::new();
        shell.pipe("createsuperuser --email root@example.com --password-stdin", SUPER).done();
        let mut command = shell.server();
        command.args(["--log", "trace", "--log-format", format]);
        let mut server = Process::of(command);
        let tokens = scenario(&server, &shell);
        assert!(tokens.len() >= 10);
        let mut secrets: BTreeSet<String> = [GOOD, NEXT, WRONG, SUPER, SET, BROKEN].map(str::to_owned).into();
        for token in &tokens {
            // Whole, and its signature alone, without which the rest is worth nothing.
            secrets.insert(token.clone());
            secrets.insert(token.rsplit('.').next().unwrap().to_owned());
        }
        let mut seen = 0;
        for file in std::fs::read_dir(shell.folder()).unwrap() {
            let path = file.unwrap().path();
            let bytes = std::fs::read(&path).unwrap();
            absent(&bytes, &secrets, &path.display().to_string());
            seen += usize::from(bytes.len() > 4096);
        }
        assert!(seen >= 2, "the database and its log have been looked at");
        let log = server.stop(Signal::TERM);
        assert!(log.len() > 1000, "something is logged");
        assert!(!log.contains("$argon2"), "R-53: a hash is logged");
        absent(log.as_bytes(), &secrets, "the log");
        let database = std::fs::read(shell.file("authsrv.db")).unwrap();
        absent(&database, &secrets, "the database after a clean stop");
        // The private half of the signing key is there only sealed: in clear it would begin like this.
        let pkcs8 =
            [0x30, 0x81, 0x87, 0x02, 0x01, 0x00, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
        assert!(!database.windows(pkcs8.len()).any(|window| window == pkcs8), "R-55");
        let key = std::fs::read_to_string(shell.file("authsrv.key")).unwrap();
        let key = key.trim().rsplit(':').next().unwrap().to_owned();
        absent(&database, &BTreeSet::from([key.clone()]), "R-55: the database");
        absent(log.as_bytes(), &BTreeSet::from([key]), "the log");
    }
}

#[test]
fn no_secret_is_taken_as_an_argument() {
    let shell = Shell::new();
    for words in [
        &format!("users create --email a@example.com --password {GOOD}"),
        &format!("createsuperuser --email a@example.com --password {GOOD}"),
        &format!("users set-password a@example.com {GOOD}"),
        "tokens inspect a.b.c",
    ] {
        let ran = shell.run(words);
        assert_eq!(ran.code, 2, "R-53: {words}: {ran:?}");
    }
}

#[test]
fn a_crash_leaves_no_core_with_secrets() {
    let shell = Shell::new();
    let server = shell.serve();
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", server.id())).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    let words: Vec<&str> = core.split_whitespace().collect();
    assert_eq!(&words[4..6], ["0", "0"], "R-53: {core}");
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.id())).unwrap();
    assert!(status.contains("NoNewPrivs:\t1"), "{status}");
}
