//! Handlers that take tokio-tungstenite's stream.

use std::{future::IntoFuture, net::SocketAddr, time::Duration};

use axum::{Router, routing::get};
use futures_util::{SinkExt, StreamExt};
use http::{Request, Response, StatusCode};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tower::service_fn;
use tower_websocket::{
    CloseFrame, Config, Handshake, HandshakeService, Message, Rejection, Shutdown, WebSocketUpgradeLayer,
    io::UpgradedIo, serve, upgrade::stream_handler,
};

use crate::{
    server::in_memory,
    wire::{Wire, head, soon, text_frame},
};

/// Attaches the query.
fn handshake() -> impl HandshakeService<Extra = String> + Sync {
    service_fn(async |request: Request<Handshake>| match request.uri().query().map(str::to_owned) {
        Some(name) => Ok::<Response<String>, Rejection>(request.into_body().accept(name)),
        None => Err(StatusCode::BAD_REQUEST.into()),
    })
}

/// Greets, echoes, and finishes the closing handshake.
async fn greet(mut stream: WebSocketStream<UpgradedIo>, name: String) {
    let is_bare = stream.get_ref().as_tcp().is_some();
    stream.send(Message::text(format!("{name}, bare TCP: {is_bare}"))).await.unwrap();
    while let Some(Ok(message)) = stream.next().await {
        if message.is_text() || message.is_binary() {
            stream.send(message).await.unwrap();
        }
    }
}

/// Starts a server on a free port, with the layer at `/`, and a page at `/page`.
async fn start(is_axum: bool, config: Config) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let layer = WebSocketUpgradeLayer::new(handshake(), stream_handler(greet)).with_config(config);
    let router = Router::new().route("/", get(async || "no WebSocket").layer(layer));
    let router = router.route("/page", get(async || "page"));
    if is_axum {
        tokio::spawn(axum::serve(listener, router).into_future());
    } else {
        tokio::spawn(serve(listener, router).into_future());
    }
    addr
}

async fn wire(addr: SocketAddr) -> Wire<TcpStream> {
    Wire::new(TcpStream::connect(addr).await.unwrap())
}

async fn converse<IO>(mut socket: WebSocketStream<IO>, greeting: &str)
where
    WebSocketStream<IO>: StreamExt<Item = Result<Message, tower_websocket::Error>>
        + SinkExt<Message, Error = tower_websocket::Error>
        + Unpin,
{
    let mut expected = vec![Message::text(greeting)];
    for message in [Message::text("hello"), Message::binary(vec![7; 300_000])] {
        socket.send(message.clone()).await.unwrap();
        expected.push(message);
    }
    for message in expected {
        assert_eq!(soon(socket.next()).await.unwrap().unwrap(), message);
    }
    let frame = CloseFrame { code: 4000.into(), reason: "enough".into() };
    socket.send(Message::Close(Some(frame.clone()))).await.unwrap();
    assert_eq!(soon(socket.next()).await.unwrap().unwrap(), Message::Close(Some(frame)));
    assert!(soon(socket.next()).await.is_none());
}

#[tokio::test]
async fn handler_has_the_stream_and_the_value() {
    for is_axum in [true, false] {
        let addr = start(is_axum, Config::new()).await;
        converse(wire(addr).await.open("/?Ada").await, "Ada, bare TCP: true").await;

        // Ordinary requests and rejections work as with any other handler, and the connection can
        // still open a WebSocket.
        let mut wire = wire(addr).await;
        wire.send("GET /page HTTP/1.1\r\nHost: a\r\n\r\n").await;
        assert_eq!(wire.response().await.body(), "page");
        wire.send(head("/")).await;
        assert_eq!(wire.response().await.status(), StatusCode::BAD_REQUEST);
        converse(wire.open("/?Bo").await, "Bo, bare TCP: true").await;
    }
}

#[tokio::test]
async fn frames_in_the_requests_packet_reach_the_stream() {
    for is_axum in [true, false] {
        for cut in [0, 1, 4, 9] {
            let mut wire = wire(start(is_axum, Config::new()).await).await;
            let (one, two) = (text_frame("one"), text_frame("two"));
            wire.send([head("/?Ada").as_bytes(), &one, &two[..cut]].concat()).await;
            assert_eq!(wire.response().await.status(), StatusCode::SWITCHING_PROTOCOLS);
            wire.send(&two[cut..]).await;
            let mut socket = wire.into_websocket().await;
            for expected in ["Ada, bare TCP: true", "one", "two"] {
                assert_eq!(soon(socket.next()).await.unwrap().unwrap(), Message::text(expected), "{cut}");
            }
        }
    }
}

/// The stream does not support compression: if it was negotiated, the socket is closed with 1011
/// and the handler is not called.
#[cfg(feature = "deflate")]
#[tokio::test]
async fn compression_closes_with_1011() {
    use tower_websocket::Deflate;

    let config = Config::new().deflate(Deflate::new());
    let mut wire = wire(start(false, config.clone()).await).await;
    let request = head("/?Ada");
    let (end, offer) = (request.len() - 2, "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n");
    wire.send([&request[..end], offer].concat()).await;
    assert_eq!(wire.response().await.headers()["sec-websocket-extensions"], "permessage-deflate");
    let mut socket = wire.into_websocket().await;
    let Some(Ok(Message::Close(Some(frame)))) = soon(socket.next()).await else { panic!("no Close") };
    assert_eq!(u16::from(frame.code), 1011);
    assert!(soon(socket.next()).await.is_none());
    // A client that does not offer compression gets the stream.
    converse(self::wire(start(true, config).await).await.open("/?Bo").await, "Bo, bare TCP: true").await;
}

/// The connection counts until the handler returns. Only the handler can send 1001.
#[tokio::test]
async fn shutdown_counts_the_stream_until_the_handler_returns() {
    let shutdown = Shutdown::new();
    let layer = WebSocketUpgradeLayer::new(handshake(), stream_handler(greet))
        .with_config(Config::new().with_shutdown(&shutdown));
    let mut socket = in_memory(layer.into_service()).open("/?Ada").await;
    assert_eq!(soon(socket.next()).await.unwrap().unwrap(), Message::text("Ada, bare TCP: false"));
    shutdown.start();
    socket.send(Message::text("still")).await.unwrap();
    assert_eq!(soon(socket.next()).await.unwrap().unwrap(), Message::text("still"));
    assert_eq!(shutdown.connections(), 1);
    socket.close(None).await.unwrap();
    assert_eq!(soon(shutdown.drain(Duration::from_secs(30))).await, 0);
}

/// At the deadline the handler and its stream are dropped.
#[tokio::test(start_paused = true)]
async fn drain_drops_the_handler_at_its_deadline() {
    let shutdown = Shutdown::new();
    let layer = WebSocketUpgradeLayer::new(handshake(), stream_handler(greet))
        .with_config(Config::new().with_shutdown(&shutdown));
    let mut socket = in_memory(layer.into_service()).open("/?Ada").await;
    assert!(soon(socket.next()).await.unwrap().unwrap().is_text());
    assert_eq!(shutdown.drain(Duration::from_secs(30)).await, 1);
    assert!(!matches!(soon(socket.next()).await, Some(Ok(_))), "the end of the stream");
    soon(shutdown.idle()).await;
}
