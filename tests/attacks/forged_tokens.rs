//! Tokens that this server did not issue, or not for this: another algorithm, another key, changed or missing claims,
//! one kind in place of the other (R-16 … R-20).

use authsrv::crypto::jwt::{self, Algorithm};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::EncodingKey;
use serde_json::{Value, json};

use super::Site;
use crate::support::TestApp;

fn encoded(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

fn parts(token: &str) -> (Value, Value) {
    let read = jwt::read_unverified(token).unwrap();
    (Value::Object(read.header), Value::Object(read.claims))
}

/// The private half of the server's key, which an attacker does not have: to make tokens that are wrong in one thing.
fn own_key(site: &Site) -> EncodingKey {
    EncodingKey::from_ec_der(&site.app.current_key().1)
}

fn sign(key: &EncodingKey, header: &Value, claims: &Value) -> String {
    let signed = format!("{}.{}", encoded(header), encoded(claims));
    let signature = jsonwebtoken::crypto::sign(signed.as_bytes(), key, jsonwebtoken::Algorithm::ES256).unwrap();
    format!("{signed}.{signature}")
}

/// Passes if nobody lets this token in, at any door.
#[track_caller]
fn nobody(site: &Site, token: &str, about: &str) {
    let me = site.server.bearer(token).get("/me/");
    assert_eq!(me.status, 401, "{about} as Bearer: {me:?}");
    assert!(me.header("www-authenticate").is_some(), "{about}");
    for path in ["/token/refresh/", "/logout/", "/token/revoke/"] {
        let answer = site.server.anonymous().post(path, json!({"refresh": token}));
        assert_eq!(answer.status, 401, "{about} at {path}: {answer:?}");
    }
}

fn site_and_tokens() -> (Site, String, String) {
    with_tokens(Site::new())
}

fn with_tokens(site: Site) -> (Site, String, String) {
    site.app.user("ann@example.com", &["viewer"]);
    let pair = site.server.sign_in("ann@example.com");
    (site, pair.access, pair.refresh)
}

#[test]
fn the_token_does_not_choose_its_algorithm() {
    let (site, access, refresh) = site_and_tokens();
    let jwks = site.server.anonymous().get("/.well-known/jwks.json").json();
    let key = &jwks["keys"][0];
    let point = [&[4_u8][..], &decoded(&key["x"]), &decoded(&key["y"])].concat();
    // What is public and could be taken for a shared secret.
    let spki = [&SPKI_P256[..], &point].concat();
    let secrets = [
        point.clone(),
        spki.clone(),
        pem(&spki, "\n").into_bytes(),
        pem(&spki, "\n").trim_end().as_bytes().to_vec(),
        key.to_string().into_bytes(),
        jwks.to_string().into_bytes(),
        key["x"].as_str().unwrap().as_bytes().to_vec(),
        key["kid"].as_str().unwrap().as_bytes().to_vec(),
        Vec::new(),
    ];
    for token in [&access, &refresh] {
        let (header, claims) = parts(token);
        for none in ["none", "None", "NONE", "nOnE", "", " none"] {
            let head = with(&header, "alg", json!(none));
            let signature = token.rsplit_once('.').unwrap().1;
            for end in ["", "AA", signature] {
                nobody(&site, &format!("{}.{}.{end}", encoded(&head), encoded(&claims)), &format!("alg {none:?}"));
            }
        }
        for secret in &secrets {
            for (name, algorithm) in [
                ("HS256", jsonwebtoken::Algorithm::HS256),
                ("HS384", jsonwebtoken::Algorithm::HS384),
                ("HS512", jsonwebtoken::Algorithm::HS512),
            ] {
                let signed = format!("{}.{}", encoded(&with(&header, "alg", json!(name))), encoded(&claims));
                let key = EncodingKey::from_secret(secret);
                let signature = jsonwebtoken::crypto::sign(signed.as_bytes(), &key, algorithm).unwrap();
                nobody(&site, &format!("{signed}.{signature}"), &format!("R-16: {name} by the public key"));
            }
        }
        for alg in
            [json!("ES384"), json!("RS256"), json!("EdDSA"), json!("es256"), json!(["ES256"]), json!(null), json!(7)]
        {
            nobody(
                &site,
                &sign(&own_key(&site), &with(&header, "alg", alg.clone()), &claims),
                &format!("R-16: alg {alg}"),
            );
        }
    }
}

fn decoded(text: &Value) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text.as_str().unwrap()).unwrap()
}

