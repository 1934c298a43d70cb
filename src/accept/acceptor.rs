//! The opening handshake without a handler.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use futures_util::{FutureExt, TryFutureExt, future::ready};
use http::{Request, Response, request::Parts};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt},
    time::timeout,
};

use super::{
    AcceptError, AcceptErrorKind, PendingUpgrade,
    admission::{Admission, check, complete},
    header_case,
    pending_upgrade::check_upgradable,
};
use crate::{
    config::{Config, ConfigValues},
    handshake::{HandshakeError, HandshakeKind, HandshakeService, UpgradeRequest, ask, kind_of},
    http1::{encode_response, read_request},
    trace::RequestTrace,
    websocket::{Negotiated, WebSocket},
};

/// Opens WebSockets without a layer and without a handler, on a raw stream or for a request.
///
/// An acceptor consists of a handshake service and a [`Config`]. It returns the open WebSocket and
/// the value that the handshake service attached.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use tokio::net::TcpListener;
/// use tower_websocket::{AcceptAll, Acceptor, Config};
///
/// # async fn run() -> std::io::Result<()> {
/// let config = Config::new().request_head_timeout(Duration::from_secs(5));
/// let acceptor = Acceptor::new(AcceptAll).with_config(config);
/// let listener = TcpListener::bind("127.0.0.1:0").await?;
/// loop {
///     let (io, _) = listener.accept().await?;
///     let acceptor = acceptor.clone();
///     tokio::spawn(async move {
///         match acceptor.accept(io).await {
///             Ok((mut socket, ())) => drop(socket.send("hello").await),
///             Err(error) => {
///                 eprintln!("{error}");
///                 let _ = error.respond().await;
///             }
///         }
///     });
/// }
/// # }
/// ```
#[must_use = "an acceptor does nothing unless it accepts"]
pub struct Acceptor<H> {
    /// Locked only to clone the service, so that services need not be `Sync`.
    handshake: Arc<Mutex<H>>,
    config: Arc<ConfigValues>,
}

impl<H> Acceptor<H> {
    /// Creates an acceptor that calls `handshake` for each valid request.
    ///
    /// See the [example](Self#examples) of the type.
    pub fn new(handshake: H) -> Self
    where
        H: HandshakeService,
    {
        Self { handshake: Arc::new(Mutex::new(handshake)), config: Arc::default() }
    }

    /// Replaces the default [`Config`].
    ///
    /// See the [example](Self#examples) of the type.
    pub fn with_config(mut self, config: Config) -> Self {
        self.config = config.into_values();
        if self.config.canonical_header_case {
            // If a later version of hyper does not support this, panic here and not on a request.
            header_case::extensions();
        }
        self
    }
}

