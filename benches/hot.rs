//! `cargo bench --bench hot`: what a request is made of, each part on its own.
//!
//! Figures are for comparing one version with the next on one machine; what they are worth is told by `compare`.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a measurement that fails has no figures")]

#[expect(dead_code, reason = "tests use the rest")]
#[path = "../tests/support/mod.rs"]
mod support;

use authsrv::crypto::hash::{Hasher, Params};
use authsrv::crypto::jwt::{self, Algorithm, SigningKey, VerifyingKey};
use authsrv::domain::ids::{Timestamp, UserId};
use authsrv::domain::rights::Right;
use authsrv::domain::tokens::{Claims, TokenType};
use authsrv::service::access::{self, Question};
use authsrv::service::{Actor, settings, tokens};
use criterion::{Criterion, criterion_group, criterion_main};
use support::TestApp;

/// The second in which tokens are issued.
const NOW: i64 = 1_700_000_000;

criterion_group!(hot, hashes, signatures, operations);
criterion_main!(hot);

/// The three permitted costs, in memory that was used before.
fn hashes(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("hash");
    group.sample_size(20);
    for params in Params::POINTS {
        let hasher = Hasher::new(params, 1).unwrap();
        let name = format!("{} MiB, {} passes", params.memory_kib / 1024, params.passes);
        group.bench_function(name, |timer| timer.iter(|| hasher.verify_nobody("correct horse").unwrap()));
    }
}

/// Signing and verifying an access token, header and claims included.
fn signatures(criterion: &mut Criterion) {
    let now = Timestamp::from_timestamp(NOW, 0).unwrap();
    let mut group = criterion.benchmark_group("token");
    for (name, algorithm) in [
        ("ES256", Algorithm::Es256),
        ("EdDSA", Algorithm::EdDsa),
        ("HS256", Algorithm::Hs256),
        ("RS256", Algorithm::Rs256),
    ] {
        let new = jwt::generate(algorithm).unwrap();
        let signing = SigningKey::new(&new.kid, name, &new.secret).unwrap();
        let verifying = match algorithm {
            Algorithm::Hs256 => VerifyingKey::of_secret(&new.kid, &new.secret).unwrap(),
            _ => VerifyingKey::new(&new.kid, name, &new.public_jwk).unwrap(),
        };
        let token = jwt::sign(&signing, &claims()).unwrap();
        group.bench_function(format!("sign {name}"), |timer| timer.iter(|| jwt::sign(&signing, &claims()).unwrap()));
        group.bench_function(format!("verify {name}"), |timer| {
            timer.iter(|| jwt::verify(&token, &verifying, TokenType::Access, now).unwrap());
        });
    }
}

fn claims() -> Claims {
    Claims {
        token_type: TokenType::Access,
        exp: NOW + 300,
        iat: NOW,
        jti: "0192f0d6-9a1c-4b6a-8f44-0a4d6bdc1c5e".to_owned(),
        user_id: UserId(17),
        username: None,
        sid: "7b1f3a52-52a8-4e0f-9d0e-0a8f2c9f3f11".to_owned(),
        iss: "https://auth.example.com".to_owned(),
        aud: None,
        status: None,
    }
}

/// What the services do on a file: who calls, may he, and a refresh with its commit.
fn operations(criterion: &mut Criterion) {
    let app = TestApp::new();
    let unlimited = [("guard.refresh".to_owned(), Some(0.into()))];
    app.operate(|ctx| settings::change(ctx, &unlimited)).unwrap();
    app.user("ann@example.com", &["viewer"]);
    let pair = app.sign_in("ann@example.com");
    let actor = app.authenticate(&pair.access).unwrap();
    criterion.bench_function("authenticate", |timer| timer.iter(|| app.authenticate(&pair.access).unwrap()));
    criterion.bench_function("check", |timer| {
        timer.iter(|| {
            let question = Question { right: Right::new("documents", "read"), user: None };
            app.call(&actor, |ctx| access::check(ctx, &[question])).unwrap()
        });
    });
    let mut refresh = pair.refresh;
    criterion.bench_function("refresh", |timer| {
        timer.iter(|| {
            refresh = app.call(&Actor::Anonymous, |ctx| tokens::refresh(ctx, &refresh)).unwrap().refresh.unwrap();
        });
    });
}
