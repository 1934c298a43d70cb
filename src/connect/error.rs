//! Why a stream did not become a WebSocket of a client.

use std::{error::Error, fmt, io, time::Duration};

use bytes::Bytes;
use http::Response;
use tower::BoxError;

use super::RequestError;
use crate::{handshake::ResponseError, http1::HeadError, io::Rewind};

/// Why [`Connector::connect`](crate::Connector::connect) opened no WebSocket. The stream is in it,
/// and the head of the response, if one came.
pub struct ConnectError<IO>(Box<Inner<IO>>);

struct Inner<IO> {
    kind: ConnectErrorKind,
    response: Option<Response<()>>,
    io: Rewind<IO>,
}

/// Why a [`Connector`](crate::Connector) failed.
#[derive(Debug)]
#[non_exhaustive]
pub enum ConnectErrorKind {
    /// The request cannot ask for a WebSocket. Nothing was sent.
    Request(RequestError),
    /// As many sockets are open as [`Config::max_connections`](crate::Config::max_connections)
    /// allows. Nothing was sent.
    TooManyConnections,
    /// A [`Shutdown`](crate::Shutdown) has begun. Nothing was sent.
    ShuttingDown,
    /// Reading or writing failed.
    Io(io::Error),
    /// The stream ended before a whole head of a response had come.
    UnexpectedEof,
    /// There was no whole head of a response after this time, which is
    /// [`Config::handshake_timeout`](crate::Config::handshake_timeout).
    TimedOut(Duration),
    /// What came is not HTTP/1.
    Malformed(BoxError),
    /// The head of the response is over 64 KiB, or has over 100 headers.
    TooLarge,
    /// The HTTP/2 connection failed, or the server has reset the stream, as one that does not know
    /// extended `CONNECT` does. With the feature `http2`.
    #[cfg(feature = "http2")]
    Http2(hyper::Error),
    /// A response came that does not open a WebSocket.
    Response(ResponseError),
}

impl<IO> ConnectError<IO> {
    pub(super) fn new(kind: ConnectErrorKind, response: Option<Response<()>>, io: IO, unread: Bytes) -> Self {
        Self(Box::new(Inner { kind, response, io: Rewind::new(io, unread) }))
    }

    /// Returns what went wrong.
    pub fn kind(&self) -> &ConnectErrorKind {
        &self.0.kind
    }

    /// Returns the head of the response, if a whole one came.
    pub fn response(&self) -> Option<&Response<()>> {
        self.0.response.as_ref()
    }

    /// Returns the stream. Bytes that were read beyond the response's head, such as the beginning
    /// of its body, are put back in front; if no whole head came, all that were read.
    pub fn into_io(self) -> Rewind<IO> {
        self.0.io
    }

    /// Returns what went wrong, the head of the response, and the [stream](Self::into_io).
    pub fn into_parts(self) -> (ConnectErrorKind, Option<Response<()>>, Rewind<IO>) {
        let Inner { kind, response, io } = *self.0;
        (kind, response, io)
    }
}

impl ConnectErrorKind {
    /// Why no head of a response came within `limit`.
    pub(super) fn of_head(error: HeadError, limit: Duration) -> Self {
        match error {
            HeadError::Io(error) => Self::Io(error),
            HeadError::UnexpectedEof => Self::UnexpectedEof,
            HeadError::TimedOut => Self::TimedOut(limit),
            HeadError::Malformed(error) => Self::Malformed(error),
            HeadError::TooLarge => Self::TooLarge,
        }
    }
}

impl From<RequestError> for ConnectErrorKind {
    fn from(error: RequestError) -> Self {
        Self::Request(error)
    }
}

impl From<ResponseError> for ConnectErrorKind {
    fn from(error: ResponseError) -> Self {
        Self::Response(error)
    }
}

impl fmt::Display for ConnectErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request(error) => error.fmt(f),
            Self::TooManyConnections => f.write_str("too many WebSockets are open"),
            Self::ShuttingDown => f.write_str("a shutdown has begun"),
            Self::Io(_) => f.write_str("reading or writing failed"),
            Self::UnexpectedEof => f.write_str("the stream ended before a whole response"),
            Self::TimedOut(limit) => write!(f, "no whole response within {limit:?}"),
            Self::Malformed(_) => f.write_str("not an HTTP/1 response"),
            Self::TooLarge => f.write_str("the response head is too large"),
            #[cfg(feature = "http2")]
            Self::Http2(_) => f.write_str("the HTTP/2 connection or its stream failed"),
            Self::Response(error) => error.fmt(f),
        }
    }
}

impl<IO> fmt::Display for ConnectError<IO> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.kind.fmt(f)
    }
}

impl<IO> fmt::Debug for ConnectError<IO> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ConnectError").field(&self.0.kind).finish()
    }
}

impl Error for ConnectErrorKind {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            Self::Malformed(error) => Some(&**error),
            #[cfg(feature = "http2")]
            Self::Http2(error) => Some(error),
            Self::Request(_)
            | Self::TooManyConnections
            | Self::ShuttingDown
            | Self::UnexpectedEof
            | Self::TimedOut(_)
            | Self::TooLarge
            | Self::Response(_) => None,
        }
    }
}

impl<IO> Error for ConnectError<IO> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.kind.source()
    }
}
