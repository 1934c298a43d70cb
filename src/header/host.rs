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
                let (name, rest) = text.split_at(text.find(':').unwrap_or(text.len()));
                (Host::Name(Some(name).filter(|name| is_reg_name(name.as_bytes()))?), rest)
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

/// Returns whether `bytes` is a non-empty `reg-name` (RFC 3986 §3.2.2, RFC 9110 §4.2.1).
fn is_reg_name(mut bytes: &[u8]) -> bool {
    if bytes.is_empty() {
        return false;
    }
    loop {
        bytes = match bytes {
            [] => return true,
            [b'%', high, low, rest @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => rest,
            [byte, rest @ ..] if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(byte) => rest,
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Host, HostPort};
    use crate::header::arbitrary::config;

    #[test]
    fn host_and_port_are_parsed() {
        for (text, host, port) in [
            ("example.com", Host::Name("example.com"), None),
            ("EXAMPLE.com:80", Host::Name("example.com"), Some(80)),
            ("example.com:", Host::Name("example.com"), None),
            ("example.com:0080", Host::Name("example.com"), Some(80)),
            ("127.0.0.1:65535", Host::Name("127.0.0.1"), Some(65535)),
            ("my_service", Host::Name("my_service"), None),
            ("a%20b", Host::Name("a%20b"), None),
            ("[::1]", Host::V6("::1".parse().unwrap()), None),
            ("[0:0:0:0:0:0:0:1]:9001", Host::V6("::1".parse().unwrap()), Some(9001)),
            ("[::ffff:1.2.3.4]", Host::V6("::ffff:1.2.3.4".parse().unwrap()), None),
        ] {
            let parsed = HostPort::parse(text.as_bytes()).unwrap_or_else(|| panic!("{text:?} is not parsed"));
            assert!(parsed.host == host && parsed.port == port, "{text:?} {parsed:?}");
        }
    }

    #[test]
    fn anything_else_is_invalid() {
        for text in [
            "",
            ":",
            ":80",
            "a b",
            " a",
            "a ",
            "a\tb",
            "a/b",
            "a/",
            "/a",
            "a?b",
            "a#b",
            "a\\b",
            "user@host",
            "user:pw@host",
            "@host",
            "host:80x",
            "host:x",
            "host:+80",
            "host:-1",
            "host: 80",
            "host:80 ",
            "host:65536",
            "host:99999",
            "host:80:80",
            "host::80",
            "::1",
            "::1:9001",
            "[::1",
            "::1]",
            "[]",
            "[]:80",
            "[::1]80",
            "[::1]x",
            "[::1]:x",
            "[::1%25eth0]",
            "[1.2.3.4]",
            "[v1.a]",
            "[[::1]]",
            "a[",
            "a%",
            "a%2",
            "a%zz",
            "http://a",
            "a\"b",
            "a<b>",
            "a|b",
            "b\u{fc}cher.example",
            "\u{7f}",
        ] {
            assert!(HostPort::parse(text.as_bytes()).is_none(), "{text:?} is parsed");
        }
        assert!(HostPort::parse(b"b\xfccher.example").is_none());
    }

    #[test]
    fn default_port_equals_a_missing_port() {
        for (one, other, default, expected) in [
            ("a", "A", None, true),
            ("a", "a:80", Some(80), true),
            ("a:", "a:80", Some(80), true),
            ("a", "a:80", Some(443), false),
            ("a", "a:80", None, false),
            ("[::1]", "[0::1]:80", Some(80), true),
            ("a", "b", Some(80), false),
        ] {
            let parse = |text: &'static str| HostPort::parse(text.as_bytes()).unwrap();
            assert_eq!(parse(one).is_same(&parse(other), default), expected, "{one} {other} {default:?}");
        }
    }

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn host_with_any_port_is_parsed(name in "[a-zA-Z0-9._~-]{1,20}", number: u16, address: u128) {
            let text = format!("{name}:{number}");
            let parsed = HostPort::parse(text.as_bytes()).unwrap();
            prop_assert!(parsed.host == Host::Name(&name) && parsed.port == Some(number));
            let address = std::net::Ipv6Addr::from(address);
            let text = format!("[{address}]:{number}");
            let parsed = HostPort::parse(text.as_bytes()).unwrap();
            prop_assert!(parsed.host == Host::V6(address) && parsed.port == Some(number));
        }

        #[test]
        fn name_has_no_delimiter(bytes in proptest::collection::vec(any::<u8>(), 0..20)) {
            if let Some(HostPort { host: Host::Name(name), .. }) = HostPort::parse(&bytes) {
                prop_assert!(!name.is_empty() && bytes.starts_with(name.as_bytes()));
                prop_assert!(name.bytes().all(|byte| byte.is_ascii_graphic() && !b"/?#@:[]\\\"<>".contains(&byte)));
            }
        }
    }
}
