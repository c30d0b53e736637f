//! A new master key under everything that is sealed: cut off anywhere, database and file go together.

use std::fs;

use authsrv::domain::settings::Profile;
use authsrv::domain::tokens::TokenPair;
use authsrv::service::keys::{self, Resealed};
use authsrv::service::{Actor, login, mails, tokens};

use crate::support::{PASSWORD, TestApp, former};

const ANN: &str = "ann@example.com";

/// An installation in which there is something of everything that is sealed.
fn full() -> TestApp {
    let app = TestApp::new();
    app.user(ANN, &[]);
    former::import(&app);
    app.operate(|ctx| mails::queue_test(ctx, ANN)).unwrap();
    let pair = sign_in(&app);
    // The secret that UUIDs follow from.
    refresh(&app, &pair.refresh);
    app
}

fn sign_in(app: &TestApp) -> TokenPair {
    app.call(&Actor::Anonymous, |ctx| login::login(ctx, ANN, PASSWORD, Profile::PyJwt)).unwrap().pair
}

fn refresh(app: &TestApp, token: &str) -> tokens::Refreshed {
    app.call(&Actor::Anonymous, |ctx| tokens::refresh(ctx, token)).unwrap()
}

fn file(app: &TestApp) -> String {
    fs::read_to_string(app.folder.path().join("authsrv.key")).unwrap()
}

/// Passes if everything that is sealed opens for a program that starts now.
fn opens(app: &TestApp) {
    let env = app.second();
    keys::probe(&env).unwrap();
    let all = env.store.read(|tx| {
        for key in tx.signing_keys()? {
            env.master.open(&format!("signing-key:{}", key.kid), &key.sealed)?;
        }
        for (name, sealed) in tx.sealed_secrets()? {
            env.master.open(&name, &sealed)?;
        }
        for (_, sealed) in tx.sealed_mails()? {
            env.master.open("mail", &sealed)?;
        }
        Ok(())
    });
    all.unwrap();
}

#[test]
fn everything_that_is_sealed_is_sealed_anew_while_another_program_works() {
    let app = full();
    let (other, before, pair) = (app.second(), file(&app), sign_in(&app));
    let Resealed { keys, secrets, mails } =
        keys::reseal(&other.ctx(&crate::support::operator(), &crate::support::origin())).unwrap();
    assert_eq!((keys, mails), (2, 1));
    assert!(secrets >= 1);
    assert_ne!(file(&app), before);
    // The first program has the old key in mind, and follows.
    app.operate(|ctx| mails::queue_test(ctx, ANN)).unwrap();
    app.operate(|ctx| keys::generate(ctx, None)).unwrap();
    refresh(&app, &pair.refresh);
    app.authenticate(&app.sign_in(ANN).access).unwrap();
    opens(&app);
    assert_eq!(
        fs::read_dir(app.folder.path())
            .unwrap()
            .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().contains(".key"))
            .count(),
        1
    );
}

/// Cut off after the new key was written, and after the transaction: the next program goes on with what the database says.
#[test]
fn a_change_that_is_cut_off_leaves_what_works() {
    let app = full();
    let (before, place) = (file(&app), app.folder.path().join("authsrv.key"));
    // Before the transaction: the new key lies beside, and nothing is sealed with it.
    app.env.master.stage(app.env.random.as_ref()).unwrap();
    opens(&app);
    assert_eq!(file(&app), before);
    assert!(!app.env.master.has_staged(), "a start forgets it");
    // After it: everything is sealed with the new key, which still lies beside.
    app.operate(keys::reseal).unwrap();
    let staged = app.folder.path().join("authsrv.key.new");
    fs::rename(&place, &staged).unwrap();
    fs::write(&place, &before).unwrap();
    fs::set_permissions(&place, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let mails = app.operate(|ctx| mails::queue_test(ctx, ANN));
    mails.unwrap();
    opens(&app);
    assert!(file(&app) != before && !staged.exists(), "a start puts it in place");
    app.operate(keys::reseal).unwrap();
    opens(&app);
}

/// Two at once: one after the other, and both keys of the end go together.
#[test]
fn two_changes_at_once_leave_one_key() {
    let app = full();
    let other = app.second();
    std::thread::scope(|scope| {
        for env in [&*app.env, &other] {
            scope.spawn(move || {
                for _ in 0..5 {
                    keys::reseal(&env.ctx(&crate::support::operator(), &crate::support::origin())).unwrap();
                }
            });
        }
    });
    opens(&app);
    assert!(!app.env.master.has_staged());
}
