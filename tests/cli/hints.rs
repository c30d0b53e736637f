//! What is suggested to be typed next does what it says when it is pasted into a shell.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;

use crate::support::PASSWORD;
use crate::support::shell::{Ran, Shell};

/// The commands between backticks.
fn commands(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

#[test]
fn they_name_the_files_that_another_shell_would_not_know() {
    let shell = Shell::empty();
    shell.run_all(&["migrate", "--db", "my files.db", "--master-key-file", "keys"]).done();
    let told = |words: &[&str], variables: &[(&str, &str)]| {
        let mut command = shell.process("");
        Ran::from(command.args(words).envs(variables.iter().copied()).output().unwrap()).exits(1).err
    };
    let show = ["users", "show", "9"];
    let flag = told(&[&["--db", "my files.db", "--master-key-file", "keys"], &show[..]].concat(), &[]);
    assert_eq!(commands(&flag), ["authsrv --db 'my files.db' --master-key-file keys users list"]);
    shell.paste(commands(&flag)[0]).done();
    let variables = [("AUTHSRV_DB", "my files.db"), ("AUTHSRV_MASTER_KEY_FILE", "keys")];
    assert_eq!(told(&show, &variables), flag);
    fs::write(shell.folder().join(".env"), "AUTHSRV_DB='my files.db'\nAUTHSRV_MASTER_KEY_FILE=keys\n").unwrap();
    let listed = told(&show, &[]);
    assert_eq!(commands(&listed), ["authsrv users list"]);
    shell.paste(commands(&listed)[0]).done();
}

/// The printer puts the program in front of commands: a text that names it itself would be wrong under `cargo run`.
#[test]
fn no_text_names_the_program_in_a_command() {
    fn look(folder: &Path, found: &mut Vec<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                look(&path, found);
                continue;
            }
            let text = fs::read_to_string(&path).unwrap_or_default();
            let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
            let wrong = lines.filter(|line| line.contains("`authsrv ") || line.contains(": authsrv "));
            found.extend(wrong.map(|line| format!("{}: {line}", path.display())));
        }
    }
    let mut found = Vec::new();
    look(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn they_call_the_program_as_it_was_called() {
    let shell = Shell::empty();
    let run = |called: &str| {
        let mut command = shell.process("doctor");
        Ran::from(command.arg0(called).output().unwrap()).exits(1)
    };
    run("target/release/authsrv").says("make one with: `target/release/authsrv serve`");
    run("authsrv").says("make one with: `authsrv serve`");
    run("a b/authsrv").says("`'a b/authsrv' serve`");
    shell.run("migrate").done();
    run("./authsrv").prints("./authsrv createsuperuser");
}

#[test]
fn somebody_whose_name_reads_as_an_option_is_named_by_his_id() {
    let shell = Shell::new();
    for (flag, name) in [("--username", "--help"), ("--email", "--db=x@example.com")] {
        let flag = format!("{flag}={name}");
        shell.pipe(&format!("users create {flag} --password-stdin"), PASSWORD).done();
    }
    for id in [1, 2] {
        let listed = shell.json(&format!("check {id} documents read --explain"))["commands"].clone();
        let grant = listed.as_array().unwrap().iter().find(|command| command.as_str().unwrap().contains("viewer"));
        shell.paste(grant.unwrap().as_str().unwrap()).done();
        shell.run(&format!("check {id} documents read")).done();
    }
    assert!(!shell.folder().join("x@example.com").exists());
}

#[test]
fn the_master_key_may_lie_anywhere_for_every_command() {
    for make in ["migrate", "seed", "createsuperuser --email root@example.com --password-stdin"] {
        let shell = Shell::empty();
        let lies = |name: &str| Path::new(shell.folder()).join(name).exists();
        shell.pipe(&format!("{make} --master-key-file elsewhere"), PASSWORD).done();
        assert!(lies("elsewhere") && !lies("authsrv.key"), "{make}");
        shell.run("doctor -o plain").prints("problem\tmaster key").prints("--master-key-file PATH");
        let ran = shell.run("doctor -o plain --master-key-file elsewhere");
        assert!(!ran.out.contains("problem\tmaster key"), "{}", ran.out);
        let missing = shell.run("migrate").exits(1);
        missing.says("backup").says("--master-key-file PATH").says("AUTHSRV_MASTER_KEY_FILE");
    }
}
