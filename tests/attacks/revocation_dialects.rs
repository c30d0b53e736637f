//! Access is taken away through one dialect while it is in use at the others, by Bearer and by Token: the next request
//! anywhere is judged by it.

use serde_json::{Value, json};

use super::{Site, served};
use crate::support::PASSWORD;
use crate::support::http::{Answer, Client};
use crate::support::mails::newest;

const ANN: &str = "ann@example.com";
const NEW: &str = "Another-1-password";

/// Routes of every dialect that ask who it is.
const ROUTES: [&str; 7] =
    ["/me/", "/api/auth/me/", "/auth/users/me/", "/api/auth/users/me/", "/auth/users/", "/api/v1/account/", "/api/me/"];

/// What Ann calls by, by the names that the ends below use.
struct Hands {
    site: Site,
    all: Vec<(&'static str, Client)>,
    refreshes: Vec<String>,
}

impl Hands {
    fn new() -> Self {
        let site = Site::new();
        site.app.user(ANN, &[]);
        let (mut all, mut refreshes) = (Vec::new(), Vec::new());
        for (name, path) in [
            ("rbac", "/login/"),
            ("djoser", "/auth/jwt/create/"),
            ("phone", "/api/auth/jwt/create/"),
            ("simplejwt", "/api/token/"),
            ("own", "/login/"),
        ] {
            let answer = site.server.anonymous().post(path, json!({"username": ANN, "password": PASSWORD}));
            all.push((name, site.server.bearer(&answer.text("access"))));
            refreshes.push(answer.text("refresh"));
        }
        let key = site.server.anonymous().post("/api-token-auth/", json!({"username": ANN, "password": PASSWORD}));
        all.push(("login token", site.server.anonymous().token(&key.text("token"))));
        let named = all[0].1.post("/api-tokens/", json!({"name": "cron"}));
        all.push(("named token", site.server.anonymous().token(&named.text("key"))));
        Self { site, all, refreshes }
    }

    fn by(&self, name: &str) -> &Client {
        &self.all.iter().find(|(known, _)| *known == name).unwrap().1
    }

    /// Names of what is good still; every route must say the same of each.
    fn alive(&self, about: &str) -> Vec<&'static str> {
        let mut alive = Vec::new();
        for (name, client) in &self.all {
            let asked = ROUTES.into_iter().filter(|path| served(path));
            let statuses: Vec<u16> = asked.map(|path| client.get(path).status).collect();
            let same = statuses.iter().all(|status| *status == statuses[0]);
            assert!(same && [200, 401].contains(&statuses[0]), "R-26: {about}: {name}: {statuses:?}");
            if statuses[0] == 200 {
                alive.push(*name);
            }
        }
        alive
    }
}

