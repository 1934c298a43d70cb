//! The feature `tracing`: a span for each connection, and events for rejections.
#![cfg(feature = "tracing")]

use std::{
    io::Write,
    sync::{Arc, Mutex},
};

use futures_util::SinkExt;
use http::{Request, Response};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_tungstenite::client_async;
use tower::{BoxError, ServiceBuilder, service_fn};
use tower_http::trace::TraceLayer;
use tower_websocket::{
    Handshake, Message, Rejection, WebSocket, WebSocketUpgradeLayer, serve,
    tungstenite::{client::IntoClientRequest, protocol::CloseFrame},
};
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id},
};
use tracing_subscriber::{
    Layer, Registry,
    fmt::format::FmtSpan,
    layer::{Context, SubscriberExt},
    registry::LookupSpan,
};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        Write::write(&mut *self.0.lock().unwrap(), bytes)
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

async fn echo(mut socket: WebSocket, (): ()) -> Result<(), &'static str> {
    tracing::info!("in the handler");
    while let Some(Ok(message)) = socket.recv_data().await {
        if message == Message::text("fail") {
            return Err("the table is locked");
        }
        let _ = socket.send(message).await;
    }
    Ok(())
}

/// This is the subscriber of the process, for every test that does not set its own.
#[tokio::test]
async fn span_describes_a_connection_and_event_a_rejection() {
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

    // A handler that fails.
    let (mut client, _) = connect("/rooms/8").await.unwrap();
    client.send(Message::text("fail")).await.unwrap();
    while let Some(Ok(_)) = futures_util::StreamExt::next(&mut client).await {}
    shutdown.idle().await;
    let failed = log.line("handler failed: the table is locked");
    assert!(failed.contains("WARN") && failed.contains("path=\"/rooms/8\""), "{failed}");
    let closed = log.line("error=\"the table is locked\"");
    assert!(closed.contains("path=\"/rooms/8\"") && closed.contains("close_code=1011"), "{closed}");

    // A server that does not upgrade.
    let (client, server) = tokio::io::duplex(1024);
    let layer = WebSocketUpgradeLayer::new(service_fn(handshake), echo);
    let service = hyper_util::service::TowerToHyperService::new(layer.into_service());
    let server = hyper::server::conn::http1::Builder::new()
        .serve_connection(hyper_util::rt::TokioIo::new(server), service);
    let request = "ws://a/".into_client_request().unwrap();
    let (_, opened) = tokio::join!(server, client_async(request, client));
    let (mut client, _) = opened.unwrap();
    assert!(futures_util::StreamExt::next(&mut client).await.unwrap().is_err());
    // The layer's task wakes up on this thread.
    tokio::task::yield_now().await;
    let failed = log.line("does not upgrade");
    assert!(failed.contains("WARN") && failed.contains("`with_upgrades()`"), "{failed}");

    assert!(connect("/boom").await.is_err());
    let refused = log.line("rejected");
    for field in ["WARN", "path=\"/boom\"", "status=500", "source=the database is down"] {
        assert!(refused.contains(field), "no {field} in {refused}");
    }
}

/// Records spans by their names.
#[derive(Clone, Default)]
struct Spans(Arc<Mutex<Seen>>);

#[derive(Default)]
struct Seen {
    opened: Vec<String>,
    closed: Vec<String>,
    follows: Vec<(String, String)>,
    /// The message of each event, and its spans.
    events: Vec<(String, Vec<String>)>,
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Spans {
    fn on_new_span(&self, _: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let span = context.span(id).unwrap();
        let names: Vec<_> = span.scope().from_root().map(|span| span.name()).collect();
        self.0.lock().unwrap().opened.push(names.join(":"));
    }

    fn on_follows_from(&self, id: &Id, follows: &Id, context: Context<'_, S>) {
        let name = |id| context.span(id).unwrap().name().to_owned();
        self.0.lock().unwrap().follows.push((name(id), name(follows)));
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        struct Message(String);
        impl Visit for Message {
            fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
                if field.name() == "message" {
                    self.0 = format!("{value:?}");
                }
            }
        }
        let mut message = Message(String::new());
        event.record(&mut message);
        let names = context.event_scope(event).into_iter().flatten().map(|span| span.name().to_owned());
        self.0.lock().unwrap().events.push((message.0, names.collect()));
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let name = context.span(&id).unwrap().name().to_owned();
        self.0.lock().unwrap().closed.push(name);
    }
}

/// The span of a socket used to be a child of the request's span, and kept it open as long as the
/// socket. Exporters send a span when it closes.
#[tokio::test]
async fn request_span_closes_while_the_socket_is_open() {
    let spans = Spans::default();
    let _guard = tracing::subscriber::set_default(Registry::default().with(spans.clone()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let layer = WebSocketUpgradeLayer::new(service_fn(handshake), echo);
    let service = ServiceBuilder::new().layer(TraceLayer::new_for_http()).service(layer.into_service());
    let server = serve(listener, service);
    let shutdown = server.shutdown().clone();
    tokio::spawn(server.into_future());

    let request = format!("ws://{addr}/").into_client_request().unwrap();
    let (mut client, _) = client_async(request, TcpStream::connect(addr).await.unwrap()).await.unwrap();
    client.send(Message::text("hello")).await.unwrap();
    assert_eq!(futures_util::StreamExt::next(&mut client).await.unwrap().unwrap(), Message::text("hello"));
    {
        let seen = spans.0.lock().unwrap();
        assert_eq!(seen.opened, ["request", "websocket"]);
        assert_eq!(seen.closed, ["request"]);
        assert_eq!(seen.follows, [("websocket".to_owned(), "request".to_owned())]);
        let (_, names) = seen.events.iter().find(|(message, _)| message == "in the handler").unwrap();
        assert_eq!(names, &["websocket"]);
    }
    client.close(None).await.unwrap();
    while let Some(Ok(_)) = futures_util::StreamExt::next(&mut client).await {}
    shutdown.idle().await;
    assert_eq!(spans.0.lock().unwrap().closed, ["request", "websocket"]);

    // Rejections and ordinary requests are recorded in the request's span.
    for (path, key) in [("/boom", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"), ("/", "")] {
        spans.0.lock().unwrap().events.clear();
        let upgrade = if key.is_empty() { "" } else { "Upgrade: websocket\r\n" };
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {addr}\r\nConnection: upgrade, close\r\n{upgrade}\
             Sec-WebSocket-Version: 13\r\n{key}\r\n"
        );
        let mut client = TcpStream::connect(addr).await.unwrap();
        client.write_all(request.as_bytes()).await.unwrap();
        client.read_to_end(&mut Vec::new()).await.unwrap();
        let seen = spans.0.lock().unwrap();
        let refused = seen.events.iter().filter(|(message, _)| message.starts_with("handshake rejected"));
        assert_eq!(refused.map(|(_, names)| names.concat()).collect::<Vec<_>>(), ["request"], "{path}");
    }
}
