//! Counters for Prometheus, beside the socket.
//!
//! ```sh
//! cargo run --example metrics
//! curl http://127.0.0.1:9018/metrics
//! ```
//!
//! An echo at `ws://127.0.0.1:9018/ws`, which a page on no other origin may open; `--port N` (0
//! picks one).
//!
//! | metric | labels |
//! | --- | --- |
//! | `websocket_open` | |
//! | `websocket_rejected_total` | `kind`, `status` |
//! | `websocket_closed_total` | `code` |
//! | `websocket_messages_total`, `websocket_bytes_total`, `websocket_wire_bytes_total` | `direction` |
//!
//! What is rejected is seen by a layer around the layer, as any HTTP response is; why, is in the
//! response's extensions. Open sockets are counted by [`Shutdown`], and how they ended and what
//! went over them by [`Config::on_end`]: handlers know nothing of it.

use axum::{
    Router, extract::Request, middleware::Next, middleware::from_fn, response::Response, routing::get,
};
use metrics::{counter, gauge};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tokio::net::TcpListener;
use tower_websocket::{
    Config, Shutdown, WebSocket, WebSocketUpgradeLayer,
    handshake::HandshakeErrorKind,
    metrics::{Summary, Traffic},
};

async fn echo(mut socket: WebSocket) {
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

fn count_end(summary: &Summary) {
    counter!("websocket_closed_total", "code" => summary.close_info.code().to_string()).increment(1);
    count_traffic("in", summary.received);
    count_traffic("out", summary.sent);
}

fn count_traffic(direction: &'static str, traffic: Traffic) {
    counter!("websocket_messages_total", "direction" => direction).increment(traffic.messages);
    counter!("websocket_bytes_total", "direction" => direction).increment(traffic.bytes);
    counter!("websocket_wire_bytes_total", "direction" => direction).increment(traffic.wire_bytes);
}

fn app(prometheus: PrometheusHandle) -> Router {
    // It counts the sockets that are open.
    let shutdown = Shutdown::new();
    let config = Config::new().with_shutdown(&shutdown).on_end(count_end);
    let sockets = WebSocketUpgradeLayer::accept_all(echo).with_config(config);
    let metrics = async move || {
        gauge!("websocket_open").set(shutdown.connections() as f64);
        prometheus.render()
    };
    Router::new()
        .route_service("/ws", sockets.into_service())
        .layer(from_fn(count))
        .route("/metrics", get(metrics))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let port = match &std::env::args().skip(1).collect::<Vec<_>>()[..] {
        [] => 9018,
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
