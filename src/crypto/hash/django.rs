//! Password hashes as Django stores them (`django/contrib/auth/hashers.py`): read, judged and compared, never made.
//!
//! Whoever signs in by one gets a hash of ours. A hash whose work factor is beyond the bounds here is never computed, so
//! that no imported file can stop the machine.

use std::num::NonZeroU32;

use argon2::password_hash::phc::PasswordHash;
use argon2::{ARGON2D_IDENT, ARGON2I_IDENT, ARGON2ID_IDENT, Algorithm, Version};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::{digest, pbkdf2};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::{Params, Scheme, Stored};

/// Most iterations of PBKDF2: five times Django 5.2's.
const ITERATIONS_MAX: u32 = 5_000_000;
/// Highest cost of bcrypt, as the power of two; Django's is 12.
const BCRYPT_MAX: u32 = 16;
/// Most memory of scrypt, in bytes; Django's is 16 MiB.
const SCRYPT_MEMORY_MAX: u64 = 256 * 1024 * 1024;
/// Most work of scrypt, N·r·p: as much as eight runs over all of the memory.
const SCRYPT_WORK_MAX: u64 = 8 * SCRYPT_MEMORY_MAX / 128;
/// Longest text that is looked at; Django's column holds 128 characters, and some projects widen it.
const TEXT_MAX: usize = 512;
/// Bytes that scrypt gives.
const SCRYPT_LEN: usize = 64;

/// What a stored text of Django is to us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Imported {
    /// A password can be compared with it. The number says how long that takes, in nanoseconds, roughly.
    Usable(u64),
    /// It says that the account has no password (`!…`, or nothing).
    NoPassword,
    /// It is of an algorithm that is not known here; its name, if it has one.
    Unknown(Option<String>),
    /// Its work factor is beyond what is ever computed.
    TooCostly,
    /// It says what it is, and is not that.
    Broken,
}

/// A hash that can be computed.
pub(super) enum Django {
    Pbkdf2 { algorithm: pbkdf2::Algorithm, iterations: NonZeroU32, salt: String, tag: Vec<u8> },
    Argon2(Stored),
    Bcrypt { is_hashed_before: bool, cost: u32, hash: String },
    Scrypt { params: scrypt::Params, salt: String, tag: Vec<u8> },
}

impl Imported {
    /// Judges a stored text; computes nothing.
    pub fn judge(text: &str) -> Self {
        match Django::parse(text) {
            Ok(hash) => Imported::Usable(hash.nanoseconds()),
            Err(why) => why,
        }
    }
}

/// A hash that costs what this usable one does and that no password has; to be computed for those who have none. The
/// salt and the tag of `text` are not in it.
pub fn decoy(text: &str) -> Option<String> {
    const SALT: &str = "AAAAAAAAAAAAAAAAAAAAAA";
    let zeros = |length| STANDARD.encode(vec![0; length]);
    Some(match Django::parse(text).ok()? {
        Django::Pbkdf2 { iterations, tag, .. } => {
            let name = text.split('$').next()?;
            format!("{name}${iterations}${SALT}${}", zeros(tag.len()))
        }
        Django::Argon2(stored) => {
            let Scheme { algorithm, params: Params { memory_kib, passes, lanes }, .. } = stored.scheme;
            let variety = algorithm.as_str();
            format!("argon2${variety}$v=19$m={memory_kib},t={passes},p={lanes}${SALT}${}", "A".repeat(43))
        }
        Django::Bcrypt { is_hashed_before, cost, .. } => {
            let name = if is_hashed_before { "bcrypt_sha256" } else { "bcrypt" };
            format!("{name}$$2b${cost:02}${}", ".".repeat(53))
        }
        Django::Scrypt { params, tag, .. } => {
            format!("scrypt${}${SALT}${}${}${}", params.n(), params.r(), params.p(), zeros(tag.len()))
        }
    })
}

impl Django {
    /// Reads a stored text.
    pub(super) fn parse(text: &str) -> Result<Self, Imported> {
        if text.is_empty() || text.starts_with('!') {
            return Err(Imported::NoPassword);
        }
        let Some((name, rest)) = text.split_once('$') else { return Err(Imported::Unknown(None)) };
        if text.len() > TEXT_MAX {
            return Err(Imported::Broken);
        }
        match name {
            "pbkdf2_sha256" => pbkdf2(rest, pbkdf2::PBKDF2_HMAC_SHA256, digest::SHA256_OUTPUT_LEN),
            "pbkdf2_sha1" => pbkdf2(rest, pbkdf2::PBKDF2_HMAC_SHA1, digest::SHA1_OUTPUT_LEN),
            "argon2" => argon2(rest),
            "bcrypt_sha256" => bcrypt(rest, true),
            "bcrypt" => bcrypt(rest, false),
            "scrypt" => scrypt(rest),
            _ => Err(Imported::Unknown(Some(name.chars().take(32).collect()))),
        }
    }

    /// Whether this is the hash of `password`; those of argon2 are compared by the hasher, which has the memory for it.
    pub(super) fn is_of(&self, password: &[u8]) -> bool {
        match self {
            Django::Pbkdf2 { algorithm, iterations, salt, tag } => {
                pbkdf2::verify(*algorithm, *iterations, salt.as_bytes(), password, tag).is_ok()
            }
            Django::Argon2(_) => false,
            Django::Bcrypt { is_hashed_before: true, hash, .. } => {
                bcrypt::verify(hex(digest::digest(&digest::SHA256, password).as_ref()).as_bytes(), hash)
                    .unwrap_or(false)
            }
            // What is beyond 72 bytes was never part of such a hash.
            Django::Bcrypt { hash, .. } => bcrypt::verify(password, hash).unwrap_or(false),
            Django::Scrypt { params, salt, tag } => {
                let mut found = Zeroizing::new([0; SCRYPT_LEN]);
                let done = scrypt::scrypt(password, salt.as_bytes(), params, found.as_mut_slice());
                done.is_ok() && verify_slices_are_equal(found.as_slice(), tag).is_ok()
            }
        }
    }