/// What stands before the point in a SubjectPublicKeyInfo of P-256.
const SPKI_P256: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

fn pem(der: &[u8], end: &str) -> String {
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let lines: Vec<&str> = (0..text.len()).step_by(64).map(|at| &text[at..text.len().min(at + 64)]).collect();
    format!("-----BEGIN PUBLIC KEY-----{end}{}{end}-----END PUBLIC KEY-----{end}", lines.join(end))
}

fn with(object: &Value, key: &str, value: Value) -> Value {
    let mut changed = object.clone();
    changed[key] = value;
    changed
}

fn without(object: &Value, key: &str) -> Value {
    let mut changed = object.clone();
    changed.as_object_mut().unwrap().shift_remove(key);
    changed
}

#[test]
fn a_key_of_ones_own_under_our_name_is_not_ours() {
    let (site, access, refresh) = site_and_tokens();
    let other = jwt::generate(Algorithm::Es256).unwrap();
    let key = EncodingKey::from_ec_der(&other.secret);
    for token in [&access, &refresh] {
        let (header, claims) = parts(token);
        nobody(&site, &sign(&key, &header, &claims), "R-16: another key under the same kid");
        nobody(&site, &sign(&key, &with(&header, "kid", json!(other.kid)), &claims), "R-17: its own kid");
        let jwk: Value = serde_json::from_str(&other.public_jwk).unwrap();
        for (name, value) in [
            ("jwk", jwk.clone()),
            ("jku", json!(format!("http://{}/keys", site.server.address))),
            ("x5u", json!("http://127.0.0.1:1/")),
            ("x5c", json!(["AAAA"])),
        ] {
            nobody(&site, &sign(&key, &with(&header, name, value.clone()), &claims), &format!("R-17: {name}"));
            nobody(
                &site,
                &sign(&own_key(&site), &with(&header, name, value), &claims),
                &format!("R-17: own key and {name}"),
            );
        }
        for kid in
            [json!("../../dev/null"), json!("' OR 1=1 --"), json!(""), json!(null), json!(1), json!([header["kid"]])]
        {
            nobody(&site, &sign(&key, &with(&header, "kid", kid.clone()), &claims), &format!("R-17: kid {kid}"));
        }
        for crit in [json!([]), json!(["exp"]), json!(["b64"]), json!(null)] {
            nobody(
                &site,
                &sign(&own_key(&site), &with(&header, "crit", crit.clone()), &claims),
                &format!("R-19: {crit}"),
            );
        }
    }
}

#[test]
fn tokens_of_another_instance_are_nothing_here() {
    let (site, ..) = site_and_tokens();
    let (other, access, refresh) = with_tokens(Site::of(TestApp::foreign()));
    nobody(&site, &access, "another instance's access token");
    nobody(&site, &refresh, "another instance's refresh token");
    // The other instance's key under this one's name, with this one's session.
    let pair = site.server.sign_in("ann@example.com");
    let (stored, secret) = other.app.current_key();
    assert_ne!(stored.kid, parts(&pair.access).0["kid"].as_str().unwrap(), "R-4: each instance has its own key");
    let (header, claims) = parts(&pair.access);
    nobody(&site, &sign(&EncodingKey::from_ec_der(&secret), &header, &claims), "R-16: the kid spoofed");
}

#[test]
fn changed_claims_break_the_signature() {
    let (site, access, refresh) = site_and_tokens();
    site.app.superuser("root@example.com");
    for token in [&access, &refresh] {
        let (header, claims) = parts(token);
        let signature = token.rsplit_once('.').unwrap().1;
        for (name, value) in [
            ("user_id", json!(2)),
            ("sub", json!("2")),
            ("exp", json!(4_000_000_000_i64)),
            ("sid", json!("00000000-0000-4000-8000-000000000000")),
            ("token_type", json!(if claims["token_type"] == "access" { "refresh" } else { "access" })),
            ("is_superuser", json!(true)),
        ] {
            let changed = with(&claims, name, value);
            nobody(&site, &format!("{}.{}.{signature}", encoded(&header), encoded(&changed)), name);
        }
        let zeros = URL_SAFE_NO_PAD.encode([0; 64]);
        nobody(&site, &format!("{}.{}.{zeros}", encoded(&header), encoded(&claims)), "r = s = 0");
    }
}

