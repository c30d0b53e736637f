//! Sealing: a secret that is needed again, and so cannot be hashed, is stored encrypted. The key is kept in another file
//! than the database: who steals the database alone cannot sign tokens.
//!
//! A sealed value is bound to its purpose: what was sealed as one thing does not open as another.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hkdf;
use zeroize::Zeroizing;

use super::key_file::{self, KEY_LEN, Key};
use super::mac::{hex, hmac_sha256};
use super::random::Random;
use crate::domain::error::{Error, Result};

pub use super::key_file::MasterKeyError;

/// First byte of a sealed value: AES-256-GCM, then a random nonce of 96 bits, then ciphertext and tag. Under one key
/// 2^32 values may be sealed so (NIST SP 800-38D, section 8.3).
const VERSION: u8 = 1;
/// Separates keys made of tokens from every other use of HKDF.
const HOLDER_SALT: &[u8] = b"authsrv holder key 1";

/// Name of a key that says nothing of it: 16 hexadecimal digits.
const ID_PURPOSE: &str = "authsrv master key id 1";
/// What is added to the path of the master key for the one that is to take its place.
const STAGED: &str = ".new";

/// The master key: a file, and for a moment another beside it that is to take its place. Keys are read when they are
/// needed and then kept; another process may replace the file, so it is read again when a kept key does not do. Its
/// `Debug` shows the path only.
pub struct MasterKey {
    path: PathBuf,
    kept: Mutex<Vec<Named>>,
}

/// A key with its name.
#[derive(Clone)]
struct Named {
    id: String,
    key: Arc<Key>,
}

/// A sealed value does not open: another key, another purpose, or it was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DoesNotOpen;

impl MasterKey {
    /// The master key in this file. Touches no file yet.
    pub fn at(path: PathBuf) -> MasterKey {
        MasterKey { path, kept: Mutex::default() }
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes the file with a new key, unless there is something of this name already; says whether it did. The file
    /// appears whole or not at all, and after this returns it survives a power loss.
    ///
    /// # Errors
    /// `Internal` with [`MasterKeyError::Uncreatable`], or without randomness.
    pub fn create_if_missing(&self, random: &dyn Random) -> Result<bool> {
        if self.path.symlink_metadata().is_ok() {
            return Ok(false);
        }
        let mut key = Key::default();
        random.fill(key.as_mut_slice())?;
        let mut suffix = [0; 8];
        random.fill(&mut suffix)?;
        let beside = self.beside(&format!(".{:016x}.new", u64::from_be_bytes(suffix)));
        key_file::place(&key, &beside, &self.path).map_err(|cause| self.uncreatable(cause))
    }

    /// Reads the file and says whether the key in it can be used.
    ///
    /// # Errors
    /// `Internal` with a [`MasterKeyError`].
    pub fn check(&self) -> Result<()> {
        key_file::read(&self.path).map(drop).map_err(Error::internal)
    }

    /// The name of the key in the file.
    ///
    /// # Errors
    /// `Internal` with a [`MasterKeyError`].
    pub fn id(&self) -> Result<String> {
        self.read(&self.path).map(|named| named.id)
    }

    /// Passes if the key of this name is there.
    ///
    /// # Errors
    /// `Internal` with a [`MasterKeyError`].
    pub fn is(&self, id: &str) -> Result<()> {
        self.named(id).map(drop)
    }

    /// Seals `plain` for a purpose under the key in the file.
    ///
    /// # Errors
    /// `Internal` with a [`MasterKeyError`], or without randomness.
    pub fn seal(&self, purpose: &str, plain: &[u8], random: &dyn Random) -> Result<Vec<u8>> {
        seal_with(&self.read(&self.path)?.key, purpose, plain, random)
    }

    /// Seals `plain` for a purpose under the key of this name.
    ///
    /// # Errors
    /// `Internal` with a [`MasterKeyError`], or without randomness.
    pub fn seal_as(&self, id: &str, purpose: &str, plain: &[u8], random: &dyn Random) -> Result<Vec<u8>> {
        seal_with(&self.named(id)?.key, purpose, plain, random)
    }

    /// Opens what was sealed for this purpose.
    ///
    /// # Errors
    /// `Internal` with a [`MasterKeyError`].
    pub fn open(&self, purpose: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        let opened = |keys: &[Named]| keys.iter().rev().find_map(|named| open_with(&named.key, purpose, sealed).ok());
        if let Some(plain) = opened(&self.kept()) {
            return Ok(plain);
        }
        let read = [self.read(&self.path)?].into_iter().chain(self.staged()).collect::<Vec<_>>();
        let broken = || Error::internal(MasterKeyError::DoesNotOpen(self.path.clone(), purpose.to_owned()));
        opened(&read).ok_or_else(broken)
    }

    /// Writes a new key beside the file, in place of any that is there, and gives its name. It can be sealed with, and takes
    /// the place of the old one by [`MasterKey::settle`]. To be called by one process at a time.
    ///
    /// # Errors
    /// `Internal` with [`MasterKeyError::Uncreatable`], or without randomness.
    pub fn stage(&self, random: &dyn Random) -> Result<String> {
        let mut key = Key::default();
        random.fill(key.as_mut_slice())?;
        let staged = self.beside(STAGED);
        let written = key_file::forget(&staged).and_then(|()| key_file::write(&key, &staged));
        written.map_err(|cause| self.uncreatable(cause))?;
        Ok(self.keep(key).id)
    }

    /// Whether there is a key beside the file.
    pub fn has_staged(&self) -> bool {
        self.beside(STAGED).symlink_metadata().is_ok()
    }

    /// Ends a change of the key: if `id` is the name of the key beside the file it takes the file's place, else it is
    /// deleted. To be called by one process at a time.
    ///
    /// # Errors
    /// `Internal` with [`MasterKeyError::Uncreatable`].
    pub fn settle(&self, id: Option<&str>) -> Result<()> {
        let staged = self.beside(STAGED);
        let settled = match self.staged() {
            Some(named) if Some(named.id.as_str()) == id => key_file::replace(&staged, &self.path),
            _ => key_file::forget(&staged),
        };
        settled.map_err(|cause| self.uncreatable(cause))
    }

    fn staged(&self) -> Option<Named> {
        self.read(&self.beside(STAGED)).ok()
    }

    /// The key of this name, kept or read again.
    fn named(&self, id: &str) -> Result<Named> {
        if let Some(named) = self.kept().iter().find(|named| named.id == id) {
            return Ok(named.clone());
        }
        let read = [self.read(&self.path)?].into_iter().chain(self.staged()).find(|named| named.id == id);
        read.ok_or_else(|| Error::internal(MasterKeyError::Other(self.path.clone())))
    }

    fn read(&self, path: &Path) -> Result<Named> {
        key_file::read(path).map(|key| self.keep(key)).map_err(Error::internal)
    }

    fn keep(&self, key: Key) -> Named {
        let named = Named { id: hex(&hmac_sha256(key.as_slice(), ID_PURPOSE.as_bytes())[..8]), key: Arc::new(key) };
        let mut kept = self.kept();
        if !kept.iter().any(|known| known.id == named.id) {
            kept.push(named.clone());
        }
        named
    }

    fn kept(&self) -> MutexGuard<'_, Vec<Named>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn beside(&self, ending: &str) -> PathBuf {
        let mut beside = self.path.clone().into_os_string();
        beside.push(ending);
        beside.into()
    }

