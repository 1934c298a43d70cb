//! A server on a free port.

use std::{future::Future, net::SocketAddr};

use raw_client::opening;
use tokio::net::{TcpListener, TcpStream};
use tower_websocket::{AcceptAll, Config, Shutdown, WebSocket, WebSocketUpgradeLayer, serve};

/// Serves `handler`. Returns its address, and the handle that counts its sockets.
pub(crate) async fn start<F, Fut>(config: Config, handler: F) -> (SocketAddr, Shutdown)
where
    F: Fn(WebSocket, ()) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let layer = WebSocketUpgradeLayer::new(AcceptAll, handler).with_config(config);
    let server = serve(listener, layer.into_service());
    let shutdown = server.shutdown().clone();
    tokio::spawn(server.into_future());
    (addr, shutdown)
}

/// Returns a raw client after its handshake.
pub(crate) async fn connect(addr: SocketAddr) -> TcpStream {
    let mut io = TcpStream::connect(addr).await.unwrap();
    opening::open(&mut io, "/", "").await.unwrap();
    io
}

pub(crate) async fn echo(mut socket: WebSocket, (): ()) {
    while let Some(Ok(message)) = socket.recv().await {
        if (message.is_text() || message.is_binary()) && socket.send(message).await.is_err() {
            break;
        }
    }
}
