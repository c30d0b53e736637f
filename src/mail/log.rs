//! The log as a way out: for development, where nobody but the developer reads it. It holds one-time links then, which is
//! its purpose here and nowhere else; `doctor` says so.

use super::{Failure, Message, Transport, compose};

/// Writes each mail whole into the log.
pub(super) struct Log;

impl Transport for Log {
    fn send(&self, message: &Message) -> Result<(), Failure> {
        // What no mail server would take is refused here too.
        compose::formed(message)?;
        tracing::info!(
            target: "authsrv::mail",
            id = message.id.0,
            kind = message.kind.as_str(),
            "Mail to {}, {}\n\n{}\n",
            message.to,
            message.content.subject,
            message.content.text
        );
        Ok(())
    }
}
