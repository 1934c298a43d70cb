//! The host and port of a request, and whether it is known to have come over TLS.

use http::{HeaderValue, header::HOST, request::Parts, uri::Scheme};

use crate::header::HostPort;

/// Returns the host and port of a request, as text.
///
/// `:authority` and the authority of an absolute URI have precedence over `Host` (RFC 9113 §8.3.1,
/// RFC 9112 §3.2.2).
fn text(parts: &Parts) -> Option<&[u8]> {
    match parts.uri.authority() {
        Some(authority) => Some(authority.as_str().as_bytes()),
        None => parts.headers.get(HOST).map(|host| host.as_bytes()),
    }
}

/// Returns the host and port of a request, or an empty value.
pub(super) fn value(parts: &Parts) -> HeaderValue {
    let value = text(parts).and_then(|text| HeaderValue::from_bytes(text).ok());
    value.unwrap_or(HeaderValue::from_static(""))
}

/// Returns the host and port of a request.
pub(super) fn of(parts: &Parts) -> Option<HostPort<'_>> {
    text(parts).and_then(HostPort::parse)
}

/// A request extension that this crate's server sets on connections with TLS.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OverTls;

/// Returns whether the client is known to use TLS. If not, a proxy may still have terminated TLS.
pub(super) fn is_over_tls(parts: &Parts) -> bool {
    parts.uri.scheme() == Some(&Scheme::HTTPS) || parts.extensions.get::<OverTls>().is_some()
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