    /// How long a comparison takes, roughly: good for telling which of two takes longer.
    fn nanoseconds(&self) -> u64 {
        match self {
            Django::Pbkdf2 { iterations, .. } => 250 * u64::from(iterations.get()),
            Django::Argon2(stored) => {
                let Params { memory_kib, passes, .. } = stored.scheme.params;
                400 * u64::from(memory_kib) * u64::from(passes)
            }
            Django::Bcrypt { cost, .. } => 50_000 << cost,
            Django::Scrypt { params, .. } => 380 * params.n() * u64::from(params.r()) * u64::from(params.p()),
        }
    }
}

fn pbkdf2(rest: &str, algorithm: pbkdf2::Algorithm, length: usize) -> Result<Django, Imported> {
    let [iterations, salt, tag] = parts(rest)?;
    let iterations = NonZeroU32::new(bounded(iterations, ITERATIONS_MAX)?).ok_or(Imported::Broken)?;
    Ok(Django::Pbkdf2 { algorithm, iterations, salt: salt.to_owned(), tag: decoded(tag, length)? })
}

fn argon2(rest: &str) -> Result<Django, Imported> {
    let broken = || Imported::Broken;
    let hash = PasswordHash::new(&format!("${rest}")).map_err(|_| broken())?;
    let algorithm = match hash.algorithm {
        ARGON2ID_IDENT => Algorithm::Argon2id,
        ARGON2I_IDENT => Algorithm::Argon2i,
        ARGON2D_IDENT => Algorithm::Argon2d,
        _ => return Err(broken()),
    };
    // A hash that does not say is of the version before there were any.
    let version = Version::try_from(hash.version.unwrap_or(16)).map_err(|_| broken())?;
    let cost = |name| hash.params.get_decimal(name).ok_or_else(broken);
    let params = Params { memory_kib: cost("m")?, passes: cost("t")?, lanes: cost("p")? };
    if !params.within_ceiling() {
        return Err(Imported::TooCostly);
    }
    let (salt, tag) = (hash.salt.ok_or_else(broken)?, hash.hash.ok_or_else(broken)?);
    argon2::Params::new(params.memory_kib, params.passes, params.lanes, Some(tag.len())).map_err(|_| broken())?;
    Ok(Django::Argon2(Stored { scheme: Scheme { algorithm, version, params }, salt, tag }))
}

/// `rest` is `$2b$12$` with the salt and the hash.
fn bcrypt(rest: &str, is_hashed_before: bool) -> Result<Django, Imported> {
    let cost = rest.parse::<bcrypt::HashParts>().map_err(|_| Imported::Broken)?.get_cost();
    match cost {
        0..4 => Err(Imported::Broken),
        4..=BCRYPT_MAX => Ok(Django::Bcrypt { is_hashed_before, cost, hash: rest.to_owned() }),
        _ => Err(Imported::TooCostly),
    }
}

fn scrypt(rest: &str) -> Result<Django, Imported> {
    let [n, salt, r, p, tag] = parts(rest)?;
    let [n, r, p] = [bounded(n, u32::MAX)?, bounded(r, u32::MAX)?, bounded(p, u32::MAX)?];
    if n < 2 || !n.is_power_of_two() || r == 0 || p == 0 {
        return Err(Imported::Broken);
    }
    let (block, all) = (128 * u64::from(r), u64::from(n).saturating_mul(u64::from(r)).saturating_mul(u64::from(p)));
    let memory = block.saturating_mul(u64::from(n)).saturating_add(block.saturating_mul(u64::from(p)));
    if memory > SCRYPT_MEMORY_MAX || all > SCRYPT_WORK_MAX {
        return Err(Imported::TooCostly);
    }
    let log_n = u8::try_from(n.trailing_zeros()).map_err(|_| Imported::Broken)?;
    let params = scrypt::Params::new(log_n, r, p).map_err(|_| Imported::TooCostly)?;
    Ok(Django::Scrypt { params, salt: salt.to_owned(), tag: decoded(tag, SCRYPT_LEN)? })
}

/// The parts between the dollar signs, none of them empty.
fn parts<const N: usize>(rest: &str) -> Result<[&str; N], Imported> {
    let parts: Vec<&str> = rest.split('$').collect();
    <[&str; N]>::try_from(parts).ok().filter(|parts| parts.iter().all(|part| !part.is_empty())).ok_or(Imported::Broken)
}

/// A number of digits only, at most `most`.
fn bounded(text: &str, most: u32) -> Result<u32, Imported> {
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Imported::Broken);
    }
    match text.parse::<u32>() {
        Ok(number) if number <= most => Ok(number),
        _ => Err(Imported::TooCostly),
    }
}

fn decoded(tag: &str, length: usize) -> Result<Vec<u8>, Imported> {
    STANDARD.decode(tag).ok().filter(|tag| tag.len() == length).ok_or(Imported::Broken)
}

fn hex(bytes: &[u8]) -> Zeroizing<String> {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    Zeroizing::new(digits.map(|digit| char::from(DIGITS[usize::from(digit)])).collect())
}
