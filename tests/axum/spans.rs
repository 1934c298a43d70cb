//! What the feature `tracing` records for the extractor.

use std::{
    io::{Result, Write},
    sync::{Arc, Mutex},
};

use axum::{Router, response::Response, routing::any};
use http::Request;
use tokio::task::yield_now;
use tower_websocket::{CloseCode, axum::WebSocketUpgrade, testing::connect};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        Write::write(&mut *self.0.lock().unwrap(), bytes)
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn socket_has_a_span_and_rejection_an_event() {
    async fn upgrade(ws: WebSocketUpgrade) -> Response {
        ws.on_upgrade(async |mut socket| drop(socket.send("hello").await))
    }
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::DEBUG)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    // With a single subscriber, a callsite that another thread registers first would be disabled
    // for all.
    let _second = tracing::Dispatch::new(tracing::subscriber::NoSubscriber::new());
    let _guard = tracing::subscriber::set_default(subscriber);

    let app = Router::new().route("/rooms", any(upgrade));
    let foreign = Request::get("/rooms").header("origin", "https://evil.example");
    assert!(connect(app.clone(), foreign).await.is_err());
    let refused = "handshake rejected: the origin \"https://evil.example\"";
    assert!(log.text().contains(refused), "{}", log.text());

    connect(app, "/rooms").await.unwrap().close(CloseCode::NORMAL, "").await;
    while !log.text().contains(": closed") {
        yield_now().await;
    }
    for field in ["websocket{method=GET path=\"/rooms\" id=", "close_code=1000", "messages_sent=1"] {
        assert!(log.text().contains(field), "no {field} in {}", log.text());
    }
}
