//! The opening handshake of a client.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, request::Parts};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt},
    time::{Instant, timeout},
};
use tungstenite::{handshake::client::generate_key, protocol::Role};

use super::{ConnectError, ConnectErrorKind, opening::Opening};
use crate::{
    config::{Config, ConfigValues},
    handshake::NegotiatedHeaders,
    header::is_token,
    http1::read_response,
    trace::RequestTrace,
    websocket::{ConnectionGuard, GuardError, Negotiated, WebSocket, WebSocketId},
};

/// A client that opens WebSockets on any stream that the caller provides.
///
/// It is the counterpart of the [`Acceptor`](crate::Acceptor).
///
/// A connector does not resolve names, and has neither TLS nor a connection pool: the caller
/// provides a `TcpStream`, a TLS stream, a Unix socket, or any other stream.
///
/// The [`WebSocket`] is the same type as on a server and uses the same [`Config`]: limits,
/// keepalive, compression, timeouts, connection count and shutdown. It has no driver, so it sends
/// keepalive pings and answers the server's pings only while one of its methods is awaited. Use
/// [`WebSocket::drive`] to change that. The client side differs in these points:
///
/// - Sent messages are masked with random keys, which copies each message in pieces of at most 64
///   KiB. A masked frame from the server is a protocol violation (RFC 6455 §5.1 and §5.3).
/// - After the closing handshake, the client waits up to [`Config::close_timeout`] for the server
///   to end the stream first (RFC 6455 §7.1.1).
/// - [`Config::allow_origin`], [`Config::allow_host`] and [`Config::request_head_timeout`] apply to
///   servers, and are ignored.
///
/// # Examples
///
/// ```no_run
/// use http::Request;
/// use tokio::net::TcpStream;
/// use tower_websocket::Connector;
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let io = TcpStream::connect("example.com:80").await?;
/// let request = Request::get("ws://example.com/chat").header("cookie", "id=7").body(())?;
/// let (mut socket, response) = Connector::new().protocol("chat").connect(request, io).await?;
/// println!("{:?} of {:?}", socket.protocol(), response.headers().get("server"));
///
/// socket.send("hello").await?;
/// while let Some(message) = socket.recv_data().await {
///     println!("{}", message?);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "a connector does nothing unless it connects"]
pub struct Connector {
    config: Arc<ConfigValues>,
    protocols: Vec<HeaderValue>,
}

impl Connector {
    /// Creates a connector with the default [`Config`] that offers no subprotocol.
    ///
    /// See the [example](Self#examples) of the type.
    pub fn new() -> Self {
        Self::default()
    }

    /// Replaces the default [`Config`].
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use tower_websocket::{Config, Connector};
    ///
    /// let config = Config::new().handshake_timeout(Duration::from_secs(3));
    /// let connector = Connector::new().with_config(config);
    /// ```
    pub fn with_config(mut self, config: Config) -> Self {
        self.config = config.into_values();
        self
    }

    /// Offers another subprotocol, after those that were added before (RFC 6455 §1.9).
    ///
    /// The server may select one of them or none; [`WebSocket::protocol`] returns its selection.
    ///
    /// If the request has a `Sec-WebSocket-Protocol` header of its own, its subprotocols are
    /// offered first. A repeated subprotocol is offered once.
    ///
    /// # Panics
    ///
    /// Panics if `name` is not a token (RFC 6455 §4.1 item 10): at least one of letters, digits and
    /// ``!#$%&'*+-.^_`|~``.
    ///
    /// # Examples
    ///
    /// See the [example](Self#examples) of the type.
    pub fn protocol(mut self, name: impl AsRef<str>) -> Self {
        let name = name.as_ref();
        let protocol = HeaderValue::from_str(name).ok().filter(|_| is_token(name));
        self.protocols.push(protocol.unwrap_or_else(|| panic!("the subprotocol {name:?} is not a token")));
        self
    }

