//! The client's request, and its checks of the response (RFC 6455 §4.1), on the wire.

use std::collections::HashSet;

use http::{HeaderValue, Request, StatusCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tower_websocket::{
    Connector,
    connect::{ConnectErrorKind, RequestError},
    handshake::ResponseError,
};

use crate::raw_server::{accepting, connect, header};

/// The requirements of §4.1 for the request.
#[tokio::test]
async fn request_follows_the_rfc() {
    let mut keys = HashSet::new();
    for _ in 0..20 {
        let connector = Connector::new().protocol("chat").protocol("superchat");
        let (connected, head) = connect(&connector, async |mut server| server.accept("").await).await;
        assert!(connected.is_ok());
        assert!(head.starts_with("GET /chat HTTP/1.1\r\n"), "{head}");
        for (name, value) in [
            ("host", "server.example.com"),
            ("upgrade", "websocket"),
            ("connection", "Upgrade"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-protocol", "chat, superchat"),
        ] {
            assert_eq!(header(&head, name), Some(value), "{head}");
        }
        assert_eq!(header(&head, "sec-websocket-extensions"), None);
        let key = header(&head, "sec-websocket-key").unwrap().to_owned();
        assert!(key.len() == 24 && key.ends_with("=="), "{key}");
        assert!(keys.insert(key), "a key must not be used twice");
    }
}

/// The requirements of §4.1 for the response, each with its own error, which returns the stream.
#[tokio::test]
async fn each_invalid_response_is_an_error_with_the_stream() {
    use ResponseError as E;
    type Is = fn(&ResponseError) -> bool;
    let cases: &[(&str, &str, Is)] = &[
        ("101 Switching Protocols", "200 OK", |e| matches!(e, E::Status(StatusCode::OK))),
        ("101 Switching Protocols", "401 Unauthorized", |e| matches!(e, E::Status(StatusCode::UNAUTHORIZED))),
        ("101 Switching Protocols", "302 Found", |e| matches!(e, E::Status(StatusCode::FOUND))),
        ("Upgrade: websocket", "X: 1", |e| matches!(e, E::MissingUpgrade)),
        ("Upgrade: websocket", "Upgrade: websockets", |e| matches!(e, E::WrongUpgrade(_))),
        ("Connection: Upgrade", "X: 1", |e| matches!(e, E::MissingConnection)),
        ("Connection: Upgrade", "Connection: keep-alive", |e| matches!(e, E::WrongConnection(_))),
        ("Sec-WebSocket-Accept: ", "X: ", |e| matches!(e, E::MissingAccept)),
        ("Sec-WebSocket-Accept: ", "Sec-WebSocket-Accept: x", |e| matches!(e, E::WrongAccept { .. })),
        ("Upgrade: websocket", "Upgrade: websocket\r\nSec-WebSocket-Accept: x", |e| {
            matches!(e, E::RepeatedAccept(_))
        }),
        ("Upgrade: websocket", "Upgrade: websocket\r\nSec-WebSocket-Extensions: permessage-deflate", |e| {
            matches!(e, E::ExtensionNotOffered(_))
        }),
        ("Upgrade: websocket", "Upgrade: websocket\r\nSec-WebSocket-Protocol: other", |e| {
            matches!(e, E::ProtocolNotOffered(_))
        }),
        (
            "Upgrade: websocket",
            "Upgrade: websocket\r\nSec-WebSocket-Protocol: chat\r\nSec-WebSocket-Protocol: chat",
            |e| matches!(e, E::RepeatedProtocol(_)),
        ),
    ];
    let connector = Connector::new().protocol("chat");
    for (from, to, is) in cases {
        let (connected, mut server) = connect(&connector, async |mut server| {
            let head = server.request().await;
            let response = accepting(&head, "");
            assert!(response.contains(from));
            server.io.write_all(response.replacen(from, to, 1).as_bytes()).await.unwrap();
            server.io.write_all(b"the body").await.unwrap();
            server.io
        })
        .await;
        let error = connected.unwrap_err();
        let ConnectErrorKind::Response(kind) = error.kind() else { panic!("{to}: {error}") };
        assert!(is(kind), "{to}: {error}");
        assert!(error.response().is_some());
        let (_, response, mut io) = error.into_parts();
        assert_eq!(
            response.unwrap().headers().contains_key("upgrade"),
            !to.starts_with("X") || *from != "Upgrade: websocket"
        );
        // Both directions continue to work.
        let mut body = [0; 8];
        io.read_exact(&mut body).await.unwrap();
        assert_eq!(&body, b"the body");
        io.write_all(b"again").await.unwrap();
        let mut again = [0; 5];
        server.read_exact(&mut again).await.unwrap();
        assert_eq!(&again, b"again");
    }
}

#[tokio::test]
async fn valid_responses_open() {
    for (from, to) in [
        ("Upgrade: websocket", "UPGRADE: WebSocket"),
        ("Connection: Upgrade", "connection: keep-alive, upgrade"),
        ("HTTP/1.1 101", "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 101"),
        ("101 Switching Protocols", "101 "),
    ] {
        let connector = Connector::new().protocol("chat");
        let (connected, server) = connect(&connector, async |mut server| {
            let head = server.request().await;
            let response = accepting(&head, "Sec-WebSocket-Protocol: chat\r\n").replacen(from, to, 1);
            // The first frame arrives with the response.
            server.io.write_all(&[response.as_bytes(), b"\x81\x02hi"].concat()).await.unwrap();
            server
        })
        .await;
        let (mut socket, response) = connected.unwrap();
        assert_eq!((response.status(), socket.protocol()), (StatusCode::SWITCHING_PROTOCOLS, Some("chat")));
        assert_eq!(socket.recv().await.unwrap().unwrap().to_text().unwrap(), "hi");
        drop(server);
    }
}

#[tokio::test]
async fn invalid_request_is_not_sent() {
    let (near, mut far) = duplex(100);
    let request = Request::post("ws://a/").body(()).unwrap();
    let error = Connector::new().connect(request, near).await.unwrap_err();
    assert!(matches!(error.kind(), ConnectErrorKind::Request(RequestError::MethodNotGet(_))));
    assert!(error.response().is_none());
    drop(error.into_io());
    assert_eq!(far.read(&mut [0]).await.unwrap(), 0);
}

#[test]
fn subprotocol_must_be_a_token() {
    for name in ["", "a b", "a,b", "é", "a/b", "\"a\""] {
        let made = std::panic::catch_unwind(|| Connector::new().protocol(name));
        assert!(made.is_err(), "{name:?}");
    }
    let _ = Connector::new().protocol("v1.chat~!#$%&'*+-.^_`|");
}

#[tokio::test]
async fn subprotocols_of_the_request_are_offered_first() {
    let (near, far) = duplex(10_000);
    let mut request = Request::get("ws://a/").body(()).unwrap();
    // Without empty and repeated ones, which some servers reject.
    for line in ["v2,, v1,v2", "", ", V1"] {
        request.headers_mut().append("sec-websocket-protocol", HeaderValue::from_static(line));
    }
    let connector = Connector::new().protocol("v1").protocol("v0").protocol("v0");
    let mut server = crate::raw_server::RawServer { io: far };
    let (connected, head) =
        tokio::join!(connector.connect(request, near), server.accept("Sec-WebSocket-Protocol: v1\r\n"));
    assert_eq!(header(&head, "sec-websocket-protocol"), Some("v2, v1, V1, v0"));
    assert_eq!(connected.unwrap().0.protocol(), Some("v1"));
}
