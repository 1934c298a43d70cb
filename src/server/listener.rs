//! What connections come from.

use std::{
    fmt, io,
    task::{Context, Poll, ready},
};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
};

/// A source of incoming connections: a [`TcpListener`], on Unix a `UnixListener`, or one of your
/// own.
///
/// Where [`Io`](Self::Io) is a `TcpStream`, [`serve`](crate::serve()) sets `TCP_NODELAY` and, on
/// Linux, a `TCP_NOTSENT_LOWAT` of 128 KiB on each. A listener of your own whose `Io` contains one
/// has to do that itself.
pub trait Listener: Send + 'static {
    /// A connection.
    type Io: AsyncRead + AsyncWrite + Send + Unpin + 'static;
    /// Who is at its other end.
    type Addr: Clone + Send + Sync + 'static;

    /// Accepts the next connection.
    ///
    /// # Errors
    ///
    /// An error ends neither the listener nor the server: it tries again, after a pause if the
    /// error is not about a single connection.
    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(Self::Io, Self::Addr)>>;
}

/// The remote peer's address: a request extension that [`serve`](crate::serve()) sets.
///
/// For a [`TcpListener`] it holds a [`SocketAddr`](std::net::SocketAddr), which is then an
/// extension by itself too, for middleware that knows nothing of this crate. With the feature
/// `axum` the address is also there as axum's `ConnectInfo`, as below `axum::serve` with
/// `into_make_service_with_connect_info`.
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

/// The socket's file stays when the listener is dropped, and binding fails while it exists. Remove
/// it before binding, if no other server can be listening on it, and after serving.
#[cfg(unix)]
impl Listener for tokio::net::UnixListener {
    type Io = tokio::net::UnixStream;
    type Addr = std::sync::Arc<tokio::net::unix::SocketAddr>;

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(Self::Io, Self::Addr)>> {
        let (io, addr) = ready!(tokio::net::UnixListener::poll_accept(self, cx))?;
        Poll::Ready(Ok((io, addr.into())))
    }
}
