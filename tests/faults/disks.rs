//! Small file systems that are filled, cut off and mounted again.

use std::path::{Path, PathBuf};

use rustix::process::geteuid;
use tempfile::TempDir;

use super::native;
use crate::support::once;
use crate::support::process::isolated;

/// An ext4 file system in a file.
pub struct Disk {
    folder: TempDir,
    is_mounted: bool,
}

impl Disk {
    /// A new one, mounted. Where that is not allowed, says so, and gives none.
    pub fn new(mebibytes: u64) -> Option<Self> {
        let mut disk = Self { folder: TempDir::new().unwrap(), is_mounted: false };
        std::fs::File::create(disk.image()).unwrap().set_len(mebibytes << 20).unwrap();
        std::fs::create_dir(disk.place()).unwrap();
        let is_made = geteuid().is_root()
            && runs(disk.folder.path(), &["mkfs.ext4", "-q", "-F", "-m", "0", "image"])
            && disk.try_mount("");
        if !is_made {
            eprintln!("left out: this needs root, mkfs.ext4 and a loop device");
        }
        is_made.then_some(disk)
    }

    fn image(&self) -> PathBuf {
        self.folder.path().join("image")
    }

    /// Where it is mounted.
    pub fn place(&self) -> PathBuf {
        self.folder.path().join("mounted")
    }

    /// A file that is not on it.
    pub fn outside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn try_mount(&mut self, options: &str) -> bool {
        let options = if options.is_empty() { "loop".to_owned() } else { format!("loop,{options}") };
        self.is_mounted = runs(self.folder.path(), &["mount", "-o", &options, "image", "mounted"]);
        self.is_mounted
    }

    /// Mounts it.
    pub fn mount(&mut self, options: &str) {
        assert!(self.try_mount(options), "it was mounted before");
    }

    /// Takes it away; nobody may use it any more.
    pub fn unmount(&mut self) {
        // Programs of the machine may be looking at what has just been mounted.
        let unmounted = || runs(self.folder.path(), &["umount", "mounted"]).then_some(());
        once(unmounted).expect("nobody uses the file system");
        self.is_mounted = false;
    }

    /// Takes the power from it: what has not been synced is lost, and nothing can be read or written until it is
    /// mounted anew.
    pub fn goes_down(&self) {
        let program = native::program("godown");
        assert!(runs(self.folder.path(), &[program.to_str().unwrap(), "mounted"]), "EXT4_IOC_SHUTDOWN");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if self.is_mounted {
            // Also where a failed test has left somebody in it.
            runs(self.folder.path(), &["umount", "--lazy", "mounted"]);
        }
    }
}

/// Runs a program; whether it succeeded.
pub fn runs(folder: &Path, words: &[&str]) -> bool {
    let output = isolated(words[0], folder).args(&words[1..]).output();
    output.is_ok_and(|output| output.status.success())
}
