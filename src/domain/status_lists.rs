//! Status lists: one bit for each session, from which whoever verifies tokens without asking the server learns that a
//! session is over (IETF Token Status List, draft-ietf-oauth-status-list).
//!
//! A session's place follows from its number, which is never given again: nothing is stored for it. Numbers not given
//! yet read as valid, or a list that somebody keeps for its short life would speak against sessions begun after it was
//! made; numbers that were given and are gone read as invalid. Places follow one another in time, and so tell about when a
//! session began; tokens tell that anyhow, and name their session besides.

use std::io::Write;
use std::ops::RangeInclusive;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use flate2::Compression;
use flate2::write::ZlibEncoder;

use super::error::{Error, Result};
use super::ids::SessionId;

/// Sessions in one list: 4 KiB of bits, of which a token carries less.
pub const LIST_SIZE: i64 = 1 << 15;
/// Where lists are served, below the public URL.
pub const LISTS_PATH: &str = "/api/auth/status-lists/";

/// Where a token's status stands: the claim `status`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusReference {
    /// Place in the list, from 0.
    pub index: i64,
    /// Address of the list.
    pub uri: String,
}

impl StatusReference {
    /// Where the status of a session stands, on the server with this public URL.
    pub fn of(session: SessionId, url: &str) -> Self {
        Self { index: (session.0 - 1).rem_euclid(LIST_SIZE), uri: ListNumber::of(session).uri(url) }
    }
}

/// Number of a list, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ListNumber(i64);

impl ListNumber {
    /// That of the first list.
    pub const FIRST: Self = Self(1);

    /// The list that a session stands in.
    pub fn of(session: SessionId) -> Self {
        Self((session.0 - 1).max(0) / LIST_SIZE + 1)
    }

    /// The list of this number, if there can be one.
    pub fn new(number: i64) -> Option<Self> {
        (1..=i64::MAX / LIST_SIZE).contains(&number).then_some(Self(number))
    }

    /// Numbers of the sessions in it.
    pub fn sessions(self) -> RangeInclusive<i64> {
        (self.0 - 1) * LIST_SIZE + 1..=self.0 * LIST_SIZE
    }

    /// Its address, which its token names as `sub`.
    pub fn uri(self, url: &str) -> String {
        format!("{url}{LISTS_PATH}{}/", self.0)
    }

    /// This list and all before it.
    pub fn up_to_this(self) -> impl Iterator<Item = Self> {
        (1..=self.0).map(Self)
    }
}

/// The bits of a list; a bit that is set says INVALID.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statuses(Vec<u8>);

impl Statuses {
    /// All sessions of a list up to the `newest` there is have ended but those that are `live`.
    pub fn of(list: ListNumber, newest: SessionId, live: &[SessionId]) -> Self {
        let first = *list.sessions().start();
        let given = usize::try_from((newest.0 - first + 1).clamp(0, LIST_SIZE)).unwrap_or(0);
        let mut bits = vec![0; usize::try_from(LIST_SIZE / 8).unwrap_or(0)];
        bits[..given / 8].fill(u8::MAX);
        if let Some(last) = bits.get_mut(given / 8) {
            *last = (1 << (given % 8)) - 1;
        }
        let places = live.iter().filter_map(|session| usize::try_from(session.0 - first).ok());
        for place in places {
            if let Some(byte) = bits.get_mut(place / 8) {
                // The first of eight is the lowest bit.
                *byte &= !(1 << (place % 8));
            }
        }
        Self(bits)
    }

    /// As the member `lst` has them: in zlib's format (RFC 1950), in base64url.
    ///
    /// # Errors
    /// `Internal`, which memory alone does not give.
    pub fn packed(&self) -> Result<String> {
        let mut packer = ZlibEncoder::new(Vec::new(), Compression::best());
        packer.write_all(&self.0).map_err(Error::internal)?;
        Ok(URL_SAFE_NO_PAD.encode(packer.finish().map_err(Error::internal)?))
    }
}

/// What the token says that carries a list. Times are whole seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusListClaims {
    /// Address of the list.
    pub sub: String,
    /// When it was true.
    pub iat: i64,
    /// Nobody should believe it from this second on.
    pub exp: i64,
    /// How long it may be kept, in seconds.
    pub ttl: i64,
    /// The bits, packed.
    pub lst: String,
}
