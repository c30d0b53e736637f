//! `sessions` and `tokens`, with sign-ins through the library on the same file.

use authsrv::app::{Missing, Parts};
use authsrv::domain::settings::Profile;
use authsrv::domain::tokens::TokenPair;
use authsrv::service::{Actor, Env, Origin, login, tokens};

use crate::support::PASSWORD;
use crate::support::shell::Shell;

/// A server's half: the same file, opened by the library.
fn server(shell: &Shell) -> Env {
    let (db, key) = (shell.folder().join("authsrv.db"), shell.folder().join("authsrv.key"));
    let (mut env, _) = Parts::real(&db, &key).unwrap().open(Missing::Refuse).unwrap();
    env.default_url = "http://127.0.0.1:8000".to_owned();
    env
}

fn sign_in(env: &Env, email: &str) -> TokenPair {
    let origin = Origin { door: "test", ..Origin::default() };
    login::login(&env.ctx(&Actor::Anonymous, &origin), email, PASSWORD, Profile::Rbac).unwrap().pair
}

fn with_user() -> (Shell, Env) {
    let shell = Shell::new();
    shell.user("ann@example.com");
    let env = server(&shell);
    (shell, env)
}

#[test]
fn a_session_is_listed_shown_and_ended() {
    let (shell, env) = with_user();
    sign_in(&env, "ann@example.com");
    let listed = shell.json("sessions list --user ann@example.com --active");
    assert!(listed[0]["user"] == "ann@example.com" && listed[0]["user_id"] == 1, "{listed}");
    shell.run("sessions list").done().prints(" ann@example.com ");
    shell.run("tokens list").done().prints(" ann@example.com ");
    let uuid = listed[0]["uuid"].as_str().unwrap();
    assert_eq!(shell.json(&format!("sessions show {uuid}"))["id"], listed[0]["id"]);
    shell.run(&format!("sessions revoke {uuid}")).done().says("Ended session");
    shell.run("sessions revoke 1").done().says("Had ended already");
    assert_eq!(shell.json("sessions list --active"), serde_json::json!([]));
    assert_eq!(shell.json("sessions list")[0]["is_active"], false);
    assert_eq!(shell.json("sessions list --all"), shell.json("sessions list"));
    shell.run("sessions list --all --active").exits(2);
    shell.run("sessions show 99").exits(1);
    shell.run("sessions show 00000000-0000-4000-8000-000000000000").exits(1).says("no session");
}

#[test]
fn all_of_a_user_end_at_once_and_all_of_everybody_after_a_yes() {
    let (shell, env) = with_user();
    sign_in(&env, "ann@example.com");
    sign_in(&env, "ann@example.com");
    shell.run("sessions revoke --user ann@example.com").done().says("Ended 2 sessions of ann@example.com.");
    sign_in(&env, "ann@example.com");
    shell.run("users logout ann@example.com").done().says("Ended 1 session of");
    for words in ["sessions revoke --all", "tokens revoke-all --everyone"] {
        sign_in(&env, "ann@example.com");
        shell.run(words).exits(2).says("--yes");
        shell.run(&format!("{words} --yes")).done().says("Ended 1 session.");
    }
    sign_in(&env, "ann@example.com");
    shell.run("tokens revoke-all --user ann@example.com").done().says("Ended 1 session of");
}

#[test]
fn inspect_says_whose_a_token_is_and_why_it_is_not_good() {
    let (shell, env) = with_user();
    let pair = sign_in(&env, "ann@example.com");
    for token in [&pair.access, &pair.refresh, &format!("Bearer {}\n", pair.access)] {
        shell.pipe("tokens inspect", token).done().prints("ann@example.com");
    }
    shell.pipe("tokens inspect", "nonsense").exits(1).prints("malformed");
    shell.pipe("tokens inspect", "").exits(2);
    let jti = shell.json("tokens list --active")[0]["jti"].as_str().unwrap().to_owned();
    shell.run_all(&["tokens", "revoke", &pair.refresh]).exits(2).says("jti");
    shell.run(&format!("tokens revoke {jti}")).done().says("Revoked token");
    shell.run(&format!("tokens revoke {jti}")).done().says("already");
    shell.run("tokens revoke nonsense").exits(1);
    for token in [&pair.access, &pair.refresh] {
        shell.pipe("tokens inspect", token).exits(1).prints("revoked");
    }
    shell.run("tokens purge").done().says("nothing was deleted");
}

fn inspected(shell: &Shell, token: &str) -> serde_json::Value {
    serde_json::from_str(&shell.pipe("tokens inspect -o json", token).out).unwrap()
}

/// A table has no rows for what no token says; JSON has the same fields whatever was shown to it.
#[test]
fn inspect_of_something_that_is_no_token_says_only_that() {
    let (shell, env) = with_user();
    let table = shell.pipe("tokens inspect", "nonsense").exits(1).prints("malformed").out;
    assert_eq!(table.lines().count(), 4, "{table}");
    let token = sign_in(&env, "ann@example.com").access;
    let (signed, _) = token.rsplit_once('.').unwrap();
    let fields = |token: &str| inspected(&shell, token).as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(fields("nonsense"), fields(&format!("{signed}.AAAA")));
}

/// What nobody proved is shown as a claim, and no local user is named for it.
#[test]
fn inspect_takes_no_claim_for_a_fact() {
    let (shell, env) = with_user();
    let pair = sign_in(&env, "ann@example.com");
    let (signed, _) = pair.access.rsplit_once('.').unwrap();
    let (_, other) = pair.refresh.rsplit_once('.').unwrap();
    let elsewhere = Shell::new();
    for (shell, token, reason) in
        [(&shell, &format!("{signed}.{other}"), "signature"), (&elsewhere, &pair.access, "does not have")]
    {
        elsewhere.user(&format!("{}@example.com", reason.split(' ').next().unwrap()));
        let found = inspected(shell, token);
        assert_eq!((&found["valid"], &found["claimed_user_id"]), (&false.into(), &1.into()), "{found}");
        assert!(found["reason"].as_str().unwrap().contains(reason), "{found}");
        let said = found.as_object().unwrap().iter().filter(|(_, value)| !value.is_null());
        let mut said = said.filter(|(name, _)| !["valid", "reason"].contains(&name.as_str()));
        assert!(said.all(|(name, _)| name.starts_with("claimed_")), "{found}");
    }
}

#[test]
fn inspect_says_that_a_refresh_token_was_used() {
    let (shell, env) = with_user();
    let pair = sign_in(&env, "ann@example.com");
    let origin = Origin { door: "test", ..Origin::default() };
    tokens::refresh(&env.ctx(&Actor::Anonymous, &origin), &pair.refresh).unwrap();
    let found = inspected(&shell, &pair.refresh);
    assert_eq!((&found["valid"], &found["user"]), (&false.into(), &"ann@example.com".into()));
    assert!(found["reason"].as_str().unwrap().contains("gives the same successor"), "{found}");
    shell.run("settings set refresh.grace 0").done();
    let found = inspected(&shell, &pair.refresh);
    assert!(found["reason"].as_str().unwrap().contains("was used before; used again, it ends"), "{found}");
    shell.pipe("tokens inspect", &pair.access).done();
}

#[test]
fn a_token_is_no_argument() {
    let (shell, env) = with_user();
    let token = sign_in(&env, "ann@example.com").access;
    for words in [&["tokens", "inspect", &token][..], &["tokens", "inspect", &token, &token, "-o", "json"]] {
        let ran = shell.run_all(words).exits(2).says("tokens inspect < token.txt");
        assert!(!ran.err.contains(&token[..40]), "{}", ran.err);
    }
}
