//! Signing keys over time: one takes the place of another and no good token fails.

use std::collections::BTreeMap;
use std::sync::Barrier;
use std::time::Duration;

use authsrv::crypto::jwt::{self, Algorithm, VerifyingKey};
use authsrv::domain::error::{Error, TokenFault};
use authsrv::domain::ids::Timestamp;
use authsrv::domain::keys::State;
use authsrv::domain::tokens::TokenType;
use authsrv::service::keys::{self, When};
use authsrv::service::tokens;
use authsrv::service::{Actor, Clock, Ensured};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::common::{fault, invalid, set};
use crate::support::{TestApp, origin};

const ANN: &str = "ann@example.com";

/// PKCS#8 in base64 of keys that are not signed with here: on P-384, on secp256k1, and RSA of 1024 bits.
const FOREIGN: [&str; 3] = [
    "MIG2AgEAMBAGByqGSM49AgEGBSuBBAAiBIGeMIGbAgEBBDD4C+j8ohNQ/ClIik3WJfnVWXPEi528ETyETlsRImvx6nRVNb/PaF9x\
     cB+GBMPKV56hZANiAASFWMoK3IKKPaTFKzotLn/dUgyfC7dkM61PcdA5KGWNDLp44l7pazZMwMz9viDtYBpQPKQSgGxgiDDzLzVA\
     fsmAsTPPERRQXfwzVPrEJRa32q6k71YtZ0sJ+auxN/EM488=",
    "MIGEAgEAMBAGByqGSM49AgEGBSuBBAAKBG0wawIBAQQgkO3OjPTn8kpn5tQ/bGodU9CrhH6rC+c32kPKautx2XahRANCAAR47fkt\
     XusB3wTZMKgVEv3f8oqrqXnEmtJZepP0t80Am1iqli8uVtzm6bEMkSeWKZ9glz4SPnqVdFLi8J0koRy1",
    "MIICdwIBADANBgkqhkiG9w0BAQEFAASCAmEwggJdAgEAAoGBALZ4uTXO3OB1y8c9Oj2OKEGRw6WrflinFdh6FzwDZCnllMgT0vXx\
     6YWh/UqvSX3SAW2vl/BGDBGlCgmEpOVFeO7LiTx5nYk0khVzOBi4bCzNkOMpsw1sZM8iF71AWsNVpgs0tUUen5hPCqxvyS3GLg4i\
     lp/HEdQN9M+Pqk1x8qjlAgMBAAECgYBYvhPNUILpg0CM8IEfqMB5SyvsqZ/z+6bLNm2QWVHgcnBOch26UWGyBRtLtD44u+bH8osh\
     Zt+9wRdFk8YiXww1u1I4krADJD5/6IoUZVeA+iupoVeRQ35bnoXGZKIWF2BkQ/VzwD3wa+IwAwBIlIM4iEQmawKE2VeUUR4wHhtI\
     jQJBAPAMnpjWsj0Mgky7IqmLvP2s5tHpBD6icXBYUj1EayoSNPLF+4LWVnNKbOXTCLagV1MGLfFqiIOJLxhyDTMC1+sCQQDCmKxD\
     jEv3FTlD6sHnXFV8d2Nobf5kNdr+GHfV765hc5FXW6XdeSyTSl+LX2wEF/uFA9Er8s/Z1g9ZIuRuXJ5vAkEAkf/a5jKOrbrR9UFM\
     T7qB8/gZW0pSHpZGUIInYsQeObRhJ9dqpaUfZ3e4y/+SqSDUe9aiUtbsuLPTRRb5GDF+iQJBAJ265H6H/JcVE+qyIWOn2v7dQq1F\
     4tpVMOGe8ZtuAFmrNBasCaCf9Hqa4SD2QnZ6/ftOIcDOup0mPiCRALlXx28CQCO5ad6LC1n3BtfPYPoqNupxBfbiyA8lyBPpb8lF\
     k/tzUT5H6hC2+NLpbxikyCWYmvBDZ0kvra6JVmEuBJUQQZ4=",
];

