//! A host and an optional port (RFC 9112 §3.2, RFC 3986 §3.2.2 and §3.2.3).

use std::net::Ipv6Addr;

/// A host and an optional port, as in `Host`, `:authority` and origins.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HostPort<'a> {
    pub(crate) host: Host<'a>,
    /// `None` if the port is missing or empty, which means the default port of the scheme.
    pub(crate) port: Option<u16>,
}

/// A host. Comparisons ignore the case of names and the notation of addresses.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Host<'a> {
    /// A registered name or an IPv4 address.
    Name(&'a str),
    V6(Ipv6Addr),
}

impl<'a> HostPort<'a> {
    /// Parses `bytes`. Returns `None` if they contain anything else.
    pub(crate) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let (host, rest) = match text.strip_prefix('[') {
            Some(address) => {
                let (address, rest) = address.split_once(']')?;
                (Host::V6(address.parse().ok()?), rest)
            }
            None => {
                let (name, rest) = text.split_at(reg_name(bytes)?);
                (Host::Name(name), rest)
            }
        };
        let port = match rest.strip_prefix(':') {
            None if rest.is_empty() => None,
            None => return None,
            Some("") => None,
            Some(digits) => Some(port(digits)?),
        };
        Some(Self { host, port })
    }

    /// Returns whether host and port are equal. `default` is the port if one of them has none.
    pub(crate) fn is_same(&self, other: &Self, default: Option<u16>) -> bool {
        self.host == other.host && self.port.or(default) == other.port.or(default)
    }
}

impl PartialEq for Host<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Name(one), Self::Name(other)) => one.eq_ignore_ascii_case(other),
            (Self::V6(one), Self::V6(other)) => one == other,
            _ => false,
        }
    }
}

/// Parses a port. `u16::from_str` would also accept a sign.
pub(crate) fn port(digits: &str) -> Option<u16> {
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}

/// Returns the length of the `reg-name` at the start of `bytes` (RFC 3986 §3.2.2), unless it is
/// empty (RFC 9110 §4.2.1).
fn reg_name(bytes: &[u8]) -> Option<usize> {
    let mut rest = bytes;
    loop {
        rest = match rest {
            [byte, rest @ ..] if is_plain(*byte) => rest,
            [b'%', high, low, rest @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => rest,
            _ => return Some(bytes.len() - rest.len()).filter(|length| *length > 0),
        }
    }
}

/// Returns whether a byte of a name stands for itself: `unreserved` and `sub-delims` (RFC 3986 §2.2
/// and §2.3).
fn is_plain(byte: u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~')
        || matches!(byte, b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'=')
}

#[cfg(test)]
mod tests;
