//! Tokens that say another algorithm than their key's, or bring a key along, against keys of every algorithm
//! (R-16, R-17, R-19, R-20; RFC 8725, sections 3.1, 3.2, 3.10).

use std::time::Duration;

use authsrv::crypto::jwt::{self, Algorithm, SigningKey};
use authsrv::service::keys::{self, When};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::EncodingKey;
use serde_json::{Value, json};

use super::Site;
use crate::support::TestApp;

fn encoded(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

/// A site whose server signs by this algorithm.
pub fn signing_by(algorithm: Algorithm) -> Site {
    let app = TestApp::new();
    app.user("ann@example.com", &["viewer"]);
    if algorithm != Algorithm::Es256 {
        app.operate(|ctx| keys::generate(ctx, Some(algorithm))).unwrap();
        app.clock.advance(Duration::from_secs(1));
        app.operate(|ctx| keys::rotate(ctx, None, When::Now)).unwrap();
    }
    Site::of(app)
}

/// A token of the two parts, signed by the key, whatever it says of itself.
fn signed(key: &SigningKey, header: &Value, claims: &Value) -> String {
    let text = format!("{}.{}", encoded(header), encoded(claims));
    let signature = key.sign(text.as_bytes()).unwrap();
    format!("{text}.{signature}")
}

/// The same by HMAC, as a library does that lets the token choose.
fn by_hmac(secret: &[u8], header: &Value, claims: &Value) -> String {
    let text = format!("{}.{}", encoded(header), encoded(claims));
    let key = EncodingKey::from_secret(secret);
    let signature = jsonwebtoken::crypto::sign(text.as_bytes(), &key, jsonwebtoken::Algorithm::HS256).unwrap();
    format!("{text}.{signature}")
}

fn with(object: &Value, key: &str, value: Value) -> Value {
    let mut changed = object.clone();
    changed[key] = value;
    changed
}

#[track_caller]
fn nobody(site: &Site, token: &str, about: &str) {
    let me = site.server.bearer(token).get("/me/");
    assert_eq!(me.status, 401, "{about} as Bearer: {me:?}");
    let answer = site.server.anonymous().post("/token/refresh/", json!({"refresh": token}));
    assert_eq!(answer.status, 401, "{about}: {answer:?}");
    let verified = site.server.anonymous().post("/auth/jwt/verify/", json!({"token": token}));
    assert_ne!(verified.status, 200, "{about}: {verified:?}");
}

#[test]
fn r16_the_key_and_never_the_token_decides() {
    for algorithm in Algorithm::ALL {
        let site = signing_by(algorithm);
        let pair = site.server.sign_in("ann@example.com");
        let (stored, secret) = site.app.current_key();
        let own = SigningKey::new(&stored.kid, &stored.algorithm, &secret).unwrap();
        for token in [&pair.access, &pair.refresh] {
            let read = jwt::read_unverified(token).unwrap();
            let (header, claims) = (Value::Object(read.header), Value::Object(read.claims));
            assert_eq!(header["alg"], algorithm.name());
            for alg in [
                "none", "None", "NONE", "", "HS256", "HS384", "HS512", "ES256", "ES384", "ES256K", "ES512", "EdDSA",
                "Ed25519", "RS256", "RS384", "RS512", "PS256", "PS512", "es256", "RSA-OAEP", "dir", "A256GCM",
            ] {
                if alg == algorithm.name() {
                    continue;
                }
                let about = format!("R-16: {alg} under a key of {}", algorithm.name());
                let header = with(&header, "alg", json!(alg));
                nobody(&site, &signed(&own, &header, &claims), &about);
                nobody(&site, &format!("{}.{}.", encoded(&header), encoded(&claims)), &about);
            }
            if algorithm != Algorithm::Hs256 {
                let pem = jwt::export_pem(&stored.algorithm, &stored.public_jwk).unwrap();
                for public in [pem.clone(), pem.trim().to_owned(), stored.public_jwk.clone(), stored.kid.clone()] {
                    for alg in ["HS256", algorithm.name()] {
                        let header = with(&header, "alg", json!(alg));
                        nobody(&site, &by_hmac(public.as_bytes(), &header, &claims), "R-16: HMAC by the public half");
                    }
                }
            } else {
                nobody(&site, &by_hmac(b"", &header, &claims), "R-16: an empty secret");
                nobody(&site, &by_hmac(stored.kid.as_bytes(), &header, &claims), "R-16: the kid as the secret");
            }
        }
        assert_eq!(site.server.bearer(&pair.access).get("/me/").status, 200, "the good token still is");
    }
}

#[test]
fn r17_r19_no_header_brings_a_key_or_a_rule() {
    for algorithm in Algorithm::ALL {
        let site = signing_by(algorithm);
        let pair = site.server.sign_in("ann@example.com");
        let (stored, secret) = site.app.current_key();
        let own = SigningKey::new(&stored.kid, &stored.algorithm, &secret).unwrap();
        let other = jwt::generate(algorithm).unwrap();
        let evil = SigningKey::new(&other.kid, algorithm.name(), &other.secret).unwrap();
        let read = jwt::read_unverified(&pair.access).unwrap();
        let (header, claims) = (Value::Object(read.header), Value::Object(read.claims));
        let jwk = serde_json::from_str(&other.public_jwk).unwrap_or(json!({"kty": "oct", "k": "AAAA"}));
        nobody(&site, &signed(&evil, &header, &claims), "R-16: another key under our kid");
        for (name, value) in [
            ("jwk", jwk),
            ("jku", json!("http://127.0.0.1:1/keys")),
            ("x5u", json!("http://127.0.0.1:1/cert")),
            ("x5c", json!(["AAAA"])),
            ("crit", json!(["exp"])),
            ("crit", json!([])),
            ("crit", json!(["b64"])),
        ] {
            let about = format!("R-17, R-19: {name} under {}", algorithm.name());
            nobody(&site, &signed(&evil, &with(&header, name, value.clone()), &claims), &about);
            nobody(&site, &signed(&own, &with(&header, name, value), &claims), &about);
        }
        let unclear = with(&with(&header, "b64", json!(false)), "crit", json!(["b64"]));
        nobody(&site, &signed(&own, &unclear, &claims), "R-19: b64");
        for kid in [
            json!(null),
            json!(""),
            json!(1),
            json!([stored.kid]),
            json!({"kid": stored.kid}),
            json!(other.kid),
            json!(format!("{} ", stored.kid)),
            json!(stored.kid.to_uppercase() + "x"),
            json!("../../../dev/null"),
            json!("' UNION SELECT 'x' --"),
            json!("%"),
            json!("\u{0}"),
            json!("http://127.0.0.1:1/"),
        ] {
            nobody(&site, &signed(&evil, &with(&header, "kid", kid.clone()), &claims), &format!("R-17: kid {kid}"));
            nobody(&site, &signed(&own, &with(&header, "kid", kid.clone()), &claims), &format!("R-17: kid {kid}"));
        }
        // one kind in the clothes of the other.
        for (typ, kind) in
            [("rt+jwt", "access"), ("at+jwt", "refresh"), ("JWT", "access"), ("statuslist+jwt", "access")]
        {
            let token = signed(&own, &with(&header, "typ", json!(typ)), &with(&claims, "token_type", json!(kind)));
            nobody(&site, &token, "R-20");
        }
    }
}

/// A key of this server under the name of another, and one that does not sign yet or any more.
#[test]
fn r16_a_key_verifies_under_its_own_name_and_in_its_own_time() {
    let site = signing_by(Algorithm::EdDsa);
    let pair = site.server.sign_in("ann@example.com");
    let read = jwt::read_unverified(&pair.access).unwrap();
    let (header, claims) = (Value::Object(read.header), Value::Object(read.claims));
    let ring = site.app.operate(keys::list).unwrap();
    for key in ring.keys() {
        let secret = site.app.env.master.open(&format!("signing-key:{}", key.kid), &key.sealed).unwrap();
        let signing = SigningKey::new(&key.kid, &key.algorithm, &secret).unwrap();
        if key.kid == header["kid"].as_str().unwrap() {
            continue;
        }
        nobody(&site, &signed(&signing, &header, &claims), "R-16: under the name of another");
        // It signed nothing here, and stopped: whoever has it signs for nobody.
        let mine = with(&with(&header, "kid", json!(key.kid)), "alg", json!(key.algorithm));
        nobody(&site, &signed(&signing, &mine, &claims), "R-25: an old key");
    }
}
