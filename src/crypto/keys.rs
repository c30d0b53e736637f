//! Signing keys: making them, and reading them as they are stored. Each key has one algorithm for good (R-16).

use std::fmt;

use aws_lc_rs::digest;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, ParsedPublicKey,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{DecodingKey, EncodingKey};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::domain::error::{Error, Result};

/// Bytes of one coordinate on P-256.
const COORDINATE: usize = 32;

/// How a key signs. A further algorithm is a further arm in every `match` on this type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// ECDSA on P-256 with SHA-256 (RFC 7518, section 3.4).
    Es256,
}

impl Algorithm {
    /// JWA name: the header's `alg`.
    pub fn name(self) -> &'static str {
        match self {
            Algorithm::Es256 => "ES256",
        }
    }

    /// The algorithm of this JWA name, exactly.
    pub fn from_name(name: &str) -> Option<Self> {
        [Algorithm::Es256].into_iter().find(|algorithm| algorithm.name() == name)
    }

    /// The same, as jsonwebtoken has it.
    pub(super) fn backend(self) -> jsonwebtoken::Algorithm {
        match self {
            Algorithm::Es256 => jsonwebtoken::Algorithm::ES256,
        }
    }
}

/// A key pair that was just made.
pub struct NewKey {
    /// RFC 7638 thumbprint of the public half: 43 characters.
    pub kid: String,
    /// How it signs.
    pub algorithm: Algorithm,
    /// Private half; to be sealed before it is stored.
    pub pkcs8: Zeroizing<Vec<u8>>,
    /// Public half as a JWK in JSON, ready to be published.
    pub public_jwk: String,
}

/// A key that signs.
pub struct SigningKey {
    pub(super) kid: String,
    pub(super) algorithm: Algorithm,
    pub(super) key: EncodingKey,
}

/// A key that verifies.
pub struct VerifyingKey {
    pub(super) kid: String,
    pub(super) algorithm: Algorithm,
    pub(super) key: DecodingKey,
}

/// Public half of a key on P-256; the order of the fields is that of the text we write.
#[derive(Serialize, Deserialize)]
struct EcJwk {
    kty: String,
    crv: String,
    x: String,
    y: String,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
}

/// Makes a key pair, out of aws-lc's own generator: its keys cannot be made from given bytes.
///
/// # Errors
/// `Internal` when the system gives no randomness.
pub fn generate(algorithm: Algorithm) -> Result<NewKey> {
    match algorithm {
        Algorithm::Es256 => generate_es256().map_err(|_| Error::internal("no ES256 key could be made")),
    }
}

fn generate_es256() -> Result<NewKey, Box<dyn std::error::Error + Send + Sync>> {
    let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())?;
    let pkcs8 = Zeroizing::new(document.as_ref().to_vec());
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &pkcs8)?;
    let point = pair.public_key().as_ref().strip_prefix(&[4]).filter(|point| point.len() == 2 * COORDINATE);
    let (x, y) = point.ok_or("not an uncompressed point")?.split_at(COORDINATE);
    let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
    let kid = thumbprint(&x, &y);
    let jwk = EcJwk {
        kty: "EC".to_owned(),
        crv: "P-256".to_owned(),
        x,
        y,
        kid: Some(kid.clone()),
        alg: Some(Algorithm::Es256.name().to_owned()),
        purpose: Some("sig".to_owned()),
    };
    let public_jwk = serde_json::to_string(&jwk)?;
    Ok(NewKey { kid, algorithm: Algorithm::Es256, pkcs8, public_jwk })
}

/// RFC 7638, section 3: the required members only, sorted, without blanks.
fn thumbprint(x: &str, y: &str) -> String {
    let canonical = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, canonical.as_bytes()))
}

impl SigningKey {
    /// Reads the private half of a stored key.
    ///
    /// # Errors
    /// `Internal` when the algorithm is unknown or the bytes are no key of it.
    pub fn new(kid: &str, algorithm: &str, pkcs8: &[u8]) -> Result<Self> {
        let algorithm = known(kid, algorithm)?;
        let key = match algorithm {
            Algorithm::Es256 => EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8)
                .map(|_| EncodingKey::from_ec_der(pkcs8))
                .map_err(|_| bad(kid, "its private half is not an ES256 key"))?,
        };
        Ok(Self { kid: kid.to_owned(), algorithm, key })
    }
}

impl VerifyingKey {
    /// Reads the public half of a stored key.
    ///
    /// # Errors
    /// `Internal` when the algorithm is unknown or the text is no JWK of it.
    pub fn new(kid: &str, algorithm: &str, public_jwk: &str) -> Result<Self> {
        let algorithm = known(kid, algorithm)?;
        let key = match algorithm {
            Algorithm::Es256 => {
                let point = point(public_jwk).ok_or_else(|| bad(kid, "its public half is not an ES256 key"))?;
                DecodingKey::from_ec_der(&point)
            }
        };
        Ok(Self { kid: kid.to_owned(), algorithm, key })
    }
}

/// The uncompressed point of a JWK for ES256, if it is one and lies on the curve.
fn point(public_jwk: &str) -> Option<Vec<u8>> {
    let jwk: EcJwk = serde_json::from_str(public_jwk).ok()?;
    let meant = jwk.kty == "EC" && jwk.crv == "P-256" && jwk.alg.is_none_or(|name| name == Algorithm::Es256.name());
    let (x, y) = (URL_SAFE_NO_PAD.decode(jwk.x).ok()?, URL_SAFE_NO_PAD.decode(jwk.y).ok()?);
    let point = [&[4], x.as_slice(), y.as_slice()].concat();
    let sound = x.len() == COORDINATE
        && y.len() == COORDINATE
        && ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &point).is_ok();
    (meant && sound).then_some(point)
}

fn known(kid: &str, algorithm: &str) -> Result<Algorithm> {
    Algorithm::from_name(algorithm).ok_or_else(|| bad(kid, "this program does not know its algorithm"))
}

fn bad(kid: &str, what: &str) -> Error {
    Error::internal(format!("signing key {kid}: {what}"))
}

macro_rules! debug_as_kid {
    ($($name:ident),+) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).field("kid", &self.kid).finish_non_exhaustive()
            }
        }
    )+};
}

debug_as_kid!(NewKey, SigningKey, VerifyingKey);
