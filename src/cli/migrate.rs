//! `authsrv migrate`: makes the database, or brings it to the form of this program.

use super::Start;
use super::failure::Failure;
use super::output::{Cell, Output, Record};
use crate::app::{Missing, Opened};

/// Makes or upgrades; may be repeated.
pub fn run(start: &Start) -> Result<Output<'static>, Failure> {
    let (_, opened) = start.open(Missing::Create)?;
    let db = start.config.db.display();
    let (word, text) = match opened {
        Opened::Created => ("created", format!("Created {db}.")),
        Opened::Migrated(from) => ("migrated", format!("Upgraded {db} from schema {from}.")),
        Opened::AsItWas => ("unchanged", format!("{db} is up to date.")),
    };
    Ok(Output::done(text, Record(vec![("db", Cell::text(db)), ("result", Cell::text(word))])))
}
