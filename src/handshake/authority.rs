//! The host and port of a request.

use http::{header::HOST, request::Parts};

use crate::header::HostPort;

/// Returns the host and port of a request, as text.
///
/// `:authority` and the authority of an absolute URI have precedence over `Host` (RFC 9113 §8.3.1,
/// RFC 9112 §3.2.2).
pub(super) fn text(parts: &Parts) -> Option<&[u8]> {
    match parts.uri.authority() {
        Some(authority) => Some(authority.as_str().as_bytes()),
        None => parts.headers.get(HOST).map(|host| host.as_bytes()),
    }
}

/// Returns the host and port of a request.
pub(super) fn of(parts: &Parts) -> Option<HostPort<'_>> {
    text(parts).and_then(HostPort::parse)
}

/// Returns the default port of a scheme.
pub(super) fn default_port(scheme: &str) -> Option<u16> {
    let is = |name: &&str| scheme.eq_ignore_ascii_case(name);
    if ["http", "ws"].iter().any(is) {
        Some(80)
    } else if ["https", "wss"].iter().any(is) {
        Some(443)
    } else {
        None
    }
}
