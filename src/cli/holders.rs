//! Who uses a database, as Linux tells it: who holds the lock beside it.

use std::fmt;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{major, minor};

/// A process that holds the lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Holder {
    /// Its number.
    pub id: u32,
    /// Its command line; empty where that is not told.
    pub words: Vec<String>,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.words[..] {
            [] => write!(f, "process {}", self.id),
            words => write!(f, "process {}: {}", self.id, words.join(" ")),
        }
    }
}

/// The processes that hold this lock, which every user of the database shares.
pub(super) fn of(lock: &Path) -> Vec<Holder> {
    let Ok(file) = lock.metadata() else { return Vec::new() };
    let place = format!("{:02x}:{:02x}:{}", major(file.dev()), minor(file.dev()), file.ino());
    let locks = fs::read_to_string("/proc/locks").unwrap_or_default();
    let mut holders: Vec<u32> = locks.lines().filter_map(|line| holder(line, &place)).collect();
    holders.sort_unstable();
    holders.dedup();
    holders.retain(|id| *id != std::process::id());
    holders.into_iter().map(|id| Holder { id, words: words(id) }).collect()
}

/// Who holds the lock of a line of `/proc/locks` (proc_locks(5)), if it is one of this file.
fn holder(line: &str, place: &str) -> Option<u32> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [_, "FLOCK", _, _, id, at, ..] = words[..] else { return None };
    (at == place).then(|| id.parse().ok()).flatten()
}

fn words(id: u32) -> Vec<String> {
    let line = fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
    let words = line.split(|byte| *byte == 0).filter(|word| !word.is_empty());
    words.map(|word| String::from_utf8_lossy(word).into_owned()).collect()
}
