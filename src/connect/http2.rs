//! The opening handshake of a client over HTTP/2 (RFC 8441).

use std::{error::Error, fmt};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use hyper::{body::Incoming, client::conn::http2, upgrade};
use tokio::time::timeout;

use super::{ConnectErrorKind, connector::Connector, opening::Opening};
use crate::{io::UpgradedIo, websocket::WebSocket};

impl Connector {
    /// Requests a WebSocket on a stream of an HTTP/2 connection of hyper, with an extended
    /// `CONNECT` (RFC 8441), and returns it together with the head of the server's response.
    ///
    /// Requires the feature `http2`.
    ///
    /// The server must have announced support for extended `CONNECT` on the connection. A server
    /// without that support resets the stream. To find out, call
    /// [`is_extended_connect_protocol_enabled`][enabled] before the connection is spawned. Right
    /// after `handshake()` it usually returns `false`. hyper's executor reads the server's
    /// `SETTINGS` and wakes no task, so ask again later, as in the example.
    ///
    /// A socket that the application does not receive from occupies up to a stream's window of the
    /// connection's window. With the defaults of hyper's client, 2 MiB and 5 MiB, three such
    /// sockets block all others of the connection, so set a small window for streams and a large
    /// one for the connection, as in the example.
    ///
    /// `request` is a `GET` request as for [`connect`](Self::connect), and is sent with the method
    /// `CONNECT`. Its URI must have the scheme `ws`, `http`, `wss` or `https`. `B` is the body type
    /// of the connection, such as `http_body_util::Empty<Bytes>`; its default value must be empty.
    ///
    /// # Errors
    ///
    /// Returns an [`Http2ConnectError`] that contains the reason, and the response if one was
    /// received that does not open a WebSocket. The server has
    /// [`Config::handshake_timeout`](crate::Config::handshake_timeout) to answer.
    ///
    /// # Cancel safety
    ///
    /// This method is cancel safe. If the future is dropped, the stream is reset, and the
    /// connection remains usable.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use std::time::Duration;
    /// use bytes::Bytes;
    /// use http::Request;
    /// use http_body_util::Empty;
    /// use hyper::client::conn::http2;
    /// use hyper_util::rt::{TokioExecutor, TokioIo};
    /// use tokio::{net::TcpStream, time::{sleep, timeout}};
    /// use tower_websocket::Connector;
    ///
    /// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
    /// let io = TokioIo::new(TcpStream::connect("127.0.0.1:8080").await?);
    /// let mut builder = http2::Builder::new(TokioExecutor::new());
    /// builder
    ///     .initial_stream_window_size(64 * 1024)
    ///     .initial_connection_window_size(16 * 1024 * 1024);
    /// let (mut sender, connection) = builder.handshake::<_, Empty<Bytes>>(io).await?;
    /// let announced = async {
    ///     while !connection.is_extended_connect_protocol_enabled() {
    ///         sleep(Duration::from_millis(10)).await;
    ///     }
    /// };
    /// timeout(Duration::from_secs(5), announced).await?;
    /// tokio::spawn(connection);
    /// let request = Request::get("ws://127.0.0.1:8080/chat").body(())?;
    /// let (mut socket, _) = Connector::new().connect_http2(request, &mut sender).await?;
    /// socket.send("hello").await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [enabled]: http2::Connection::is_extended_connect_protocol_enabled
    pub async fn connect_http2<B>(
        &self,
        request: Request<()>,
        sender: &mut http2::SendRequest<B>,
    ) -> Result<(WebSocket, Response<()>), Http2ConnectError>
    where
        B: Body + Default + 'static,
    {
        let guard = self.admit()?;
        let opening = Opening::extended_connect(request, self.protocols(), &self.config().deflate)
            .map_err(ConnectErrorKind::from)?;
        let limit = self.config().handshake_timeout;
        let exchanged = timeout(limit, async {
            sender.ready().await?;
            sender.send_request(Request::from_parts(opening.parts.clone(), B::default())).await
        });
        let mut response = match exchanged.await {
            Ok(response) => response.map_err(ConnectErrorKind::Http2)?,
            Err(_) => return Err(ConnectErrorKind::TimedOut(limit).into()),
        };
        let agreed = match opening.offer.check(response.status(), response.headers()) {
            Ok(agreed) => agreed,
            Err(error) => return Err(Http2ConnectError::new(error.into(), Some(response))),
        };
        let io = upgrade::on(&mut response).await.map_err(ConnectErrorKind::Http2)?;
        let io = UpgradedIo::from_http2(io, None);
        let negotiated = self.negotiated(agreed, guard, &opening.parts);
        Ok((WebSocket::new(io, &Bytes::new(), negotiated), response.map(drop)))
    }
}

/// The error of [`Connector::connect_http2`]. It contains the response, if one was received.
///
/// # Examples
///
/// ```
/// use http_body_util::BodyExt;
/// use tower_websocket::connect::Http2ConnectError;
///
/// /// Prints the error and the body of the response.
/// async fn report(error: Http2ConnectError) -> Result<(), hyper::Error> {
///     println!("{}: {:?}", error.kind(), error.response().map(|response| response.status()));
///     if let (_, Some(response)) = error.into_parts() {
///         println!("{:?}", response.into_body().collect().await?.to_bytes());
///     }
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct Http2ConnectError(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: ConnectErrorKind,
    response: Option<Response<Incoming>>,
}

impl Http2ConnectError {
    fn new(kind: ConnectErrorKind, response: Option<Response<Incoming>>) -> Self {
        Self(Box::new(Inner { kind, response }))
    }

    /// Returns the reason.
    ///
    /// See the [example](Self#examples) of the type.
    pub fn kind(&self) -> &ConnectErrorKind {
        &self.0.kind
    }

    /// Returns the response, if one was received.
    ///
    /// See the [example](Self#examples) of the type.
    pub fn response(&self) -> Option<&Response<Incoming>> {
        self.0.response.as_ref()
    }

    /// Returns the reason, and the response with its body if one was received.
    ///
    /// See the [example](Self#examples) of the type.
    pub fn into_parts(self) -> (ConnectErrorKind, Option<Response<Incoming>>) {
        (self.0.kind, self.0.response)
    }
}

impl From<ConnectErrorKind> for Http2ConnectError {
    fn from(kind: ConnectErrorKind) -> Self {
        Self::new(kind, None)
    }
}

impl fmt::Display for Http2ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.kind.fmt(f)
    }
}

impl Error for Http2ConnectError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.kind.source()
    }
}
