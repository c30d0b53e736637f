//! A backup takes the place of the database, and with it comes back what was good when it was made. Whoever kept a token, a
//! key, a link or a cookie from before, or from after the backup, is let in nowhere by it; and no number that
//! was given after the backup is given to somebody else.

use std::path::PathBuf;

use authsrv::domain::keys::Ring;
use authsrv::domain::settings::Profile;
use authsrv::service::{Actor, audit, backups, keys, login};
use serde_json::{Value, json};

use super::{Site, served, token_status_list};
use crate::support::http::{Answer, Client};
use crate::support::{PASSWORD, TestApp, former, mails};

const ANN: &str = "ann@example.com";
const NEW: &str = "Another-1-password";
const FORM: &str = "application/x-www-form-urlencoded";

/// Routes of every dialect that ask who it is.
const ROUTES: [&str; 7] =
    ["/me/", "/api/auth/me/", "/auth/users/me/", "/api/auth/users/me/", "/auth/users/", "/api/v1/account/", "/api/me/"];
/// Routes of every dialect that exchange a refresh token.
const REFRESHES: [&str; 4] = ["/token/refresh/", "/api/token/refresh/", "/auth/jwt/refresh/", "/api/auth/jwt/refresh/"];

/// Something that somebody keeps.
enum Kept {
    Access(String),
    Key(String),
    Refresh(String),
}

fn site() -> Site {
    let app = TestApp::new().behind("127.0.0.1");
    app.widen();
    app.user(ANN, &[]);
    former::import(&app);
    Site::of(app)
}

/// Everything that can be had by Ann; `n` tells these from others.
fn everything(site: &Site, n: u32) -> Vec<(String, Kept)> {
    let mut all = Vec::new();
    let anonymous = site.server.anonymous();
    let body = json!({"username": ANN, "password": PASSWORD});
    for path in ["/login/", "/auth/jwt/create/", "/api/auth/jwt/create/", "/api/token/", "/api/login/"] {
        let body = if path == "/api/login/" { json!({"email": ANN, "password": PASSWORD}) } else { body.clone() };
        let answer = anonymous.post(path, body);
        assert!(answer.status == 200 || !served(path), "{path}: {answer:?}");
        let answer = answer.json();
        for (name, kept) in [("access", true), ("access_token", true), ("refresh", false), ("refresh_token", false)] {
            let Some(text) = answer[name].as_str().map(str::to_owned) else { continue };
            all.push((format!("{n} {path} {name}"), if kept { Kept::Access(text) } else { Kept::Refresh(text) }));
        }
    }
    let signed_in = site.app.call(&Actor::Anonymous, |ctx| login::login(ctx, ANN, PASSWORD, Profile::PyJwt));
    all.push((format!("{n} uuid"), Kept::Refresh(signed_in.unwrap().pair.refresh)));
    let spent = site.server.sign_in(ANN).refresh;
    let next = anonymous.post("/token/refresh/", json!({"refresh": spent})).text("refresh");
    all.push((format!("{n} spent"), Kept::Refresh(spent)));
    all.push((format!("{n} its successor"), Kept::Refresh(next)));
    let key = anonymous.post("/api-token-auth/", body).text("token");
    let named = site.signed_in(ANN).post("/api-tokens/", json!({"name": format!("cron {n}")}));
    all.push((format!("{n} login token"), Kept::Key(key)));
    all.push((format!("{n} named token"), Kept::Key(named.text("key"))));
    let now = site.app.env.clock.now();
    all.push((format!("{n} imported access"), Kept::Access(former::token("access", 1, now, 10 * n))));
    all.push((format!("{n} imported refresh"), Kept::Refresh(former::token("refresh", 1, now, 10 * n + 1))));
    assert!(all.len() >= 14, "{}", all.len());
    all
}

/// A service that may ask about tokens.
fn asker(site: &Site) -> Client {
    site.root()
}

fn is_active(asker: &Client, token: &str) -> bool {
    let answer = asker.send("POST", "/api/auth/introspect/", Some((FORM, format!("token={token}").into_bytes())));
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["active"] == true
}

/// The statuses of whoever shows this, at every route that asks, and at the door for proxies.
fn shown(client: &Client) -> Vec<u16> {
    let mut statuses: Vec<u16> =
        ROUTES.into_iter().filter(|path| served(path)).map(|path| client.get(path).status).collect();
    let asked = client.clone().with("X-Forwarded-Method", "GET").with("X-Forwarded-Uri", "/");
    statuses.push(asked.get("/api/auth/forward/?policy=is_authenticated").status);
    statuses
}