    /// Requests a WebSocket over `io` with HTTP/1.1, and returns it together with the head of the
    /// server's 101 response.
    ///
    /// Frames that arrive together with the response are not lost.
    ///
    /// `request` is a `GET` request. Its URI contains the path, and the host unless there is a
    /// `Host` header, which takes precedence. The URI may have any scheme. A user name and password
    /// in it are not sent: set `Authorization` for them. Other headers are sent unchanged, with
    /// these exceptions:
    ///
    /// - `Upgrade`, `Connection`, `Sec-WebSocket-Key`, `Sec-WebSocket-Version` and
    ///   `Sec-WebSocket-Extensions` are replaced.
    /// - `Sec-WebSocket-Protocol` is sent on one line, without empty and repeated subprotocols, and
    ///   with those of the connector.
    /// - `Sec-WebSocket-Accept`, `Content-Length` and headers that belong to another connection,
    ///   such as those that its `Connection` lists, are removed. This allows a gateway to forward a
    ///   client's request. If the gateway adds headers of its own, it has to remove those that the
    ///   client's `Connection` lists before, as `examples/proxy` does.
    ///
    /// # Errors
    ///
    /// Returns a [`ConnectError`] that contains the reason, `io`, and the head of the response if
    /// it was received. Each check of RFC 6455 §4.1 has its own variant of
    /// [`ResponseError`](crate::handshake::ResponseError). The server has
    /// [`Config::handshake_timeout`] to receive the request and to answer.
    ///
    /// # Cancel safety
    ///
    /// This method is not cancel safe. If the future is dropped, it drops `io`.
    ///
    /// # Examples
    ///
    /// See the [example](Self#examples) of the type.
    pub async fn connect<IO>(
        &self,
        request: Request<()>,
        mut io: IO,
    ) -> Result<(WebSocket<IO>, Response<()>), ConnectError<IO>>
    where
        IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let (guard, opening) = match self.prepare(request) {
            Ok(prepared) => prepared,
            Err(kind) => return Err(ConnectError::new(kind, None, io, Bytes::new())),
        };
        let head = opening.encode(self.config.canonical_header_case);
        let (unread, response) = exchange(&mut io, &head, self.config.handshake_timeout).await;
        let response = match response {
            Ok(response) => response,
            Err(kind) => return Err(ConnectError::new(kind, None, io, unread)),
        };
        match opening.offer.check(response.status(), response.headers()) {
            Ok(agreed) => {
                let negotiated = self.negotiated(agreed, guard, &opening.parts);
                negotiated.set_tcp_options(&io);
                Ok((WebSocket::new(io, &unread, negotiated), response))
            }
            Err(error) => Err(ConnectError::new(error.into(), Some(response), io, unread)),
        }
    }

    /// Admits the socket and creates the request.
    fn prepare(&self, request: Request<()>) -> Result<(ConnectionGuard, Opening), ConnectErrorKind> {
        let guard = self.admit()?;
        let key = HeaderValue::try_from(generate_key()).expect("base64 is a valid header value");
        Ok((guard, Opening::upgrade(request, key, &self.protocols, &self.config.deflate)?))
    }

    /// Admits the socket if neither the limit nor a shutdown forbids it.
    pub(super) fn admit(&self) -> Result<ConnectionGuard, ConnectErrorKind> {
        let ConfigValues { permits, shutdown, .. } = &*self.config;
        ConnectionGuard::acquire(permits.as_ref(), shutdown.as_ref()).map_err(|error| match error {
            GuardError::ShuttingDown => ConnectErrorKind::ShuttingDown,
            GuardError::TooManyConnections => ConnectErrorKind::TooManyConnections,
        })
    }

    #[cfg(feature = "http2")]
    pub(super) fn config(&self) -> &ConfigValues {
        &self.config
    }

    #[cfg(feature = "http2")]
    pub(super) fn protocols(&self) -> &[HeaderValue] {
        &self.protocols
    }

    /// Returns the values that the connection needs after a response that selected `agreed`.
    pub(super) fn negotiated(
        &self,
        agreed: NegotiatedHeaders,
        guard: ConnectionGuard,
        parts: &Parts,
    ) -> Negotiated {
        let NegotiatedHeaders { protocol, deflate } = agreed;
        let id = WebSocketId::next();
        Negotiated {
            id,
            role: Role::Client,
            config: Arc::clone(&self.config),
            guard,
            trace: Some(RequestTrace::new(parts).accepted(id, protocol.as_ref())),
            protocol,
            deflate,
        }
    }
}

/// Sends a request and reads the head of the response, within `limit`. Also returns the data that
/// was read beyond the head.
async fn exchange<IO>(
    io: &mut IO,
    head: &[u8],
    limit: Duration,
) -> (Bytes, Result<Response<()>, ConnectErrorKind>)
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    let start = Instant::now();
    let written = timeout(limit, async {
        io.write_all(head).await?;
        io.flush().await
    });
    match written.await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => return (Bytes::new(), Err(ConnectErrorKind::Io(error))),
        Err(_) => return (Bytes::new(), Err(ConnectErrorKind::TimedOut(limit))),
    }
    let (unread, response) = read_response(io, limit.saturating_sub(start.elapsed())).await;
    (unread, response.map_err(|error| ConnectErrorKind::of_head(error, limit)))
}
