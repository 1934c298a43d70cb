//! A socket and its client in memory.

use std::sync::Arc;

use http::{Request, Response, StatusCode};
use tokio::io::duplex;
use tungstenite::protocol::Role;

use super::Client;
use crate::{
    deflate::NegotiatedDeflate,
    io::UpgradedIo,
    trace::RequestTrace,
    websocket::{ConnectionGuard, Negotiated, WebSocket, WebSocketId},
};

/// Returns an open WebSocket and its client, connected by a buffer of 64 KiB, to test a handler
/// alone.
///
/// [`WebSocket::drive`] runs the handler as a layer does, and returns the handler's output.
///
/// The socket has the default [`Config`](crate::Config), no subprotocol, no compression, and no
/// [`Shutdown`](crate::Shutdown). The client's response is a 101 without headers. Use
/// [`connect`](super::connect) for anything else, and to test with which Close a handler's error
/// closes the connection.
///
/// # Examples
///
/// ```
/// use tower_websocket::{CloseCode, Error, WebSocket, testing::pair};
///
/// async fn greet(mut socket: WebSocket, name: String) -> Result<u32, Error> {
///     let mut count = 0;
///     while let Some(message) = socket.recv_data().await {
///         socket.send(format!("{}, {name}", message?)).await?;
///         count += 1;
///     }
///     Ok(count)
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let (socket, mut client) = pair();
/// let handler = tokio::spawn(socket.drive(|socket| greet(socket, "Ada".to_owned())));
///
/// client.send("hello").await.unwrap();
/// assert_eq!(client.recv_text().await, "hello, Ada");
/// assert_eq!(client.close(CloseCode::NORMAL, "").await.0, 1000);
/// assert_eq!(handler.await.unwrap().unwrap().unwrap(), 1);
/// # }
/// ```
pub fn pair() -> (WebSocket, Client) {
    let (server, client) = duplex(64 * 1024);
    let (parts, ()) = Request::new(()).into_parts();
    let id = WebSocketId::next();
    let negotiated = Negotiated {
        id,
        role: Role::Server,
        config: Arc::default(),
        guard: ConnectionGuard::acquire(None, None).expect("nothing limits it"),
        protocol: None,
        deflate: NegotiatedDeflate::default(),
        trace: Some(RequestTrace::new(&parts).accepted(id, None)),
    };
    let (server, unread) = UpgradedIo::new(server, None);
    let socket = WebSocket::new(server, &unread, negotiated);
    let mut response = Response::new(());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    (socket, Client::new(UpgradedIo::new(client, None), response))
}
