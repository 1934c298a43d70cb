//! gRPC and WebSockets on one port.
//!
//! tonic's `Routes` are converted into an axum `Router`, whose server can upgrade connections.
//! tonic's own `Server` cannot: it responds to a handshake with 101, and then ends the stream.

use axum::Router;
use tonic::service::Routes;
use tonic_health::{ServingStatus, server::health_reporter};
use tower_websocket::{WebSocket, WebSocketUpgradeLayer};

/// Serves the gRPC health service, and a WebSocket at `/ws` that echoes messages.
pub async fn app() -> Router {
    let (reporter, health) = health_reporter();
    reporter.set_service_status("", ServingStatus::Serving).await;
    let sockets = WebSocketUpgradeLayer::accept_all(echo);
    Routes::new(health).prepare().into_axum_router().route_service("/ws", sockets.into_service())
}

async fn echo(mut socket: WebSocket) {
    while let Some(Ok(message)) = socket.recv_data().await {
        if socket.send(message).await.is_err() {
            break;
        }
    }
}
