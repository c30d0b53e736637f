//! The log of the server: on standard error, in the form that was asked for. Other commands have none.
//!
//! A line is one line whatever stands in it, and no request waits for whoever reads the log: `logs/queue.rs`. To
//! keep and rotate what is written there is the operator's, as with any service.

mod forms;
mod panics;
mod queue;

use std::io;

use tracing_subscriber::EnvFilter;

use super::output::{note, wants_colour};
use crate::config::{Config, LogFormat};
use queue::Queue;

pub use panics::watch;

/// Target of what is said at the start whatever the log leaves out: where the server listens is no matter of taste.
pub const START: &str = "authsrv::start";
/// Target of the span around each request, which gives its lines their id, also where only errors are logged.
const REQUEST: &str = "authsrv::request";

/// A log that was begun; what is still to be written when this is dropped gets a moment for that.
pub struct Log(Queue);

impl Drop for Log {
    fn drop(&mut self) {
        self.0.flush();
    }
}

/// Begins to log. Where somebody logs already, that stays.
///
/// # Errors
/// Where there is no thread to be had.
pub fn start(config: &Config) -> io::Result<Log> {
    let queue = Queue::start()?;
    // The filter was checked when the configuration was read.
    let filter = EnvFilter::builder().parse_lossy(format!("{},{START}=info,{REQUEST}=error", config.log));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(queue.clone()).log_internal_errors(false);
    let _ = match config.log_format {
        LogFormat::Text => lines.fmt_fields(forms::inert_fields()).with_ansi(wants_colour(&io::stderr())).try_init(),
        LogFormat::Json => lines.fmt_fields(forms::json_fields()).event_format(forms::Json).try_init(),
    };
    Ok(Log(queue))
}

/// Says what is amiss before anything has begun: in a line for people, or in the log where that is for programs.
pub fn warn(config: &Config, text: &str) {
    match config.log_format {
        LogFormat::Text => note(&format!("warning: {text}")),
        LogFormat::Json => tracing::warn!(target: START, "{text}"),
    }
}
