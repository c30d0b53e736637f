//! A copy that is being written: it has a name that says so until it is whole.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::fs::{CWD, OFlags, RenameFlags, renameat_with};
use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};

use super::is_between;
use crate::domain::backups::Fault;

/// How the names of unfinished copies begin and end.
const NAME: (&str, &str) = (".authsrv-backup-", ".partial");

/// An unfinished copy in its folder, locked as long as it is written; gone when dropped.
#[derive(Debug)]
pub(in crate::store::sqlite) struct Partial {
    path: PathBuf,
    /// Open for the lock, and to be synced.
    file: File,
    is_kept: bool,
}

impl Partial {
    /// Begins one, for its owner only, and deletes what others left behind that were killed.
    pub fn begin(folder: &Path) -> Result<Self, Fault> {
        tidy(folder);
        loop {
            let path = folder.join(fresh());
            let made = OpenOptions::new()
                .read(true)
                .write(true)
                .create_new(true)
                .mode(0o600)
                .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
                .open(&path);
            let unwritten = |cause| Fault::Unwritten { path: path.clone(), cause };
            match made {
                Ok(file) => {
                    let partial = Self { path: path.clone(), file, is_kept: false };
                    partial.file.lock().map_err(unwritten)?;
                    return Ok(partial);
                }
                Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => {}
                Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
                    return Err(Fault::NoFolder(folder.to_owned()));
                }
                Err(cause) => return Err(unwritten(cause)),
            }
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Takes from a whole copy that there may be a log beside it, so that SQLite makes none
    /// (<https://sqlite.org/fileformat.html#file_format_version_numbers>).
    pub fn without_log(&self) -> Result<(), Fault> {
        let written = self.file.write_all_at(&[1, 1], 18);
        written.map_err(|cause| Fault::Unwritten { path: self.path.clone(), cause })
    }

    /// Gives it its name, which nothing else may have; after this returns it survives a power loss.
    pub fn keep(mut self, name: &Path) -> Result<(), Fault> {
        let unwritten = |cause| Fault::Unwritten { path: name.to_owned(), cause };
        self.file.sync_all().map_err(unwritten)?;
        match moved(&self.path, name) {
            Ok(()) => self.is_kept = true,
            Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => return Err(Fault::Taken(name.to_owned())),
            Err(cause) => return Err(unwritten(cause)),
        }
        sync_folder(name).map_err(unwritten)
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if !self.is_kept {
            // What is left behind is deleted when the next one begins.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// A name that nobody has: of this process, of this moment, of this call.
fn fresh() -> String {
    static CALLS: AtomicU32 = AtomicU32::new(0);
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let call = CALLS.fetch_add(1, Ordering::Relaxed);
    format!("{}{:x}-{:x}-{call:x}{}", NAME.0, std::process::id(), since.as_micros(), NAME.1)
}

/// Renames a file unless there is anything of the new name.
fn moved(from: &Path, to: &Path) -> io::Result<()> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
            // Of a file system that cannot: a second name is never given twice either.
            std::fs::hard_link(from, to)?;
            std::fs::remove_file(from)
        }
        other => Ok(other?),
    }
}

/// Deletes unfinished copies that nobody writes any more.
fn tidy(folder: &Path) {
    let Ok(entries) = folder.read_dir() else { return };
    for entry in entries.flatten().filter(|entry| is_between(&entry.file_name(), NAME)) {
        let is_file = entry.metadata().is_ok_and(|found| found.is_file());
        if is_file && !is_alive(&entry.file_name()) && is_unlocked(&entry.path()) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// Whether the process of an unfinished copy is there, which may be about to lock what it has just made.
fn is_alive(name: &OsStr) -> bool {
    let id = name.to_str().and_then(|name| name.strip_prefix(NAME.0)?.split('-').next());
    let id = id.and_then(|id| i32::from_str_radix(id, 16).ok()).and_then(Pid::from_raw);
    id.is_some_and(|id| id != rustix::process::getpid() && test_kill_process(id) != Err(Errno::SRCH))
}

fn is_unlocked(path: &Path) -> bool {
    let flags = OFlags::NOFOLLOW.bits().cast_signed();
    OpenOptions::new().read(true).custom_flags(flags).open(path).is_ok_and(|file| file.try_lock().is_ok())
}

/// The folder that a name is in.
pub(in crate::store::sqlite) fn name_folder(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Makes sure that a name survives a power loss.
pub(in crate::store::sqlite) fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(name_folder(path))?.sync_all()
}
