//! A server for gRPC and WebSockets on one port. Ctrl-C stops it.
//!
//! ```sh
//! cargo run -p grpc
//! grpcurl -plaintext -proto health.proto 127.0.0.1:9021 grpc.health.v1.Health/Check
//! ```
//!
//! The WebSocket at `ws://127.0.0.1:9021/ws` echoes messages.

use tokio::net::TcpListener;
use tower_websocket::serve;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:9021").await?;
    println!("gRPC at http://127.0.0.1:9021, WebSockets at ws://127.0.0.1:9021/ws");
    serve(listener, grpc::app().await)
        .with_graceful_shutdown(async { drop(tokio::signal::ctrl_c().await) })
        .await
}
