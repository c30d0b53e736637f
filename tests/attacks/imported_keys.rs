//! The secret of a former system beside keys of our own: confusing the two, guessing, mutating, and revocation at the next
//! request (R-16 … ).

use authsrv::crypto::jwt;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::{Site, refused};
use crate::support::TestApp;
use crate::support::former::{SECRET, claims, header, import, signed, token};

fn site() -> (Site, String) {
    let app = TestApp::new();
    app.user("ann@example.com", &["viewer"]);
    let kid = import(&app);
    (Site::of(app), kid)
}

fn issued(site: &Site, kind: &str, n: u32) -> String {
    token(kind, 1, site.app.env.clock.now(), n)
}

/// Passes if nobody lets this token in, at any door, and no door fails.
#[track_caller]
fn nobody(site: &Site, token: &str, about: &str) {
    let me = site.server.bearer(token).get("/me/");
    assert_eq!(me.status, 401, "{about} as Bearer: {me:?}");
    for path in ["/token/refresh/", "/logout/", "/token/revoke/"] {
        let answer = site.server.anonymous().post(path, json!({"refresh": token}));
        assert_eq!(answer.status, 401, "{about} at {path}: {answer:?}");
        refused(&answer, about);
    }
}

#[test]
fn what_is_public_is_not_the_shared_secret() {
    let (site, kid) = site();
    let jwks = site.server.anonymous().get("/.well-known/jwks.json").json();
    assert!(!jwks.to_string().contains(&kid), "{jwks}");
    let key = &jwks["keys"][0];
    let part = |name: &str| URL_SAFE_NO_PAD.decode(key[name].as_str().unwrap()).unwrap();
    let point = [&[4_u8][..], &part("x"), &part("y")].concat();
    let sealed = site.app.env.store.read(|tx| tx.signing_key(&kid)).unwrap().unwrap().sealed;
    let secrets = [
        point,
        key.to_string().into_bytes(),
        jwks.to_string().into_bytes(),
        kid.clone().into_bytes(),
        sealed,
        Vec::new(),
        SECRET.to_uppercase().into_bytes(),
        SECRET.as_bytes()[..32].to_vec(),
        [SECRET.as_bytes(), b"\n"].concat(),
    ];
    let own = key["kid"].as_str().unwrap();
    for (n, secret) in (0..).zip(&secrets) {
        for kind in ["access", "refresh"] {
            for head in [header(), json!({"alg": "HS256", "kid": kid}), json!({"alg": "HS256", "kid": own})] {
                let forged = signed(secret, &head, &claims(kind, 1, site.app.env.clock.now(), n));
                nobody(&site, &forged, &format!("R-16: secret {n} with {head}"));
            }
        }
    }
}

/// a name of a key of ours is never answered by the shared secret, and the secret by no other algorithm.
#[test]
fn a_kid_and_an_alg_do_not_choose_the_key() {
    let (site, kid) = site();
    let own = site.app.current_key().0.kid;
    let ours = site.server.sign_in("ann@example.com");
    let now = site.app.env.clock.now();
    for (n, kind) in [(1, "access"), (2, "refresh")] {
        let body = claims(kind, 1, now, n);
        for head in [
            json!({"alg": "HS256", "typ": "JWT", "kid": own}),
            json!({"alg": "HS256", "typ": "at+jwt", "kid": own}),
            json!({"alg": "HS256", "typ": "JWT", "kid": kid}),
            json!({"alg": "ES256", "typ": "at+jwt", "kid": kid}),
            json!({"alg": "ES256", "typ": "at+jwt"}),
            json!({"alg": "none"}),
            json!({"alg": "hs256"}),
            json!({"alg": "HS384"}),
            json!({"alg": "HS512"}),
            json!({"alg": ["HS256"]}),
            json!({"typ": "JWT"}),
            json!({"alg": "HS256", "crit": ["exp"]}),
            json!({"alg": "HS256", "jwk": {"kty": "oct", "k": "AA"}}),
            json!({"alg": "HS256", "jku": "https://evil.example/"}),
        ] {
            nobody(&site, &signed(SECRET.as_bytes(), &head, &body), &format!("R-16, R-17: {head}"));
        }
    }
    // A token of ours with another header, under the shared secret, and one that says less.
    for own in [&ours.access, &ours.refresh] {
        let read = jwt::read_unverified(own).unwrap();
        let (head, body) = (Value::Object(read.header), Value::Object(read.claims));
        nobody(&site, &signed(SECRET.as_bytes(), &head, &body), "R-16");
        let bare = format!("{}.{}", URL_SAFE_NO_PAD.encode(header().to_string()), own.split_once('.').unwrap().1);
        nobody(&site, &bare, "R-16: the signature of another algorithm");
    }
    assert_eq!(site.server.bearer(&ours.access).get("/me/").status, 200);
}

