//! Keys that tokens are signed with, and what each is for at a moment.
//!
//! A key has the instant from which it signs; of those that have come to it the latest signs. So nothing need happen at a
//! rotation: every process sees it at the same instant, as it was written down before.

use chrono::TimeDelta;

use super::ids::Timestamp;

/// How long whoever verifies by the published keys may keep them: `max-age` of their answer (E.6). A key is published so
/// long before it signs.
pub const PUBLISHED_AHEAD: TimeDelta = TimeDelta::seconds(300);
/// How long a key is published, and verifies, after the last token that it signed has expired, for clocks that differ.
pub const AFTER_LAST: TimeDelta = TimeDelta::seconds(60);

/// How a key signs. A further algorithm is a further arm in every `match` on this type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// ECDSA on P-256 with SHA-256 (RFC 7518, section 3.4).
    Es256,
    /// EdDSA on edwards25519 (RFC 8037, section 3.1).
    EdDsa,
    /// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518, section 3.3).
    Rs256,
    /// HMAC with SHA-256 (RFC 7518, section 3.2): who verifies can sign as well, so its keys are never published.
    Hs256,
}

impl Algorithm {
    /// All of them, the default first.
    pub const ALL: [Algorithm; 4] = [Algorithm::Es256, Algorithm::EdDsa, Algorithm::Rs256, Algorithm::Hs256];

    /// JWA name: the header's `alg`.
    pub fn name(self) -> &'static str {
        match self {
            Algorithm::Es256 => "ES256",
            Algorithm::EdDsa => "EdDSA",
            Algorithm::Rs256 => "RS256",
            Algorithm::Hs256 => "HS256",
        }
    }

    /// Whether whoever verifies can sign as well, so that there is nothing to publish.
    pub fn is_symmetric(self) -> bool {
        self == Algorithm::Hs256
    }

    /// The algorithm of this JWA name, exactly.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }

    /// The algorithm of this JWA name as people type it, in either case.
    pub fn typed(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name().eq_ignore_ascii_case(name))
    }
}

/// A key as stored: its secret part sealed under the master key.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredKey {
    /// RFC 7638 thumbprint of the public part; of a key without one, a UUID.
    pub kid: String,
    /// JWA name, `ES256`; of an imported secret `HS256`.
    pub algorithm: String,
    /// Sealed PKCS#8; of a symmetric key, the sealed secret.
    pub sealed: Vec<u8>,
    /// Public part as a JWK in JSON; a symmetric key has none and this is empty.
    pub public_jwk: String,
    /// When it was made: published from then on, if it has a public part.
    pub created_at: Timestamp,
    /// Whether it is a key of this server, and not the secret of a former system.
    pub signs: bool,
    /// From when on it signs; none while that is not decided.
    pub signs_from: Option<Timestamp>,
    /// When the last access token that it signed expires.
    pub access_until: Option<Timestamp>,
    /// When the last refresh token that it signed expires.
    pub refresh_until: Option<Timestamp>,
    /// From when on it verifies nothing any more.
    pub revoked_at: Option<Timestamp>,
    /// When an imported secret ends.
    pub expires_at: Option<Timestamp>,
}

impl StoredKey {
    /// Whether it is the secret of a former system: it verifies that system's tokens, never signs, and is never published.
    pub fn is_imported(&self) -> bool {
        !self.signs
    }

    /// Whether it has no public part.
    pub fn is_symmetric(&self) -> bool {
        self.public_jwk.is_empty()
    }

    /// Whether an imported secret verifies.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }

    /// When the last token that it signed expires, if it signed any.
    pub fn last_expiry(&self) -> Option<Timestamp> {
        self.access_until.max(self.refresh_until)
    }

    /// Whether a token of this server under it may be good: what it signed is not over, and it was not revoked. So whoever
    /// gets hold of an old key cannot sign with it.
    pub fn verifies(&self, now: Timestamp) -> bool {
        self.signs && self.revoked_at.is_none() && self.last_expiry().is_some_and(|last| now < last + AFTER_LAST)
    }
}

impl std::fmt::Debug for StoredKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoredKey").field("kid", &self.kid).finish_non_exhaustive()
    }
}

/// What a key is for at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It is published and does not sign yet.
    Next,
    /// It signs.
    Current,
    /// It signs no more, and what it signed is still good.
    Retiring,
    /// Nothing that it signed is good any more; of an imported secret, its end has come.
    Expired,
    /// It was killed.
    Revoked,
    /// The secret of a former system, whose tokens it verifies.
    Imported,
}

impl State {
    /// The word, lower case.
    pub fn as_str(self) -> &'static str {
        match self {
            State::Next => "next",
            State::Current => "current",
            State::Retiring => "retiring",
            State::Expired => "expired",
            State::Revoked => "revoked",
            State::Imported => "imported",
        }
    }
}

/// A key as it may be shown to whoever may look at keys: nothing of its halves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyEntry {
    /// Its name.
    pub kid: String,
    /// JWA name.
    pub algorithm: String,
    /// What it is for now.
    pub state: State,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it signs, if that is decided.
    pub signs_from: Option<Timestamp>,
    /// When another takes its place, or took it, if that is decided.
    pub signs_until: Option<Timestamp>,
    /// When the last token that it verifies ends; none while that is not known.
    pub expires_at: Option<Timestamp>,
    /// When it was killed.
    pub revoked_at: Option<Timestamp>,
}

