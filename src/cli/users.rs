//! `authsrv users`: the accounts.

mod change;
mod create;
mod import;

use std::collections::HashMap;
use std::ffi::OsString;

use super::call::Call;
use super::failure::Failure;
use super::lists::{Fields, Part, everything};
use super::output::{Cell, Columns, Output, Record};
use super::prompt::Secret;
use super::sessions;
use crate::domain::catalog::Kind;
use crate::domain::ids::UserId;
use crate::service::users::Account;
use crate::service::{catalog, roles, users};

pub use change::told;
pub use create::Who;
pub use import::{Import, django};

/// What can be done with users.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// List users
    #[command(
        after_help = "Examples:\n  authsrv users list --search ann --active\n  authsrv users list -o plain | cut -f 2"
    )]
    List(List),
    /// Show one user
    Show(One),
    /// Make a user; done already if there is one with the values that are named
    Create(create::Create),
    /// Change a user
    Update(change::Update),
    /// Let a user in again
    Activate(One),
    /// Keep a user out, at once
    Deactivate(One),
    /// Delete a user and all sessions of that user; asks first
    Delete(One),
    /// Set a user's password and end the sessions
    SetPassword(SetPassword),
    /// End all sessions and API tokens of a user; does not ask
    Logout(One),
    /// Take over the users of another program
    #[command(subcommand)]
    Import(Import),
}

/// Options of `users list`.
#[derive(Debug, clap::Args)]
pub struct List {
    #[command(flatten)]
    part: Part,
    /// Only active ones
    #[arg(long, conflicts_with = "inactive")]
    active: bool,
    /// Only inactive ones
    #[arg(long)]
    inactive: bool,
}

/// One user.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub struct One {
    /// Id, e-mail, phone or username
    #[arg(value_name = "USER")]
    user: String,
}

/// Options of `users set-password`.
#[derive(Debug, clap::Args)]
pub struct SetPassword {
    #[command(flatten)]
    one: One,
    #[command(flatten)]
    secret: Secret,
    // Taken so that it can be refused without repeating it, as the parser would.
    #[arg(hide = true)]
    typed: Vec<OsString>,
}

/// Runs one of them.
pub fn run(command: Command, call: &Call) -> Result<Output<'_>, Failure> {
    match command {
        Command::List(args) => list(&args, call),
        Command::Show(one) => show(&one, call),
        Command::Create(args) => create::run(args, call),
        Command::Update(args) => change::update(args, call),
        Command::Activate(one) => change::activate(&one, call),
        Command::Deactivate(one) => change::deactivate(&one, call),
        Command::Delete(one) => change::delete(&one, call),
        Command::SetPassword(args) => change::set_password(&args, call),
        Command::Logout(one) => sessions::end_of_user(&one.user, call),
        Command::Import(Import::Django(args)) => django(&args, &args.read()?, call),
    }
}

const FIELDS: Fields = Fields {
    all: &[
        "id",
        "email",
        "phone",
        "username",
        "first_name",
        "last_name",
        "middle_name",
        "is_active",
        "pending",
        "is_staff",
        "is_superuser",
        "roles",
        "date_joined",
        "last_login",
        "updated_at",
        "force_logout_at",
    ],
    usual: &[
        "id",
        "email",
        "phone",
        "username",
        "first_name",
        "last_name",
        "is_active",
        "is_staff",
        "is_superuser",
        "roles",
        "last_login",
        "pending",
    ],
    table: &[
        "id",
        "email",
        "is_active",
        "roles",
        "is_superuser",
        "phone",
        "username",
        "last_name",
        "first_name",
        "last_login",
        "is_staff",
        "pending",
    ],
};

fn list<'a>(args: &List, call: &'a Call) -> Result<Output<'a>, Failure> {
    let mut listing = args.part.listing(users::ORDER)?;
    listing.active = (args.active || args.inactive).then_some(args.active);
    let roles = RoleNames::load(call)?;
    let fetch = move |listing: &_| users::list(&call.ctx(), listing);
    let columns = args.part.columns(&FIELDS, call.format)?;
    Ok(Output::many(args.part.list("No users.", columns, listing, fetch, move |account| record(&account, &roles))))
}

fn show<'a>(one: &One, call: &'a Call) -> Result<Output<'a>, Failure> {
    shown(&call.user(&one.user)?, call)
}

/// A user as the answer of a command.
pub fn shown<'a>(account: &Account, call: &'a Call) -> Result<Output<'a>, Failure> {
    let names = roles::of_user(&call.ctx(), account.user.id)?;
    let names = RoleNames(names.into_iter().map(|role| (role.id, role.code_name)).collect());
    Ok(Output::one(record(account, &names)))
}

/// How users are called, for lists of what is theirs.
pub struct Labels<'a> {
    call: &'a Call,
    wanted: bool,
    known: HashMap<UserId, String>,
}

/// Labels that are remembered; bounds the memory that a list needs.
const LABELS: usize = 10_000;

impl<'a> Labels<'a> {
    /// Labels for the column `user`, looked up only if it is printed.
    pub fn wanted_by(columns: &Columns, call: &'a Call) -> Self {
        Self { call, wanted: columns.fields.contains(&"user"), known: HashMap::new() }
    }

    /// The record with the label of the user whose it is, or the id of one who was deleted meanwhile.
    pub fn added(&mut self, mut record: Record, id: UserId) -> Record {
        if self.wanted {
            if self.known.len() == LABELS {
                self.known.clear();
            }
            let look =
                || users::get(&self.call.ctx(), id).map_or(id.to_string(), |found| found.user.label().to_owned());
            record.0.push(("user", Cell::text(self.known.entry(id).or_insert_with(look))));
        }
        record
    }
}

/// Code names of roles by their ids.
pub struct RoleNames(HashMap<i64, String>);

impl RoleNames {
    fn load(call: &Call) -> Result<Self, Failure> {
        let roles = everything(|listing| catalog::list(&call.ctx(), Kind::Role, listing))?;
        Ok(Self(roles.into_iter().map(|role| (role.id, role.code_name)).collect()))
    }
}

fn record(account: &Account, roles: &RoleNames) -> Record {
    let user = &account.user;
    let roles = account.roles.iter().filter_map(|id| roles.0.get(&id.0).cloned()).collect();
    Record(vec![
        ("id", Cell::Number(user.id.0)),
        ("email", Cell::maybe(user.email.as_ref().map(|email| email.as_str()))),
        ("phone", Cell::maybe(user.phone.as_ref().map(|phone| phone.as_str()))),
        ("username", Cell::maybe(user.username.as_ref().map(|name| name.as_str()))),
        ("first_name", Cell::text(&user.first_name)),
        ("last_name", Cell::text(&user.last_name)),
        ("middle_name", Cell::maybe(user.middle_name.as_ref())),
        ("is_active", Cell::Bool(user.is_active)),
        ("pending", Cell::maybe(user.pending.map(|pending| pending.as_str()))),
        ("is_staff", Cell::Bool(user.is_staff)),
        ("is_superuser", Cell::Bool(user.is_superuser)),
        ("roles", Cell::List(roles)),
        ("date_joined", Cell::Time(user.date_joined)),
        ("last_login", Cell::time(user.last_login)),
        ("updated_at", Cell::Time(user.updated_at)),
        ("force_logout_at", Cell::time(user.force_logout_at)),
    ])
}
