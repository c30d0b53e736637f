//! Somebody has a copy of a refresh token, and uses it after its owner did, or many times at once.

use std::sync::{Arc, Barrier};
use std::time::Duration;

use serde_json::{Value, json};

use super::Site;
use crate::support::http::Answer;

fn refresh(site: &Site, token: &str) -> Answer {
    site.server.anonymous().post("/token/refresh/", json!({"refresh": token}))
}

/// Live refresh tokens of the session that an access token names: neither spent nor revoked.
fn live_leaves(site: &Site, user: i64) -> usize {
    let store = site.app.env.store.as_ref();
    let listing = authsrv::domain::pages::Listing { limit: 1000, ..Default::default() };
    let all = store.read(|tx| tx.list_tokens(&listing, site.app.env.clock.now())).unwrap();
    all.iter().filter(|token| token.user_id.0 == user && token.revoked_at.is_none() && token.spent_at.is_none()).count()
}

#[test]
fn a_copy_used_after_the_grace_ends_the_session() {
    let site = Site::new();
    site.app.user("ann@example.com", &[]);
    let first = site.server.sign_in("ann@example.com");
    let second = refresh(&site, &first.refresh);
    assert_eq!(second.status, 200, "{second:?}");
    let owner = site.server.bearer(&second.text("access"));
    assert_eq!(owner.get("/me/").status, 200);

    site.app.clock.advance(Duration::from_secs(11));
    let thief = refresh(&site, &first.refresh);
    assert_eq!((thief.status, thief.text("code").as_str()), (401, "token_not_valid"), "R-22");
    assert_eq!(owner.get("/me/").status, 401, "R-22: the family's access tokens die with it");
    assert_eq!(refresh(&site, &second.text("refresh")).status, 401, "R-22: so does the newest refresh token");
    assert_eq!(live_leaves(&site, 1), 0);
}

#[test]
fn a_copy_used_within_the_grace_gives_the_same_pair_and_never_a_second_chain() {
    let site = Site::new();
    site.app.user("ann@example.com", &[]);
    let first = site.server.sign_in("ann@example.com");
    let second = refresh(&site, &first.refresh).json();
    assert_eq!(refresh(&site, &first.refresh).json(), second, "D-11: the same successor");
    let third = refresh(&site, second["refresh"].as_str().unwrap()).json();
    // Also when the owner has gone on meanwhile.
    assert_eq!(refresh(&site, &first.refresh).json(), second, "D-11: the same successor");
    assert_eq!(refresh(&site, second["refresh"].as_str().unwrap()).json(), third, "D-11: and its own");
    assert_eq!(live_leaves(&site, 1), 1, "R-22: one chain");
    site.app.clock.advance(Duration::from_secs(11));
    assert_eq!(refresh(&site, &first.refresh).status, 401, "R-22");
    assert_eq!(refresh(&site, third["refresh"].as_str().unwrap()).status, 401, "R-22");
}

#[test]
fn a_copy_that_logs_out_or_is_revoked_ends_the_session_too() {
    for path in ["/logout/", "/token/revoke/"] {
        let site = Site::new();
        site.app.user("ann@example.com", &[]);
        let first = site.server.sign_in("ann@example.com");
        let second = refresh(&site, &first.refresh);
        site.app.clock.advance(Duration::from_secs(11));
        let answer = site.server.anonymous().post(path, json!({"refresh": first.refresh}));
        assert_eq!(answer.status, 401, "{path}: {answer:?}");
        assert_eq!(refresh(&site, &second.text("refresh")).status, 401, "{path}: R-22");
    }
}

#[test]
fn fifty_uses_at_once_make_one_chain() {
    for (grace, least, most, leaves) in [(10, 50, 50, 1), (0, 1, 1, 0)] {
        let site = Site::new();
        site.app.user("ann@example.com", &[]);
        let pair = site.server.sign_in("ann@example.com");
        assert_eq!(site.root().patch("/settings/", json!({"refresh.grace": grace})).status, 200);
        let barrier = Arc::new(Barrier::new(50));
        let answers: Vec<Answer> = std::thread::scope(|scope| {
            let begun: Vec<_> = (0..50)
                .map(|_| {
                    let (barrier, token, client) =
                        (Arc::clone(&barrier), pair.refresh.clone(), site.server.anonymous());
                    scope.spawn(move || {
                        barrier.wait();
                        client.post("/token/refresh/", json!({"refresh": token}))
                    })
                })
                .collect();
            begun.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let good: Vec<Value> = answers.iter().filter(|answer| answer.status == 200).map(Answer::json).collect();
        assert!(answers.iter().all(|answer| [200, 401].contains(&answer.status)), "{answers:?}");
        assert!((least..=most).contains(&good.len()), "grace {grace}: {} of 50", good.len());
        assert!(good.iter().all(|one| one == &good[0]), "R-22: one successor");
        assert_eq!(live_leaves(&site, 1), leaves, "R-22, grace {grace}");
        if leaves == 1 {
            assert_eq!(refresh(&site, good[0]["refresh"].as_str().unwrap()).status, 200);
            assert_eq!(live_leaves(&site, 1), 1);
        }
    }
}

#[test]
fn refreshing_never_outlives_the_session_or_moves_into_another() {
    let site = Site::new();
    site.app.user("ann@example.com", &[]);
    let mut pair = site.server.sign_in("ann@example.com").refresh;
    let mut days = 0;
    loop {
        site.app.clock.advance(Duration::from_secs(23 * 3600));
        let answer = refresh(&site, &pair);
        if answer.status != 200 {
            break;
        }
        days += 1;
        pair = answer.text("refresh");
        assert!(days < 40, "R-24: a session of 30 days is refreshed for ever");
    }
    assert!((30..=32).contains(&days), "{days}");
    site.signed_in("ann@example.com");
}

#[test]
fn a_truncated_or_changed_refresh_token_is_nobodys() {
    let site = Site::new();
    site.app.user("ann@example.com", &[]);
    let token = site.server.sign_in("ann@example.com").refresh;
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let last = if token.ends_with('A') { "Q" } else { "A" };
    for wrong in [
        token[..token.len() - 1].to_owned(),
        format!("{token}A"),
        format!("{token}="),
        format!("{token}."),
        format!(".{token}"),
        format!("{}{last}", &token[..token.len() - 1]),
        token.to_uppercase(),
        format!("{signed}.{}", signature.chars().rev().collect::<String>()),
        format!("{signed}."),
        signed.to_owned(),
        format!("{signed}.{signature}.{signature}"),
    ] {
        let answer = refresh(&site, &wrong);
        assert_eq!(answer.status, 401, "R-21: {wrong}");
    }
    assert_eq!(refresh(&site, &format!(" {token}\n")).status, 200, "blanks around a token are no part of it");
}
