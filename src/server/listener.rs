//! Sources of incoming connections.

use std::{
    fmt, io,
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
};

/// A source of incoming connections: a [`TcpListener`], on Unix a `UnixListener`, or your own type.
///
/// If [`Io`](Self::Io) is a `TcpStream`, [`serve`](crate::serve()) sets `TCP_NODELAY` on each
/// connection and, on Linux, a `TCP_NOTSENT_LOWAT` of 128 KiB. If `Io` is a type that wraps a
/// `TcpStream`, the listener has to set these options.
///
/// # Examples
///
/// A listener that accepts connections only from the same machine:
///
/// ```
/// use std::{
///     io,
///     net::SocketAddr,
///     task::{Context, Poll, ready},
/// };
/// use tokio::net::{TcpListener, TcpStream};
/// use tower_websocket::server::Listener;
///
/// struct LocalOnly(TcpListener);
///
/// impl Listener for LocalOnly {
///     type Io = TcpStream;
///     type Addr = SocketAddr;
///
///     fn poll_accept(
///         &mut self,
///         cx: &mut Context<'_>,
///     ) -> Poll<io::Result<(TcpStream, SocketAddr)>> {
///         loop {
///             let (io, addr) = ready!(self.0.poll_accept(cx))?;
///             if addr.ip().is_loopback() {
///                 return Poll::Ready(Ok((io, addr)));
///             }
///         }
///     }
/// }
/// ```
pub trait Listener: Send + 'static {
    /// The stream of a connection.
    type Io: AsyncRead + AsyncWrite + Send + Unpin + 'static;
    /// The address of the remote peer, which requests carry as a [`PeerAddr`].
    type Addr: Clone + Send + Sync + 'static;

    /// Accepts the next connection.
    ///
    /// See the [example](Self#examples) of the trait.
    ///
    /// # Errors
    ///
    /// An error stops neither the listener nor the server. The server tries again, immediately if
    /// the error concerns a single connection, otherwise after a pause of 100 ms.
    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(Self::Io, Self::Addr)>>;
}

/// The remote peer's address: a request extension that [`serve`](crate::serve()) sets.
///
/// For a [`TcpListener`] it contains a [`SocketAddr`](std::net::SocketAddr). The `SocketAddr` is
/// also an extension by itself, for middleware that does not know this crate. With the feature
/// `axum`, the address is also available as axum's `ConnectInfo`, as with `axum::serve` and
/// `into_make_service_with_connect_info`.
///
/// # Examples
///
/// ```
/// use http::{Request, Response};
/// use tower_websocket::{Handshake, Rejection, server::PeerAddr};
///
/// async fn handshake(request: Request<Handshake>) -> Result<Response<PeerAddr>, Rejection> {
///     let peer: PeerAddr = *request.extensions().get().expect("`serve` sets it");
///     println!("request from {peer}");
///     Ok(request.into_body().accept(peer))
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PeerAddr<A = std::net::SocketAddr>(pub A);

impl<A: fmt::Display> fmt::Display for PeerAddr<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Listener for TcpListener {
    type Io = tokio::net::TcpStream;
    type Addr = std::net::SocketAddr;

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(Self::Io, Self::Addr)>> {
        TcpListener::poll_accept(self, cx)
    }
}

/// The socket file is not removed when the listener is dropped, and binding fails while the file
/// exists. Remove it after serving, and before binding if no other server can be using it.
#[cfg(unix)]
impl Listener for tokio::net::UnixListener {
    type Io = tokio::net::UnixStream;
    type Addr = std::sync::Arc<tokio::net::unix::SocketAddr>;

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(Self::Io, Self::Addr)>> {
        tokio::net::UnixListener::poll_accept(self, cx).map_ok(|(io, addr)| (io, addr.into()))
    }
}
