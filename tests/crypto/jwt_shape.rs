//! Tokens that are no tokens, and tokens with something changed.

use authsrv::crypto::jwt;
use authsrv::domain::error::TokenFault;
use authsrv::domain::tokens::TokenType;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use super::jwt::{Bench, body, changed};

#[test]
fn claims_and_header_are_one_json_object_of_bounded_depth() {
    let bench = Bench::new();
    let (header, claims) = (bench.header().to_string(), body().to_string());
    let deep =
        |levels: usize| claims.replacen('{', &format!(r#"{{"x":{}{},"#, "[".repeat(levels), "]".repeat(levels)), 1);
    assert!(bench.access(&bench.forge(&header, &deep(7))).is_ok());
    let array = format!("[{claims}]");
    let (twice, torn) = (format!("{claims}{claims}"), &claims[..claims.len() - 1]);
    for bad in
        ["", " ", "null", "7", "\"x\"", &array, &twice, torn, &deep(8), &deep(900), "{\"x\":\"\\ud800\"}", "{'a':1}"]
    {
        let token = bench.forge(&header, bad);
        assert_eq!(bench.access(&token), Err(TokenFault::Malformed), "{bad}");
        assert_eq!(jwt::read_unverified(&token), Err(TokenFault::Malformed));
        assert_eq!(jwt::key_id(&bench.forge(bad, &claims)), Err(TokenFault::Malformed));
    }
    let bytes = [b"{\"x\":\"\xff\"}".as_slice()].concat();
    let token = format!("{}.{}.AAAA", URL_SAFE_NO_PAD.encode(&header), URL_SAFE_NO_PAD.encode(bytes));
    assert_eq!(jwt::read_unverified(&token), Err(TokenFault::Malformed));
}

#[test]
fn what_is_not_three_canonical_parts_is_malformed() {
    let bench = Bench::new();
    let good = bench.good(TokenType::Access);
    let parts: Vec<_> = good.split('.').collect();
    let (header, claims, signature) = (parts[0], parts[1], parts[2]);
    // 64 bytes leave four bits of the last character unused; they must be zero.
    let (stem, last) = signature.split_at(signature.len() - 1);
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let next = &alphabet[alphabet.find(last).unwrap() + 1..][..1];
    let bad = [
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        "...".to_owned(),
        header.to_owned(),
        "é.é.é".to_owned(),
        format!("{header}.{claims}"),
        format!("{header}.{claims}."),
        format!("{header}..{signature}"),
        format!(".{claims}.{signature}"),
        format!("{good}."),
        format!(".{good}"),
        format!("{good}.{signature}"),
        format!("{good}=="),
        format!("{header}=.{claims}.{signature}"),
        format!("{header}.{claims}=.{signature}"),
        format!(" {good}"),
        format!("{good} "),
        format!("{good}\n"),
        format!("{header}.{claims} .{signature}"),
        format!("{header}.{claims}\n.{signature}"),
        format!("{good}\0"),
        format!("{good}\u{feff}"),
        format!("Bearer {good}"),
        format!("{header}.{claims}.{stem}{next}"),
        format!("{header}.{claims}.{stem}+"),
        format!("{good}😀"),
        format!("{header}.{claims}.{}", "A".repeat(5000)),
        "a".repeat(5000),
        ".".repeat(5000),
        "😀".repeat(1250),
    ];
    for token in &bad {
        assert_eq!(bench.access(token), Err(TokenFault::Malformed), "{token}");
        assert_eq!(jwt::key_id(token), Err(TokenFault::Malformed), "{token}");
        assert_eq!(jwt::read_unverified(token), Err(TokenFault::Malformed), "{token}");
    }
}

#[test]
fn a_token_may_have_4096_bytes_and_no_more() {
    let bench = Bench::new();
    let token = |fill: usize| {
        let claims = changed(body(), &json!({"fill": "x".repeat(fill)}));
        bench.forge(&bench.header().to_string(), &claims)
    };
    let longest = (2500..3000).map(token).take_while(|token| token.len() <= 4096).last().unwrap();
    assert!(longest.len() > 4090 && bench.access(&longest).is_ok());
    let longer = token(3000);
    assert!(longer.len() > 4096);
    assert_eq!(bench.access(&longer), Err(TokenFault::Malformed));
}

#[test]
fn signatures_of_another_length_are_bad() {
    let bench = Bench::new();
    let good = bench.good(TokenType::Access);
    let (message, signature) = good.rsplit_once('.').unwrap();
    let bytes = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let zero = vec![0; 64];
    let inner_zeros = [&[0], &bytes[..32], &[0], &bytes[32..]].concat();
    for wrong in [
        &bytes[..63],
        &bytes[..32],
        &bytes[..1],
        &[bytes.as_slice(), &[0]].concat(),
        &inner_zeros,
        &zero,
        &[0; 96],
        &[255; 64],
    ] {
        let token = format!("{message}.{}", URL_SAFE_NO_PAD.encode(wrong));
        assert_eq!(bench.access(&token), Err(TokenFault::BadSignature));
    }
}

#[test]
fn no_change_of_one_character_is_accepted() {
    let bench = Bench::new();
    let good = bench.good(TokenType::Access);
    let mut tried = 0;
    for at in 0..good.len() {
        for new in ["A", "x", "-", "."] {
            let mutated = format!("{}{new}{}", &good[..at], &good[at + 1..]);
            tried += usize::from(mutated != good);
            assert!(mutated == good || bench.access(&mutated).is_err(), "{mutated}");
        }
        assert!(bench.access(&format!("{}{}", &good[..at], &good[at + 1..])).is_err());
        assert!(bench.access(&good[..at]).is_err());
    }
    assert!(tried > 1000);
    assert!(bench.access(&good).is_ok());
}
