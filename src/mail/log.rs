//! The log as a way out: for development, where nobody but the developer reads it. It holds one-time links then, which is
//! its purpose here and nowhere else; `doctor` says so.

use super::{Failure, Message, Transport, compose};

const TARGET: &str = "authsrv::mail";

/// Writes each mail whole into the log.
pub(super) struct Log;

impl Transport for Log {
    fn send(&self, message: &Message) -> Result<(), Failure> {
        // What no mail server would take is refused here too.
        compose::formed(message)?;
        let (id, kind) = (message.id.0, message.kind.as_str());
        tracing::info!(target: TARGET, id, kind, "Mail to {}, {}", message.to, message.content.subject);
        // A line of its own for each: within a line of the log there are no line breaks.
        for line in message.content.text.lines().filter(|line| !line.is_empty()) {
            tracing::info!(target: TARGET, id, "{line}");
        }
        Ok(())
    }
}
