//! The address that a request came from: one valid IPv4 or IPv6 address, or none.
//!
//! In the header of a proxy, only an address that a trusted proxy has added counts. Anyone who sends a request can write any other
//! address there. This module knows no host names and looks nothing up.

use core::fmt;
use core::net::{IpAddr, Ipv6Addr, SocketAddr};

/// One address. An IPv4 address that is mapped into IPv6 is the IPv4 address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address(IpAddr);

impl Address {
    /// Reads an address without a port, a zone or leading zeros.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        text.parse().ok().map(|address: IpAddr| Self(address.to_canonical()))
    }

    /// Reads an address as a proxy reports it. Some proxies write the port, too.
    #[must_use]
    pub fn reported(text: &str) -> Option<Self> {
        let text = text.trim_ascii();
        let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse::<Ipv6Addr>().ok().map(IpAddr::V6);
        let with_port = || text.parse().ok().map(|socket: SocketAddr| socket.ip());
        Self::read(text).or_else(|| bracketed().or_else(with_port).map(|address| Self(address.to_canonical())))
    }

    /// Returns the key under which the limits count this address: the address itself, or the /64 of an IPv6 address. A provider gives
    /// a whole /64 to one customer.
    #[must_use]
    pub fn rate_limit_key(self) -> u128 {
        match self.0 {
            IpAddr::V4(_) => self.bits(),
            IpAddr::V6(_) => self.bits() & !u128::from(u64::MAX),
        }
    }

    /// Returns that key as a text: the address, or its /64.
    #[must_use]
    pub fn rate_limit_text(self) -> String {
        match self.0 {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(_) => [&Ipv6Addr::from_bits(self.rate_limit_key()).to_string(), "/64"].concat(),
        }
    }

    fn bits(self) -> u128 {
        match self.0 {
            IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
            IpAddr::V6(address) => address.to_bits(),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A range of addresses: `10.0.0.0/8`, `fd00::/8`, or a single one.
#[derive(Clone, Copy, Debug)]
pub struct Network {
    bits: u128,
    mask: u128,
}

impl Network {
    /// Reads an address or a CIDR range (RFC 4632).
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let (address, prefix) = text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        let (bits, width): (u128, u32) = match address.parse().ok()? {
            IpAddr::V4(address) => (address.to_ipv6_mapped().to_bits(), 32),
            IpAddr::V6(address) => (address.to_bits(), 128),
        };
        let length = match prefix {
            None => width,
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits.parse().ok()?,
            Some(_) => return None,
        };
        let host = width.checked_sub(length)?;
        let mask = u128::MAX.checked_shl(host).unwrap_or(0);
        Some(Self { bits: bits & mask, mask })
    }

    fn contains(&self, address: Address) -> bool {
        address.bits() & self.mask == self.bits
    }
}

/// Returns the address that a request came from. The search begins at the socket's address, and goes through the header from right
/// to left. It ends at the first address that is not a trusted proxy's. None if the socket's address is not known, or if the search
/// meets an entry that is no address.
#[must_use]
pub fn client(remote: Option<&str>, forwarded: Option<&str>, trusted: &[Network]) -> Option<Address> {
    // A link-local address has a zone, which only means something on this machine.
    let mut address = Address::read(remote?.split('%').next()?)?;
    let hops = forwarded.filter(|hops| !hops.trim_ascii().is_empty());
    for hop in hops.into_iter().flat_map(|hops| hops.rsplit(',')) {
        if !trusted.iter().any(|network| network.contains(address)) {
            break;
        }
        address = Address::reported(hop)?;
    }
    Some(address)
}
