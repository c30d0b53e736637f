//! The dependency rule: which layer may name which, and which crates each has for itself.
//!
//! From the bottom up: `domain`; `crypto`, `store` and `mail`, side by side; `service`; `http` and `cli`, side by side but for
//! `serve`. `app` puts them together.
//!
//! Reads the sources as text: comments, strings and test modules are put aside, and every path that is left is held
//! against [`LAYERS`]. The compiler sees to it that a path that is named in another way is no path.

use std::collections::BTreeSet;
use std::path::Path;

/// Crates that come with the compiler.
const BUILT_IN: [&str; 3] = ["std", "core", "alloc"];

/// Files under a path, and what they may name.
struct Layer {
    /// Path from `src/` on; the longest that fits a file decides.
    path: &'static str,
    /// Paths of our own modules that it may name, besides its own folder.
    modules: &'static [&'static str],
    /// Crates that it may name.
    crates: &'static [&'static str],
}

const fn layer(path: &'static str, modules: &'static [&'static str], crates: &'static [&'static str]) -> Layer {
    Layer { path, modules, crates }
}

const HTTP: &[&str] = &[
    "aide",
    "axum",
    "encoding_rs",
    "flate2",
    "form_urlencoded",
    "futures_util",
    "hyper",
    "hyper_util",
    "memchr",
    "minijinja",
    "multer",
    "percent_encoding",
    "rustix",
    "schemars",
    "serde",
    "serde_json",
    "tokio",
    "tokio_rustls",
    "tower",
    "tracing",
    "uuid",
];
const CLI: &[&str] = &[
    "chrono",
    "clap",
    "clap_complete",
    "clap_mangen",
    "comfy_table",
    "dialoguer",
    "indicatif",
    "rustix",
    "serde_json",
    "tokio",
    "zeroize",
];

const LAYERS: &[Layer] = &[
    layer(
        "domain/",
        &[],
        &["base64", "chrono", "flate2", "idna", "ipnet", "serde", "serde_json", "unicode_normalization", "zeroize"],
    ),
    layer(
        "crypto/",
        &["domain"],
        &[
            "argon2",
            "aws_lc_rs",
            "base64",
            "bcrypt",
            "jsonwebtoken",
            "rustix",
            "rustls",
            "scrypt",
            "serde",
            "serde_json",
            "tracing",
            "uuid",
            "webpki",
            "zeroize",
        ],
    ),
    layer("mail/", &["domain"], &["lettre", "minijinja", "rustix", "tracing", "zeroize"]),
    layer("store/", &["domain"], &[]),
    layer(
        "store/sqlite/",
        &["domain", "store"],
        &["r2d2", "r2d2_sqlite", "rusqlite", "rusqlite_migration", "rustix", "tracing"],
    ),
    layer(
        "service/",
        &["domain", "crypto", "store", "mail"],
        &["chrono", "serde_json", "strsim", "tracing", "zeroize"],
    ),
    layer("service/import/", &["domain", "crypto", "store", "service"], &["serde", "serde_json"]),
    layer("service/seed/", &["domain", "crypto", "store", "service"], &["serde_json", "toml"]),
    layer("http/", &["domain", "service", "app"], HTTP),
    layer("http/metrics", &["domain", "service", "http"], &["axum", "prometheus", "rustix", "tokio", "tracing"]),
    layer("cli/", &["domain", "service", "app", "config"], CLI),
    layer("cli/logs", &["config", "cli"], &["serde_json", "tracing", "tracing_subscriber"]),
    layer(
        "cli/serve.rs",
        &["domain", "service", "app", "config", "http", "cli"],
        &["clap", "rustix", "tokio", "tracing"],
    ),
    layer("app.rs", &["domain", "crypto", "store", "service"], &["chrono"]),
    layer("config", &["domain"], &["dotenvy", "strsim", "toml", "tracing_subscriber"]),
    layer("lib.rs", &[], &[]),
    layer("main.rs", &["cli"], &["authsrv"]),
];

/// Engines, which only `app.rs` and their own folders name.
const ENGINES: [&str; 2] = ["store::sqlite", "store::postgres"];

/// The code of a file: without comments, the insides of strings and characters, and test modules.
fn code(source: &str) -> String {
    let bytes: Vec<char> = source.chars().collect();
    let mut code = String::new();
    let mut at = 0;
    while at < bytes.len() {
        let rest = &bytes[at..];
        at += match rest {
            ['/', '/', ..] => rest.iter().take_while(|c| **c != '\n').count(),
            ['/', '*', ..] => block_comment(rest),
            ['r', '"' | '#', ..] if !code.ends_with(|c: char| c.is_alphanumeric() || c == '_') => raw_string(rest),
            ['"', ..] => {
                code.push_str("\"\"");
                quoted(rest, '"')
            }
            ['\'', '\\', ..] => quoted(rest, '\''),
            ['\'', _, '\'', ..] => 3,
            [c, ..] => {
                code.push(*c);
                1
            }
            [] => 1,
        };
    }
    code.split("#[cfg(test)]").next().unwrap_or_default().to_owned()
}

fn block_comment(text: &[char]) -> usize {
    let (mut at, mut depth) = (2, 1);
    while at < text.len() && depth > 0 {
        match text[at..] {
            ['/', '*', ..] => (at, depth) = (at + 2, depth + 1),
            ['*', '/', ..] => (at, depth) = (at + 2, depth - 1),
            _ => at += 1,
        }
    }
    at
}

/// Length of a raw string, or 1 if it is none (`r#type`).
fn raw_string(text: &[char]) -> usize {
    let hashes = text[1..].iter().take_while(|c| **c == '#').count();
    if text.get(1 + hashes) != Some(&'"') {
        return 1;
    }
    let end: String = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
    let rest: String = text[2 + hashes..].iter().collect();
    let inside = rest.split(&end).next().unwrap_or_default().chars().count();
    2 + hashes + inside + end.len()
}

fn quoted(text: &[char], end: char) -> usize {
    let mut at = 1;
    while at < text.len() && text[at] != end {
        at += if text[at] == '\\' { 2 } else { 1 };
    }
    at + 1
}

/// Every path with `::` in the code, with the groups of `use` written out: `a::{b, c::d}` is `a::b` and `a::c::d`.
fn paths(code: &str) -> BTreeSet<String> {
    let words = words(code);
    let (mut found, mut at) = (BTreeSet::new(), 0);
    while at < words.len() {
        let begins = is_name(&words[at]) && words.get(at + 1).is_some_and(|word| word == "::");
        // Before a `::` may stand a type (`<T>::x`), or nothing (`::rusqlite::Row`, also after an arrow).
        let nth_before = |n: usize| at.checked_sub(n).map_or("", |at| words[at].as_str());
        let before = is_name(nth_before(2)) || (nth_before(2) == ">" && nth_before(3) != "-");
        let continues = before && nth_before(1) == "::";
        if begins && !continues {
            at = group(&words, at, "", &mut found);
        } else {
            if words[at] == "use" && words.get(at + 1).is_some_and(|word| is_name(word)) {
                found.insert(words[at + 1].clone());
            }
            at += 1;
        }
    }
    found
}

/// Reads one path from `at` on, or a group of them, under `prefix`; gives where it ends.
fn group(words: &[String], mut at: usize, prefix: &str, found: &mut BTreeSet<String>) -> usize {
    let mut path = prefix.to_owned();
    while let Some(word) = words.get(at) {
        if word == "{" && path.ends_with("::") {
            at += 1;
            while words.get(at).is_some_and(|word| word != "}") {
                let before = at;
                at = group(words, at, &path, found);
                at += usize::from(at == before || words.get(at).is_some_and(|word| word == ","));
            }
            return at + 1;
        }
        if word == "as" && words.get(at + 1).is_some_and(|name| is_name(name)) {
            at += 2;
            continue;
        }
        if !(word == "::" || word == "*" || is_name(word))
            || (is_name(word) && !path.is_empty() && !path.ends_with("::"))
        {
            break;
        }
        path.push_str(word);
        at += 1;
    }
    found.insert(path.trim_end_matches("::").to_owned());
    at
}

fn words(code: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut name = false;
    let mut chars = code.chars().peekable();
    while let Some(c) = chars.next() {
        if c.is_alphanumeric() || c == '_' {
            match words.last_mut().filter(|_| name) {
                Some(word) => word.push(c),
                None => words.push(c.to_string()),
            }
            name = true;
            continue;
        }
        name = false;
        if c == ':' && chars.peek() == Some(&':') {
            chars.next();
            words.push("::".to_owned());
        } else if !c.is_whitespace() {
            words.push(c.to_string());
        }
    }
    words
}

fn is_name(word: &str) -> bool {
    word.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Modules that a file is in: `store/sqlite/mod.rs` and `store/sqlite/users.rs` are in `store::sqlite`.
fn place(file: &str) -> Vec<&str> {
    let mut parts: Vec<&str> = file.trim_end_matches(".rs").split('/').collect();
    if matches!(parts.last(), Some(&"mod" | &"lib" | &"main")) {
        parts.pop();
    }
    parts
}

/// The path from the root of our crate that `path` names in `file`, if it begins with `crate`, `self` or `super`.
fn own(file: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = path.split("::").collect();
    let mut at: Vec<&str> = match parts[0] {
        "crate" => Vec::new(),
        "self" | "super" => place(file),
        _ => return None,
    };
    if parts[0] != "super" {
        parts.remove(0);
    }
    while parts.first() == Some(&"super") {
        at.pop();
        parts.remove(0);
    }
    at.extend(parts);
    Some(at.join("::"))
}

fn within(path: &str, module: &str) -> bool {
    path == module || path.strip_prefix(module).is_some_and(|rest| rest.starts_with("::"))
}

/// The layer that a file belongs to.
fn layer_of(file: &str) -> Option<&'static Layer> {
    LAYERS.iter().filter(|layer| file.starts_with(layer.path)).max_by_key(|layer| layer.path.len())
}

/// What one file names that it may not. `crates` are those of `Cargo.toml`.
fn faults(file: &str, source: &str, crates: &BTreeSet<String>) -> Vec<String> {
    let Some(layer) = layer_of(file) else {
        return vec![format!("{file} belongs to no layer: say in tests/layers.rs what it may name")];
    };
    let code = code(source);
    let home: Vec<&str> = layer.path.trim_end_matches(".rs").trim_end_matches('/').split('/').collect();
    let home = home.join("::");
    let mut faults = BTreeSet::new();
    for path in paths(&code) {
        let first = path.split("::").next().unwrap_or_default();
        if let Some(path) = own(file, &path) {
            let engine = ENGINES.iter().find(|engine| within(&path, engine));
            let dialect =
                dialect(&path).filter(|other| dialect(&place(file).join("::")).is_some_and(|mine| mine != *other));
            let allowed =
                path.is_empty() || within(&path, &home) || layer.modules.iter().any(|name| within(&path, name));
            if !allowed {
                faults.insert(format!("{file} names {path}"));
            } else if let Some(other) = dialect {
                faults.insert(format!("{file} names another dialect, {other}"));
            } else if engine.is_some_and(|engine| file != "app.rs" && !within(&place(file).join("::"), engine)) {
                faults.insert(format!("{file} names the engine {path}"));
            }
        } else if crates.contains(first) && !BUILT_IN.contains(&first) && !layer.crates.contains(&first) {
            faults.insert(format!("{file} names the crate {first}"));
        }
    }
    let prints = words(&code)
        .windows(2)
        .any(|pair| pair[1] == "!" && ["print", "println", "eprint", "eprintln", "dbg"].contains(&pair[0].as_str()));
    if prints && !file.starts_with("cli/output") {
        faults.insert(format!("{file} prints"));
    }
    faults.into_iter().collect()
}

/// The dialect that a path belongs to: a folder of `http` whose name is that of a dialect.
fn dialect(path: &str) -> Option<&str> {
    const DIALECTS: [&str; 9] =
        ["rbac", "djoser", "simplejwt", "pyjwt", "account", "admin", "oauth", "authzen", "forward"];
    let name = path.strip_prefix("http::")?.split("::").next()?;
    DIALECTS.contains(&name).then_some(name)
}

/// Names of the crates in `Cargo.toml`, as code writes them.
fn crates() -> BTreeSet<String> {
    let manifest = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml")).unwrap();
    let dependencies = manifest.split("\n[").filter(|section| section.starts_with("dependencies]"));
    let lines = dependencies.flat_map(|section| section.lines().skip(1).map(str::to_owned).collect::<Vec<_>>());
    let names = lines.filter_map(|line| Some(line.split_once('=')?.0.trim().replace('-', "_")));
    names.filter(|name| !name.starts_with('#')).chain(["authsrv".to_owned()]).collect()
}

/// The Rust files of a folder, as paths from `root` on.
pub fn sources(folder: &Path, into: &mut Vec<String>, root: &Path) {
    let mut entries: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            sources(&path, into, root);
        } else if path.extension().is_some_and(|end| end == "rs") {
            into.push(path.strip_prefix(root).unwrap().to_str().unwrap().to_owned());
        }
    }
}

