//! An insider and an intruder against the audit trail: to fill the disk with refusals, to write events that did
//! not happen by what he calls himself, to remove or change what he did over the API or in the file, and to find
//! passwords in it that were typed into the wrong field.

use rustix::process::Signal;
use serde_json::{Value, json};

use super::wire::{exchange, request};
use crate::support::PASSWORD;
use crate::support::process::Process;
use crate::support::shell::Shell;

const TYPED: &str = "Vertipptes-Kennwort-Sturm-4417";

fn installation() -> (Shell, Process) {
    let shell = Shell::new();
    shell.user("ann@example.com");
    shell.superuser("root@example.com");
    let server = shell.serve();
    (shell, server)
}

fn events(shell: &Shell, words: &str) -> Vec<Value> {
    shell.json(&format!("audit list {words}")).as_array().unwrap().clone()
}

#[test]
fn refusals_do_not_fill_the_disk() {
    let (shell, mut server) = installation();
    let ann = server.bearer(&server.anonymous().sign_in("ann@example.com").access);
    let before = events(&shell, "").len();
    for n in 0..300 {
        assert_eq!(ann.get(&format!("/users/?page={n}&x={n}")).status, 403);
        assert_eq!(ann.delete(&format!("/users/{n}/")).status, 403);
    }
    assert!(events(&shell, "").len() <= before + 2, "they are written off the path of the request");
    server.stop(Signal::TERM);
    let denied = events(&shell, "--event authz.denied --user ann@example.com");
    let mut found: Vec<(&str, i64)> = Vec::new();
    for event in &denied {
        assert!(
            event["result"] == "denied" && event["door"] == "rbac" && event["ip_address"] == "127.0.0.1",
            "{event}"
        );
        let details = &event["details"];
        let route = if details["route"] == "GET /users/" { "GET" } else { "DELETE" };
        assert!(details["right"] == "users:read" || details["right"] == "users:delete", "{details}");
        found.push((route, details["count"].as_i64().unwrap()));
    }
    // A minute may have begun in between.
    let counted = |route| found.iter().filter(|(name, _)| *name == route).map(|(_, count)| count).sum::<i64>();
    assert_eq!((counted("GET"), counted("DELETE")), (300, 300));
    assert!(found.len() <= 4, "{found:?}");
    shell.run("audit verify").done();
}

#[test]
fn no_name_forges_an_event() {
    let (shell, server) = installation();
    let forged =
        "x\r\n{\"id\":1,\"action\":\"user.deleted\"}\n\u{1b}[2J\u{202e}\",\"action\":\"user.deleted\",\"x\":\"";
    let root = server.bearer(&server.anonymous().sign_in("root@example.com").access);
    for body in [json!({"first_name": forged}), json!({"last_name": format!("{forged}{}", "y".repeat(100))})] {
        let changed = root.patch("/users/1/", body);
        assert!([200, 400].contains(&changed.status), "{changed:?}");
    }
    let made = root.post("/roles/", json!({"name": forged, "code_name": "forged", "description": forged}));
    assert!([201, 400].contains(&made.status), "{made:?}");
    let agent = "User-Agent: \u{9b}31m{\"action\":\"user.deleted\"}\u{202e}\r\nConnection: close\r\nContent-Type: application/json\r\n";
    let body = json!({"email": "ann@example.com", "password": PASSWORD}).to_string();
    let headers = format!("{agent}Content-Length: {}\r\n", body.len());
    let mut sent = request("POST", "/login/", &headers);
    sent.push_str(&body);
    exchange(server.address, sent).unwrap();
    let count = events(&shell, "").len();
    let export = shell.run("audit export").done().out;
    assert_eq!(export.lines().count(), count);
    for line in export.lines() {
        assert!(line.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "R-45: {line}");
        let event: Value = serde_json::from_str(line).unwrap();
        assert_ne!(event["action"], "user.deleted", "{line}");
    }
    for form in ["table", "plain"] {
        let listed = shell.run(&format!("audit list --fields all -o {form}")).done().out;
        let acts = |c: char| c.is_control() && c != '\n' && !(form == "plain" && c == '\t');
        assert!(!listed.chars().any(|c| acts(c) || c == '\u{202e}'), "R-45: {listed:?}");
        let lines = listed.lines().count();
        assert!(form == "table" || lines == count, "{lines} lines for {count} events");
    }
    let over_http = root.get("/audit/?page_size=200").json();
    assert_eq!(over_http["count"], count);
    shell.run("audit verify").done();
}

