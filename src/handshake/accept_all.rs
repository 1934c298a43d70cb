//! The handshake service that accepts every valid handshake.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    task::{Context, Poll},
};

use http::{Request, Response};
use tower::Service;

use super::Handshake;

/// A handshake service that accepts every valid handshake and attaches `()`.
///
/// The rules of the opening handshake are checked before it is called, including the host and the
/// origin.
///
/// # Examples
///
/// ```
/// use tower_websocket::{AcceptAll, WebSocket, WebSocketUpgradeLayer};
///
/// let layer = WebSocketUpgradeLayer::new(AcceptAll, async |mut socket: WebSocket, ()| {
///     let _ = socket.send("hello").await;
/// });
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct AcceptAll;

impl Service<Request<Handshake>> for AcceptAll {
    type Response = Response<()>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Handshake>) -> Self::Future {
        ready(Ok(request.into_body().accept(())))
    }
}
