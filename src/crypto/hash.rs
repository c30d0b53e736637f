//! Password hashing: argon2id, at or above the floor that OWASP names, in a bounded lane.
//!
//! Takes the password as the domain made it (already normalised and of bounded length) and changes nothing in it.
//! Hashes that were imported are compared too, in the same lane, and never made: `hash/django.rs`.

pub mod calibration;
mod django;
mod shelf;

use std::time::Duration;

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{ARGON2ID_IDENT, Algorithm, Argon2, Version};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use zeroize::Zeroizing;

use super::lane::Lane;
use super::random::Random;
use crate::domain::error::{Error, Result};
use crate::domain::passwords::Password;

pub use super::lane::Load;
pub use django::{Imported, decoy};

use django::Django;
use shelf::Shelf;

/// Bytes of a salt (RFC 9106, section 3.1).
const SALT_LEN: usize = 16;
/// Bytes of a tag: 256 bits (RFC 9106, section 4).
const TAG_LEN: usize = 32;
/// Highest costs that are ever computed, so that no configuration and no stored hash can stop the machine.
const CEILING: Params = Params { memory_kib: 256 * 1024, passes: 10, lanes: 8 };

/// Costs of one argon2id run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Params {
    /// Memory, in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub passes: u32,
    /// Lanes; they are computed one after the other.
    pub lanes: u32,
}

impl Params {
    /// 46 MiB, one pass: the first of the three equal points of the OWASP Password Storage Cheat Sheet.
    pub const MORE_MEMORY: Params = Params { memory_kib: 46 * 1024, passes: 1, lanes: 1 };
    /// 19 MiB, two passes: the second.
    pub const MIDDLE: Params = Params { memory_kib: 19 * 1024, passes: 2, lanes: 1 };
    /// 12 MiB, three passes: the third.
    pub const LESS_MEMORY: Params = Params { memory_kib: 12 * 1024, passes: 3, lanes: 1 };
    /// All three, in that order.
    pub const POINTS: [Params; 3] = [Params::MORE_MEMORY, Params::MIDDLE, Params::LESS_MEMORY];
    /// What passwords are hashed with: of the three, which are equally hard to guess by, the one that took the least time
    /// wherever it was measured. It moves the fewest bytes, and of memory it needs the least.
    pub const DEFAULT: Params = Params::LESS_MEMORY;

    /// The least that argon2 computes at all.
    const LIGHT: Params = Params { memory_kib: 8, passes: 1, lanes: 1 };

    /// Whether these are at or above one of the three points.
    fn reaches_floor(self) -> bool {
        Self::POINTS.iter().any(|point| {
            self.memory_kib >= point.memory_kib && self.passes >= point.passes && self.lanes >= point.lanes
        })
    }

    fn within_ceiling(self) -> bool {
        self.memory_kib <= CEILING.memory_kib && self.passes <= CEILING.passes && self.lanes <= CEILING.lanes
    }
}

/// What a comparison of a password with a stored hash says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is another password, or what is stored is no hash of ours.
    Wrong,
    /// It is the password.
    Right,
    /// It is the password, and its hash was made with other costs than today's: hash it anew and store that.
    RightButWeak,
}

impl Verdict {
    /// Whether it is the password.
    pub fn is_right(self) -> bool {
        self != Verdict::Wrong
    }
}

/// Hashes passwords; at most as many at once as there are cores, and the rest waits for two seconds at most.
pub struct Hasher {
    params: Params,
    lane: Lane,
    memory: Shelf,
}

/// A stored hash that can be computed again.
struct Stored {
    scheme: Scheme,
    salt: Salt,
    tag: Output,
}

/// One way of running argon2.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Scheme {
    algorithm: Algorithm,
    version: Version,
    params: Params,
}

impl Scheme {
    /// Ours: argon2id, version 19.
    fn of(params: Params) -> Self {
        Self { algorithm: Algorithm::Argon2id, version: Version::V0x13, params }
    }
}

