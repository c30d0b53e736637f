//! Reading the folder of recorded cases. Whatever is missing or unknown in it is left out, never a panic: the folder may
//! be another than ours.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};
use serde_json::{Map, Value};

/// Names the folder in place of ours.
pub const FOLDER: &str = "AUTHSRV_GOLDEN";

/// What the recordings say of themselves, where the folder has no such file.
const META: &str = include_str!("meta.json");

/// One story told by requests, from an empty store on.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Case {
    /// Name, unique in its file.
    pub name: String,
    /// How the peer was set up: a name in `meta.json`.
    pub profile: String,
    /// Why the peer's 500 in it is not to be copied.
    pub peer_bug: Value,
    /// Who exists from the start.
    pub users: Vec<User>,
    /// What else exists from the start, in words.
    pub fixtures: Vec<Value>,
    /// Tokens that exist from the start, by placeholder.
    pub tokens: Map<String, Value>,
    /// What was asked and answered.
    pub steps: Vec<Step>,
}

/// A user of a case.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct User {
    /// Number in the store.
    pub id: i64,
    /// None or empty: none.
    pub username: Option<String>,
    /// None: cannot sign in.
    pub password: Option<String>,
    /// None or empty: none.
    pub email: Option<String>,
    /// None or empty: none.
    pub phone: Option<String>,
    /// May sign in.
    pub is_active: bool,
    /// Staff.
    pub is_staff: bool,
    /// Superuser.
    pub is_superuser: bool,
}

/// A request and its answer.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Step {
    /// Why the peer's answer is not to be copied.
    pub peer_bug: Value,
    /// What was asked.
    pub request: Request,
    /// What was answered.
    pub response: Response,
}

/// What was asked.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Request {
    /// Method.
    pub method: String,
    /// Path with query.
    pub path: String,
    /// Headers in their order.
    pub headers: Map<String, Value>,
    /// Body as text.
    pub body: Option<Raw>,
    /// Body that is no text.
    pub body_base64: Option<String>,
    /// How long the caller waited before.
    pub wait_before_s: f64,
}

/// What was answered.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Response {
    /// Status.
    pub status: u16,
    /// Headers.
    pub headers: Map<String, Value>,
    /// Body with placeholders.
    pub body: String,
    /// Mails sent by it.
    pub mails: Vec<Mail>,
}

/// A mail.
#[derive(Deserialize, Default, Debug, Clone)]
#[serde(default)]
pub struct Mail {
    /// Recipient.
    pub to: String,
    /// Subject.
    pub subject: String,
    /// Text part.
    pub text: String,
    /// HTML part.
    pub html: Option<String>,
}

/// Text in which a surrogate may stand alone, in WTF-8.
#[derive(Default)]
pub struct Raw(pub Vec<u8>);

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Bytes;
        impl Visitor<'_> for Bytes {
            type Value = Raw;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Raw, E> {
                Ok(Raw(bytes.to_vec()))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Raw, E> {
                self.visit_bytes(text.as_bytes())
            }
        }
        from.deserialize_bytes(Bytes)
    }
}

impl Step {
    /// The body was too big to be recorded, and stands there cut.
    pub fn is_cut(&self) -> bool {
        let Some(Raw(body)) = &self.request.body else { return false };
        let text = String::from_utf8_lossy(body);
        let from = text.char_indices().rev().nth(59).map_or(0, |(at, _)| at);
        text[from..].contains("... (")
    }
}

impl Response {
    /// A header as recorded, under its exact name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(Value::as_str)
    }

    /// The body is a page for people, of which nothing is compared.
    pub fn is_page(&self) -> bool {
        self.header("Content-Type").is_some_and(|kind| kind.contains("html")) || self.body.contains("(debug page)")
    }
}

/// Whether there is a remark that a 500 of the peer is not to be copied.
pub fn is_told(remark: &Value) -> bool {
    !matches!(remark, Value::Null | Value::Bool(false))
}

/// The folder of the cases.
pub fn folder() -> PathBuf {
    std::env::var_os(FOLDER).map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden"), PathBuf::from)
}

/// The files of cases in a folder, in the order of their names.
pub fn files(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let entries = std::fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut files: Vec<_> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|it| it == "json") && path.file_stem() != Some("meta".as_ref()))
        .collect();
    files.sort();
    Ok(files)
}

/// The cases of a file, and what is wrong with those that cannot be read.
pub fn cases(file: &Path) -> Result<(Vec<Case>, Vec<String>), String> {
    let bytes = std::fs::read(file).map_err(|error| error.to_string())?;
    if let Ok(cases) = serde_json::from_slice(&bytes) {
        return Ok((cases, Vec::new()));
    }
    let each: Vec<Value> = serde_json::from_slice(&bytes).map_err(|error| error.to_string())?;
    let (mut cases, mut faults) = (Vec::new(), Vec::new());
    for value in each {
        let name = value["name"].as_str().unwrap_or("a case without name").to_owned();
        match Case::deserialize(value) {
            Ok(case) => cases.push(case),
            Err(error) => faults.push(format!("{name} cannot be read: {error}")),
        }
    }
    Ok((cases, faults))
}

/// The key that the peer signed with.
pub fn signing_key(folder: &Path) -> String {
    let key = |text: &str| {
        let meta: Value = serde_json::from_str(text).ok()?;
        Some(meta["signing_key"].as_str()?.split_whitespace().next()?.to_owned())
    };
    let theirs = std::fs::read_to_string(folder.join("meta.json")).ok();
    theirs.as_deref().and_then(key).or_else(|| key(META)).unwrap_or_default()
}
