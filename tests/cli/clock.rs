//! A clock that was set back: a server does not start by it, and one command makes it count.

use std::time::Duration;

use authsrv::service::clock;
use rusqlite::Connection;
use rustix::process::Signal;

use crate::support::shell::Shell;
use crate::support::{TestApp, once};

fn sql(shell: &Shell, sql: &str) {
    Connection::open(shell.file("authsrv.db")).unwrap().execute_batch(sql).unwrap();
}

/// Moves the latest time that was seen to so many minutes from now.
fn seen_in(shell: &Shell, minutes: i64) {
    let at = format!("CAST((unixepoch('now') + {}) * 1000000 AS TEXT)", minutes * 60);
    sql(shell, &format!("INSERT OR REPLACE INTO marks (name, value) VALUES ('clock', {at})"));
}

fn noted(shell: &Shell) -> Option<i64> {
    let file = Connection::open(shell.file("authsrv.db")).unwrap();
    let found = file.query_row("SELECT value FROM marks WHERE name = 'clock'", [], |row| row.get::<_, String>(0));
    found.ok().and_then(|text| text.parse().ok())
}

#[test]
fn a_server_does_not_start_by_a_clock_that_was_set_back() {
    let shell = Shell::new();
    let mut server = shell.serve();
    assert!(once(|| noted(&shell)).is_some(), "a server notes the time");
    server.stop(Signal::TERM);
    seen_in(&shell, 4);
    shell.serve().stop(Signal::TERM);
    seen_in(&shell, 6);
    let ran = shell.run("serve --listen 127.0.0.1:0").exits(1).says("the clock says ");
    ran.says("authsrv doctor --reset-clock");
    assert!(shell.run("doctor -o plain").exits(1).prints("problem\tclock\t").out.contains("doctor --reset-clock"));
    shell.run("users list").done();
    shell.run("serve --listen 127.0.0.1:0").exits(1);
    let reset = shell.run("doctor --reset-clock -o json").done().says("counts again").json();
    assert_eq!(reset["reset"], true);
    shell.serve().stop(Signal::TERM);
    shell.run("doctor --reset-clock").done().says("nothing was changed");
    let events = shell.json("audit list --event clock.reset");
    assert_eq!(events.as_array().unwrap().len(), 1);
    assert!(events[0]["details"]["seconds"].as_i64().unwrap() <= -300, "{events}");
    shell.run("doctor --deep --reset-clock").exits(2);
}

/// Where no server has noted the time yet, the newest event tells it.
#[test]
fn the_newest_event_tells_the_time_too() {
    let shell = Shell::new();
    assert_eq!(noted(&shell), None);
    sql(
        &shell,
        "DROP TRIGGER audit_append_only_update;
         UPDATE audit SET at = at + 600000000 WHERE id = (SELECT MAX(id) FROM audit)",
    );
    shell.run("serve --listen 127.0.0.1:0").exits(1).says("doctor --reset-clock");
    shell.run("doctor --reset-clock").done();
    shell.serve().stop(Signal::TERM);
}

#[test]
fn what_was_seen_only_grows_until_it_is_reset() {
    let app = TestApp::new();
    clock::note(&app.env).unwrap();
    app.clock.advance(Duration::from_secs(3600));
    clock::note(&app.env).unwrap();
    app.clock.step_back(Duration::from_secs(299));
    clock::note(&app.env).unwrap();
    assert_eq!(clock::behind(&app.env).unwrap(), None, "R-70: five minutes are no reason");
    app.clock.step_back(Duration::from_secs(2));
    let behind = clock::behind(&app.env).unwrap().expect("R-70");
    assert_eq!((behind.seen - behind.now).num_seconds(), 301);
    assert_eq!(app.operate(clock::reset).unwrap(), Some(behind));
    assert_eq!(clock::behind(&app.env).unwrap(), None);
    assert!(app.call(&authsrv::service::Actor::Anonymous, clock::reset).is_err());
}
