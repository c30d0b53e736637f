//! A copy of the database without the master key: it signs nothing, verifies no secret, and what is sealed in it is worth
//! nothing. Then somebody who may write to the file moves sealed things about.

use std::fs;

use authsrv::crypto::jwt::Algorithm;
use authsrv::domain::settings::Profile;
use authsrv::service::keys::{self, When};
use authsrv::service::{Actor, Ensured, login, mails, tokens};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use crate::support::shell::Shell;
use crate::support::{PASSWORD, TestApp, former};

const SHARED: &str = "a-secret-of-all-services-of-this-house-4711";

/// An installation with keys of every algorithm, imported secrets, a mail on its way and derived tokens.
fn full() -> TestApp {
    let app = TestApp::foreign();
    app.user("ann@example.com", &[]);
    for algorithm in Algorithm::ALL {
        app.operate(|ctx| keys::generate(ctx, Some(algorithm))).unwrap();
        app.clock.advance(std::time::Duration::from_secs(1));
        app.operate(|ctx| keys::rotate(ctx, None, When::Now)).unwrap();
    }
    former::import(&app);
    app.operate(|ctx| keys::import_shared(ctx, SHARED)).unwrap();
    app.operate(|ctx| mails::queue_test(ctx, "hidden-recipient-text@example.com")).unwrap();
    let signed = app.call(&Actor::Anonymous, |ctx| login::login(ctx, "ann@example.com", PASSWORD, Profile::PyJwt));
    app.call(&Actor::Anonymous, |ctx| tokens::refresh(ctx, &signed.unwrap().pair.refresh)).unwrap();
    app
}

/// Everything that is sealed, opened.
fn secrets(app: &TestApp) -> Vec<Vec<u8>> {
    let env = &app.env;
    let mut secrets = Vec::new();
    env.store
        .read(|tx| {
            for key in tx.signing_keys()? {
                secrets.push(env.master.open(&format!("signing-key:{}", key.kid), &key.sealed)?.to_vec());
            }
            for (name, sealed) in tx.sealed_secrets()? {
                secrets.push(env.master.open(&name, &sealed)?.to_vec());
            }
            for (_, sealed) in tx.sealed_mails()? {
                secrets.push(env.master.open("mail", &sealed)?.to_vec());
            }
            Ok(())
        })
        .unwrap();
    secrets
}

#[test]
fn no_byte_of_a_secret_lies_in_the_files_of_the_database() {
    let app = full();
    let secrets = secrets(&app);
    assert!(secrets.len() >= 9, "{}", secrets.len());
    let files: Vec<Vec<u8>> = ["authsrv.db", "authsrv.db-wal", "authsrv.db-shm"]
        .iter()
        .filter_map(|name| fs::read(app.folder.path().join(name)).ok())
        .collect();
    let master = fs::read_to_string(app.folder.path().join("authsrv.key")).unwrap();
    let line = master.trim().rsplit(':').next().unwrap().to_owned();
    let mut needles = vec![line.clone().into_bytes(), URL_SAFE_NO_PAD.decode(line).unwrap()];
    for secret in &secrets {
        // Also parts of it: the private numbers of a key pair stand at its end or in its middle. Public halves, of which PKCS#8
        // may hold a copy, are looked for nowhere.
        needles.push(secret.clone());
        needles.push(STANDARD.encode(secret).into_bytes());
        needles.push(URL_SAFE_NO_PAD.encode(secret).into_bytes());
    }
    for (needle, file) in needles.iter().flat_map(|needle| files.iter().map(move |file| (needle, file))) {
        assert!(!file.windows(needle.len()).any(|window| window == needle), "R-55: {} bytes", needle.len());
    }
    for text in [former::SECRET, SHARED] {
        assert!(files.iter().all(|file| !file.windows(text.len()).any(|window| window == text.as_bytes())), "R-55");
    }
}

#[test]
fn a_copy_without_the_master_key_signs_nothing() {
    let app = full();
    app.env.store.checkpoint().unwrap();
    let thief = Shell::empty();
    for name in ["authsrv.db", "authsrv.db-wal"] {
        if let Ok(bytes) = fs::read(app.folder.path().join(name)) {
            fs::write(thief.file(name), bytes).unwrap();
            fs::set_permissions(thief.file(name), std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        }
    }
    thief.run("serve --listen 127.0.0.1:0").exits(1).says("authsrv.key is missing").says("backup");
    assert!(!thief.file("authsrv.key").exists(), "R-55: no other key is made");
    // With a key of his own.
    let own = Shell::new();
    fs::copy(own.file("authsrv.key"), thief.file("authsrv.key")).unwrap();
    thief.run("serve --listen 127.0.0.1:0").exits(1).says("not the one of this database");
    let refused = thief.run("keys generate --algorithm rs256");
    assert!(refused.code != 0, "{refused:?}");
    let keys = thief.json("keys list").to_string();
    assert!(!keys.contains("sealed"), "{keys}");
}

/// Who may write to the file cannot make one key out of another: each seal is bound to its place.
#[test]
fn a_sealed_thing_in_another_place_does_not_open() {
    let app = TestApp::new();
    app.user("ann@example.com", &[]);
    let Ensured::Created(next) = app.operate(|ctx| keys::generate(ctx, None)).unwrap() else { panic!("there was one") };
    let (current, _) = app.current_key();
    app.env.store.write(|tx| tx.reseal_key(&current.kid, &next.sealed)).unwrap();
    let thief = app.folder.path().join("authsrv.db");
    let env = authsrv::app::Parts {
        database: thief,
        master_key: app.folder.path().join("authsrv.key"),
        clock: Box::new(app.clock.clone()),
        random: Box::new(authsrv::crypto::random::OsRandom),
        hasher: authsrv::crypto::hash::Hasher::for_tests(),
    };
    let refused = env.open(authsrv::app::Missing::Create).map(drop).unwrap_err().to_string();
    assert!(refused.contains("does not open with the master key"), "{refused}");
}