#[test]
fn no_request_changes_or_removes_an_event() {
    let (shell, server) = installation();
    let root = server.bearer(&server.anonymous().sign_in("root@example.com").access);
    let before = shell.run("audit export").done().out;
    for prefix in ["/", "/api/auth/"] {
        for method in ["POST", "PUT", "PATCH", "DELETE"] {
            let answer = root.json(method, &format!("{prefix}audit/"), &json!({"action": "x"}));
            assert_eq!((answer.status, answer.header("allow")), (405, Some("GET, HEAD, OPTIONS")), "{method}");
            assert!([404, 405].contains(&root.json(method, &format!("{prefix}audit/1/"), &json!({})).status));
        }
    }
    let shorter = root.patch("/settings/", json!({"audit.retention": 1}));
    assert_eq!(shorter.status, 400, "{shorter:?}");
    assert_eq!(root.patch("/users/2/", json!({"first_name": "R"})).status, 200);
    assert_eq!(root.delete("/users/1/").status, 204);
    let after = shell.run("audit export").done().out;
    assert!(after.starts_with(&before), "what is written stays as it was, also of a user who is deleted");
    // Who may not read it sees nothing of it, and that there is nothing to see is not told either.
    shell.user("bob@example.com");
    let bob = server.bearer(&server.anonymous().sign_in("bob@example.com").access);
    assert_eq!(bob.get("/audit/").json()["required"], "audit:read");
    assert_eq!(server.anonymous().get("/audit/").status, 401);
}

#[test]
fn what_was_done_to_the_file_is_seen() {
    let (shell, mut server) = installation();
    server.anonymous().sign_in("ann@example.com");
    server.stop(Signal::TERM);
    let copy = Shell::empty();
    for ending in [".db", ".key"] {
        std::fs::copy(shell.file(&format!("authsrv{ending}")), copy.file(&format!("authsrv{ending}"))).unwrap();
    }
    copy.run("audit verify").done();
    let raw = rusqlite::Connection::open(copy.file("authsrv.db")).unwrap();
    raw.execute("DELETE FROM audit WHERE action = 'login.succeeded'", []).unwrap_err();
    raw.execute_batch("DROP TRIGGER audit_append_only_delete; DELETE FROM audit WHERE action = 'login.succeeded'")
        .unwrap();
    drop(raw);
    copy.run("audit verify").exits(1).says("removed");
    // Nor does it help to go on with it, nor to do so without the key.
    copy.run("roles grant ann@example.com viewer").done();
    copy.run("audit verify").exits(1).says("removed");
    std::fs::remove_file(copy.file("authsrv.key")).unwrap();
    assert_ne!(copy.run("roles revoke ann@example.com viewer").code, 0, "nothing is written that cannot be sealed");
    assert_ne!(copy.run("audit verify").code, 0);
    shell.run("audit verify").done();
}

/// who types his password where his name belongs does not find it in the trail.
#[test]
fn what_is_typed_in_the_wrong_field_is_not_kept() {
    let (shell, mut server) = installation();
    let nobody = server.anonymous();
    for body in [
        json!({"email": TYPED, "password": "x"}),
        json!({"username": TYPED, "password": TYPED}),
        json!({"email": "ann@example.com", "password": TYPED}),
        json!({"email": format!("{TYPED}@example.com"), "password": TYPED}),
    ] {
        assert!([400, 401, 429].contains(&nobody.post("/login/", body).status));
    }
    server.stop(Signal::TERM);
    let export = shell.run("audit export").done().out;
    assert!(!export.to_lowercase().contains(&TYPED.to_lowercase()), "{export}");
}
