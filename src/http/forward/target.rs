//! The address of a request as a proxy tells it, read once and by one rule. What the API behind could read in another way
//! than we do is refused rather than guessed.

use percent_encoding::percent_decode_str;

/// Longest address, in bytes; as long as one that we take ourselves.
const LONGEST: usize = 8 * 1024;

/// The path of an address, decoded.
///
/// # Errors
/// Why it is refused.
pub fn path(uri: &str) -> Result<String, &'static str> {
    if uri.len() > LONGEST {
        return Err("is too long");
    }
    if !uri.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("has blanks, control characters or letters that are not ASCII");
    }
    if !uri.starts_with('/') {
        return Err("does not begin with a slash");
    }
    if uri.contains('#') {
        return Err("has a fragment");
    }
    let raw = uri.split('?').next().unwrap_or_default();
    let path = decoded(raw)?;
    if has_escape(&path) {
        return Err("is encoded twice");
    }
    if path.contains('\\') || path.chars().any(char::is_control) {
        return Err("has backslashes or control characters");
    }
    // The first segment is before the first slash, the last may be empty.
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let name = segment.split(';').next().unwrap_or_default();
        if matches!(name, "." | "..") {
            return Err("has dot segments");
        }
        if name.is_empty() && segments.peek().is_some() {
            return Err("has empty segments");
        }
    }
    Ok(path)
}

fn decoded(raw: &str) -> Result<String, &'static str> {
    for (at, _) in raw.match_indices('%') {
        let digits = raw.get(at + 1..at + 3).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        match digits {
            None => return Err("has a percent sign that encodes nothing"),
            Some(digits) if digits.eq_ignore_ascii_case("2f") => return Err("has an encoded slash"),
            Some(_) => {}
        }
    }
    let decoded = percent_decode_str(raw).decode_utf8().map_err(|_| "is no text once it is decoded")?;
    Ok(decoded.into_owned())
}

/// Whether there is something to decode.
fn has_escape(path: &str) -> bool {
    let digits = |at: usize| path.as_bytes().get(at + 1..at + 3);
    path.match_indices('%').any(|(at, _)| digits(at).is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit)))
}

/// Whether a path is `prefix` or lies below it.
pub fn is_below(path: &str, prefix: &str) -> bool {
    let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::{is_below, path};

    #[test]
    fn what_can_be_read_in_one_way_only_is_read() {
        for (uri, read) in [
            ("/", "/"),
            ("/documents/1/", "/documents/1/"),
            ("/documents/1?next=//evil/../%00%zz", "/documents/1"),
            ("/a%20b/%D1%84", "/a b/ф"),
            ("/100%25", "/100%"),
            ("/a;v=1/b", "/a;v=1/b"),
            ("/.well-known/x", "/.well-known/x"),
            ("/...", "/..."),
            ("/what%3F%23", "/what?#"),
        ] {
            assert_eq!(path(uri).as_deref(), Ok(read), "{uri}");
        }
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_refused() {
        for uri in [
            "",
            "*",
            "documents",
            "http://a/documents",
            "//a/documents",
            "/a//b",
            "/a/./b",
            "/a/../b",
            "/..",
            "/.",
            "/a/%2e%2e/b",
            "/a/.%2E/b",
            "/%2e/b",
            "/a%2fb",
            "/a%2Fb",
            "/a%5cb",
            "/a\\b",
            "/a%00",
            "/a%0d%0ab",
            "/a%7f",
            "/a%C2%85b",
            "/%252e%252e/",
            "/%25%32%65/",
            "/%2525252e",
            "/a%",
            "/a%2",
            "/a%zz",
            "/a%c0%ae",
            "/a%ff",
            "/a b",
            "/a\tb",
            "/ä",
            "/a#b",
            "/..;/b",
            "/a/..;x=1/b",
            "/.;/b",
            "/;/b",
            "/a/%2e%2e",
            "/%u002e",
            " /a",
        ] {
            assert!(path(uri).is_err(), "{uri}");
        }
        assert!(path(&format!("/{}", "a".repeat(9000))).is_err());
    }

    #[test]
    fn below_is_by_whole_segments() {
        for (path, prefix) in [("/a/b", "/a/"), ("/a/b", "/a"), ("/a", "/a/"), ("/a/", "/a"), ("/x", "/")] {
            assert!(is_below(path, prefix), "{path} {prefix}");
        }
        for (path, prefix) in [("/ab", "/a"), ("/A/b", "/a/"), ("/", "/a"), ("/b/a/", "/a/")] {
            assert!(!is_below(path, prefix), "{path} {prefix}");
        }
    }
}
