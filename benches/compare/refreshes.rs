//! Refreshes by 64 clients, against the same server on a disk that costs nothing.
//!
//! The product cannot be told to be less careful. So the other side is the same binary under a library that a C compiler
//! makes on the spot, in which `fsync` and `fdatasync` do nothing.

use std::path::PathBuf;
use std::process::Command;

use crate::Plan;
use crate::load::{Script, request, run};
use crate::site::Folder;
use crate::table::{Aim, Sides, Table};

/// Clients at once, each in a session of its own.
const CLIENTS: usize = 64;

/// What makes storage free.
const CARELESS: &str =
    "int fsync(int file) { (void)file; return 0; }\nint fdatasync(int file) { (void)file; return 0; }\n";

/// Measures.
pub fn measure(plan: &Plan, table: &mut Table) {
    let Some(careless) = careless() else {
        eprintln!("left out: there is no C compiler (cc) for the other side");
        return;
    };
    let folders = [Folder::with(CLIENTS), Folder::with(CLIENTS)];
    let servers = [folders[0].serve(&[]), folders[1].serve(&[("LD_PRELOAD", &careless)])];
    let mut scripts = folders.each_ref().map(Chain::scripts);
    let mut sides = Sides::default();
    for _ in 0..plan.rounds {
        let [ours, theirs] = [0, 1].map(|side: usize| run(servers[side].address, &mut scripts[side], plan.length));
        sides.add(ours.rate, theirs.rate);
        sides.failed(ours.failures, theirs.failures);
    }
    table.compared("refreshes, 64 clients", ("same server, fsync does nothing", &sides), "/s", Aim::AtLeast(0.8));
    table.alone("memory after refreshes", servers[0].resident(), "MB", Aim::AtMost(40.0));
}

/// The library, if it can be made.
fn careless() -> Option<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let (source, library) = (folder.join("careless.c"), folder.join("careless.so"));
    std::fs::write(&source, CARELESS).unwrap();
    let made = Command::new("cc").args(["-shared", "-fPIC", "-O2", "-o"]).arg(&library).arg(&source).status();
    made.is_ok_and(|status| status.success()).then_some(library)
}

/// A client who spends each refresh token for the next.
pub struct Chain {
    first: &'static str,
    refresh: String,
    request: Vec<u8>,
}

impl Chain {
    /// At this route, with this first token.
    pub fn of(first: &'static str, refresh: String) -> Box<dyn Script> {
        Box::new(Self { first, refresh, request: Vec::new() })
    }

    fn scripts(folder: &Folder) -> Vec<Box<dyn Script>> {
        let chain = |person: &crate::site::Person| Self::of("POST /api/auth/token/refresh/", person.refresh.clone());
        folder.people.iter().map(chain).collect()
    }
}

impl Script for Chain {
    fn request(&mut self) -> &[u8] {
        self.request = request(self.first, &[], &format!(r#"{{"refresh": "{}"}}"#, self.refresh));
        &self.request
    }

    fn answered(&mut self, status: u16, body: &[u8]) -> bool {
        let next = std::str::from_utf8(body).ok().and_then(|text| text.split_once(r#""refresh":""#));
        let Some((next, _)) = next.and_then(|(_, rest)| rest.split_once('"')) else { return false };
        next.clone_into(&mut self.refresh);
        status == 200
    }
}
