//! `tokens api`.

use serde_json::json;

use crate::support::shell::Shell;

const ANN: &str = "ann@example.com";

fn with_ann() -> Shell {
    let shell = Shell::new();
    shell.user(ANN);
    shell
}

#[test]
fn a_token_is_made_once_and_its_key_shown_once() {
    let shell = with_ann();
    let made = shell.json("tokens api create ann@example.com --name backup --expires-in 90d");
    let key = made["key"].as_str().unwrap();
    assert!(key.len() == 40 && made["user"] == ANN && made["name"] == "backup", "{made}");
    let again = shell.run("tokens api create ann@example.com --name backup").exits(1).says("already");
    for hint in ["tokens api revoke 1", "--if-missing"] {
        assert!(again.err.contains(hint), "{}", again.err);
    }
    let left = shell.run("tokens api create ann@example.com --name backup --if-missing -o json").done();
    assert_eq!((&left.json()["key"], &left.json()["id"]), (&json!(null), &made["id"]));
    let listed = shell.run("tokens api list --user ann@example.com --active -o json").done();
    assert!(!listed.out.contains(key) && listed.json()[0]["name"] == "backup", "{listed:?}");
    assert!(listed.json()[0]["expires_at"].is_string());
    shell.run("tokens api list").done().prints("backup");
    shell.run("tokens api create 1 --name other").done().says("not shown again").prints("key");
    assert_eq!(shell.json("tokens api list").as_array().unwrap().len(), 2);
}

#[test]
fn revoking_twice_is_as_good_as_once() {
    let shell = with_ann();
    for name in ["a", "b", "c", "d"] {
        shell.run(&format!("tokens api create {ANN} --name {name}")).done();
    }
    shell.run("tokens api revoke 1").done().says("Revoked API token 1.");
    let both = shell.run("tokens api revoke 1 2 -o json").done().says("already: API token 1.");
    assert_eq!(both.json(), json!({"revoked": ["2"], "unchanged": ["1"]}));
    shell.run(&format!("tokens api revoke --user {ANN}")).done().says("Revoked 2 API tokens of ann@example.com.");
    shell.run(&format!("tokens api revoke --user {ANN}")).done().says("Revoked 0 API tokens");
    assert_eq!(shell.json("tokens api list --active"), json!([]));
    assert_eq!(shell.json("tokens api list").as_array().unwrap().len(), 4);
    shell.run("tokens api revoke 99").exits(1).says("no API token 99").says("tokens api list");
}

#[test]
fn a_key_is_inspected() {
    let shell = with_ann();
    let made = shell.json("tokens api create ann@example.com --name x");
    let key = made["key"].as_str().unwrap();
    for text in [key, &format!("Token {key}\n")] {
        let found = shell.pipe("tokens inspect -o json", text).done().json();
        assert_eq!((&found["valid"], &found["user"], &found["token_type"]), (&json!(true), &json!(ANN), &json!("api")));
    }
    shell.run(&format!("users deactivate {ANN}")).done();
    shell.pipe("tokens inspect", key).exits(1).prints("not active").prints(ANN);
    shell.run("tokens api revoke 1").done();
    shell.pipe("tokens inspect", key).exits(1).prints("revoked").prints(ANN);
    let nobodys = shell.pipe("tokens inspect -o json", &"0".repeat(40)).exits(1).json();
    assert_eq!((&nobodys["valid"], &nobodys["claimed_user_id"]), (&json!(false), &json!(null)));
}

#[test]
fn what_is_wrong_is_refused() {
    let shell = with_ann();
    for (words, code, said) in [
        ("tokens api create ann@example.com", 2, "--name"),
        ("tokens api create nobody@example.com --name x", 1, "no user"),
        ("tokens api create ann@example.com --name x --expires-in soon", 2, "--expires-in"),
        ("tokens api create ann@example.com --name x --expires-in 0", 2, "--expires-in"),
        ("tokens api create ann@example.com --name x --expires-in 99999999999999999999d", 2, "--expires-in"),
        ("tokens api create ann@example.com --name x --expires-in 9999999w", 2, "--expires-in"),
        ("tokens api revoke", 2, "required"),
        ("tokens api revoke 1 --user ann@example.com", 2, "cannot be used"),
        ("tokens api revoke x", 2, "no id"),
        ("tokens api list --user nobody@example.com", 1, "no user"),
    ] {
        shell.run(words).exits(code).says(said);
    }
    shell.run_all(&["tokens", "api", "create", ANN, "--name", " "]).exits(2).says("--name");
    shell.run(&format!("users deactivate {ANN}")).done();
    shell.run(&format!("tokens api create {ANN} --name x")).exits(1).says("users activate ann@example.com");
    assert_eq!(shell.json("tokens api list"), json!([]));
}
