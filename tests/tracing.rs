//! The feature `tracing`: a span for each connection, and events for refusals.
#![cfg(feature = "tracing")]

use std::{
    io::Write,
    sync::{Arc, Mutex},
};

use futures_util::SinkExt;
use http::{Request, Response};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::client_async;
use tower::{BoxError, service_fn};
use tower_websocket::{
    Handshake, Message, Rejection, WebSocket, WebSocketUpgradeLayer, serve,
    tungstenite::{client::IntoClientRequest, protocol::CloseFrame},
};
use tracing_subscriber::fmt::format::FmtSpan;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn line(&self, with: &str) -> String {
        let log = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        let line = log.lines().find(|line| line.contains(with));
        line.unwrap_or_else(|| panic!("no {with:?} in {log}")).to_owned()
    }
}

async fn handshake(request: Request<Handshake>) -> Result<Response<()>, Rejection> {
    match request.uri().path() {
        "/boom" => Err(BoxError::from("the database is down").into()),
        _ => {
            let mut handshake = request.into_body();
            handshake.select_protocol(["chat"]);
            Ok(handshake.accept(()))
        }
    }
}

async fn echo(mut socket: WebSocket, (): ()) {
    tracing::info!("in the handler");
    while let Some(Ok(message)) = socket.recv().await {
        if message.is_text() {
            let _ = socket.send(message).await;
        }
    }
}

/// Everything is in one test: the subscriber is the process's.
#[tokio::test]
async fn a_span_tells_a_connections_story_and_an_event_a_refusals_cause() {
    let log = Log::default();
    let writer = log.clone();
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::DEBUG)
        .with_span_events(FmtSpan::CLOSE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .init();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let layer = WebSocketUpgradeLayer::new(service_fn(handshake), echo);
    let server = serve(listener, layer.into_service());
    let shutdown = server.shutdown().clone();
    tokio::spawn(server.into_future());
    let connect = async |path: &str| {
        let mut request = format!("ws://{addr}{path}").into_client_request().unwrap();
        request.headers_mut().insert("sec-websocket-protocol", "chat".parse().unwrap());
        client_async(request, TcpStream::connect(addr).await.unwrap()).await
    };

    let (mut client, _) = connect("/rooms/7").await.unwrap();
    client.send(Message::text("hello")).await.unwrap();
    client.send(Message::text("you")).await.unwrap();
    let reason = CloseFrame { code: 4000.into(), reason: "enough".into() };
    client.close(Some(reason)).await.unwrap();
    while let Some(Ok(_)) = futures_util::StreamExt::next(&mut client).await {}
    shutdown.idle().await;
    assert!(log.line("in the handler").contains("path=\"/rooms/7\""));
    let closed = log.line(": closed");
    for field in [
        "websocket{method=GET path=\"/rooms/7\"",
        "peer=127.0.0.1:",
        "protocol=\"chat\"",
        "close_code=4000",
        "close_reason=\"enough\"",
        "messages_received=2",
        "bytes_received=8",
        "messages_sent=2",
        "bytes_sent=8",
        "duration_ms=",
    ] {
        assert!(closed.contains(field), "no {field} in {closed}");
    }
    assert!(!closed.contains("error="));

    assert!(connect("/boom").await.is_err());
    let refused = log.line("refused");
    for field in ["WARN", "path=\"/boom\"", "status=500", "source=the database is down"] {
        assert!(refused.contains(field), "no {field} in {refused}");
    }
}
