//! The Dockerfile, step by step, and what the builder is given.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::{file, files, root};
use crate::support::process::isolated;

/// One step of the Dockerfile.
#[derive(Debug, Clone)]
pub struct Step {
    /// `FROM`, `COPY` …
    pub word: String,
    /// The rest, on one line.
    pub rest: String,
}

impl Step {
    /// The words of a step in JSON form.
    pub fn words(&self) -> Vec<String> {
        serde_json::from_str(&self.rest).unwrap_or_else(|_| panic!("{self:?} needs a shell, and there is none"))
    }
}

/// The steps, by stage.
pub fn stages() -> Vec<Vec<Step>> {
    let text = file("Dockerfile");
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with('#')).collect();
    let joined = lines.join("\n").replace("\\\n", " ");
    let mut stages: Vec<Vec<Step>> = Vec::new();
    for line in joined.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (word, rest) = line.split_once(' ').unwrap();
        if word == "FROM" {
            stages.push(Vec::new());
        }
        let rest = rest.split_whitespace().collect::<Vec<_>>().join(" ");
        stages.last_mut().unwrap().push(Step { word: word.to_owned(), rest });
    }
    stages
}

/// The last of these steps in the image itself.
pub fn step(word: &str) -> Step {
    let image = stages().pop().unwrap();
    image.into_iter().rev().find(|step| step.word == word).unwrap_or_else(|| panic!("no {word}"))
}

/// Variables that the image sets.
pub fn variables() -> Vec<(String, String)> {
    let set = stages().pop().unwrap().into_iter().filter(|step| step.word == "ENV");
    let pairs = set.flat_map(|step| step.rest.split(' ').map(str::to_owned).collect::<Vec<_>>());
    pairs.map(|pair| pair.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned())).unwrap()).collect()
}

/// Whether the builder is given a file: the last line of `.dockerignore` that speaks of it decides.
fn is_given(path: &str) -> bool {
    let rules = file(".dockerignore");
    let rules = rules.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let mut given = true;
    for rule in rules {
        let (rule, gives) = rule.strip_prefix('!').map_or((rule, false), |rule| (rule, true));
        if rule == "*" || path == rule || path.starts_with(&format!("{rule}/")) {
            given = gives;
        }
    }
    given
}

/// What is copied from the repository: source and target.
fn copies() -> Vec<(String, String)> {
    let build = stages().remove(0);
    let copies = build.into_iter().filter(|step| step.word == "COPY");
    copies
        .flat_map(|step| {
            let words: Vec<String> = step.rest.split(' ').map(str::to_owned).collect();
            let (target, sources) = words.split_last().unwrap();
            sources.iter().map(|source| (source.clone(), target.clone())).collect::<Vec<_>>()
        })
        .collect()
}

fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        for path in files(from) {
            copy(&path, &to.join(path.strip_prefix(from).unwrap()));
        }
        return;
    }
    fs::create_dir_all(to.parent().unwrap()).unwrap();
    fs::copy(from, to).unwrap();
}

#[test]
fn what_is_copied_is_all_that_the_build_reads() {
    let context = TempDir::new().unwrap();
    for (source, target) in copies() {
        assert!(is_given(&source), "{source} is ignored by .dockerignore");
        let target = if target == "./" { source.clone() } else { target };
        copy(&root().join(&source), &context.path().join(target));
    }
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let homes = ["HOME", "CARGO_HOME", "RUSTUP_HOME"].into_iter();
    let metadata = isolated(cargo, context.path())
        .args(["metadata", "--locked", "--offline", "--format-version", "1", "--no-deps"])
        .envs(homes.filter_map(|name| Some((name, std::env::var_os(name)?))))
        .output()
        .unwrap();
    assert!(metadata.status.success(), "{}", String::from_utf8_lossy(&metadata.stderr));
    // What the sources take in at compile time.
    for path in files(&context.path().join("src")) {
        let text = fs::read_to_string(&path).unwrap_or_default();
        for call in ["include_str!(\"", "include_bytes!(\""] {
            for rest in text.split(call).skip(1) {
                let taken = path.parent().unwrap().join(rest.split('"').next().unwrap());
                assert!(taken.exists(), "{} takes in {}", path.display(), taken.display());
            }
        }
    }
}

#[test]
fn the_builder_is_given_no_data_and_no_secret() {
    for path in [
        ".env",
        "authsrv.db",
        "authsrv.db-wal",
        "authsrv.key",
        "authsrv.toml",
        ".git/config",
        "target/release/authsrv",
        "compose.yaml",
        "tests/packaging.rs",
        "README.md",
    ] {
        assert!(!is_given(path), "{path} is sent to the builder");
    }
    for path in ["src/main.rs", "Cargo.lock", "seed/roles.toml", ".cargo/config.toml", "tests/main.rs"] {
        assert!(is_given(path), "{path}");
    }
}

/// Every word of every step stays readable in the image's history.
#[test]
fn no_layer_holds_a_secret() {
    for step in stages().concat() {
        if ["ENV", "ARG", "LABEL"].contains(&step.word.as_str()) {
            let upper = step.rest.to_uppercase();
            for word in ["PASSWORD", "SECRET", "TOKEN", "KEY"] {
                assert!(!upper.contains(word), "{step:?}");
            }
        }
        assert!(!step.rest.contains(".env") && step.word != "ADD", "{step:?}");
    }
}

#[test]
fn the_build_takes_the_locked_versions_and_the_image_only_the_binary() {
    let stages = stages();
    let [build, image] = &stages[..] else { panic!("two stages") };
    let runs: String = build.iter().filter(|step| step.word == "RUN").map(|step| step.rest.as_str()).collect();
    for word in ["cargo build --release --locked", "gcc", "cmake", "--no-install-recommends"] {
        assert!(runs.contains(word), "{word}");
    }
    assert_eq!(build[0].rest, "rust:1-slim-bookworm AS build");
    assert!(image[0].rest.ends_with("-debian12"), "the C library that the binary was linked with");
    assert!(image.iter().all(|step| step.word != "RUN"), "there is no shell");
    let copied = image.iter().filter(|step| step.word == "COPY");
    assert!(copied.clone().count() == 2 && copied.clone().all(|step| step.rest.starts_with("--from=build ")));
    assert!(runs.contains("install -d -m 0700 /out/state/data"), "R-54");
}

#[test]
fn the_image_runs_without_rights() {
    let user = step("USER").rest;
    let ids: Vec<u32> = user.split(':').map(|id| id.parse().expect("a number, as Kubernetes wants it")).collect();
    assert!(ids.len() == 2 && ids.iter().all(|id| *id != 0), "{user}");
    let data = stages().pop().unwrap().into_iter().find(|step| step.rest.contains("/out/state/")).unwrap();
    assert!(data.rest.contains(&format!("--chown={user}")), "{data:?}");
    assert_eq!(step("STOPSIGNAL").rest, "SIGTERM");
    assert_eq!((step("EXPOSE").rest, step("VOLUME").rest), ("8000".to_owned(), "/data".to_owned()));
    assert_eq!(step("ENTRYPOINT").words(), ["/usr/local/bin/authsrv"]);
    assert_eq!(step("CMD").words(), ["serve"]);
    let health = step("HEALTHCHECK").rest;
    assert!(health.ends_with("CMD [\"/usr/local/bin/authsrv\", \"health\"]"), "{health}");
}
