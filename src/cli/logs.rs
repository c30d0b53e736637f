//! The log of the server: on standard error, in the form that was asked for. Other commands have none.

use std::io;

use tracing_subscriber::EnvFilter;

use super::output::{note, wants_colour};
use crate::config::{Config, LogFormat};

/// Target of what is said at the start whatever the log leaves out: where the server listens is no matter of taste.
pub const START: &str = "authsrv::start";

/// Begins to log. Where somebody logs already, that stays.
pub fn start(config: &Config) {
    // The filter was checked when the configuration was read.
    let filter = EnvFilter::builder().parse_lossy(format!("{},{START}=info", config.log));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    let _ = match config.log_format {
        LogFormat::Text => lines.with_ansi(wants_colour(&io::stderr())).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).with_current_span(false).with_span_list(false).try_init(),
    };
}

/// Says what is amiss before anything has begun: in a line for people, or in the log where that is for programs.
pub fn warn(config: &Config, text: &str) {
    match config.log_format {
        LogFormat::Text => note(&format!("warning: {text}")),
        LogFormat::Json => tracing::warn!(target: START, "{text}"),
    }
}
