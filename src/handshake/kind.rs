//! The two ways to ask for a WebSocket.

use http::{
    Extensions, Method, Request, Version,
    header::{CONNECTION, HeaderName, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE},
};

use super::ConnectProtocol;
use crate::header::{has_token, joined};

/// How a request asks for a WebSocket.
///
/// # Examples
///
/// ```
/// use http::{Request, Response};
/// use tower_websocket::{Handshake, Rejection, handshake::HandshakeKind};
///
/// async fn handshake(request: Request<Handshake>) -> Result<Response<()>, Rejection> {
///     match request.body().kind() {
///         HandshakeKind::Upgrade => println!("HTTP/1.1 upgrade"),
///         HandshakeKind::ExtendedConnect => println!("stream of {:?}", request.version()),
///         _ => {}
///     }
///     Ok(request.into_body().accept(()))
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HandshakeKind {
    /// HTTP/1.1: `GET` with `Upgrade: websocket` (RFC 6455 §4.1). The accepting status is 101.
    Upgrade,
    /// HTTP/2 or HTTP/3: `CONNECT` with the `:protocol` `websocket` (RFC 8441 §5, RFC 9220). The
    /// accepting status is 200.
    ///
    /// It is recognized with hyper if the feature `http2` is enabled, and with other servers by a
    /// [`ConnectProtocol`](crate::handshake::ConnectProtocol).
    ExtendedConnect,
}

impl HandshakeKind {
    /// Returns how `request` asks for a WebSocket, even if its handshake is invalid. `None` means
    /// an ordinary request.
    ///
    /// HTTP/1.0 must ignore `Upgrade` (RFC 9110 §7.8), and HTTP/2 does not have it (RFC 9113 §8.6).
    pub(crate) fn of<B>(request: &Request<B>) -> Option<Self> {
        match request.version() {
            Version::HTTP_11 => {
                let headers = request.headers();
                let asks = TOKENS.iter().all(|(name, token)| has_token(headers, name, token));
                asks.then_some(Self::Upgrade)
            }
            Version::HTTP_2 | Version::HTTP_3 => {
                is_extended_connect(request).then_some(Self::ExtendedConnect)
            }
            _ => None,
        }
    }
}

/// The tokens that an HTTP/1.1 request must have to ask for a WebSocket (RFC 6455 §4.2.1 items 3
/// and 4).
const TOKENS: [(HeaderName, &str); 2] = [(UPGRADE, "websocket"), (CONNECTION, "upgrade")];

/// Describes the missing parts of an HTTP/1 request with an incomplete opening handshake.
///
/// Returns `None` if the request has no part of an opening handshake, or all parts.
pub(super) fn missing<B>(request: &Request<B>) -> Option<String> {
    let headers = request.headers();
    let has_some = headers.contains_key(SEC_WEBSOCKET_KEY)
        || headers.contains_key(SEC_WEBSOCKET_VERSION)
        || has_token(headers, &UPGRADE, "websocket");
    if !has_some {
        return None;
    }
    let mut missing = Vec::new();
    if request.version() < Version::HTTP_11 {
        let version = request.version();
        missing.push(format!(
            "the request is {version:?}, it must be HTTP/1.1 (nginx needs proxy_http_version 1.1)"
        ));
    }
    for ((name, token), title) in TOKENS.iter().zip(["Upgrade", "Connection"]) {
        if !headers.contains_key(name) {
            missing.push(format!("{title} is missing, it must be {token} (a proxy must forward it)"));
        } else if !has_token(headers, name, token) {
            missing.push(format!("{title} is {:?}, it must contain {token}", joined(headers, name)));
        }
    }
    (!missing.is_empty()).then(|| missing.join("; "))
}

/// The value of `:protocol` is an upgrade token, so case is ignored (RFC 8441 §4, RFC 9110 §7.8).
fn is_extended_connect<B>(request: &Request<B>) -> bool {
    let extensions = request.extensions();
    let protocol = extensions.get().map(ConnectProtocol::as_str).or_else(|| hyper_protocol(extensions));
    request.method() == Method::CONNECT
        && protocol.is_some_and(|protocol| protocol.eq_ignore_ascii_case("websocket"))
}

#[cfg(feature = "http2")]
fn hyper_protocol(extensions: &Extensions) -> Option<&str> {
    extensions.get().map(hyper::ext::Protocol::as_str)
}

/// hyper does not have the type of `:protocol` without its feature `http2`.
#[cfg(not(feature = "http2"))]
fn hyper_protocol(_: &Extensions) -> Option<&str> {
    None
}

#[cfg(test)]
mod tests;
