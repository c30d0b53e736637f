//! The file of the master key: one line, for its owner only.

use std::fmt;
use std::fs::{File, Metadata};
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustix::fs::{Mode, OFlags};
use zeroize::Zeroizing;

use crate::domain::advice::{Advice, quoted};

/// Bytes of a key of AES-256.
pub(super) const KEY_LEN: usize = 32;
/// What the line in the key file begins with.
const MARK: &str = "authsrv-master-key-1:";
/// Bytes of the key file that are read at most; the line has 65.
const FILE_MAX: usize = 256;

/// A key of 32 bytes, wiped when dropped.
pub(super) type Key = Zeroizing<[u8; KEY_LEN]>;

/// Why the master key, or what was sealed with it, cannot be used. Comes inside `Error::Internal`; its text is for
/// whoever runs the server, and says what to do.
#[derive(Debug)]
pub enum MasterKeyError {
    /// There is no file.
    Missing(PathBuf),
    /// It is a symbolic link.
    SymbolicLink(PathBuf),
    /// It is a directory, a pipe or the like.
    NotAFile(PathBuf),
    /// Others than its owner may use it: these are its permission bits.
    TooOpen(PathBuf, u32),
    /// Its content is not one line of ours.
    Malformed(PathBuf),
    /// The system does not let us read it.
    Unreadable(PathBuf, io::Error),
    /// The system does not let us make it.
    Uncreatable(PathBuf, io::Error),
    /// The database names another key.
    Other(PathBuf),
    /// This, stored for this purpose, was sealed with another key or was changed.
    DoesNotOpen(PathBuf, String),
}

/// Writes a key into a new file beside `path` and gives it that name, unless the name is taken.
pub(super) fn place(key: &Key, beside: &Path, path: &Path) -> io::Result<bool> {
    if let Err(cause) = write(key, beside) {
        forget(beside)?;
        return Err(cause);
    }
    // A link, unlike a renaming, does not replace what another process made meanwhile.
    let linked = std::fs::hard_link(beside, path);
    std::fs::remove_file(beside)?;
    match linked {
        Err(taken) if taken.kind() == io::ErrorKind::AlreadyExists => return Ok(false),
        other => other?,
    }
    sync_folder(path)?;
    Ok(true)
}

/// Writes a key into a new file, which survives a power loss.
pub(super) fn write(key: &Key, path: &Path) -> io::Result<()> {
    let mut line = Zeroizing::new(String::with_capacity(FILE_MAX)); // Never moved, so no copy stays behind.
    line.push_str(MARK);
    URL_SAFE_NO_PAD.encode_string(key.as_slice(), &mut line);
    line.push('\n');
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut file = File::from(rustix::fs::open(path, flags, Mode::RUSR | Mode::WUSR)?);
    file.write_all(line.as_bytes())?;
    file.sync_all()?;
    sync_folder(path)
}

/// Gives the file at `from` the name `to` and the owner of what has that name now, which is gone afterwards.
pub(super) fn replace(from: &Path, to: &Path) -> io::Result<()> {
    if let Ok(old) = to.symlink_metadata() {
        // Root may do this for the server's user.
        std::os::unix::fs::chown(from, Some(old.uid()), Some(old.gid()))?;
    }
    std::fs::rename(from, to)?;
    sync_folder(to)
}

/// Deletes a file, if it is there.
pub(super) fn forget(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

fn sync_folder(path: &Path) -> io::Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(directory)?.sync_all()
}

