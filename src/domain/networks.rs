//! Whose an address is: limits count together what one owner has (E.3), or he would have as many as he likes.

use std::net::IpAddr;

use ipnet::IpNet;

/// What one household has: a single address of IPv4, of IPv6 the network of 64 bits.
pub fn household(address: IpAddr) -> IpNet {
    around(address, (32, 64))
}

/// What one site may have: of IPv4 the network of 24 bits, of IPv6 that of 48.
pub fn site(address: IpAddr) -> IpNet {
    around(address, (24, 48))
}

/// The network of so many bits, in IPv4 and in IPv6, that an address is in.
fn around(address: IpAddr, (v4, v6): (u8, u8)) -> IpNet {
    let address = address.to_canonical();
    let bits = if address.is_ipv4() { v4 } else { v6 };
    IpNet::new(address, bits).unwrap_or(address.into()).trunc()
}
