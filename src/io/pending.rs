//! The IO that a server hands over once the response is sent.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};
use tower::BoxError;

use super::UpgradedIo;

/// The IO of a request, which its server hands over once the response is sent: a request extension
/// for servers that are not hyper's.
///
/// hyper puts an `OnUpgrade` of its own into requests. Any other server, such as one for HTTP/3 or
/// for a protocol of its own, opens WebSockets by putting a `PendingIo` there. It is what a
/// [`WebSocketUpgradeLayer`] and [`Acceptor::accept_request`] take, in preference to an
/// `OnUpgrade`.
///
/// - The request has the form that [RFC 6455] gives it, with `Upgrade: websocket` over HTTP/1.1;
///   the response that accepts it is a 101. Where streams take the place of connections it is a
///   `CONNECT` with a [`ConnectProtocol`]; the response that accepts it is a 200.
/// - The future gives the IO once the server has written the head of the accepting response, which
///   has no body. Dropping what completes it, as when the response was another one, ends the future
///   with an error.
/// - What the server has read beyond the request goes in front, with a
///   [`Rewind`](crate::io::Rewind).
/// - A [`SocketAddr`](std::net::SocketAddr) in the extensions is the client's, for the feature
///   `tracing`; a [`Shutdown`](crate::Shutdown) counts the WebSocket where the
///   [`Config`](crate::Config) has none.
///
/// ```
/// use http::Request;
/// use tokio::{io::duplex, sync::oneshot};
/// use tower::ServiceExt;
/// use tower_websocket::{WebSocketUpgradeLayer, io::PendingIo};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let service = WebSocketUpgradeLayer::accept_all(async |mut socket| {
///     let _ = socket.send("hello").await;
/// })
/// .into_service();
///
/// let (hand_over, io) = oneshot::channel();
/// let request = Request::get("/")
///     .header("host", "example.com")
///     .header("connection", "upgrade")
///     .header("upgrade", "websocket")
///     .header("sec-websocket-version", "13")
///     .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
///     .extension(PendingIo::new(io))
///     .body(())?;
/// let response = service.oneshot(request).await?;
/// assert_eq!(response.status(), 101);
/// // The head of the response is written here. Then:
/// let (server, client) = duplex(1024);
/// hand_over.send(server).expect("the WebSocket waits for its IO");
/// # let mut client = client;
/// # let mut frame = [0; 7];
/// # tokio::io::AsyncReadExt::read_exact(&mut client, &mut frame).await?;
/// # assert_eq!(&frame, b"\x81\x05hello");
/// # Ok(())
/// # }
/// ```
///
/// Clones are one IO, which the first to take it has.
///
/// [RFC 6455]: https://www.rfc-editor.org/rfc/rfc6455#section-4.1
/// [`Acceptor::accept_request`]: crate::Acceptor::accept_request
/// [`ConnectProtocol`]: crate::handshake::ConnectProtocol
/// [`WebSocketUpgradeLayer`]: crate::WebSocketUpgradeLayer
#[derive(Clone)]
pub struct PendingIo(Arc<Mutex<Option<IoFuture>>>);

/// A future of the IO, and of what was read beyond the request.
pub(crate) type IoFuture = Pin<Box<dyn Future<Output = Result<(UpgradedIo, Bytes), BoxError>> + Send>>;

impl PendingIo {
    /// Creates the extension from a future of the IO, such as the receiver of a
    /// [`oneshot`](tokio::sync::oneshot) channel.
    pub fn new<Fut, IO, E>(io: Fut) -> Self
    where
        Fut: Future<Output = Result<IO, E>> + Send + 'static,
        IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
        E: Into<BoxError>,
    {
        let upgraded = async { io.await.map(|io| UpgradedIo::new(io, None)).map_err(Into::into) };
        Self(Arc::new(Mutex::new(Some(Box::pin(upgraded)))))
    }

    /// Takes the future, once.
    pub(crate) fn take(&self) -> Option<IoFuture> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl fmt::Debug for PendingIo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingIo").finish_non_exhaustive()
    }
}
