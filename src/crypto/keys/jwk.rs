//! Public halves of keys: as JWK (RFC 7517), by which they are stored and published, and as PEM.

use aws_lc_rs::digest;
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents,
};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::DecodingKey;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::domain::error::{Error, Result};
use crate::domain::keys::Algorithm;

/// Bytes of one coordinate on P-256.
const COORDINATE: usize = 32;
/// Bytes of a public key on edwards25519.
const ED25519_LEN: usize = 32;
/// Characters of a line of PEM (RFC 7468, section 2).
const LINE: usize = 64;

/// A public key; the order of the fields is that of the text we write.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Jwk {
    kty: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    crv: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    x: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    y: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    n: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    e: Option<String>,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
}

/// The public half of a key in the forms of its algorithm.
pub(super) enum Half<'a> {
    /// X and Y of a point on P-256, 64 bytes.
    P256(&'a [u8]),
    /// A key on edwards25519, 32 bytes.
    Ed25519(&'a [u8]),
    /// Modulus and exponent, big-endian without leading zeros.
    Rsa(&'a [u8], &'a [u8]),
}

impl Half<'_> {
    /// Its name (RFC 7638) and its text.
    pub fn written(&self) -> Result<(String, String)> {
        let text = |bytes: &[u8]| Some(URL_SAFE_NO_PAD.encode(bytes));
        let named = |text: &str| Some(text.to_owned());
        let (algorithm, mut jwk) = match self {
            Half::P256(point) => {
                let (x, y) = point.split_at(COORDINATE);
                let jwk = Jwk { kty: "EC".to_owned(), crv: named("P-256"), x: text(x), y: text(y), ..Jwk::default() };
                (Algorithm::Es256, jwk)
            }
            Half::Ed25519(x) => {
                let jwk = Jwk { kty: "OKP".to_owned(), crv: named("Ed25519"), x: text(x), ..Jwk::default() };
                (Algorithm::EdDsa, jwk)
            }
            Half::Rsa(n, e) => {
                (Algorithm::Rs256, Jwk { kty: "RSA".to_owned(), n: text(n), e: text(e), ..Jwk::default() })
            }
        };
        let kid = jwk.thumbprint();
        jwk.kid = Some(kid.clone());
        jwk.alg = named(algorithm.name());
        jwk.purpose = named("sig");
        Ok((kid, serde_json::to_string(&jwk).map_err(Error::internal)?))
    }
}

impl Jwk {
    /// RFC 7638, section 3: the required members only, sorted, without blanks.
    fn thumbprint(&self) -> String {
        let part = |part: &Option<String>| part.clone().unwrap_or_default();
        let (crv, x, y) = (part(&self.crv), part(&self.x), part(&self.y));
        let canonical = match self.kty.as_str() {
            "EC" => format!(r#"{{"crv":"{crv}","kty":"EC","x":"{x}","y":"{y}"}}"#),
            // RFC 8037, section 2.
            "OKP" => format!(r#"{{"crv":"{crv}","kty":"OKP","x":"{x}"}}"#),
            _ => format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, part(&self.e), part(&self.n)),
        };
        URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, canonical.as_bytes()))
    }

    fn is(&self, algorithm: Algorithm, kty: &str, crv: Option<&str>) -> bool {
        let meant = self.alg.as_deref().is_none_or(|name| name == algorithm.name());
        meant && self.kty == kty && self.crv.as_deref() == crv
    }
}

/// The key in a JWK, if it is a sound one of this algorithm: to verify by, and to write in another form.
pub(super) fn parse(algorithm: Algorithm, text: &str) -> Option<(DecodingKey, ParsedPublicKey)> {
    let jwk: Jwk = serde_json::from_str(text).ok()?;
    let bytes = |part: &Option<String>| URL_SAFE_NO_PAD.decode(part.as_deref()?).ok();
    match algorithm {
        Algorithm::Es256 if jwk.is(algorithm, "EC", Some("P-256")) => {
            let (x, y) = (bytes(&jwk.x)?, bytes(&jwk.y)?);
            let whole = x.len() == COORDINATE && y.len() == COORDINATE;
            let point = [&[4], x.as_slice(), y.as_slice()].concat();
            let parsed = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &point).ok().filter(|_| whole)?;
            Some((DecodingKey::from_ec_der(&point), parsed))
        }
        Algorithm::EdDsa if jwk.is(algorithm, "OKP", Some("Ed25519")) => {
            let x = bytes(&jwk.x)?;
            let whole = x.len() == ED25519_LEN;
            let parsed = ParsedPublicKey::new(&ED25519, &x).ok().filter(|_| whole)?;
            Some((DecodingKey::from_ed_der(&x), parsed))
        }
        Algorithm::Rs256 if jwk.is(algorithm, "RSA", None) => {
            let (n, e) = (bytes(&jwk.n)?, bytes(&jwk.e)?);
            let key = DecodingKey::from_rsa_raw_components(&n, &e);
            Some((key, RsaPublicKeyComponents { n, e }.to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256).ok()?))
        }
        _ => None,
    }
}

/// The public half of a stored key as PEM: a `SubjectPublicKeyInfo` (RFC 7468, section 13).
///
/// # Errors
/// `Internal` when the text is no JWK of the algorithm.
pub fn export_pem(algorithm: &str, public_jwk: &str) -> Result<String> {
    let key = Algorithm::from_name(algorithm).and_then(|algorithm| parse(algorithm, public_jwk));
    let der = key.and_then(|(_, key)| key.as_der().ok()).ok_or_else(|| Error::internal("a public key is broken"))?;
    Ok(pem("PUBLIC KEY", der.as_ref()).to_string())
}

/// What a label stands for, as text (RFC 7468, section 3).
pub(super) fn pem(label: &str, der: &[u8]) -> Zeroizing<String> {
    let text = Zeroizing::new(STANDARD.encode(der));
    let mut pem = Zeroizing::new(String::with_capacity(2 * (text.len() + LINE)));
    pem.push_str(&format!("-----BEGIN {label}-----\n"));
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, left) = rest.split_at(rest.len().min(LINE));
        pem.push_str(line);
        pem.push('\n');
        rest = left;
    }
    pem.push_str(&format!("-----END {label}-----\n"));
    pem
}
