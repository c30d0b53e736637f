//! The README does what it says: its tour and its setup script are run with the real binary, and its tables are compared
//! with the program. In expected output `…` stands for anything within a line, and a line of it alone for any lines.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use authsrv::domain::settings;

use crate::support::process::script;
use crate::support::shell::Shell;

const README: &str = include_str!("../README.md");
const ADDRESS: &str = "127.0.0.1:8000";

/// Blocks of the README that begin with this fence.
fn blocks(fence: &str) -> Vec<String> {
    let fence = format!("```{fence}\n");
    README.split(&fence).skip(1).map(|rest| rest.split("\n```").next().unwrap().to_owned()).collect()
}

/// A command and the output that the README shows for it.
struct Step {
    command: String,
    shown: Vec<String>,
}

fn steps(block: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for line in block.lines() {
        if let Some(command) = line.strip_prefix("$ ") {
            steps.push(Step { command: command.to_owned(), shown: Vec::new() });
        } else if let (Some(more), Some(step)) = (line.strip_prefix("> "), steps.last_mut()) {
            step.command = format!("{}\n{more}", step.command);
        } else {
            steps.last_mut().expect("output before a command").shown.push(line.to_owned());
        }
    }
    steps
}

/// Whether `line` is what `pattern` shows.
fn is_shown(pattern: &str, line: &str) -> bool {
    let mut pieces = pattern.split('…');
    let Some(mut rest) = line.strip_prefix(pieces.next().unwrap_or("")) else { return false };
    let pieces: Vec<&str> = pieces.collect();
    let Some((last, middle)) = pieces.split_last() else { return rest.is_empty() };
    for piece in middle {
        let Some(at) = rest.find(piece) else { return false };
        rest = &rest[at + piece.len()..];
    }
    rest.ends_with(last)
}

fn are_shown(patterns: &[String], lines: &[&str]) -> bool {
    match patterns.split_first() {
        None => lines.is_empty(),
        Some((any, rest)) if any == "…" => (0..=lines.len()).any(|skip| are_shown(rest, &lines[skip..])),
        Some((pattern, rest)) => {
            lines.split_first().is_some_and(|(line, others)| is_shown(pattern, line) && are_shown(rest, others))
        }
    }
}

/// Runs a script in `folder` with `authsrv` on the path, standard error in between standard output.
fn bash(folder: &Path, text: &str) -> Output {
    let mut command = script("bash", folder, &format!("exec 2>&1\n{text}"));
    command.env("CLERK_PASSWORD", "seven green bottles").output().expect("bash is installed")
}

#[test]
fn the_tour_shows_what_happens() {
    let shell = Shell::empty();
    let curl = bash(shell.folder(), "curl --version");
    assert!(curl.status.success(), "the tour is typed with curl: install curl and run this test again");
    let server = shell.serve();
    let address = server.address.to_string();
    let steps: Vec<Step> = blocks("console").iter().flat_map(|block| steps(block)).collect();
    let (start, tour) = steps.split_first().unwrap();
    assert_eq!(start.command, "cargo run --release -- serve");
    let banner = server
        .log_with("superuser")
        .replace(&address, ADDRESS)
        .replace("Make one: authsrv", "Make one: target/release/authsrv")
        .replace(&*shell.folder().to_string_lossy(), "/home/you/authsrv");
    assert!(are_shown(&start.shown, &banner.lines().collect::<Vec<_>>()), "{banner}");

    let commands: String = tour
        .iter()
        .enumerate()
        .map(|(at, step)| format!("{}\nprintf '\\n@@@{at}\\n'\n", step.command.replace(ADDRESS, &address)))
        .collect();
    let printed = String::from_utf8(bash(shell.folder(), &commands).stdout).unwrap().replace(&address, ADDRESS);
    let mut rest = printed.as_str();
    for (at, step) in tour.iter().enumerate() {
        let (output, after) = rest.split_once(&format!("\n@@@{at}\n")).expect("every command ends");
        let lines: Vec<&str> = output.lines().collect();
        assert!(
            are_shown(&step.shown, &lines),
            "$ {}\n{output}\nthe README shows:\n{}",
            step.command,
            step.shown.join("\n")
        );
        rest = after;
    }
}

/// That it does what it says is tested in `tests/clients.rs`, as the file that it must be.
#[test]
fn the_verifier_that_it_shows_is_the_one_that_is_tested() {
    let shown = blocks("python");
    assert!(shown.iter().any(|block| block == include_str!("clients/offline.py").trim_end()), "{shown:?}");
}

#[test]
fn the_setup_script_may_be_run_twice() {
    let shell = Shell::empty();
    let [setup] = &blocks("sh")[..] else { panic!("one setup script") };
    let first = bash(shell.folder(), setup);
    assert!(first.status.success(), "{}", String::from_utf8_lossy(&first.stdout));
    let state = |what: &str| shell.run(&format!("{what} list -o json")).done().out;
    // What is done to it later is left alone.
    let later = "authsrv users set-password clerk@example.com --password-stdin <<< 'eight green bottles' &&
        authsrv users update clerk@example.com --first-name Claire &&
        for list in roles resources actions; do authsrv $list update $(case $list in roles) echo clerk;;
            resources) echo invoices;; actions) echo pay;; esac) --description Other || exit; done";
    let changed = bash(shell.folder(), later);
    assert!(changed.status.success(), "{}", String::from_utf8_lossy(&changed.stdout));
    let lists = ["users", "roles", "resources", "actions"];
    let before: Vec<String> = lists.iter().map(|what| state(what)).collect();
    let second = bash(shell.folder(), setup);
    assert!(second.status.success(), "{}", String::from_utf8_lossy(&second.stdout));
    let after: Vec<String> = lists.iter().map(|what| state(what)).collect();
    assert!(before == after, "the second run changed something");
}

#[test]
fn the_settings_that_it_shows_are_taken() {
    let shell = Shell::new();
    let lines: Vec<&str> = README.lines().filter(|line| line.starts_with("authsrv settings set ")).collect();
    assert!(lines.len() >= 4, "{lines:?}");
    for line in lines {
        shell.paste(line).done();
    }
}

#[test]
fn every_setting_and_variable_stands_in_its_table() {
    for setting in settings::ALL {
        let default = match setting.default_value() {
            serde_json::Value::String(text) if text.is_empty() => "(empty)".to_owned(),
            serde_json::Value::Array(items) if items.is_empty() => "(empty)".to_owned(),
            serde_json::Value::String(text) => text,
            other => other.to_string(),
        };
        let row = format!("| `{}` | {default} | {} |", setting.key, setting.help);
        assert!(README.contains(&row), "the README lacks: {row}");
    }
    for setting in authsrv::config::SETTINGS {
        assert!(README.contains(&format!("`{}`", setting.variable)), "the README lacks {}", setting.variable);
    }
}

#[test]
fn the_commands_of_the_table_are_those_that_there_are() {
    let help = Shell::empty().run("--help").done().out;
    let commands = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let names = commands.lines().filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    for name in names.filter(|name| !name.is_empty() && *name != "help") {
        assert!(README.contains(&format!("`{name}")), "the README's table of commands lacks {name}");
    }
}

#[test]
fn the_map_names_files_that_there_are() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    for word in README.split('`').filter(|word| word.starts_with("src/") || word.starts_with("tests/")) {
        if !word.contains("NNNN") {
            assert!(fs::exists(root.join(word)).unwrap(), "the README names {word}");
        }
    }
}
