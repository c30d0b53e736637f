//! `serve`: what it says at the start, and how it stops.

use rustix::process::Signal;

use crate::support::PASSWORD;
use crate::support::process::Process;
use crate::support::shell::Shell;

#[test]
fn a_first_start_makes_everything_and_says_where_it_is() {
    let shell = Shell::empty();
    let mut server = shell.serve();
    let said = server.log_with("/api/docs/");
    let database = shell.folder().canonicalize().unwrap().join("authsrv.db");
    assert!(said.contains(database.to_str().unwrap()), "{said}");
    assert_eq!(server.anonymous().get("/healthz").status, 200);
    server.stop(Signal::TERM);
    shell.run("roles show viewer").done();
}

#[test]
fn how_to_make_a_superuser_is_told_while_there_is_none() {
    let shell = Shell::empty();
    let told = || shell.serve().stop(Signal::INT).contains("authsrv createsuperuser --email you@example.com");
    assert!(told());
    shell.pipe("createsuperuser --email root@example.com --password-stdin", PASSWORD).done();
    assert!(!told());
}

#[test]
fn the_log_may_be_json_from_the_first_line() {
    let shell = Shell::empty();
    for level in ["warn", "off", "authsrv=error"] {
        let mut command = shell.server();
        command.args(["--log-format", "json", "--log", level]).env("AUTHSRV_LISTN", "1");
        let mut server = Process::of(command);
        let log = server.stop(Signal::TERM);
        let said: Vec<serde_json::Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let messages: Vec<&str> = said.iter().map(|line| line["message"].as_str().unwrap()).collect();
        let misspelt = "there is no variable AUTHSRV_LISTN; did you mean AUTHSRV_LISTEN?";
        assert_eq!(messages, [misspelt, "listening", "there is no superuser yet"], "{level}");
        assert_eq!(said[1]["address"], server.address.to_string());
    }
}
