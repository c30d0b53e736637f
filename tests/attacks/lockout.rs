//! Somebody guesses only to keep another out of his account. Whoever has signed in before from his device gets in all the
//! while, whoever has the mailbox gets in by a new password, and nothing lasts.

use std::time::Duration;

use serde_json::json;

use super::Site;
use crate::support::PASSWORD;
use crate::support::http::{Answer, Client};
use crate::support::mails::newest;

fn sign_in(client: &Client, password: &str, device: &str) -> Answer {
    client.post("/login/", json!({"email": "ann@example.com", "password": password, "device": device}))
}

fn attack(site: &Site) {
    for _ in 0..30 {
        sign_in(&site.server.anonymous(), "Wrong-1-password", "");
    }
    assert_eq!(sign_in(&site.server.anonymous(), PASSWORD, "").status, 429);
}

#[test]
fn the_owners_device_gets_in_during_the_attack() {
    let site = Site::new();
    site.app.user("ann@example.com", &[]);
    let mut device = sign_in(&site.server.anonymous(), PASSWORD, "").text("device");
    for _ in 0..12 {
        attack(&site);
        let answer = sign_in(&site.server.anonymous(), PASSWORD, &device);
        assert_eq!(answer.status, 200, "{answer:?}");
        device = answer.text("device");
        site.app.clock.advance(Duration::from_secs(7200));
    }
}

#[test]
fn a_new_password_by_mail_gets_in_during_the_attack() {
    let site = Site::new();
    site.app.user("ann@example.com", &[]);
    attack(&site);
    let anybody = site.server.anonymous();
    assert_eq!(anybody.post("/auth/users/reset_password/", json!({"email": "ann@example.com"})).status, 204);
    let letter = newest(&site.app, "password_reset", "ann@example.com");
    let confirm = json!({"uid": letter.uid(), "token": letter.token(), "new_password": "another horse 9"});
    let done = anybody.post("/auth/users/reset_password_confirm/", confirm);
    assert_eq!(done.status, 204, "{done:?}");
    assert_eq!(sign_in(&anybody, "another horse 9", "").status, 200);
    // Should the attacker be quicker, the browser that has set the password is known.
    attack(&site);
    let cookie = done.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    assert_eq!(sign_in(&site.server.anonymous().cookie(&cookie), "another horse 9", "").status, 200);
}

#[test]
fn nothing_is_locked_for_good() {
    let site = Site::new();
    site.app.user("ann@example.com", &[]);
    for _ in 0..200 {
        sign_in(&site.server.anonymous(), "Wrong-1-password", "");
        site.app.clock.advance(Duration::from_secs(900));
    }
    let wait: u64 = loop {
        let answer = sign_in(&site.server.anonymous(), "Wrong-1-password", "");
        if answer.status == 429 {
            break answer.header("retry-after").unwrap().parse().unwrap();
        }
    };
    assert!(wait <= 86_400, "{wait}");
    site.app.clock.advance(Duration::from_secs(wait));
    assert_eq!(sign_in(&site.server.anonymous(), PASSWORD, "").status, 200);
}

/// A browser that has signed in changes its password while others guess.
#[test]
fn a_known_browser_changes_its_password_during_the_attack() {
    let site = Site::new();
    site.app.user("ann@example.com", &[]);
    let first = sign_in(&site.server.anonymous(), PASSWORD, "");
    let cookie = first.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    attack(&site);
    let ann = site.server.bearer(&first.text("access")).cookie(&cookie);
    let change = json!({"current_password": PASSWORD, "new_password": "another horse 9"});
    let changed = ann.post("/me/password/", change);
    assert_eq!(changed.status, 200, "{changed:?}");
    let cookie = changed.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    assert_eq!(sign_in(&site.server.anonymous().cookie(&cookie), "another horse 9", "").status, 200);
}
