//! The errors of accepting a WebSocket on a raw stream.

use std::{error::Error, fmt, io, time::Duration};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tower::BoxError;

use super::respond::respond;
use crate::{
    handshake::{HandshakeError, Rejection, RejectionBody},
    http1::{HeadError, parse_request},
    io::Rewind,
};

/// The error of [`Acceptor::accept`](crate::Acceptor::accept). It contains the stream, which is
/// still usable.
///
/// # Examples
///
/// ```
/// use tokio::net::TcpStream;
/// use tower_websocket::{
///     AcceptAll, Acceptor, accept::AcceptErrorKind, handshake::HandshakeError, io::Rewind,
/// };
///
/// /// Returns the stream if the client sent an ordinary HTTP request.
/// async fn accept(io: TcpStream) -> Option<Rewind<TcpStream>> {
///     match Acceptor::new(AcceptAll).accept(io).await {
///         Ok((mut socket, ())) => drop(socket.send("hello").await),
///         Err(error) => match error.kind() {
///             AcceptErrorKind::Handshake(HandshakeError::NotWebSocket) => {
///                 println!("ordinary request: {:?}", error.request());
///                 return Some(error.into_io());
///             }
///             kind => {
///                 eprintln!("{kind}, rejection: {:?}", error.rejection());
///                 let _ = error.respond().await;
///             }
///         },
///     }
///     None
/// }
/// ```
pub struct AcceptError<IO>(Box<Inner<IO>>);

struct Inner<IO> {
    kind: AcceptErrorKind,
    request: Option<Request<()>>,
    io: Rewind<IO>,
}

/// The reason why [`Acceptor::accept`](crate::Acceptor::accept) failed.
///
/// See the [example](AcceptError#examples) of `AcceptError`.
#[derive(Debug)]
#[non_exhaustive]
pub enum AcceptErrorKind {
    /// Reading or writing failed.
    Io(io::Error),
    /// The stream ended before the complete head of a request had arrived.
    UnexpectedEof,
    /// The complete head of the request did not arrive within this time (408).
    TimedOut(Duration),
    /// The client did not accept the complete response within this time. It may have received a
    /// part.
    Stalled(Duration),
    /// The received bytes are not an HTTP/1 request (400).
    Malformed(BoxError),
    /// The head of the request is larger than 64 KiB, or has more than 100 headers (431).
    TooLarge,
    /// The handshake of the request was rejected.
    Handshake(HandshakeError),
}

impl<IO> AcceptError<IO> {
    /// `read` are the bytes that were read from `io`. They begin with a head of `length` bytes.
    pub(super) fn new(kind: AcceptErrorKind, io: IO, mut read: Bytes, length: usize) -> Self {
        // Parsed again, because the handshake service may have got the request.
        let request = parse_request(&read.split_to(length));
        Self(Box::new(Inner { kind, request, io: Rewind::new(io, read) }))
    }

    /// Returns the reason for the error.
    ///
    /// See the [example](Self#examples) of the type.
    pub fn kind(&self) -> &AcceptErrorKind {
        &self.0.kind
    }

    /// Returns the handshake service's `Rejection`, if that is why the handshake failed.
    ///
    /// See the [example](Self#examples) of the type.
    pub fn rejection(&self) -> Option<&Rejection> {
        match &self.0.kind {
            AcceptErrorKind::Handshake(HandshakeError::Rejected(rejection)) => Some(rejection),
            _ => None,
        }
    }

    /// Returns the head of the request, if it arrived completely.
    ///
    /// See the [example](Self#examples) of the type.
    pub fn request(&self) -> Option<&Request<()>> {
        self.0.request.as_ref()
    }

    /// Returns the stream.
    ///
    /// Bytes that were read after the head of the request are returned by its first reads. If no
    /// complete head arrived, these are all the bytes that were read.
    ///
    /// See the [example](Self#examples) of the type.
    pub fn into_io(self) -> Rewind<IO> {
        self.0.io
    }