/// Passes if nothing of all this lets anybody in.
#[track_caller]
fn all_dead(site: &Site, all: &[(String, Kept)]) {
    let asker = asker(site);
    for (name, kept) in all {
        let (text, statuses) = match kept {
            Kept::Access(token) => (token, shown(&site.server.bearer(token))),
            Kept::Key(key) => (key, shown(&site.server.anonymous().token(key))),
            Kept::Refresh(token) => {
                let tried = REFRESHES.into_iter().filter(|path| served(path));
                (
                    token,
                    tried.map(|path| site.server.anonymous().post(path, json!({"refresh": token})).status).collect(),
                )
            }
        };
        assert!(!statuses.is_empty() && statuses.iter().all(|status| *status == 401), "R-34: {name}: {statuses:?}");
        assert!(!is_active(&asker, text), "R-34: {name} is active for a service that asks");
    }
}

fn backup(site: &Site) -> PathBuf {
    let path = site.app.folder.path().join("backup.db");
    site.app.operate(|ctx| backups::make(ctx, &path, &mut |_| {})).unwrap();
    path
}

fn restored(site: Site, backup: &std::path::Path) -> Site {
    let Site { app, server } = site;
    drop(server);
    Site::of(app.restored(backup).behind("127.0.0.1"))
}

/// A sign-in with a device credential, while everybody who is not known has to wait.
fn under_attack(site: &Site, device: &str) -> Answer {
    site.app.operate(|ctx| {
        let limits = authsrv::domain::settings::ALL.iter().filter(|setting| setting.key.starts_with("guard."));
        let usual: Vec<_> = limits.map(|setting| (setting.key.to_owned(), None)).collect();
        authsrv::service::settings::change(ctx, &usual).unwrap();
    });
    for _ in 0..6 {
        site.server.anonymous().post("/login/", json!({"email": ANN, "password": "wrong"}));
    }
    site.server.anonymous().post("/login/", json!({"email": ANN, "password": PASSWORD, "device": device}))
}

#[test]
fn nothing_from_before_a_restoration_lets_anybody_in() {
    let site = site();
    let before = everything(&site, 1);
    let (asker_before, all) = (asker(&site), &before);
    for (name, kept) in all.iter().filter(|(name, _)| !name.contains("spent")) {
        // Every one is good, or the test shows nothing. An imported refresh token is when it is shown.
        let (Kept::Access(text) | Kept::Key(text) | Kept::Refresh(text)) = kept;
        assert!(is_active(&asker_before, text), "{name}");
    }
    let path = backup(&site);
    let after = everything(&site, 2);
    let site = restored(site, &path);
    all_dead(&site, &before);
    all_dead(&site, &after);
    // Everybody signs in anew; and what that gives is over when the same backup comes again.
    let between = everything(&site, 3);
    assert_eq!(site.signed_in(ANN).get("/me/").status, 200);
    let site = restored(site, &path);
    for all in [&before, &after, &between] {
        all_dead(&site, all);
    }
    assert_eq!(site.signed_in(ANN).get("/me/").status, 200);
    let whole = site.app.operate(|ctx| audit::verify(ctx, None)).unwrap();
    assert_eq!(whole.broken, None);
    let events = site.root().get("/audit/?event=backup.restored").json();
    assert_eq!(
        events["results"].as_array().map_or(0, Vec::len).max(events["count"].as_u64().unwrap_or(0) as usize),
        1,
        "{events}"
    );
}

/// services that verify by key alone see it in the next status list, also of sessions that began after the backup.
#[test]
fn sessions_from_before_are_over_in_the_status_list() {
    let site = site();
    let first = site.server.sign_in(ANN).access;
    let path = backup(&site);
    let second = site.server.sign_in(ANN).access;
    assert!(!token_status_list::is_over(&site, &first) && !token_status_list::is_over(&site, &second));
    let site = restored(site, &path);
    assert!(token_status_list::is_over(&site, &first), "R-34");
    assert!(token_status_list::is_over(&site, &second), "R-34, R-31");
    let third = site.server.sign_in(ANN).access;
    assert!(!token_status_list::is_over(&site, &third));
}

