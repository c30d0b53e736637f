//! The process: load from two sides at once, stopping, being killed, starting again, starting twice.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::ExitStatusExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Barrier, Mutex, mpsc};

use rustix::process::Signal;
use serde_json::json;

use crate::live::{ROOT, Site};
use crate::support::PASSWORD;
use crate::support::dump::Dump;
use crate::support::http::asked_for_body;
use crate::support::shell::Shell;

/// four shells and four clients write to one file at once, and nobody is ever refused for that.
#[test]
fn shells_and_clients_write_at_once() {
    let site = Site::new();
    for number in 0..4 {
        site.run(&format!("users create --email u{number}@example.com --password-stdin")).done();
    }
    let root = site.sign_in(ROOT);
    std::thread::scope(|scope| {
        for number in 0..4 {
            let site = &site;
            scope.spawn(move || {
                for round in 0..25 {
                    let ran = match round % 5 {
                        0 => site.run(&format!("roles grant u{number}@example.com viewer")),
                        1 => site.run(&format!("users update u{number}@example.com --first-name N{round}")),
                        2 => site.run(&format!("roles revoke u{number}@example.com viewer")),
                        3 => {
                            site.run(&format!("actions create --name S{number}-{round} --code-name s{number}-{round}"))
                        }
                        _ => site.run(&format!("check u{number}@example.com users read")).exits(1),
                    };
                    assert!(round % 5 == 4 || ran.code == 0, "{}", ran.err);
                    assert!(!ran.err.contains("locked"), "{}", ran.err);
                }
            });
            let client = site.server.bearer(&root.access);
            scope.spawn(move || {
                for round in 0..50 {
                    let name = format!("h{number}-{round}");
                    let made = client.post("/resources/", json!({"name": name, "code_name": name}));
                    assert_eq!(made.status, 201, "{made:?}");
                    let id = made.json()["id"].as_i64().unwrap();
                    let changed = client.patch(&format!("/resources/{id}/"), json!({"description": "New."}));
                    assert_eq!(changed.status, 200, "{changed:?}");
                    if round % 2 == 0 {
                        assert_eq!(client.delete(&format!("/resources/{id}/")).status, 204);
                    }
                    assert_eq!(client.get("/resources/?page_size=5").status, 200);
                }
            });
        }
    });
    let dump = dump(&site);
    let count = |table: &str, prefix: &str| {
        let rows = dump.table(table).values();
        rows.filter(|row| row["code_name"].as_ref().unwrap().starts_with(prefix)).count()
    };
    let made: usize = (0..4).map(|number| count("actions", &format!("s{number}-"))).sum();
    let kept: usize = (0..4).map(|number| count("resources", &format!("h{number}-"))).sum();
    assert_eq!((made, kept), (4 * 5, 4 * 25));
    assert!(!site.server.log().contains("locked"), "{}", site.server.log());
}

fn dump(site: &Site) -> Dump {
    Dump::of(&site.shell.file("authsrv.db"))
}

/// whoever was accepted is answered; then the process ends by itself and leaves one file. Whoever only holds a
/// connection open does not delay that.
#[test]
fn sigterm_answers_what_was_accepted() {
    const CLIENTS: usize = 20;
    let mut site = Site::new();
    site.shell.user("ann@example.com");
    let (address, idle) = (site.server.address, TcpStream::connect(site.server.address).unwrap());
    let (accepted, (first, answered)) = (Barrier::new(CLIENTS), mpsc::channel());
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|_| {
                let (accepted, first) = (&accepted, first.clone());
                scope.spawn(move || {
                    let body = json!({"email": "ann@example.com", "password": PASSWORD}).to_string();
                    let mut stream = asked_for_body(address, "/login/", body.len());
                    accepted.wait();
                    stream.write_all(body.as_bytes()).unwrap();
                    let mut start = [0; 12];
                    stream.read_exact(&mut start).expect("an answer");
                    first.send(()).unwrap();
                    stream.read_to_end(&mut Vec::new()).unwrap();
                    String::from_utf8_lossy(&start[9..]).parse().unwrap()
                })
            })
            .collect();
        // When the first is answered, the others are accepted and wait for their turn to be hashed.
        answered.recv().unwrap();
        site.server.stop(Signal::TERM);
        clients.into_iter().map(|client| client.join().unwrap()).collect()
    });
    assert!(statuses.iter().all(|status| [200, 503].contains(status)), "{statuses:?}");
    assert!(statuses.contains(&200), "{statuses:?}");
    drop(idle);
    assert!(!site.shell.file("authsrv.db-wal").exists() && !site.shell.file("authsrv.db-shm").exists());
    let signed_in = statuses.iter().filter(|status| **status == 200).count();
    let count = dump(&site).table("sessions").len();
    assert_eq!(count, signed_in, "as many sessions as answers that gave one");
}

