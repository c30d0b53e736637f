//! Recorded texts with placeholders, matched against answers.
//!
//! `<access_1>` stands for a value first seen there and the same ever after, `<datetime>` and `<wait>` for anything of that
//! form; every other word in angle brackets for itself.

use std::collections::HashMap;

/// Values by placeholder, angle brackets included.
pub type Known = HashMap<String, String>;

#[derive(Debug)]
enum Piece {
    Text(String),
    Datetime,
    Digits,
    /// A value first seen here.
    New,
    /// The value of the placeholder that was the n-th new one.
    Again(usize),
}

/// A text with placeholders.
pub struct Template {
    pieces: Vec<Piece>,
    new: Vec<String>,
}

/// Where the next `<word>` is, and its end.
fn next_word(text: &str) -> Option<(usize, usize)> {
    let is_word = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'_';
    let bytes = text.as_bytes();
    (0..bytes.len()).filter(|at| bytes[*at] == b'<').find_map(|at| {
        let length = bytes[at + 1..].iter().take_while(|byte| is_word(byte)).count();
        let end = at + 1 + length;
        (length > 0 && bytes.get(end) == Some(&b'>')).then_some((at, end + 1))
    })
}

/// Whether a word in angle brackets names a value: `<auth_token_1>`.
fn is_value(word: &str) -> bool {
    let Some((name, number)) = word[1..word.len() - 1].rsplit_once('_') else { return false };
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    is_name && !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
}

/// Names of the values that a text uses.
pub fn values_in(mut text: &str) -> Vec<String> {
    let mut found = Vec::new();
    while let Some((start, end)) = next_word(text) {
        found.push(text[start..end].to_owned());
        text = &text[end..];
    }
    found
}

impl Template {
    /// Reads a recorded text.
    pub fn of(mut text: &str, known: &Known) -> Self {
        let (mut pieces, mut new) = (Vec::new(), Vec::<String>::new());
        while let Some((start, end)) = next_word(text) {
            let word = &text[start..end];
            pieces.push(Piece::Text(text[..start].to_owned()));
            pieces.push(match word {
                _ if known.contains_key(word) => Piece::Text(known[word].clone()),
                "<datetime>" => Piece::Datetime,
                "<wait>" => Piece::Digits,
                _ if is_value(word) => match new.iter().position(|it| it == word) {
                    Some(nth) => Piece::Again(nth),
                    None => {
                        new.push(word.to_owned());
                        Piece::New
                    }
                },
                _ => Piece::Text(word.to_owned()),
            });
            text = &text[end..];
        }
        pieces.push(Piece::Text(text.to_owned()));
        Self { pieces, new }
    }

    /// Placeholders that this text gives a value for the first time.
    pub fn gives(&self) -> &[String] {
        &self.new
    }

    /// The values of the new placeholders, if the whole text is of this form.
    pub fn read(&self, text: &str) -> Option<Known> {
        let mut found = Vec::new();
        fits(&self.pieces, text, &mut found).then(|| self.new.iter().cloned().zip(found).collect())
    }
}

fn fits<'a>(pieces: &[Piece], text: &'a str, found: &mut Vec<String>) -> bool {
    let Some((first, others)) = pieces.split_first() else { return text.is_empty() };
    let mut after = |rest: Option<&'a str>| rest.is_some_and(|rest| fits(others, rest, found));
    match first {
        Piece::Text(own) => after(text.strip_prefix(own.as_str())),
        Piece::Datetime => after(after_datetime(text)),
        Piece::Digits => {
            let most = text.bytes().take_while(u8::is_ascii_digit).count();
            (1..=most).rev().any(|length| after(text.get(length..)))
        }
        Piece::Again(nth) => {
            let value = found[*nth].clone();
            text.strip_prefix(value.as_str()).is_some_and(|rest| fits(others, rest, found))
        }
        Piece::New => {
            let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"._=-".contains(byte);
            let most = text.bytes().take_while(|byte| is_part(byte)).count();
            let before = found.len();
            (1..=most).rev().any(|length| {
                found.truncate(before);
                found.push(text[..length].to_owned());
                fits(others, &text[length..], found)
            })
        }
    }
}

/// What follows a date and time in the form of ISO 8601.
fn after_datetime(text: &str) -> Option<&str> {
    let rest = after_shape(text, "0000-00-00T00:00:00")?;
    let rest = match rest.strip_prefix('.') {
        Some(fraction) => {
            let length = fraction.bytes().take_while(u8::is_ascii_digit).count();
            (length > 0).then(|| &fraction[length..])?
        }
        None => rest,
    };
    rest.strip_prefix('Z').or_else(|| after_shape(rest.strip_prefix(['+', '-'])?, "00:00"))
}

/// What follows a text of this shape, in which each 0 is a digit.
fn after_shape<'a>(text: &'a str, shape: &str) -> Option<&'a str> {
    let is_so = |(byte, like): (&u8, u8)| if like == b'0' { byte.is_ascii_digit() } else { *byte == like };
    let head = text.as_bytes().get(..shape.len())?;
    head.iter().zip(shape.bytes()).all(is_so).then(|| &text[shape.len()..])
}

/// A text with its placeholders filled in, the longest first.
pub fn fill(text: &[u8], known: &Known) -> Vec<u8> {
    let mut names: Vec<_> = known.keys().collect();
    names.sort_by_key(|name| std::cmp::Reverse(name.len()));
    let mut filled = text.to_vec();
    for name in names {
        filled = replaced(&filled, name.as_bytes(), known[name].as_bytes());
    }
    filled
}

/// The same for text.
pub fn fill_text(text: &str, known: &Known) -> String {
    String::from_utf8_lossy(&fill(text.as_bytes(), known)).into_owned()
}

fn replaced(mut text: &[u8], what: &[u8], by: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    while let Some(at) = text.windows(what.len()).position(|it| it == what) {
        out.extend_from_slice(&text[..at]);
        out.extend_from_slice(by);
        text = &text[at + what.len()..];
    }
    out.extend_from_slice(text);
    out
}

#[test]
fn a_template_reads_values_and_asks_for_them_again() {
    let known = Known::from([("<access_1>".to_owned(), "a.b".to_owned())]);
    let template = Template::of(r#"<p>{"a":"<access_1>","t":"<token_1>.x","at":"<datetime>","u":"<token_1>"}"#, &known);
    let text = r#"<p>{"a":"a.b","t":"q=.x","at":"2026-01-02T03:04:05.6Z","u":"q="}"#;
    assert_eq!(template.read(text), Some(Known::from([("<token_1>".to_owned(), "q=".to_owned())])));
    for other in
        [text.replace("a.b", "a.c"), text.replace("\"q=\"", "\"r=\""), text.replace('Z', ""), format!("{text} ")]
    {
        assert_eq!(template.read(&other), None, "{other}");
    }
    let waits = Template::of("in <wait> seconds.", &known);
    assert!(waits.read("in 57 seconds.").is_some() && waits.read("in  seconds.").is_none());
    assert_eq!(values_in("/x/<uid_1>/<b>/"), ["<uid_1>", "<b>"]);
    assert_eq!(fill_text("<access_1>/<access_2>", &known), "a.b/<access_2>");
}
