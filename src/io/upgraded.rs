//! The IO that an HTTP server hands over after an upgrade.

use std::{
    fmt, io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use hyper_util::{rt::TokioIo, server::conn::auto};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    task::coop,
};

use super::{
    Rewind,
    served::{Place, Served},
};

/// The IO that an HTTP server handed over after an upgrade.
///
/// It is the bare socket where that can be had: over HTTP/1.1 without TLS, when the server served a
/// `TokioIo<TcpStream>` (as `axum::serve` and most hyper servers do, and this crate's [`serve`](crate::serve())) or, on
/// Unix, a `TokioIo<UnixStream>`. Any other IO, and a stream of HTTP/2, stays in hyper's box, at the price of one more virtual call
/// for each read and write.
pub struct Upgraded {
    kind: Kind,
    /// Held until the connection is closed.
    _place: Option<Place>,
}

enum Kind {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(tokio::net::UnixStream),
    Boxed(TokioIo<hyper::upgrade::Upgraded>),
}

impl Upgraded {
    /// Unwraps what hyper hands over, and what had been read beyond the request.
    pub(crate) fn new(upgraded: hyper::upgrade::Upgraded) -> (Self, Bytes) {
        let upgraded = match downcast::<TcpStream>(upgraded) {
            Ok(bare) => return Self::bare(bare, Kind::Tcp),
            Err(upgraded) => upgraded,
        };
        #[cfg(unix)]
        let upgraded = match downcast::<tokio::net::UnixStream>(upgraded) {
            Ok(bare) => return Self::bare(bare, Kind::Unix),
            Err(upgraded) => upgraded,
        };
        let kind = Kind::Boxed(TokioIo::new(upgraded));
        (Self { kind, _place: None }, Bytes::new())
    }

    fn bare<IO>(bare: Bare<IO>, kind: fn(IO) -> Kind) -> (Self, Bytes) {
        (Self { kind: kind(bare.io), _place: bare.place }, bare.unread)
    }

    /// The TCP socket, where the connection is a bare one.
    pub fn as_tcp(&self) -> Option<&TcpStream> {
        match &self.kind {
            Kind::Tcp(io) => Some(io),
            _ => None,
        }
    }

    /// The unix socket, where the connection is a bare one.
    #[cfg(unix)]
    pub fn as_unix(&self) -> Option<&tokio::net::UnixStream> {
        match &self.kind {
            Kind::Unix(io) => Some(io),
            _ => None,
        }
    }
}

/// The most that hyper's box takes at a time, in bytes. On HTTP/2 it keeps what it takes, four times over, until the
/// peer has room for it, however much that is.
const MAX_BOXED_WRITE: usize = 64 * 1024;

/// An IO out of all of its wrappings.
struct Bare<IO> {
    io: IO,
    unread: Bytes,
    place: Option<Place>,
}

/// This crate's server wraps the IO that it serves, `http1::Builder` boxes the served IO itself, `auto::Builder` one
/// wrapped in a type of its own.
fn downcast<IO>(upgraded: hyper::upgrade::Upgraded) -> Result<Bare<IO>, hyper::upgrade::Upgraded>
where
    IO: AsyncRead + AsyncWrite + Unpin + 'static,
{
    let upgraded = match upgraded.downcast::<TokioIo<Rewind<Served<IO>>>>() {
        Ok(parts) => {
            let (served, rest) = parts.io.into_inner().into_parts();
            let (io, place) = served.into_parts();
            let unread =
                if rest.is_empty() { parts.read_buf } else { [parts.read_buf, rest].concat().into() };
            return Ok(Bare { io, unread, place });
        }
        Err(upgraded) => upgraded,
    };
    let (io, unread) = match upgraded.downcast::<TokioIo<IO>>() {
        Ok(parts) => (parts.io, parts.read_buf),
        Err(upgraded) => {
            auto::upgrade::downcast::<TokioIo<IO>>(upgraded).map(|parts| (parts.io, parts.read_buf))?
        }
    };
    Ok(Bare { io: io.into_inner(), unread, place: None })
}

impl fmt::Debug for Upgraded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Tcp(io) => f.debug_tuple("Upgraded").field(io).finish(),
            #[cfg(unix)]
            Kind::Unix(io) => f.debug_tuple("Upgraded").field(io).finish(),
            Kind::Boxed(_) => f.write_str("Upgraded(..)"),
        }
    }
}

macro_rules! delegate {
    ($self:ident, $io:ident => $call:expr) => {
        match &mut $self.get_mut().kind {
            Kind::Tcp($io) => $call,
            #[cfg(unix)]
            Kind::Unix($io) => $call,
            Kind::Boxed($io) => $call,
        }
    };
}

impl AsyncRead for Upgraded {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        // The budget that keeps a flood from keeping the others waiting: bare sockets spend it themselves, and HTTP/2
        // streams do not.
        let budget = match self.kind {
            Kind::Boxed(_) => Some(ready!(coop::poll_proceed(cx))),
            _ => None,
        };
        let polled = delegate!(self, io => Pin::new(io).poll_read(cx, buf));
        if let (Poll::Ready(_), Some(budget)) = (&polled, budget) {
            budget.made_progress();
        }
        polled
    }
}

impl AsyncWrite for Upgraded {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let buf =
            if matches!(self.kind, Kind::Boxed(_)) { &buf[..buf.len().min(MAX_BOXED_WRITE)] } else { buf };
        delegate!(self, io => Pin::new(io).poll_write(cx, buf))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        delegate!(self, io => Pin::new(io).poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        delegate!(self, io => Pin::new(io).poll_shutdown(cx))
    }
}
