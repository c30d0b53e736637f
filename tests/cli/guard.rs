//! `guard`: what is limited, and lifting it while the server runs; the way back in for a superuser who is shut out.

use serde_json::json;

use crate::support::PASSWORD;
use crate::support::http::Client;
use crate::support::shell::Shell;

fn sign_in(client: &Client, who: &str, password: &str) -> u16 {
    client.post("/login/", json!({"email": who, "password": password})).status
}

/// Guesses until it has to wait.
fn attack(client: &Client, who: &str) {
    for _ in 0..6 {
        sign_in(client, who, "Wrong-1-password");
    }
    assert_eq!(sign_in(client, who, PASSWORD), 429);
}

#[test]
fn a_superuser_who_is_shut_out_is_let_in_by_the_command_line() {
    let shell = Shell::new();
    shell.superuser("root@example.com");
    let server = shell.serve();
    let client = Client::of(server.address);
    shell.run("guard list").done().says("Nothing is limited.");
    attack(&client, "root@example.com");
    attack(&client, "nobody@example.com");
    shell.run("guard list").done().prints("root@example.com").prints("account");
    let listed = shell.json("guard list");
    let rows = listed.as_array().unwrap();
    assert_eq!(rows.len(), 2, "{listed}");
    let root = rows.iter().find(|row| row["user"] == "root@example.com").unwrap();
    assert!(root["attempts"] == 5 && root["is_limited"] == true && root["ip_address"] == "127.0.0.1", "{root}");
    assert!(root["until"].as_str().unwrap() > root["last_at"].as_str().unwrap(), "{root}");
    assert!(!listed.to_string().contains("nobody"), "{listed}");
    // With the server running; the next request obeys.
    shell.run("guard clear root@example.com").done().says("Cleared 1 count about root@example.com.");
    assert_eq!(sign_in(&client, "root@example.com", PASSWORD), 200);
    shell.run("guard clear root@example.com").done().says("Nothing was counted about root@example.com.");
    shell.run("guard clear Nobody@Example.com").done().says("Cleared 1 count");
    shell.run("guard clear nobody@example.com").exits(1).says("no user");
    assert!(shell.json("guard list --all").as_array().unwrap().iter().any(|row| row["bucket"] == "network"));
    shell.run("guard clear 127.0.0.1").done().says("Cleared 2 counts");
    attack(&client, "root@example.com");
    shell.run("guard clear").done().says("Cleared 3 counts.");
    shell.run("guard clear").done().says("Nothing was counted.");
    assert_eq!(sign_in(&client, "root@example.com", PASSWORD), 200);
    assert_eq!(shell.json("guard list --all").as_array().unwrap().len(), 0);
}

/// a restart forgets nothing.
#[test]
fn a_restart_forgets_nothing() {
    let shell = Shell::new();
    shell.user("ann@example.com");
    for n in 0..5 {
        let server = shell.serve();
        assert_eq!(sign_in(&Client::of(server.address), "ann@example.com", &format!("Wrong-{n}")), 401);
    }
    let server = shell.serve();
    assert_eq!(sign_in(&Client::of(server.address), "ann@example.com", PASSWORD), 429);
}

#[test]
fn doctor_names_limits_that_are_off() {
    let shell = Shell::new();
    shell.superuser("root@example.com");
    shell.run("doctor -o plain").prints("all limits on guesses, registrations and mails are on");
    shell.run("settings set guard.account_per_day 0").done();
    shell.run("doctor -o plain").exits(1).prints("guard.account_per_day").prints("this limit is switched off");
}
