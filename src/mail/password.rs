//! The file of the password for the mail server: one line, for its owner only, like all secrets in files.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use zeroize::Zeroizing;

use crate::domain::advice::{Advice, quoted};

/// Bytes of the file that are read at most.
const FILE_MAX: usize = 4096;

/// Why the file cannot be used.
#[derive(Debug)]
pub enum PasswordFileError {
    /// The system does not let us read it, or it is not there.
    Unreadable(PathBuf, io::Error),
    /// It is a directory, a pipe or the like.
    NotAFile(PathBuf),
    /// Others than its owner may use it: these are its permission bits.
    TooOpen(PathBuf, u32),
    /// It is not one line of text.
    Malformed(PathBuf),
}

/// Reads the password. The path may be a link, as containers hand out secrets.
pub(super) fn read(path: &Path) -> Result<Zeroizing<String>, PasswordFileError> {
    use PasswordFileError::*;
    let owned = || path.to_path_buf();
    // Not to be held up by a pipe.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = rustix::fs::open(path, flags, Mode::empty())
        .map(File::from)
        .map_err(|cause| Unreadable(owned(), cause.into()))?;
    let metadata = file.metadata().map_err(|cause| Unreadable(owned(), cause))?;
    if !metadata.is_file() {
        return Err(NotAFile(owned()));
    }
    if metadata.mode() & 0o077 != 0 {
        return Err(TooOpen(owned(), metadata.mode() & 0o7777));
    }
    let mut content = Zeroizing::new(Vec::with_capacity(FILE_MAX + 1)); // Never moved, so no copy stays behind.
    file.take(FILE_MAX as u64).read_to_end(&mut content).map_err(|cause| Unreadable(owned(), cause))?;
    let line = std::str::from_utf8(&content).map_err(|_| Malformed(owned()))?.trim_end_matches(['\r', '\n']);
    if line.is_empty() || line.chars().any(char::is_control) {
        return Err(Malformed(owned()));
    }
    Ok(Zeroizing::new(line.to_owned()))
}

impl PasswordFileError {
    /// What to do about it.
    pub fn advice(&self) -> Advice {
        use PasswordFileError::*;
        match self {
            TooOpen(path, _) => Advice::shell(format!("chmod 600 {}", quoted(path))),
            Unreadable(..) | NotAFile(_) | Malformed(_) => {
                "put the password, on one line, into a file that you alone may read, and name it with --smtp-password-file PATH (or AUTHSRV_SMTP_PASSWORD_FILE)".into()
            }
        }
    }
}

impl fmt::Display for PasswordFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use PasswordFileError::*;
        match self {
            Unreadable(path, cause) => write!(f, "the password file {} cannot be read: {cause}", path.display()),
            NotAFile(path) => write!(f, "the password file {} is not a regular file", path.display()),
            TooOpen(path, mode) => {
                write!(f, "the password file {} is open to others (mode {mode:04o})", path.display())
            }
            Malformed(path) => write!(f, "the password file {} is not one line of text", path.display()),
        }
    }
}

impl std::error::Error for PasswordFileError {}
