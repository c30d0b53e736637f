//! SHA-256 of secrets that are random enough to need no salt, secrets that follow from others, and HMAC under keys of ours or
//! shared with a former system.

use std::fmt;
use std::io::{self, Read};

use aws_lc_rs::{digest, hmac};
use uuid::Builder;
use zeroize::Zeroizing;

use super::random::Random;
use crate::domain::error::Result;

/// SHA-256 (FIPS 180-4).
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    whole(digest::digest(&digest::SHA256, bytes).as_ref())
}

/// SHA-256 of all that can be read there.
///
/// # Errors
/// Those of reading.
pub fn sha256_of(mut from: impl Read) -> io::Result<[u8; 32]> {
    let (mut digest, mut buffer) = (digest::Context::new(&digest::SHA256), vec![0; 1 << 18]);
    loop {
        match from.read(&mut buffer)? {
            0 => return Ok(whole(digest.finish().as_ref())),
            read => digest.update(&buffer[..read]),
        }
    }
}

/// HMAC-SHA-256 (RFC 2104).
pub fn hmac_sha256(key: &[u8], input: &[u8]) -> [u8; 32] {
    whole(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), input).as_ref())
}

/// A secret to derive others from; wiped when dropped.
pub type Secret = Zeroizing<Vec<u8>>;

/// A secret to derive others from: as long as the output of the HMAC under it (RFC 2104, section 3).
///
/// # Errors
/// Those of [`Random::fill`].
pub fn secret(random: &dyn Random) -> Result<Secret> {
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

/// Bytes that nobody can foresee in the form of a random UUID (version 4), lower case with hyphens.
pub fn as_uuid(bytes: &[u8; 32]) -> String {
    let mut first = [0; 16];
    first.copy_from_slice(&bytes[..16]);
    Builder::from_random_bytes(first).into_uuid().hyphenated().to_string()
}

/// Whether a text is a random UUID in its one spelling.
pub fn is_uuid(text: &str) -> bool {
    uuid::Uuid::try_parse(text).is_ok_and(|uuid| uuid.get_version_num() == 4 && uuid.hyphenated().to_string() == *text)
}

/// A shared secret of HMAC-SHA-256. Its `Debug` shows nothing.
pub struct MacKey(hmac::Key);

impl MacKey {
    /// The key of these bytes.
    pub fn new(secret: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    /// HMAC-SHA-256 of some bytes (RFC 2104).
    pub fn sign(&self, message: &[u8]) -> [u8; 32] {
        whole(hmac::sign(&self.0, message).as_ref())
    }

    /// Whether `tag` is the whole HMAC of `message`; takes as long whatever the answer is.
    pub fn verifies(&self, message: &[u8], tag: &[u8]) -> bool {
        hmac::verify(&self.0, message, tag).is_ok()
    }
}

impl fmt::Debug for MacKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MacKey(…)")
    }
}

/// The 32 bytes that both give.
fn whole(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(bytes);
    out
}
