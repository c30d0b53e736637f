//! What the services ask of an engine about copies of the whole database.

use std::path::Path;

use crate::domain::backups::{Fault, Hear, Whole};

/// Copies of the whole database.
pub trait Backups {
    /// Writes one state of the database into a new file, for its owner only, and looks through it before it gets its name:
    /// there is a whole file of that name, or none. Whoever reads or writes the database meanwhile need not wait.
    ///
    /// # Errors
    /// `Taken`, `Own`, `NoName`, `NoFolder` or `Unwritten` for the file to be; `Unreadable` when the database is damaged.
    fn back_up(&self, to: &Path, hear: Hear) -> Result<Whole, Fault>;

    /// Copies one state of the database to beside it, looks through all of it, also through what takes a writer's lock, and
    /// deletes it again. Says what is wrong.
    ///
    /// # Errors
    /// `Unwritten` where there is no room for the copy.
    fn look_through(&self, hear: Hear) -> Result<Vec<String>, Fault>;
}
