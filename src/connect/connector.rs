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

/// Opens WebSockets as a client, over any stream that the caller brings: the other end of an
/// [`Acceptor`](crate::Acceptor).
///
/// ```no_run
/// use http::Request;
/// use tokio::net::TcpStream;
/// use tower_websocket::Connector;
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let io = TcpStream::connect("example.com:80").await?;
/// let request = Request::get("ws://example.com/chat").header("origin", "https://example.com").body(())?;
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
///
/// It resolves no names, and has neither TLS nor a pool: the stream is a `TcpStream`, a TLS stream
/// over one, a unix socket, or any other.
///
/// The [`WebSocket`] is the one that servers have, with the same [`Config`]: limits, keepalive,
/// compression, timeouts, count and shutdown. It has no driver: keepalive and answers to pings need
/// that one of its methods is awaited, or [`WebSocket::drive`]. As a client's it differs in this:
///
/// - What it sends is masked with random keys, which is a copy of each message, in pieces of at
///   most 64 KiB; frames that arrive masked are a protocol violation (RFC 6455 §5.1 and §5.3).
/// - After the closing handshake, it waits for the server to end the stream first (RFC 6455
///   §7.1.1), at most for [`Config::close_timeout`].
/// - [`Config::allow_origin`], [`Config::allow_host`] and [`Config::request_head_timeout`] are for
///   servers, and are ignored.
#[derive(Clone, Debug, Default)]
#[must_use = "a connector does nothing unless it connects"]
pub struct Connector {
    config: Arc<ConfigValues>,
    protocols: Vec<HeaderValue>,
}

impl Connector {
    /// Creates a connector with the default [`Config`], which offers no subprotocol.
    pub fn new() -> Self {
        Self::default()
    }

    /// Replaces the default [`Config`].
    pub fn with_config(mut self, config: Config) -> Self {
        self.config = config.into_values();
        self
    }

    /// Offers one more subprotocol, after those before it (RFC 6455 §1.9). The server may choose
    /// one of them, or none: [`WebSocket::protocol`] returns which.
    ///
    /// Those in the request's own `Sec-WebSocket-Protocol` are offered before these.
    ///
    /// # Panics
    ///
    /// Panics when `name` is not a token (RFC 6455 §4.1 item 10): letters, digits and
    /// ``!#$%&'*+-.^_`|~``, at least one.
    pub fn protocol(mut self, name: impl AsRef<str>) -> Self {
        let name = name.as_ref();
        let protocol = HeaderValue::from_str(name).ok().filter(|_| is_token(name));
        self.protocols.push(protocol.unwrap_or_else(|| panic!("the subprotocol {name:?} is not a token")));
        self
    }

    /// Asks for a WebSocket over `io`, with an HTTP/1.1 request, and returns it with the head of
    /// the accepting response.
    ///
    /// `request` is a `GET` whose URI has the path and the host, in any scheme. A `Host` of its own
    /// goes before that of the URI, and the other headers are sent as they are, but for these:
    ///
    /// - `Upgrade`, `Connection`, `Sec-WebSocket-Key`, `Sec-WebSocket-Version` and
    ///   `Sec-WebSocket-Extensions` are set;
    /// - headers that belong to another connection, such as those that its `Connection` names, and
    ///   `Content-Length` are taken out, so that a gateway can pass a client's request on.
    ///
    /// Frames that come together with the response are not lost.
    ///
    /// # Errors
    ///
    /// Returns a [`ConnectError`], which has the reason, `io`, and the head of the response if one
    /// came: every check of RFC 6455 §4.1 has an error of its own in
    /// [`ResponseError`](crate::handshake::ResponseError). The server has
    /// [`Config::handshake_timeout`] to take the request and to answer.
    ///
    /// # Cancel safety
    ///
    /// Not cancel safe: `io` is dropped with the future.
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

    /// Takes a place for the socket, and makes the request.
    fn prepare(&self, request: Request<()>) -> Result<(ConnectionGuard, Opening), ConnectErrorKind> {
        let guard = self.admit()?;
        let key = HeaderValue::try_from(generate_key()).expect("base64 is a valid header value");
        Ok((guard, Opening::upgrade(request, key, &self.protocols, &self.config.deflate)?))
    }

    /// Takes a place for the socket.
    pub(super) fn admit(&self) -> Result<ConnectionGuard, ConnectErrorKind> {
        let ConfigValues { places, shutdown, .. } = &*self.config;
        ConnectionGuard::acquire(places.as_ref(), shutdown.as_ref()).map_err(|error| match error {
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

    /// What a response that agrees on `agreed` leaves for its connection.
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
            permit: guard,
            trace: Some(RequestTrace::new(parts).accepted(id, protocol.as_ref())),
            protocol,
            deflate,
        }
    }
}

/// Sends a request and reads the head of the response, within `limit`; gives what was read beyond
/// that.
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