#[test]
fn signed_by_us_and_still_not_a_token() {
    let (site, access, refresh) = site_and_tokens();
    site.app.superuser("root@example.com");
    let root = parts(&site.server.sign_in("root@example.com").access).1;
    let key = own_key(&site);
    for token in [&access, &refresh] {
        let (header, claims) = parts(token);
        for name in ["exp", "iat", "iss", "sub", "jti", "sid", "token_type", "user_id"] {
            nobody(&site, &sign(&key, &header, &without(&claims, name)), &format!("R-18: no {name}"));
            for value in [
                json!(null),
                json!([]),
                json!({}),
                json!(true),
                json!(""),
                json!(-1),
                json!(1.5),
                json!([claims[name]]),
            ] {
                nobody(
                    &site,
                    &sign(&key, &header, &with(&claims, name, value.clone())),
                    &format!("R-18: {name} {value}"),
                );
            }
        }
        for (name, value) in [
            ("exp", json!(claims["exp"].to_string())),
            ("exp", json!(u64::MAX)),
            ("exp", json!(1)),
            ("iss", json!("http://evil.example")),
            ("iss", json!([claims["iss"]])),
            ("nbf", json!(4_000_000_000_i64)),
            ("nbf", json!("0")),
            ("sid", root["sid"].clone()),
            ("user_id", root["user_id"].clone()),
            ("sub", root["sub"].clone()),
            ("aud", json!(["a"])),
        ] {
            nobody(&site, &sign(&key, &header, &with(&claims, name, value.clone())), &format!("R-18: {name} {value}"));
        }
        for typ in [json!("JWT"), json!(null), json!("AT+JWT"), json!("application/at+jwt"), json!("")] {
            nobody(&site, &sign(&key, &with(&header, "typ", typ.clone()), &claims), &format!("R-20: typ {typ}"));
        }
        nobody(&site, &sign(&key, &without(&header, "typ"), &claims), "R-20: no typ");
        nobody(&site, &sign(&key, &without(&header, "kid"), &claims), "R-17: no kid");
    }
    // A claim twice: one of them may be believed here, the other there.
    let (header, claims) = parts(&access);
    let double = claims.to_string().replacen('{', "{\"user_id\":2,", 1);
    let signed = format!("{}.{}", encoded(&header), URL_SAFE_NO_PAD.encode(double));
    let signature = jsonwebtoken::crypto::sign(signed.as_bytes(), &key, jsonwebtoken::Algorithm::ES256).unwrap();
    nobody(&site, &format!("{signed}.{signature}"), "user_id twice");
}

#[test]
fn one_kind_is_refused_where_the_other_is_asked_for() {
    let (site, access, refresh) = site_and_tokens();
    assert_eq!(site.server.bearer(&refresh).get("/me/").status, 401, "R-20, D-13");
    assert_eq!(site.server.bearer(&refresh).post("/token/revoke_all/", json!({})).status, 401, "R-20");
    for path in ["/token/refresh/", "/logout/", "/token/revoke/"] {
        assert_eq!(site.server.anonymous().post(path, json!({"refresh": access})).status, 401, "R-20: {path}");
    }
    // Dressed as the other kind, signed by us: header and claim must agree.
    let key = own_key(&site);
    for (token, typ, kind) in [(&access, "rt+jwt", "refresh"), (&refresh, "at+jwt", "access")] {
        let (header, claims) = parts(token);
        nobody(&site, &sign(&key, &with(&header, "typ", json!(typ)), &claims), "R-20: header of the other kind");
        nobody(&site, &sign(&key, &header, &with(&claims, "token_type", json!(kind))), "R-20: claim of the other kind");
    }
    assert_eq!(site.server.bearer(&access).get("/me/").status, 200, "the session has survived all that");
}
