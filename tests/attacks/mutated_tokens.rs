//! Good tokens of every algorithm, changed at random in their bytes, their header, their claims and their order: over a
//! thousand, and none is accepted (R-16 … R-20).

use authsrv::crypto::jwt::{self, Algorithm};
use authsrv::domain::error::Error;
use authsrv::service::Actor;
use authsrv::service::tokens;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use super::Site;
use super::algorithm_confusion::signing_by;

/// Mutations of each algorithm's tokens.
const CASES: u32 = 400;

/// One change of a token.
#[derive(Debug, Clone)]
enum Change {
    /// Another character at a place.
    Character(prop::sample::Index, char),
    /// A bit of the bytes that a part stands for.
    Bit(usize, prop::sample::Index, u8),
    /// Characters are missing.
    Cut(prop::sample::Index, prop::sample::Index),
    /// Characters come in.
    Insert(prop::sample::Index, String),
    /// A member of the header has another value.
    Header(&'static str, Value),
    /// A claim has another value.
    Claim(&'static str, Value),
    /// A claim is missing.
    Without(prop::sample::Index),
    /// The parts come in another order.
    Order([usize; 3]),
    /// The signature of the other token.
    Transplant,
    /// The signature is other bytes.
    Signature(Vec<u8>),
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[ -~]{0,40}".prop_map(Value::from),
        prop::sample::select(vec!["none", "HS256", "ES256", "EdDSA", "RS256", "PS256", "at+jwt", "rt+jwt", "JWT"])
            .prop_map(Value::from),
        "[a-z]{1,8}".prop_map(|text| json!([text])),
        "[a-z]{1,8}".prop_map(|text| json!({ "a": text })),
    ]
}

fn change() -> impl Strategy<Value = Change> {
    const HEADERS: [&str; 9] = ["alg", "typ", "kid", "crit", "jwk", "jku", "x5u", "x5c", "cty"];
    const CLAIMS: [&str; 12] =
        ["token_type", "exp", "iat", "jti", "user_id", "sub", "sid", "iss", "aud", "nbf", "is_superuser", "roles"];
    let index = any::<prop::sample::Index>;
    prop_oneof![
        (index(), any::<char>()).prop_map(|(at, char)| Change::Character(at, char)),
        (0..3_usize, index(), 0..8_u8).prop_map(|(part, at, bit)| Change::Bit(part, at, bit)),
        (index(), index()).prop_map(|(from, to)| Change::Cut(from, to)),
        (index(), "[A-Za-z0-9_.=-]{1,8}").prop_map(|(at, text)| Change::Insert(at, text)),
        (prop::sample::select(&HEADERS[..]), value()).prop_map(|(name, value)| Change::Header(name, value)),
        (prop::sample::select(&CLAIMS[..]), value()).prop_map(|(name, value)| Change::Claim(name, value)),
        index().prop_map(Change::Without),
        prop::sample::select(vec![[0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0], [0, 0, 2], [1, 1, 2]])
            .prop_map(Change::Order),
        Just(Change::Transplant),
        prop::collection::vec(any::<u8>(), 0..400).prop_map(Change::Signature),
    ]
}

fn encoded(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

/// The token after a change.
fn mutate(token: &str, other: &str, change: &Change) -> String {
    let parts: Vec<&str> = token.split('.').collect();
    let read = jwt::read_unverified(token).unwrap();
    let (mut header, mut claims) = (Value::Object(read.header), Value::Object(read.claims));
    let mut chars: Vec<char> = token.chars().collect();
    match change {
        Change::Character(at, char) => {
            let at = at.index(chars.len());
            chars[at] = *char;
            chars.into_iter().collect()
        }
        Change::Bit(part, at, bit) => {
            let mut bytes = URL_SAFE_NO_PAD.decode(parts[*part]).unwrap();
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            let mut parts: Vec<String> = parts.iter().map(|part| (*part).to_owned()).collect();
            parts[*part] = URL_SAFE_NO_PAD.encode(bytes);
            parts.join(".")
        }
        Change::Cut(from, to) => {
            let (from, to) = (from.index(chars.len()), to.index(chars.len()));
            chars.drain(from.min(to)..=from.max(to)).for_each(drop);
            chars.into_iter().collect()
        }
        Change::Insert(at, text) => {
            let at = at.index(token.len() + 1);
            format!("{}{text}{}", &token[..at], &token[at..])
        }
        Change::Header(name, value) => {
            header[*name] = value.clone();
            format!("{}.{}.{}", encoded(&header), parts[1], parts[2])
        }
        Change::Claim(name, value) => {
            claims[*name] = value.clone();
            format!("{}.{}.{}", parts[0], encoded(&claims), parts[2])
        }
        Change::Without(at) => {
            let claims = claims.as_object_mut().unwrap();
            let name = claims.keys().nth(at.index(claims.len())).unwrap().clone();
            claims.shift_remove(&name);
            format!("{}.{}.{}", parts[0], encoded(&Value::Object(claims.clone())), parts[2])
        }
        Change::Order(order) => order.map(|at| parts[at]).join("."),
        Change::Transplant => format!("{}.{}.{}", parts[0], parts[1], other.rsplit('.').next().unwrap()),
        Change::Signature(bytes) => format!("{}.{}.{}", parts[0], parts[1], URL_SAFE_NO_PAD.encode(bytes)),
    }
}

/// Whether anybody lets it in, at the doors of access and of refresh tokens.
fn accepted(site: &Site, token: &str) -> bool {
    let refused = |error: Error| match error {
        Error::Unauthenticated(_) => false,
        other => panic!("{other:?} for {token}"),
    };
    site.app.authenticate(token).map_or_else(refused, |_| true)
        || site.app.call(&Actor::Anonymous, |ctx| tokens::refresh(ctx, token)).map_or_else(refused, |_| true)
        || site.app.call(&Actor::Anonymous, |ctx| tokens::verify(ctx, token)).map_or_else(refused, |()| true)
}

#[test]
fn r16_to_r20_no_changed_token_is_accepted() {
    for algorithm in Algorithm::ALL {
        let site = signing_by(algorithm);
        let pair = site.server.sign_in("ann@example.com");
        let mut runner = TestRunner::new(Config { cases: CASES, failure_persistence: None, ..Config::default() });
        let cases = (any::<bool>(), change());
        let ran = runner.run(&cases, |(first, change)| {
            let (token, other) = if first { (&pair.access, &pair.refresh) } else { (&pair.refresh, &pair.access) };
            let changed = mutate(token, other, &change);
            prop_assume!(changed != *token);
            prop_assert!(!accepted(&site, &changed), "{} by {change:?}: {changed}", algorithm.name());
            Ok(())
        });
        ran.unwrap();
        // Not because nothing is: the tokens themselves are good, and no change has ended their session.
        assert_eq!(site.server.bearer(&pair.access).get("/me/").status, 200);
        assert!(accepted(&site, &pair.refresh));
    }
}

/// The same through HTTP, for some of them: no changed token is answered with anything but a 401.
#[test]
fn changed_tokens_are_answered_with_401() {
    let site = signing_by(Algorithm::Es256);
    let pair = site.server.sign_in("ann@example.com");
    let mut runner = TestRunner::new(Config { cases: 100, failure_persistence: None, ..Config::default() });
    let ran = runner.run(&change(), |change| {
        let changed = mutate(&pair.access, &pair.refresh, &change);
        let sendable = changed.chars().all(|char| char.is_ascii_graphic()) && !changed.is_empty();
        prop_assume!(changed != pair.access && sendable);
        prop_assert_eq!(site.server.bearer(&changed).get("/me/").status, 401);
        Ok(())
    });
    ran.unwrap();
}
