//! Tokens whose signature was verified before. A client sends the same token with each request for minutes, and nothing
//! that a signature says can change: a key of this name never becomes another, and a hash of the whole token stands for
//! it. Everything else is judged anew at each request: time, kind, and by the services key, session and user.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use super::{Moment, Read};
use crate::crypto::mac::sha256;
use crate::domain::tokens::{Claims, TokenType};

/// Tokens of one generation; there are two, and some 700 bytes each.
const GENERATION_MAX: usize = 4096;

/// SHA-256 of a token as it was shown, signature included.
type Digest = [u8; 32];

/// Good tokens that were seen lately.
#[derive(Default)]
pub struct Proven(RwLock<Generations>);

/// What is asked for moves from the old generation to the new one; the rest is forgotten when that is full.
#[derive(Default)]
struct Generations {
    new: HashMap<Digest, Arc<Read>>,
    old: HashMap<Digest, Arc<Read>>,
}

/// A token's place among those that are proven.
pub struct Shown<'a> {
    proven: &'a Proven,
    digest: Digest,
    found: Option<Arc<Read>>,
}

impl Proven {
    /// Looks whether this very token was proven before.
    pub fn shown(&self, token: &str) -> Shown<'_> {
        let digest = sha256(token.as_bytes());
        Shown { proven: self, found: self.find(&digest), digest }
    }

    fn find(&self, digest: &Digest) -> Option<Arc<Read>> {
        let seen = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(read) = seen.new.get(digest) {
            return Some(Arc::clone(read));
        }
        let read = seen.old.get(digest).map(Arc::clone)?;
        drop(seen);
        self.keep(*digest, Arc::clone(&read));
        Some(read)
    }

    fn keep(&self, digest: Digest, read: Arc<Read>) {
        let mut seen = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if seen.new.len() >= GENERATION_MAX {
            seen.old = std::mem::take(&mut seen.new);
        }
        seen.new.insert(digest, read);
    }
}

impl Shown<'_> {
    /// The key that signed it.
    pub fn kid(&self) -> Option<&str> {
        self.found.as_ref().map(|read| read.kid.as_str())
    }

    /// Its claims, if it is of this kind and within its time. None says nothing against it: then all of it is to be judged.
    pub fn claims(&self, expected: TokenType, at: Moment) -> Option<Claims> {
        self.found.as_ref().filter(|read| read.is_good(expected, at)).map(|read| read.claims.clone())
    }

    /// Remembers that it is proven. A refresh token is shown once.
    pub(super) fn is_proven(&self, read: &Read) {
        if read.claims.token_type == TokenType::Access {
            self.proven.keep(self.digest, Arc::new(read.clone()));
        }
    }
}
