//! Copies of the database and of its master key that lie beside them: backups, most of all.

use std::collections::BTreeSet;
use std::fs::{DirEntry, File};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Most files that are looked at in a directory.
const FILES_MAX: usize = 10_000;
/// What tells ours, and where in the file: the application id of a SQLite database
/// (<https://sqlite.org/fileformat.html#application_id>), and how the line of a master key begins.
const MARKS: [(usize, &[u8]); 2] = [(68, b"ASRV"), (0, b"authsrv-master-key-")];

/// The copies in the directories of these files, which are left out themselves: to open and close the database, by
/// whatever name, would drop the locks of SQLite.
pub(super) fn beside(files: &[PathBuf]) -> Vec<PathBuf> {
    let own: BTreeSet<(u64, u64)> = files.iter().filter_map(|path| path.metadata().ok()).map(identity).collect();
    let folders: BTreeSet<PathBuf> =
        files.iter().filter_map(|path| Some(path.canonicalize().ok()?.parent()?.to_owned())).collect();
    let entries = folders.iter().filter_map(|folder| folder.read_dir().ok());
    let mut found: Vec<PathBuf> =
        entries.flat_map(|entries| entries.flatten().take(FILES_MAX)).filter_map(|entry| copy(&entry, &own)).collect();
    found.sort();
    found
}

fn identity(file: std::fs::Metadata) -> (u64, u64) {
    (file.dev(), file.ino())
}

fn copy(entry: &DirEntry, own: &BTreeSet<(u64, u64)>) -> Option<PathBuf> {
    // Of the link itself, where it is one.
    let file = entry.metadata().ok()?;
    let is_other = file.is_file() && !own.contains(&identity(file));
    (is_other && is_ours(&entry.path())).then(|| entry.path())
}

fn is_ours(path: &Path) -> bool {
    let mut start = Vec::new();
    let read = File::open(path).and_then(|file| file.take(128).read_to_end(&mut start));
    let marked = |(at, mark): (usize, &[u8])| start.get(at..).is_some_and(|rest| rest.starts_with(mark));
    read.is_ok() && MARKS.into_iter().any(marked)
}
