//! The host and port that a request is for.

use http::{header::HOST, request::Parts};

use crate::header::HostPort;

/// The host and port that the request is for, as it names them.
///
/// `:authority` or the authority of an absolute URI comes before `Host` (RFC 9113 §8.3.1, RFC 9112
/// §3.2.2).
pub(super) fn text(parts: &Parts) -> Option<&[u8]> {
    match parts.uri.authority() {
        Some(authority) => Some(authority.as_str().as_bytes()),
        None => parts.headers.get(HOST).map(|host| host.as_bytes()),
    }
}

/// The host and port that the request is for.
pub(super) fn of(parts: &Parts) -> Option<HostPort<'_>> {
    text(parts).and_then(HostPort::parse)
}

/// The port of a URI with this scheme and no port.
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
