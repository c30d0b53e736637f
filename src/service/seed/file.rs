//! Seed files as people write them: TOML with tables `[[resource]]`, `[[action]]`, `[[permission]]` and `[[role]]`. How
//! to write them is said on top of each file of the folder `seed/`.
//!
//! Here is judged what one file shows by itself, and every fault of it is found at once. Whether files fit each other
//! and the database is for `wanted.rs` and `plan.rs`.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use toml::de::DeTable;

use super::fault::SeedFault;
use super::reader::Reader;
use crate::domain::catalog::{CodeName, Kind};
use crate::domain::rights::Right;

/// Largest file, in bytes.
pub const FILE_MAX: u64 = 16 * 1024 * 1024;

/// A file that is right in itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeedFile {
    pub(super) name: String,
    /// Whether the program carries it.
    pub(super) embedded: bool,
    /// Resources, actions and roles, in the order of the file within each kind.
    pub(super) entries: Vec<Entry>,
    pub(super) pairings: Vec<Pairing>,
}

/// A resource, an action or a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub kind: Kind,
    pub line: usize,
    pub code_name: CodeName,
    pub name: String,
    /// `None`: the file does not say.
    pub description: Option<Option<String>>,
    /// What a role gives; `None`: the file does not say.
    pub permissions: Option<Vec<(usize, Given)>>,
}

/// What a role gives.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Given {
    /// One right.
    One(Right),
    /// This action on every resource.
    Everywhere(String),
}

impl fmt::Display for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Given::One(right) => right.fmt(f),
            Given::Everywhere(action) => write!(f, "*:{action}"),
        }
    }
}

/// Every action of one list on every resource of the other, each with its line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pairing {
    pub resources: Vec<(usize, String)>,
    pub actions: Vec<(usize, String)>,
}

/// Reads and parses a file.
///
/// # Errors
/// All that is wrong with it: missing, a directory, too big, not UTF-8, or what [`parse`] says.
pub fn read(path: &Path) -> Result<SeedFile, Vec<SeedFault>> {
    let name = path.display().to_string();
    match text_of(path) {
        Ok(text) => parse(&name, &text),
        Err((line, reason)) => Err(vec![SeedFault { file: name, line, reason }]),
    }
}

fn text_of(path: &Path) -> Result<String, (usize, String)> {
    let whole = |reason: String| (0, reason);
    let unreadable = |cause: io::Error| match cause.kind() {
        io::ErrorKind::NotFound => whole("there is no such file".to_owned()),
        io::ErrorKind::PermissionDenied => whole("may not be read by this user".to_owned()),
        _ => whole(format!("cannot be read: {cause}")),
    };
    if path.metadata().map_err(unreadable)?.is_dir() {
        return Err(whole("is a directory; name the files in it".to_owned()));
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(FILE_MAX + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > FILE_MAX {
        return Err(whole(format!("is larger than {} MiB", FILE_MAX / 1024 / 1024)));
    }
    String::from_utf8(bytes).map_err(|cause| {
        let good = &cause.as_bytes()[..cause.utf8_error().valid_up_to()];
        (1 + good.iter().filter(|byte| **byte == b'\n').count(), "is not UTF-8 text".to_owned())
    })
}

/// Parses the text of a file; `name` is what faults call it.
///
/// # Errors
/// All faults, in the order of their lines. Where the text is not TOML, only that is said.
pub fn parse(name: &str, text: &str) -> Result<SeedFile, Vec<SeedFault>> {
    let mut reader = Reader::new(name, text);
    let (document, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        reader.fault(error.span().unwrap_or_default(), format!("not TOML: {}", error.message()));
    }
    let mut file = SeedFile { name: name.to_owned(), embedded: false, entries: Vec::new(), pairings: Vec::new() };
    if errors.is_empty() {
        reader.document(document.get_ref(), &mut file);
    }
    let mut faults = reader.into_faults();
    if faults.is_empty() {
        return Ok(file);
    }
    faults.sort_by_key(|fault| fault.line);
    Err(faults)
}
