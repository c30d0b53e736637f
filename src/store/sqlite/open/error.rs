//! Why a file was not opened, in words for the person at the shell.

use std::io;
use std::path::PathBuf;

use rusqlite::ErrorCode;

use crate::domain::advice::{Advice, quoted};
use crate::domain::backups::Fault;

/// Why a file was not opened.
#[derive(Debug)]
#[expect(missing_docs, reason = "the texts below say what each one means")]
pub enum OpenError {
    Missing(PathBuf),
    Empty(PathBuf),
    NotOurs(PathBuf),
    Newer { path: PathBuf, found: i64, known: i64 },
    TooOpen { path: PathBuf, mode: u32 },
    OpenDirectory { path: PathBuf, mode: u32 },
    NotAFile(PathBuf),
    NoFolder(PathBuf),
    InUse(PathBuf),
    NoBackup { path: PathBuf, schema: i64, fault: Fault },
    OldSqlite(&'static str),
    Io { path: PathBuf, cause: io::Error },
    Sqlite { path: PathBuf, cause: rusqlite::Error },
    Migration { path: PathBuf, cause: rusqlite_migration::Error },
}

impl OpenError {
    /// What to do about it; empty where nobody knows.
    pub fn advice(&self) -> Advice {
        let writable = || Advice::from("run this as somebody who may write this file and its folder");
        match self {
            OpenError::Missing(_) => {
                Advice::from("name yours with --db PATH (or AUTHSRV_DB), or make one with: ").and_run("serve")
            }
            OpenError::Empty(_) => {
                Advice::from("restore it from the backup, or make a new database there: ").and_run("migrate")
            }
            OpenError::NotOurs(_) => "name another with --db PATH; if it was one, restore it from the backup".into(),
            OpenError::Newer { .. } => "install the newer program".into(),
            OpenError::TooOpen { path, .. } => {
                Advice::from("close it with: ").and_shell(format!("chmod 600 {}", quoted(path)))
            }
            OpenError::OpenDirectory { path, .. } => {
                let path = quoted(path);
                format!("close it with: chmod go-w {path}, or allow it with --allow-open-directory true").into()
            }
            OpenError::NotAFile(_) => "name the database with --db PATH".into(),
            OpenError::NoFolder(folder) => format!("make it with: mkdir -p {}", quoted(folder)).into(),
            OpenError::InUse(_) => Advice::from("stop the server, then run: ").and_run("migrate"),
            OpenError::NoBackup { fault, .. } => fault.advice(),
            OpenError::OldSqlite(_) => "build it with its bundled SQLite".into(),
            OpenError::Io { cause, .. } => match cause.kind() {
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => writable(),
                _ => Advice::default(),
            },
            OpenError::Sqlite { cause, .. } => match cause.sqlite_error_code() {
                Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => writable(),
                Some(ErrorCode::DatabaseCorrupt) => {
                    "stop the server and restore the database and the master key from the same backup".into()
                }
                _ => Advice::default(),
            },
            OpenError::Migration { .. } => Advice::default(),
        }
    }
}

impl std::fmt::Display for OpenError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            OpenError::Missing(path) => write!(f, "there is no database at {}", path.display()),
            OpenError::Empty(path) => write!(f, "the file {} is empty", path.display()),
            OpenError::NotOurs(path) => {
                write!(f, "{} is not a database of authsrv; it was left untouched", path.display())
            }
            OpenError::Newer { path, found, known } => write!(
                f,
                "{} was written by a newer authsrv (schema {found}; this program knows {known}); it was left untouched",
                path.display()
            ),
            OpenError::TooOpen { path, mode } => {
                write!(f, "{} may be read or written by others (mode {mode:04o})", path.display())
            }
            OpenError::OpenDirectory { path, mode } => {
                write!(f, "others may put files into the directory {} (mode {mode:04o})", path.display())
            }
            OpenError::NotAFile(path) => write!(f, "{} is not a plain file", path.display()),
            OpenError::NoFolder(folder) => write!(f, "there is no folder {}", folder.display()),
            OpenError::InUse(path) => {
                write!(f, "{} must be migrated, but another authsrv has it open", path.display())
            }
            OpenError::NoBackup { path, schema, fault } => write!(
                f,
                "{} must be migrated from schema {schema}, and was left untouched, since there is no backup of it: {fault}",
                path.display()
            ),
            OpenError::OldSqlite(version) => write!(
                f,
                "this program was built with SQLite {version}, which can lose writes of two processes; 3.51.3 is the oldest \
                 good one"
            ),
            OpenError::Io { path, cause } => write!(f, "{}: {cause}", path.display()),
            OpenError::Sqlite { path, cause } => write!(f, "{}: {cause}", path.display()),
            OpenError::Migration { path, cause } => write!(f, "{}: the migration failed: {cause}", path.display()),
        }
    }
}

impl std::error::Error for OpenError {}
