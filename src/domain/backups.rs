//! Backups: what is known of one, how those of a series are called, and why one was not made or not taken.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::advice::{Advice, quoted};
use super::error::Error;
use super::ids::Timestamp;
use super::times;

/// Form of the stamp in a name: the time in UTC to the second, so that names sort as times do.
const STAMP: &str = "%Y%m%dT%H%M%SZ";

/// A database file that was found whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Whole {
    /// Length of the file.
    pub bytes: u64,
    /// Pages in it.
    pub pages: u64,
    /// Version of its schema.
    pub schema: i64,
}

/// What a database told that a restored one takes the place of.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Former {
    /// Tables, and the last number that each gave.
    pub numbers: Vec<(String, i64)>,
    /// How often everybody's sessions were ended.
    pub epoch: i64,
    /// All of its keys.
    pub keys: Vec<FormerKey>,
    /// The latest time that it knew.
    pub latest: Option<Timestamp>,
}

/// A key of such a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormerKey {
    /// Its name.
    pub kid: String,
    /// When it was revoked, if it was.
    pub revoked_at: Option<Timestamp>,
}

/// What is being done, for whoever waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// So many parts of so many are copied.
    Copied(u64, u64),
    /// The copy is looked through.
    Checking,
}

/// Hears how far it is.
pub type Hear<'a> = &'a mut dyn FnMut(Progress);

/// A time as it stands in a name: `20260102T030405Z`.
pub fn stamp(at: Timestamp) -> String {
    at.format(STAMP).to_string()
}

fn is_stamp(text: &str) -> bool {
    let is_form = |(at, byte): (usize, u8)| match at {
        8 => byte == b'T',
        15 => byte == b'Z',
        _ => byte.is_ascii_digit(),
    };
    text.len() == 16 && text.bytes().enumerate().all(is_form)
}

/// Backups in one folder whose names differ by the time alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Series {
    folder: PathBuf,
    stem: OsString,
    /// With the dot; empty if the name has none.
    ending: OsString,
}

impl Series {
    /// The series that this path stands for: `backups/authsrv.db` for `backups/authsrv-20260102T030405Z.db` and so on.
    /// None if it ends in no name.
    pub fn of(path: &Path) -> Option<Self> {
        let (name, stem) = (path.file_name()?, path.file_stem()?);
        let ending = path.extension().map_or_else(OsString::new, |end| [OsStr::new("."), end].into_iter().collect());
        let stem = if ending.is_empty() { name } else { stem };
        Some(Self { folder: path.with_file_name(""), stem: stem.to_owned(), ending })
    }

    /// Where they are.
    pub fn folder(&self) -> &Path {
        if self.folder.as_os_str().is_empty() { Path::new(".") } else { &self.folder }
    }

    /// The one of this time.
    pub fn at(&self, at: Timestamp) -> PathBuf {
        let mut name = self.stem.clone();
        name.push(format!("-{}", stamp(at)));
        name.push(&self.ending);
        self.folder.join(name)
    }

    /// Whether a file of this name is one of them.
    pub fn has(&self, name: &OsStr) -> bool {
        let (name, stem, ending) =
            (name.as_encoded_bytes(), self.stem.as_encoded_bytes(), self.ending.as_encoded_bytes());
        let rest = name.strip_prefix(stem).and_then(|rest| rest.strip_prefix(b"-"));
        let middle = rest.and_then(|rest| rest.strip_suffix(ending));
        middle.and_then(|middle| std::str::from_utf8(middle).ok()).is_some_and(is_stamp)
    }
}

/// Why a backup was not made, or not taken.
#[derive(Debug)]
#[expect(missing_docs, reason = "the texts below say what each one means")]
pub enum Fault {
    Taken(PathBuf),
    Own(PathBuf),
    NoName(PathBuf),
    NoFolder(PathBuf),
    Missing(PathBuf),
    NotAFile(PathBuf),
    Empty(PathBuf),
    NotOurs(PathBuf),
    Newer { path: PathBuf, found: i64, known: i64 },
    Damaged { path: PathBuf, found: Vec<String> },
    Log { path: PathBuf, log: PathBuf },
    InUse(PathBuf),
    Unreadable { path: PathBuf, cause: String },
    Unwritten { path: PathBuf, cause: io::Error },
    Undeleted { path: PathBuf, cause: io::Error },
}

impl Fault {
    /// What to do about it; empty where nobody knows.
    pub fn advice(&self) -> Advice {
        match self {
            Fault::Taken(_) => "name a new file; none is overwritten".into(),
            Fault::Own(_) => "name another file, best on another disk".into(),
            Fault::NoName(_) => "name a file in it".into(),
            Fault::NoFolder(folder) => Advice::from("make it with: ").and_shell(format!("mkdir -p {}", quoted(folder))),
            Fault::Missing(_) | Fault::NotAFile(_) | Fault::Empty(_) | Fault::NotOurs(_) => {
                Advice::from("name a file that was written by: ").and_run("backup FILE")
            }
            Fault::Newer { .. } => "install the newer program".into(),
            Fault::Damaged { .. } => "take another backup; none of this one was used".into(),
            Fault::Log { path, .. } => Advice::from("if no program uses that file, this writes its log into it: ")
                .and_shell(format!("authsrv --db {} doctor", quoted(path))),
            Fault::InUse(_) => Advice::from("stop what uses it, then do this again"),
            Fault::Unreadable { .. } => Advice::from("look for the cause with: ").and_run("doctor --deep"),
            Fault::Undeleted { .. } => "let this user delete files there".into(),
            Fault::Unwritten { cause, .. } => match cause.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                    "make room, or name a file on another disk".into()
                }
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                    "name a file in a folder that you may write to".into()
                }
                _ => Advice::default(),
            },
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Taken(path) => write!(f, "{} is there already", path.display()),
            Fault::Own(path) => write!(f, "{} is the database itself, or belongs to it", path.display()),
            Fault::NoName(path) => write!(f, "{} is no name for a file", path.display()),
            Fault::NoFolder(folder) => write!(f, "there is no folder {}", folder.display()),
            Fault::Missing(path) => write!(f, "there is no file {}", path.display()),
            Fault::NotAFile(path) => write!(f, "{} is not a plain file", path.display()),
            Fault::Empty(path) => write!(f, "the file {} is empty", path.display()),
            Fault::NotOurs(path) => write!(f, "{} is not a database of authsrv", path.display()),
            Fault::Newer { path, found, known } => write!(
                f,
                "{} was written by a newer authsrv (schema {found}; this program knows {known})",
                path.display()
            ),
            Fault::Damaged { path, found } => {
                let first = found.first().map_or("", String::as_str);
                write!(f, "{} is damaged: {first}", path.display())
            }
            Fault::Log { path, log } => {
                write!(f, "{} is not all: its log {} lies beside it", path.display(), log.display())
            }
            Fault::InUse(path) => write!(f, "{} is in use", path.display()),
            Fault::Unreadable { path, cause } => write!(f, "{} cannot be read: {cause}", path.display()),
            Fault::Undeleted { path, cause } => {
                write!(f, "the backup was made, and {}, which is older, cannot be deleted: {cause}", path.display())
            }
            Fault::Unwritten { path, cause } => write!(f, "cannot write {}: {cause}", path.display()),
        }
    }
}

impl std::error::Error for Fault {}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        Error::internal(fault)
    }
}

/// How long until the next of a series is due, as people type it: at least a second.
pub fn period(text: &str) -> Option<std::time::Duration> {
    times::seconds(text).filter(|seconds| *seconds > 0).map(std::time::Duration::from_secs)
}