impl Hasher {
    /// A hasher for at most `cores` hashes at once (at least one).
    ///
    /// # Errors
    /// `Invalid("password_hash")` when the costs are below the floor or above what is ever computed.
    pub fn new(params: Params, cores: usize) -> Result<Hasher> {
        let refuse = |message| Err(Error::invalid("password_hash", "invalid", message));
        if !params.reaches_floor() {
            return refuse(
                "Password hashing must cost at least 46 MiB with 1 pass, 19 MiB with 2 passes or 12 MiB with 3 passes.",
            );
        }
        if !params.within_ceiling() {
            return refuse("Password hashing may cost at most 256 MiB, 10 passes and 8 lanes.");
        }
        Ok(Hasher { params, lane: Lane::new(cores), memory: Shelf::default() })
    }

    /// A hasher for tests only: two at once, a few microseconds each, far below the floor. Never for a stored password.
    pub fn for_tests() -> Hasher {
        Hasher { params: Params::LIGHT, lane: Lane::new(2), memory: Shelf::default() }
    }

    /// How much is going on.
    pub fn load(&self) -> Load {
        self.lane.load()
    }

    /// Gives memory back to the system that no hash has needed for so long.
    pub fn rest(&self, unused: Duration) {
        self.memory.clear(unused);
    }

    /// The PHC string of a password, with a new salt.
    ///
    /// # Errors
    /// `Unavailable` when too many others are hashing or memory is short; `Internal` when there is no randomness.
    pub fn hash(&self, password: &str, random: &dyn Random) -> Result<String> {
        let _turn = self.lane.enter()?;
        let mut salt = [0; SALT_LEN];
        random.fill(&mut salt)?;
        let mut tag = Zeroizing::new([0; TAG_LEN]);
        self.compute(Scheme::of(self.params), password, &salt, tag.as_mut_slice())?;
        phc(self.params, &salt, tag.as_slice()).map_err(Error::internal)
    }

    /// Compares a password with a stored hash, of ours or imported. An imported one may have been made of the password
    /// as it was typed, so that is tried before its normal form. The right one is to be replaced by one of ours.
    ///
    /// # Errors
    /// Those of [`Hasher::verify`].
    pub fn check(&self, password: &Password, stored: &str) -> Result<Verdict> {
        if let Some(typed) = password.typed()
            && Django::parse(stored).is_ok()
            && self.verify(typed, stored)?.is_right()
        {
            return Ok(Verdict::RightButWeak);
        }
        self.verify(password.as_str(), stored)
    }

    /// Compares a password with a stored hash: a PHC string of ours, or one as Django stores them. A stored text that is
    /// neither, or whose costs are beyond what is ever computed, is `Wrong`, and takes as long as a hash of ours.
    ///
    /// # Errors
    /// `Unavailable` when too many others are hashing or memory is short.
    pub fn verify(&self, password: &str, phc: &str) -> Result<Verdict> {
        if let Ok(imported) = Django::parse(phc) {
            let right = match &imported {
                Django::Argon2(stored) => self.matches(password, stored)?,
                other => {
                    let _turn = self.lane.enter()?;
                    other.is_of(password.as_bytes())
                }
            };
            return Ok(if right { Verdict::RightButWeak } else { Verdict::Wrong });
        }
        let Some(stored) = Stored::parse(phc) else {
            self.verify_nobody(password)?;
            return Ok(Verdict::Wrong);
        };
        let right = self.matches(password, &stored)?;
        Ok(match right {
            false => Verdict::Wrong,
            true if stored.is_like(self.params) => Verdict::Right,
            true => Verdict::RightButWeak,
        })
    }

