//! Servers other than hyper, which hand over their IO with the request.

use std::{error::Error, io};

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use http::{Method, Request, StatusCode, Version, request::Builder};
use tokio::{
    io::{AsyncWriteExt, DuplexStream, duplex},
    sync::oneshot,
};
use tokio_tungstenite::WebSocketStream;
use tower::ServiceExt;
use tower_websocket::{
    AcceptAll, Acceptor, Message, Shutdown,
    accept::UpgradeError,
    handshake::{ConnectProtocol, HandshakeError, HandshakeErrorKind, HandshakeKind},
    io::{PendingIo, Rewind},
    tungstenite::protocol::Role,
};

use crate::{
    request::{answer, upgrade},
    server::echo_layer,
    wire::{soon, text_frame},
};

/// Returns a request over a version in which a WebSocket is a stream.
fn extended_connect(version: Version, protocol: &str) -> Builder {
    Request::builder()
        .method(Method::CONNECT)
        .version(version)
        .uri("https://server.example.com/chat")
        .header("sec-websocket-version", "13")
        .extension(ConnectProtocol::new(protocol))
}

/// Opens a tokio-tungstenite client on the IO that the server has handed over.
async fn client(io: DuplexStream) -> WebSocketStream<DuplexStream> {
    WebSocketStream::from_raw_socket(io, Role::Client, None).await
}

#[tokio::test]
async fn layer_takes_the_io_of_any_server() {
    for (request, status) in [
        (upgrade("/chat"), StatusCode::SWITCHING_PROTOCOLS),
        (extended_connect(Version::HTTP_2, "websocket"), StatusCode::OK),
        (extended_connect(Version::HTTP_3, "websocket"), StatusCode::OK),
    ] {
        let (hand_over, io) = oneshot::channel::<DuplexStream>();
        let request = request.extension(PendingIo::new(io)).body(()).unwrap();
        let response = answer(echo_layer().into_service(), request).await;
        assert_eq!((response.status(), response.body().as_str()), (status, ""));
        let (server, io) = duplex(1024);
        hand_over.send(server).unwrap();
        let mut client = client(io).await;
        // More than a boxed stream accepts at once.
        for message in [Message::text("hello"), Message::binary(vec![7; 300_000])] {
            let sent = message.clone();
            let (mut sink, mut stream) = (&mut client).split();
            let (sent, received) = tokio::join!(sink.send(sent), soon(stream.next()));
            sent.unwrap();
            assert_eq!(received.unwrap().unwrap(), message);
        }
        client.close(None).await.unwrap();
        assert!(soon(client.next()).await.unwrap().unwrap().is_close());
        assert!(soon(client.next()).await.is_none());
    }
}

#[tokio::test]
async fn acceptor_takes_it_too_and_sees_the_kind_of_handshake() {
    for (request, expected) in [
        (upgrade("/"), HandshakeKind::Upgrade),
        (extended_connect(Version::HTTP_3, "websocket"), HandshakeKind::ExtendedConnect),
    ] {
        let (server, io) = duplex(1024);
        let pending = PendingIo::new(async { Ok::<_, io::Error>(server) });
        let shutdown = Shutdown::new();
        let request = request.extension(pending).extension(shutdown.clone()).body(()).unwrap();
        let (response, upgrading) = Acceptor::new(AcceptAll).accept_request(request).await.unwrap();
        assert_eq!(response.status() == StatusCode::OK, expected == HandshakeKind::ExtendedConnect);
        let (mut socket, ()) = upgrading.await.unwrap();
        assert_eq!(shutdown.connections(), 1);
        socket.send("hello").await.unwrap();
        assert_eq!(soon(client(io).await.next()).await.unwrap().unwrap(), Message::text("hello"));
    }
}

#[tokio::test]
async fn bytes_read_beyond_the_request_come_first() {
    let (server, mut io) = duplex(1024);
    let server = Rewind::new(server, Bytes::from(text_frame("one")));
    io.write_all(&text_frame("two")).await.unwrap();
    let pending = PendingIo::new(async { Ok::<_, io::Error>(server) });
    let request = upgrade("/").extension(pending).body(()).unwrap();
    let (_, upgrading) = Acceptor::new(AcceptAll).accept_request(request).await.unwrap();
    let (mut socket, ()) = upgrading.await.unwrap();
    for expected in ["one", "two"] {
        assert_eq!(soon(socket.recv()).await.unwrap().unwrap(), Message::text(expected));
    }
}

#[tokio::test]
async fn missing_io_is_an_error() {
    let (hand_over, io) = oneshot::channel::<DuplexStream>();
    let request = upgrade("/").extension(PendingIo::new(io)).body(()).unwrap();
    let (_, upgrading) = Acceptor::new(AcceptAll).accept_request(request).await.unwrap();
    drop(hand_over);
    let error = soon(upgrading).await.unwrap_err();
    assert!(matches!(error, UpgradeError::NotHandedOver(_)));
    assert_eq!(error.to_string(), "the connection was not handed over after the handshake");
    assert_eq!(error.source().unwrap().to_string(), "channel closed");
}

#[tokio::test]
async fn io_is_taken_once() {
    let (_hand_over, io) = oneshot::channel::<DuplexStream>();
    let pending = PendingIo::new(io);
    let request = || upgrade("/").extension(pending.clone()).body(()).unwrap();
    let acceptor = Acceptor::new(AcceptAll);
    let _upgrading = acceptor.accept_request(request()).await.unwrap();
    let error = acceptor.accept_request(request()).await.unwrap_err();
    assert!(matches!(error, HandshakeError::NotUpgradable));
    let response = echo_layer().into_service().oneshot(request()).await.unwrap();
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    let cause = response.extensions().get::<HandshakeErrorKind>().unwrap();
    assert_eq!(cause.as_str(), "not_upgradable");
}

#[tokio::test]
async fn connect_for_another_protocol_is_passed_on() {
    let (_hand_over, io) = oneshot::channel::<DuplexStream>();
    let request = extended_connect(Version::HTTP_3, "connect-udp").extension(PendingIo::new(io));
    let response = answer(echo_layer().into_service(), request.body(()).unwrap()).await;
    assert_eq!(response.status(), StatusCode::NOT_IMPLEMENTED);
}
