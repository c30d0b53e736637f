//! Many guesses at the same instant, over many connections and in two processes on one file: no more are judged than one
//! after the other would be; and many right passwords at once are all let in.

use std::sync::{Arc, Barrier};

use authsrv::domain::error::{Error, Reason};
use authsrv::domain::settings::Profile;
use authsrv::service::{Actor, Env, login};
use serde_json::json;

use super::Site;
use crate::support::{PASSWORD, TestApp, origin};

const CALLERS: usize = 40;

fn at_once<T: Send>(callers: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let barrier = Barrier::new(callers);
    std::thread::scope(|scope| {
        let run = |n| {
            let (barrier, work) = (&barrier, &work);
            scope.spawn(move || {
                barrier.wait();
                work(n)
            })
        };
        let threads: Vec<_> = (0..callers).map(run).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

#[test]
fn of_many_guesses_at_once_five_are_judged() {
    let site = Site::new();
    site.app.user("ann@example.com", &[]);
    for who in ["ann@example.com", "nobody@example.com"] {
        let statuses = at_once(CALLERS, |n| {
            let spelled = if n % 2 == 0 { who.to_owned() } else { who.to_uppercase() };
            let body = json!({"email": spelled, "password": format!("Wrong-{n}-password")});
            site.server.anonymous().post("/login/", body).status
        });
        let judged = statuses.iter().filter(|status| **status == 401).count();
        assert_eq!(judged, 5, "R-12: {who}: {statuses:?}");
        assert!(statuses.iter().all(|status| [401, 429, 503].contains(status)), "{statuses:?}");
    }
}

#[test]
fn two_processes_count_as_one() {
    let app = TestApp::new();
    app.user("ann@example.com", &[]);
    let other = Arc::new(app.second());
    let guess = |env: &Env| {
        let origin = origin();
        let ctx = env.ctx(&Actor::Anonymous, &origin);
        login::login(&ctx, "ann@example.com", "Wrong-1-password", Profile::Rbac).map(drop)
    };
    let came = at_once(20, |n| guess(if n % 2 == 0 { &app.env } else { &other }));
    let judged = came.iter().filter(|one| matches!(one, Err(Error::Unauthenticated(Reason::BadCredentials)))).count();
    assert_eq!(judged, 5, "R-12: {came:?}");
}

/// An attempt counts until its password is found to be right: that must not refuse those who are all right.
#[test]
fn many_right_passwords_at_once_are_let_in() {
    let site = Site::new();
    for n in 0..4 {
        site.app.user(&format!("user{n}@example.com"), &[]);
    }
    let statuses = at_once(32, |n| {
        let body = json!({"email": format!("user{}@example.com", n % 4), "password": PASSWORD});
        site.server.anonymous().post("/login/", body).status
    });
    assert_eq!(statuses, [200; 32]);
}