    /// Returns the reason and the stream, which is that of [`into_io`](Self::into_io).
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio::{io::AsyncWriteExt, net::TcpStream};
    /// use tower_websocket::accept::{AcceptError, AcceptErrorKind};
    ///
    /// async fn respond(error: AcceptError<TcpStream>) -> std::io::Result<()> {
    ///     let (kind, mut io) = error.into_parts();
    ///     if let AcceptErrorKind::Malformed(_) = kind {
    ///         io.write_all(b"this port serves WebSockets\n").await?;
    ///     }
    ///     io.shutdown().await
    /// }
    /// ```
    pub fn into_parts(self) -> (AcceptErrorKind, Rewind<IO>) {
        (self.0.kind, self.0.io)
    }
}

impl<IO: AsyncWrite + Unpin> AcceptError<IO> {
    /// Sends the [response](AcceptErrorKind::into_response) for this error, if there is one, and
    /// shuts the stream down.
    ///
    /// This method has no timeout. `Content-Length` and `Transfer-Encoding` are set for the body,
    /// and replace the values in the response.
    ///
    /// See the [example](Self#examples) of the type.
    ///
    /// # Errors
    ///
    /// Returns an error if writing fails, or if the body of a [`Rejection`] fails.
    pub async fn respond(self) -> io::Result<()> {
        let Inner { kind, request, mut io } = *self.0;
        match kind.into_response() {
            Some(response) => respond(&mut io, response, request.as_ref()).await,
            None => io.shutdown().await,
        }
    }
}

impl AcceptErrorKind {
    /// Returns the reason why no request head arrived within `limit`.
    pub(super) fn of_head(error: HeadError, limit: Duration) -> Self {
        match error {
            HeadError::Io(error) => Self::Io(error),
            HeadError::UnexpectedEof => Self::UnexpectedEof,
            HeadError::TimedOut => Self::TimedOut(limit),
            HeadError::Malformed(error) => Self::Malformed(error),
            HeadError::TooLarge => Self::TooLarge,
        }
    }

    /// Returns the response to send, or `None` if the client is gone or has already received a part
    /// of a response.
    ///
    /// # Examples
    ///
    /// ```
    /// use tower_websocket::accept::AcceptErrorKind;
    ///
    /// assert_eq!(AcceptErrorKind::TooLarge.into_response().unwrap().status(), 431);
    /// assert!(AcceptErrorKind::UnexpectedEof.into_response().is_none());
    /// ```
    pub fn into_response(self) -> Option<Response<RejectionBody>> {
        match self {
            Self::Io(_) | Self::UnexpectedEof | Self::Stalled(_) => None,
            Self::Malformed(_) => Some(Rejection::from(StatusCode::BAD_REQUEST).into_response()),
            Self::TooLarge => {
                let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
                Some(Rejection::from(status).into_response())
            }
            Self::TimedOut(_) => Some(Rejection::from(StatusCode::REQUEST_TIMEOUT).into_response()),
            Self::Handshake(error) => Some(error.into_response()),
        }
    }
}

impl fmt::Display for AcceptErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(_) => f.write_str("reading or writing failed"),
            Self::UnexpectedEof => f.write_str("the stream ended before the request was complete"),
            Self::TimedOut(limit) => write!(f, "the request did not arrive within {limit:?}"),
            Self::Stalled(limit) => write!(f, "the client did not accept the response within {limit:?}"),
            Self::Malformed(_) => f.write_str("not an HTTP/1 request"),
            Self::TooLarge => f.write_str("the request head is too large"),
            Self::Handshake(error) => error.fmt(f),
        }
    }
}

impl<IO> fmt::Display for AcceptError<IO> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.kind.fmt(f)
    }
}

impl<IO> fmt::Debug for AcceptError<IO> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AcceptError").field(&self.0.kind).finish()
    }
}

impl Error for AcceptErrorKind {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            Self::Malformed(error) => Some(&**error),
            Self::Handshake(error) => error.source(),
            Self::UnexpectedEof | Self::TooLarge | Self::TimedOut(_) | Self::Stalled(_) => None,
        }
    }
}

impl<IO> Error for AcceptError<IO> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.kind.source()
    }
}
