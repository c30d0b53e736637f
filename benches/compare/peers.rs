//! The same requests to other systems that do the same work, where Python can fetch them.
//!
//! They are installed under `target/`, once, and are set up as their own documentation has it. Each is asked in turns with
//! the product: sign-ins, refreshes, and reads by who shows an access token.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::Plan;
use crate::load::{InTurn, Script, request, run};
use crate::logins;
use crate::refreshes::Chain;
use crate::site::{Folder, Server};
use crate::table::{Aim, Sides, Table};

/// People on either side.
pub const PEOPLE: usize = 64;
/// Connections at once.
const CONNECTIONS: usize = 64;
/// Connections that sign in at once: enough to keep all cores at work.
const SIGNING_IN: usize = 8;

/// A server and what is asked of it.
pub struct Site {
    /// The server.
    pub server: Server,
    /// Sign-ins.
    pub logins: Vec<Box<dyn Script>>,
    /// Refreshes.
    pub refreshes: Vec<Box<dyn Script>>,
    /// Reads.
    pub reads: Vec<Box<dyn Script>>,
}

/// What is asked of the product beside another system.
pub struct Aims {
    /// Ratio of sign-ins.
    pub logins: Aim,
    /// Ratio of refreshes.
    pub refreshes: Aim,
    /// Ratio of reads.
    pub reads: Aim,
    /// Ratio of memory.
    pub memory: Aim,
}

/// Measures the product beside another.
pub fn compare(plan: &Plan, table: &mut Table, (name, theirs, aims): (&str, &mut Site, &Aims)) {
    let folder = Folder::with(PEOPLE);
    let ours = &mut ours(&folder);
    let mut idle = Sides::default();
    idle.add(ours.server.resident(), theirs.server.resident());
    table.compared("memory before", (name, &idle), "MB", Aim::None);
    let mut part = |what: &str, scripts: fn(&mut Site) -> &mut Vec<Box<dyn Script>>, aim| {
        let mut sides = Sides::default();
        for _ in 0..plan.rounds {
            let [ours, theirs] = [&mut *ours, &mut *theirs].map(|site| {
                let address = site.server.address;
                run(address, scripts(site), plan.length)
            });
            sides.add(ours.rate, theirs.rate);
            sides.failed(ours.failures, theirs.failures);
        }
        table.compared(what, (name, &sides), "/s", aim);
    };
    part("logins", |site| &mut site.logins, aims.logins);
    part("refreshes", |site| &mut site.refreshes, aims.refreshes);
    part("reads by access token", |site| &mut site.reads, aims.reads);
    let mut memory = Sides::default();
    memory.add(ours.server.resident(), theirs.server.resident());
    table.compared("memory after this", (name, &memory), "MB", aims.memory);
}

fn ours(folder: &Folder) -> Site {
    let people = folder.strangers(PEOPLE);
    let server = folder.serve(&[]);
    let chain = |person: &crate::site::Person| Chain::of("POST /api/auth/token/refresh/", person.refresh.clone());
    let read = |person: &crate::site::Person| bearer("GET /api/auth/me/", &person.access);
    Site {
        server,
        logins: logins::scripts("POST /api/auth/login/", &people, SIGNING_IN),
        refreshes: folder.people.iter().map(chain).collect(),
        reads: InTurn::scripts(folder.people.iter().map(read).collect(), CONNECTIONS),
    }
}

/// A request with an access token.
pub fn bearer(first: &str, access: &str) -> Vec<u8> {
    request(first, &[format!("Authorization: Bearer {access}")], "")
}

/// So many connections that send these requests in turn.
pub fn in_turn(requests: Vec<Vec<u8>>) -> Vec<Box<dyn Script>> {
    InTurn::scripts(requests, CONNECTIONS)
}

/// Scripts that sign in by these requests.
pub fn signing_in(requests: Vec<Vec<u8>>) -> Vec<Box<dyn Script>> {
    InTurn::scripts(requests, SIGNING_IN)
}

/// The folder of programs of a virtual environment that has these packages; made if it is not there.
pub fn environment(name: &str, packages: &[&str]) -> Option<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let (programs, mark) = (folder.join("bin"), folder.join("installed"));
    let wanted = packages.join(" ");
    if std::fs::read_to_string(&mark).is_ok_and(|installed| installed == wanted) {
        return Some(programs);
    }
    eprintln!("installing {wanted} …");
    let made = done(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder));
    let mut install = Command::new(programs.join("python"));
    install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(packages);
    if !made || !done(&mut install) {
        eprintln!("left out: {wanted} cannot be had");
        return None;
    }
    std::fs::write(mark, wanted).unwrap();
    Some(programs)
}

/// Runs a command; whether it succeeded.
pub fn done(command: &mut Command) -> bool {
    command.stdin(Stdio::null()).stdout(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// A new folder of this name for files of a run.
pub fn fresh_folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    // There may be none of an earlier run.
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}
