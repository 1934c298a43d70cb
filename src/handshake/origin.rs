//! The origin of a page: scheme, host, port (RFC 6454 §4 and §7).

use super::{authority::default_port, pattern::HostPattern};
use crate::header::HostPort;

/// The value of an `Origin` header.
#[derive(Clone, Copy, Debug)]
pub(super) enum Origin<'a> {
    /// `null`, the origin of sandboxed frames, `data:` URLs and, in most browsers, files.
    Opaque,
    /// `authority` is `None` if the scheme has no hosts, as in `file://`.
    Tuple { scheme: &'a str, authority: Option<HostPort<'a>> },
}

impl<'a> Origin<'a> {
    pub(super) fn parse(bytes: &'a [u8]) -> Option<Self> {
        if bytes == b"null" {
            return Some(Self::Opaque);
        }
        let (scheme, authority) = split(std::str::from_utf8(bytes).ok()?)?;
        let authority = match authority {
            "" if default_port(scheme).is_none() => None,
            authority => Some(HostPort::parse(authority.as_bytes())?),
        };
        Some(Self::Tuple { scheme, authority })
    }

    /// Returns whether this is the origin of a page of the server `own`.
    ///
    /// The scheme only determines the default port, because a proxy may have terminated TLS.
    pub(super) fn is_at(&self, own: &HostPort<'_>) -> bool {
        let Self::Tuple { scheme, authority: Some(authority) } = self else { return false };
        let default = default_port(scheme);
        default.is_some() && authority.is_same(own, default)
    }
}

/// The origins that an entry of a list allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum OriginPattern {
    Opaque,
    Tuple { scheme: String, host: Option<HostPattern> },
}

impl OriginPattern {
    /// Parses an entry. The error is the reason why it is invalid.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        if text == "null" {
            return Ok(Self::Opaque);
        }
        let (scheme, authority) = split(text).ok_or("it must look like https://example.com")?;
        if ["ws", "wss"].iter().any(|name| scheme.eq_ignore_ascii_case(name)) {
            return Err("the origin of a page has the scheme http or https");
        }
        if authority.contains(['/', '\\', '?', '#', '@']) {
            return Err("an origin has no path, query, fragment or user");
        }
        let host = match authority {
            "" if default_port(scheme).is_none() => None,
            authority => Some(HostPattern::parse(authority)?),
        };
        Ok(Self::Tuple { scheme: scheme.to_ascii_lowercase(), host })
    }

    pub(super) fn allows(&self, origin: &Origin<'_>) -> bool {
        match (self, origin) {
            (Self::Opaque, Origin::Opaque) => true,
            (Self::Tuple { scheme: own, host }, Origin::Tuple { scheme, authority }) => {
                let is_at = match (host, authority) {
                    (Some(host), Some(authority)) => host.allows(authority, default_port(own)),
                    (None, None) => true,
                    _ => false,
                };
                own.eq_ignore_ascii_case(scheme) && is_at
            }
            _ => false,
        }
    }
}

/// Splits an origin into its scheme and the rest after `://`, without one slash at the end.
fn split(text: &str) -> Option<(&str, &str)> {
    let (scheme, authority) = text.split_once("://")?;
    let is_valid = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    let is_scheme =
        scheme.starts_with(|first: char| first.is_ascii_alphabetic()) && scheme.bytes().all(is_valid);
    is_scheme.then(|| (scheme, authority.strip_suffix('/').unwrap_or(authority)))
}

#[cfg(test)]
mod tests {
    use super::{Origin, OriginPattern};

    #[test]
    fn entry_allows_the_origins_that_it_names() {
        for (entry, origin, expected) in [
            ("https://example.com", "https://example.com", true),
            ("https://example.com/", "https://example.com", true),
            ("https://example.com:443", "https://example.com", true),
            ("https://example.com", "https://example.com:443", true),
            ("HTTPS://Example.COM", "https://example.com", true),
            ("https://example.com", "HTTPS://EXAMPLE.com", true),
            ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example", true),
            ("https://XN--bcher-KVA.example", "https://xn--bcher-kva.example", true),
            ("http://example.com:80", "http://example.com", true),
            ("http://example.com", "https://example.com", false),
            ("https://example.com:80", "http://example.com", false),
            ("https://example.com", "https://example.com:8443", false),
            ("https://example.com:8443", "https://example.com:8443", true),
            ("https://example.com:8443", "https://example.com", false),
            ("https://example.com", "https://www.example.com", false),
            ("https://example.com", "https://example.com.evil.org", false),
            ("https://example.com", "https://user@example.com", false),
            ("https://example.com", "https://example.com/path", false),
            ("https://example.com", "example.com", false),
            ("https://example.com", "null", false),
            ("https://example.com", "", false),
            ("https://*.example.com", "https://www.example.com", true),
            ("https://*.example.com", "https://a.b.example.com:443", true),
            ("https://*.example.com", "https://example.com", false),
            ("https://*.example.com", "http://www.example.com", false),
            ("https://*.example.com", "https://www.example.com:8443", false),
            ("https://*.example.com:8443", "https://www.example.com:8443", true),
            ("https://*.example.com", "https://wwwexample.com", false),
            ("https://*.example.com", "https://*.example.com", true),
            ("http://[::1]:9001", "http://[0:0:0:0:0:0:0:1]:9001", true),
            ("http://127.0.0.1:9001", "http://127.0.0.1:9001", true),
            ("null", "null", true),
            ("null", "Null", false),
            ("null", "file://", false),
            ("file://", "file://", true),
            ("file:///", "file://", true),
            ("file://", "null", false),
            ("file://", "file://host", false),
            ("app://localhost", "app://localhost", true),
            ("app://localhost", "app://localhost:80", false),
            ("chrome-extension://abcdef", "chrome-extension://abcdef", true),
        ] {
            let pattern = OriginPattern::parse(entry).unwrap_or_else(|error| panic!("{entry}: {error}"));
            let allowed = Origin::parse(origin.as_bytes()).is_some_and(|origin| pattern.allows(&origin));
            assert_eq!(allowed, expected, "{entry} {origin}");
        }
    }

    #[test]
    fn origins_that_no_page_has_are_invalid_entries() {
        for (entry, reason) in [
            ("", "look like"),
            ("*", "look like"),
            ("example.com", "look like"),
            ("example.com:443", "look like"),
            ("//example.com", "look like"),
            ("https:example.com", "look like"),
            ("https:/example.com", "look like"),
            ("://example.com", "look like"),
            (" https://example.com", "look like"),
            ("*://example.com", "look like"),
            ("NULL", "look like"),
            ("wss://example.com", "http or https"),
            ("WS://example.com", "http or https"),
            ("https://example.com/path", "no path"),
            ("https://example.com//", "no path"),
            ("https://example.com?a", "no path"),
            ("https://example.com#a", "no path"),
            ("https://user@example.com", "no path"),
            ("https://example.com\\", "no path"),
            ("https://", "neither"),
            ("https:///", "neither"),
            ("https://example.com ", "neither"),
            ("https://example.com,https://b", "no path"),
            ("https://b\u{fc}cher.example", "punycode"),
            ("https://*", "wildcard"),
            ("https://example.*", "wildcard"),
            ("https://w*.example.com", "wildcard"),
            ("https://example.com:*", "number"),
            ("https://example.com:", "colon"),
            ("https://127.1", "four"),
            ("https://[::1", "closed"),
        ] {
            let error = OriginPattern::parse(entry).expect_err(entry);
            assert!(error.contains(reason), "{entry:?}: {error}");
        }
    }
}
