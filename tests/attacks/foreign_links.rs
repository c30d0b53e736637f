//! Links of others, of other kinds, old ones, and guesses, at the routes that take them from programs.

use std::path::Path;

use serde_json::{Value, json};

use super::Site;
use crate::support::PASSWORD;
use crate::support::dump::Dump;
use crate::support::http::Answer;
use crate::support::mails::{Mailed, newest};

const NEW: &str = "An0ther-of-mine";
const KINDS: [(&str, &str); 3] = [
    ("activation", "activation"),
    ("password_reset", "reset_password_confirm"),
    ("username_reset", "reset_username_confirm"),
];

fn confirm(site: &Site, prefix: &str, route: &str, (uid, token): (&str, &str)) -> Answer {
    let body = json!({"uid": uid, "token": token, "new_password": NEW, "new_username": "taken-over"});
    site.server.anonymous().post(&format!("{prefix}/users/{route}/"), body)
}

fn dump(site: &Site) -> Dump {
    Dump::of(&Path::new(site.app.folder.path()).join("authsrv.db"))
}

/// Ann and Bob, each with a link to reset either; Eve waits for her activation.
fn site() -> (Site, Vec<Mailed>) {
    let site = Site::new();
    for email in ["ann@example.com", "bob@example.com"] {
        site.app.user(email, &[]);
    }
    assert_eq!(site.root().patch("/settings/", json!({"registration.activation": true})).status, 200);
    let anybody = site.server.anonymous();
    let eve = json!({"username": "eve", "email": "eve@example.com", "password": PASSWORD});
    assert_eq!(anybody.post("/auth/users/", eve).status, 201);
    for email in ["ann@example.com", "bob@example.com"] {
        assert_eq!(anybody.post("/auth/users/reset_password/", json!({"email": email})).status, 204);
        assert_eq!(anybody.post("/api/auth/users/reset_username/", json!({"email": email})).status, 204);
    }
    let of = |kind: &str, to: &str| newest(&site.app, kind, to);
    let letters = vec![
        of("activation", "eve@example.com"),
        of("password_reset", "ann@example.com"),
        of("password_reset", "bob@example.com"),
        of("username_reset", "ann@example.com"),
        of("username_reset", "bob@example.com"),
    ];
    (site, letters)
}

/// Every token with every uid at every route, but where it belongs.
#[test]
fn no_token_is_good_for_another_or_for_another_end() {
    let (site, letters) = site();
    let before = dump(&site);
    for letter in &letters {
        for (kind, route) in KINDS {
            for uid in ["MQ", "Mg", "Mw", "NA", "OTk", "1", "", "!", "MQ==", letter.uid()] {
                if kind == letter.kind && uid.trim_end_matches('=') == letter.uid() {
                    continue;
                }
                for prefix in ["/auth", "/api/auth"] {
                    let answer = confirm(&site, prefix, route, (uid, letter.token()));
                    assert_eq!(answer.status, 400, "R-20: {route} {uid} with {letter:?}: {answer:?}");
                }
            }
        }
    }
    before.is(&dump(&site), "R-20: nothing has changed");
}

/// Tokens that are almost one, or no text at all.
#[test]
fn no_guess_is_near_enough() {
    let (site, letters) = site();
    let letter = &letters[1];
    let token = letter.token();
    let mut guesses = vec![
        json!(token.to_uppercase()),
        json!(&token[1..]),
        json!(format!("{token}x")),
        json!(format!("{token}\u{0}")),
        json!(format!("{token}/../{token}")),
        json!(""),
        json!("cb8jm6-0123456789abcdef0123456789abcdef"),
    ];
    guesses.extend([json!(null), json!(0), json!(true), json!([token]), json!({"$ne": null}), json!(f64::MAX)]);
    for guess in guesses {
        for uid in [json!(letter.uid()), json!(1), json!([]), json!(null), json!({})] {
            let body = json!({"uid": uid, "token": guess, "new_password": NEW});
            let answer = site.server.anonymous().post("/auth/users/reset_password_confirm/", body);
            assert_eq!(answer.status, 400, "{uid} {guess}: {answer:?}");
        }
    }
    site.signed_in("ann@example.com");
    let trimmed = confirm(&site, "/auth", "reset_password_confirm", (letter.uid(), &format!(" {token} ")));
    assert_eq!(trimmed.status, 204, "white space around a text is none of it, as in the original");
}