impl<H: HandshakeService> Acceptor<H> {
    /// Reads an HTTP/1.1 request from a raw stream, writes the response, and opens the WebSocket.
    ///
    /// No HTTP server is involved, and HTTP/2 is not supported. Frames that arrived together with
    /// the request are not lost.
    ///
    /// See the [example](Self#examples) of the type.
    ///
    /// # Errors
    ///
    /// Returns an [`AcceptError`] with the reason and with `io`. Use it to send the
    /// [response](AcceptError::respond) for that error, or to continue with `io` in another way.
    ///
    /// # Cancel safety
    ///
    /// This method is not cancel safe. If it is dropped, `io` is dropped as well.
    pub async fn accept<IO>(&self, mut io: IO) -> Result<(WebSocket<IO>, H::Extra), AcceptError<IO>>
    where
        IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let limit = self.config.request_head_timeout;
        let (read, request) = read_request(&mut io, limit).await;
        let (length, answer) = match request {
            Ok((request, length)) => {
                (length, self.begin(request).map_err(AcceptErrorKind::Handshake).left_future())
            }
            Err(error) => (0, ready(Err(AcceptErrorKind::of_head(error, limit))).right_future()),
        };
        let (head, negotiated, extra) = match answer.await {
            Ok((response, negotiated, extra)) => {
                (encode_response(&response, self.config.canonical_header_case), negotiated, extra)
            }
            Err(kind) => return Err(AcceptError::new(kind, io, read, length)),
        };
        let written = timeout(limit, async {
            io.write_all(&head).await?;
            io.flush().await
        });
        let kind = match written.await {
            Ok(Ok(())) => {
                negotiated.set_tcp_options(&io);
                return Ok((WebSocket::new(io, &read[length..], negotiated), extra));
            }
            Ok(Err(error)) => AcceptErrorKind::Io(error),
            Err(_) => AcceptErrorKind::Stalled(limit),
        };
        Err(AcceptError::new(kind, io, read, length))
    }

    /// Accepts a request of an HTTP server, and returns the response together with the future
    /// WebSocket.
    ///
    /// The request comes from hyper over HTTP/1.1 or HTTP/2, or from another server that sets a
    /// [`PendingIo`](crate::io::PendingIo). Send the response first. The [`PendingUpgrade`]
    /// resolves to the open WebSocket afterwards, so await it on another task.
    ///
    /// # Errors
    ///
    /// Returns a [`HandshakeError`] if the handshake is rejected. Its
    /// [`into_response`](HandshakeError::into_response) returns the response for the client.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::convert::Infallible;
    /// use http::{Request, Response};
    /// use hyper::body::Incoming;
    /// use tower_websocket::{AcceptAll, Acceptor, handshake::RejectionBody};
    ///
    /// type Answer = Result<Response<RejectionBody>, Infallible>;
    ///
    /// async fn service(request: Request<Incoming>) -> Answer {
    ///     match Acceptor::new(AcceptAll).accept_request(request).await {
    ///         Ok((response, pending)) => {
    ///             tokio::spawn(async move {
    ///                 let Ok((mut socket, ())) = pending.await else { return };
    ///                 let _ = socket.send("hello").await;
    ///             });
    ///             Ok(response.map(|()| RejectionBody::default()))
    ///         }
    ///         Err(error) => Ok(error.into_response()),
    ///     }
    /// }
    /// ```
    pub async fn accept_request<B>(
        &self,
        request: Request<B>,
    ) -> Result<(Response<()>, PendingUpgrade<H::Extra>), HandshakeError> {
        let kind = kind_of(&request);
        let (parts, _) = request.into_parts();
        match kind {
            Ok(kind) => self.accept_opening(parts, kind).await,
            Err(error) => Err(reject(&parts, error)),
        }
    }

    /// Accepts a request whose kind is already known, as [`accept_request`](Self::accept_request)
    /// does.
    pub(crate) async fn accept_opening(
        &self,
        mut parts: Parts,
        kind: HandshakeKind,
    ) -> Result<(Response<()>, PendingUpgrade<H::Extra>), HandshakeError> {
        let checked = check_upgradable(&mut parts, kind, &self.config);
        let (upgrade, admission, source) = checked.map_err(|error| reject(&parts, error))?;
        let (response, negotiated, extra) = self.ask(parts, upgrade, admission).await?;
        Ok((response, PendingUpgrade::new(source, negotiated, extra)))
    }

    /// Checks a request, and calls the handshake service for it.
    fn begin(&self, request: Request<()>) -> impl Future<Output = Answer<H>> {
        let kind = kind_of(&request);
        let (parts, ()) = request.into_parts();
        match kind.and_then(|kind| check(&parts, kind, &self.config)) {
            Ok((upgrade, admission)) => self.ask(parts, upgrade, admission).left_future(),
            Err(error) => ready(Err(reject(&parts, error))).right_future(),
        }
    }

    /// Calls the handshake service.
    fn ask(
        &self,
        parts: Parts,
        upgrade: UpgradeRequest,
        admission: Admission,
    ) -> impl Future<Output = Answer<H>> {
        let trace = RequestTrace::new(&parts);
        let Admission { guard, offers } = admission;
        // The lock is only held to clone the service, so a panic cannot have left it in a bad
        // state.
        let handshake = self.handshake.lock().unwrap_or_else(PoisonError::into_inner).clone();
        ask(handshake, parts, upgrade, offers, self.config.handshake_timeout).map(|answer| match answer {
            Ok(accepted) => Ok(complete(accepted, guard, Arc::clone(&self.config), trace)),
            Err(error) => {
                trace.rejected(error.status(), &error);
                Err(error)
            }
        })
    }
}

/// The response to an accepted request, and the values for its connection.
type Answer<H> = Result<(Response<()>, Negotiated, <H as HandshakeService>::Extra), HandshakeError>;

/// Logs that the request with the head `parts` is rejected because of `error`.
pub(crate) fn reject(parts: &Parts, error: HandshakeError) -> HandshakeError {
    RequestTrace::new(parts).rejected(error.status(), &error);
    error
}

impl<H> Clone for Acceptor<H> {
    fn clone(&self) -> Self {
        Self { handshake: Arc::clone(&self.handshake), config: Arc::clone(&self.config) }
    }
}

impl<H> fmt::Debug for Acceptor<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Acceptor").field("config", &self.config).finish_non_exhaustive()
    }
}
