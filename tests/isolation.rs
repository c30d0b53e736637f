//! The tests see nothing of their caller's environment: the program is started in one place, which keeps it away.

use std::path::Path;
use std::process::Command;

use authsrv::config::SETTINGS;

use crate::layers::sources;

/// One test for each way to start the program: a command, a terminal, a pipe, a server, a script.
const STARTS: [&str; 7] = [
    "cli::output::an_empty_list_says_so_on_standard_error",
    "cli::terminal::a_deletion_is_asked_for",
    "cli::terminal::a_table_has_colour_on_a_terminal_and_never_with_no_color",
    "cli::output::a_closed_pipe_is_no_error",
    "cli::serve::a_first_start_makes_everything_and_says_where_it_is",
    "attacks::open_files::files_are_the_owners_alone_whatever_the_umask",
    "readme::the_setup_script_may_be_run_twice",
];

#[test]
fn variables_of_the_caller_reach_no_program() {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.arg("--exact").args(STARTS);
    command.envs(SETTINGS.map(|setting| (setting.variable, "/nowhere/at/all")));
    command.envs([("AUTHSRV_OUTPUT", "xml"), ("NO_COLOR", "1"), ("COLUMNS", "9"), ("RUST_LOG", "trace")]);
    command.envs([("http_proxy", "http://127.0.0.1:1"), ("BASH_ENV", "/nowhere/at/all")]);
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains(&format!("test result: ok. {} passed", STARTS.len())), "{said}");
}

#[test]
fn the_program_is_started_in_one_place() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let mut files = Vec::new();
    sources(&root, &mut files, &root);
    let mut starting: Vec<&str> = Vec::new();
    for file in &files {
        let text = std::fs::read_to_string(root.join(file)).unwrap();
        if ["CARGO_BIN_EXE", "cargo_bin", "Command::new"].iter().any(|way| text.contains(way)) {
            starting.push(file);
        }
    }
    assert_eq!(starting, ["isolation.rs", "support/process.rs"], "start the program with support::process::authsrv");
}
