//! What the services ask of the audit trail: to grow.

use crate::domain::audit::Event;
use crate::domain::error::Result;

/// The append-only trail.
pub trait Audit {
    /// Adds an event.
    fn record(&self, event: &Event) -> Result<()>;
}
