//! Whether the certificate that the server shows is good, and for how long.

use super::{Finding, Level};
use crate::crypto::tls::Pair;
use crate::domain::ids::Timestamp;
use crate::domain::tls::{KeyReaders, TlsFiles};

const SUBJECT: &str = "tls";
/// What to do about a certificate that ends.
const RENEW: &str =
    "renew it, and look why that did not happen by itself; the server reads the new file without a restart";

/// Reads certificate and key as the server does.
pub(super) fn look(files: &TlsFiles, now: Timestamp) -> Finding {
    let pair = match Pair::read(files) {
        Ok(pair) => pair,
        Err(wrong) => return Finding::new(Level::Problem, SUBJECT, wrong.what(), wrong.advice()),
    };
    let until = pair.validity.until.date_naive();
    if let Some(fault) = pair.validity.fault(now) {
        return Finding::new(Level::Problem, SUBJECT, fault, RENEW);
    }
    if pair.validity.ends_soon(now) {
        return Finding::new(Level::Warning, SUBJECT, format!("the certificate ends on {until}"), RENEW);
    }
    match files.readers {
        KeyReaders::Owner => Finding::ok(SUBJECT, format!("the certificate is good until {until}")),
        KeyReaders::Anybody => {
            let text = "allow_open_tls_key is on: nobody notices when others than its owner may use the key";
            Finding::new(Level::Note, SUBJECT, text, "let the key belong to the user of the server, with mode 0600")
        }
    }
}
