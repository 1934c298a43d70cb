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
mod tests {
    use http::{Method, Request, Version};

    use super::{ConnectProtocol, HandshakeKind};

    /// The kind of a `GET` with these headers.
    fn of(version: Version, lines: &[(&str, &str)]) -> Option<HandshakeKind> {
        let request = Request::get("/chat").version(version);
        let request = lines.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        HandshakeKind::of(&request.body(()).unwrap())
    }

    #[test]
    fn upgrade_needs_both_tokens() {
        let upgrade = |lines: &[(&str, &str)]| of(Version::HTTP_11, lines) == Some(HandshakeKind::Upgrade);
        assert!(upgrade(&[("Upgrade", "websocket"), ("Connection", "keep-alive, Upgrade")]));
        assert!(upgrade(&[("Upgrade", "WebSocket"), ("Connection", "UPGRADE")]));
        assert!(upgrade(&[("Upgrade", "h2c, websocket"), ("Connection", "upgrade")]));
        assert!(upgrade(&[
            ("Upgrade", "h2c"),
            ("Upgrade", "websocket"),
            ("Connection", "keep-alive"),
            ("Connection", "upgrade"),
        ]));

        assert!(!upgrade(&[]));
        assert!(!upgrade(&[("Upgrade", "websocket")]));
        assert!(!upgrade(&[("Connection", "upgrade")]));
        assert!(!upgrade(&[("Upgrade", "h2c"), ("Connection", "upgrade")]));
        assert!(!upgrade(&[("Upgrade", "websocket"), ("Connection", "not-upgrade")]));
        assert!(!upgrade(&[("Upgrade", "websocketx"), ("Connection", "upgrade")]));
        assert!(!upgrade(&[("Upgrade", "websocket/13"), ("Connection", "upgrade")]));
    }

    #[test]
    fn everything_missing_is_named() {
        let key = ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
        let version = ("Sec-WebSocket-Version", "13");
        let (upgrade, connection) = (("Upgrade", "websocket"), ("Connection", "Upgrade"));
        let http10 = "the request is HTTP/1.0, it must be HTTP/1.1 (nginx needs proxy_http_version 1.1)";
        let no_upgrade = "Upgrade is missing, it must be websocket (a proxy must forward it)";
        let no_connection = "Connection is missing, it must be upgrade (a proxy must forward it)";
        type Case<'a> = (Version, Vec<(&'a str, &'a str)>, Vec<&'a str>);
        let cases: Vec<Case<'_>> = vec![
            (Version::HTTP_11, vec![], vec![]),
            (Version::HTTP_11, vec![connection], vec![]),
            (Version::HTTP_11, vec![key, upgrade, connection], vec![]),
            (Version::HTTP_10, vec![connection], vec![]),
            (Version::HTTP_10, vec![key, upgrade, connection], vec![http10]),
            (Version::HTTP_11, vec![key, connection], vec![no_upgrade]),
            (Version::HTTP_11, vec![version, connection], vec![no_upgrade]),
            (Version::HTTP_11, vec![key, upgrade], vec![no_connection]),
            (Version::HTTP_11, vec![upgrade], vec![no_connection]),
            (Version::HTTP_11, vec![key], vec![no_upgrade, no_connection]),
            (
                Version::HTTP_11,
                vec![key, upgrade, ("Connection", "keep-alive")],
                vec!["Connection is \"keep-alive\", it must contain upgrade"],
            ),
            (
                Version::HTTP_11,
                vec![key, ("Upgrade", "h2c"), ("Upgrade", "foo"), connection],
                vec!["Upgrade is \"h2c, foo\", it must contain websocket"],
            ),
            // The default of nginx.
            (
                Version::HTTP_10,
                vec![key, version, ("Connection", "close")],
                vec![http10, no_upgrade, "Connection is \"close\", it must contain upgrade"],
            ),
        ];
        for (version, lines, expected) in cases {
            let request = Request::get("/chat").version(version);
            let request = lines.iter().fold(request, |request, (name, value)| request.header(*name, *value));
            let missing = super::missing(&request.body(()).unwrap());
            assert_eq!(missing.unwrap_or_default(), expected.join("; "), "{version:?} {lines:?}");
        }
    }

    #[test]
    fn only_http_1_1_has_upgrades() {
        let lines = [("Upgrade", "websocket"), ("Connection", "Upgrade")];
        for (version, expected) in [
            (Version::HTTP_09, None),
            (Version::HTTP_10, None),
            (Version::HTTP_11, Some(HandshakeKind::Upgrade)),
            (Version::HTTP_2, None),
            (Version::HTTP_3, None),
        ] {
            assert_eq!(of(version, &lines), expected, "{version:?}");
        }
    }

    #[test]
    fn connect_protocol_counts_over_http_2_and_3() {
        for (method, version, protocol, expected) in [
            (Method::CONNECT, Version::HTTP_2, "websocket", Some(HandshakeKind::ExtendedConnect)),
            (Method::CONNECT, Version::HTTP_3, "WebSocket", Some(HandshakeKind::ExtendedConnect)),
            (Method::CONNECT, Version::HTTP_3, "connect-udp", None),
            (Method::CONNECT, Version::HTTP_3, "", None),
            (Method::GET, Version::HTTP_3, "websocket", None),
            (Method::CONNECT, Version::HTTP_11, "websocket", None),
        ] {
            let request = Request::builder().method(method).version(version);
            let request = request.extension(ConnectProtocol::new(protocol)).body(()).unwrap();
            assert_eq!(HandshakeKind::of(&request), expected, "{request:?}");
        }
    }

    #[cfg(feature = "http2")]
    #[test]
    fn only_connect_to_websocket_over_http_2_is_recognized() {
        use hyper::ext::Protocol;

        for (method, version, protocol, expected) in [
            (Method::CONNECT, Version::HTTP_2, Some("websocket"), Some(HandshakeKind::ExtendedConnect)),
            (Method::CONNECT, Version::HTTP_2, Some("WebSocket"), Some(HandshakeKind::ExtendedConnect)),
            (Method::CONNECT, Version::HTTP_2, Some("connect-udp"), None),
            (Method::CONNECT, Version::HTTP_2, Some("websocket2"), None),
            (Method::CONNECT, Version::HTTP_2, Some(""), None),
            (Method::CONNECT, Version::HTTP_2, None, None),
            (Method::GET, Version::HTTP_2, Some("websocket"), None),
            (Method::CONNECT, Version::HTTP_11, Some("websocket"), None),
        ] {
            let mut request = Request::builder().method(method).version(version).body(()).unwrap();
            if let Some(protocol) = protocol {
                request.extensions_mut().insert(Protocol::from(protocol));
            }
            assert_eq!(HandshakeKind::of(&request), expected, "{request:?}");
        }
    }

    /// hyper's own feature `http2` may be enabled by another crate.
    #[cfg(not(feature = "http2"))]
    #[test]
    fn connect_is_not_recognized_without_the_feature() {
        let request = Request::connect("http://a/").version(Version::HTTP_2);
        let request = request.extension(hyper::ext::Protocol::from_static("websocket"));
        assert_eq!(HandshakeKind::of(&request.body(()).unwrap()), None);
    }
}
