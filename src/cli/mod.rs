//! The door at the terminal. A command is `Args` (what was typed) → service calls → `Output` (what comes of it); it
//! decides no right and writes no row. Exit codes are in `failure.rs`; printing is in `output.rs` and nowhere else.
//!
//! Start at `Command` below; each command has a file of its name.

mod actions;
mod api_tokens;
mod audit;
mod backup;
mod call;
mod catalog;
mod check;
mod conflicts;
mod createsuperuser;
mod doctor;
mod failure;
mod guard;
mod hash;
mod health;
mod holders;
mod inert;
mod keys;
mod lists;
mod logs;
mod mail;
mod man;
mod migrate;
mod operator;
mod output;
mod program;
mod prompt;
mod resources;
mod restore;
mod roles;
mod seed;
mod serve;
mod sessions;
mod settings;
mod start;
mod superuser;
mod tokens;
mod users;

use std::ffi::{OsStr, OsString};
use std::panic::{self, AssertUnwindSafe};

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::app::Missing;
use crate::config;
use call::Call;
use failure::{Code, Failure};
use output::{Format, Output};
use program::Program;
use start::{Start, warn};

/// Users, sign-in, sessions and rights for your REST APIs: one binary, one SQLite file.
#[derive(Debug, Parser)]
#[command(name = "authsrv", version, max_term_width = 100, after_help = EXAMPLES)]
struct Cli {
    #[command(flatten)]
    globals: Globals,
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  authsrv serve
  authsrv createsuperuser --email you@example.com
  authsrv users create --email ann@example.com --password-stdin < password.txt
  authsrv roles grant ann@example.com viewer
  authsrv check ann@example.com users delete --explain

USER is an id, e-mail, phone or username; ROLE, RESOURCE and ACTION are code names.
Settings come from flags > environment > .env > authsrv.toml > default.
Exit codes: 0 done, 1 refused (not found, conflict, denied, unhealthy), 2 wrong input,
  70 internal or the output cannot be written, 130 interrupted.";

/// Options of every command.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
struct Globals {
    /// Database file [env: AUTHSRV_DB] [default: authsrv.db]
    #[arg(long, global = true, value_name = "PATH")]
    db: Option<OsString>,
    /// File of the master key, made with the database
    /// [env: AUTHSRV_MASTER_KEY_FILE] [default: systemd's credential authsrv.key, else the path of the database with the
    /// ending .key]
    #[arg(long, global = true, value_name = "PATH")]
    master_key_file: Option<OsString>,
    /// File of the password for the mail server, which signs in the setting mail.smtp_user
    /// [env: AUTHSRV_SMTP_PASSWORD_FILE]
    #[arg(long, global = true, value_name = "PATH")]
    smtp_password_file: Option<OsString>,
    /// Configuration file [env: AUTHSRV_CONFIG] [default: authsrv.toml, if there is one]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<OsString>,
    /// Form of the data: table for people, json for scripts, plain for cut and grep [env: AUTHSRV_OUTPUT] [default: table]
    #[arg(short, long, global = true, value_name = "FORM", value_enum)]
    output: Option<Format>,
    /// Answer every question by yes
    #[arg(short, long, global = true)]
    yes: bool,
    /// Never ask; fail where an answer is needed
    #[arg(long, global = true)]
    no_input: bool,
}

impl Globals {
    /// How the program is called again on the same files.
    fn program(&self, called: Option<&OsStr>) -> Program {
        let known = |typed: &Option<OsString>, variable: &str| {
            typed.clone().or_else(|| std::env::var_os(variable).filter(|value| !value.is_empty()))
        };
        let settings = [
            (config::DB.flag, known(&self.db, config::DB.variable)),
            (config::MASTER_KEY_FILE.flag, known(&self.master_key_file, config::MASTER_KEY_FILE.variable)),
            (config::SMTP_PASSWORD_FILE.flag, known(&self.smtp_password_file, config::SMTP_PASSWORD_FILE.variable)),
            ("--config", known(&self.config, "AUTHSRV_CONFIG")),
        ];
        Program::new(called, &settings)
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server; makes the database if there is none
    Serve(serve::Args),
    /// Make a superuser; makes the database if there is none
    Createsuperuser(createsuperuser::Args),
    /// Make or upgrade the database
    Migrate,
    /// Write the database into a new file while the server runs, once or regularly, or verify such a file
    Backup(backup::Args),
    /// Put a backup in the place of the database; asks if there is one, and keeps it
    Restore(restore::Args),
    /// Load resources, actions, permissions and roles from files, or those that come with authsrv
    Seed(seed::Args),
    #[command(flatten)]
    Administer(Administer),
    /// Look for what is wrong or risky with this installation; exits 1 if anything is
    Doctor(doctor::Args),
    /// Say whether the server on this machine is ready; exits 1 if not
    Health(health::Args),
    /// Measure what hashing passwords costs on this machine
    #[command(subcommand)]
    Hash(hash::Command),
    /// Print a completion script, such as `authsrv completions bash > /etc/bash_completion.d/authsrv`
    Completions(man::Completions),
    /// Print a manual page, such as `authsrv man | man -l -`
    Man(man::Args),
}

/// Commands that need a database that is there.
#[derive(Debug, Subcommand)]
enum Administer {
    /// List, show, create, change and delete users
    #[command(subcommand)]
    Users(users::Command),
    /// List, show, create, change and delete roles, and grant and revoke them
    #[command(subcommand)]
    Roles(roles::Command),
    /// List, create, change and delete resources: what rights are about
    #[command(subcommand)]
    Resources(resources::Command),
    /// List, create, change and delete actions: what can be done to a resource
    #[command(subcommand)]
    Actions(actions::Command),
    /// List, show and end sessions: who is signed in, where
    #[command(subcommand)]
    Sessions(sessions::Command),
    /// List, revoke, inspect and purge tokens
    #[command(subcommand)]
    Tokens(tokens::Command),
    /// List, make, rotate, revoke, import and export keys: what tokens are signed and verified with
    #[command(subcommand)]
    Keys(keys::Command),
    /// List, verify, export and prune the audit trail: who did what, from where, when
    #[command(subcommand)]
    Audit(audit::Command),
    /// Show and lift what is limited: guesses at passwords, registrations, mails
    #[command(subcommand)]
    Guard(guard::Command),
    /// Say whether a user may do something; exits 0 if allowed, 1 if denied
    Check(check::Args),
    /// List mails, send a test mail, try failed ones again, write out the templates
    #[command(subcommand)]
    Mail(mail::Command),
    /// List, read and change the runtime settings; a running server obeys at once
    #[command(subcommand)]
    Settings(settings::Command),
}

/// Runs the command line, prints what comes of it and says how the program exits.
pub fn run(words: impl IntoIterator<Item = OsString>) -> Code {
    keep_to_ourselves();
    logs::watch();
    let words: Vec<OsString> = words.into_iter().collect();
    let called = words.first().cloned();
    let cli = match parsed(words) {
        Ok(cli) => cli,
        Err(error) => {
            let program = Program::new(called.as_deref(), &[]);
            return match prompt::typed_password(&error) {
                Some(failure) => output::complain(&failure, &program),
                None => output::usage(&error, &program),
            };
        }
    };
    let program = cli.globals.program(called.as_deref());
    // A panic has said what it has to say by itself.
    let result = panic::catch_unwind(AssertUnwindSafe(|| dispatch(cli, &program)));
    result.unwrap_or(Ok(Code::Internal)).unwrap_or_else(|failure| output::complain(&failure, &program))
}

/// Help of a command, which names the global options and does not explain them again.
const HELP: &str = "\
{before-help}{about-with-newline}
{usage-heading} {usage}

{all-args}

Global options: --db, --master-key-file, --smtp-password-file, --config, -o, -y, --no-input
  (explained in authsrv --help){after-help}";

/// The command line of `words`. Only the help of `authsrv` itself and of `serve` explains the global options: these two
/// show every setting of the process.
fn parsed(words: Vec<OsString>) -> Result<Cli, clap::Error> {
    let mut root = Cli::command();
    // Options of every command reach the commands when they are built; until then there is nothing to hide.
    root.build();
    let others = root.get_subcommands_mut().filter(|command| command.get_name() != "serve");
    others.for_each(|command| *command = brief(std::mem::take(command)));
    let mut matches = root.try_get_matches_from_mut(words)?;
    Cli::from_arg_matches_mut(&mut matches).map_err(|error| error.format(&mut root))
}

/// The command and those below it, with its global options hidden.
fn brief(command: clap::Command) -> clap::Command {
    let command = command.mut_args(|arg| if arg.is_global_set() { arg.hide(true) } else { arg });
    command.help_template(HELP).mut_subcommands(brief)
}

/// Files that are made belong to their owner alone, and no dump of the memory is ever written: it holds secrets.
/// Nothing that is run from here gets more rights than this has.
fn keep_to_ourselves() {
    use rustix::process::{self, Resource, Rlimit};
    process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    // Where the system does not let us, the files are still private.
    let _ = process::setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    #[cfg(target_os = "linux")]
    {
        let _ = process::set_dumpable_behavior(process::DumpableBehavior::NotDumpable);
        let _ = rustix::thread::set_no_new_privs(true);
    }
}

fn dispatch(cli: Cli, program: &Program) -> Result<Code, Failure> {
    let Cli { globals, command } = cli;
    match command {
        Command::Completions(args) => output::print(man::completions(&args, Cli::command()), Format::Plain),
        Command::Man(args) => output::print(man::page(&args, Cli::command())?, Format::Plain),
        Command::Serve(args) => {
            let (start, warnings) = Start::new(&globals, program, args.flags())?;
            let failed = |error| Failure::internal(format!("the log cannot begin: {error}"));
            let _log = logs::start(&start.config).map_err(failed)?;
            warnings.iter().for_each(|text| logs::warn(&start.config, text));
            serve::run(&start)
        }
        Command::Migrate => {
            let start = Start::command(&globals, program)?;
            output::print(migrate::run(&start)?, start.format)
        }
        Command::Backup(args) => backup::run(&args, &Start::command(&globals, program)?),
        Command::Restore(args) => {
            let start = Start::command(&globals, program)?;
            output::print(restore::run(&args, &start)?, start.format)
        }
        Command::Createsuperuser(args) => createsuperuser::run(args, &Start::command(&globals, program)?),
        Command::Seed(args) => {
            let start = Start::command(&globals, program)?;
            let files = args.read()?;
            let planned = if start.is_new() { Some(seed::plan_of_new(&args, &files, &start)?) } else { None };
            if let Some(plan) = planned.clone().filter(|_| args.is_plan()) {
                return output::print(seed::planned(plan, start.format), start.format);
            }
            let call = start.call(if args.is_plan() { Missing::Refuse } else { Missing::Create })?;
            output::print(seed::run(&args, &files, planned, &call)?, start.format)
        }
        Command::Doctor(args) => {
            let start = Start::command(&globals, program)?;
            output::print(doctor::run(&args, &start)?, start.format)
        }
        Command::Health(args) => {
            let (start, warnings) = Start::new(&globals, program, args.flags())?;
            warn(&warnings);
            output::print(health::run(&start)?, start.format)
        }
        Command::Hash(command) => {
            let start = Start::command(&globals, program)?;
            output::print(hash::run(&command)?, start.format)
        }
        Command::Administer(Administer::Users(users::Command::Import(users::Import::Django(args)))) => {
            let start = Start::command(&globals, program)?;
            // Before the database is opened: see `Django::read`.
            let source = args.read()?;
            let call = start.call(Missing::Refuse)?;
            output::print(users::django(&args, &source, &call)?, start.format)
        }
        Command::Administer(command) => {
            let start = Start::command(&globals, program)?;
            let call = start.call(Missing::Refuse)?;
            output::print(administer(command, &call)?, start.format)
        }
    }
}

fn administer(command: Administer, call: &Call) -> Result<Output<'_>, Failure> {
    match command {
        Administer::Users(command) => users::run(command, call),
        Administer::Roles(command) => roles::run(command, call),
        Administer::Resources(command) => resources::run(command, call),
        Administer::Actions(command) => actions::run(command, call),
        Administer::Sessions(command) => sessions::run(command, call),
        Administer::Tokens(command) => tokens::run(command, call),
        Administer::Keys(command) => keys::run(command, call),
        Administer::Audit(command) => audit::run(command, call),
        Administer::Guard(command) => guard::run(command, call),
        Administer::Check(args) => check::run(&args, call),
        Administer::Mail(command) => mail::run(command, call),
        Administer::Settings(command) => settings::run(command, call),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verify_cli() {
        Cli::command().debug_assert();
    }

    /// A command that is wrapped cannot be copied.
    #[test]
    fn every_example_fits_a_terminal() {
        let mut commands = vec![Cli::command()];
        while let Some(command) = commands.pop() {
            let text = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            for line in text.lines().filter(|line| line.starts_with("  authsrv ")) {
                assert!(line.len() <= 80, "{line}");
            }
            commands.extend(command.get_subcommands().cloned());
        }
    }
}
