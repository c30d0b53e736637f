//! What became of a transaction that writes have shared: told once, to all who wait for it.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::{self, Thread};

use crate::domain::error::{Error, Result};
use crate::store::sqlite::errors::RETRY;

/// What became of a transaction, for those who wrote in it.
#[derive(Default)]
pub(super) struct Fate {
    /// One of the three below.
    known: AtomicU8,
    waiting: Mutex<Vec<Thread>>,
}

const UNKNOWN: u8 = 0;
const DURABLE: u8 = 1;
const LOST: u8 = 2;

/// How many of those who wait are woken at once; each then wakes the next. All at once would come back together, if they
/// write again, and have to sleep a second time for their turn.
const CHAINS: usize = 2;

impl Fate {
    /// What is told first counts.
    pub fn tell(&self, is_durable: bool) {
        {
            let _waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            if self.known.load(Ordering::Acquire) != UNKNOWN {
                return;
            }
            self.known.store(if is_durable { DURABLE } else { LOST }, Ordering::Release);
        }
        (0..CHAINS).for_each(|_| self.wake_one());
    }

    /// Waits until it is told.
    ///
    /// # Errors
    /// `Unavailable` when nothing of it is there.
    pub fn wait(&self) -> Result<()> {
        {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            if self.known.load(Ordering::Acquire) == UNKNOWN {
                waiting.push(thread::current());
            }
        }
        while self.known.load(Ordering::Acquire) == UNKNOWN {
            thread::park();
        }
        self.wake_one();
        match self.known.load(Ordering::Acquire) {
            DURABLE => Ok(()),
            _ => Err(Error::Unavailable { retry_after: RETRY }),
        }
    }

    fn wake_one(&self) {
        let next = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).pop();
        if let Some(next) = next {
            next.unpark();
        }
    }
}
