//! Counters for Prometheus, beside the socket.
//!
//! ```sh
//! cargo run --example metrics
//! curl http://127.0.0.1:9005/metrics
//! ```
//!
//! An echo at `ws://127.0.0.1:9005/ws`, which a page on no other origin may open; `--port N` (0 picks one).
//!
//! | metric | labels |
//! | --- | --- |
//! | `websocket_open` | |
//! | `websocket_accepted_total` | |
//! | `websocket_rejected_total` | `kind`, `status` |
//! | `websocket_closed_total` | `code` |
//! | `websocket_messages_total`, `websocket_bytes_total` | `direction` |
//!
//! What is rejected is seen by a layer around the layer, as any HTTP response is; why, is in the response's extensions.
//! What goes over an open socket is counted where the handler has it.

mod metered;

use axum::{
    Router, extract::Request, middleware::Next, middleware::from_fn, response::Response, routing::get,
};
use metrics::counter;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tokio::net::TcpListener;
use tower_websocket::{WebSocket, WebSocketUpgradeLayer, handshake::HandshakeErrorKind};

use metered::Metered;

async fn echo(socket: WebSocket) {
    let mut socket = Metered::new(socket);
    while let Some(Ok(message)) = socket.recv_data().await {
        if socket.send(message).await.is_err() {
            break;
        }
    }
}

async fn count(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    if let Some(kind) = response.extensions().get::<HandshakeErrorKind>() {
        let status = response.status().as_str().to_owned();
        counter!("websocket_rejected_total", "kind" => kind.as_str(), "status" => status).increment(1);
    }
    response
}

fn app(prometheus: PrometheusHandle) -> Router {
    let sockets = WebSocketUpgradeLayer::accept_all(echo);
    Router::new()
        .route_service("/ws", sockets.into_service())
        .layer(from_fn(count))
        .route("/metrics", get(async move || prometheus.render()))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let port = match &std::env::args().skip(1).collect::<Vec<_>>()[..] {
        [] => 9005,
        [flag, port] if flag == "--port" => port.parse()?,
        _ => return Err("usage: metrics [--port N]".into()),
    };
    let prometheus = PrometheusBuilder::new().install_recorder()?;
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app(prometheus)).await?;
    Ok(())
}

#[cfg(all(test, feature = "testing"))]
mod tests;
