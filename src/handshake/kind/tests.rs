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
