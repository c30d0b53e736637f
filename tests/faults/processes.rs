//! Processes that are told to stop, that stop in the middle, or that get no files: the server ends with every answer given, and
//! neither a command that hangs with the lock nor a crowd that takes all connections does lasting harm.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use super::native;
use crate::live::{ROOT, Site};
use crate::support::http::asked_for_body;
use crate::support::process::{Process, authsrv, script};
use crate::support::shell::Shell;
use crate::support::{PASSWORD, once};

/// Clients who have sent all but the body when the server is told to stop, and send that a little at a time.
#[test]
fn slow_clients_are_answered_before_the_end() {
    const CLIENTS: usize = 10;
    let mut site = Site::new();
    let ann = site.person("ann@example.com");
    let body = json!({"refresh": ann.refresh}).to_string();
    let streams: Vec<TcpStream> =
        (0..CLIENTS).map(|_| asked_for_body(site.server.address, "/token/refresh/", body.len())).collect();
    let (address, looking) = (site.server.address, ann.client.clone());
    let answers: Vec<String> = std::thread::scope(|scope| {
        // Others ask all the time, until nobody listens any more.
        let looks =
            scope.spawn(move || std::iter::from_fn(|| looking.ask("GET", "/me/", None)).map(|a| a.status).collect());
        std::thread::sleep(Duration::from_millis(100));
        site.server.signal(Signal::TERM);
        let sends = |(number, mut stream): (usize, TcpStream)| {
            let body = &body;
            scope.spawn(move || {
                for part in body.as_bytes().chunks(body.len() / 10) {
                    std::thread::sleep(Duration::from_millis(30 + number as u64));
                    stream.write_all(part).unwrap();
                }
                let mut answer = String::new();
                stream.read_to_string(&mut answer).unwrap();
                answer
            })
        };
        let clients: Vec<_> = streams.into_iter().enumerate().map(sends).collect();
        let answers = clients.into_iter().map(|client| client.join().unwrap()).collect();
        let looks: Vec<u16> = looks.join().unwrap();
        assert!(looks.iter().all(|status| *status == 200) && !looks.is_empty(), "{looks:?}");
        answers
    });
    // The same token: the first spends it, and within the grace the others get the same pair.
    let good = |answer: &String| answer.starts_with("HTTP/1.1 200") && answer.trim_end().ends_with('}');
    assert!(answers.iter().all(good), "R-65: {answers:?}");
    assert_eq!(site.server.wait().code(), Some(0), "{}", site.server.log());
    assert!(TcpStream::connect(address).is_err());
    assert!(!site.shell.file("authsrv.db-wal").exists(), "R-65: all is in one file");
}

/// The second signal does not wait for whoever takes his time; what was acknowledged is there all the same.
#[test]
fn a_second_signal_ends_at_once() {
    let mut site = Site::new();
    let ann = site.person("ann@example.com");
    let slow = asked_for_body(site.server.address, "/login/", 100);
    assert_eq!(ann.client.post("/logout/", json!({})).status, 200);
    let begun = Instant::now();
    site.server.signal(Signal::TERM);
    site.server.log_with("a second signal");
    site.server.signal(Signal::TERM);
    assert_eq!(site.server.wait().code(), Some(1));
    assert!(begun.elapsed() < Duration::from_secs(10), "the drain was not waited for: {:?}", begun.elapsed());
    drop(slow);
    site.server = site.shell.serve();
    assert_eq!(site.server.bearer(&ann.access).get("/me/").status, 401, "R-59");
}

