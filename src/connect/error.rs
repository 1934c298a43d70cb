//! The error of opening a WebSocket as a client.

use std::{error::Error, fmt, io, time::Duration};

use bytes::Bytes;
use http::Response;
use tower::BoxError;

use super::RequestError;
use crate::{handshake::ResponseError, http1::HeadError, io::Rewind};

/// The error of [`Connector::connect`](crate::Connector::connect).
///
/// It contains the stream, and the head of the response if it was received.
///
/// # Examples
///
/// ```
/// use tokio::net::TcpStream;
/// use tower_websocket::connect::{ConnectError, ConnectErrorKind};
///
/// /// Prints the error, and closes the stream.
/// fn report(error: ConnectError<TcpStream>) {
///     let (kind, response, _) = error.into_parts();
///     match (kind, response) {
///         (ConnectErrorKind::TimedOut(limit), _) => println!("no answer within {limit:?}"),
///         (kind, Some(response)) => println!("{kind}, headers: {:?}", response.headers()),
///         (kind, None) => println!("{kind}"),
///     }
/// }
/// ```
pub struct ConnectError<IO>(Box<Inner<IO>>);

struct Inner<IO> {
    kind: ConnectErrorKind,
    response: Option<Response<()>>,
    io: Rewind<IO>,
}

/// The reason why a [`Connector`](crate::Connector) failed.
///
/// See the [example](crate::connect) of the module.
#[derive(Debug)]
#[non_exhaustive]
pub enum ConnectErrorKind {
    /// The request is not valid for opening a WebSocket. Nothing was sent.
    Request(RequestError),
    /// [`Config::max_connections`](crate::Config::max_connections) sockets are open. Nothing was
    /// sent.
    TooManyConnections,
    /// A [`Shutdown`](crate::Shutdown) has begun. Nothing was sent.
    ShuttingDown,
    /// Reading or writing failed.
    Io(io::Error),
    /// The stream ended before the head of the response was complete.
    UnexpectedEof,
    /// The head of the response was not complete after this time, which is
    /// [`Config::handshake_timeout`](crate::Config::handshake_timeout).
    TimedOut(Duration),
    /// The response is not HTTP/1.
    Malformed(BoxError),
    /// The head of the response exceeds 64 KiB or 100 headers.
    TooLarge,
    /// The HTTP/2 connection failed, or the server reset the stream. A server that does not support
    /// extended `CONNECT` does the latter. Requires the feature `http2`.
    #[cfg(feature = "http2")]
    Http2(hyper::Error),
    /// The server's response does not open a WebSocket.
    Response(ResponseError),
}

impl<IO> ConnectError<IO> {
    pub(super) fn new(kind: ConnectErrorKind, response: Option<Response<()>>, io: IO, unread: Bytes) -> Self {
        Self(Box::new(Inner { kind, response, io: Rewind::new(io, unread) }))
    }

    /// Returns the reason.
    ///
    /// See the [example](crate::connect) of the module.
    pub fn kind(&self) -> &ConnectErrorKind {
        &self.0.kind
    }

    /// Returns the head of the response, if it was received completely.
    ///
    /// See the [example](crate::connect) of the module.
    pub fn response(&self) -> Option<&Response<()>> {
        self.0.response.as_ref()
    }

    /// Returns the stream.
    ///
    /// Data that was read beyond the head of the response, such as the beginning of its body, is
    /// read from the stream again. If the head was not complete, all data is read again.
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio::{io::AsyncReadExt, net::TcpStream};
    /// use tower_websocket::connect::ConnectError;
    ///
    /// /// Returns the first 1024 bytes of the response's body.
    /// async fn body(error: ConnectError<TcpStream>) -> std::io::Result<Vec<u8>> {
    ///     let mut body = Vec::new();
    ///     error.into_io().take(1024).read_to_end(&mut body).await?;
    ///     Ok(body)
    /// }
    /// ```
    pub fn into_io(self) -> Rewind<IO> {
        self.0.io
    }

    /// Returns the reason, the head of the response if it was received, and the
    /// [stream](Self::into_io).
    ///
    /// See the [example](Self#examples) of the type.
    pub fn into_parts(self) -> (ConnectErrorKind, Option<Response<()>>, Rewind<IO>) {
        let Inner { kind, response, io } = *self.0;
        (kind, response, io)
    }
}

impl ConnectErrorKind {
    /// Converts the error of reading the response's head, for which `limit` was set.
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
            Self::UnexpectedEof => f.write_str("the stream ended within the response head"),
            Self::TimedOut(limit) => write!(f, "no complete response head within {limit:?}"),
            Self::Malformed(_) => f.write_str("the response is not HTTP/1"),
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
