//! What is wrong with a text that is no JSON, in the words of Python's `json` module, which clients of the originals
//! know. Only said of a text that [`crate::domain::json`] has refused; nothing is read by this.

/// The complaint: what was expected and where, or `None` where Python would have found nothing wrong.
pub fn complaint(text: &str) -> Option<String> {
    if text.starts_with('\u{feff}') {
        return Some("Unexpected UTF-8 BOM (decode using utf-8-sig): line 1 column 1 (char 0)".to_owned());
    }
    let mut scan = Scan { chars: text.chars().collect(), at: 0 };
    scan.skip_blanks();
    match scan.value() {
        Err(Wrong::At(what, at)) => Some(scan.place(what, at)),
        Err(Wrong::Constant(name)) => Some(format!("Out of range float values are not JSON compliant: '{name}'")),
        Err(Wrong::TooDeep) => None,
        Ok(()) => {
            scan.skip_blanks();
            (scan.at < scan.chars.len()).then(|| scan.place("Extra data", scan.at))
        }
    }
}

/// What Python says of bytes that are no UTF-8, or that begin with a mark; `None` if they are.
pub fn undecodable(bytes: &[u8]) -> Option<String> {
    let wrong = std::str::from_utf8(bytes).err()?;
    let at = wrong.valid_up_to();
    let why = match (wrong.error_len(), bytes[at]) {
        (None, _) => "unexpected end of data",
        (_, 0xc2..=0xf4) => "invalid continuation byte",
        _ => "invalid start byte",
    };
    let last = wrong.error_len().map_or(bytes.len(), |length| at + length) - 1;
    Some(if last > at {
        format!("'utf-8' codec can't decode bytes in position {at}-{last}: {why}")
    } else {
        format!("'utf-8' codec can't decode byte 0x{:02x} in position {at}: {why}", bytes[at])
    })
}

/// Half a surrogate pair is a character to Python and none to us: it is kept as one for private use, and refused where a
/// text is judged. This is how far above the half its place is.
const SURROGATE_PLACE: u32 = 0x10_0000;

/// The half of a surrogate pair that a character stands for, if it does.
pub fn surrogate(c: char) -> Option<u32> {
    u32::from(c).checked_sub(SURROGATE_PLACE).filter(|half| (0xd800..=0xdfff).contains(half))
}

/// A JSON text whose `\\ud800` and the like, where they have no other half, are characters that stand for them; `None` if
/// there is no such escape.
pub fn with_surrogates(text: &str) -> Option<String> {
    let half = |at: usize| {
        let digits = text.get(at..)?.strip_prefix("\\u")?.get(..4)?;
        u32::from_str_radix(digits, 16).ok().filter(|code| (0xd800..=0xdfff).contains(code))
    };
    let (mut out, mut at, mut found) = (String::with_capacity(text.len()), 0, false);
    while let Some(c) = text.get(at..).and_then(|rest| rest.chars().next()) {
        let length = match (half(at), half(at + 6)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => 12,
            (Some(code), _) => {
                out.extend(char::from_u32(SURROGATE_PLACE + code));
                found = true;
                at += 6;
                continue;
            }
            (None, _) if c == '\\' => {
                1 + text.get(at + 1..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8)
            }
            (None, _) => c.len_utf8(),
        };
        out.push_str(&text[at..at + length]);
        at += length;
    }
    found.then_some(out)
}

/// Deepest nesting that is looked into.
const DEPTH_MAX: usize = 64;

