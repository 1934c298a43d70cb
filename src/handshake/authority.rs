//! Whose resource a request names: host and port.

use http::{HeaderValue, header::HOST, request::Parts, uri::Authority};

/// The host and port that the request is for.
///
/// `:authority` or the authority of an absolute URI comes before `Host` (RFC 9113 §8.3.1, RFC 9112 §3.2.2).
pub(super) fn of(parts: &Parts) -> Option<Authority> {
    match parts.uri.authority() {
        Some(authority) => Some(authority.clone()),
        None => parts.headers.get(HOST).and_then(parse),
    }
}

pub(super) fn parse(host: &HeaderValue) -> Option<Authority> {
    Authority::try_from(host.as_bytes()).ok()
}

/// The port of a URI with this scheme and no port.
pub(super) fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" | "ws" => Some(80),
        "https" | "wss" => Some(443),
        _ => None,
    }
}

/// Whether both name the same host and the same port; `default` is the port where one has none.
pub(super) fn is_same(one: &Authority, other: &Authority, default: Option<u16>) -> bool {
    // Without a port there has to be a default: `None` is no port that two could share.
    let port = |authority: &Authority| match authority.port() {
        Some(port) => Some(port.as_u16()),
        None if has_port(authority) => None,
        None => default,
    };
    one.host().eq_ignore_ascii_case(other.host()) && port(one).is_some() && port(one) == port(other)
}

/// Whether there is a port, or what should be one.
fn has_port(authority: &Authority) -> bool {
    authority.as_str().rsplit(']').next().is_some_and(|end| end.contains(':'))
}
