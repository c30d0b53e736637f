//! Claims of truly signed tokens: each required, of one type, and within its time.

use authsrv::crypto::jwt;
use authsrv::domain::error::TokenFault;
use authsrv::domain::ids::Timestamp;
use authsrv::domain::tokens::TokenType;
use serde_json::json;

use super::jwt::{Bench, NOW, at, body};

#[test]
fn r18_required_claims_are_required() {
    let bench = Bench::new();
    for name in ["token_type", "exp", "iat", "jti", "user_id", "sub", "sid", "iss"] {
        assert_eq!(bench.with_claims(json!({name: null})), Err(TokenFault::Claim(name)));
        let null = body().to_string().replacen('{', &format!(r#"{{"{name}2":0,"#), 1);
        let null = null.replace(&format!(r#""{name}":{}"#, body()[name]), &format!(r#""{name}":null"#));
        assert_eq!(bench.access(&bench.forge(&bench.header().to_string(), &null)), Err(TokenFault::Claim(name)));
    }
}

#[test]
fn r18_claims_have_one_type_each() {
    let bench = Bench::new();
    let times = [
        json!("1700000300"),
        json!(1_700_000_300.0),
        json!(1e300),
        json!(-1),
        json!(i64::MAX),
        json!(u64::MAX),
        json!(true),
        json!([NOW]),
        json!({}),
    ];
    for name in ["exp", "iat", "nbf"] {
        for value in &times {
            assert_eq!(bench.with_claims(json!({name: value})), Err(TokenFault::Claim(name)), "{name}: {value}");
        }
    }
    for name in ["token_type", "jti", "sub", "sid", "iss", "aud"] {
        for value in [json!(""), json!(7), json!(["7"]), json!({"a": "7"}), json!(true)] {
            assert_eq!(bench.with_claims(json!({name: value})), Err(TokenFault::Claim(name)), "{name}: {value}");
        }
    }
    for value in [
        json!(0),
        json!(-7),
        json!(7.0),
        json!("07"),
        json!("+7"),
        json!(" 7"),
        json!("７"),
        json!(""),
        json!("9223372036854775808"),
        json!([7]),
    ] {
        assert_eq!(bench.with_claims(json!({"user_id": value})), Err(TokenFault::Claim("user_id")), "{value}");
    }
    assert_eq!(bench.with_claims(json!({"sub": "8"})), Err(TokenFault::Claim("sub")));
}

#[test]
fn r18_numbers_as_they_may_be_written_are_integers_or_refused() {
    let bench = Bench::new();
    for number in ["1.7000003e9", "1700000300.5", "17000003000000000000000000", "-0", "1e5"] {
        let text = body().to_string().replace(&(NOW + 300).to_string(), number);
        assert_eq!(
            bench.access(&bench.forge(&bench.header().to_string(), &text)),
            Err(TokenFault::Claim("exp")),
            "{number}"
        );
    }
    for number in ["1e999", "01700000300", "0x10", "NaN", "Infinity", "+1700000300"] {
        let text = body().to_string().replace(&(NOW + 300).to_string(), number);
        assert_eq!(
            bench.access(&bench.forge(&bench.header().to_string(), &text)),
            Err(TokenFault::Malformed),
            "{number}"
        );
    }
}

#[test]
fn r18_the_second_of_exp_is_too_late_and_the_second_before_is_not() {
    let bench = Bench::new();
    let token = bench.good(TokenType::Access);
    let verify = |now| jwt::verify(&token, &bench.verifying, TokenType::Access, now);
    assert!(verify(Timestamp::from_timestamp(NOW + 299, 999_999_999).unwrap()).is_ok());
    assert_eq!(verify(at(NOW + 300)), Err(TokenFault::Expired));
    assert_eq!(verify(Timestamp::MAX_UTC), Err(TokenFault::Expired));
    assert_eq!(bench.with_claims(json!({"exp": 0})), Err(TokenFault::Expired));
}

#[test]
fn r18_tokens_of_the_future_are_refused() {
    let bench = Bench::new();
    assert!(bench.with_claims(json!({"iat": NOW + 60})).is_ok());
    assert_eq!(bench.with_claims(json!({"iat": NOW + 61})), Err(TokenFault::NotYetValid));
    assert_eq!(bench.with_claims(json!({"nbf": NOW + 1})), Err(TokenFault::NotYetValid));
    let token = bench.good(TokenType::Access);
    let long_ago = jwt::verify(&token, &bench.verifying, TokenType::Access, Timestamp::MIN_UTC);
    assert_eq!(long_ago, Err(TokenFault::NotYetValid));
}

#[test]
fn names_that_stand_twice_are_refused() {
    let bench = Bench::new();
    let (header, claims) = (bench.header().to_string(), body().to_string());
    for (name, value) in
        [("exp", "1900000000"), ("token_type", r#""refresh""#), ("sub", r#""7""#), ("other", "1,\"other\":2")]
    {
        let twice = claims.replacen('{', &format!(r#"{{"{name}":{value},"#), 1);
        assert_eq!(bench.access(&bench.forge(&header, &twice)), Err(TokenFault::Malformed), "{name}");
    }
    // The same name, spelt with an escape.
    let escaped = claims.replacen('{', r#"{"\u0065xp":1900000000,"#, 1);
    assert_eq!(bench.access(&bench.forge(&header, &escaped)), Err(TokenFault::Malformed));
    let twice = header.replacen('{', r#"{"alg":"none","#, 1);
    assert_eq!(bench.access(&bench.forge(&twice, &claims)), Err(TokenFault::Malformed));
    let inner = claims.replacen('{', r#"{"x":{"a":1,"a":2},"#, 1);
    assert_eq!(bench.access(&bench.forge(&header, &inner)), Err(TokenFault::Malformed));
}
