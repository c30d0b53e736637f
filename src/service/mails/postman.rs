//! The thread of a server that sends what is due.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use super::delivery;
use crate::domain::error::{Error, Result};
use crate::mail::{self, Woken};
use crate::service::{Env, settings};

/// How often it looks for mails that another process wrote, such as the command line.
const POLL: Duration = Duration::from_secs(1);

/// Sends mails until it is stopped. Settings are read anew for each round.
pub struct Postman {
    env: Arc<Env>,
    done: Receiver<()>,
}

impl Postman {
    /// Begins to send.
    ///
    /// # Errors
    /// That the system gives no thread.
    pub fn start(env: Arc<Env>) -> std::io::Result<Self> {
        let (says, done) = channel();
        let shared = Arc::clone(&env);
        std::thread::Builder::new().name("postman".to_owned()).spawn(move || {
            work(&shared);
            // Nobody listens any more if he was too slow.
            let _ = says.send(());
        })?;
        Ok(Self { env, done })
    }

    /// Stops, after sending what is due as far as that takes no longer than `limit`. What is left is sent by the next
    /// server; what is cut off in the middle, when its lease is over.
    pub fn stop(self, limit: Duration) {
        self.env.mail.bell.end(Instant::now() + limit);
        if self.done.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
            tracing::warn!("a mail is still being sent; it will be sent again after the next start");
        }
    }
}

fn work(env: &Env) {
    let mut told = String::new();
    let mut woken = Woken::Slept;
    loop {
        let round = round(env, woken).map_err(|error| match error {
            Error::Internal(cause) => cause.to_string(),
            error => error.to_string(),
        });
        let trouble = round.and_then(|trouble| trouble.map_or(Ok(()), Err)).err().unwrap_or_default();
        // Once, and not each second.
        if trouble != told && !trouble.is_empty() {
            tracing::warn!("mails wait: {trouble}");
        }
        told = trouble;
        if woken == Woken::Ended {
            return;
        }
        woken = env.mail.bell.wait(POLL);
    }
}

/// Sends what is due; gives what keeps mails from leaving at all.
fn round(env: &Env, woken: Woken) -> Result<Option<String>> {
    let now = env.clock.now();
    let is_due = match woken {
        Woken::Slept => env.store.read(|tx| tx.has_due_mail(now))?,
        // Waits until the transaction has ended that rang.
        Woken::Rung | Woken::Ended => env.store.write(|tx| tx.has_due_mail(now))?,
    };
    if !is_due {
        return Ok(None);
    }
    match mail::open(&settings::in_force(env)?.mails(), &env.mail) {
        Ok(transport) => delivery::deliver(env, transport.as_ref(), env.clock.now()).map(|_| None),
        Err(failure) => delivery::sweep(env, now).map(|()| Some(failure.text)),
    }
}
