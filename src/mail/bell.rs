//! The bell that wakes whoever sends mails.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Rings when a mail was written in this process, and says when it is time to end.
#[derive(Debug, Default)]
pub struct Bell {
    state: Mutex<State>,
    rung: Condvar,
}

#[derive(Debug, Default)]
struct State {
    rings: bool,
    /// Until when what is left may still be sent.
    ends: Option<Instant>,
}

/// Why somebody woke.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Woken {
    /// A mail was written.
    Rung,
    /// Time has passed.
    Slept,
    /// It is time to end.
    Ended,
}

impl Bell {
    /// Rings.
    pub fn ring(&self) {
        self.state().rings = true;
        self.rung.notify_all();
    }

    /// Says that it is time to end, and until when what is left may be sent.
    pub fn end(&self, until: Instant) {
        self.state().ends = Some(until);
        self.rung.notify_all();
    }

    /// Whether no further mail may be begun.
    pub fn is_over(&self) -> bool {
        self.state().ends.is_some_and(|until| Instant::now() >= until)
    }

    /// Sleeps until it rings, but no longer than `most`.
    pub fn wait(&self, most: Duration) -> Woken {
        let idle = |state: &mut State| !state.rings && state.ends.is_none();
        let (mut state, _) =
            self.rung.wait_timeout_while(self.state(), most, idle).unwrap_or_else(PoisonError::into_inner);
        if state.ends.is_some() {
            return Woken::Ended;
        }
        if std::mem::take(&mut state.rings) { Woken::Rung } else { Woken::Slept }
    }

    /// A thread that panicked here left a whole state behind.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
