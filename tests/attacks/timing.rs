//! Somebody takes the time of many answers and sorts them: does it tell whether there is an account?
//!
//! Each class of names is asked about in turn, so that whatever else the machine does slows all alike, and the times are
//! compared by rank: the area under the curve is the chance that an answer of one class takes longer than one of the other,
//! 0.5 where nothing can be told. That the measurement can tell anything at all is shown by a server whose dummy hash costs
//! nothing. Only a difference that is there three times over counts.

use std::sync::Arc;
use std::time::{Duration, Instant};

use authsrv::app::{Missing, Parts};
use authsrv::crypto::hash::{Hasher, Params};
use authsrv::crypto::random::OsRandom;
use authsrv::domain::identifiers::Email;
use authsrv::domain::passwords::Password;
use authsrv::domain::users::NewUser;
use authsrv::service::users::{self, NewAccount};
use authsrv::service::{Env, settings};
use serde_json::json;

use super::registration;
use crate::support::http::{Client, Server};
use crate::support::{PASSWORD, TestApp, operator, origin};

/// Answers of each class.
const SAMPLES: usize = 250;
/// Most that a classifier may reach.
const AUC_MAX: f64 = 0.55;
/// Accounts of a class; each is asked about several times.
const ACCOUNTS: usize = 50;

/// What one class is asked: the number of the question.
type Ask<'a> = &'a dyn Fn(usize);

/// The chance that one of `a` is more than one of `b`, or the other way round, whichever is more.
fn auc(a: &[Duration], b: &[Duration]) -> f64 {
    let wins: f64 = a
        .iter()
        .flat_map(|one| b.iter().map(move |other| (one, other)))
        .map(|(one, other)| {
            if one > other {
                1.0
            } else if one == other {
                0.5
            } else {
                0.0
            }
        })
        .sum();
    let auc = wins / (a.len() * b.len()) as f64;
    auc.max(1.0 - auc)
}

/// The times of all classes, asked in turn, each round beginning with another.
fn times(classes: &[Ask], samples: usize, from: usize) -> Vec<Vec<Duration>> {
    let mut times = vec![Vec::new(); classes.len()];
    for round in from..from + samples {
        for turn in 0..classes.len() {
            let class = (round + turn) % classes.len();
            let begun = Instant::now();
            classes[class](round);
            times[class].push(begun.elapsed());
        }
    }
    times
}

/// How well the first class can be told from each other, at best of three measurements.
fn told_apart(classes: &[Ask]) -> Vec<f64> {
    times(classes, 10, 0);
    let mut best = vec![1.0_f64; classes.len() - 1];
    for attempt in 0..3 {
        let times = times(classes, SAMPLES, 10 + attempt * SAMPLES);
        for (best, other) in best.iter_mut().zip(&times[1..]) {
            *best = best.min(auc(&times[0], other));
        }
        if best.iter().all(|auc| *auc <= AUC_MAX) {
            break;
        }
    }
    best
}

/// Another program on the same files, with real costs of hashing.
fn real(app: &TestApp) -> Env {
    let parts = Parts {
        database: app.folder.path().join("authsrv.db"),
        master_key: app.folder.path().join("authsrv.key"),
        clock: Box::new(app.clock.clone()),
        random: Box::new(OsRandom),
        hasher: Hasher::new(Params::LESS_MEMORY, 2).unwrap(),
    };
    let mut env = parts.open(Missing::Refuse).unwrap().0;
    env.default_url = "http://127.0.0.1:8000".to_owned();
    env
}

/// Makes the accounts `known0@example.com` … with hashes of this program's costs.
fn populate(env: &Env) {
    let (actor, origin) = (operator(), origin());
    let ctx = env.ctx(&actor, &origin);
    for (class, is_active, password) in
        [("known", true, Some(PASSWORD)), ("inactive", false, Some(PASSWORD)), ("passwordless", true, None)]
    {
        for n in 0..ACCOUNTS {
            let email = Some(Email::parse(&format!("{class}{n}@example.com")).unwrap());
            let profile = NewUser { email, is_active, ..NewUser::default() };
            let password = password.map(|text| Password::parse("password", text).unwrap());
            users::create(&ctx, NewAccount { profile, password, roles: Vec::new() }).unwrap();
        }
    }
}

