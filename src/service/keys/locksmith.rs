//! The thread of a server that has keys replaced when the settings ask for it.

use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

use super::tend;
use crate::domain::error::Error;
use crate::service::Env;

/// How often it looks. What it does, it does five minutes ahead.
const PERIOD: Duration = Duration::from_secs(5);

/// Has keys replaced until it is dropped.
pub struct Locksmith {
    _stop: Sender<()>,
}

impl Locksmith {
    /// Begins.
    ///
    /// # Errors
    /// That the system gives no thread.
    pub fn start(env: Arc<Env>) -> std::io::Result<Self> {
        let (stop, stopped) = channel();
        std::thread::Builder::new().name("locksmith".to_owned()).spawn(move || {
            let mut told = String::new();
            while stopped.recv_timeout(PERIOD) == Err(RecvTimeoutError::Timeout) {
                look(&env, &mut told);
            }
        })?;
        Ok(Self { _stop: stop })
    }
}

/// One look; what goes wrong is told once, and not each time.
fn look(env: &Env, told: &mut String) {
    let trouble = match tend(env) {
        Ok(true) => {
            tracing::info!("the next signing key is published");
            String::new()
        }
        Ok(false) => String::new(),
        Err(Error::Internal(cause)) => cause.to_string(),
        Err(error) => error.to_string(),
    };
    if trouble != *told && !trouble.is_empty() {
        tracing::warn!("the signing key cannot be replaced: {trouble}");
    }
    *told = trouble;
}
