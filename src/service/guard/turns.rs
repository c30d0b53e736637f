//! Few attempts at one account, or from one address, are judged at once. An attempt counts until its password is found to
//! be right, so that of many right ones at once some would be refused as if they were guesses: they wait for each other.

use std::collections::HashMap;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use crate::domain::error::{Error, Result};

/// Attempts at one account that are judged at once.
pub(super) const ACCOUNT: usize = 2;
/// Attempts from one address that are judged at once.
pub(super) const ADDRESS: usize = 8;
/// Longest wait for a turn; as for the hashing itself (E.1).
const WAIT: Duration = Duration::from_secs(2);

/// Attempts that are being judged, by account and by address.
#[derive(Default)]
pub struct Turns {
    taken: Mutex<HashMap<String, usize>>,
    freed: Condvar,
}

/// The right to be judged now; over when dropped.
pub(super) struct Turn<'a> {
    turns: &'a Turns,
    names: Vec<String>,
}

impl Turns {
    /// Waits until there is a place under each of these names, of which each has so many.
    ///
    /// # Errors
    /// `Unavailable` when that takes too long.
    pub(super) fn enter(&self, places: &[(String, usize)]) -> Result<Turn<'_>> {
        let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let is_full = |taken: &mut HashMap<String, usize>| {
            places.iter().any(|(name, most)| taken.get(name).is_some_and(|now| now >= most))
        };
        let waited = self.freed.wait_timeout_while(taken, WAIT, is_full);
        let (mut taken, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        if timeout.timed_out() {
            return Err(Error::Unavailable { retry_after: WAIT });
        }
        let names: Vec<String> = places.iter().map(|(name, _)| name.clone()).collect();
        names.iter().for_each(|name| *taken.entry(name.clone()).or_default() += 1);
        Ok(Turn { turns: self, names })
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut taken = self.turns.taken.lock().unwrap_or_else(PoisonError::into_inner);
        for name in &self.names {
            let left = taken.get(name).map_or(0, |now| now.saturating_sub(1));
            if left == 0 {
                taken.remove(name);
            } else {
                taken.insert(name.clone(), left);
            }
        }
        drop(taken);
        self.turns.freed.notify_all();
    }
}
