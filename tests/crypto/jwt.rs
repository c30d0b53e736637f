//! Tokens: what is signed, and everything that must not be believed.

use authsrv::crypto::jwt::{self, Algorithm, NewKey, SigningKey, VerifyingKey};
use authsrv::domain::error::TokenFault;
use authsrv::domain::ids::{Timestamp, UserId};
use authsrv::domain::tokens::{Claims, TokenType};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::EncodingKey;
use serde_json::{Value, json};

/// The second in which the tokens of these tests are issued.
pub const NOW: i64 = 1_700_000_000;

/// A key pair, its readers, and the pen of a forger.
pub struct Bench {
    pub new: NewKey,
    signing: SigningKey,
    pub verifying: VerifyingKey,
}

impl Bench {
    pub fn new() -> Self {
        let new = jwt::generate(Algorithm::Es256).unwrap();
        let signing = SigningKey::new(&new.kid, "ES256", &new.secret).unwrap();
        let verifying = VerifyingKey::new(&new.kid, "ES256", &new.public_jwk).unwrap();
        Self { new, signing, verifying }
    }

    pub fn header(&self) -> Value {
        json!({"alg": "ES256", "typ": "at+jwt", "kid": self.new.kid})
    }

    pub fn good(&self, token_type: TokenType) -> String {
        jwt::sign(&self.signing, &claims(token_type)).unwrap()
    }

    /// Signs any two texts with the true key.
    pub fn forge(&self, header: &str, claims: &str) -> String {
        let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let key = EncodingKey::from_ec_der(&self.new.secret);
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, jsonwebtoken::Algorithm::ES256).unwrap();
        format!("{message}.{signature}")
    }

    fn verify(&self, token: &str, expected: TokenType) -> Result<Claims, TokenFault> {
        jwt::verify(token, &self.verifying, expected, at(NOW))
    }

    pub fn access(&self, token: &str) -> Result<Claims, TokenFault> {
        self.verify(token, TokenType::Access)
    }

    /// Verifies a truly signed access token with these members of the claims replaced, or removed where null.
    pub fn with_claims(&self, changes: Value) -> Result<Claims, TokenFault> {
        self.access(&self.forge(&self.header().to_string(), &changed(body(), &changes)))
    }

    fn with_header(&self, changes: Value) -> Result<Claims, TokenFault> {
        self.access(&self.forge(&changed(self.header(), &changes), &body().to_string()))
    }
}

pub fn changed(mut whole: Value, changes: &Value) -> String {
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            whole.as_object_mut().unwrap().remove(name);
        } else {
            whole[name] = value.clone();
        }
    }
    whole.to_string()
}

pub fn at(second: i64) -> Timestamp {
    Timestamp::from_timestamp(second, 0).unwrap()
}

fn claims(token_type: TokenType) -> Claims {
    Claims {
        username: None,
        token_type,
        exp: NOW + 300,
        iat: NOW,
        jti: "0f0e".to_owned(),
        user_id: UserId(7),
        sid: "a1b2".to_owned(),
        iss: "https://id.example".to_owned(),
        aud: None,
        status: None,
    }
}

pub fn body() -> Value {
    json!({"token_type": "access", "exp": NOW + 300, "iat": NOW, "jti": "0f0e", "user_id": 7, "sub": "7",
        "sid": "a1b2", "iss": "https://id.example"})
}

