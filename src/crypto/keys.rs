//! Signing keys: making them, and reading them as they are stored. Each key has one algorithm for good.
//!
//! How a public half is written is in `jwk.rs`, where keys come from in `made.rs`.

mod jwk;
mod made;

use std::fmt;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RsaKeyPair};
use jsonwebtoken::{DecodingKey, EncodingKey};

use crate::domain::error::{Error, Result};
use crate::domain::keys::Algorithm;

pub use jwk::export_pem;
pub use made::{NewKey, generate, of_pem, of_secret};

/// A key that signs.
pub struct SigningKey {
    pub(super) kid: String,
    pub(super) algorithm: Algorithm,
    key: EncodingKey,
}

/// A key that verifies.
pub struct VerifyingKey {
    pub(super) kid: String,
    pub(super) algorithm: Algorithm,
    key: DecodingKey,
}

impl SigningKey {
    /// Reads the secret half of a stored key: PKCS#8, or the secret of an HMAC.
    ///
    /// # Errors
    /// `Internal` when the algorithm is unknown or the bytes are no key of it.
    pub fn new(kid: &str, algorithm: &str, secret: &[u8]) -> Result<Self> {
        let algorithm = known(kid, algorithm)?;
        // Read once for a check: the one that is kept reads it anew for each signature.
        let read = || {
            Some(match algorithm {
                Algorithm::Es256 => {
                    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, secret).ok()?;
                    EncodingKey::from_ec_der(secret)
                }
                Algorithm::EdDsa => {
                    Ed25519KeyPair::from_pkcs8(secret).ok()?;
                    EncodingKey::from_ed_der(secret)
                }
                Algorithm::Rs256 => {
                    RsaKeyPair::from_pkcs8(secret).ok()?;
                    EncodingKey::from_rsa_pem(jwk::pem("PRIVATE KEY", secret).as_bytes()).ok()?
                }
                Algorithm::Hs256 => EncodingKey::from_secret(long_enough(secret)?),
            })
        };
        let name = algorithm.name();
        let key = read().ok_or_else(|| bad(kid, &format!("its secret half is not one of {name}")))?;
        Ok(Self { kid: kid.to_owned(), algorithm, key })
    }

    /// Its name.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// How it signs.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The signature of a message in base64url, as a JWS has it (RFC 7515, section 5.1).
    ///
    /// # Errors
    /// `Internal` when the key cannot sign.
    pub fn sign(&self, message: &[u8]) -> Result<String> {
        jsonwebtoken::crypto::sign(message, &self.key, backend(self.algorithm)).map_err(Error::internal)
    }
}

impl VerifyingKey {
    /// Reads the public half of a stored key that has one.
    ///
    /// # Errors
    /// `Internal` when the algorithm is unknown, has no public half, or the text is no JWK of it.
    pub fn new(kid: &str, algorithm: &str, public_jwk: &str) -> Result<Self> {
        let algorithm = known(kid, algorithm)?;
        let name = algorithm.name();
        let parsed = jwk::parse(algorithm, public_jwk);
        let (key, _) = parsed.ok_or_else(|| bad(kid, &format!("its public half is not one of {name}")))?;
        Ok(Self { kid: kid.to_owned(), algorithm, key })
    }

    /// The key that verifies by the secret with which it signs, HS256.
    ///
    /// # Errors
    /// `Internal` when the secret is shorter than the algorithm allows.
    pub fn of_secret(kid: &str, secret: &[u8]) -> Result<Self> {
        let secret = long_enough(secret).ok_or_else(|| bad(kid, "its secret is too short"))?;
        Ok(Self { kid: kid.to_owned(), algorithm: Algorithm::Hs256, key: DecodingKey::from_secret(secret) })
    }

    /// Whether this is a signature of the message by this key, in the key's one algorithm. It comes in base64url, whose
    /// spelling is for the caller to judge.
    pub fn verifies(&self, message: &[u8], signature: &str) -> bool {
        jsonwebtoken::crypto::verify(signature, message, &self.key, backend(self.algorithm)).unwrap_or(false)
    }
}

/// The secret of an HMAC, if it is as long as its output at least (RFC 7518, section 3.2).
fn long_enough(secret: &[u8]) -> Option<&[u8]> {
    (secret.len() >= made::SECRET_LEN).then_some(secret)
}

/// The algorithm as jsonwebtoken has it.
fn backend(algorithm: Algorithm) -> jsonwebtoken::Algorithm {
    match algorithm {
        Algorithm::Es256 => jsonwebtoken::Algorithm::ES256,
        Algorithm::EdDsa => jsonwebtoken::Algorithm::EdDSA,
        Algorithm::Rs256 => jsonwebtoken::Algorithm::RS256,
        Algorithm::Hs256 => jsonwebtoken::Algorithm::HS256,
    }
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