fn ann() -> TestApp {
    let app = TestApp::new();
    app.user(ANN, &["viewer"]);
    app
}

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn kid(token: &str) -> String {
    jwt::key_id(token).unwrap()
}

fn rotate(app: &TestApp, when: When) -> keys::Rotated {
    app.operate(|ctx| keys::rotate(ctx, None, when)).unwrap()
}

fn refresh(app: &TestApp, token: &str) -> authsrv::domain::error::Result<tokens::Refreshed> {
    app.call(&Actor::Anonymous, |ctx| tokens::refresh(ctx, token))
}

/// The kids that anybody can see.
fn published(app: &TestApp) -> Vec<String> {
    let jwks = keys::public_jwks(&app.env).unwrap();
    jwks["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

fn state(app: &TestApp, kid: &str) -> State {
    let ring = app.operate(keys::list).unwrap();
    ring.state(ring.key(kid).unwrap())
}

/// published for the max-age before it signs; the old one stays published until its last access token is over by a
/// minute, and verifies refresh tokens until the last of them is.
#[test]
fn r25_a_key_takes_the_place_of_another_step_by_step() {
    let app = ann();
    let first = app.sign_in(ANN);
    let old = kid(&first.access);
    let rotated = rotate(&app, When::Published);
    let new = rotated.key.kid.clone();
    assert_eq!((rotated.previous.as_ref(), rotated.known), (Some(&old), false));
    assert!(rotate(&app, When::Published).known, "safe to repeat");
    assert_eq!(published(&app), [old.clone(), new.clone()]);
    assert_eq!([state(&app, &old), state(&app, &new)], [State::Current, State::Next]);
    app.clock.advance(seconds(299));
    let last = app.sign_in(ANN);
    assert_eq!(kid(&last.access), old, "R-25: not before it was published for the max-age");
    app.clock.advance(seconds(1));
    assert_eq!(kid(&app.sign_in(ANN).access), new);
    assert_eq!([state(&app, &old), state(&app, &new)], [State::Retiring, State::Current]);
    app.authenticate(&last.access).unwrap();
    // An access token is good for 300 s, and the last was signed a second ago.
    app.clock.advance(seconds(299 + 59));
    assert_eq!(published(&app), [old.clone(), new.clone()], "R-25: one lifetime and 60 s");
    app.clock.advance(seconds(1));
    assert_eq!(published(&app), std::slice::from_ref(&new));
    assert_eq!(state(&app, &old), State::Retiring);
    let again = refresh(&app, &first.refresh).unwrap();
    assert_eq!(kid(&again.access), new, "the server still knows the old key");
    app.clock.advance(seconds(86_400));
    assert_eq!(state(&app, &old), State::Expired);
    assert_eq!(fault(app.authenticate(&last.access)), TokenFault::UnknownKey, "an old key is worth nothing to a thief");
}

/// what nothing is written of, a status list, can be verified for as long as it is good.
#[test]
fn r25_a_key_is_published_for_as_long_as_its_last_status_list_is_good() {
    let app = ann();
    set(&app, "status_list.lifetime", 3600);
    let old = kid(&app.sign_in(ANN).access);
    rotate(&app, When::Now);
    // A key that was killed before its time changes nothing of that.
    let killed = rotate(&app, When::Published).key.kid;
    app.operate(|ctx| keys::revoke(ctx, &killed)).unwrap();
    app.clock.advance(seconds(3600 + 59));
    assert!(published(&app).contains(&old));
    app.clock.advance(seconds(1));
    assert!(!published(&app).contains(&old));
    assert_eq!(published(&app).len(), 1);
}

/// a clock that is set back finds a key that signs, and what the next one signed stays good.
#[test]
fn r25_a_clock_that_is_set_back_ends_nothing() {
    let app = ann();
    let first = app.sign_in(ANN);
    app.clock.advance(seconds(60));
    rotate(&app, When::Now);
    let second = app.sign_in(ANN);
    app.clock.step_back(seconds(30));
    assert_eq!(kid(&app.sign_in(ANN).access), kid(&first.access));
    for pair in [&first, &second] {
        app.authenticate(&pair.access).unwrap();
        refresh(&app, &pair.refresh).unwrap();
    }
    assert_eq!(published(&app).len(), 2);
    app.clock.step_back(seconds(100 * 86_400));
    app.sign_in(ANN);
    assert_eq!(published(&app).len(), 2, "there is always one");
}

#[test]
fn a_key_that_waits_long_enough_signs_at_once() {
    let app = ann();
    let Ensured::Created(key) = app.operate(|ctx| keys::generate(ctx, Some(Algorithm::EdDsa))).unwrap() else {
        panic!("there was one")
    };
    let same = app.operate(|ctx| keys::generate(ctx, Some(Algorithm::EdDsa))).unwrap();
    assert!(matches!(same, Ensured::Unchanged(there) if there.kid == key.kid), "safe to repeat");
    app.clock.advance(seconds(300));
    rotate(&app, When::Published);
    let token = app.sign_in(ANN).access;
    assert_eq!(kid(&token), key.kid);
    assert_eq!(jwt::read_unverified(&token).unwrap().header["alg"], "EdDSA");
}

/// each algorithm on the way through sign-in, access, refresh and the published keys.
#[test]
fn r16_every_algorithm_signs_and_is_verified() {
    let app = ann();
    for algorithm in Algorithm::ALL {
        app.operate(|ctx| keys::generate(ctx, Some(algorithm))).unwrap();
        app.clock.advance(seconds(1));
        rotate(&app, When::Now);
        let pair = app.sign_in(ANN);
        let header = jwt::read_unverified(&pair.access).unwrap().header;
        assert_eq!(header["alg"], algorithm.name());
        app.authenticate(&pair.access).unwrap();
        let next = refresh(&app, &pair.refresh).unwrap();
        app.authenticate(&next.access).unwrap();
        let jwks = keys::public_jwks(&app.env).unwrap();
        let found = jwks["keys"].as_array().unwrap().iter().find(|key| key["kid"] == header["kid"]);
        if algorithm.is_symmetric() {
            assert!(found.is_none(), "a secret is never published");
            let refused = app.operate(|ctx| keys::public(ctx, header["kid"].as_str()));
            assert_eq!(invalid(refused), [("kid".to_owned(), "invalid")]);
            assert_eq!(header["kid"].as_str().unwrap().len(), 36, "its name tells nothing");
            continue;
        }
        let found = found.unwrap();
        assert_eq!((&found["alg"], &found["use"]), (&header["alg"], &Value::from("sig")));
        verify(&jwks, &next.access, app.clock.now()).unwrap();
    }
}

/// What somebody does who verifies by the published keys alone.
fn verify(jwks: &Value, token: &str, now: Timestamp) -> Result<(), String> {
    let kid = kid(token);
    let key = jwks["keys"].as_array().unwrap().iter().find(|key| key["kid"] == kid.as_str());
    let key = key.ok_or_else(|| format!("no key {kid}"))?;
    let key = VerifyingKey::new(&kid, key["alg"].as_str().unwrap(), &key.to_string()).map_err(|e| e.to_string())?;
    jwt::verify(token, &key, TokenType::Access, now).map(drop).map_err(|fault| format!("{fault:?}"))
}

/// verifiers that keep the published keys for their max-age, each asking at other moments, never refuse a good token,
/// however often keys are replaced. The clock runs for three hours.
#[test]
fn r25_offline_verifiers_never_meet_an_unknown_key() {
    let app = ann();
    set(&app, "keys.rotate_every", 600);
    let mut kept: Vec<(u64, Value)> = (0..4).map(|n| (n * 75, keys::public_jwks(&app.env).unwrap())).collect();
    let (mut tokens, mut seen) = (Vec::new(), BTreeMap::new());
    for step in 0..360_u64 {
        let now = step * 30;
        keys::tend(&app.env).unwrap();
        let access = app.sign_in(ANN).access;
        *seen.entry(kid(&access)).or_insert(0) += 1;
        tokens.push((now, access));
        tokens.retain(|(issued, _)| now < issued + 300);
        for (asked, jwks) in &mut kept {
            if now >= *asked + 300 {
                (*asked, *jwks) = (now, keys::public_jwks(&app.env).unwrap());
            }
            for (issued, token) in [&tokens[0], &tokens[tokens.len() / 2], &tokens[tokens.len() - 1]] {
                let verdict = verify(jwks, token, app.clock.now());
                assert!(verdict.is_ok(), "{verdict:?}: issued {issued}, keys of {asked}, now {now}");
            }
        }
        app.clock.advance(seconds(30));
    }
    assert!(seen.len() >= 17, "keys were replaced all along: {seen:?}");
    assert!(published(&app).len() <= 3, "and did not pile up");
}

/// of many who look at once, one replaces the key.
#[test]
fn r25_a_key_is_replaced_once_when_its_time_has_come() {
    let app = ann();
    let old = kid(&app.sign_in(ANN).access);
    app.clock.advance(seconds(90 * 86_400 - 301));
    assert!(!keys::tend(&app.env).unwrap());
    app.clock.advance(seconds(1));
    let (other, barrier) = (app.second(), Barrier::new(8));
    let done: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|n| {
                let env = if n % 2 == 0 { &*app.env } else { &other };
                let barrier = &barrier;
                scope.spawn(move || {
                    barrier.wait();
                    usize::from(keys::tend(env).unwrap())
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(done, 1);
    assert_eq!(app.operate(keys::list).unwrap().keys().len(), 2);
    app.clock.advance(seconds(299));
    assert_eq!(kid(&app.sign_in(ANN).access), old);
    app.clock.advance(seconds(1));
    assert_ne!(kid(&app.sign_in(ANN).access), old);
    set(&app, "keys.rotate_every", 0);
    app.clock.advance(seconds(400 * 86_400));
    assert!(!keys::tend(&app.env).unwrap(), "0: never");
}

/// a key that got out is worth nothing from the next request on, and sign-ins go on.
#[test]
fn r25_a_killed_key_ends_its_tokens_at_once() {
    let app = ann();
    let pair = app.sign_in(ANN);
    let old = kid(&pair.access);
    let killed = app.operate(|ctx| keys::revoke(ctx, &old)).unwrap();
    let successor = killed.successor.unwrap().kid;
    assert_eq!(fault(app.authenticate(&pair.access)), TokenFault::UnknownKey);
    assert_eq!(fault(refresh(&app, &pair.refresh)), TokenFault::UnknownKey);
    assert_eq!(published(&app), std::slice::from_ref(&successor));
    let pair = app.sign_in(ANN);
    assert_eq!(kid(&pair.access), successor);
    app.authenticate(&pair.access).unwrap();
    let again = app.operate(|ctx| keys::revoke(ctx, &old)).unwrap();
    assert!(!again.revoked && again.successor.is_none());
    // The next key takes its place, if there is one, and a withdrawn one never does.
    let withdrawn = rotate(&app, When::Published).key.kid;
    app.operate(|ctx| keys::revoke(ctx, &withdrawn)).unwrap();
    app.clock.advance(seconds(600));
    assert_eq!(kid(&app.sign_in(ANN).access), successor);
    let Ensured::Created(next) = app.operate(|ctx| keys::generate(ctx, None)).unwrap() else { panic!("there was one") };
    let killed = app.operate(|ctx| keys::revoke(ctx, &successor)).unwrap();
    assert_eq!(killed.successor.map(|key| key.kid), Some(next.kid));
    let back = app.operate(|ctx| keys::rotate(ctx, Some(&old), When::Now));
    assert_eq!(invalid(back), [("kid".to_owned(), "invalid")]);
}

/// what was signed before a key was killed and would be stored after is not given out.
#[test]
fn a_sign_in_that_overlaps_the_end_of_its_key_gives_no_dead_token() {
    let app = ann();
    let old = kid(&app.sign_in(ANN).access);
    let noted = app.env.store.write(|tx| {
        assert!(tx.note_key_use(&old, None, None)?);
        tx.revoke_key(&old, app.clock.now())?;
        tx.note_key_use(&old, None, None)
    });
    assert!(!noted.unwrap());
}

fn pem(der: &[u8]) -> String {
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(der))
}

#[test]
fn a_key_of_ones_own_is_taken_and_signs_after_a_rotation() {
    let app = ann();
    for algorithm in [Algorithm::Es256, Algorithm::EdDsa, Algorithm::Rs256] {
        let own = jwt::generate(algorithm).unwrap();
        let text = pem(&own.secret);
        let imported = app.operate(|ctx| keys::import_private(ctx, &text)).unwrap();
        assert!(matches!(imported, Ensured::Created(key) if key.kid == own.kid && key.public_jwk == own.public_jwk));
        let again = app.operate(|ctx| keys::import_private(ctx, &text)).unwrap();
        assert!(matches!(again, Ensured::Unchanged(_)));
        app.clock.advance(seconds(1));
        app.operate(|ctx| keys::rotate(ctx, Some(&own.kid), When::Now)).unwrap();
        assert_eq!(kid(&app.sign_in(ANN).access), own.kid);
    }
    let secret = "shared-by-all-services-of-this-house-0123";
    let Ensured::Created(shared) = app.operate(|ctx| keys::import_shared(ctx, secret)).unwrap() else {
        panic!("it is new")
    };
    assert!(matches!(app.operate(|ctx| keys::import_shared(ctx, secret)), Ok(Ensured::Unchanged(_))));
    app.clock.advance(seconds(1));
    app.operate(|ctx| keys::rotate(ctx, Some(&shared.kid), When::Now)).unwrap();
    let token = app.sign_in(ANN).access;
    let key = VerifyingKey::of_secret(&shared.kid, secret.as_bytes()).unwrap();
    jwt::verify(&token, &key, TokenType::Access, app.clock.now()).unwrap();
    app.clock.advance(seconds(200 * 86_400));
    assert!(!keys::tend(&app.env).unwrap(), "services that share a secret could not follow");
    for wrong in
        ["", "x", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "-----BEGIN EC PRIVATE KEY-----"]
    {
        let refused = invalid(app.operate(|ctx| keys::import_private(ctx, wrong)));
        assert_eq!(refused, [("private_key".to_owned(), "invalid")], "{wrong}");
    }
    for foreign in FOREIGN {
        let text = pem(&STANDARD.decode(foreign).unwrap());
        let refused = invalid(app.operate(|ctx| keys::import_private(ctx, &text)));
        assert_eq!(refused, [("private_key".to_owned(), "invalid")], "R-16: {foreign:.20}");
    }
    let short = invalid(app.operate(|ctx| keys::import_shared(ctx, &"s".repeat(31))));
    assert_eq!(short, [("secret".to_owned(), "min_length")], "R-16");
}

#[test]
fn keys_are_for_whoever_holds_the_right() {
    let app = ann();
    let token = app.sign_in(ANN).access;
    let kid = kid(&token);
    let refused = [
        app.with_token(&token, |ctx| keys::generate(ctx, None).map(drop)),
        app.with_token(&token, |ctx| keys::rotate(ctx, None, When::Now).map(drop)),
        app.with_token(&token, |ctx| keys::revoke(ctx, &kid).map(drop)),
        app.with_token(&token, |ctx| keys::reseal(ctx).map(drop)),
        app.with_token(&token, |ctx| keys::public(ctx, None).map(drop)),
        app.with_token(&token, |ctx| keys::import_private(ctx, "").map(drop)),
        app.with_token(&token, |ctx| keys::import_shared(ctx, "").map(drop)),
    ];
    assert!(refused.iter().all(|refused| matches!(refused, Err(Error::Forbidden(_)))), "{refused:?}");
    assert_eq!(app.operate(keys::list).unwrap().keys().len(), 1);
    app.env.ctx(&Actor::Anonymous, &origin()).require(&authsrv::domain::rights::Right::of("keys", "read")).unwrap_err();
}
