//! A lane that lets only so many through at once, in the order of their coming: hashing must not take the whole machine
//! nor its memory.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::domain::error::{Error, Result};

/// Most that wait; whoever comes then is sent away at once.
const QUEUE: usize = 32;
/// Longest wait for a turn.
const PATIENCE: Duration = Duration::from_secs(2);
/// When somebody whose wait was in vain may come again.
const AFTER_WAITING: Duration = Duration::from_secs(1);

/// The lane. Invariants: at most `width` turns are out, at most [`QUEUE`] tickets wait.
pub(super) struct Lane {
    width: usize,
    state: Mutex<State>,
    freed: Condvar,
}

#[derive(Default)]
struct State {
    running: usize,
    rejected: u64,
    queue: VecDeque<u64>,
    next_ticket: u64,
}

/// How much is going on in the lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Load {
    /// Hashes that are being computed.
    pub running: usize,
    /// Those that wait for their turn.
    pub waiting: usize,
    /// Those that were sent away since the start.
    pub rejected: u64,
}

/// A turn in the lane; over when dropped, also by a panic.
pub(super) struct Turn<'a>(&'a Lane);

impl Lane {
    /// A lane for `width` at once; at least one.
    pub(super) fn new(width: usize) -> Self {
        Self { width: width.max(1), state: Mutex::default(), freed: Condvar::new() }
    }

    /// Takes a turn, waiting for it if need be.
    ///
    /// # Errors
    /// `Unavailable` when too many wait already, or the wait took too long.
    pub(super) fn enter(&self) -> Result<Turn<'_>> {
        let mut state = self.lock();
        if state.running < self.width && state.queue.is_empty() {
            state.running += 1;
            return Ok(Turn(self));
        }
        if state.queue.len() >= QUEUE {
            state.rejected += 1;
            tracing::warn!("a password is not hashed: too many wait");
            return Err(Error::Unavailable { retry_after: PATIENCE });
        }
        let ticket = state.next_ticket;
        state.next_ticket = ticket.wrapping_add(1);
        state.queue.push_back(ticket);
        self.wait(state, ticket)
    }

    fn wait<'a>(&'a self, mut state: MutexGuard<'a, State>, ticket: u64) -> Result<Turn<'a>> {
        let deadline = Instant::now() + PATIENCE;
        let admitted = loop {
            if state.running < self.width && state.queue.front() == Some(&ticket) {
                break true;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break false;
            }
            state = self.freed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        };
        state.queue.retain(|waiting| *waiting != ticket);
        state.running += usize::from(admitted);
        state.rejected += u64::from(!admitted);
        drop(state);
        self.freed.notify_all(); // Another is first now, and there may be room for him too.
        if admitted {
            return Ok(Turn(self));
        }
        tracing::warn!("a password is not hashed: the wait took too long");
        Err(Error::Unavailable { retry_after: AFTER_WAITING })
    }

    /// What is going on just now.
    pub(super) fn load(&self) -> Load {
        let state = self.lock();
        Load { running: state.running, waiting: state.queue.len(), rejected: state.rejected }
    }

    /// The state is whole after every statement, so a panic elsewhere does not spoil it.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.running = state.running.saturating_sub(1);
        drop(state);
        self.0.freed.notify_all();
    }
}
