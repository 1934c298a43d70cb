//! Prometheus metrics for WebSockets.
//!
//! ```sh
//! cargo run --example metrics
//! curl http://127.0.0.1:9018/metrics
//! ```
//!
//! An echo server runs at `ws://127.0.0.1:9018/ws`; pages of other origins are rejected. `--port N`
//! sets the port (0 picks one).
//!
//! - `websocket_open`
//! - `websocket_rejected_total`, with the labels `kind` and `status`
//! - `websocket_closed_total`, with the label `code`
//! - `websocket_messages_total`, `websocket_bytes_total` and `websocket_wire_bytes_total`, with the
//!   label `direction`
//!
//! A layer around the WebSocket layer sees rejections, as it sees any HTTP response. The response's
//! extensions contain the cause. [`Shutdown`] counts open sockets. [`Config::on_end`] reports how
//! each socket ended and what it transferred. The handlers contain no code for metrics.

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

/// Returns the service. `shutdown` counts its open sockets.
fn app(prometheus: PrometheusHandle, shutdown: Shutdown) -> Router {
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
    axum::serve(listener, app(prometheus, Shutdown::new())).await?;
    Ok(())
}

#[cfg(all(test, feature = "testing"))]
mod tests;