/// Every file of the program, with its source.
fn program() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files, &root);
    assert!(files.len() > 50);
    files.into_iter().map(|file| (file.clone(), std::fs::read_to_string(root.join(file)).unwrap())).collect()
}

#[test]
fn every_layer_names_only_what_it_may() {
    let crates = crates();
    assert!(crates.contains("rusqlite") && crates.contains("hyper_util"));
    let faults: Vec<String> = program().iter().flat_map(|(file, source)| faults(file, source, &crates)).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn no_layer_may_name_a_crate_that_it_does_not() {
    let mut unused: BTreeSet<(&str, &str)> =
        LAYERS.iter().flat_map(|layer| layer.crates.iter().map(|name| (layer.path, *name))).collect();
    for (file, source) in program() {
        let layer = layer_of(&file).unwrap();
        for path in paths(&code(&source)) {
            let first = path.split("::").next().unwrap_or_default();
            unused.retain(|unused| *unused != (layer.path, first));
        }
    }
    let told: Vec<String> = unused.iter().map(|(layer, name)| format!("{layer} does not use {name}")).collect();
    assert!(told.is_empty(), "take these out of tests/layers.rs:\n{}", told.join("\n"));
}

/// What the checker says of one line in a file.
fn said(file: &str, line: &str) -> Vec<String> {
    faults(file, line, &crates())
}

#[test]
fn what_breaks_the_rule_is_found() {
    for (file, line, fault) in [
        ("domain/users.rs", "use crate::store::Tx;", "domain/users.rs names store::Tx"),
        ("domain/users.rs", "use super::super::service;", "domain/users.rs names service"),
        (
            "domain/users.rs",
            "use crate::{domain::ids, crypto::hash::Hasher};",
            "domain/users.rs names crypto::hash::Hasher",
        ),
        ("domain/settings.rs", "let uri: axum::http::Uri = x;", "domain/settings.rs names the crate axum"),
        ("domain/users.rs", "fn f() -> ::rusqlite::Connection {}", "domain/users.rs names the crate rusqlite"),
        ("crypto/hash.rs", "use crate::service::Env;", "crypto/hash.rs names service::Env"),
        ("store/users.rs", "use rusqlite::Row;", "store/users.rs names the crate rusqlite"),
        ("store/users.rs", "use super::sqlite::Sqlite;", "store/users.rs names the engine store::sqlite::Sqlite"),
        (
            "service/users.rs",
            "use crate::store::sqlite::Sqlite;",
            "service/users.rs names the engine store::sqlite::Sqlite",
        ),
        ("service/users.rs", "use crate::http;", "service/users.rs names http"),
        ("service/users.rs", "use argon2::Argon2;", "service/users.rs names the crate argon2"),
        ("service/users.rs", "use toml::Value;", "service/users.rs names the crate toml"),
        ("http/rbac/users.rs", "use crate::store::Tx;", "http/rbac/users.rs names store::Tx"),
        ("http/rbac/users.rs", "use super::super::djoser::wire;", "http/rbac/users.rs names another dialect, djoser"),
        ("http/rbac/users.rs", "crate::http::admin::page()", "http/rbac/users.rs names another dialect, admin"),
        ("http/call.rs", "use aws_lc_rs::digest;", "http/call.rs names the crate aws_lc_rs"),
        ("cli/users.rs", "use crate::http::call;", "cli/users.rs names http::call"),
        ("cli/users.rs", "use axum::Router;", "cli/users.rs names the crate axum"),
        ("cli/users.rs", "use axum;", "cli/users.rs names the crate axum"),
        ("cli/users.rs", "println!(\"x\");", "cli/users.rs prints"),
        ("main.rs", "use authsrv::cli; fn f() { eprintln!() }", "main.rs prints"),
        ("new/thing.rs", "", "new/thing.rs belongs to no layer: say in tests/layers.rs what it may name"),
    ] {
        assert_eq!(said(file, line), [fault], "{line}");
    }
}

#[test]
fn what_keeps_the_rule_is_left_alone() {
    for (file, line) in [
        ("domain/users.rs", "use std::fmt; use super::ids::{Timestamp, UserId as Id}; use chrono::Utc;"),
        (
            "domain/users.rs",
            "// use crate::store::Tx;\n/// [`crate::store::Tx`] /* rusqlite::Row */\n/* a /* rusqlite::Row */ b */",
        ),
        (
            "domain/users.rs",
            "let a = \"rusqlite::Row println!(\\\"x\\\")\"; let b = r#\"axum::Router \"#; let c = '\"'; let d = '\\'';",
        ),
        ("domain/users.rs", "fn f<'a>(x: &'a str) -> Self::Item { T::new(); r#type::x() }"),
        ("domain/users.rs", "fn f() {}\n#[cfg(test)]\nmod tests { use crate::store::Tx; }"),
        (
            "store/sqlite/users.rs",
            "use super::list::{Filter, order}; use crate::store::{Users, missed}; use rusqlite::Row;",
        ),
        ("store/mod.rs", "pub mod sqlite; pub use users::Users;"),
        (
            "service/users.rs",
            "use crate::store::{Tx, sessions::Which}; use crate::crypto::hash::Hasher; use super::bounds;",
        ),
        ("service/seed/reader.rs", "use toml::de::Error; use super::fault; use crate::service::bounds;"),
        (
            "http/rbac/users.rs",
            "use super::wire; use crate::http::call::call; use axum::Json; use crate::service::users;",
        ),
        ("http/mod.rs", "mod rbac; use self::rbac::router;"),
        ("cli/serve.rs", "use crate::http; use crate::cli::output;"),
        ("cli/output.rs", "println!(\"x\");"),
        ("app.rs", "use crate::store::sqlite::Sqlite;"),
        ("main.rs", "fn main() -> std::process::ExitCode { authsrv::cli::run() }"),
    ] {
        assert_eq!(said(file, line), [""; 0], "{line}");
    }
}
