//! What runs the program elsewhere. No container engine is needed: the steps of the Dockerfile are read, those that are
//! cheap are done as plain commands, and the program is started as the image would start it.

mod container;
mod image;
mod unit;

use std::fs;
use std::path::{Path, PathBuf};

use authsrv::config::layers::{Layers, VARIABLES};
use authsrv::config::{Config, Flags, SETTINGS};
use tempfile::TempDir;

/// A file of the repository.
fn file(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The variables that `.env.example` has, with their values, and whether they are commented out.
fn examples() -> Vec<(String, String, bool)> {
    let text = file(".env.example");
    let assignment = |line: &str| {
        let (bare, off) = line.strip_prefix('#').map_or((line, false), |rest| (rest, true));
        let (name, value) = bare.split_once('=')?;
        name.starts_with("AUTHSRV_").then(|| (name.to_owned(), value.to_owned(), off))
    };
    text.lines().filter_map(assignment).collect()
}

/// S1-3
#[test]
fn the_example_names_every_variable_and_its_default() {
    let examples = examples();
    let mut names: Vec<&str> = examples.iter().map(|(name, ..)| name.as_str()).collect();
    let mut known: Vec<&str> = SETTINGS.iter().map(|setting| setting.variable).chain(VARIABLES).collect();
    names.sort_unstable();
    known.sort_unstable();
    assert_eq!(names, known);
    for (name, value, off) in &examples {
        assert!(*off || value.is_empty(), "R-4: {name} has a value that would be everybody's");
    }

    let folder = TempDir::new().unwrap();
    let config = |flags: &Flags| {
        let layers = Layers::load(folder.path(), Box::new(|_| None), None).unwrap();
        Config::resolve(flags, &layers).unwrap()
    };
    let defaults = config(&Flags::default());
    fs::write(folder.path().join("authsrv.toml"), "").unwrap();
    let lines: Vec<String> = examples.iter().map(|(name, value, _)| format!("{name}={value}\n")).collect();
    fs::write(folder.path().join(".env"), lines.concat()).unwrap();
    assert_eq!(config(&Flags::default()), defaults, "a line that is commented out has the default");
    fs::write(folder.path().join(".env"), file(".env.example")).unwrap();
    assert_eq!(config(&Flags::default()), defaults, "and so has the file as it stands");
}

#[test]
fn every_variable_is_explained() {
    let text = file(".env.example");
    let mut before = "";
    for line in text.lines() {
        if line.trim_start_matches('#').starts_with("AUTHSRV_") {
            assert!(before.starts_with("# "), "{line} is not explained");
        }
        before = line;
    }
}

/// Files below a folder, by their paths from it.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}
