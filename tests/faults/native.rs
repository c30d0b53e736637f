//! Small programs in C that make a machine worse than it is, compiled when they are first needed. The server and the
//! commands have no switch for any of it: they are lied to from outside.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{LazyLock, Mutex};

use tempfile::TempDir;

use crate::support::process::isolated;

/// Their names and texts.
const SOURCES: [(&str, &str); 4] = [
    ("sync", include_str!("native/sync.c")),
    ("pause", include_str!("native/pause.c")),
    ("clock", include_str!("native/clock.c")),
    ("godown", include_str!("native/godown.c")),
];

/// Where the compiled ones are, gone when the tests are over and the system tidies up.
static COMPILED: LazyLock<Mutex<(TempDir, BTreeMap<String, PathBuf>)>> =
    LazyLock::new(|| Mutex::new((TempDir::new().unwrap(), BTreeMap::new())));

/// Compiles one by that compiler which the program itself needs.
fn compiled(name: &str, flags: &[&str]) -> PathBuf {
    let mut compiled = COMPILED.lock().unwrap();
    if let Some(there) = compiled.1.get(name) {
        return there.clone();
    }
    let folder = compiled.0.path().to_owned();
    let (_, text) = SOURCES.iter().find(|(known, _)| *known == name).unwrap();
    std::fs::write(folder.join(format!("{name}.c")), text).unwrap();
    let mut compiler = isolated("cc", &folder);
    let output = compiler.args(["-O1", "-o", name, &format!("{name}.c")]).args(flags).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    compiled.1.insert(name.to_owned(), folder.join(name));
    folder.join(name)
}

/// A program.
pub fn program(name: &str) -> PathBuf {
    compiled(name, &[])
}

/// Puts a library between a program and the system.
pub fn between(command: &mut Command, name: &str) {
    command.env("LD_PRELOAD", compiled(name, &["-shared", "-fPIC", "-ldl"]));
}
