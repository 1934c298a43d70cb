//! The IO that a server hands over after it has sent the response.

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

/// The IO of a request, which the server hands over after it has sent the response: a request
/// extension for servers other than hyper's.
///
/// hyper sets its own extension, `OnUpgrade`. Any other server, such as one for HTTP/3 or for its
/// own protocol, opens WebSockets by setting a `PendingIo`. [`WebSocketUpgradeLayer`] and
/// [`Acceptor::accept_request`] use it, in preference to an `OnUpgrade`.
///
/// - Over HTTP/1.1, the request has the form of [RFC 6455], with `Upgrade: websocket`, and the
///   accepting response is a 101. If the server has streams instead of connections, the request is
///   a `CONNECT` with a [`ConnectProtocol`], and the accepting response is a 200.
/// - The future must complete with the IO when the server has written the head of the accepting
///   response, which has no body. If the response is another one, the server must end the future
///   with an error, for example by dropping the sender of a channel.
/// - Bytes that the server has read after the request are put in front of the IO with a
///   [`Rewind`](crate::io::Rewind).
/// - A [`SocketAddr`](std::net::SocketAddr) in the extensions is logged as the client's address,
///   with the feature `tracing`. A [`Shutdown`](crate::Shutdown) in the extensions counts the
///   WebSocket, unless the [`Config`](crate::Config) has its own.
///
/// All clones share one IO. The first one to take it gets it.
///
/// # Examples
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
/// // The server writes the head of the response here. Then:
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
/// [RFC 6455]: https://www.rfc-editor.org/rfc/rfc6455#section-4.1
/// [`Acceptor::accept_request`]: crate::Acceptor::accept_request
/// [`ConnectProtocol`]: crate::handshake::ConnectProtocol
/// [`WebSocketUpgradeLayer`]: crate::WebSocketUpgradeLayer
#[derive(Clone)]
pub struct PendingIo(Arc<Mutex<Option<IoFuture>>>);

/// A future of the IO, and of the bytes that were read after the request.
pub(crate) type IoFuture = Pin<Box<dyn Future<Output = Result<(UpgradedIo, Bytes), BoxError>> + Send>>;

impl PendingIo {
    /// Creates the extension from a future of the IO, such as the receiver of a
    /// [`oneshot`](tokio::sync::oneshot) channel.
    ///
    /// See the [example](Self#examples) of the type.
    pub fn new<Fut, IO, E>(io: Fut) -> Self
    where
        Fut: Future<Output = Result<IO, E>> + Send + 'static,
        IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
        E: Into<BoxError>,
    {
        let upgraded = async { io.await.map(|io| UpgradedIo::new(io, None)).map_err(Into::into) };
        Self(Arc::new(Mutex::new(Some(Box::pin(upgraded)))))
    }

    /// Takes the future. Only the first call returns it.
    pub(crate) fn take(&self) -> Option<IoFuture> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl fmt::Debug for PendingIo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingIo").finish_non_exhaustive()
    }
}