enum Wrong {
    /// What was expected, and where it is missing.
    At(&'static str, usize),
    /// `NaN` or an infinity.
    Constant(&'static str),
    TooDeep,
}

struct Scan {
    chars: Vec<char>,
    at: usize,
}

impl Scan {
    fn place(&self, what: &str, at: usize) -> String {
        let before = &self.chars[..at.min(self.chars.len())];
        let line = before.iter().filter(|c| **c == '\n').count() + 1;
        let column = before.iter().rev().take_while(|c| **c != '\n').count() + 1;
        format!("{what}: line {line} column {column} (char {at})")
    }

    fn skip_blanks(&mut self) {
        while self.peek().is_some_and(|c| matches!(c, ' ' | '\t' | '\n' | '\r')) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn takes(&mut self, word: &str) -> bool {
        let length = word.chars().count();
        let is_here = self.chars[self.at..].iter().take(length).copied().eq(word.chars());
        if is_here {
            self.at += length;
        }
        is_here
    }

    fn value(&mut self) -> Result<(), Wrong> {
        self.nested(0)
    }

    fn nested(&mut self, depth: usize) -> Result<(), Wrong> {
        if depth > DEPTH_MAX {
            return Err(Wrong::TooDeep);
        }
        match self.peek() {
            Some('"') => self.string(),
            Some('{') => self.object(depth),
            Some('[') => self.array(depth),
            _ => self.word(),
        }
    }

    fn word(&mut self) -> Result<(), Wrong> {
        let constant = ["NaN", "Infinity", "-Infinity"].into_iter().find(|name| self.takes(name));
        if let Some(name) = constant {
            return Err(Wrong::Constant(name));
        }
        if ["null", "true", "false"].into_iter().any(|name| self.takes(name)) {
            return Ok(());
        }
        self.number()
    }

    fn number(&mut self) -> Result<(), Wrong> {
        let begin = self.at;
        let _ = self.takes("-");
        let first = self.at;
        if !self.takes("0") {
            self.digits();
        }
        if self.at == first {
            self.at = begin;
            return Err(Wrong::At("Expecting value", begin));
        }
        let whole = self.at;
        if self.takes(".") && self.digits() == 0 {
            self.at = whole;
        }
        let mantissa = self.at;
        if self.takes("e") || self.takes("E") {
            let _ = self.takes("+") || self.takes("-");
            if self.digits() == 0 {
                self.at = mantissa;
            }
        }
        Ok(())
    }

    fn digits(&mut self) -> usize {
        let begin = self.at;
        while self.peek().is_some_and(|c| c.is_ascii_digit()) {
            self.at += 1;
        }
        self.at - begin
    }

    fn string(&mut self) -> Result<(), Wrong> {
        let begin = self.at;
        self.at += 1;
        loop {
            match self.peek() {
                None => return Err(Wrong::At("Unterminated string starting at", begin)),
                Some('"') => break,
                Some('\\') => self.escape(begin)?,
                Some(c) if c < ' ' => return Err(Wrong::At("Invalid control character at", self.at)),
                Some(_) => self.at += 1,
            }
        }
        self.at += 1;
        Ok(())
    }

    fn escape(&mut self, begin: usize) -> Result<(), Wrong> {
        let at = self.at;
        self.at += 2;
        match self.chars.get(at + 1) {
            None => Err(Wrong::At("Unterminated string starting at", begin)),
            Some('u') => {
                let digits = self.chars[self.at..].iter().take(4).filter(|c| c.is_ascii_hexdigit()).count();
                self.at += digits;
                if digits == 4 { Ok(()) } else { Err(Wrong::At("Invalid \\uXXXX escape", at + 1)) }
            }
            Some('"' | '\\' | '/' | 'b' | 'f' | 'n' | 'r' | 't') => Ok(()),
            Some(_) => Err(Wrong::At("Invalid \\escape", at)),
        }
    }

    fn object(&mut self, depth: usize) -> Result<(), Wrong> {
        self.at += 1;
        self.skip_blanks();
        if self.takes("}") {
            return Ok(());
        }
        loop {
            if self.peek() != Some('"') {
                return Err(Wrong::At("Expecting property name enclosed in double quotes", self.at));
            }
            self.string()?;
            self.skip_blanks();
            if !self.takes(":") {
                return Err(Wrong::At("Expecting ':' delimiter", self.at));
            }
            self.skip_blanks();
            self.nested(depth + 1)?;
            self.skip_blanks();
            if self.takes("}") {
                return Ok(());
            }
            if !self.takes(",") {
                return Err(Wrong::At("Expecting ',' delimiter", self.at));
            }
            self.skip_blanks();
        }
    }

    fn array(&mut self, depth: usize) -> Result<(), Wrong> {
        self.at += 1;
        self.skip_blanks();
        if self.takes("]") {
            return Ok(());
        }
        loop {
            self.nested(depth + 1)?;
            self.skip_blanks();
            if self.takes("]") {
                return Ok(());
            }
            if !self.takes(",") {
                return Err(Wrong::At("Expecting ',' delimiter", self.at));
            }
            self.skip_blanks();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{complaint, surrogate, undecodable, with_surrogates};

    #[test]
    fn bytes_that_are_no_text_are_named() {
        let said = |bytes| undecodable(bytes).unwrap_or_default();
        assert_eq!(said(b"{\xff}"), "'utf-8' codec can't decode byte 0xff in position 1: invalid start byte");
        assert_eq!(said(b"\xe9\""), "'utf-8' codec can't decode byte 0xe9 in position 0: invalid continuation byte");
        assert_eq!(undecodable("ß".as_bytes()), None);
    }

    #[test]
    fn half_a_surrogate_pair_is_kept_as_one_character() {
        let kept = with_surrogates(r#""a\ud800b""#).unwrap_or_default();
        assert_eq!(kept.chars().find_map(surrogate), Some(0xd800));
        assert_eq!(with_surrogates(r#""\ud83d\ude00 \\ud800""#), None);
    }

    /// What Python 3.11 says of each.
    #[test]
    fn the_words_are_those_of_python() {
        let cases = [
            (r#"{"username":"#, "Expecting value: line 1 column 13 (char 12)"),
            ("{} {}", "Extra data: line 1 column 4 (char 3)"),
            ("hello", "Expecting value: line 1 column 1 (char 0)"),
            ("{", "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
            (r#"{"a":"b",}"#, "Expecting property name enclosed in double quotes: line 1 column 10 (char 9)"),
            ("{'a':'b'}", "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
            ("{\n \"a\" 1}", "Expecting ':' delimiter: line 2 column 6 (char 7)"),
            ("[1 2]", "Expecting ',' delimiter: line 1 column 4 (char 3)"),
            ("[1,]", "Expecting value: line 1 column 4 (char 3)"),
            ("\"abc", "Unterminated string starting at: line 1 column 1 (char 0)"),
            ("\"a\nb\"", "Invalid control character at: line 1 column 3 (char 2)"),
            (r#""\x""#, "Invalid \\escape: line 1 column 2 (char 1)"),
            (r#""\u12g4""#, "Invalid \\uXXXX escape: line 1 column 3 (char 2)"),
            ("01", "Extra data: line 1 column 2 (char 1)"),
            (r#"{"a":NaN}"#, "Out of range float values are not JSON compliant: 'NaN'"),
            ("-Infinity", "Out of range float values are not JSON compliant: '-Infinity'"),
        ];
        for (text, said) in cases {
            assert_eq!(complaint(text).as_deref(), Some(said), "{text}");
        }
        assert!(complaint("\u{feff}{}").is_some_and(|said| said.starts_with("Unexpected UTF-8 BOM")));
        assert_eq!(complaint(r#" {"a": [1.5e3, -0, "ß", null, true]} "#), None);
        assert_eq!(complaint(&"[".repeat(100_000)), None);
    }
}
