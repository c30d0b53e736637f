//! `authsrv actions`.

use super::call::Call;
use super::catalog::{self, Create, One, Update};
use super::failure::Failure;
use super::lists::Part;
use super::output::Output;
use crate::domain::catalog::Kind;

/// What can be done with actions.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// List actions
    List(Part),
    /// Make an action; done already if there is one with the same values
    #[command(after_help = "Example:\n  authsrv actions create --name Publish --code-name publish")]
    Create(Create),
    /// Change an action
    Update(Update),
    /// Delete an action and its permissions; asks first
    Delete(One),
}

/// Runs one of them.
pub fn run(command: Command, call: &Call) -> Result<Output<'_>, Failure> {
    match command {
        Command::List(part) => catalog::list(&part, Kind::Action, call),
        Command::Create(args) => catalog::create(args, Kind::Action, call),
        Command::Update(args) => catalog::update(args, Kind::Action, call),
        Command::Delete(one) => catalog::delete(&one, Kind::Action, call),
    }
}
