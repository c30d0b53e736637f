//! Where the program takes its own settings from, and what it says of a file that is not there.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::support::shell::{Ran, Shell};

#[test]
fn only_four_commands_make_a_database() {
    let shell = Shell::empty();
    let path = shell.folder().canonicalize().unwrap().join("authsrv.db");
    for words in ["users list", "roles show viewer", "settings list", "doctor", "tokens purge", "check a b c"] {
        shell.run(words).exits(1).says(path.to_str().unwrap()).says("--db PATH").says("authsrv serve");
    }
    assert_eq!(shell.folder().read_dir().unwrap().count(), 0, "nothing was made");
    shell.run("migrate").done();
    shell.run("users list").done();
}

#[test]
fn files_are_for_their_owner_alone() {
    let shell = Shell::new();
    for entry in shell.folder().read_dir().unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{:?} has mode {mode:o}", entry.file_name());
    }
    assert!(shell.folder().join("authsrv.key").exists());
}

#[test]
fn flag_over_variable_over_dotenv_over_file() {
    let shell = Shell::empty();
    let made = |name: &str| fs::remove_file(shell.folder().join(name)).is_ok();
    fs::write(shell.folder().join("authsrv.toml"), "db = \"file.db\"\n").unwrap();
    shell.run("migrate").done();
    assert!(made("file.db"));
    fs::write(shell.folder().join(".env"), "AUTHSRV_DB=dotenv.db\n").unwrap();
    shell.run("migrate").done();
    assert!(made("dotenv.db"));
    let with_variable = |words: &str| Ran::from(shell.command(words).env("AUTHSRV_DB", "var.db").output().unwrap());
    with_variable("migrate").done();
    assert!(made("var.db"));
    with_variable("migrate --db flag.db").done();
    assert!(made("flag.db"));
}

#[test]
fn a_bad_value_names_where_it_stands() {
    let shell = Shell::new();
    fs::write(shell.folder().join("authsrv.toml"), "\nlisten = \"everywhere\"\n").unwrap();
    shell.run("users list").exits(2).says("authsrv.toml, line 2").says("ADDRESS:PORT");
    fs::write(shell.folder().join("authsrv.toml"), "lisen = \"127.0.0.1:1\"\n").unwrap();
    shell.run("users list").exits(2).says("line 1").says("did you mean \"listen\"?");
    fs::remove_file(shell.folder().join("authsrv.toml")).unwrap();
    shell.run("users list --config nowhere.toml").exits(2).says("nowhere.toml (--config)");
    let wrong = shell.command("users list").env("AUTHSRV_OUTPUT", "xml").output().unwrap();
    Ran::from(wrong).exits(2).says("AUTHSRV_OUTPUT").says("table, json or plain");
}

#[test]
fn a_misspelt_variable_is_told_and_a_foreign_one_is_not() {
    let shell = Shell::new();
    let mut listed = shell.command("users list");
    listed.env("AUTHSRV_LISTN", "1").env("AUTHSRV_SERVICE_HOST", "1");
    let ran = Ran::from(listed.output().unwrap()).done().says("AUTHSRV_LISTN; did you mean AUTHSRV_LISTEN?");
    assert!(!ran.err.contains("SERVICE_HOST"), "{}", ran.err);
}

#[test]
fn the_output_form_comes_from_the_environment_too() {
    let shell = Shell::new();
    let listed = shell.command("users list").env("AUTHSRV_OUTPUT", "json").output().unwrap();
    assert_eq!(Ran::from(listed).done().out, "[]\n");
}

#[test]
fn the_output_form_comes_from_the_files_too() {
    let shell = Shell::new();
    let listed = |words: &str| shell.run(&format!("users list {words}")).done();
    fs::write(shell.folder().join("authsrv.toml"), "output = \"json\"\n").unwrap();
    assert_eq!(listed("").out, "[]\n");
    fs::write(shell.folder().join(".env"), "OTHER=hello world\nAUTHSRV_OUTPUT=table\n").unwrap();
    listed("").says("No users.");
    assert_eq!(listed("-o json").out, "[]\n");
    fs::remove_file(shell.folder().join(".env")).unwrap();
    fs::write(shell.folder().join("authsrv.toml"), "output = \"xml\"\n").unwrap();
    shell.run("users list").exits(2).says("authsrv.toml, line 1").says("table, json or plain");
}

#[test]
fn a_foreign_file_is_left_alone() {
    let shell = Shell::empty();
    let path = shell.folder().join("notes.db");
    fs::write(&path, "these are my notes, not a database of anybody").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    shell.run("migrate --db notes.db").exits(1).says("notes.db");
    assert_eq!(fs::read_to_string(&path).unwrap(), "these are my notes, not a database of anybody");
}

#[test]
fn a_missing_folder_is_told_with_what_to_do() {
    let shell = Shell::empty();
    let folder = shell.folder().join("nowhere");
    let told = format!("there is no folder {0}\nhint: make it with: mkdir -p {0}", folder.display());
    for command in ["migrate", "createsuperuser --email a@example.com", "seed", "serve --listen 127.0.0.1:0"] {
        shell.run(&format!("{command} --db nowhere/authsrv.db")).exits(1).says(&told);
    }
}
