//! UUID refresh tokens at the doors: guesses, spellings, copies, and one kind in place of the other (R-20 … R-24).

use std::sync::{Arc, Barrier};
use std::time::Duration;

use authsrv::domain::settings::Profile;
use authsrv::domain::tokens::TokenPair;
use authsrv::service::{Actor, login};
use serde_json::{Value, json};

use super::{Site, refused};
use crate::support::PASSWORD;
use crate::support::http::Answer;

fn signed_in() -> (Site, TokenPair) {
    let site = Site::new();
    site.app.user("ann@example.com", &[]);
    let signed_in =
        site.app.call(&Actor::Anonymous, |ctx| login::login(ctx, "ann@example.com", PASSWORD, Profile::PyJwt));
    (site, signed_in.unwrap().pair)
}

fn refresh(site: &Site, token: &str) -> Answer {
    site.server.anonymous().post("/token/refresh/", json!({"refresh": token}))
}

/// another spelling of the same 128 bits is another text, and nobody's.
#[test]
fn only_the_one_spelling_is_the_token() {
    let (site, pair) = signed_in();
    let token = &pair.refresh;
    let plain = token.replace('-', "");
    for wrong in [
        token.to_uppercase(),
        plain.clone(),
        format!("{{{token}}}"),
        format!("urn:uuid:{token}"),
        token[..35].to_owned(),
        format!("{token}0"),
        format!("{}-{}", &plain[..16], &plain[16..]),
        format!("{token}.{token}.{token}"),
        token.replace('-', "\u{2010}"),
        "00000000-0000-4000-8000-000000000000".to_owned(),
        "%".to_owned(),
        "' OR 1=1 --".to_owned(),
    ] {
        let answer = refresh(&site, &wrong);
        assert_eq!(answer.status, 401, "R-21: {wrong}: {answer:?}");
        refused(&answer, &wrong);
    }
    // Neighbours of a real one: every single hexadecimal digit changed.
    for at in token.char_indices().filter(|(_, c)| *c != '-').map(|(at, _)| at) {
        let mut near = token.clone();
        let other = if &near[at..=at] == "a" { "b" } else { "a" };
        near.replace_range(at..=at, other);
        assert!(near == *token || refresh(&site, &near).status == 401, "{near}");
    }
    assert_eq!(refresh(&site, token).status, 200);
}

/// it is no access token, and what lists show of it is no token.
#[test]
fn neither_the_uuid_nor_its_name_lets_anybody_in() {
    let (site, pair) = signed_in();
    assert_eq!(site.server.bearer(&pair.refresh).get("/me/").status, 401);
    let me = site.server.bearer(&pair.access).get("/me/get_sessions/").json();
    let (name, sid) = (me[0]["jti"].as_str().unwrap().to_owned(), me.to_string());
    assert!(!sid.contains(&pair.refresh));
    assert_eq!(refresh(&site, &name).status, 401);
    for uuid in site.app.env.store.read(|tx| tx.list_sessions(&many(), now(&site))).unwrap() {
        assert_eq!(refresh(&site, &uuid.uuid).status, 401);
    }
    assert_eq!(refresh(&site, &pair.refresh).status, 200);
}

fn many() -> authsrv::domain::pages::Listing {
    authsrv::domain::pages::Listing { limit: 100, ..Default::default() }
}

fn now(site: &Site) -> authsrv::domain::ids::Timestamp {
    site.app.env.clock.now()
}

#[test]
fn sixteen_uses_at_once_make_one_chain_and_a_late_copy_ends_it() {
    let (site, pair) = signed_in();
    let barrier = Arc::new(Barrier::new(16));
    let answers: Vec<Answer> = std::thread::scope(|scope| {
        let begun: Vec<_> = (0..16)
            .map(|_| {
                let (barrier, token, client) = (Arc::clone(&barrier), pair.refresh.clone(), site.server.anonymous());
                scope.spawn(move || {
                    barrier.wait();
                    client.post("/token/refresh/", json!({"refresh": token}))
                })
            })
            .collect();
        begun.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let next: Vec<Value> = answers.iter().map(|answer| answer.json()["refresh"].clone()).collect();
    assert!(answers.iter().all(|answer| answer.status == 200) && next.iter().all(|one| *one == next[0]), "R-22");
    let live = site.app.env.store.read(|tx| tx.list_tokens(&many(), now(&site))).unwrap();
    assert_eq!(live.iter().filter(|token| token.spent_at.is_none()).count(), 1, "R-22: one chain");
    let owner = site.server.bearer(&answers[0].text("access"));
    assert_eq!(owner.get("/me/").status, 200);
    site.app.clock.advance(Duration::from_secs(11));
    assert_eq!(refresh(&site, &pair.refresh).status, 401, "R-22");
    assert_eq!(owner.get("/me/").status, 401, "R-22, R-26: at the next request");
    assert_eq!(refresh(&site, next[0].as_str().unwrap()).status, 401, "R-22");
}

/// A stolen database yields neither the tokens nor their successors.
#[test]
fn what_is_stored_is_no_token() {
    let (site, pair) = signed_in();
    let next = refresh(&site, &pair.refresh).text("refresh");
    let file = site.app.folder.path().join("authsrv.db");
    let connection = rusqlite::Connection::open(file).unwrap();
    let mut statement = connection.prepare("SELECT hex(secret_hash), length(successor) FROM tokens").unwrap();
    let rows: Vec<(String, Option<i64>)> =
        statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect();
    assert_eq!(rows.iter().map(|row| row.1).collect::<Vec<_>>(), [Some(0), None], "D-11: nothing sealed is kept");
    for (hash, _) in rows {
        let hash = hash.to_lowercase();
        let as_uuid = format!("{}-{}-{}-{}-{}", &hash[..8], &hash[8..12], &hash[12..16], &hash[16..20], &hash[20..32]);
        for guess in [hash.clone(), as_uuid] {
            assert_eq!(refresh(&site, &guess).status, 401);
        }
    }
    assert_eq!(refresh(&site, &next).status, 200);
}
