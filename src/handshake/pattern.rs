//! The hosts that an entry of a list allows.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::header::{Host, HostPort, port};

/// The hosts, and the port, of an entry in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct HostPattern {
    name: Name,
    pub(super) port: Option<u16>,
}

/// A host name, in lower case, or an address.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Name {
    /// A domain name or an IPv4 address.
    Exact(String),
    /// Every name that ends with this suffix, which begins with a dot.
    Subdomains(String),
    V6(Ipv6Addr),
}

impl HostPattern {
    /// Parses `host`, `host:port`, `*.domain` or `*.domain:port`, with an IPv6 address in brackets.
    ///
    /// An entry that cannot match any request is an error, because it is probably a mistake. The
    /// error is the reason.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        let (name, rest) = match text.strip_prefix('[') {
            Some(address) => {
                let (address, rest) = address.split_once(']').ok_or("its brackets are not closed")?;
                let address = address.parse().map_err(|_| "its brackets do not contain an IPv6 address")?;
                (Name::V6(address), rest)
            }
            None => {
                let (name, rest) = text.split_at(text.find(':').unwrap_or(text.len()));
                (Name::parse(name)?, rest)
            }
        };
        let port = match rest.strip_prefix(':') {
            Some(digits) if !digits.is_empty() => {
                Some(port(digits).ok_or("its port is not a number up to 65535")?)
            }
            None if rest.is_empty() => None,
            _ => return Err("only a colon and a port may follow the host"),
        };
        Ok(Self { name, port })
    }

    /// Returns whether the pattern allows `asked`. `default` is the port if one of them has none.
    pub(super) fn allows(&self, asked: &HostPort<'_>, default: Option<u16>) -> bool {
        self.name.matches(&asked.host) && self.port.or(default) == asked.port.or(default)
    }

    /// Returns whether the pattern allows `asked`. A pattern without a port allows any port.
    pub(super) fn allows_at_any_port(&self, asked: &HostPort<'_>, default: Option<u16>) -> bool {
        self.name.matches(&asked.host) && (self.port.is_none() || self.port == asked.port.or(default))
    }
}

impl Name {
    fn parse(text: &str) -> Result<Self, &'static str> {
        if !text.is_ascii() {
            return Err("a non-ASCII domain name must be written in punycode, with xn--");
        }
        let (domain, is_wildcard) = match text.strip_prefix("*.") {
            Some(domain) => (domain, true),
            None => (text, false),
        };
        if domain.contains('*') {
            return Err("a wildcard must be the first label of a domain name, as in *.example.com");
        }
        let is_label = |label: &str| {
            let is_valid = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
            !label.is_empty() && label.bytes().all(is_valid)
        };
        // A trailing dot is part of the name: browsers keep it.
        let labels = domain.strip_suffix('.').unwrap_or(domain);
        if !labels.split('.').all(is_label) {
            return Err("its host is neither a domain name nor an IP address");
        }
        if is_number(labels.rsplit('.').next().unwrap_or_default()) {
            if is_wildcard {
                return Err("an IP address has no subdomains");
            }
            // Browsers normalize `127.1` and `0x7f000001` to 127.0.0.1, so no request contains
            // them.
            domain.parse::<Ipv4Addr>().map_err(|_| "an IPv4 address must be four decimal numbers")?;
        }
        let domain = domain.to_ascii_lowercase();
        Ok(if is_wildcard { Self::Subdomains(format!(".{domain}")) } else { Self::Exact(domain) })
    }

    fn matches(&self, host: &Host<'_>) -> bool {
        match (self, host) {
            (Self::Exact(name), Host::Name(host)) => name.eq_ignore_ascii_case(host),
            (Self::Subdomains(domain), Host::Name(host)) => {
                let start = host.len().checked_sub(domain.len()).filter(|start| *start > 0);
                start.is_some_and(|start| host.as_bytes()[start..].eq_ignore_ascii_case(domain.as_bytes()))
            }
            (Self::V6(address), Host::V6(host)) => address == host,
            _ => false,
        }
    }
}

/// Returns whether browsers parse a host with this last label as an IPv4 address (WHATWG URL, "ends
/// in a number").
fn is_number(label: &str) -> bool {
    let hex = label.strip_prefix("0x").or(label.strip_prefix("0X"));
    match hex {
        Some(digits) => digits.bytes().all(|byte| byte.is_ascii_hexdigit()),
        None => label.bytes().all(|byte| byte.is_ascii_digit()),
    }
}

#[cfg(test)]
mod tests;
