//! Numbers about the installation that tell how it fares, for whoever watches it. No door shows them to a caller.

use crate::domain::error::Result;
use crate::domain::mails::Status;
use crate::domain::pages::Listing;
use crate::service::Env;

/// See the module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vitals {
    /// Sessions that have neither ended nor expired.
    pub live_sessions: u64,
    /// Mails that have not been sent and are to be.
    pub waiting_mails: u64,
}

/// Counts along indexes.
///
/// # Errors
/// Those of the store.
pub fn look(env: &Env) -> Result<Vitals> {
    let now = env.clock.now();
    env.store.read(|tx| {
        Ok(Vitals {
            live_sessions: tx.count_live_sessions(now)?,
            waiting_mails: tx.count_mails(&Listing::default(), Some(Status::Queued))?,
        })
    })
}
