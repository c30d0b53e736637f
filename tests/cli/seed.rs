//! `seed`.

use std::fs;

use crate::support::shell::{Ran, Shell};

const EDITORS: &str = "[[role]]\ncode_name = \"editor\"\nname = \"Editors\"\npermissions = [\"documents:read\"]\n";

#[test]
fn loading_again_changes_nothing() {
    let shell = Shell::new();
    let ran = shell.run("seed").done().says("unchanged");
    assert_eq!(ran.out, "");
    let plan = shell.json("seed --dry-run");
    assert!(plan.as_array().unwrap().iter().all(|step| step["change"] == "unchanged"));
}

#[test]
fn a_file_is_planned_loaded_and_pruned_after_a_yes() {
    let shell = Shell::new();
    fs::write(shell.folder().join("mine.toml"), EDITORS).unwrap();
    shell.run("seed mine.toml --dry-run -o plain").done().prints("added\trole\teditor").says("Nothing was changed");
    shell.run("roles show editor").exits(1);
    shell.run("seed mine.toml").done();
    assert_eq!(shell.json("roles show editor")["permissions"], serde_json::json!(["documents:read"]));
    let question = shell.run("seed mine.toml --prune").exits(2).says("--yes");
    question.says("Remove 3 things (role admin, role manager, role viewer)?");
    fs::write(shell.folder().join("less.toml"), EDITORS.replace("editor", "viewer").replace("Editors", "Viewer"))
        .unwrap();
    shell.run("seed less.toml --prune").exits(2).says("(viewer:users:read, viewer:roles:read, ");
    shell.run("roles show viewer").done();
    shell.run("seed mine.toml --prune --yes").done();
    shell.run("roles show viewer").exits(1);
}

/// A table shows what changes and counts the rest; scripts get all of the plan.
#[test]
fn a_plan_for_people_only_counts_what_is_unchanged() {
    let shell = Shell::new();
    fs::write(shell.folder().join("mine.toml"), EDITORS.replace("editor", "viewer").replace("Editors", "Viewer"))
        .unwrap();
    let table = shell.run("seed mine.toml --dry-run --prune").done();
    assert!(table.out.contains("removed") && !table.out.contains("unchanged"), "{}", table.out);
    let plain = shell.run("seed mine.toml --dry-run --prune -o plain").done();
    let count = |word: &str| plain.out.lines().filter(|line| line.starts_with(&format!("{word}\t"))).count();
    assert!(count("unchanged") > 0 && count("removed") > 0, "{}", plain.out);
    table.says(&format!("{} unchanged (-o plain lists what is unchanged, too).", count("unchanged")));
    let nothing = shell.run("seed --dry-run").done().says("Nothing to change.").says("unchanged (-o plain");
    assert_eq!(nothing.out, "");
}

#[test]
fn a_wrong_file_is_refused_whole_with_its_line() {
    let shell = Shell::empty();
    fs::write(shell.folder().join("mine.toml"), format!("{EDITORS}\n[[role]]\ncode_name = \"B A D\"\n")).unwrap();
    shell.run("seed mine.toml").exits(2).says("mine.toml:");
    assert!(!shell.folder().join("authsrv.db").exists(), "files are read before a database is made");
    shell.run("seed nowhere.toml").exits(2).says("nowhere.toml");
}

#[test]
fn a_file_is_named_as_it_was_typed() {
    let shell = Shell::empty();
    shell.run("seed roles").exits(2).says("error: roles: there is no such file");
    shell.run("seed -").exits(2).says("error: -: there is no such file");
}

#[test]
fn a_plan_makes_no_database() {
    let shell = Shell::empty();
    let temporary = shell.folder().join("tmp");
    fs::create_dir(&temporary).unwrap();
    let run = |words: &str| {
        let mut command = shell.process(words);
        Ran::from(command.env("TMPDIR", &temporary).output().unwrap()).done()
    };
    let plan = run("seed --dry-run -o json").says("Nothing was changed");
    let steps: serde_json::Value = serde_json::from_str(&plan.out).unwrap();
    assert!(steps.as_array().unwrap().iter().all(|step| step["change"] == "added"), "{steps}");
    fs::write(shell.folder().join("mine.toml"), EDITORS).unwrap();
    let mine = run("seed mine.toml --dry-run -o plain").prints("added\trole\teditor").prints("added\trole\tviewer");
    assert_eq!(fs::read_dir(&temporary).unwrap().count(), 0);
    assert_eq!(fs::read_dir(shell.folder()).unwrap().count(), 2, "the two that were there");
    assert_eq!(run("seed mine.toml -o plain").out, mine.out, "what is done is what was planned");
    assert_eq!(shell.json("seed --dry-run").as_array().unwrap().len(), steps.as_array().unwrap().len());
}
