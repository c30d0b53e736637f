//! Links that are used twice, at once, by robots, or read out of logs.

use std::path::Path;

use authsrv::domain::identifiers::Email;
use authsrv::service::{Actor, recovery};
use serde_json::json;

use super::{Site, registration};
use crate::support::dump::Dump;
use crate::support::http::Answer;
use crate::support::mails::{Mailed, newest};

const ANN: &str = "ann@example.com";

/// A site with one link of each kind.
fn site() -> (Site, [Mailed; 3]) {
    let site = Site::new();
    site.app.user(ANN, &[]);
    assert_eq!(site.root().patch("/settings/", json!({"registration.activation": true})).status, 200);
    assert_eq!(site.server.anonymous().post("/register/", registration("new@example.com")).status, 201);
    let email = Email::parse(ANN).unwrap();
    site.app.call(&Actor::Anonymous, |ctx| recovery::request_password_reset(ctx, &email)).unwrap();
    site.app.call(&Actor::Anonymous, |ctx| recovery::request_username_reset(ctx, &email)).unwrap();
    let letters = [
        newest(&site.app, "activation", "new@example.com"),
        newest(&site.app, "password_reset", ANN),
        newest(&site.app, "username_reset", ANN),
    ];
    (site, letters)
}

fn dump(site: &Site) -> Dump {
    Dump::of(&Path::new(site.app.folder.path()).join("authsrv.db"))
}

fn sends(site: &Site, path: &str, form: &str) -> Answer {
    let body = Some(("application/x-www-form-urlencoded", form.as_bytes().to_vec()));
    site.server.anonymous().send("POST", path, body)
}

/// Mail programs and virus scanners open links by themselves.
#[test]
fn looking_changes_nothing() {
    let (site, letters) = site();
    let before = dump(&site);
    for letter in &letters {
        for method in ["GET", "HEAD", "OPTIONS", "GET"] {
            assert_eq!(site.server.anonymous().send(method, &letter.path(), None).status, 200, "{method} {letter:?}");
        }
        let with_query = format!("{}?act=disown&password={}", letter.path(), crate::support::PASSWORD);
        assert_eq!(site.server.anonymous().get(&with_query).status, 200);
    }
    before.is(&dump(&site), "GET changes nothing (D-19)");
}

/// A link of one kind at the pages of the others.
#[test]
fn a_link_opens_its_own_page_only() {
    let (site, letters) = site();
    let before = dump(&site);
    for (own, letter) in letters.iter().enumerate() {
        for (at, page) in ["activate", "password-reset", "username-reset"].iter().enumerate() {
            for uid in ["MQ", "Mg", "Mw"] {
                if at == own && uid == letter.uid() {
                    continue;
                }
                let path = format!("/account/{page}/{uid}/{}/", letter.token());
                assert_eq!(site.server.anonymous().get(&path).status, 404, "R-20: {path}");
                let form =
                    "act=disown&new_password=An0ther-one-of-mine&new_password2=An0ther-one-of-mine&new_username=x";
                assert_eq!(sends(&site, &path, form).status, 404, "R-20: {path}");
            }
        }
    }
    before.is(&dump(&site), "R-20: nothing has changed");
}

#[test]
fn of_many_forms_at_once_one_is_obeyed() {
    let (site, [_, reset, _]) = site();
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..16)
            .map(|n| {
                let (site, path) = (&site, reset.path());
                let form = format!("new_password=An0ther-one-{n}&new_password2=An0ther-one-{n}");
                scope.spawn(move || sends(site, &path, &form).status)
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "R-21: {statuses:?}");
    assert!(statuses.iter().all(|status| [200, 404, 503].contains(status)), "{statuses:?}");
}

/// a secret of a link opens nothing as a Bearer.
#[test]
fn a_link_is_no_credential() {
    let (site, letters) = site();
    for letter in &letters {
        assert_eq!(site.server.bearer(letter.token()).get("/me/").status, 401);
        let refreshed = site.server.anonymous().post("/token/refresh/", json!({"refresh": letter.token()}));
        assert_eq!(refreshed.status, 401, "{refreshed:?}");
    }
}
