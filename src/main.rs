//! Runs the command that was typed and gives its exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    authsrv::cli::run(std::env::args_os()).into()
}