/// Reads the key in a file that only its owner may use.
pub(super) fn read(path: &Path) -> Result<Key, MasterKeyError> {
    let owned = || path.to_path_buf();
    // Not to be held up by a pipe.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = rustix::fs::open(path, flags, Mode::empty()).map(File::from).map_err(|cause| match cause {
        rustix::io::Errno::NOENT => MasterKeyError::Missing(owned()),
        rustix::io::Errno::LOOP => MasterKeyError::SymbolicLink(owned()),
        other => MasterKeyError::Unreadable(owned(), other.into()),
    })?;
    let unreadable = |cause| MasterKeyError::Unreadable(owned(), cause);
    let metadata = file.metadata().map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(MasterKeyError::NotAFile(owned()));
    }
    if !is_private(&metadata) {
        return Err(MasterKeyError::TooOpen(owned(), metadata.mode() & 0o7777));
    }
    let mut content = Zeroizing::new(Vec::with_capacity(FILE_MAX + 1));
    file.take(FILE_MAX as u64).read_to_end(&mut content).map_err(unreadable)?;
    parse(&content).ok_or_else(|| MasterKeyError::Malformed(owned()))
}

/// Whether only we may read it, and root. A credential of systemd belongs to root, who lends it to our user by an access
/// control list; the mode then shows the list's limit as a right of root's own group.
pub(super) fn is_private(metadata: &Metadata) -> bool {
    let lent = metadata.uid() == 0 && metadata.gid() == 0 && metadata.mode() & 0o777 == 0o440;
    metadata.mode() & 0o077 == 0 || (lent && !rustix::process::geteuid().is_root())
}

fn parse(content: &[u8]) -> Option<Key> {
    let line = std::str::from_utf8(content).ok()?.trim_end_matches(['\r', '\n']);
    let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(line.strip_prefix(MARK)?).ok()?);
    let mut key = Key::default();
    if bytes.len() != KEY_LEN {
        return None;
    }
    key.copy_from_slice(&bytes);
    Some(key)
}

impl MasterKeyError {
    /// What is wrong, without what to do about it.
    pub fn what(&self) -> String {
        use MasterKeyError::*;
        match self {
            Missing(path) => format!("the master key {} is missing", path.display()),
            SymbolicLink(path) => format!("the master key {} is a symbolic link", path.display()),
            NotAFile(path) => format!("the master key {} is not a regular file", path.display()),
            TooOpen(path, mode) => format!("the master key {} is open to others (mode {mode:04o})", path.display()),
            Malformed(path) => format!(
                "the master key {} is damaged: it is not one line \"{MARK}\" with a key of 32 bytes",
                path.display()
            ),
            Unreadable(path, cause) => format!("the master key {} cannot be read: {cause}", path.display()),
            Uncreatable(path, cause) => format!("the master key {} cannot be made: {cause}", path.display()),
            Other(path) => format!("the master key {} is not the one of this database", path.display()),
            DoesNotOpen(path, purpose) => format!(
                "the stored {purpose} does not open with the master key {}: it was sealed with another key or changed",
                path.display()
            ),
        }
    }

    /// What to do about it.
    pub fn advice(&self) -> Advice {
        use MasterKeyError::*;
        match self {
            Missing(_) => {
                "restore this file from the backup, or name it with --master-key-file PATH (or AUTHSRV_MASTER_KEY_FILE)"
                    .into()
            }
            SymbolicLink(_) => "put the file itself there, or name its real path".into(),
            NotAFile(_) | Malformed(_) => "restore this file from the backup".into(),
            TooOpen(path, _) => Advice::shell(format!("chmod 600 {}", quoted(path))),
            Unreadable(..) => "run this as the owner of the file".into(),
            Uncreatable(..) => "let this user write to its directory".into(),
            Other(_) | DoesNotOpen(..) => {
                "restore the database and this file from the same backup, or name the right file with --master-key-file PATH"
                    .into()
            }
        }
    }
}

impl fmt::Display for MasterKeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let run = if matches!(self, MasterKeyError::TooOpen(..)) { "run: " } else { "" };
        write!(f, "{}; {run}{}", self.what(), self.advice().told(str::to_owned))
    }
}

impl std::error::Error for MasterKeyError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            MasterKeyError::Unreadable(_, cause) | MasterKeyError::Uncreatable(_, cause) => Some(cause),
            _ => None,
        }
    }
}