    /// Takes as long as [`Hasher::verify`] for an account that does not exist or has no password.
    ///
    /// # Errors
    /// Those of [`Hasher::verify`].
    pub fn verify_nobody(&self, password: &str) -> Result<()> {
        let salt = Salt::new(&[0; SALT_LEN]).map_err(Error::internal)?;
        let tag = Output::new(&[0; TAG_LEN]).map_err(Error::internal)?;
        // Kept from the optimiser, which must not find that the answer is not needed.
        let nobody = Stored { scheme: Scheme::of(self.params), salt, tag };
        std::hint::black_box(self.matches(password, &nobody)?);
        Ok(())
    }

    /// Makes a refusal take as long for every account, where imported hashes are left that cost what `decoy` does
    /// whoever has one has been compared with that, and everybody else with a hash of ours; here follows the
    /// other of the two.
    ///
    /// # Errors
    /// Those of [`Hasher::verify`].
    pub fn level(&self, password: &Password, stored: Option<&str>, decoy: &str) -> Result<()> {
        if stored.is_some_and(|stored| Django::parse(stored).is_ok()) {
            return self.verify_nobody(password.as_str());
        }
        std::hint::black_box(self.check(password, decoy)?);
        Ok(())
    }

    fn matches(&self, password: &str, stored: &Stored) -> Result<bool> {
        let _turn = self.lane.enter()?;
        let mut tag = Zeroizing::new(vec![0; stored.tag.len()]);
        self.compute(stored.scheme, password, &stored.salt, &mut tag)?;
        Ok(verify_slices_are_equal(&tag, stored.tag.as_bytes()).is_ok())
    }

    /// Runs argon2 on memory from the shelf. The caller has a turn in the lane.
    fn compute(&self, scheme: Scheme, password: &str, salt: &[u8], tag: &mut [u8]) -> Result<()> {
        let Scheme { algorithm, version, params } = scheme;
        let params = argon2::Params::new(params.memory_kib, params.passes, params.lanes, Some(tag.len()));
        let params = params.map_err(Error::internal)?;
        let mut memory = self.memory.take(params.block_count())?;
        let argon2 = Argon2::new(algorithm, version, params);
        let done = argon2.hash_password_into_with_memory(password.as_bytes(), salt, tag, &mut memory);
        self.memory.put(memory, self.params.memory_kib as usize);
        done.map_err(Error::internal)
    }
}

impl std::fmt::Debug for Hasher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hasher").field("params", &self.params).finish_non_exhaustive()
    }
}

impl Stored {
    /// Reads a PHC string; `None` for everything but argon2id of version 19 with exactly `m`, `t` and `p` in bounds.
    fn parse(phc: &str) -> Option<Stored> {
        let hash = PasswordHash::new(phc).ok()?;
        if hash.algorithm != ARGON2ID_IDENT
            || hash.version != Some(Version::V0x13.into())
            || hash.params.iter().count() != 3
        {
            return None;
        }
        let cost = |name| hash.params.get_decimal(name);
        let params = Params { memory_kib: cost("m")?, passes: cost("t")?, lanes: cost("p")? };
        let usable = params.within_ceiling()
            && argon2::Params::new(params.memory_kib, params.passes, params.lanes, None).is_ok();
        usable.then_some(Stored { scheme: Scheme::of(params), salt: hash.salt?, tag: hash.hash? })
    }

    fn is_like(&self, params: Params) -> bool {
        self.scheme == Scheme::of(params) && self.salt.len() == SALT_LEN && self.tag.len() == TAG_LEN
    }
}

fn phc(params: Params, salt: &[u8], tag: &[u8]) -> Result<String, argon2::password_hash::phc::Error> {
    let mut costs = ParamsString::new();
    costs.add_decimal("m", params.memory_kib)?;
    costs.add_decimal("t", params.passes)?;
    costs.add_decimal("p", params.lanes)?;
    let hash = PasswordHash {
        algorithm: ARGON2ID_IDENT,
        version: Some(Version::V0x13.into()),
        params: costs,
        salt: Some(Salt::new(salt)?),
        hash: Some(Output::new(tag)?),
    };
    Ok(hash.to_string())
}
