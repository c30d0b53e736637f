//! Rates as Django REST framework has them (S3-20 … S3-22, S4-5): who is counted, what counts, and what a refusal says.

use std::sync::Barrier;
use std::time::Duration;

use serde_json::{Value, json};

use super::{Door, Reply};
use crate::support::TestApp;
use crate::support::http::Server;

fn set(app: &TestApp, key: &str, value: Value) {
    app.operate(|ctx| authsrv::service::settings::change(ctx, &[(key.to_owned(), Some(value))])).unwrap();
}

fn limited(rates: &str) -> Door {
    let door = Door::new();
    set(&door.app, "throttle.rates", json!(rates));
    door
}

#[track_caller]
fn throttled(reply: &Reply, seconds: u64) {
    let unit = if seconds == 1 { "second" } else { "seconds" };
    assert_eq!(reply.status, 429, "{reply:?}");
    let detail = format!("Request was throttled. Expected available in {seconds} {unit}.");
    assert_eq!(reply.json()["detail"], detail);
    assert_eq!(reply.header("retry-after"), seconds.to_string());
}

fn fails_to_log_in(door: &Door) -> Reply {
    door.post("/login/", None, &json!({"email": "nobody@example.com", "password": "wrong"}))
}

#[test]
fn it_is_off_by_default() {
    let door = Door::new();
    for _ in 0..50 {
        assert_eq!(door.post("/login/", None, &json!({})).status, 400);
    }
}

/// S3-21
#[test]
fn anonymous_callers_share_one_rate_over_all_routes() {
    let door = limited("anon=3/minute");
    assert_eq!(fails_to_log_in(&door).status, 401, "a failed login counts");
    door.app.clock.advance(Duration::from_millis(1500));
    assert_eq!(door.post("/login/", None, &json!({})).status, 400, "so does wrong input");
    assert_eq!(door.post("/api/auth/register/", None, &json!({})).status, 400, "by whichever prefix");
    throttled(&fails_to_log_in(&door), 59);
    throttled(&door.post("/token/refresh/", None, &json!({})), 59);
    assert_eq!(door.get("/nowhere/", None).status, 404, "an unknown URL is not counted");
    for path in ["/healthz", "/readyz", "/.well-known/jwks.json", "/api/schema/"] {
        assert_eq!(door.get(path, None).status, 200, "{path} is free");
    }
    let token = door.somebody(&[]);
    for _ in 0..5 {
        assert_eq!(door.get("/me/", Some(&token)).status, 200, "anon ignores who is signed in");
    }
}

/// S3-21
#[test]
fn users_are_counted_one_by_one() {
    let door = limited("user=5/minute");
    let (ann, root) = (door.somebody(&[]), door.root());
    let again = door.app.sign_in("ann@example.com").access;
    for at in 0..5 {
        assert_eq!(door.get("/me/", Some(if at % 2 == 0 { &ann } else { &again })).status, 200);
    }
    throttled(&door.get("/me/", Some(&ann)), 60);
    throttled(&door.get("/me/get_sessions/", Some(&again)), 60);
    assert_eq!(door.get("/me/", Some(&root)).status, 200, "another's use does not touch one's own");
    for _ in 0..5 {
        assert_eq!(fails_to_log_in(&door).status, 401);
    }
    throttled(&fails_to_log_in(&door), 60);
}

#[test]
fn options_and_methods_that_there_are_not_count_too() {
    let door = limited("anon=3/minute,user=2/minute");
    assert_eq!(door.ask("OPTIONS", "/login/", None, None).status, 200);
    assert_eq!(door.ask("DELETE", "/login/", None, None).status, 405);
    throttled(&door.ask("OPTIONS", "/users/", None, None), 60);
    throttled(&door.ask("DELETE", "/login/", Some("not.a.token"), None), 60);
    assert_eq!(door.ask("DELETE", "/nowhere/", None, None).status, 404);
    let ann = door.somebody(&[]);
    assert_eq!(door.ask("OPTIONS", "/me/", Some(&ann), None).status, 200, "counted as whoever asks");
    assert_eq!(door.get("/me/", Some(&ann)).status, 200);
    throttled(&door.ask("PUT", "/logout/", Some(&ann), None), 60);
}

/// Authentication and rights come first.
#[test]
fn what_is_refused_for_its_caller_does_not_count() {
    let door = limited("anon=3/minute,user=5/minute");
    let ann = door.somebody(&[]);
    for _ in 0..6 {
        assert_eq!(door.get("/me/", None).status, 401);
        assert_eq!(door.get("/me/", Some("not.a.token")).status, 401);
        assert_eq!(door.get("/users/", Some(&ann)).status, 403);
    }
    for _ in 0..5 {
        assert_eq!(door.get("/me/", Some(&ann)).status, 200);
    }
    throttled(&door.get("/me/", Some(&ann)), 60);
}