/// A command that stops in the middle of its commit, as when somebody presses Ctrl-Z.
fn stopped(site: &Site, email: &str) -> Child {
    let mut command = authsrv(site.shell.folder());
    native::between(&mut command, "pause");
    command.args(["roles", "grant", email, "viewer"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let child = command.spawn().unwrap();
    let state = || std::fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap();
    once(|| state().rsplit(')').next().unwrap().starts_with(" T").then_some(())).expect("it stops");
    child
}

#[test]
fn a_command_that_stops_in_its_commit_goes_on_later() {
    let site = Site::new();
    site.shell.user("ann@example.com");
    let ann = site.sign_in("ann@example.com");
    let mut command = stopped(&site, "ann@example.com");
    refused_while_held(&site, &ann.refresh, &ann.access);
    kill_process(Pid::from_child(&command), Signal::CONT).unwrap();
    let status = once(|| command.try_wait().unwrap()).expect("it goes on");
    assert_eq!(status.code(), Some(0));
    assert_eq!(ann.client.get("/users/").status, 200, "what it has acknowledged is so");
    let refreshed = site.server.anonymous().post("/token/refresh/", json!({"refresh": ann.refresh}));
    assert_eq!(refreshed.status, 200, "{refreshed:?}");
}

#[test]
fn a_command_that_stops_in_its_commit_is_killed() {
    let site = Site::new();
    site.shell.user("ann@example.com");
    let ann = site.sign_in("ann@example.com");
    let mut command = stopped(&site, "ann@example.com");
    command.kill().unwrap();
    command.wait().unwrap();
    let refreshed = site.server.anonymous().post("/token/refresh/", json!({"refresh": ann.refresh}));
    assert_eq!(refreshed.status, 200, "its lock is gone with it: {refreshed:?}");
    // Whether it has happened nobody was told; it has wholly, or not at all.
    let roles = site.json("roles show viewer");
    assert!(roles.is_object(), "{roles}");
    site.run("roles grant ann@example.com viewer").done();
    assert_eq!(ann.client.get("/users/").status, 200);
    site.run("audit verify").done();
}

/// Who writes is told to come again while a command that has stopped holds the lock; who reads does not notice.
fn refused_while_held(site: &Site, refresh: &str, access: &str) {
    std::thread::scope(|scope| {
        let refused = scope.spawn(|| site.server.anonymous().post("/token/refresh/", json!({"refresh": refresh})));
        let (client, mut looks) = (site.server.bearer(access), 0);
        while !refused.is_finished() {
            assert_eq!(client.get("/me/").status, 200, "R-63: who reads waits for nobody");
            looks += 1;
        }
        let refused = refused.join().unwrap();
        assert_eq!(refused.status, 503, "R-63: {refused:?}");
        assert!(refused.header("retry-after").is_some() && looks > 10, "{refused:?} {looks}");
    });
}

/// The server itself is stopped for a while, as a machine that is suspended.
#[test]
fn a_server_that_stood_still_goes_on() {
    let site = Site::new();
    let (ann, ben) = (site.person("ann@example.com"), site.person("ben@example.com"));
    site.server.signal(Signal::STOP);
    std::thread::scope(|scope| {
        let waiting: Vec<_> = (0..4).map(|_| scope.spawn(|| ann.client.get("/me/").status)).collect();
        // Ended meanwhile, by somebody whom nobody has stopped.
        site.run("users logout ben@example.com").done();
        std::thread::sleep(Duration::from_secs(1));
        site.server.signal(Signal::CONT);
        for waiting in waiting {
            assert_eq!(waiting.join().unwrap(), 200);
        }
    });
    assert_eq!(ben.client.get("/me/").status, 401, "R-30");
}

/// A crowd takes all the files that the server may open.
#[test]
fn a_server_without_files_recovers() {
    let shell = Shell::new();
    shell.superuser(ROOT);
    let words = "ulimit -n 64; exec authsrv serve --listen 127.0.0.1:0";
    let mut server = Process::of(script("sh", shell.folder(), words));
    let root = server.anonymous().sign_in(ROOT);
    let (client, begun) = (server.bearer(&root.access), Instant::now());
    assert_eq!(client.get("/me/").status, 200);
    let crowd: Vec<_> = (0..200).filter_map(|_| TcpStream::connect(server.address).ok()).collect();
    for _ in 0..5 {
        // On a connection that it has: whatever is opened for it may fail, and is then told as such.
        if let Some(answer) = client.ask("GET", "/me/", None) {
            assert!([200, 503].contains(&answer.status), "R-68: {answer:?}");
        }
    }
    drop(crowd);
    let body = json!({"email": "ann@example.com", "password": PASSWORD, "password2": PASSWORD});
    let made = once(|| server.anonymous().try_post("/register/", &body).filter(|made| made.status != 503));
    assert_eq!(made.expect("an answer").status, 201, "R-68: {:?}", begun.elapsed());
    assert_eq!(client.get("/me/").status, 200);
    server.stop(Signal::TERM);
}