/// What takes access away, and what is left of it.
type End = (&'static str, fn(&Hands) -> Answer, &'static [&'static str]);

const NOTHING: &[&str] = &[];
const NAMED: &[&str] = &["named token"];
const OWN: &[&str] = &["own", "named token"];
const ALL: &[&str] = &["rbac", "djoser", "phone", "simplejwt", "own", "login token", "named token"];

fn passwords() -> Value {
    json!({"current_password": PASSWORD, "new_password": NEW})
}

const ENDS: [End; 24] = [
    ("deactivated", |hands| hands.site.root().patch("/users/1/", json!({"is_active": false})), NOTHING),
    ("deleted", |hands| hands.site.root().delete("/users/1/"), NOTHING),
    ("removed", |hands| hands.site.root().delete("/api/v1/account/1/remove/"), NOTHING),
    ("removed otherwise", |hands| hands.site.root().delete("/api/v1/account/remove/1"), NOTHING),
    (
        "deleted at Djoser's",
        |hands| hands.site.root().json("DELETE", "/auth/users/1/", &json!({"current_password": PASSWORD})),
        NOTHING,
    ),
    (
        "gone of herself",
        |hands| hands.by("login token").json("DELETE", "/auth/users/me/", &json!({"current_password": PASSWORD})),
        NOTHING,
    ),
    (
        "gone of herself at S1's",
        |hands| hands.by("djoser").json("DELETE", "/api/auth/users/me/", &json!({"current_password": PASSWORD})),
        NOTHING,
    ),
    ("gone of herself at S0's", |hands| hands.by("own").delete("/api/v1/account/1/"), NOTHING),
    ("all ended", |hands| hands.site.root().post("/token/revoke_all/1/", json!({})), NOTHING),
    ("all ended by herself", |hands| hands.by("djoser").post("/token/revoke_all/", json!({})), NOTHING),
    ("another password", |hands| hands.by("own").post("/auth/users/set_password/", passwords()), OWN),
    ("another password at S1's", |hands| hands.by("own").post("/api/auth/users/set_password", passwords()), OWN),
    ("another password at S4's", |hands| hands.by("own").post("/me/password/", passwords()), OWN),
    (
        "another password by the login token",
        |hands| hands.by("login token").post("/auth/users/set_password/", passwords()),
        &["login token", "named token"],
    ),
    (
        "another password by an administrator",
        |hands| hands.site.root().patch("/api/v1/account/1/", json!({"password": NEW})),
        NAMED,
    ),
    (
        "another password by the link",
        |hands| {
            hands.site.server.anonymous().post("/auth/users/reset_password/", json!({ "email": ANN }));
            let letter = newest(&hands.site.app, "password_reset", ANN);
            let body = json!({"uid": letter.uid(), "token": letter.token(), "new_password": NEW});
            hands.site.server.anonymous().post("/auth/users/reset_password_confirm/", body)
        },
        NAMED,
    ),
    ("another address", |hands| hands.by("own").patch("/auth/users/me/", json!({"email": "a@example.com"})), OWN),
    ("another address at S1's", |hands| hands.by("own").put("/api/auth/users/me/", json!({"email": "a@b.cc"})), OWN),
    ("another address at S0's", |hands| hands.by("own").patch("/api/v1/account/1/", json!({"email": "a@b.cc"})), OWN),
    (
        "another address by an administrator",
        |hands| hands.site.root().patch("/auth/users/1/", json!({"email": "a@example.com"})),
        NAMED,
    ),
    (
        "signed out of one",
        |hands| hands.site.server.anonymous().post("/api/token/blacklist/", json!({"refresh": hands.refreshes[1]})),
        &["rbac", "phone", "simplejwt", "own", "login token", "named token"],
    ),
    (
        "signed out at S1's",
        |hands| hands.by("simplejwt").post("/api/auth/logout/", json!({})),
        &["rbac", "djoser", "phone", "own", "login token", "named token"],
    ),
    (
        "token given back",
        |hands| hands.by("login token").post("/auth/token/logout/", json!({})),
        &["rbac", "djoser", "phone", "simplejwt", "own", "named token"],
    ),
    (
        "another username, which is no end",
        |hands| {
            let body = json!({"current_password": PASSWORD, "new_username": "annie"});
            hands.by("own").post("/auth/users/set_username/", body)
        },
        ALL,
    ),
];

#[test]
fn every_end_in_one_dialect_is_seen_by_the_next_request_in_all() {
    for (name, end, left) in ENDS {
        let hands = Hands::new();
        assert_eq!(hands.alive(name), ALL, "{name}");
        let answer = end(&hands);
        assert!([200, 204].contains(&answer.status), "{name}: {answer:?}");
        assert_eq!(hands.alive(name), left, "R-26, R-29: {name}");
        // Refresh tokens of what ended are as dead at every door.
        for ((hand, _), refresh) in hands.all.iter().zip(&hands.refreshes) {
            if left.contains(hand) {
                continue;
            }
            for path in ["/token/refresh/", "/auth/jwt/refresh/", "/api/auth/jwt/refresh/", "/api/token/refresh/"] {
                let refreshed = hands.site.server.anonymous().post(path, json!({ "refresh": refresh }));
                assert_eq!(refreshed.status, 401, "R-26: {name}: {hand} at {path}: {refreshed:?}");
            }
            let verified = hands.site.server.anonymous().post("/api/token/verify/", json!({ "token": refresh }));
            assert!([400, 401].contains(&verified.status), "R-26: {name}: {hand}: {verified:?}");
        }
    }
}

/// who is kept out gets no token by the door of any dialect, and gets one again when he is let in.
#[test]
fn who_is_kept_out_gets_in_by_no_dialect() {
    let site = Site::new();
    site.app.widen();
    site.app.user(ANN, &[]);
    let root = site.root();
    let doors = ["/login/", "/auth/jwt/create/", "/api/auth/jwt/create/", "/api/token/", "/api/token/create/"];
    let keys = ["/api-token-auth/", "/auth/token/login/", "/api/auth/token/login/"];
    let sign_in =
        |path: &str| site.server.anonymous().post(path, json!({"username": ANN, "password": PASSWORD})).status;
    for round in 0..2 {
        assert_eq!(root.patch("/users/1/", json!({"is_active": false})).status, 200);
        assert_eq!(doors.map(sign_in), [401; 5], "R-32: {round}");
        assert_eq!(keys.map(sign_in), [400; 3], "R-32: {round}");
        let reset = site.server.anonymous().post("/auth/users/reset_password/", json!({ "email": ANN }));
        assert_eq!(reset.status, 204, "R-14");
        assert_eq!(root.patch("/users/1/", json!({"is_active": true})).status, 200);
        assert_eq!((doors.map(sign_in), keys.map(sign_in)), ([200; 5], [200; 3]), "{round}");
    }
}
