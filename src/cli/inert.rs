//! Text that somebody else wrote, made harmless for a terminal (R-45): what would move the cursor, change colours,
//! reverse the line or hide is shown by its code.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::fmt::Write;
use std::os::unix::ffi::OsStrExt;

use crate::domain::advice;

pub use crate::domain::identifiers::is_hidden;

/// The text with everything hidden shown: `\n`, `\t`, `\u{202e}`.
pub fn inert(text: &str) -> Cow<'_, str> {
    // Most of it is plain, which is quick to see.
    let is_plain = text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    if is_plain || !text.chars().any(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        push(&mut shown, c);
    }
    Cow::Owned(shown)
}

/// Like [`inert`], with the backslash doubled, so that a script can tell `\n` from a line break.
pub fn reversible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(|c| c == '\\' || is_hidden(c)) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if c == '\\' { shown.push_str("\\\\") } else { push(&mut shown, c) }
    }
    Cow::Owned(shown)
}

/// JSON with everything hidden in its strings as `\u202e`; line breaks between values stay.
pub fn json(text: &str) -> Cow<'_, str> {
    let hidden = |c: char| c != '\n' && is_hidden(c);
    if !text.chars().any(hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if hidden(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a string cannot fail.
                let _ = write!(shown, "\\u{unit:04x}");
            }
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

/// A text as one word of a shell command that is safe to paste; `None` where it holds something hidden, or would be
/// taken for an option, however it is quoted.
pub fn shell_word(text: &str) -> Option<String> {
    if text.starts_with('-') || text.chars().any(is_hidden) {
        return None;
    }
    Some(advice::shell_word(text))
}

/// An option with its value; `None` where the value holds something hidden.
pub fn shell_option(flag: &str, value: &str) -> Option<String> {
    if value.starts_with('-') && !value.chars().any(is_hidden) {
        return Some(format!("--{flag}={}", advice::in_quotes(value)));
    }
    Some(format!("--{flag} {}", shell_word(value)?))
}

/// Any path as one word of a shell command; one that cannot be shown is written byte by byte, as bash and zsh read it.
pub fn shell_path(path: &OsStr) -> String {
    let mut bytes = path.as_bytes().to_vec();
    if bytes.starts_with(b"-") {
        bytes.splice(0..0, *b"./");
    }
    if let Some(word) = std::str::from_utf8(&bytes).ok().and_then(shell_word) {
        return word;
    }
    let escaped = bytes.iter().fold(String::new(), |mut escaped, byte| {
        match byte {
            b'\\' | b'\'' => escaped.extend(['\\', char::from(*byte)]),
            b' '..=b'~' => escaped.push(char::from(*byte)),
            // Writing to a string cannot fail.
            _ => drop(write!(escaped, "\\x{byte:02x}")),
        }
        escaped
    });
    format!("$'{escaped}'")
}

fn push(shown: &mut String, c: char) {
    match c {
        '\n' => shown.push_str("\\n"),
        '\r' => shown.push_str("\\r"),
        '\t' => shown.push_str("\\t"),
        c if is_hidden(c) => {
            // Writing to a string cannot fail.
            let _ = write!(shown, "\\u{{{:x}}}", u32::from(c));
        }
        c => shown.push(c),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_hidden_gets_through() {
        let text = "a\x1b[31mb\u{9b}2Jc\u{202e}d\u{200b}e\u{feff}\n\t\\ж\u{e0041}";
        assert_eq!(inert(text), "a\\u{1b}[31mb\\u{9b}2Jc\\u{202e}d\\u{200b}e\\u{feff}\\n\\t\\ж\\u{e0041}");
        assert_eq!(reversible("a\\n\n"), "a\\\\n\\n");
        assert_eq!(json("{\n\"\u{202e}\u{9b}\u{e0041}\u{7f}\""), "{\n\"\\u202e\\u009b\\udb40\\udc41\\u007f\"");
        assert!(matches!(inert("Анна 安 é 👍"), Cow::Borrowed(_)));
    }

    #[test]
    fn a_pasted_word_stays_one_word() {
        assert_eq!(shell_word("ann@example.com").as_deref(), Some("ann@example.com"));
        assert_eq!(shell_word("x; rm -rf ~").as_deref(), Some("'x; rm -rf ~'"));
        assert_eq!(shell_word("it's $(id)").as_deref(), Some("'it'\\''s $(id)'"));
        assert_eq!(shell_word("=ls").as_deref(), Some("'=ls'"));
        assert_eq!(shell_option("name", "-y").as_deref(), Some("--name='-y'"));
        assert_eq!(shell_option("name", "").as_deref(), Some("--name ''"));
        assert_eq!([shell_word("-y"), shell_word("--db=x@example.com")], [None, None]);
        assert_eq!(shell_word("a\u{202e}b"), None);
    }

    #[test]
    fn every_path_can_be_pasted() {
        assert_eq!(shell_path(OsStr::new("my files/a.db")), "'my files/a.db'");
        assert_eq!(shell_path(OsStr::new("-a.db")), "./-a.db");
        assert_eq!(shell_path(OsStr::from_bytes(b"it's\xff\n")), "$'it\\'s\\xff\\x0a'");
    }
}
