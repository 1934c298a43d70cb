//! Why a raw stream did not become a WebSocket.

use std::{error::Error, fmt, io, time::Duration};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tower::BoxError;

use super::respond::respond;
use crate::{
    handshake::{HandshakeError, Rejection, RejectionBody},
    http1::HeadError,
    io::Rewind,
};

/// Why a raw stream did not become a WebSocket. The stream is in it, still usable.
pub struct AcceptError<IO>(Box<Inner<IO>>);

struct Inner<IO> {
    kind: AcceptErrorKind,
    request: Option<Request<()>>,
    io: Rewind<IO>,
}

/// Why [`Acceptor::accept`](crate::Acceptor::accept) failed.
#[derive(Debug)]
#[non_exhaustive]
pub enum AcceptErrorKind {
    /// Reading or writing failed.
    Io(io::Error),
    /// The stream ended before a whole request head had come.
    UnexpectedEof,
    /// The request head took longer than this to come (408).
    TimedOut(Duration),
    /// The client took longer than this to take the accepting response, a part of which it has.
    Stalled(Duration),
    /// What came is not HTTP/1 (400).
    Malformed(BoxError),
    /// The request head is over 64 KiB, or has over 100 headers (431).
    TooLarge,
    /// A request came, and the handshake was rejected.
    Handshake(HandshakeError),
}

impl<IO> AcceptError<IO> {
    pub(super) fn new(kind: AcceptErrorKind, request: Option<Request<()>>, io: IO, unread: Bytes) -> Self {
        Self(Box::new(Inner { kind, request, io: Rewind::new(io, unread) }))
    }

    /// Returns what went wrong.
    pub fn kind(&self) -> &AcceptErrorKind {
        &self.0.kind
    }

    /// Returns the handshake service's `Rejection`, if that is why the handshake failed.
    pub fn rejection(&self) -> Option<&Rejection> {
        match &self.0.kind {
            AcceptErrorKind::Handshake(HandshakeError::Rejected(rejection)) => Some(rejection),
            _ => None,
        }
    }

    /// Returns the head of the request, if a whole one came.
    pub fn request(&self) -> Option<&Request<()>> {
        self.0.request.as_ref()
    }

    /// Returns the stream. Bytes that were read beyond the request's head are put back in front; if
    /// no whole head came, all that were read.
    pub fn into_io(self) -> Rewind<IO> {
        self.0.io
    }

    /// Returns what went wrong, and the stream.
    pub fn into_parts(self) -> (AcceptErrorKind, Rewind<IO>) {
        (self.0.kind, self.0.io)
    }
}

impl<IO: AsyncWrite + Unpin> AcceptError<IO> {
    /// Sends the [proper response](AcceptErrorKind::into_response), if there is one, and shuts the
    /// stream down. There is no time limit.
    ///
    /// `Content-Length` and `Transfer-Encoding` are those of the body that is written, whatever the
    /// response had.
    ///
    /// # Errors
    ///
    /// Returns the error of writing, or of the body of a [`Rejection`].
    pub async fn respond(self) -> io::Result<()> {
        let Inner { kind, request, mut io } = *self.0;
        match kind.into_response() {
            Some(response) => respond(&mut io, response, request.as_ref()).await,
            None => io.shutdown().await,
        }
    }
}

impl AcceptErrorKind {
    /// Why no head of a request came within `limit`.
    pub(super) fn of_head(error: HeadError, limit: Duration) -> Self {
        match error {
            HeadError::Io(error) => Self::Io(error),
            HeadError::UnexpectedEof => Self::UnexpectedEof,
            HeadError::TimedOut => Self::TimedOut(limit),
            HeadError::Malformed(error) => Self::Malformed(error),
            HeadError::TooLarge => Self::TooLarge,
        }
    }

    /// Returns the response to send, or `None` if the client is gone or a response is already
    /// partly written.
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
            Self::UnexpectedEof => f.write_str("the stream ended before a whole request"),
            Self::TimedOut(limit) => write!(f, "no whole request within {limit:?}"),
            Self::Stalled(limit) => write!(f, "the client did not take the response within {limit:?}"),
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
