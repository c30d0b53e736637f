//! `audit`: the trail at the shell.

use std::os::unix::fs::PermissionsExt;

use authsrv::crypto::mac::{hex, sha256};
use serde_json::Value;

use crate::support::shell::Shell;

fn told() -> Shell {
    let shell = Shell::new();
    shell.user("ann@example.com");
    shell.user("bob@example.com");
    shell.run("roles grant ann@example.com viewer").done();
    shell.run("users deactivate bob@example.com").done();
    shell.run("settings set registration.mode closed").done();
    shell
}

fn actions(listed: &Value) -> Vec<&str> {
    listed.as_array().unwrap().iter().map(|event| event["action"].as_str().unwrap()).collect()
}

#[test]
fn events_are_listed_newest_first_and_filtered() {
    let shell = told();
    let listed = shell.json("audit list --limit 5");
    let newest = ["settings.changed", "user.deactivated", "role.granted", "user.created", "user.created"];
    assert_eq!(actions(&listed), newest);
    assert!(listed[0]["actor_kind"] == "operator" && listed[0]["actor"].as_str().unwrap().contains('@'), "{listed}");
    assert_eq!(listed[2]["details"]["role"], "viewer", "as over HTTP and in an export: {listed}");
    assert!(listed[0]["door"] == "cli" && listed[0]["result"] == "ok", "{listed}");
    let of = |words: &str| -> Vec<String> {
        actions(&shell.json(&format!("audit list {words}"))).into_iter().map(str::to_owned).collect()
    };
    assert_eq!(of("--user ann@example.com"), ["role.granted", "user.created"]);
    assert_eq!(of("--user 2"), ["user.deactivated", "user.created"]);
    assert_eq!(of("--user 2 --event user.deactivated"), ["user.deactivated"]);
    assert_eq!(of("--event user"), ["user.deactivated", "user.created", "user.created"]);
    assert_eq!(of("--event user --ordering id --limit 1"), ["user.created"]);
    assert_eq!(of("--event user --since 1h --until 2999-01-01"), of("--event user"));
    assert_eq!(of("--event user --until 1h"), [""; 0]);
    assert_eq!(of("--since 2999-01-01T00:00:00Z"), [""; 0]);
    shell.run("audit list --event role").done().prints("role.granted");
    shell.run("audit list --since yesterday").exits(2).says("enter a time such as");
    shell.run("audit list --user nobody@example.com").exits(1).says("no user");
    // Events outlive those whom they are about.
    shell.run("users delete bob@example.com --yes").done();
    assert_eq!(of("--user 2 --event user.d"), ["user.deleted", "user.deactivated"]);
}

#[test]
fn a_whole_trail_is_said_to_be_whole_and_a_broken_one_where() {
    let shell = told();
    let whole = shell.run("audit verify").done().says("The audit trail is whole");
    let noted = whole.err.split_once("Newest: ").unwrap().1.trim().to_owned();
    shell.run("roles revoke ann@example.com viewer").done();
    shell.run(&format!("audit verify --expect {noted}")).done();
    shell.run(&format!("audit verify --expect {noted}0")).exits(2);
    let found = shell.json("audit verify");
    assert!(found["whole"] == true && found["fault"].is_null() && found["last_id"] == found["checked"], "{found}");
    let raw = rusqlite::Connection::open(shell.file("authsrv.db")).unwrap();
    raw.execute_batch("DROP TRIGGER audit_append_only_update; UPDATE audit SET actor = 'x' WHERE id = 4").unwrap();
    drop(raw);
    shell.run("audit verify").exits(1).says("event 4 was changed");
    let broken = shell.run("audit verify -o json").exits(1).json();
    assert!(broken["whole"] == false && broken["broken_id"] == 4 && broken["fault"] == "changed", "{broken}");
    shell.run("doctor").exits(1).prints("audit trail");
}

#[test]
fn an_export_goes_into_a_file_of_its_own() {
    let shell = told();
    let printed = shell.run("audit export").done();
    shell.run("audit export --file audit.jsonl").done().says("Wrote ");
    let file = shell.file("audit.jsonl");
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o7777, 0o600, "R-54");
    let written = std::fs::read_to_string(&file).unwrap();
    assert_eq!(written, printed.out);
    let mut previous = "0".repeat(64);
    for line in written.lines() {
        let (hashed, _) = line.rsplit_once(",\"hash\":\"").unwrap();
        let event: Value = serde_json::from_str(line).unwrap();
        assert_eq!(event["previous"], previous);
        previous = hex(&sha256(hashed.as_bytes()));
        assert_eq!(event["hash"], previous);
    }
    shell.run("audit export --file audit.jsonl").exits(1).says("there already");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), written, "R-54: nothing is overwritten");
    std::os::unix::fs::symlink(shell.file("elsewhere"), shell.file("link")).unwrap();
    shell.run("audit export --file link").exits(1);
    assert!(!shell.file("elsewhere").exists(), "R-54: no link is followed");
    shell.run("audit export --file no/such/folder").exits(1).says("cannot write");
    assert_eq!(shell.run("audit export --event role.granted").done().out.lines().count(), 1);
}

#[test]
fn what_is_too_old_is_pruned() {
    let shell = told();
    shell.run("audit prune").done().says("nothing was deleted");
    shell.run("settings set audit.retention 1s").done();
    std::thread::sleep(std::time::Duration::from_millis(1100));
    shell.run("audit prune").done().says("Deleted ");
    assert_eq!(actions(&shell.json("audit list")), ["audit.pruned"]);
    shell.run("audit verify").done().says("were pruned");
}
