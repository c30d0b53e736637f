//! Room for the worst: a file beside the database that is given up when the disk is full, so that access can still be ended
//! . SQLite cannot even delete without room for its log.
//!
//! Servers keep it. It is there in full, or cut to nothing: then it was given up, and until there is room for it again
//! nothing is written in any process but what ends access. Where it never was, nobody is held up.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FallocateFlags, OFlags, fallocate, statvfs};
use rustix::io::Errno;

use super::errors::RETRY;
use crate::domain::error::{Error, Result};

/// End of its name, after that of the database.
pub(super) const ENDING: &str = ".ballast";
/// How much room it keeps, in bytes.
const SIZE: u64 = 8 * 1024 * 1024;
/// With less room than this, in bytes, it is given up for what ends access: one such write, with the pages that it touches
/// written to the log and to the file, takes far less.
const LEAST: u64 = 1024 * 1024;
/// With how much room, in bytes, it is made again.
const ENOUGH: u64 = SIZE + 8 * LEAST;

/// The file.
pub struct Ballast(PathBuf);

impl Ballast {
    /// That of the database at `path`.
    pub fn of(path: &Path) -> Self {
        let mut name = path.as_os_str().to_owned();
        name.push(ENDING);
        Self(PathBuf::from(name))
    }

    /// Makes it, or makes it whole again, if there is room for it.
    ///
    /// # Errors
    /// That there is not, and whatever else keeps a file from being made.
    pub fn keep(&self) -> io::Result<()> {
        let length = self.length();
        if length.is_some_and(|length| length >= SIZE) {
            return Ok(());
        }
        if self.room()? < ENOUGH {
            return Err(ErrorKind::StorageFull.into());
        }
        let file = self.open(true)?;
        fill(&file).and_then(|()| file.sync_all()).inspect_err(|_| {
            // Half of it would pass for the whole.
            let _ = file.set_len(0);
        })?;
        if length == Some(0) {
            tracing::info!("there is room on the disk again");
        }
        Ok(())
    }

    /// Passes a write that ends nothing, unless room is short; takes it back first, if there is some again.
    ///
    /// # Errors
    /// `Unavailable` while the room that is left is for others.
    pub fn spare(&self) -> Result<()> {
        if self.length() != Some(0) || self.keep().is_ok() {
            return Ok(());
        }
        Err(Error::Unavailable { retry_after: RETRY })
    }

    /// Gives it up for a write that ends access, if there is no room for that.
    pub fn give_up(&self) {
        let is_short = || self.room().is_ok_and(|room| room < LEAST);
        if self.length().is_none_or(|length| length == 0) || !is_short() {
            return;
        }
        // Only what has reached the disk is free for others.
        match self.open(false).and_then(|file| file.set_len(0).and_then(|()| file.sync_all())) {
            Ok(()) => tracing::error!("the disk is full: nothing is written any more but what ends access"),
            Err(cause) => tracing::error!(%cause, "the disk is full, and the room that was kept cannot be given up"),
        }
    }

    fn length(&self) -> Option<u64> {
        std::fs::symlink_metadata(&self.0).ok().map(|file| file.len())
    }

    fn open(&self, create: bool) -> io::Result<File> {
        OpenOptions::new()
            .write(true)
            .create(create)
            .truncate(false)
            .mode(0o600)
            .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
            .open(&self.0)
    }

    /// How many bytes this process could still write beside the database.
    fn room(&self) -> io::Result<u64> {
        let folder = self.0.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let disk = statvfs(folder)?;
        let blocks = if rustix::process::geteuid().is_root() { disk.f_bfree } else { disk.f_bavail };
        Ok(blocks.saturating_mul(disk.f_frsize))
    }
}

/// Takes the room, with nothing in it.
fn fill(mut file: &File) -> io::Result<()> {
    match fallocate(file, FallocateFlags::empty(), 0, SIZE) {
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => file.write_all(&vec![0; SIZE as usize]),
        done => Ok(done?),
    }
}
