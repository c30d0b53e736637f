//! How this process and the servers on the same database are confined, as Linux tells it. What it does not tell stays
//! unknown.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::process::{self, Resource};

use crate::cli::holders;
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
    let servers = holders::of(lock).into_iter().filter(|holder| holder.words.iter().any(|word| word == "serve"));
    servers.map(|holder| of_server(holder.id)).collect()
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