#[test]
fn the_window_slides_and_refused_requests_do_not_prolong_it() {
    let door = limited("anon=2/minute");
    let (granted, later) = (401, |by: u64| door.app.clock.advance(Duration::from_secs(by)));
    assert_eq!(fails_to_log_in(&door).status, granted);
    later(40);
    assert_eq!(fails_to_log_in(&door).status, granted);
    throttled(&fails_to_log_in(&door), 20);
    later(19);
    throttled(&fails_to_log_in(&door), 1);
    later(1);
    assert_eq!(fails_to_log_in(&door).status, granted);
    throttled(&fails_to_log_in(&door), 40);
}

/// S3-22
#[test]
fn a_scope_has_a_rate_of_its_own() {
    let door = limited("anon=3/minute,user=5/minute,ten=10/minute,login=2/hour");
    set(&door.app, "throttle.scopes", json!("ten=/me/,login=/login/"));
    let ann = door.somebody(&["viewer"]);
    for _ in 0..10 {
        assert_eq!(door.get("/me/get_sessions/", Some(&ann)).status, 200, "in place of the rate for users");
    }
    throttled(&door.get("/me", Some(&ann)), 60);
    for _ in 0..5 {
        assert_eq!(door.get("/users/", Some(&ann)).status, 200, "the history of another scope is its own");
    }
    throttled(&door.get("/users/", Some(&ann)), 60);
    for _ in 0..2 {
        assert_eq!(fails_to_log_in(&door).status, 401);
    }
    throttled(&fails_to_log_in(&door), 3600);
    for _ in 0..3 {
        assert_eq!(door.post("/token/refresh/", None, &json!({})).status, 400, "elsewhere nothing was counted yet");
    }
    throttled(&door.post("/token/refresh/", None, &json!({})), 60);
}

///
#[test]
fn a_change_is_obeyed_by_the_next_request() {
    let door = limited("anon=1/day");
    assert_eq!(fails_to_log_in(&door).status, 401);
    throttled(&fails_to_log_in(&door), 86_400);
    set(&door.app, "throttle.rates", json!("anon=2/d"));
    assert_eq!(fails_to_log_in(&door).status, 401);
    throttled(&fails_to_log_in(&door), 86_400);
    set(&door.app, "throttle.rates", json!([]));
    assert_eq!(fails_to_log_in(&door).status, 401);
}

/// Of many at once exactly as many are let through as the rate says.
#[test]
fn parallel_requests_get_no_more() {
    const CALLERS: usize = 8;
    let app = TestApp::new();
    set(&app, "throttle.rates", json!("anon=7/hour"));
    let server = Server::start(&app);
    let together = Barrier::new(CALLERS);
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let caller = || {
            together.wait();
            (0..5).map(|_| server.anonymous().post("/login/", json!({})).status).collect::<Vec<_>>()
        };
        let threads: Vec<_> = (0..CALLERS).map(|_| scope.spawn(caller)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let count = |wanted: u16| statuses.iter().filter(|status| **status == wanted).count();
    assert_eq!((count(400), count(429)), (7, 5 * CALLERS - 7), "{statuses:?}");
}

#[test]
fn only_rates_and_scopes_can_be_set() {
    let find = |key| authsrv::domain::settings::find(key).unwrap();
    let (rates, scopes) = (find("throttle.rates"), find("throttle.scopes"));
    for (typed, kept) in [
        ("", json!([])),
        ("anon=3/minute", json!(["anon=3/minute"])),
        ("Anon = 3/m , user=5/min,ten=10/H", json!(["anon=3/minute", "user=5/minute", "ten=10/hour"])),
        ("a=1/s,a=1/second,b=100000/day", json!(["a=1/second", "b=100000/day"])),
    ] {
        assert_eq!(rates.accept_text(typed).unwrap(), kept, "{typed}");
    }
    for wrong in [
        "3/minute",
        "anon=",
        "anon=0/m",
        "anon=-1/m",
        "anon=+1/m",
        "anon=1",
        "anon=1/",
        "anon=1/week",
        "anon=1/10m",
        "anon=100001/d",
        "anon=1.5/m",
        "a b=1/m",
        "=1/m",
        "anon=1/m,anon=2/m",
        "anon=1/m,",
    ] {
        assert!(rates.accept_text(wrong).is_err(), "{wrong}");
    }
    for (typed, kept) in [
        ("login=/login", json!(["login=/login/"])),
        ("login=/login/,login=/api/auth/login/", json!(["login=/login/", "login=/api/auth/login/"])),
        ("all=/", json!(["all=/"])),
    ] {
        assert_eq!(scopes.accept_text(typed).unwrap(), kept, "{typed}");
    }
    for wrong in ["login", "login=", "login=login/", "login=//", "=/login/", "login=/a b/", "login=/a?b", "login=/%61/"]
    {
        assert!(scopes.accept_text(wrong).is_err(), "{wrong}");
    }
}
