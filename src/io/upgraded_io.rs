//! The IO that an HTTP server hands over after an upgrade.

use std::{
    any::Any,
    fmt, io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use hyper_util::{rt::TokioIo, server::conn::auto};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    task::coop,
};

use super::Rewind;

/// The IO that an HTTP server has handed over after an upgrade.
///
/// If possible, it is the bare socket. This requires HTTP/1.1 without TLS, and a server that serves
/// a `TokioIo<TcpStream>` or, on Unix, a `TokioIo<UnixStream>`, also inside a [`Rewind`].
/// `axum::serve`, most hyper servers, and this crate's [`serve`](crate::serve()) do this. Any other
/// IO, including a stream of HTTP/2, is boxed, which costs one more virtual call for each read and
/// write.
///
/// # Examples
///
/// ```
/// use tower_websocket::{WebSocket, io::UpgradedIo};
///
/// async fn handler(mut socket: WebSocket<UpgradedIo>) {
///     let ttl = socket.with_io(|io| io.as_tcp().map(|tcp| tcp.ttl())).await;
///     println!("TTL of the TCP socket: {ttl:?}");
/// }
/// ```
pub struct UpgradedIo {
    kind: Kind,
    /// Held while the IO is used.
    _held: Option<Held>,
}

enum Kind {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(tokio::net::UnixStream),
    Http2(Box<TokioIo<hyper::upgrade::Upgraded>>),
    Boxed(Box<dyn Io>),
}

/// Any IO that a server can hand over.
trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<IO: AsyncRead + AsyncWrite + Send + Unpin> Io for IO {}

/// A request extension of this crate's server: a function that recovers the server's own IO from
/// hyper's type, together with the bytes that were read after the request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct UnwrapIo(
    pub(crate) fn(hyper::upgrade::Upgraded) -> Result<(UpgradedIo, Bytes), hyper::upgrade::Upgraded>,
);

/// A value that is held while an IO is used.
pub(crate) type Held = Box<dyn Any + Send + Sync>;

/// A request extension of this crate's server: creates the value that is held while the upgraded IO
/// of the request is used.
#[derive(Clone)]
pub(crate) struct HoldIo(pub(crate) Arc<dyn Fn() -> Held + Send + Sync>);

impl UpgradedIo {
    /// Boxes `io` unless it is a socket, and holds `held` while it is used. Also
    /// returns the bytes that have to be read before `io`.
    pub(crate) fn new<IO>(io: IO, held: Option<Held>) -> (Self, Bytes)
    where
        IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let io = match cast(io) {
            Ok(upgraded) => return (upgraded, Bytes::new()),
            Err(io) => io,
        };
        let (kind, unread) = match bare(io, Kind::Tcp) {
            Ok(bare) => bare,
            #[cfg(unix)]
            Err(io) => bare(io, Kind::Unix).unwrap_or_else(boxed),
            #[cfg(not(unix))]
            Err(io) => boxed(io),
        };
        (Self { kind, _held: held }, unread)
    }

    /// Wraps a stream of HTTP/2, and holds `held` while it is used.
    pub(crate) fn from_http2(upgraded: hyper::upgrade::Upgraded, held: Option<Held>) -> Self {
        Self { kind: Kind::Http2(Box::new(TokioIo::new(upgraded))), _held: held }
    }

    /// Recovers the IO of HTTP/1.1 from hyper's type if its own type is known, together with the
    /// bytes that were read after the request.
    pub(crate) fn from_http1(upgraded: hyper::upgrade::Upgraded, unwrap: Option<UnwrapIo>) -> (Self, Bytes) {
        let unwrapped = match unwrap {
            Some(UnwrapIo(unwrap)) => unwrap(upgraded),
            None => Err(upgraded),
        };
        let upgraded = match unwrapped {
            Ok(unwrapped) => return unwrapped,
            Err(upgraded) => upgraded,
        };
        let upgraded = match downcast::<TcpStream>(upgraded) {
            Ok(io) => return Self::new(io, None),
            Err(upgraded) => upgraded,
        };
        #[cfg(unix)]
        let upgraded = match downcast::<tokio::net::UnixStream>(upgraded) {
            Ok(io) => return Self::new(io, None),
            Err(upgraded) => upgraded,
        };
        (Self { kind: Kind::Boxed(Box::new(TokioIo::new(upgraded))), _held: None }, Bytes::new())
    }

    /// Returns the TCP socket, if this is a bare one.
    ///
    /// See the [example](Self#examples) of the type.
    pub fn as_tcp(&self) -> Option<&TcpStream> {
        match &self.kind {
            Kind::Tcp(io) => Some(io),
            _ => None,
        }
    }

    /// Returns the Unix socket, if this is a bare one.
    ///
    /// # Examples
    ///
    /// ```
    /// use tower_websocket::{WebSocket, io::UpgradedIo};
    ///
    /// async fn handler(mut socket: WebSocket<UpgradedIo>) {
    ///     let peer = socket.with_io(|io| io.as_unix().map(|unix| unix.peer_cred())).await;
    ///     println!("{peer:?}");
    /// }
    /// ```
    #[cfg(unix)]
    pub fn as_unix(&self) -> Option<&tokio::net::UnixStream> {
        match &self.kind {
            Kind::Unix(io) => Some(io),
            _ => None,
        }
    }

    /// Returns whether a read uses tokio's cooperative budget. Bare sockets do this themselves.
    fn has_budget(&self) -> bool {
        matches!(self.kind, Kind::Http2(_) | Kind::Boxed(_))
    }

    /// Returns how many bytes are written at once.
    fn max_write(&self) -> usize {
        match self.kind {
            Kind::Http2(_) => MAX_HTTP2_WRITE,
            Kind::Boxed(_) => MAX_BOXED_WRITE,
            _ => usize::MAX,
        }
    }
}

