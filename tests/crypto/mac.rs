//! HMAC, SHA-256 and the one spelling of a UUID: the vectors of the standards.

use authsrv::crypto::imported::verify_imported;
use authsrv::crypto::jwt::Moment;
use authsrv::crypto::mac::{MacKey, as_uuid, derive, hex, hmac_sha256, is_uuid, sha256};
use authsrv::domain::error::TokenFault;
use serde_json::json;

use crate::support::former::{SECRET, header, signed};

#[test]
fn known_answers() {
    // FIPS 180-4, "abc"; RFC 4231, test cases 1 and 2.
    assert_eq!(hex(&sha256(b"abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    let first = hmac_sha256(&[0x0b; 20], b"Hi There");
    assert_eq!(hex(&first), "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    let second = hmac_sha256(b"Jefe", b"what do ya want for nothing?");
    assert_eq!(hex(&second), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    assert_eq!(hex(&[0x00, 0x0f, 0xf0, 0xff]), "000ff0ff");
}

/// What is derived for one purpose is not what is derived for another, wherever the line between the two inputs is drawn.
#[test]
fn purposes_are_apart() {
    let all = [
        derive(b"secret", "a", b"bc"),
        derive(b"secret", "ab", b"c"),
        derive(b"secret", "", b"abc"),
        derive(b"secret", "abc", b""),
        derive(b"other", "a", b"bc"),
        hmac_sha256(b"secret", b"abc"),
    ];
    let apart: std::collections::BTreeSet<_> = all.iter().collect();
    assert_eq!(apart.len(), all.len());
    assert_eq!(derive(b"secret", "a", b"bc"), all[0]);
}

/// RFC 4231, section 4.3; FIPS 180-2, appendix B.1.
#[test]
fn both_give_the_published_values() {
    let key = MacKey::new(b"Jefe");
    let tag = key.sign(b"what do ya want for nothing?");
    assert_eq!(hex(&tag), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    assert_eq!(hex(&sha256(b"abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert!(key.verifies(b"what do ya want for nothing?", &tag));
    assert!(!key.verifies(b"what do ya want for nothing", &tag));
    for length in 0..32 {
        assert!(!key.verifies(b"what do ya want for nothing?", &tag[..length]), "a tag is whole or none");
    }
    assert_eq!(format!("{key:?}"), "MacKey(…)");
}

#[test]
fn a_uuid_of_version_4_has_one_spelling() {
    let uuid = as_uuid(&[0xff; 32]);
    assert_eq!(uuid, "ffffffff-ffff-4fff-bfff-ffffffffffff");
    assert!(is_uuid(&uuid));
    for wrong in [
        "",
        "FFFFFFFF-FFFF-4FFF-BFFF-FFFFFFFFFFFF",
        "ffffffffffff4fffbfffffffffffffff",
        "{ffffffff-ffff-4fff-bfff-ffffffffffff}",
        "urn:uuid:ffffffff-ffff-4fff-bfff-ffffffffffff",
        "ffffffff-ffff-1fff-bfff-ffffffffffff",
        "ffffffff-ffff-4fff-bfff-fffffffffff",
        " ffffffff-ffff-4fff-bfff-ffffffffffff",
    ] {
        assert!(!is_uuid(wrong), "{wrong:?}");
    }
}

#[test]
fn a_leeway_moves_every_bound_and_no_more() {
    let key = MacKey::new(SECRET.as_bytes());
    let verify = |claims: &serde_json::Value, leeway| {
        verify_imported(&signed(SECRET.as_bytes(), &header(), claims), &key, Moment { second: 1000, leeway })
    };
    let expired = json!({"exp": 1000, "jti": "a"});
    assert_eq!(verify(&expired, 0), Err(TokenFault::Expired));
    assert!(verify(&expired, 1).is_ok());
    for early in [json!({"exp": 2000, "jti": "a", "iat": 1001}), json!({"exp": 2000, "jti": "a", "nbf": 1001})] {
        assert_eq!(verify(&early, 0), Err(TokenFault::NotYetValid));
        assert!(verify(&early, 1).is_ok());
    }
}
