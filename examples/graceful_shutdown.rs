//! A server that can be restarted while clients see only a Close.
//!
//! ```sh
//! cargo run --example graceful_shutdown
//! python3 -m websockets ws://127.0.0.1:9008/
//! ```
//!
//! Ctrl-C or SIGTERM stops it. It closes the listener at once, so the next process can bind the
//! port. It then sends Close 1001 on every WebSocket, and waits for the answers: up to five seconds
//! without progress, and ten in all.
//! The handler can still receive until the peer's Close arrives, but can no longer send.
//!
//! `--port N` sets the port (0 picks one).

use std::time::Duration;

use tokio::{net::TcpListener, signal};
use tower_websocket::{WebSocket, WebSocketUpgradeLayer, serve};

async fn count(mut socket: WebSocket) {
    let mut count = 0;
    while let Some(Ok(_)) = socket.recv_data().await {
        count += 1;
        if socket.send(format!("{count} messages so far")).await.is_err() {
            break;
        }
    }
    println!("a socket ended after {count} messages");
}

/// Completes on Ctrl-C or SIGTERM.
async fn told_to_end() {
    #[cfg(unix)]
    let terminated = async {
        match signal::unix::signal(signal::unix::SignalKind::terminate()) {
            Ok(mut terminate) => drop(terminate.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminated = std::future::pending();
    tokio::select! {
        _ = signal::ctrl_c() => {}
        () = terminated => {}
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let port = match &std::env::args().skip(1).collect::<Vec<_>>()[..] {
        [] => 9008,
        [flag, port] if flag == "--port" => port.parse()?,
        _ => return Err("usage: graceful_shutdown [--port N]".into()),
    };
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    println!("listening on ws://{}", listener.local_addr()?);
    let layer = WebSocketUpgradeLayer::accept_all(count);
    let server = serve(listener, layer.into_service()).drain_timeout(Duration::from_secs(10));
    let sockets = server.shutdown().clone();
    let server = server.with_graceful_shutdown({
        let sockets = sockets.clone();
        async move {
            told_to_end().await;
            println!("closing {} sockets", sockets.connections());
        }
    });
    server.await?;
    let left = sockets.drain(Duration::ZERO).await;
    println!("{left} sockets did not answer in time");
    Ok(())
}