#[test]
fn a_token_has_the_agreed_header_and_claims_in_the_agreed_order() {
    let bench = Bench::new();
    let token = bench.good(TokenType::Access);
    let part = |at| String::from_utf8(URL_SAFE_NO_PAD.decode(token.split('.').nth(at).unwrap()).unwrap()).unwrap();
    assert_eq!(part(0), format!(r#"{{"alg":"ES256","typ":"at+jwt","kid":"{}"}}"#, bench.new.kid));
    assert_eq!(part(1), body().to_string());
    let refresh = jwt::read_unverified(&bench.good(TokenType::Refresh)).unwrap();
    assert_eq!((&refresh.header["typ"], &refresh.claims["token_type"]), (&json!("rt+jwt"), &json!("refresh")));
}

#[test]
fn good_tokens_are_believed() {
    let bench = Bench::new();
    for token_type in [TokenType::Access, TokenType::Refresh] {
        let mut claims = claims(token_type);
        for aud in [None, Some("api".to_owned())] {
            claims.aud = aud;
            let token = jwt::sign(&bench.signing, &claims).unwrap();
            assert_eq!(jwt::key_id(&token).unwrap(), bench.new.kid);
            assert_eq!(bench.verify(&token, token_type).unwrap(), claims);
        }
    }
    assert_eq!(bench.with_claims(json!({"user_id": "7"})).unwrap().user_id, UserId(7));
    assert!(bench.with_claims(json!({"roles": ["x"], "nbf": NOW})).is_ok());
    assert!(bench.with_header(json!({"zip": "DEF", "x": {"y": [1]}})).is_ok());
}

#[test]
fn kid_is_the_rfc_7638_thumbprint_and_the_jwk_has_the_public_half_only() {
    let bench = Bench::new();
    let jwk: Value = serde_json::from_str(&bench.new.public_jwk).unwrap();
    let names: Vec<_> = jwk.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, ["kty", "crv", "x", "y", "kid", "alg", "use"]);
    let parsed: jsonwebtoken::jwk::Jwk = serde_json::from_value(jwk).unwrap();
    let thumbprint = parsed.thumbprint(jsonwebtoken::jwk::ThumbprintHash::SHA256);
    assert_eq!(thumbprint.unwrap(), bench.new.kid);
    assert_ne!(Bench::new().new.kid, bench.new.kid);
}

#[test]
fn r53_debug_shows_kid_only() {
    let Bench { new, signing, verifying } = Bench::new();
    let shown = format!("{new:?} {signing:?} {verifying:?}");
    let kid = &new.kid;
    let parts = ["NewKey", "SigningKey", "VerifyingKey"].map(|name| format!("{name} {{ kid: {kid:?}, .. }}"));
    assert_eq!(shown, parts.join(" "));
}

#[test]
fn r16_keys_that_are_not_what_they_say_are_refused() {
    let bench = Bench::new();
    for algorithm in ["", "none", "es256", "EdDSA", "RS256"] {
        assert!(SigningKey::new("k", algorithm, &bench.new.secret).is_err());
        assert!(VerifyingKey::new("k", algorithm, &bench.new.public_jwk).is_err());
    }
    assert!(VerifyingKey::new("k", "HS256", &bench.new.public_jwk).is_err(), "a secret is no public half");
    assert!(SigningKey::new("k", "HS256", &[7; 31]).is_err() && VerifyingKey::of_secret("k", &[7; 31]).is_err());
    assert!(SigningKey::new("k", "ES256", b"nonsense").is_err());
    let jwk: Value = serde_json::from_str(&bench.new.public_jwk).unwrap();
    for changes in [
        json!({"kty": "RSA"}),
        json!({"crv": "P-384"}),
        json!({"alg": "HS256"}),
        json!({"x": "AA"}),
        json!({"y": jwk["x"]}),
    ] {
        assert!(VerifyingKey::new("k", "ES256", &changed(jwk.clone(), &changes)).is_err(), "{changes}");
    }
    assert_eq!(Algorithm::from_name(Algorithm::Es256.name()), Some(Algorithm::Es256));
}

#[test]
fn r16_alg_none_is_refused() {
    let bench = Bench::new();
    for alg in ["none", "None", "NONE", ""] {
        let header = changed(bench.header(), &json!({"alg": alg}));
        let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(body().to_string()));
        assert_eq!(bench.access(&format!("{message}.")), Err(TokenFault::Malformed));
        assert_eq!(bench.access(&format!("{message}.AAAA")), Err(TokenFault::WrongHeader));
        assert_eq!(bench.with_header(json!({"alg": alg})), Err(TokenFault::WrongHeader));
    }
}

#[test]
fn r16_a_public_key_used_as_hmac_secret_is_refused() {
    let bench = Bench::new();
    let jwk: Value = serde_json::from_str(&bench.new.public_jwk).unwrap();
    let coordinate = |name: &str| URL_SAFE_NO_PAD.decode(jwk[name].as_str().unwrap()).unwrap();
    let point = [vec![4], coordinate("x"), coordinate("y")].concat();
    // SubjectPublicKeyInfo of a point on P-256 (RFC 5480).
    let prefix =
        b"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00";
    let der = [prefix.as_slice(), &point].concat();
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(&der));
    let secrets = [
        pem.clone().into_bytes(),
        pem.trim_end().as_bytes().to_vec(),
        der,
        point,
        coordinate("x"),
        jwk["x"].as_str().unwrap().as_bytes().to_vec(),
        bench.new.public_jwk.clone().into_bytes(),
        bench.new.kid.clone().into_bytes(),
        Vec::new(),
    ];
    for secret in secrets {
        for alg in ["HS256", "ES256"] {
            let header = changed(bench.header(), &json!({"alg": alg}));
            let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(body().to_string()));
            let key = EncodingKey::from_secret(&secret);
            let mac = jsonwebtoken::crypto::sign(message.as_bytes(), &key, jsonwebtoken::Algorithm::HS256).unwrap();
            let expected = if alg == "HS256" { TokenFault::WrongHeader } else { TokenFault::BadSignature };
            assert_eq!(bench.access(&format!("{message}.{mac}")), Err(expected));
        }
    }
}