/// The largest write to a stream of HTTP/2, in bytes. hyper accepts any number of bytes at once. It
/// keeps three writes until `h2` takes them, and `h2` takes one even if its buffer has space for a
/// single byte.
///
/// What `h2` has taken also occupies the connection's window until it is sent, so that the first
/// streams of a slow connection can occupy all of it.
const MAX_HTTP2_WRITE: usize = 16 * 1024;

/// The largest write to another boxed IO, in bytes, such as the records that TLS encrypts at once.
const MAX_BOXED_WRITE: usize = 64 * 1024;

/// Returns `io` as a `T`, if it is one.
fn cast<IO: 'static, T: 'static>(io: IO) -> Result<T, IO> {
    let mut io = Some(io);
    match (&mut io as &mut dyn Any).downcast_mut::<Option<T>>().and_then(Option::take) {
        Some(io) => Ok(io),
        None => Err(io.expect("it was not taken")),
    }
}

/// Returns `io` as a bare socket `T`, if it is one, or one inside a [`Rewind`].
fn bare<IO, T>(io: IO, kind: fn(T) -> Kind) -> Result<(Kind, Bytes), IO>
where
    IO: 'static,
    T: 'static,
{
    match cast::<IO, Rewind<T>>(io) {
        Ok(rewind) => {
            let (io, unread) = rewind.into_parts();
            Ok((kind(io), unread))
        }
        Err(io) => cast(io).map(|io| (kind(io), Bytes::new())),
    }
}

fn boxed<IO>(io: IO) -> (Kind, Bytes)
where
    IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    (Kind::Boxed(Box::new(io)), Bytes::new())
}

/// Recovers a socket, also one that was served inside a [`Rewind`], together with the bytes that
/// have to be read before it.
fn downcast<IO>(upgraded: hyper::upgrade::Upgraded) -> Result<Rewind<IO>, hyper::upgrade::Upgraded>
where
    IO: AsyncRead + AsyncWrite + Unpin + 'static,
{
    let upgraded = match downcast_served::<IO>(upgraded) {
        Ok((io, unread)) => return Ok(Rewind::new(io, unread)),
        Err(upgraded) => upgraded,
    };
    let (rewind, unread) = downcast_served::<Rewind<IO>>(upgraded)?;
    Ok(rewind.push_front(unread))
}

/// Recovers an IO that was served. `http1::Builder` boxes it directly, `auto::Builder` inside its
/// own type.
fn downcast_served<IO>(upgraded: hyper::upgrade::Upgraded) -> Result<(IO, Bytes), hyper::upgrade::Upgraded>
where
    IO: AsyncRead + AsyncWrite + Unpin + 'static,
{
    let (io, unread) = match upgraded.downcast::<TokioIo<IO>>() {
        Ok(parts) => (parts.io, parts.read_buf),
        Err(upgraded) => {
            auto::upgrade::downcast::<TokioIo<IO>>(upgraded).map(|parts| (parts.io, parts.read_buf))?
        }
    };
    Ok((io.into_inner(), unread))
}

impl fmt::Debug for UpgradedIo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Tcp(io) => f.debug_tuple("UpgradedIo").field(io).finish(),
            #[cfg(unix)]
            Kind::Unix(io) => f.debug_tuple("UpgradedIo").field(io).finish(),
            Kind::Http2(_) | Kind::Boxed(_) => f.write_str("UpgradedIo(..)"),
        }
    }
}

macro_rules! delegate {
    ($self:ident, $io:ident => $call:expr) => {
        match &mut $self.get_mut().kind {
            Kind::Tcp($io) => $call,
            #[cfg(unix)]
            Kind::Unix($io) => $call,
            Kind::Http2($io) => $call,
            Kind::Boxed($io) => $call,
        }
    };
}

impl AsyncRead for UpgradedIo {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        // Uses tokio's cooperative budget, so that a flood does not delay other connections. Bare
        // sockets do this themselves, HTTP/2 streams do not.
        let budget = if self.has_budget() { Some(ready!(coop::poll_proceed(cx))) } else { None };
        let polled = delegate!(self, io => Pin::new(io).poll_read(cx, buf));
        if let (Poll::Ready(_), Some(budget)) = (&polled, budget) {
            budget.made_progress();
        }
        polled
    }
}

impl AsyncWrite for UpgradedIo {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let buf = &buf[..buf.len().min(self.max_write())];
        delegate!(self, io => Pin::new(io).poll_write(cx, buf))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.has_budget() && bufs.iter().map(|buf| buf.len()).sum::<usize>() > self.max_write() {
            let first = bufs.iter().find(|buf| !buf.is_empty());
            return self.poll_write(cx, first.map_or(&[], |buf| buf));
        }
        delegate!(self, io => Pin::new(io).poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        match &self.kind {
            Kind::Tcp(io) => io.is_write_vectored(),
            #[cfg(unix)]
            Kind::Unix(io) => io.is_write_vectored(),
            Kind::Http2(io) => io.is_write_vectored(),
            Kind::Boxed(io) => io.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        delegate!(self, io => Pin::new(io).poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        delegate!(self, io => Pin::new(io).poll_shutdown(cx))
    }
}
