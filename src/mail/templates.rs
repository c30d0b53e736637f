//! What mails say: templates in English and Russian, of which an administrator's folder replaces single files.
//!
//! A kind has three in each language, `en/activation.subject.txt`, `en/activation.txt` and `en/activation.html`. The
//! English ones say exactly what Djoser's say: clients' tests compare them.

use std::collections::BTreeSet;
use std::path::Path;

use minijinja::value::Value;
use minijinja::{AutoEscape, Environment, Output, State, UndefinedBehavior, context};

use crate::domain::mails::{Kind, Language};

/// Longest template that is read, in bytes.
const FILE_MAX: u64 = 256 * 1024;

macro_rules! files {
    ($($kind:literal),+) => {
        &[$(
            files!(@ "en", $kind, "subject.txt"), files!(@ "en", $kind, "txt"), files!(@ "en", $kind, "html"),
            files!(@ "ru", $kind, "subject.txt"), files!(@ "ru", $kind, "txt"), files!(@ "ru", $kind, "html"),
        )+]
    };
    (@ $language:literal, $kind:literal, $part:literal) => {
        (
            concat!($language, "/", $kind, ".", $part),
            include_str!(concat!("../../seed/mail/", $language, "/", $kind, ".", $part)),
        )
    };
}

/// Path and text of each template.
const BUILT_IN: &[(&str, &str)] = files![
    "activation",
    "confirmation",
    "password_reset",
    "username_reset",
    "password_changed",
    "username_changed",
    "test"
];

/// What a template may name: `site_name`, `username`, `link`.
#[derive(Clone, Copy)]
pub struct Words<'a> {
    /// What this site is called.
    pub site_name: &'a str,
    /// The login name of whom it concerns.
    pub username: &'a str,
    /// The link, or nothing.
    pub link: &'a str,
}

/// What a mail says. Its `Debug` shows nothing.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Rendered {
    /// One line.
    pub subject: String,
    /// As text.
    pub text: String,
    /// As HTML.
    pub html: String,
}

impl std::fmt::Debug for Rendered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Rendered(…)")
    }
}

/// A template of the administrator's that cannot be used; the one built in serves in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Its path, from the folder on.
    pub file: String,
    /// What is wrong with it.
    pub text: String,
}

/// The templates that come with the program, by their paths.
pub fn built_in() -> &'static [(&'static str, &'static str)] {
    BUILT_IN
}

/// What a mail of this kind says, by the templates of `folder` (empty: none) or those built in; and which of the former
/// could not be used.
pub fn render(kind: Kind, language: Language, folder: &str, words: Words) -> (Rendered, Vec<Fault>) {
    let mut faults = Vec::new();
    let mut part = |part: &str| {
        let name = format!("{}/{}.{part}", language.as_str(), kind.as_str());
        let own = own(folder, &name).and_then(|source| source.map(|source| filled(&name, &source, words)).transpose());
        match own {
            Ok(Some(text)) => return text,
            Ok(None) => {}
            Err(text) => faults.push(Fault { file: name.clone(), text }),
        }
        let source = BUILT_IN.iter().find(|(path, _)| *path == name).map_or("", |(_, source)| source);
        // Those built in are tested to render.
        filled(&name, source, words).unwrap_or_default()
    };
    let subject = part("subject.txt").split_whitespace().collect::<Vec<_>>().join(" ");
    let rendered = Rendered { subject, text: part("txt"), html: part("html") };
    (rendered, faults)
}

/// What is wrong with the templates of a folder, tried with words in the place of everything.
pub fn faults(folder: &str) -> Vec<Fault> {
    if folder.is_empty() {
        return Vec::new();
    }
    if !Path::new(folder).is_dir() {
        return vec![Fault { file: folder.to_owned(), text: "it is not a folder".to_owned() }];
    }
    let words = Words { site_name: "site", username: "name", link: "https://example.com/" };
    let all = Language::ALL.into_iter().flat_map(|language| Kind::ALL.map(|kind| (language, kind)));
    let mut faults: Vec<Fault> =
        all.flat_map(|(language, kind)| render(kind, language, folder, words).1).chain(unknown(folder)).collect();
    faults.sort_by(|a, b| a.file.cmp(&b.file));
    faults
}

/// Files in the folder's `en` and `ru` that replace nothing.
fn unknown(folder: &str) -> Vec<Fault> {
    let known: BTreeSet<&str> = BUILT_IN.iter().map(|(name, _)| *name).collect();
    let files = Language::ALL.into_iter().flat_map(|language| {
        let entries = std::fs::read_dir(Path::new(folder).join(language.as_str())).into_iter().flatten().flatten();
        entries.map(move |entry| format!("{}/{}", language.as_str(), entry.file_name().to_string_lossy()))
    });
    let strange = files.filter(|name| !known.contains(name.as_str()) && !name.contains("/."));
    strange.map(|file| Fault { file, text: "there is no template of this name".to_owned() }).collect()
}

/// The administrator's template of this name, if there is one.
fn own(folder: &str, name: &str) -> Result<Option<String>, String> {
    if folder.is_empty() {
        return Ok(None);
    }
    let path = Path::new(folder).join(name);
    match std::fs::metadata(&path) {
        Ok(file) if !file.is_file() || file.len() > FILE_MAX => Err(format!("not a file of at most {FILE_MAX} bytes")),
        Ok(_) => std::fs::read_to_string(&path).map(Some).map_err(|error| error.to_string()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.to_string()),
    }
}

/// A template with its words filled in, without the white space around it; HTML is escaped.
fn filled(name: &str, source: &str, words: Words) -> Result<String, String> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_formatter(escaped);
    let inert = |text: &str| text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>();
    let words = context! {
        site_name => inert(words.site_name),
        username => inert(words.username),
        link => inert(words.link),
    };
    let text = environment.render_named_str(name, source, words).map_err(|error| told(&error))?;
    if text.trim().is_empty() {
        return Err("it is empty".to_owned());
    }
    Ok(text.trim().to_owned())
}

/// Writes a value as Django escapes it; minijinja's own way also takes the slashes of links apart.
fn escaped(out: &mut Output, state: &mut State, value: &Value) -> Result<(), minijinja::Error> {
    if !matches!(state.auto_escape(), AutoEscape::Html) || value.is_safe() {
        return minijinja::escape_formatter(out, state, value);
    }
    if value.is_undefined() {
        return Err(minijinja::Error::from(minijinja::ErrorKind::UndefinedError));
    }
    let mut written = String::new();
    for c in value.to_string().chars() {
        match c {
            '&' => written.push_str("&amp;"),
            '<' => written.push_str("&lt;"),
            '>' => written.push_str("&gt;"),
            '"' => written.push_str("&quot;"),
            '\'' => written.push_str("&#x27;"),
            c => written.push(c),
        }
    }
    out.write_str(&written).map_err(minijinja::Error::from)
}

/// What is wrong, and in which line.
fn told(error: &minijinja::Error) -> String {
    let what = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
    error.line().map_or(what.clone(), |line| format!("line {line}: {what}"))
}
