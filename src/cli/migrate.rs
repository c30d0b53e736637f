//! `authsrv migrate`: makes the database, or brings it to the form of this program.

use super::Start;
use super::failure::Failure;
use super::output::{Cell, Output, Record};
use crate::app::{Missing, Opened};

/// Makes or upgrades; may be repeated.
pub fn run(start: &Start) -> Result<Output<'static>, Failure> {
    let (_, opened) = start.open(Missing::Create)?;
    let db = start.config.db.display();
    let (word, text) = match &opened {
        Opened::Created => ("created", format!("Created {db}.")),
        Opened::Migrated { .. } => ("migrated", told(&opened, start).unwrap_or_default()),
        Opened::AsItWas => ("unchanged", format!("{db} is up to date.")),
    };
    let backup = if let Opened::Migrated { backup, .. } = &opened { Some(backup.display()) } else { None };
    let record = vec![("db", Cell::text(db)), ("result", Cell::text(word)), ("backup", Cell::maybe(backup))];
    Ok(Output::done(text, Record(record)))
}

/// What there is to say of a database that was upgraded.
pub(super) fn told(opened: &Opened, start: &Start) -> Option<String> {
    let Opened::Migrated { from, backup } = opened else { return None };
    let (db, backup) = (start.config.db.display(), backup.display());
    Some(format!("Upgraded {db} from schema {from}. What it was is kept as {backup}."))
}