#[test]
fn one_kind_is_refused_in_place_of_the_other() {
    let (site, _) = site();
    assert_eq!(site.server.bearer(&issued(&site, "refresh", 1)).get("/me/").status, 401, "R-20");
    let answer = site.server.anonymous().post("/token/refresh/", json!({"refresh": issued(&site, "access", 2)}));
    assert_eq!(answer.status, 401, "R-20: {answer:?}");
    let root = site.root();
    assert_eq!(root.patch("/settings/", json!({"tokens.bearer_refresh": true})).status, 200);
    assert_eq!(site.server.bearer(&issued(&site, "refresh", 3)).get("/me/").status, 401, "it was never exchanged");
}

/// Every byte of a good token changed, one at a time, and every claim by values that a parser may stumble over.
#[test]
fn no_mutation_lets_anybody_in_or_brings_the_server_down() {
    let (site, _) = site();
    let good = issued(&site, "access", 1);
    assert_eq!(site.server.bearer(&good).get("/me/").status, 200);
    for at in 0..good.len() {
        let mut bytes = good.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(bytes).unwrap();
        assert_eq!(site.server.bearer(&changed).get("/me/").status, 401, "{changed}");
    }
    let deep = (0..200).fold(json!(1), |inner, _| json!([inner]));
    let values = [
        json!("abc"),
        json!([]),
        json!({}),
        Value::Null,
        json!(true),
        json!(-1),
        json!(0),
        json!(1.5),
        json!(u64::MAX),
        json!("9".repeat(400)),
        json!("1 "),
        json!("\u{0}"),
        json!("١"),
        json!(["1"]),
        deep,
    ];
    let now = site.app.env.clock.now();
    for name in ["user_id", "token_type", "jti", "exp"] {
        for (n, value) in (10..).zip(&values) {
            let mut body = claims("access", 1, now, n);
            body[name] = value.clone();
            let status = site.server.bearer(&signed(SECRET.as_bytes(), &header(), &body)).get("/me/").status;
            let named = name == "jti" && value.as_str().is_some_and(|text| text.len() < 255);
            let lasting = name == "exp" && (*value == json!(u64::MAX));
            assert!(status == 401 || (status == 200 && (named || lasting)), "{name}: {value}: {status}");
        }
    }
    site.lives();
}

/// R-26, at the next request and at every door.
#[test]
fn revocation_is_seen_by_the_next_request() {
    let (site, kid) = site();
    let client = site.server.bearer(&issued(&site, "access", 1));
    assert_eq!(client.get("/me/").status, 200);
    let root = site.root();
    assert_eq!(root.post("/token/revoke_all/1/", json!({})).status, 200);
    assert_eq!(client.get("/me/").status, 401, "R-26");
    site.app.clock.advance(std::time::Duration::from_secs(1));

    let later = site.server.bearer(&issued(&site, "access", 2));
    assert_eq!(later.get("/me/").status, 200);
    let old = issued(&site, "refresh", 3);
    let own = site.server.anonymous().post("/token/refresh/", json!({"refresh": old}));
    assert_eq!(own.status, 200, "{own:?}");
    site.app.operate(|ctx| authsrv::service::keys::revoke(ctx, &kid)).unwrap();
    assert_eq!(later.get("/me/").status, 401, "R-26");
    nobody(&site, &old, "its key was revoked");
    assert_eq!(site.server.bearer(&own.text("access")).get("/me/").status, 200, "what was exchanged is ours");
}

/// A former administrator's token is worth what the database says now.
#[test]
fn claims_give_no_rights() {
    let (site, _) = site();
    let mut body = claims("access", 1, site.app.env.clock.now(), 1);
    for (name, value) in [("is_superuser", json!(true)), ("is_staff", json!(true)), ("roles", json!(["admin"]))] {
        body[name] = value;
    }
    let client = site.server.bearer(&signed(SECRET.as_bytes(), &header(), &body));
    assert_eq!(client.get("/me/").status, 200);
    assert_eq!(client.post("/users/", json!({"email": "eve@example.com"})).status, 403, "R-41");
    assert_eq!(client.delete("/users/1/").status, 403, "R-41");
}
