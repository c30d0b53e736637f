//! Signing keys over the wire: never a half of one.

use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::keys::KeyEntry;
use crate::http::times::Instant;

/// A key that tokens are signed or verified by.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Key")]
pub struct KeyOut {
    /// Its name, as tokens and the published keys have it.
    kid: String,
    /// `ES256`, `EdDSA`, `RS256` or `HS256`.
    algorithm: String,
    /// `next`, `current`, `retiring`, `expired`, `revoked`, or `imported` for the secret of a former system.
    state: &'static str,
    /// When it was made.
    created_at: Instant,
    /// From when on it signs, if that is decided.
    signs_from: Option<Instant>,
    /// When another takes its place, or took it, if that is decided.
    signs_until: Option<Instant>,
    /// When the last token that it verifies ends; null while that is not known.
    expires_at: Option<Instant>,
    /// When it was revoked.
    revoked_at: Option<Instant>,
}

impl From<KeyEntry> for KeyOut {
    fn from(key: KeyEntry) -> Self {
        Self {
            kid: key.kid,
            algorithm: key.algorithm,
            state: key.state.as_str(),
            created_at: Instant(key.created_at),
            signs_from: key.signs_from.map(Instant),
            signs_until: key.signs_until.map(Instant),
            expires_at: key.expires_at.map(Instant),
            revoked_at: key.revoked_at.map(Instant),
        }
    }
}
