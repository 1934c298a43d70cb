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
    /// Unless the request is known to have come over TLS, the scheme only determines the default
    /// port, because a proxy may have terminated TLS.
    pub(super) fn is_at(&self, own: &HostPort<'_>, is_over_tls: bool) -> bool {
        let Self::Tuple { scheme, authority: Some(authority) } = self else { return false };
        let default = default_port(scheme);
        let is_plain = default == default_port("http");
        default.is_some() && !(is_over_tls && is_plain) && authority.is_same(own, default)
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
mod tests;
