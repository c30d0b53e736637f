//! JSON for eyes: indented, and what leads to another place of this server can be followed.

use axum::http::uri::Authority;
use serde::Serialize;
use serde_json::Value;

/// A piece of a text.
#[derive(Debug, Serialize, PartialEq, Eq)]
pub struct Piece {
    text: String,
    /// Path and query that it leads to.
    href: Option<String>,
}

/// A body in pieces: JSON is indented, another text stays as it is.
pub fn pieces(body: &[u8], host: Option<&Authority>) -> Vec<Piece> {
    match serde_json::from_slice::<Value>(body) {
        Ok(value) => linked(&format!("{value:#}"), host),
        Err(_) => vec![Piece { text: String::from_utf8_lossy(body).into_owned(), href: None }],
    }
}

/// The pieces of a text of JSON. A quote that no backslash stands before begins a string or ends one; addresses have no
/// character that would be escaped, so they stand there as they are.
fn linked(text: &str, host: Option<&Authority>) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    let plain = |text: &str| Piece { text: text.to_owned(), href: None };
    let (mut from, mut at) = (0, 0);
    while let Some(found) = text[at..].find("\"http") {
        let begin = at + found + 1;
        at = begin;
        let Some(length) = text[begin..].find('"') else { break };
        let address = &text[begin..begin + length];
        let is_string = !text[..begin - 1].ends_with('\\');
        if let Some(path) = host.filter(|_| is_string).and_then(|host| path_here(address, host)) {
            pieces.push(plain(&text[from..begin]));
            pieces.push(Piece { text: address.to_owned(), href: Some(path.to_owned()) });
            (from, at) = (begin + length, begin + length);
        }
    }
    pieces.push(plain(&text[from..]));
    pieces
}

/// The path and query of an address of this server. Only what browsers read as just that: `//x` would be another server,
/// and so would `/\x` or a `//` with a line break between.
fn path_here<'a>(address: &'a str, host: &Authority) -> Option<&'a str> {
    let rest = address.strip_prefix("http://").or_else(|| address.strip_prefix("https://"))?;
    let path = rest.strip_prefix(host.as_str())?;
    let good =
        path.starts_with('/') && !path.starts_with("//") && path.chars().all(|c| c.is_ascii_graphic() && c != '\\');
    good.then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What of a value can be followed, by a host.
    fn links(value: &Value) -> Vec<String> {
        let host = Authority::from_static("a.test:8000");
        let pieces = pieces(value.to_string().as_bytes(), Some(&host));
        let whole: String = pieces.iter().map(|piece| piece.text.as_str()).collect();
        assert_eq!(whole, format!("{value:#}"));
        pieces.into_iter().filter_map(|piece| piece.href).collect()
    }

    /// a link leads to this server or is none.
    #[test]
    fn only_addresses_of_this_server_can_be_followed() {
        let good =
            serde_json::json!({"next": "http://a.test:8000/users/?page=2", "all": ["https://a.test:8000/x"], "n": 1});
        assert_eq!(links(&good), ["/users/?page=2", "/x"]);
        for wrong in [
            "http://a.test:8000",
            "http://a.test:8000.evil.test/",
            "http://a.test:8000@evil.test/",
            "http://evil.test/",
            "http://a.test:8000//evil.test/",
            "http://a.test:8000/\\evil.test/",
            "http://a.test:8000/\t/evil.test/",
            "http://a.test:8000/\n/evil.test/",
            "javascript:alert(1)",
            "x \"http://a.test:8000/users/",
            "x\\\"http://a.test:8000/users/",
            "/users/",
        ] {
            assert_eq!(links(&serde_json::json!({ "next": wrong })), [""; 0], "{wrong}");
        }
        assert!(pieces(b"\"http://a.test/\"", None).iter().all(|piece| piece.href.is_none()));
    }

    #[test]
    fn what_is_no_json_stays_as_it_is() {
        assert_eq!(pieces(b"<b>", None), [Piece { text: "<b>".to_owned(), href: None }]);
    }
}
