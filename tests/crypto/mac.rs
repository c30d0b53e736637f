//! The vectors of the standards.

use authsrv::crypto::mac::{derive, hex, hmac_sha256, sha256};

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
