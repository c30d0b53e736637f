//! Randomness, given from outside so that tests can repeat a run.

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroizing;

use crate::domain::error::{Error, Result};

/// A source of unpredictable bytes.
pub trait Random: Send + Sync {
    /// Fills `bytes`.
    ///
    /// # Errors
    /// `Internal` when the source gives nothing.
    fn fill(&self, bytes: &mut [u8]) -> Result<()>;
}

/// The generator of aws-lc, seeded by the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct OsRandom;

impl Random for OsRandom {
    fn fill(&self, bytes: &mut [u8]) -> Result<()> {
        SystemRandom::new().fill(bytes).map_err(|_| Error::internal("the system gives no random numbers"))
    }
}

/// So many random bytes, wiped when dropped.
///
/// # Errors
/// Those of [`Random::fill`].
pub fn secret(random: &dyn Random, length: usize) -> Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(vec![0; length]);
    random.fill(&mut bytes)?;
    Ok(bytes)
}

/// A random UUID (version 4), lower case with hyphens: 122 random bits.
///
/// # Errors
/// Those of [`Random::fill`].
pub fn uuid(random: &dyn Random) -> Result<String> {
    let mut bytes = [0; 16];
    random.fill(&mut bytes)?;
    Ok(uuid::Builder::from_random_bytes(bytes).into_uuid().hyphenated().to_string())
}
