//! Behaviors of AnyEvent::WebSocket::Server in the opening handshake that no other test here is
//! named after.

use std::sync::Arc;

use futures_util::{SinkExt, StreamExt};
use http::{Request, Response, StatusCode};
use tokio::{io::duplex, sync::Notify};
use tower::service_fn;
use tower_websocket::{
    AcceptAll, Acceptor, Config, Handshake, Message, Rejection, Shutdown, WebSocketUpgradeLayer, serve,
};

use crate::{
    request::{answer, upgradable, upgrade_without},
    server::in_memory,
    wire::{Wire, head, soon},
};

/// Row 10. There it was the older of two ways; here it is the handshake service as well.
#[tokio::test]
async fn check_returns_values_or_rejects() {
    fn validate(request: &Request<Handshake>) -> Result<(u16, u8), &'static str> {
        let (year, month) = request.uri().path()[1..].split_once('/').ok_or("no month")?;
        Ok((year.parse().map_err(|_| "no year")?, month.parse().map_err(|_| "no month")?))
    }
    let acceptor = Acceptor::new(service_fn(async |request: Request<Handshake>| {
        let date = validate(&request).map_err(|text| (StatusCode::NOT_FOUND, text))?;
        Ok::<_, Rejection>(request.into_body().accept(date))
    }));
    for (path, expected) in
        [("/2013/10", Ok((2013, 10))), ("/2013", Err("no month")), ("/year/10", Err("no year"))]
    {
        let (client, server) = duplex(1024);
        let mut wire = Wire::new(client);
        wire.send(head(path)).await;
        match soon(acceptor.accept(server)).await {
            Ok((_, date)) => assert_eq!(Ok(date), expected, "{path}"),
            Err(error) => {
                let body = error.rejection().unwrap().response().body();
                assert_eq!(Err(std::str::from_utf8(body.as_bytes().unwrap()).unwrap()), expected, "{path}");
            }
        }
    }
}

/// Row 11. There the limit applies to frames, and 128 of them make a message of any size.
#[tokio::test]
async fn payload_limit_applies_to_messages() {
    let config = Config::new().max_message_size(65_536);
    let handler = async |mut socket: tower_websocket::WebSocket, ()| {
        while let Some(Ok(message)) = socket.recv().await {
            if !message.is_close() {
                let _ = socket.send(message.len().to_string()).await;
            }
        }
    };
    let layer = WebSocketUpgradeLayer::new(AcceptAll, handler).with_config(config);
    let mut socket = in_memory(layer.into_service()).open("/").await;
    socket.send(Message::binary(vec![0; 65_536])).await.unwrap();
    assert_eq!(soon(socket.next()).await.unwrap().unwrap().to_text().unwrap(), "65536");
    socket.send(Message::binary(vec![0; 65_537])).await.unwrap();
    let Message::Close(Some(frame)) = soon(socket.next()).await.unwrap().unwrap() else { panic!("no Close") };
    assert_eq!(u16::from(frame.code), 1009);
}

/// Row 24. There an object is freed; here the count shows it.
#[tokio::test]
async fn connection_is_freed_after_its_end() {
    let shutdown = Shutdown::new();
    let opened = Arc::new(Notify::new());
    let layer = {
        let opened = Arc::clone(&opened);
        WebSocketUpgradeLayer::new(AcceptAll, move |mut socket, ()| {
            opened.notify_one();
            async move { while let Some(Ok(_)) = socket.recv().await {} }
        })
    };
    let service = layer.with_config(Config::new().with_shutdown(&shutdown)).into_service();
    let mut sockets = Vec::new();
    for expected in 1..=3 {
        sockets.push(in_memory(service.clone()).open("/").await);
        soon(opened.notified()).await;
        assert_eq!(shutdown.connections(), expected);
    }
    for mut socket in sockets {
        socket.close(None).await.unwrap();
        while let Some(Ok(_)) = soon(socket.next()).await {}
    }
    soon(shutdown.idle()).await;
    assert_eq!(shutdown.connections(), 0);
}

/// Row 28. There `keep-alive, Upgrade` is accepted too, but so are a missing host and any key.
#[tokio::test]
async fn header_lists_are_parsed() {
    let cases: [&[(&str, &str)]; 4] = [
        &[("upgrade", "websocket"), ("connection", "keep-alive, Upgrade")],
        &[("upgrade", "WebSocket"), ("connection", "UPGRADE")],
        &[("upgrade", "h2c, websocket"), ("connection", "upgrade,http2-settings")],
        &[
            ("upgrade", "h2c"),
            ("upgrade", "websocket"),
            ("connection", "keep-alive"),
            ("connection", "upgrade"),
        ],
    ];
    let service = WebSocketUpgradeLayer::new(AcceptAll, async |_, ()| {}).into_service();
    for lines in cases {
        let request = upgrade_without("/", &["Upgrade", "Connection"]);
        let request = lines.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let response: Response<String> = answer(service.clone(), upgradable(request.body(()).unwrap())).await;
        assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS, "{lines:?}");
    }
}

/// Row 28. There a head over 20,480 bytes is rejected; here hyper's limits apply, which are larger.
#[tokio::test]
async fn long_request_head_is_accepted() {
    let cookie = format!("Cookie: {}\r\nHost:", "a".repeat(60_000));
    let (client, server) = duplex(128 * 1024);
    let mut wire = Wire::new(client);
    wire.send(head("/").replace("Host:", &cookie)).await;
    soon(Acceptor::new(AcceptAll).accept(server)).await.unwrap();
    assert_eq!(wire.response().await.status(), StatusCode::SWITCHING_PROTOCOLS);
}

/// Rows 16 and 20, behind this crate's server.
#[tokio::test(start_paused = true)]
async fn serve_disconnects_a_client_that_never_finishes_its_request() {
    let half = &head("/")[..40];
    for bytes in ["", "garbage", half] {
        let (connections, listener) = tokio::sync::mpsc::unbounded_channel();
        let layer = WebSocketUpgradeLayer::new(AcceptAll, async |_, ()| {});
        let server = serve(InMemory(listener), layer.into_service());
        tokio::spawn(server.header_read_timeout(std::time::Duration::from_secs(3)).into_future());
        let (client, io) = duplex(1024);
        connections.send(io).unwrap();
        let start = tokio::time::Instant::now();
        let mut wire = Wire::new(client);
        wire.send(bytes).await;
        let answer = String::from_utf8(wire.until_end().await).unwrap();
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408 "), "{answer:?}");
        assert_eq!(start.elapsed().as_secs(), 3, "{bytes:?}");
    }
}

struct InMemory(tokio::sync::mpsc::UnboundedReceiver<tokio::io::DuplexStream>);

impl tower_websocket::server::Listener for InMemory {
    type Io = tokio::io::DuplexStream;
    type Addr = ();

    fn poll_accept(
        &mut self,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<(Self::Io, ())>> {
        self.0.poll_recv(cx).map(|io| Ok((io.ok_or(std::io::ErrorKind::BrokenPipe)?, ())))
    }
}
