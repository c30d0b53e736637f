//! Where keys come from: made here, or brought along.

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use uuid::Builder;
use zeroize::Zeroizing;

use super::jwk::Half;
use super::{SigningKey, VerifyingKey};
use crate::domain::error::{Error, Result};
use crate::domain::keys::Algorithm;

/// Bytes of a secret that is made here, and the fewest of one that is taken (RFC 7518, section 3.2).
pub(super) const SECRET_LEN: usize = 32;
/// Fewest bits of an RSA key that is taken; new ones have 3072 (NIST SP 800-57, part 1, table 2).
const RSA_MIN_BYTES: usize = 2048 / 8;

/// A key that is not stored yet.
pub struct NewKey {
    /// RFC 7638 thumbprint of the public half, 43 characters; of an HMAC's secret a random UUID, which tells nothing of it.
    pub kid: String,
    /// How it signs.
    pub algorithm: Algorithm,
    /// PKCS#8, or the secret of an HMAC; to be sealed before it is stored.
    pub secret: Zeroizing<Vec<u8>>,
    /// Public half as a JWK in JSON, ready to be published; empty for an HMAC.
    pub public_jwk: String,
}

/// Makes a key, out of aws-lc's own generator: its key pairs cannot be made from given bytes.
///
/// # Errors
/// `Internal` when the system gives no randomness.
pub fn generate(algorithm: Algorithm) -> Result<NewKey> {
    let failed = |_| Error::internal(format!("no {} key could be made", algorithm.name()));
    let random = SystemRandom::new();
    match algorithm {
        Algorithm::Es256 => {
            let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).map_err(failed)?;
            of_pkcs8(algorithm, document.as_ref())
        }
        Algorithm::EdDsa => of_pkcs8(algorithm, Ed25519KeyPair::generate_pkcs8(&random).map_err(failed)?.as_ref()),
        Algorithm::Rs256 => {
            let pair = RsaKeyPair::generate(KeySize::Rsa3072).map_err(failed)?;
            of_pkcs8(algorithm, AsDer::as_der(&pair).map_err(failed)?.as_ref())
        }
        Algorithm::Hs256 => {
            let mut secret = Zeroizing::new(vec![0; SECRET_LEN]);
            random.fill(&mut secret).map_err(failed)?;
            of_secret(&secret)
        }
    }
}

/// The signing key with this secret, HS256.
///
/// # Errors
/// `Invalid("secret")` when it is too short; `Internal` without randomness.
pub fn of_secret(secret: &[u8]) -> Result<NewKey> {
    if secret.len() < SECRET_LEN {
        let message = format!("The secret is too short: it must have at least {SECRET_LEN} bytes.");
        return Err(Error::invalid("secret", "min_length", message));
    }
    let mut name = [0; 16];
    SystemRandom::new().fill(&mut name).map_err(|_| Error::internal("no randomness"))?;
    Ok(NewKey {
        kid: Builder::from_random_bytes(name).into_uuid().hyphenated().to_string(),
        algorithm: Algorithm::Hs256,
        secret: Zeroizing::new(secret.to_vec()),
        public_jwk: String::new(),
    })
}

/// The key pair in a PEM file: PKCS#8, not encrypted (RFC 7468, section 10). Its kind decides the algorithm.
///
/// # Errors
/// `Invalid("private_key")` when it is something else, or of a kind that is not signed with here.
pub fn of_pem(text: &str) -> Result<NewKey> {
    let refused = |message: &str| Error::invalid("private_key", "invalid", message);
    let convert = "convert it: openssl pkcs8 -topk8 -nocrypt -in KEY -out NEW";
    if text.contains("BEGIN ENCRYPTED PRIVATE KEY") {
        return Err(refused(&format!("The key is encrypted by a passphrase; {convert}")));
    }
    if text.contains("BEGIN EC PRIVATE KEY") || text.contains("BEGIN RSA PRIVATE KEY") {
        return Err(refused(&format!("The key is not in PKCS#8; {convert}")));
    }
    let body = text.split_once("-----BEGIN PRIVATE KEY-----").and_then(|(_, rest)| rest.split_once("-----END PRIVATE"));
    let (body, _) =
        body.ok_or_else(|| refused("This is no private key in PKCS#8 and PEM (-----BEGIN PRIVATE KEY-----)."))?;
    let body: Zeroizing<String> = Zeroizing::new(body.split_ascii_whitespace().collect());
    let der = STANDARD.decode(body.as_bytes()).map(Zeroizing::new).map_err(|_| refused("The key's PEM is damaged."))?;
    let algorithm = if EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &der).is_ok() {
        Algorithm::Es256
    } else if Ed25519KeyPair::from_pkcs8(&der).is_ok() {
        Algorithm::EdDsa
    } else {
        let pair = RsaKeyPair::from_pkcs8(&der).map_err(|_| {
            refused(
                "The key is of no kind that is signed with here: it must be EC on P-256, Ed25519, or RSA of 2048 bits \
                 or more.",
            )
        })?;
        if pair.public_modulus_len() < RSA_MIN_BYTES {
            return Err(refused("The RSA key is too short: it must have at least 2048 bits."));
        }
        Algorithm::Rs256
    };
    of_pkcs8(algorithm, &der)
}

/// The key pair of these bytes, which is tried out.
fn of_pkcs8(algorithm: Algorithm, pkcs8: &[u8]) -> Result<NewKey> {
    let broken = || Error::internal(format!("a new {} key is broken", algorithm.name()));
    let secret = Zeroizing::new(pkcs8.to_vec());
    let (kid, public_jwk) = match algorithm {
        Algorithm::Es256 => {
            let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &secret).map_err(|_| broken())?;
            // An uncompressed point.
            Half::P256(pair.public_key().as_ref().strip_prefix(&[4]).ok_or_else(broken)?).written()?
        }
        Algorithm::EdDsa => {
            let pair = Ed25519KeyPair::from_pkcs8(&secret).map_err(|_| broken())?;
            Half::Ed25519(pair.public_key().as_ref()).written()?
        }
        Algorithm::Rs256 => {
            let pair = RsaKeyPair::from_pkcs8(&secret).map_err(|_| broken())?;
            let (modulus, exponent) = (pair.public_key().modulus(), pair.public_key().exponent());
            let (n, e) = (modulus.big_endian_without_leading_zero(), exponent.big_endian_without_leading_zero());
            Half::Rsa(n, e).written()?
        }
        Algorithm::Hs256 => return of_secret(pkcs8),
    };
    let signed = SigningKey::new(&kid, algorithm.name(), &secret)?.sign(kid.as_bytes())?;
    if !VerifyingKey::new(&kid, algorithm.name(), &public_jwk)?.verifies(kid.as_bytes(), &signed) {
        return Err(broken());
    }
    Ok(NewKey { kid, algorithm, secret, public_jwk })
}
