//! How this process and the servers on the same database are confined, as Linux tells it. What it does not tell stays
//! unknown.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{major, minor};
use rustix::process::{self, Resource};

use crate::service::doctor::Confinement;

/// This process. It has confined itself as a server does, so where that failed it fails for a server.
pub(super) fn of_this() -> Confinement {
    Confinement {
        is_root: process::geteuid().is_root(),
        umask: field(&status("self"), "Umask:").and_then(|mask| u32::from_str_radix(&mask, 8).ok()),
        leaves_core: Some(process::getrlimit(Resource::Core).current != Some(0)),
        #[cfg(target_os = "linux")]
        is_readable: process::dumpable_behavior().ok().map(|now| now != process::DumpableBehavior::NotDumpable),
        #[cfg(target_os = "linux")]
        may_gain_rights: rustix::thread::no_new_privs().ok().map(|set| !set),
        ..Confinement::default()
    }
}

/// The servers that hold this lock, which every user of the database shares.
pub(super) fn of_servers(lock: &Path) -> Vec<Confinement> {
    let Ok(file) = lock.metadata() else { return Vec::new() };
    let place = format!("{:02x}:{:02x}:{}", major(file.dev()), minor(file.dev()), file.ino());
    let locks = fs::read_to_string("/proc/locks").unwrap_or_default();
    let mut holders: Vec<u32> = locks.lines().filter_map(|line| holder(line, &place)).collect();
    holders.sort_unstable();
    holders.dedup();
    holders.into_iter().filter(|id| serves(*id)).map(of_server).collect()
}

/// Who holds the lock of a line of `/proc/locks` (proc_locks(5)), if it is one of this file.
fn holder(line: &str, place: &str) -> Option<u32> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [_, "FLOCK", _, _, id, at, ..] = words[..] else { return None };
    (at == place).then(|| id.parse().ok()).flatten()
}

fn serves(id: u32) -> bool {
    let words = fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
    words.split(|byte| *byte == 0).any(|word| word == b"serve")
}

fn of_server(id: u32) -> Confinement {
    let status = status(&id.to_string());
    let user = field(&status, "Uid:");
    // The files of a process that keeps its memory to itself are root's.
    let owner = fs::metadata(format!("/proc/{id}")).ok().map(|folder| folder.uid().to_string());
    let is_root = user.as_deref() == Some("0");
    Confinement {
        server: Some(id),
        is_root,
        umask: field(&status, "Umask:").and_then(|mask| u32::from_str_radix(&mask, 8).ok()),
        leaves_core: core_limit(id).map(|limit| limit != "0"),
        is_readable: if is_root { None } else { owner.map(|owner| Some(owner) == user) },
        may_gain_rights: field(&status, "NoNewPrivs:").map(|set| set == "0"),
        holds_password: holds_password(id),
    }
}

fn status(id: &str) -> String {
    fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default()
}

/// The first word after `name`.
fn field(status: &str, name: &str) -> Option<String> {
    let rest = status.lines().find_map(|line| line.strip_prefix(name))?;
    rest.split_whitespace().next().map(str::to_owned)
}

/// How much of its memory may be written at a crash.
fn core_limit(id: u32) -> Option<String> {
    let limits = fs::read_to_string(format!("/proc/{id}/limits")).ok()?;
    field(&limits, "Max core file size")
}

/// `None` where the environment cannot be read, as that of a process that keeps to itself can by root alone.
fn holds_password(id: u32) -> Option<bool> {
    const NAME: &[u8] = b"AUTHSRV_SUPERUSER_PASSWORD=";
    let variables = fs::read(format!("/proc/{id}/environ")).ok()?;
    let holds = |variable: &[u8]| variable.strip_prefix(NAME).is_some_and(|value| !value.is_empty());
    Some(variables.split(|byte| *byte == 0).any(holds))
}