/// A mailed link is good for nothing, whether its mail was sent or waits; a waiting mail is not sent.
#[test]
fn mailed_links_are_good_for_nothing() {
    let site = site();
    site.server.anonymous().post("/auth/users/reset_password/", json!({ "email": ANN }));
    let letter = mails::newest(&site.app, "password_reset", ANN);
    let path = backup(&site);
    let site = restored(site, &path);
    assert_eq!(mails::mailed(&site.app).len(), 0, "R-34");
    let body = json!({"uid": letter.uid(), "token": letter.token(), "new_password": NEW});
    assert_eq!(site.server.anonymous().post("/auth/users/reset_password_confirm/", body).status, 400, "R-34");
    let page = site.server.anonymous().get(&letter.path());
    assert!(!String::from_utf8_lossy(&page.body).contains("<form"), "R-34: {page:?}");
    site.server.sign_in(ANN);
}

#[test]
fn a_device_is_not_known_any_more() {
    let site = site();
    let sign_in = |site: &Site| {
        let body = json!({"email": ANN, "password": PASSWORD, "device": true});
        site.server.anonymous().post("/login/", body).text("device")
    };
    let before = sign_in(&site);
    let path = backup(&site);
    let after = sign_in(&site);
    let site = restored(site, &path);
    let new = sign_in(&site);
    assert_eq!(under_attack(&site, &before).status, 429, "R-34");
    assert_eq!(under_attack(&site, &after).status, 429, "R-34");
    assert_eq!(under_attack(&site, &new).status, 200);
}

/// who kept a number from after the backup finds nobody else there.
#[test]
fn numbers_that_were_given_after_the_backup_are_not_given_again() {
    let site = site();
    let path = backup(&site);
    let last = site.app.user("late@example.com", &[]);
    site.signed_in("late@example.com");
    let newest = site.app.env.store.read(|tx| tx.newest_session()).unwrap();
    let site = restored(site, &path);
    assert!(site.app.user("next@example.com", &[]).0 > last.0, "R-31");
    site.signed_in("next@example.com");
    assert!(site.app.env.store.read(|tx| tx.newest_session()).unwrap() > newest, "R-31");
    assert!(site.app.env.store.read(|tx| tx.epoch(last)).unwrap() >= 0);
}

/// Where there is no database any more nothing tells how far numbers went: they leap.
#[test]
fn numbers_leap_where_nothing_tells_how_far_they_went() {
    let site = site();
    let newest = site.app.env.store.read(|tx| tx.newest_session()).unwrap();
    let path = backup(&site);
    let Site { app, server } = site;
    drop(server);
    for name in ["authsrv.db", "authsrv.db-wal", "authsrv.db-shm"] {
        let _ = std::fs::remove_file(app.folder.path().join(name));
    }
    let app = app.restored(&path);
    assert!(app.user("next@example.com", &[]).0 > 5_000, "R-31");
    assert!(app.env.store.read(|tx| tx.newest_session()).unwrap().0 > newest.0 + 500_000, "R-31");
}

/// A key that leaked and was revoked since the backup stays revoked, and another signs.
#[test]
fn a_key_that_was_revoked_since_stays_revoked() {
    let site = site();
    let path = backup(&site);
    let leaked = site.app.current_key().0.kid;
    site.app.operate(|ctx| keys::rotate(ctx, None, keys::When::Now)).unwrap();
    site.app.operate(|ctx| keys::revoke(ctx, &leaked)).unwrap();
    let site = restored(site, &path);
    let all = site.app.env.store.read(|tx| tx.signing_keys()).unwrap();
    let ring = Ring::new(all, site.app.env.clock.now());
    assert!(ring.key(&leaked).unwrap().revoked_at.is_some(), "R-34");
    assert!(ring.current().is_some_and(|key| key.kid != leaked));
    let published: Value = site.server.anonymous().get("/.well-known/jwks.json").json();
    assert!(!published.to_string().contains(&leaked), "{published}");
    site.server.sign_in(ANN);
}

/// Passwords and rights are those of the backup.
#[test]
fn what_people_are_is_what_they_were() {
    let site = site();
    let path = backup(&site);
    let body = json!({"current_password": PASSWORD, "new_password": NEW});
    assert_eq!(site.signed_in(ANN).post("/me/password/", body).status, 200);
    let site = restored(site, &path);
    let with = |password: &str| site.server.anonymous().post("/login/", json!({"email": ANN, "password": password}));
    assert_eq!((with(PASSWORD).status, with(NEW).status), (200, 401));
}
