//! `authsrv completions` and `authsrv man`: made from the command tree itself. Neither needs a database.

use clap::Command;

use super::failure::Failure;
use super::output::Output;
use crate::domain::advice::Advice;

/// Options of `completions`.
#[derive(Debug, clap::Args)]
pub struct Completions {
    /// Shell
    #[arg(value_enum)]
    shell: clap_complete::Shell,
}

/// Options of `man`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  authsrv man | man -l -\n  authsrv man users create | man -l -")]
pub struct Args {
    /// Page of this command, such as `users create` [default: of authsrv itself]
    command: Vec<String>,
}

const SOURCE: &str = concat!("authsrv ", env!("CARGO_PKG_VERSION"));

/// A completion script.
pub fn completions(args: &Completions, mut root: Command) -> Output<'static> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut root, "authsrv", &mut script);
    Output::bytes(script)
}

/// A manual page in roff.
pub fn page(args: &Args, mut root: Command) -> Result<Output<'static>, Failure> {
    root.build();
    let mut command = &root;
    for word in &args.command {
        command = command.find_subcommand(word).ok_or_else(|| {
            Failure::usage(format!("no command \"{}\"", args.command.join(" ")))
                .hint(Advice::run("help").and(" shows them all"))
        })?;
    }
    let mut page = Vec::new();
    // Writing to memory cannot fail.
    let _ = clap_mangen::Man::new(command.clone()).source(SOURCE).render(&mut page);
    Ok(Output::bytes(page))
}
