//! `authsrv roles`: the roles, what they allow, and who has them.

mod grants;

use std::collections::HashMap;

use super::call::Call;
use super::catalog::{self as shared, One, Update};
use super::conflicts;
use super::failure::Failure;
use super::lists::{Fields, Part, everything};
use super::output::{Cell, Output, Record};
use crate::domain::catalog::{Kind, Permission};
use crate::domain::ids::RoleId;
use crate::service::roles::Role;
use crate::service::{Ensured, catalog, permissions, roles};

/// What can be done with roles.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// List roles
    List(Part),
    /// Show a role and what it allows
    Show(One),
    /// Make a role; done already if there is one with the same names
    Create(Create),
    /// Change a role's names
    Update(Update),
    /// Delete a role and revoke it from all users; asks first
    Delete(One),
    /// Grant a role to a user
    #[command(after_help = "Example:\n  authsrv roles grant ann@example.com viewer")]
    Grant(grants::Membership),
    /// Revoke a role from a user
    #[command(after_help = "Example:\n  authsrv roles revoke ann@example.com viewer")]
    Revoke(grants::Membership),
    /// Grant permissions to a role
    #[command(after_help = "Example:\n  authsrv roles allow editor documents:read documents:update")]
    Allow(grants::Permissions),
    /// Revoke permissions from a role
    #[command(after_help = "Example:\n  authsrv roles deny editor documents:update")]
    Deny(grants::Permissions),
}

/// Options of `roles create`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  authsrv roles create --name Clerk --code-name clerk --permission users:read")]
pub struct Create {
    #[command(flatten)]
    named: shared::Create,
    /// Allow this; may be repeated
    #[arg(long, value_name = "RESOURCE:ACTION")]
    permission: Vec<String>,
}

/// Runs one of them.
pub fn run(command: Command, call: &Call) -> Result<Output<'_>, Failure> {
    match command {
        Command::List(part) => list(&part, call),
        Command::Show(one) => show(RoleId(call.named(Kind::Role, &one.code)?.id), call),
        Command::Create(args) => create(args, call),
        Command::Update(args) => update(args, call),
        Command::Delete(one) => delete(&one, call),
        Command::Grant(args) => grants::grant(&args, call),
        Command::Revoke(args) => grants::revoke(&args, call),
        Command::Allow(args) => grants::allow(&args, call),
        Command::Deny(args) => grants::deny(&args, call),
    }
}

const FIELDS: Fields = Fields {
    all: &["id", "name", "code_name", "description", "permissions"],
    usual: &["id", "name", "code_name", "description"],
    table: &["id", "code_name", "name", "description"],
};

fn list<'a>(part: &Part, call: &'a Call) -> Result<Output<'a>, Failure> {
    let listing = part.listing(catalog::ORDER)?;
    let pairs = everything(|listing| permissions::list(&call.ctx(), listing))?;
    let pairs: HashMap<_, _> = pairs.into_iter().map(|pair| (pair.id, pair.right.to_string())).collect();
    let fetch = move |listing: &_| roles::list(&call.ctx(), listing);
    let row = move |role: Role| {
        let mut rights: Vec<String> = role.permissions.iter().filter_map(|id| pairs.get(id).cloned()).collect();
        rights.sort();
        record(&role, rights)
    };
    let columns = part.columns(&FIELDS, call.format)?;
    Ok(Output::many(part.list("No roles.", columns, listing, fetch, row)))
}

fn show(id: RoleId, call: &Call) -> Result<Output<'_>, Failure> {
    let role = roles::get(&call.ctx(), id)?;
    let rights = roles::permissions(&call.ctx(), id)?;
    Ok(Output::one(record(&role, texts(&rights))))
}

fn create(args: Create, call: &Call) -> Result<Output<'_>, Failure> {
    let which = grants::references(&args.permission)?;
    grants::known(&which, call)?;
    let if_missing = args.named.if_missing;
    let wanted = args.named.parsed()?;
    let (role, note) = match roles::ensure(&call.ctx(), wanted.clone(), &which)? {
        Ensured::Created(role) => (role, "Created"),
        Ensured::Unchanged(role) => (role, "Already exists with these values:"),
        Ensured::Differs(there, _) if if_missing && there.named.code_name == wanted.code_name.as_str() => {
            (there, shared::LEFT)
        }
        Ensured::Differs(there, fields) => {
            return Err(conflicts::of_named(Kind::Role, &there.named, &fields, &wanted, &args.permission));
        }
    };
    let (id, note) = (RoleId(role.named.id), format!("{note} role {}.", role.named.code_name));
    Ok(show(id, call)?.with_note(note))
}

fn update(args: Update, call: &Call) -> Result<Output<'_>, Failure> {
    let before = call.named(Kind::Role, &args.code)?;
    let id = RoleId(before.id);
    let wanted = args.parsed()?;
    let role = roles::update(&call.ctx(), id, wanted.clone(), None)
        .map_err(|error| conflicts::of_update(Kind::Role, error, &wanted, call))?;
    Ok(show(id, call)?.with_note(shared::updated(Kind::Role, &before, &role.named)))
}

fn delete<'a>(one: &One, call: &'a Call) -> Result<Output<'a>, Failure> {
    let named = call.named(Kind::Role, &one.code)?;
    call.prompt.confirm(&format!("Delete role {} and revoke it from all users who have it?", named.code_name))?;
    roles::delete(&call.ctx(), RoleId(named.id))?;
    Ok(Output::done(format!("Deleted role {}.", named.code_name), shared::deleted(&named)))
}

fn texts(permissions: &[Permission]) -> Vec<String> {
    let mut texts: Vec<String> = permissions.iter().map(|permission| permission.right.to_string()).collect();
    texts.sort();
    texts
}

fn record(role: &Role, permissions: Vec<String>) -> Record {
    let mut record = shared::record(&role.named);
    record.0.push(("permissions", Cell::List(permissions)));
    record
}
