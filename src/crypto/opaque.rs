//! Opaque secrets: random texts that say nothing, known here only by their fingerprints.

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::random::Random;
use crate::domain::error::Result;

/// Random bytes of a secret: 256 bits.
const SECRET_BYTES: usize = 32;

/// A new secret: 256 random bits in base64url, 43 characters.
///
/// # Errors
/// Those of [`Random::fill`].
pub fn secret(random: &dyn Random) -> Result<String> {
    let mut bytes = [0; SECRET_BYTES];
    random.fill(&mut bytes)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// What is stored of a secret and looked up: its SHA-256. Nobody can aim at a stored one byte by byte, so that how long
/// a lookup takes tells nothing.
pub fn fingerprint(secret: &str) -> Vec<u8> {
    digest::digest(&digest::SHA256, secret.as_bytes()).as_ref().to_vec()
}
