use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use super::{Offer, OwnOffer, ResponseError};
use crate::deflate::Settings;

fn headers(lines: &str) -> HeaderMap {
    let lines = lines.lines().filter_map(|line| line.trim().split_once(':'));
    let parse = |(name, value): (&str, &str)| {
        (name.parse::<HeaderName>().unwrap(), value.trim().parse::<HeaderValue>().unwrap())
    };
    lines.map(parse).collect()
}

const SENT: &str = "Sec-WebSocket-Protocol: chat, superchat";
const ACCEPT: HeaderValue = HeaderValue::from_static("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");

/// The response of §1.3.
const GOOD: &str = "Upgrade: websocket
        Connection: Upgrade
        Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=
        Sec-WebSocket-Protocol: chat";

fn check(status: u16, lines: &str) -> Result<Option<String>, ResponseError> {
    let offer = Offer::upgrade(&headers(SENT), ACCEPT, OwnOffer::new(&Settings::default()));
    let agreed = offer.check(StatusCode::from_u16(status).unwrap(), &headers(lines))?;
    Ok(agreed.protocol.map(|protocol| protocol.to_str().unwrap().to_owned()))
}

#[test]
fn good_responses_are_accepted() {
    for (from, to, protocol) in [
        ("", "", Some("chat")),
        ("Upgrade: websocket", "Upgrade: WebSocket", Some("chat")),
        ("Connection: Upgrade", "Connection: keep-alive, upgrade", Some("chat")),
        ("Connection: Upgrade", "Connection: keep-alive\nConnection: UPGRADE", Some("chat")),
        ("Protocol: chat", "Protocol: superchat", Some("superchat")),
        ("Sec-WebSocket-Protocol: chat", "X-Own: 1", None),
    ] {
        assert_eq!(check(101, &GOOD.replace(from, to)).unwrap().as_deref(), protocol, "{to}");
    }
}

/// Each item of the checks that §4.1 requires of a client.
#[test]
fn each_broken_rule_has_its_error() {
    use ResponseError as E;
    type Is = fn(&E) -> bool;
    let cases: &[(&str, &str, Is, &str)] = &[
        (
            "Upgrade: websocket",
            "",
            |e| matches!(e, E::MissingUpgrade),
            "has no Upgrade, it must be websocket",
        ),
        ("Upgrade: websocket", "Upgrade: h2c", |e| matches!(e, E::WrongUpgrade(_)), "Upgrade is \"h2c\""),
        (
            "Upgrade: websocket",
            "Upgrade: websocket, h2c",
            |e| matches!(e, E::WrongUpgrade(_)),
            "Upgrade is \"websocket, h2c\"",
        ),
        ("Upgrade: websocket", "Upgrade:", |e| matches!(e, E::WrongUpgrade(_)), "Upgrade is \"\""),
        ("Connection: Upgrade", "", |e| matches!(e, E::MissingConnection), "has no Connection"),
        (
            "Connection: Upgrade",
            "Connection: close",
            |e| matches!(e, E::WrongConnection(_)),
            "Connection is \"close\", it must contain upgrade",
        ),
        (
            "Connection: Upgrade",
            "Connection: no-upgrade",
            |e| matches!(e, E::WrongConnection(_)),
            "Connection is \"no-upgrade\"",
        ),
        (
            "Sec-WebSocket-Accept",
            "X-Accept",
            |e| matches!(e, E::MissingAccept),
            "has no Sec-WebSocket-Accept",
        ),
        (
            "s3pP",
            "S3pP",
            |e| matches!(e, E::WrongAccept { .. }),
            "Accept is \"S3pPLMBiTxaQ9kYGzzhZRbK+xOo=\", it must be \"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\"",
        ),
        (
            "Connection: Upgrade",
            "Connection: Upgrade\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
            |e| matches!(e, E::RepeatedAccept(_)),
            "Sec-WebSocket-Accept is repeated",
        ),
        (
            "Protocol: chat",
            "Protocol: other",
            |e| matches!(e, E::ProtocolNotOffered(_)),
            "the subprotocol \"other\", which was not offered",
        ),
        ("Protocol: chat", "Protocol: Chat", |e| matches!(e, E::ProtocolNotOffered(_)), "\"Chat\""),
        ("Protocol: chat", "Protocol:", |e| matches!(e, E::ProtocolNotOffered(_)), "subprotocol \"\""),
        (
            "Protocol: chat",
            "Protocol: chat, superchat",
            |e| matches!(e, E::ProtocolNotOffered(_)),
            "\"chat, superchat\"",
        ),
        (
            "Protocol: chat",
            "Protocol: chat\nSec-WebSocket-Protocol: chat",
            |e| matches!(e, E::RepeatedProtocol(_)),
            "Protocol is repeated: \"chat, chat\"",
        ),
        (
            "Protocol: chat",
            "Extensions: permessage-deflate",
            |e| matches!(e, E::ExtensionNotOffered(_)),
            "the extension \"permessage-deflate\", which does not match an offer",
        ),
        ("Protocol: chat", "Extensions: ;", |e| matches!(e, E::ExtensionNotOffered(_)), "extension \";\""),
    ];
    for (from, to, is, text) in cases {
        assert!(GOOD.contains(from));
        let error = check(101, &GOOD.replacen(from, to, 1)).unwrap_err();
        assert!(is(&error) && error.to_string().contains(text), "{to}: {error}");
    }
    // A member that is not UTF-8 counts like any other.
    for (name, value) in [("upgrade", &b"websocket, \x89"[..]), ("sec-websocket-extensions", b"\x89")] {
        let mut headers = headers(GOOD);
        headers.insert(name, HeaderValue::from_bytes(value).unwrap());
        let offer = Offer::upgrade(&headers, ACCEPT, OwnOffer::new(&Settings::default()));
        let error = offer.check(StatusCode::SWITCHING_PROTOCOLS, &headers).unwrap_err();
        assert!(matches!(error, E::WrongUpgrade(_) | E::ExtensionNotOffered(_)), "{name}: {error}");
    }
    for status in [200, 204, 301, 401, 426, 500] {
        let error = check(status, GOOD).unwrap_err();
        assert!(matches!(&error, E::Status(its) if *its == status), "{error}");
        assert!(error.to_string().contains(&status.to_string()));
    }
}