/// One wrong sign-in, or one with the right password where that does not help either.
fn sign_in(client: &Client, class: &str, n: usize) {
    let password = if class == "inactive" { PASSWORD } else { "Wrong-1-password" };
    let body = json!({"email": format!("{class}{}@example.com", n % ACCOUNTS), "password": password});
    assert_eq!(client.post("/login/", body).status, 401);
}

fn classes_of_sign_ins(server: &Server) -> Vec<f64> {
    let client = server.anonymous();
    let ask = |class: &'static str| {
        let client = &client;
        move |n: usize| sign_in(client, class, n)
    };
    let (unknown, known) = (ask("unknown"), ask("known"));
    let (inactive, passwordless) = (ask("inactive"), ask("passwordless"));
    told_apart(&[&unknown, &known, &inactive, &passwordless])
}

#[test]
fn the_time_of_a_refused_sign_in_tells_nothing() {
    let mut app = TestApp::new();
    app.widen();
    app.env = Arc::new(real(&app));
    populate(&app.env);
    let told = classes_of_sign_ins(&Server::start(&app));
    assert!(told.iter().all(|auc| *auc <= AUC_MAX), "R-14: known, inactive, without a password: {told:?}");
}

/// The control: the same accounts, and a server whose dummy hash costs nothing.
#[test]
fn without_a_dummy_hash_the_time_would_tell() {
    let app = TestApp::new();
    app.widen();
    populate(&real(&app));
    let server = Server::start(&app);
    let client = server.anonymous();
    let (unknown, known) = (|n: usize| sign_in(&client, "unknown", n), |n: usize| sign_in(&client, "known", n));
    let times = times(&[&unknown, &known], 60, 0);
    let auc = auc(&times[0], &times[1]);
    assert!(auc > 0.9, "the measurement tells nothing: {auc}");
}

/// Of what needs no password: mails that are asked for, and registrations while accounts wait for activation.
#[test]
fn the_time_of_what_is_mailed_tells_nothing() {
    let app = TestApp::new();
    app.widen();
    populate(&app.env);
    app.operate(|ctx| settings::change(ctx, &[("registration.activation".to_owned(), Some(json!(true)))])).unwrap();
    let server = Server::start(&app);
    let client = server.anonymous();
    for n in 0..ACCOUNTS {
        assert_eq!(client.post("/register/", registration(&format!("waiting{n}@example.com"))).status, 201);
    }
    let post = |path: &'static str, class: &'static str| {
        let client = &client;
        move |n: usize| {
            let body = json!({"email": format!("{class}{}@example.com", n % ACCOUNTS)});
            assert_eq!(client.post(path, body).status, 204);
        }
    };
    let reset = "/auth/users/reset_password/";
    let (unknown, known, inactive) = (post(reset, "unknown"), post(reset, "known"), post(reset, "inactive"));
    let told = told_apart(&[&unknown, &known, &inactive]);
    assert!(told.iter().all(|auc| *auc <= AUC_MAX), "R-14: reset: {told:?}");
    let resend = "/auth/users/resend_activation/";
    let (unknown, waiting, active) = (post(resend, "unknown"), post(resend, "waiting"), post(resend, "known"));
    let told = told_apart(&[&unknown, &waiting, &active]);
    assert!(told.iter().all(|auc| *auc <= AUC_MAX), "R-14: resend: {told:?}");
    let register = |email: String| assert_eq!(client.post("/register/", registration(&email)).status, 201);
    let free = |n: usize| register(format!("free{n}@example.com"));
    let taken = |n: usize| register(format!("known{}@example.com", n % ACCOUNTS));
    let told = told_apart(&[&free, &taken]);
    assert!(told.iter().all(|auc| *auc <= AUC_MAX), "R-14: register: {told:?}");
}
