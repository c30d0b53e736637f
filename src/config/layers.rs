//! Where a setting's value comes from when it was not typed: environment, `.env`, `authsrv.toml`. The environment of
//! the process itself is only read, never changed.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs;
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf, absolute};

use super::{ConfigError, SETTINGS, Setting};

/// Name of the configuration file in the current directory.
pub const FILE: &str = "authsrv.toml";

/// Variables besides those of [`SETTINGS`].
pub const VARIABLES: [&str; 4] =
    ["AUTHSRV_CONFIG", "AUTHSRV_SUPERUSER_EMAIL", "AUTHSRV_SUPERUSER_PASSWORD", "AUTHSRV_SUPERUSER_PASSWORD_FILE"];

/// What the names of all our variables begin with.
const PREFIX: &str = "AUTHSRV_";

/// Looks up a variable of the environment; tests give their own.
pub type Environment = dyn Fn(&str) -> Option<OsString>;

/// A value as found, not yet checked.
#[derive(Clone, PartialEq, Eq)]
pub struct Raw {
    /// The value.
    pub value: OsString,
    /// Where it was found.
    pub source: Source,
    /// Folder that a relative path in it starts from.
    pub base: PathBuf,
}

/// Its source alone: the value may be a password.
impl fmt::Debug for Raw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Raw").field("source", &self.source).finish_non_exhaustive()
    }
}

/// Where a value was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Typed.
    Flag(&'static str),
    /// A variable of the environment.
    Variable(String),
    /// A key or variable in this file and line.
    File(String, PathBuf, usize),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Flag(flag) => f.write_str(flag),
            Source::Variable(name) => write!(f, "variable {name}"),
            Source::File(key, path, line) => write!(f, "{key} in {}, line {line}", path.display()),
        }
    }
}

/// Everything below the flags.
pub struct Layers {
    directory: PathBuf,
    environment: Box<Environment>,
    dotenv: BTreeMap<String, Raw>,
    file: BTreeMap<String, Raw>,
}

impl Layers {
    /// Reads `.env` and the configuration file: `config` (typed) or `AUTHSRV_CONFIG`, which must exist, else
    /// `authsrv.toml` in `directory`, which may.
    ///
    /// # Errors
    /// A file that cannot be read or understood, with its path and line; never with its content, which may be secret.
    pub fn load(directory: &Path, environment: Box<Environment>, config: Option<&OsStr>) -> Result<Self, ConfigError> {
        let directory = absolute(directory).map_err(|error| ConfigError(format!("no current directory: {error}")))?;
        let mut layers = Self { directory, environment, dotenv: BTreeMap::new(), file: BTreeMap::new() };
        layers.dotenv = read_dotenv(&layers.directory)?;
        let named = match config {
            Some(path) => Some((path.to_owned(), "--config".to_owned())),
            None => layers.variable("AUTHSRV_CONFIG").map(|raw| (raw.value, raw.source.to_string())),
        };
        let path = layers.directory.join(named.as_ref().map_or(OsStr::new(FILE), |(path, _)| path));
        match fs::read_to_string(&path) {
            Ok(text) => layers.file = read_toml(&path, &text)?,
            Err(error) if named.is_none() && error.kind() == ErrorKind::NotFound => {}
            Err(error) => {
                let from = named.map(|(_, from)| format!(" ({from})")).unwrap_or_default();
                return Err(ConfigError(format!(
                    "cannot read the configuration file {}{from}: {error}",
                    path.display()
                )));
            }
        }
        Ok(layers)
    }

    /// The value of a setting, from the highest layer that has one. An empty variable counts as absent.
    pub fn find(&self, setting: Setting, typed: Option<&OsString>) -> Option<Raw> {
        typed
            .map(|value| self.raw(value.clone(), Source::Flag(setting.flag)))
            .or_else(|| self.variable(setting.variable))
            .or_else(|| self.file.get(setting.key).cloned())
    }

    /// A variable of the environment, else of `.env`.
    pub fn variable(&self, name: &str) -> Option<Raw> {
        (self.environment)(name)
            .filter(|value| !value.is_empty())
            .map(|value| self.raw(value, Source::Variable(name.to_owned())))
            .or_else(|| self.dotenv.get(name).cloned())
    }

    /// A credential of this name, if systemd lends one (systemd.exec(5), "Credentials").
    pub fn credential(&self, name: &str) -> Option<PathBuf> {
        let folder = (self.environment)("CREDENTIALS_DIRECTORY").filter(|folder| !folder.is_empty())?;
        Some(Path::new(&folder).join(name)).filter(|path| path.is_absolute() && path.exists())
    }

    /// Variables, out of `names` and `.env`, that are nearly one of ours: a warning for each. Others that begin like ours
    /// may belong to somebody else, such as those that Kubernetes makes for a service of our name.
    pub fn misspelt(&self, names: impl Iterator<Item = String>) -> Vec<String> {
        let known: Vec<&str> = SETTINGS.iter().map(|setting| setting.variable).chain(VARIABLES).collect();
        let ours = |name: &String| name.starts_with(PREFIX) && !known.contains(&name.as_str());
        names
            .chain(self.dotenv.keys().cloned())
            .filter(ours)
            .filter_map(|name| {
                let near = known.iter().find(|known| strsim::damerau_levenshtein(known, &name) <= 2)?;
                Some(format!("there is no variable {name}; did you mean {near}?"))
            })
            .collect()
    }

    /// A path made absolute from the current directory.
    ///
    /// # Errors
    /// An empty path.
    pub fn absolute(&self, path: &Path) -> Result<PathBuf, ConfigError> {
        absolute(self.directory.join(path)).map_err(|error| ConfigError(format!("{}: {error}", path.display())))
    }

