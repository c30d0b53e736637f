//! `authsrv resources`.

use super::call::Call;
use super::catalog::{self, Create, One, Update};
use super::failure::Failure;
use super::lists::Part;
use super::output::Output;
use crate::domain::catalog::Kind;

/// What can be done with resources.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// List resources
    List(Part),
    /// Make a resource; done already if there is one with the same values
    #[command(after_help = "Example:\n  authsrv resources create --name Projects --code-name projects")]
    Create(Create),
    /// Change a resource
    Update(Update),
    /// Delete a resource and its permissions; asks first
    Delete(One),
}

/// Runs one of them.
pub fn run(command: Command, call: &Call) -> Result<Output<'_>, Failure> {
    match command {
        Command::List(part) => catalog::list(&part, Kind::Resource, call),
        Command::Create(args) => catalog::create(args, Kind::Resource, call),
        Command::Update(args) => catalog::update(args, Kind::Resource, call),
        Command::Delete(one) => catalog::delete(&one, Kind::Resource, call),
    }
}
