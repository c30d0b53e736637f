//! SHA-256 of secrets that are random enough to need no salt, and HMAC under a key of ours.

use aws_lc_rs::{digest, hmac};
use zeroize::Zeroizing;

use super::random::Random;
use crate::domain::error::Result;

/// SHA-256 (FIPS 180-4).
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    whole(digest::digest(&digest::SHA256, bytes).as_ref())
}

/// HMAC-SHA-256 (RFC 2104).
pub fn hmac_sha256(key: &[u8], input: &[u8]) -> [u8; 32] {
    whole(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), input).as_ref())
}

/// A secret to derive others from: as long as the output of the HMAC under it (RFC 2104, section 3).
///
/// # Errors
/// Those of [`Random::fill`].
pub fn secret(random: &dyn Random) -> Result<Zeroizing<Vec<u8>>> {
    let mut secret = Zeroizing::new(vec![0; 32]);
    random.fill(&mut secret)?;
    Ok(secret)
}

/// What `input` yields for a purpose under a secret: HMAC under a key that is the purpose's own, so that what is derived for
/// one purpose says nothing of another.
pub fn derive(secret: &[u8], purpose: &str, input: &[u8]) -> [u8; 32] {
    let key = Zeroizing::new(hmac_sha256(secret, purpose.as_bytes()));
    hmac_sha256(key.as_slice(), input)
}

/// Bytes in lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}

/// The 32 bytes that both give.
fn whole(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(bytes);
    out
}