/// Of two doors at once one is obeyed.
#[test]
fn of_both_doors_at_once_one_is_obeyed() {
    let (site, letters) = site();
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|at| {
                let (site, letter) = (&site, &letters[1]);
                let prefix = if at % 2 == 0 { "/auth" } else { "/api/auth" };
                scope.spawn(move || {
                    confirm(site, prefix, "reset_password_confirm", (letter.uid(), letter.token())).status
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 204).count(), 1, "R-21: {statuses:?}");
    assert!(statuses.iter().all(|status| [204, 400, 503].contains(status)), "{statuses:?}");
}

/// Who was deactivated, deleted, or has changed the password or address, has no link any more.
#[test]
fn links_die_with_what_they_were_for() {
    let deeds: [fn(&Site); 4] = [
        |site| assert_eq!(site.root().patch("/users/1/", json!({"is_active": false})).status, 200),
        |site| assert_eq!(site.root().delete("/users/1/").status, 204),
        |site| {
            let body = json!({"current_password": PASSWORD, "new_password": "Yet-an0ther-one"});
            assert_eq!(site.signed_in("ann@example.com").post("/auth/users/set_password/", body).status, 204);
        },
        |site| {
            assert_eq!(site.root().patch("/settings/", json!({"registration.activation": false})).status, 200);
            let body: Value = json!({"email": "new@example.com"});
            assert_eq!(site.signed_in("ann@example.com").patch("/auth/users/me/", body).status, 200);
        },
    ];
    for (at, deed) in deeds.into_iter().enumerate() {
        let (site, letters) = site();
        deed(&site);
        for (letter, route) in [(&letters[1], "reset_password_confirm"), (&letters[3], "reset_username_confirm")] {
            let answer = confirm(&site, "/auth", route, (letter.uid(), letter.token()));
            assert_eq!(answer.status, 400, "R-32: {at} {route}: {answer:?}");
        }
        let bobs = confirm(&site, "/auth", "reset_password_confirm", (letters[2].uid(), letters[2].token()));
        assert_eq!(bobs.status, 204, "another's is what it was: {bobs:?}");
    }
}

/// A link is for what it says: it signs nobody in and tells no name. A new password makes the device known, which
/// is good for a budget of guesses and for nothing else.
#[test]
fn a_link_signs_nobody_in() {
    let (site, letters) = site();
    for letter in &letters {
        let (_, route) = KINDS.into_iter().find(|(kind, _)| *kind == letter.kind).unwrap();
        let answer = confirm(&site, "/auth", route, (letter.uid(), letter.token()));
        // A new password kills the other link of the same account.
        let expected = if letter.kind == "username_reset" { 400 } else { 204 };
        assert_eq!(answer.status, expected, "{letter:?}: {answer:?}");
        let cookies: Vec<&str> =
            answer.headers.iter().filter(|(name, _)| name == "set-cookie").map(|(_, value)| &**value).collect();
        if letter.kind == "password_reset" {
            let [cookie] = cookies.as_slice() else { panic!("R-10: {answer:?}") };
            let (value, _) = cookie.strip_prefix("__Host-authsrv-dev=").expect(cookie).split_once(';').unwrap();
            let anonymous = site.server.anonymous();
            let shown = format!("__Host-authsrv-dev={value}");
            assert_eq!(anonymous.cookie(&shown).get("/auth/users/me/").status, 401, "it is no session");
            assert_eq!(site.server.bearer(value).get("/auth/users/me/").status, 401, "it is no token");
        } else {
            assert!(cookies.is_empty(), "{answer:?}");
        }
        assert!(answer.status != 204 || answer.body.is_empty());
    }
}
