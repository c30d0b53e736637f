//! What the server takes before anybody calls: time to start, memory, room on the disk.

use std::time::Duration;

use crate::Plan;
use crate::site::Folder;
use crate::support::process::BINARY;
use crate::table::{Aim, Table, median};

/// Users in the file.
const USERS: usize = 500;
/// How long the server is left alone.
const IDLE: Duration = Duration::from_secs(2);

/// Measures.
pub fn measure(plan: &Plan, table: &mut Table) {
    let folder = Folder::with(USERS);
    let starts = (0..plan.rounds.max(3)).map(|_| folder.serve(&[]).starting.as_secs_f64() * 1000.0);
    table.alone("start until it answers", median(starts), "ms", Aim::AtMost(100.0));
    let server = folder.serve(&[]);
    std::thread::sleep(IDLE);
    table.alone("memory, idle", server.resident(), "MB", Aim::AtMost(20.0));
    let size = std::fs::metadata(BINARY).unwrap().len() as f64 / 1e6;
    table.alone("binary", size, "MB", Aim::None);
}
