//! Mallory registers with Ann's address before she does, and waits for her to let the account in (R-6; PocketBase
//! CVE-2024-38351, CVE-2026-44166). Or the other way round: she has registered, and he registers again over it.

use serde_json::json;

use super::{Site, registration, with};
use crate::support::http::Answer;
use crate::support::mails::{Mailed, newest};

const ANN: &str = "ann@example.com";
const HERS: &str = "Hers-and-0nly-hers";
const HIS: &str = "His-and-0nly-his";

fn site() -> Site {
    let site = Site::new();
    assert_eq!(site.root().patch("/settings/", json!({"registration.activation": true})).status, 200);
    site
}

fn registers(site: &Site, password: &str) -> Mailed {
    let body = with(registration(ANN), &json!({"password": password, "password2": password}));
    assert_eq!(site.server.anonymous().post("/register/", body).status, 201);
    newest(&site.app, "activation", ANN)
}

fn sends(site: &Site, letter: &Mailed, form: &str) -> Answer {
    let body = Some(("application/x-www-form-urlencoded", form.as_bytes().to_vec()));
    site.server.anonymous().send("POST", &letter.path(), body)
}

fn signs_in(site: &Site, password: &str) -> bool {
    site.server.anonymous().post("/login/", json!({"email": ANN, "password": password})).status == 200
}

#[test]
fn ann_follows_the_link_of_mallorys_registration() {
    let site = site();
    let letter = registers(&site, HIS);
    let page = site.server.anonymous().get(&letter.path());
    let text = String::from_utf8(page.body).unwrap();
    assert!(text.contains("type=\"password\"") && text.contains("I did not register"), "{text}");
    assert_eq!(sends(&site, &letter, &format!("act=activate&password={HERS}")).status, 400);
    assert!(!signs_in(&site, HIS) && !signs_in(&site, HERS), "R-6: nobody is let in");
    assert_eq!(sends(&site, &letter, "act=disown").status, 200);
    assert!(!signs_in(&site, HIS), "R-6");
    let own = registers(&site, HERS);
    assert_eq!(sends(&site, &letter, &format!("act=activate&password={HIS}")).status, 404);
    assert_eq!(sends(&site, &own, &format!("act=activate&password={HERS}")).status, 200);
    assert!(signs_in(&site, HERS) && !signs_in(&site, HIS), "R-6");
}

#[test]
fn ann_registers_over_mallorys_registration() {
    let site = site();
    let his = registers(&site, HIS);
    let hers = registers(&site, HERS);
    assert_eq!(sends(&site, &his, &format!("act=activate&password={HIS}")).status, 404, "R-6: his link is dead");
    assert_eq!(sends(&site, &hers, &format!("act=activate&password={HIS}")).status, 400, "R-6: so is his password");
    assert_eq!(sends(&site, &hers, &format!("act=activate&password={HERS}")).status, 200);
    assert!(signs_in(&site, HERS) && !signs_in(&site, HIS));
}

#[test]
fn mallory_registers_over_anns_registration() {
    let site = site();
    let hers = registers(&site, HERS);
    let his = registers(&site, HIS);
    // The mail with his link goes to her. Hers is dead, and the page of his asks for what she does not know.
    assert_eq!(sends(&site, &hers, &format!("act=activate&password={HERS}")).status, 404);
    assert_eq!(sends(&site, &his, &format!("act=activate&password={HERS}")).status, 400);
    assert_eq!(sends(&site, &his, "act=disown").status, 200);
    let again = registers(&site, HERS);
    assert_eq!(sends(&site, &again, &format!("act=activate&password={HERS}")).status, 200);
    // Once it is hers, nobody registers over it.
    let body = with(registration(ANN), &json!({"password": HIS, "password2": HIS}));
    assert_eq!(site.server.anonymous().post("/register/", body).status, 201, "R-14: looks like any other");
    assert!(signs_in(&site, HERS) && !signs_in(&site, HIS));
}