/// what was acknowledged is there, and what was ended stays ended.
#[test]
fn killed_in_the_middle_of_writing() {
    let mut site = Site::new();
    site.run("users create --email ann@example.com --password-stdin").done();
    let root = site.sign_in(ROOT);
    let (live, ended) = (site.sign_in("ann@example.com"), site.sign_in("ann@example.com"));
    assert_eq!(ended.client.post("/logout/", json!({})).status, 200);
    let (acknowledged, stop) = (Mutex::new(BTreeMap::new()), AtomicBool::new(false));
    let spoke = Barrier::new(5);
    std::thread::scope(|scope| {
        for number in 0..4 {
            let client = site.server.bearer(&root.access);
            let (acknowledged, stop, spoke) = (&acknowledged, &stop, &spoke);
            scope.spawn(move || {
                for round in 0.. {
                    let name = format!("k{number}-{round}");
                    let made = client.try_post("/actions/", &json!({"name": name, "code_name": name}));
                    if let Some(made) = made.filter(|made| made.status == 201) {
                        acknowledged.lock().unwrap().insert(made.json()["id"].as_i64().unwrap(), name);
                    } else {
                        assert!(stop.load(Ordering::SeqCst), "refused before the end");
                        break;
                    }
                    if round == 20 {
                        spoke.wait();
                    }
                }
            });
        }
        spoke.wait();
        stop.store(true, Ordering::SeqCst);
        site.server.signal(Signal::KILL);
        assert_eq!(site.server.wait().signal(), Some(9));
    });
    site.server = site.shell.serve();
    let dump = dump(&site);
    for (id, name) in acknowledged.into_inner().unwrap() {
        let row = dump.table("actions").get(&id.to_string());
        assert_eq!(row.map(|row| row["code_name"].clone().unwrap()), Some(name.clone()), "{name} is lost");
        let events = dump.table("audit").values();
        let of_it = |event: &&crate::support::dump::Row| {
            event["action"].as_deref() == Some("action.created") && event["entity_id"] == Some(id.to_string())
        };
        assert_eq!(events.filter(of_it).count(), 1, "{name} has no event");
    }
    let me = |token: &str| site.server.bearer(token).get("/me/").status;
    assert_eq!((me(&live.access), me(&ended.access), me(&root.access)), (200, 401, 200));
    let refresh = |token: &str| site.server.anonymous().post("/token/refresh/", json!({"refresh": token})).status;
    assert_eq!((refresh(&live.refresh), refresh(&ended.refresh)), (200, 401));
}

/// S4-8: the seed is loaded once; what an administrator deletes of it stays deleted.
#[test]
fn a_second_start_changes_nothing() {
    let mut site = Site::new();
    site.run("roles delete viewer --yes").done();
    site.run("roles deny manager users:update").done();
    let (before, files) = (dump(&site), listed(&site));
    for _ in 0..2 {
        site.server.stop(Signal::TERM);
        site.server = site.shell.serve();
        let after = dump(&site);
        for table in before.0.keys().filter(|table| !["issuers", "marks"].contains(&table.as_str())) {
            assert!(before.table(table) == after.table(table), "{table}: {:?}", after.table(table));
        }
        assert_eq!(files, listed(&site));
    }
}

/// Files of the folder, besides those that come and go.
fn listed(site: &Site) -> Vec<String> {
    let names = std::fs::read_dir(site.shell.folder()).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<String> = names.map(|name| name.into_string().unwrap()).collect();
    names.retain(|name| !name.ends_with("-wal") && !name.ends_with("-shm"));
    names.sort();
    names
}

/// Two servers that start at once on nothing make one installation, and both serve it.
#[test]
fn two_starts_at_once() {
    for _ in 0..4 {
        let shell = Shell::empty();
        let (one, other) = std::thread::scope(|scope| {
            let (one, other) = (scope.spawn(|| shell.serve()), scope.spawn(|| shell.serve()));
            (one.join().unwrap(), other.join().unwrap())
        });
        let body = json!({"email": "ann@example.com", "password": PASSWORD, "password2": PASSWORD});
        let registered = one.anonymous().post("/register/", body);
        assert_eq!(registered.status, 201, "{registered:?}");
        let access = registered.text("access");
        assert_eq!((one.bearer(&access).get("/me/").status, other.bearer(&access).get("/me/").status), (200, 200));
        let dump = Dump::of(&shell.file("authsrv.db"));
        assert_eq!((dump.table("roles").len(), dump.table("signing_keys").len()), (3, 1));
        shell.run("roles grant ann@example.com viewer").done();
        assert_eq!(one.bearer(&access).get("/users/").status, 200);
        assert_eq!(other.bearer(&access).get("/users/").status, 200);
        assert_eq!(other.bearer(&access).post("/logout/", json!({})).status, 200);
        assert_eq!(one.bearer(&access).get("/me/").status, 401);
    }
}

#[test]
fn a_port_that_is_taken() {
    let shell = Shell::empty();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let ran = shell.run(&format!("serve --listen {address}")).exits(1);
    let ran = ran.says(&format!("cannot listen on {address}")).says("--listen");
    assert!(ran.out.is_empty() && !ran.err.contains("panicked"), "{}", ran.err);
}
