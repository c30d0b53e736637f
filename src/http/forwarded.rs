//! Who stood before whom, as proxies tell it: `X-Forwarded-For`, and `Forwarded` (RFC 7239) where there is none of that.
//!
//! Reads and decides nothing: [`client`](super::client) knows whose word counts. No name is ever looked up.

use std::net::{IpAddr, Ipv6Addr, SocketAddr, SocketAddrV6};

use axum::http::header::FORWARDED;
use axum::http::{HeaderMap, HeaderName};

/// What most proxies write, each behind what it found.
pub const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Most hops that are looked at; no request passes so many proxies.
pub const HOPS_MAX: usize = 64;

/// Whether the headers say anything of the kind.
pub fn is_told(headers: &HeaderMap) -> bool {
    headers.contains_key(X_FORWARDED_FOR) || headers.contains_key(FORWARDED)
}

/// The hops, the last first; `None` for one that is no address. Several headers of one name are one list (RFC 9110,
/// section 5.3), in which empty places count for nothing.
pub fn hops(headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    if headers.contains_key(X_FORWARDED_FOR) {
        return listed(headers, &X_FORWARDED_FOR, |line| line.split(',').collect(), address);
    }
    listed(headers, &FORWARDED, elements, node)
}

fn listed(
    headers: &HeaderMap,
    name: &HeaderName,
    split: impl Fn(&str) -> Vec<&str>,
    read: impl Fn(&str) -> Option<IpAddr>,
) -> Vec<Option<IpAddr>> {
    let mut hops = Vec::new();
    for line in headers.get_all(name).iter().rev() {
        // What is no text spoils the hop that it stands in and no other.
        let line = String::from_utf8_lossy(line.as_bytes());
        let told = split(&line).into_iter().rev().map(str::trim).filter(|hop| !hop.is_empty());
        hops.extend(told.map(&read).take(HOPS_MAX - hops.len()));
        if hops.len() >= HOPS_MAX {
            break;
        }
    }
    hops
}

/// An address: bare, with a port, or of IPv6 in brackets. One of IPv4 in the clothes of IPv6 is itself.
fn address(text: &str) -> Option<IpAddr> {
    let bare = || text.parse::<IpAddr>().ok();
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse::<Ipv6Addr>().ok().map(IpAddr::V6);
    // A zone (`fe80::1%2`) means something to the proxy alone.
    let with_port = || match text.parse().ok()? {
        SocketAddr::V6(address) if address != SocketAddrV6::new(*address.ip(), address.port(), 0, 0) => None,
        address => Some(address.ip()),
    };
    bare().or_else(bracketed).or_else(with_port).map(|address| address.to_canonical())
}

/// The elements of a `Forwarded` header: commas within quotes separate nothing.
fn elements(line: &str) -> Vec<&str> {
    split(line, ',')
}

/// The address in one element; none for `unknown`, for an obfuscated name, or where there are two.
fn node(element: &str) -> Option<IpAddr> {
    let mut pairs = split(element, ';').into_iter().filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(name, _)| name.trim().eq_ignore_ascii_case("for"))?;
    if pairs.any(|(name, _)| name.trim().eq_ignore_ascii_case("for")) {
        return None;
    }
    let value = value.trim();
    // No address needs the backslashes that may stand in a quoted text.
    address(value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value))
}

/// Splits where the separator stands outside quotes.
fn split(text: &str, separator: char) -> Vec<&str> {
    let (mut quoted, mut escaped) = (false, false);
    let apart = |letter: char| {
        let ends = letter == separator && !quoted;
        quoted ^= letter == '"' && !escaped;
        escaped = quoted && letter == '\\' && !escaped;
        ends
    };
    text.split(apart).collect()
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use axum::http::{HeaderMap, HeaderName, HeaderValue};

    use super::{HOPS_MAX, hops};

    fn told(lines: &[(&str, &str)]) -> Vec<String> {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            let name = HeaderName::from_bytes(name.as_bytes());
            let value = HeaderValue::from_bytes(value.as_bytes());
            if let (Ok(name), Ok(value)) = (name, value) {
                headers.append(name, value);
            }
        }
        let shown = |hop: Option<IpAddr>| hop.map_or("-".to_owned(), |address| address.to_string());
        hops(&headers).into_iter().map(shown).collect()
    }

    #[test]
    fn the_last_comes_first_over_all_lines() {
        assert_eq!(
            told(&[("x-forwarded-for", "1.1.1.1, 2.2.2.2"), ("X-Forwarded-For", "3.3.3.3")]),
            ["3.3.3.3", "2.2.2.2", "1.1.1.1"]
        );
        assert_eq!(told(&[("x-forwarded-for", " , 1.1.1.1,,\t2.2.2.2 ,")]), ["2.2.2.2", "1.1.1.1"]);
        assert_eq!(told(&[("x-forwarded-for", "")]), [""; 0]);
        let many = vec!["9.9.9.9"; 1000].join(",");
        assert_eq!(told(&[("x-forwarded-for", &many), ("x-forwarded-for", &many)]).len(), HOPS_MAX);
    }

    #[test]
    fn ports_brackets_and_mapped_addresses() {
        for (written, meant) in [
            ("1.2.3.4:80", "1.2.3.4"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("[2001:db8::1]:443", "2001:db8::1"),
            ("2001:DB8::1", "2001:db8::1"),
            ("::ffff:1.2.3.4", "1.2.3.4"),
            ("[::ffff:1.2.3.4]:80", "1.2.3.4"),
            ("unknown", "-"),
            ("_hidden", "-"),
            ("localhost", "-"),
            ("1.2.3", "-"),
            ("01.2.3.4", "-"),
            ("1.2.3.4:", "-"),
            ("1.2.3.4:99999", "-"),
            ("1.2.3.4 5.6.7.8", "-"),
            ("[1.2.3.4]", "-"),
            ("[::1", "-"),
            ("fe80::1%eth0", "-"),
            ("[fe80::1%2]:80", "-"),
            ("\"1.2.3.4\"", "-"),
            ("é", "-"),
        ] {
            assert_eq!(told(&[("x-forwarded-for", written)]), [meant], "{written}");
        }
    }

    #[test]
    fn forwarded_counts_where_there_is_no_other() {
        let line = "For=\"[2001:db8:cafe::17]:4711\";proto=https, for=192.0.2.60;proto=http;by=203.0.113.43";
        assert_eq!(told(&[("forwarded", line)]), ["192.0.2.60", "2001:db8:cafe::17"]);
        assert_eq!(told(&[("forwarded", line), ("x-forwarded-for", "1.1.1.1")]), ["1.1.1.1"]);
        for hidden in ["for=unknown", "for=_x", "proto=https", "for=1.1.1.1;for=2.2.2.2", "for=\"1.1.1.1", "1.1.1.1"] {
            assert_eq!(told(&[("forwarded", hidden)]), ["-"], "{hidden}");
        }
        let quoted = "for=\"1.1.1.1, 9.9.9.9\";by=\"\\\", for=8.8.8.8\", for=2.2.2.2";
        assert_eq!(told(&[("forwarded", quoted)]), ["2.2.2.2", "-"], "no comma within quotes separates");
    }
}