    fn raw(&self, value: OsString, source: Source) -> Raw {
        Raw { value, source, base: self.directory.clone() }
    }
}

fn read_dotenv(directory: &Path) -> Result<BTreeMap<String, Raw>, ConfigError> {
    let path = directory.join(".env");
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        // A folder of this name is somebody's Python environment.
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::IsADirectory) => {
            return Ok(BTreeMap::new());
        }
        Err(error) => return Err(ConfigError(format!("cannot read {}: {error}", path.display()))),
    };
    let text = String::from_utf8_lossy(&bytes);
    let mut lines: Vec<&str> = text.strip_prefix('\u{feff}').unwrap_or(&text).lines().collect();
    let bad = |at: usize| {
        // Does not repeat the line: it may hold a password.
        let place = format!("{}, line {}", path.display(), at + 1);
        ConfigError(format!("{place}: this is not NAME=value; put values with blanks or # in quotes"))
    };
    if let Some(at) = lines.iter().position(|line| is_ours(line) && line.contains('\u{fffd}')) {
        return Err(bad(at));
    }
    // The file belongs to the whole project: what others write in it, and how, is theirs to judge.
    let assignments = loop {
        match assignments(&lines) {
            Ok(assignments) => break assignments,
            Err(at) if is_ours(lines[at]) => return Err(bad(at)),
            Err(at) => lines[at] = "",
        }
    };
    let mut found = BTreeMap::new();
    for (at, name, value) in assignments {
        if value.is_empty() || found.contains_key(&name) {
            continue;
        }
        let source = Source::File(name.clone(), path.clone(), at + 1);
        found.insert(name, Raw { value: value.into(), source, base: directory.to_owned() });
    }
    Ok(found)
}

/// Line, name and value of each assignment; else the first line that cannot be read.
fn assignments(lines: &[&str]) -> Result<Vec<(usize, String, String)>, usize> {
    let (text, begun) = (lines.join("\n") + "\n", Cell::new(0));
    let mut pairs = dotenvy::from_read_iter(LineByLine { rest: text.as_bytes(), begun: &begun, between: true });
    let mut found = Vec::new();
    loop {
        let before = begun.get();
        let Some(pair) = pairs.next() else { return Ok(found) };
        let is_nothing = |line: &&&str| line.trim_start().is_empty() || line.trim_start().starts_with('#');
        let at = before + lines[before..].iter().take_while(is_nothing).count();
        let (name, value) = pair.map_err(|_| at)?;
        // Two apostrophes of others, as in don't, are quotes around the lines between them.
        if !name.starts_with(PREFIX) && value.lines().skip(1).any(is_ours) {
            return Err(at);
        }
        found.push((at, name, value));
    }
}

/// Gives a line at each reading, so that it is known how far the reader has come.
struct LineByLine<'a> {
    rest: &'a [u8],
    begun: &'a Cell<usize>,
    between: bool,
}

impl Read for LineByLine<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let line = self.rest.split_inclusive(|byte| *byte == b'\n').next().unwrap_or_default();
        let length = line.len().min(buffer.len());
        buffer[..length].copy_from_slice(&line[..length]);
        self.begun.set(self.begun.get() + usize::from(self.between && length > 0));
        self.between = length == line.len();
        self.rest = &self.rest[length..];
        Ok(length)
    }
}

/// What a line assigns to, or would if it were whole.
fn assigned(line: &str) -> &str {
    let line = line.trim_start();
    let line = line.strip_prefix("export ").unwrap_or(line);
    line.split('=').next().unwrap_or_default().trim()
}

fn is_ours(line: &str) -> bool {
    assigned(line).starts_with(PREFIX)
}

fn line_at(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

fn read_toml(path: &Path, text: &str) -> Result<BTreeMap<String, Raw>, ConfigError> {
    let place = |at: usize| format!("{}, line {}", path.display(), line_at(text, at));
    let table = toml::de::DeTable::parse(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        ConfigError(format!("{}: {}", place(at), error.message()))
    })?;
    let base = path.parent().map(Path::to_owned).unwrap_or_default();
    let mut found = BTreeMap::new();
    for (key, value) in table.get_ref() {
        let (name, at) = (key.get_ref().to_string(), key.span().start);
        if !SETTINGS.iter().any(|setting| setting.key == name) {
            return Err(ConfigError(format!("{}: unknown key {name:?}{}", place(at), near(&name))));
        }
        let text_of = match value.get_ref() {
            toml::de::DeValue::String(text) => text.to_string(),
            toml::de::DeValue::Integer(number) => number.to_string(),
            toml::de::DeValue::Boolean(yes) => yes.to_string(),
            toml::de::DeValue::Array(parts) if parts.iter().all(|part| part.get_ref().is_str()) => {
                let parts = parts.iter().filter_map(|part| part.get_ref().as_str());
                parts.collect::<Vec<_>>().join(",")
            }
            _ => return Err(ConfigError(format!("{}: {name} takes a text, a number, true or false", place(at)))),
        };
        let source = Source::File(name.clone(), path.to_owned(), line_at(text, at));
        found.insert(name, Raw { value: text_of.into(), source, base: base.clone() });
    }
    Ok(found)
}

/// What the writer of an unknown key probably meant, and what there is.
fn near(name: &str) -> String {
    let plain = name.replace('-', "_");
    let best = SETTINGS.iter().map(|setting| (strsim::damerau_levenshtein(&plain, setting.key), setting.key)).min();
    match best {
        Some((distance, key)) if distance <= 3.min(key.len() / 2) => format!("; did you mean {key:?}?"),
        _ => {
            let all: Vec<&str> = SETTINGS.iter().map(|setting| setting.key).collect();
            let hint = "settings of the running server are kept in the database, not here";
            format!("; the keys are {}; {hint}", all.join(", "))
        }
    }
}
