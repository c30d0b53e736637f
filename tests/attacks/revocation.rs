//! Access is taken away while it is in use: the next request is judged by it (R-26 … ). How the command line
//! takes it from under a running server stands in `live.rs`.

use serde_json::json;

use super::Site;
use crate::support::PASSWORD;

const ANN: &str = "ann@example.com";

#[test]
fn every_end_over_http_is_seen_by_the_next_request() {
    for end in ["deactivate", "password", "email", "force", "session", "mine", "all", "own_password", "delete"] {
        let site = Site::new();
        site.app.user(ANN, &[]);
        let root = site.root();
        let pair = site.server.sign_in(ANN);
        let ann = site.server.bearer(&pair.access);
        let session = ann.get("/me/get_sessions/").json()[0]["id"].as_i64().unwrap();
        let answer = match end {
            "deactivate" => root.patch("/users/1/", json!({"is_active": false})),
            "password" => root.patch("/users/1/", json!({"password": "Another-1-password"})),
            "email" => root.patch("/users/1/", json!({"email": "other@example.com"})),
            "force" => {
                site.app.clock.advance(std::time::Duration::from_millis(1));
                root.patch("/users/1/", json!({"force_logout_at": site.app.env.clock.now().to_rfc3339()}))
            }
            "session" => root.delete(&format!("/sessions/{session}/")),
            "mine" => ann.post("/token/revoke_all/", json!({})),
            "all" => root.post("/token/revoke_all/1/", json!({})),
            "own_password" => {
                let body = json!({"current_password": PASSWORD, "new_password": "Another-1-password"});
                site.signed_in(ANN).post("/me/password/", body)
            }
            _ => root.delete("/users/1/"),
        };
        assert!([200, 204].contains(&answer.status), "{end}: {answer:?}");
        assert_eq!(ann.get("/me/").status, 401, "R-26, R-29: {end}");
        let refreshed = site.server.anonymous().post("/token/refresh/", json!({"refresh": pair.refresh}));
        assert_eq!(refreshed.status, 401, "R-26, R-29: {end}: {refreshed:?}");
        if ["deactivate", "delete"].contains(&end) {
            let login = site.server.anonymous().post("/login/", json!({"email": ANN, "password": PASSWORD}));
            assert_eq!(login.status, 401, "R-32: {end}");
        }
    }
}

/// Somebody refreshes and signs in as fast as he can while everything of his is revoked: nothing may survive.
#[test]
fn nothing_slips_through_while_all_is_being_revoked() {
    for round in 0..6 {
        let site = Site::new();
        site.app.user(ANN, &[]);
        let root = site.root();
        let pair = site.server.sign_in(ANN);
        let mut kept: Vec<String> = std::thread::scope(|scope| {
            let refreshing = scope.spawn(|| {
                let (client, mut token, mut kept) = (site.server.anonymous(), pair.refresh.clone(), Vec::new());
                for _ in 0..12 {
                    let answer = client.post("/token/refresh/", json!({"refresh": token}));
                    if answer.status != 200 {
                        break;
                    }
                    token = answer.text("refresh");
                    kept.push(answer.text("access"));
                }
                kept
            });
            let signing_in = scope.spawn(|| {
                let client = site.server.anonymous();
                let body = json!({"email": ANN, "password": PASSWORD});
                let answers: Vec<_> = (0..8).map(|_| client.post("/login/", body.clone())).collect();
                answers
                    .iter()
                    .filter(|answer| answer.status == 200)
                    .map(|answer| answer.text("access"))
                    .collect::<Vec<_>>()
            });
            std::thread::sleep(std::time::Duration::from_millis(3 + round * 4));
            assert_eq!(root.patch("/users/1/", json!({"is_active": false})).status, 200);
            let mut kept = refreshing.join().unwrap();
            kept.extend(signing_in.join().unwrap());
            kept
        });
        kept.push(pair.access);
        assert_eq!(root.patch("/users/1/", json!({"is_active": true})).status, 200);
        for access in kept {
            assert_eq!(site.server.bearer(&access).get("/me/").status, 401, "R-28: a credential has survived");
        }
    }
}
