//! The OpenAPI document against the server, by requests that schemathesis makes up: whatever is sent, an answer is one that
//! the document shows for that route, and none is a fault of the server.
//!
//! `.ci/run` fetches it from PyPI and says where it is; without that these tests say that they are left out, and pass.

use std::path::Path;

use crate::support::PASSWORD;
use crate::support::process::isolated;
use crate::support::shell::Shell;

/// Names the program.
const PROGRAM: &str = "AUTHSRV_TEST_SCHEMATHESIS";
/// What is checked of each answer.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance";
/// Who sends the requests; more than one, since some requests delete or demote somebody.
const SUPERUSERS: usize = 6;

/// Passes if it finds nothing. Aliases of paths are left out: they are the same routes.
fn finds_nothing(phases: &str, is_signed_in: bool) {
    let Some(program) = std::env::var_os(PROGRAM).filter(|program| !program.is_empty()) else {
        println!("left out: {PROGRAM} is not set; .ci/run fetches schemathesis and sets it");
        return;
    };
    let shell = Shell::new();
    (0..3).for_each(|number| shell.user(&format!("user{number}@example.com")));
    let superusers: Vec<String> = (0..SUPERUSERS).map(|number| format!("root{number}@example.com")).collect();
    superusers.iter().for_each(|email| shell.superuser(email));
    if is_signed_in {
        // What is made up makes for many wrong passwords, and is to go on all the same; those of nobody meet the limits.
        let limits = authsrv::domain::settings::ALL.iter().filter(|setting| setting.key.starts_with("guard."));
        limits.for_each(|setting| drop(shell.run(&format!("settings set {} 0", setting.key)).done()));
    }
    let server = shell.serve();
    let url = format!("http://{}", server.address);
    let mut command = isolated(program, shell.folder());
    command.args(["run", &format!("{url}/api/schema/"), "--checks", CHECKS, "--phases", phases, "--seed", "1"]);
    command.args(["--max-examples", "5", "--exclude-deprecated", "--continue-on-failure", "--warnings", "off"]);
    // A proxy of the caller's would keep it from a server on this machine.
    command.env("no_proxy", "127.0.0.1").env("HOME", shell.folder());
    if is_signed_in {
        command.env("SCHEMATHESIS_HOOKS", "schemathesis_hooks").env("AUTHSRV_URL", &url);
        command.env("PYTHONPATH", Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients"));
        command.env("AUTHSRV_SUPERUSERS", superusers.join(",")).env("AUTHSRV_PASSWORD", PASSWORD);
        command.env("PYTHONDONTWRITEBYTECODE", "1");
    }
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("Test cases:"), "it did nothing: {said}");
}

#[test]
fn a_superuser_gets_no_answer_that_is_not_documented() {
    finds_nothing("examples,coverage", true);
}

#[test]
fn nobody_gets_an_answer_that_is_not_documented() {
    finds_nothing("examples,coverage,fuzzing", false);
}