    fn uncreatable(&self, cause: std::io::Error) -> Error {
        Error::internal(MasterKeyError::Uncreatable(self.path.clone(), cause))
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MasterKey").field("path", &self.path).finish_non_exhaustive()
    }
}

/// Seals `plain` for a purpose under a key.
///
/// # Errors
/// `Internal` without randomness.
pub fn seal_with(key: &[u8; KEY_LEN], purpose: &str, plain: &[u8], random: &dyn Random) -> Result<Vec<u8>> {
    let mut nonce = [0; NONCE_LEN];
    random.fill(&mut nonce)?;
    let failed = |_| Error::internal("sealing failed");
    let cipher = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).map_err(failed)?);
    // With room for the tag, so that the plain text is not copied to grow and left behind.
    let mut text = Zeroizing::new(Vec::with_capacity(plain.len() + AES_256_GCM.tag_len()));
    text.extend_from_slice(plain);
    cipher
        .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), associated(purpose), &mut *text)
        .map_err(failed)?;
    Ok([&[VERSION], nonce.as_slice(), text.as_slice()].concat())
}

/// Opens what was sealed for this purpose under this key.
///
/// # Errors
/// [`DoesNotOpen`], without saying why.
pub fn open_with(key: &[u8; KEY_LEN], purpose: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, DoesNotOpen> {
    let rest = sealed.strip_prefix(&[VERSION]).ok_or(DoesNotOpen)?;
    let (nonce, text) = rest.split_first_chunk::<NONCE_LEN>().ok_or(DoesNotOpen)?;
    let cipher = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).map_err(|_| DoesNotOpen)?);
    let mut text = Zeroizing::new(text.to_vec());
    let opened = cipher.open_in_place(Nonce::assume_unique_for_key(*nonce), associated(purpose), &mut text);
    let length = opened.map_err(|_| DoesNotOpen)?.len();
    text.truncate(length);
    Ok(text)
}

/// Seals `plain` so that only whoever presents `token`, letter by letter, can have it back. The token's signature is
/// the secret in it, so the token itself must not be stored.
///
/// # Errors
/// `Internal` without randomness.
pub fn seal_for_holder(token: &str, purpose: &str, plain: &[u8], random: &dyn Random) -> Result<Vec<u8>> {
    let key = holder_key(token).ok_or_else(|| Error::internal("no key could be derived"))?;
    seal_with(&key, purpose, plain, random)
}

/// Opens what was sealed for the holder of `token`.
///
/// # Errors
/// [`DoesNotOpen`] for another token or purpose, and for a changed value. An ECDSA signature has a second form that
/// verifies too: a token in that form is another text and opens nothing.
pub fn open_for_holder(token: &str, purpose: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, DoesNotOpen> {
    open_with(&*holder_key(token).ok_or(DoesNotOpen)?, purpose, sealed)
}

/// HKDF-SHA-256 (RFC 5869) of a token's text.
fn holder_key(token: &str) -> Option<Key> {
    let mut key = Key::default();
    let derived = hkdf::Salt::new(hkdf::HKDF_SHA256, HOLDER_SALT).extract(token.as_bytes());
    let output = derived.expand(&[b"AES-256-GCM"], &AES_256_GCM).ok()?;
    output.fill(key.as_mut_slice()).ok()?;
    Some(key)
}

/// The purpose with the version before it, authenticated with the value.
fn associated(purpose: &str) -> Aad<Vec<u8>> {
    Aad::from([&[VERSION], purpose.as_bytes()].concat())
}

impl fmt::Display for DoesNotOpen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the sealed value does not open")
    }
}

impl std::error::Error for DoesNotOpen {}
