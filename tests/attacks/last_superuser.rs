//! The last two superusers remove each other, at the same moment.

use std::sync::Barrier;

use serde_json::json;

use super::Site;
use crate::support::http::{Answer, Client};
use crate::support::shell::Shell;

/// What one does to the other.
const BLOWS: [&str; 4] = ["demote", "deactivate", "delete", "put"];

fn strike(client: &Client, blow: &str, id: i64, email: &str) -> Answer {
    let path = format!("/users/{id}/");
    match blow {
        "demote" => client.patch(&path, json!({"is_superuser": false})),
        "deactivate" => client.patch(&path, json!({"is_active": false})),
        "put" => client.put(&path, json!({"email": email, "is_superuser": false, "is_active": false})),
        _ => client.delete(&path),
    }
}

fn active_superusers(site: &Site) -> u64 {
    site.app.env.store.read(|tx| tx.count_active_superusers()).unwrap()
}

#[test]
fn two_who_strike_at_once_leave_one() {
    for round in 0..12 {
        let site = Site::new();
        site.app.superuser("a@example.com");
        site.app.superuser("b@example.com");
        let (a, b) = (site.signed_in("a@example.com"), site.signed_in("b@example.com"));
        let (first, second) = (BLOWS[round % 4], BLOWS[(round / 4) % 4]);
        let barrier = Barrier::new(2);
        let (one, two) = std::thread::scope(|scope| {
            let one = scope.spawn(|| {
                barrier.wait();
                strike(&a, first, 2, "b@example.com")
            });
            barrier.wait();
            let two = strike(&b, second, 1, "a@example.com");
            (one.join().unwrap(), two)
        });
        for answer in [&one, &two] {
            assert!([200, 204, 401, 403, 409].contains(&answer.status), "{first}, {second}: {answer:?}");
        }
        assert_eq!(active_superusers(&site), 1, "R-39: {first} {one:?}, {second} {two:?}");
    }
}

#[test]
fn the_last_one_cannot_leave_by_any_door() {
    let site = Site::new();
    site.app.superuser("a@example.com");
    site.app.user("ann@example.com", &["admin"]);
    let a = site.signed_in("a@example.com");
    for blow in BLOWS {
        let answer = strike(&a, blow, 1, "a@example.com");
        assert_eq!((answer.status, answer.text("code").as_str()), (409, "last_superuser"), "R-39: {blow}");
        let answer = strike(&site.signed_in("ann@example.com"), blow, 1, "a@example.com");
        assert_eq!(answer.status, 403, "R-38 is decided before R-39: {blow}");
    }
    for path in ["/users/1", "/api/auth/users/1/", "/api/auth/users/1"] {
        assert_eq!(a.patch(path, json!({"is_superuser": false})).status, 409, "R-39: {path}");
        assert_eq!(a.delete(path).status, 409, "R-39: {path}");
    }
    assert_eq!(active_superusers(&site), 1);
}

/// One at the shell, the other over HTTP, a third by what is left.
#[test]
fn a_command_and_a_request_at_once_leave_one() {
    let shell = Shell::new();
    shell.superuser("a@example.com");
    shell.superuser("b@example.com");
    let server = shell.serve();
    for round in 0..6 {
        let a = server.bearer(&server.anonymous().sign_in("a@example.com").access);
        let words = ["users deactivate 1", "users update 1 --no-superuser", "users update 1 --inactive"][round % 3];
        let (ran, answer) = std::thread::scope(|scope| {
            let ran = scope.spawn(|| shell.run(words));
            // The program takes some milliseconds to start.
            std::thread::sleep(std::time::Duration::from_millis(15 * u64::try_from(round).unwrap()));
            let answer = strike(&a, BLOWS[round % 2], 2, "b@example.com");
            (ran.join().unwrap(), answer)
        });
        let left = shell.json("users list --fields is_superuser,is_active");
        let left =
            left.as_array().unwrap().iter().filter(|user| user["is_superuser"] == true && user["is_active"] == true);
        assert_eq!(left.count(), 1, "R-39: {words}: {ran:?}; {answer:?}");
        for id in [1, 2] {
            shell.run(&format!("users update {id} --superuser --active")).done();
        }
    }
}

#[test]
fn nor_at_the_command_line() {
    let shell = Shell::new();
    shell.superuser("a@example.com");
    for words in [
        "users delete a@example.com --yes",
        "users deactivate a@example.com",
        "users update a@example.com --no-superuser",
        "users update a@example.com --inactive",
        "users update 1 --no-superuser --inactive --yes",
    ] {
        let ran = shell.run(words);
        assert_eq!(ran.code, 1, "R-39: {words}: {ran:?}");
    }
}
