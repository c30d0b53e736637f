//! Whose the files are, and who else may use them.

use std::collections::BTreeSet;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::{Facts, Finding, Level};
use crate::domain::advice::{Advice, quoted};

/// Asks about the files of a database and of the master key, and their directories. Opens none.
pub(super) fn look(facts: &Facts) -> Vec<Finding> {
    let master_key = facts.master_key.as_path();
    let database = facts.database.as_path();
    let mut findings = Vec::new();
    let Ok(owner) = database.metadata().map(|metadata| metadata.uid()) else {
        let text = format!("{} cannot be looked at", database.display());
        return vec![Finding::new(Level::Problem, "files", text, "run this as the owner of the file")];
    };
    // The master key's own mode is judged by whoever reads it.
    let judged = facts.files.iter().map(|path| (path.as_path(), true));
    for (path, judged) in judged.chain([(master_key, false)]) {
        let Ok(metadata) = path.metadata() else { continue };
        if judged {
            findings.extend(too_open(path, &metadata));
        }
        if metadata.uid() != owner {
            findings.push(foreign(path, metadata.uid(), database, owner));
        }
    }
    let copies = facts.copies.iter().filter_map(|path| Some((path, path.metadata().ok()?)));
    findings.extend(copies.filter_map(|(path, metadata)| too_open(path, &metadata)).map(|finding| {
        let text = format!("{}; it is a copy of the database or of a master key", finding.text);
        Finding { text, ..finding }
    }));
    findings.extend(directories(database, master_key).iter().filter_map(|path| directory(path)));
    if findings.is_empty() {
        findings.push(Finding::ok("files", "only their owner may use them"));
    }
    findings
}

fn too_open(path: &Path, metadata: &Metadata) -> Option<Finding> {
    let mode = metadata.mode() & 0o7777;
    let text = format!("{} is open to others than its owner (mode {mode:04o})", path.display());
    (mode & 0o077 != 0)
        .then(|| Finding::new(Level::Problem, "files", text, Advice::shell(format!("chmod 600 {}", quoted(path)))))
}

fn foreign(path: &Path, found: u32, database: &Path, owner: u32) -> Finding {
    let text = format!("{} belongs to user {found}, the database to user {owner}", path.display());
    let advice = format!("chown --reference={} {}", quoted(database), quoted(path));
    Finding::new(Level::Problem, "files", text, Advice::shell(advice))
}

fn directories(database: &Path, master_key: &Path) -> BTreeSet<PathBuf> {
    [database, master_key].into_iter().filter_map(|path| Some(path.canonicalize().ok()?.parent()?.to_owned())).collect()
}

fn directory(path: &Path) -> Option<Finding> {
    let mode = path.metadata().ok()?.mode() & 0o7777;
    let finding = |level, may: &str, change: &str| {
        let text = format!("others may {may} the directory {} (mode {mode:04o})", path.display());
        Some(Finding::new(level, "files", text, Advice::shell(format!("chmod {change} {}", quoted(path)))))
    };
    if mode & 0o022 != 0 {
        return finding(Level::Problem, "put files into", "700");
    }
    if mode & 0o055 != 0 {
        return finding(Level::Warning, "look into", "700");
    }
    None
}