/// All keys as they are at a moment.
#[derive(Debug, Clone)]
pub struct Ring {
    keys: Vec<StoredKey>,
    now: Timestamp,
}

impl Ring {
    /// The keys, oldest first, at this moment.
    pub fn new(keys: Vec<StoredKey>, now: Timestamp) -> Self {
        Self { keys, now }
    }

    /// All of them, oldest first.
    pub fn keys(&self) -> &[StoredKey] {
        &self.keys
    }

    /// The key of this name.
    pub fn key(&self, kid: &str) -> Option<&StoredKey> {
        self.keys.iter().find(|key| key.kid == kid)
    }

    fn usable(&self) -> impl DoubleEndedIterator<Item = &StoredKey> {
        self.keys.iter().filter(|key| key.signs && key.revoked_at.is_none())
    }

    /// The key that signs: the one that has begun last. While none has, as when the clock was set back, the first to begin.
    pub fn current(&self) -> Option<&StoredKey> {
        let begun = self.usable().filter(|key| key.signs_from.is_some_and(|from| from <= self.now));
        begun
            .max_by_key(|key| key.signs_from)
            .or_else(|| self.usable().filter(|key| key.signs_from.is_some()).min_by_key(|key| key.signs_from))
    }

    /// The key that will sign at an instant that is decided.
    pub fn scheduled(&self) -> Option<&StoredKey> {
        let later = self.usable().filter(|key| key.signs_from.is_some_and(|from| from > self.now));
        let current = self.current().map(|key| &key.kid);
        later.filter(|key| Some(&key.kid) != current).min_by_key(|key| key.signs_from)
    }

    /// The newest key that waits without such an instant.
    pub fn waiting(&self) -> Option<&StoredKey> {
        self.usable().rfind(|key| key.signs_from.is_none())
    }

    /// The key that signs after the current one, if there is one yet.
    pub fn next(&self) -> Option<&StoredKey> {
        self.scheduled().or_else(|| self.waiting())
    }

    /// What a key is for.
    pub fn state(&self, key: &StoredKey) -> State {
        if key.revoked_at.is_some() {
            return State::Revoked;
        }
        if key.is_imported() {
            return if key.is_live(self.now) { State::Imported } else { State::Expired };
        }
        if self.current().is_some_and(|current| current.kid == key.kid) {
            return State::Current;
        }
        match key.signs_from {
            Some(from) if from <= self.now && key.verifies(self.now) => State::Retiring,
            Some(from) if from <= self.now => State::Expired,
            _ => State::Next,
        }
    }

    /// When a key of this server stopped signing, as another began.
    fn stopped_at(&self, key: &StoredKey) -> Option<Timestamp> {
        // One that was killed before its time never began.
        let began = |other: &&StoredKey| other.signs && other.revoked_at.is_none_or(|at| other.signs_from < Some(at));
        // Of two that began at the same instant the newer one signs.
        let rank = |key: &StoredKey| (key.signs_from, self.keys.iter().position(|other| other.kid == key.kid));
        let later = self.keys.iter().filter(began).filter(|other| rank(other) > rank(key));
        later.filter_map(|other| other.signs_from).filter(|from| *from <= self.now).min()
    }

    /// When the last token that a key verifies ends: of an imported secret its own end, of a key that signs no more that of
    /// what it signed.
    pub fn ends_at(&self, key: &StoredKey) -> Option<Timestamp> {
        let is_over = matches!(self.state(key), State::Retiring | State::Expired);
        key.expires_at.or_else(|| key.last_expiry().filter(|_| is_over))
    }

    /// When another key takes the place of the one that signs, or took that of one that did, if it is decided.
    fn signs_until(&self, key: &StoredKey) -> Option<Timestamp> {
        match self.state(key) {
            State::Current => self.scheduled()?.signs_from,
            State::Retiring | State::Expired => self.stopped_at(key),
            State::Next | State::Revoked | State::Imported => None,
        }
    }

    /// All of them as they may be shown, oldest first.
    pub fn entries(&self) -> impl Iterator<Item = KeyEntry> {
        self.keys.iter().map(|key| KeyEntry {
            kid: key.kid.clone(),
            algorithm: key.algorithm.clone(),
            state: self.state(key),
            created_at: key.created_at,
            signs_from: key.signs_from,
            signs_until: self.signs_until(key),
            expires_at: self.ends_at(key),
            revoked_at: key.revoked_at,
        })
    }

    /// Until when a key stays among the published ones: until its last access token has expired, and a little longer. None
    /// while it signs or will.
    pub fn published_until(&self, key: &StoredKey) -> Option<Timestamp> {
        match self.state(key) {
            State::Retiring | State::Expired => Some(self.stopped_at(key).max(key.access_until)? + AFTER_LAST),
            State::Next | State::Current | State::Revoked | State::Imported => None,
        }
    }

    /// The keys whose public part is published now, oldest first (RFC 7517). `lists`: how long the status lists are good
    /// that a key signed until its end, which nothing is written of.
    pub fn published(&self, lists: TimeDelta) -> impl Iterator<Item = &StoredKey> {
        let listed = move |key: &StoredKey| self.stopped_at(key).map(|stopped| stopped + lists + AFTER_LAST);
        let is_over = move |key: &StoredKey| {
            self.published_until(key).is_some_and(|until| Some(self.now) >= listed(key).max(Some(until)))
        };
        self.usable().filter(move |key| !key.is_symmetric() && !is_over(key))
    }
}
