//! Which proxies are believed: their word is what says where a request comes from and, at the door for proxies, what it
//! is about.

use std::fmt;
use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net};

/// Addresses and networks of proxies; nobody by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    /// Reads addresses and networks, separated by commas: `127.0.0.1, 10.0.0.0/8, ::1`. An empty text names none. An IPv4
    /// address or network that is written as IPv6 (`::ffff:10.0.0.1`) is the IPv4 one.
    ///
    /// # Errors
    /// The part that is neither.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        text.split(',').map(|part| network(part.trim()).ok_or_else(|| part.trim().to_owned())).collect()
    }

    /// Whether what this address says of others is believed.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether everybody is one of them, at least of those who come by one of both protocols.
    pub fn are_all(&self) -> bool {
        self.0.iter().any(|network| network.prefix_len() == 0)
    }
}

impl FromIterator<IpNet> for TrustedProxies {
    fn from_iter<T: IntoIterator<Item = IpNet>>(networks: T) -> Self {
        Self(networks.into_iter().collect())
    }
}

impl fmt::Display for TrustedProxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let networks = self.0.iter().map(|network| match network.prefix_len() == network.max_prefix_len() {
            true => network.addr().to_string(),
            false => network.to_string(),
        });
        f.write_str(&networks.collect::<Vec<_>>().join(", "))
    }
}

fn network(text: &str) -> Option<IpNet> {
    let network = match text.parse::<IpAddr>() {
        Ok(address) => IpNet::from(address),
        Err(_) => text.parse().ok()?,
    };
    /// Bits before the IPv4 address in an IPv6 address that stands for it (RFC 4291, section 2.5.5.2).
    const MAPPED: u8 = 96;
    let mapped = match network {
        IpNet::V6(wide) if wide.prefix_len() >= MAPPED => {
            wide.addr().to_ipv4_mapped().and_then(|address| Ipv4Net::new(address, wide.prefix_len() - MAPPED).ok())
        }
        _ => None,
    };
    Some(mapped.map_or(network, IpNet::V4).trunc())
}

#[cfg(test)]
mod tests {
    use super::TrustedProxies;

    fn of(text: &str) -> TrustedProxies {
        TrustedProxies::parse(text).unwrap_or_else(|wrong| panic!("{wrong}"))
    }

    fn contains(text: &str, address: &str) -> bool {
        address.parse().is_ok_and(|address| of(text).contains(address))
    }

    #[test]
    fn addresses_and_networks_of_both_protocols() {
        assert!(contains("127.0.0.1", "127.0.0.1") && !contains("127.0.0.1", "127.0.0.2"));
        assert!(contains("10.1.2.3/8, ::1", "10.255.0.1") && contains("10.0.0.0/8,::1", "::1"));
        assert!(contains("10.0.0.0/8", "::ffff:10.0.0.1"), "the same address in the other's clothes");
        assert!(contains("::ffff:10.0.0.0/104", "10.9.9.9") && contains("::ffff:10.0.0.1", "10.0.0.1"));
        assert!(contains("2001:db8::/32", "2001:db8:ffff::1") && !contains("2001:db8::/32", "2001:db9::1"));
        assert!(!contains("", "127.0.0.1") && of("  ").is_empty());
        assert!(!contains("0.0.0.0/0", "::1") && of("::1, 0.0.0.0/0").are_all() && !of("10.0.0.0/8").are_all());
        assert_eq!(of("10.1.2.3/8 ,::1").to_string(), "10.0.0.0/8, ::1");
    }

    #[test]
    fn what_is_neither_is_named() {
        for wrong in ["localhost", "10.0.0.0/33", "10.0.0", "10.0.0.1:80", "[::1]", "fe80::1%eth0", "*", "unix:", "1/8"]
        {
            assert_eq!(TrustedProxies::parse(&format!("127.0.0.1,{wrong}")), Err(wrong.to_owned()));
        }
        assert_eq!(TrustedProxies::parse("127.0.0.1,,::1"), Err(String::new()));
    }
}