#[test]
fn r16_the_algorithm_is_the_keys_and_the_key_is_named_exactly() {
    let bench = Bench::new();
    for alg in [json!("ES384"), json!("es256"), json!("EdDSA"), json!("RS256"), json!(["ES256"]), json!(1)] {
        assert_eq!(bench.with_header(json!({"alg": alg})), Err(TokenFault::WrongHeader));
    }
    assert_eq!(bench.with_header(json!({"alg": null})), Err(TokenFault::WrongHeader));
    let kid = &bench.new.kid;
    for kid in [
        json!(null),
        json!(""),
        json!(7),
        json!([kid]),
        json!(kid.to_lowercase()),
        json!(format!("{kid} ")),
        json!("../x"),
    ] {
        assert_eq!(bench.with_header(json!({"kid": kid})), Err(TokenFault::UnknownKey));
    }
    let other = Bench::new();
    assert_eq!(other.access(&bench.good(TokenType::Access)), Err(TokenFault::UnknownKey));
    // Another's key under our name.
    let stolen = SigningKey::new(kid, "ES256", &other.new.secret).unwrap();
    let token = jwt::sign(&stolen, &claims(TokenType::Access)).unwrap();
    assert_eq!(bench.access(&token), Err(TokenFault::BadSignature));
}

#[test]
fn r17_keys_in_the_header_are_refused() {
    let (bench, mallory) = (Bench::new(), Bench::new());
    let jwk: Value = serde_json::from_str(&mallory.new.public_jwk).unwrap();
    for (name, value) in [
        ("jwk", jwk),
        ("jku", json!("http://127.0.0.1:9/")),
        ("x5u", json!("http://127.0.0.1:9/")),
        ("x5c", json!(["AA"])),
    ] {
        let header = changed(bench.header(), &json!({name: value}));
        assert_eq!(bench.access(&mallory.forge(&header, &body().to_string())), Err(TokenFault::WrongHeader));
        assert_eq!(bench.access(&bench.forge(&header, &body().to_string())), Err(TokenFault::WrongHeader));
    }
}

#[test]
fn r19_any_crit_is_refused() {
    let bench = Bench::new();
    for crit in [json!([]), json!(["b64"]), json!(["exp"]), json!("exp"), json!(false)] {
        assert_eq!(bench.with_header(json!({"crit": crit, "b64": false})), Err(TokenFault::WrongHeader));
    }
    let header = bench.header().to_string().replace('}', r#","crit":null}"#);
    assert_eq!(bench.access(&bench.forge(&header, &body().to_string())), Err(TokenFault::WrongHeader));
}

#[test]
fn r20_access_and_refresh_are_never_taken_for_each_other() {
    let bench = Bench::new();
    let (access, refresh) = (bench.good(TokenType::Access), bench.good(TokenType::Refresh));
    assert_eq!(bench.verify(&access, TokenType::Refresh), Err(TokenFault::WrongType));
    assert_eq!(bench.verify(&refresh, TokenType::Access), Err(TokenFault::WrongType));
    // Only one of header and claim is of the kind that is asked for.
    assert_eq!(bench.with_header(json!({"typ": "rt+jwt"})), Err(TokenFault::WrongType));
    assert_eq!(bench.with_claims(json!({"token_type": "refresh"})), Err(TokenFault::WrongType));
    assert_eq!(bench.with_claims(json!({"token_type": "Access"})), Err(TokenFault::WrongType));
    for typ in
        [json!(null), json!("JWT"), json!("AT+JWT"), json!("application/at+jwt"), json!("at+jwt "), json!(["at+jwt"])]
    {
        assert_eq!(bench.with_header(json!({"typ": typ})), Err(TokenFault::WrongHeader));
    }
    // Tampering is told from mistaking.
    let tampered = format!("{}.{}", access.rsplit_once('.').unwrap().0, refresh.rsplit_once('.').unwrap().1);
    assert_eq!(bench.verify(&tampered, TokenType::Refresh), Err(TokenFault::BadSignature));
}

#[test]
fn an_untrusted_token_tells_what_it_says_of_itself() {
    let bench = Bench::new();
    let good = bench.good(TokenType::Access);
    let token = format!("{}.AAAA", good.rsplit_once('.').unwrap().0);
    assert!(bench.access(&token).is_err());
    let shown = jwt::read_unverified(&token).unwrap();
    assert_eq!((Value::Object(shown.header), Value::Object(shown.claims)), (bench.header(), body()));
}
