//! What resources and actions have in common on the command line; roles share the options.

use super::call::Call;
use super::conflicts;
use super::failure::Failure;
use super::lists::{Fields, Part};
use super::output::{Cell, Output, Record};
use crate::domain::catalog::{CodeName, Kind, Named, NamedPatch, NewNamed};
use crate::domain::error::Result as Checked;
use crate::service::{Ensured, catalog};

/// Options of `create`.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub struct Create {
    /// Name for people
    #[arg(long)]
    pub name: String,
    /// Name for programs: a letter, then more of a-z, 0-9 and . _ -
    #[arg(long)]
    pub code_name: String,
    /// What it is for
    #[arg(long, value_name = "TEXT")]
    pub description: Option<String>,
    /// Leave one of this code name as it is, whatever its other values
    #[arg(long)]
    pub if_missing: bool,
}

/// Options of `update`. What is not named stays.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub struct Update {
    /// Code name as it is
    #[arg(value_name = "CODE")]
    pub code: String,
    /// New name for people
    #[arg(long)]
    pub name: Option<String>,
    /// New name for programs
    #[arg(long)]
    pub code_name: Option<String>,
    /// What it is for; '' removes it
    #[arg(long, value_name = "TEXT")]
    pub description: Option<String>,
}

/// One of the list.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub struct One {
    /// Code name
    #[arg(value_name = "CODE")]
    pub code: String,
}

impl Create {
    /// What to make.
    pub fn parsed(self) -> Checked<NewNamed> {
        let code_name = CodeName::parse(&self.code_name)?;
        Ok(NewNamed { name: self.name, code_name, description: self.description })
    }
}

impl Update {
    /// What to change.
    pub fn parsed(self) -> Result<NamedPatch, Failure> {
        let patch = NamedPatch {
            name: self.name,
            code_name: self.code_name.as_deref().map(CodeName::parse).transpose()?,
            description: self.description.map(Some),
        };
        if patch == NamedPatch::default() {
            return Err(Failure::usage("nothing to change was named: give --name, --code-name or --description"));
        }
        Ok(patch)
    }
}

const FIELDS: Fields = Fields {
    all: &["id", "name", "code_name", "description"],
    usual: &["id", "name", "code_name", "description"],
    table: &["id", "code_name", "name", "description"],
};

/// Lists.
pub fn list<'a>(part: &Part, kind: Kind, call: &'a Call) -> Result<Output<'a>, Failure> {
    let none = if kind == Kind::Resource { "No resources." } else { "No actions." };
    let listing = part.listing(catalog::ORDER)?;
    let fetch = move |listing: &_| catalog::list(&call.ctx(), kind, listing);
    let columns = part.columns(&FIELDS, call.format)?;
    Ok(Output::many(part.list(none, columns, listing, fetch, |named| record(&named))))
}

/// What is said of something that was left as it is.
pub const LEFT: &str = "Already exists and was left as it is:";

/// Makes one unless there is one with the same values.
pub fn create(args: Create, kind: Kind, call: &Call) -> Result<Output<'_>, Failure> {
    let if_missing = args.if_missing;
    let wanted = args.parsed()?;
    let (named, note) = match catalog::ensure(&call.ctx(), kind, wanted.clone())? {
        Ensured::Created(named) => (named, "Created"),
        Ensured::Unchanged(named) => (named, "Already exists with these values:"),
        Ensured::Differs(there, _) if if_missing && there.code_name == wanted.code_name.as_str() => (there, LEFT),
        Ensured::Differs(there, fields) => return Err(conflicts::of_named(kind, &there, &fields, &wanted, &[])),
    };
    let note = format!("{note} {} {}.", kind.entity().noun(), named.code_name);
    Ok(Output::one(record(&named)).with_note(note))
}

/// Changes one.
pub fn update(args: Update, kind: Kind, call: &Call) -> Result<Output<'_>, Failure> {
    let before = call.named(kind, &args.code)?;
    let wanted = args.parsed()?;
    let named = catalog::update(&call.ctx(), kind, before.id, wanted.clone())
        .map_err(|error| conflicts::of_update(kind, error, &wanted, call))?;
    Ok(Output::one(record(&named)).with_note(updated(kind, &before, &named)))
}

/// What to say of an update that may have changed nothing.
pub fn updated(kind: Kind, before: &Named, after: &Named) -> String {
    let (noun, code) = (kind.entity().noun(), &after.code_name);
    if before == after {
        format!("The {noun} {code} has these values already.")
    } else {
        format!("Updated {noun} {code}.")
    }
}

/// Deletes one, after a yes.
pub fn delete<'a>(one: &One, kind: Kind, call: &'a Call) -> Result<Output<'a>, Failure> {
    let named = call.named(kind, &one.code)?;
    let (noun, code) = (kind.entity().noun(), &named.code_name);
    call.prompt.confirm(&format!("Delete {noun} {code} and every permission that names it?"))?;
    catalog::delete(&call.ctx(), kind, named.id)?;
    Ok(Output::done(format!("Deleted {noun} {code}."), deleted(&named)))
}

/// What JSON says of a deletion.
pub fn deleted(named: &Named) -> Record {
    let (id, code) = (Cell::Number(named.id), Cell::text(&named.code_name));
    Record(vec![("id", id), ("code_name", code), ("deleted", Cell::Bool(true))])
}

/// The fields of one.
pub fn record(named: &Named) -> Record {
    Record(vec![
        ("id", Cell::Number(named.id)),
        ("name", Cell::text(&named.name)),
        ("code_name", Cell::text(&named.code_name)),
        ("description", Cell::maybe(named.description.as_ref())),
    ])
}
