//! `check`: 0 allowed, 1 denied, and commands that really grant what is missing.

use crate::support::PASSWORD;
use crate::support::shell::Shell;

#[test]
fn the_exit_code_is_the_answer() {
    let shell = Shell::new();
    shell.user("ann@example.com");
    let denied = shell.run("check ann@example.com documents read").exits(1);
    assert_eq!(denied.out, "denied\n");
    shell.run("roles grant ann@example.com viewer").done();
    assert_eq!(shell.run("check ann@example.com documents read").done().out, "allowed\n");
    assert_eq!(shell.json("check ann@example.com documents read")["allowed"], true);
    shell.run("check nobody@example.com documents read").exits(1).says("no user");
}

#[test]
fn the_explanation_names_the_path() {
    let shell = Shell::new();
    shell.user("ann@example.com");
    shell.run("roles grant ann@example.com viewer").done();
    let ran = shell.run("check ann@example.com documents read --explain").done();
    ran.prints("ann@example.com -> viewer -> documents:read");
    shell.pipe("createsuperuser --email root@example.com --password-stdin", PASSWORD).done();
    shell.run("check root@example.com documents read --explain").done().prints("superuser");
}

#[test]
fn each_command_that_it_names_grants_it() {
    let shell = Shell::new();
    shell.user("ann@example.com");
    shell.run("roles grant 1 viewer").done();
    let commands = shell.json("check 1 users delete --explain")["commands"].clone();
    let commands: Vec<&str> = commands.as_array().unwrap().iter().map(|command| command.as_str().unwrap()).collect();
    assert!(commands.contains(&"authsrv roles grant ann@example.com admin"), "{commands:?}");
    assert!(commands.contains(&"authsrv roles allow viewer users:delete"), "{commands:?}");
    for (command, undo) in commands.iter().zip(["roles revoke 1 admin", "roles deny viewer users:delete"]) {
        shell.run("check 1 users delete").exits(1);
        shell.run(command.strip_prefix("authsrv ").unwrap()).done();
        shell.run("check 1 users delete").done();
        shell.run(undo).done();
    }
}

#[test]
fn it_says_what_does_not_exist_or_is_not_active() {
    let shell = Shell::new();
    shell.user("ann@example.com");
    let ran = shell.run("check 1 documnts raed --explain").exits(1);
    ran.prints("no resource \"documnts\"; did you mean \"documents\"?").prints("did you mean \"read\"?");
    let bad = shell.run_all(&["check", "1", "My Papers", "read", "--explain"]).exits(1).prints("None can be named so");
    assert!(!bad.out.contains("authsrv"), "{}", bad.out);
    let short = shell.run("check 1 documnts read").exits(1).says("did you mean \"documents\"?");
    assert_eq!(short.out, "denied\n");
    shell.run("check 1 documents fly").exits(1).says("There is no action \"fly\".");
    shell.run("users deactivate 1").done();
    shell.run("check 1 documents read --explain").exits(1).prints("authsrv users activate ann@example.com");
}

#[test]
fn what_nothing_grants_yet_is_granted_by_the_line_that_it_prints() {
    let shell = Shell::new();
    shell.user("ann@example.com");
    shell.run("resources create --name Invoices --code-name invoices").done();
    shell.run("resources create --name orders --code-name others").done();
    shell.run("roles create --name invoices_read --code-name taken").done();
    for right in ["invoices read", "orders send", "documents fly"] {
        let commands = shell.json(&format!("check 1 {right} --explain"))["commands"].clone();
        let [command] = &commands.as_array().unwrap()[..] else { panic!("{commands}") };
        shell.paste(command.as_str().unwrap()).done();
        shell.run(&format!("check 1 {right}")).done();
        shell.run(&format!("check 1 {} delete", right.split(' ').next().unwrap())).exits(1);
    }
    assert_eq!(shell.json("roles show invoices_read_2")["permissions"], serde_json::json!(["invoices:read"]));
}

#[test]
fn a_name_is_safe_to_paste() {
    let shell = Shell::new();
    let words = ["users", "create", "--username", "x; rm -rf ~", "--password-stdin"];
    shell.pipe_all(&words, PASSWORD).done();
    shell.run("users deactivate 1").done();
    shell.run("check 1 documents read --explain").exits(1).prints("authsrv users activate 'x; rm -rf ~'");
    shell.run("--db authsrv.db check 1 documents read --explain").prints("authsrv --db authsrv.db users activate");
}
