//! The opening handshake without a handler.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use http::{Request, Response, request::Parts};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt},
    time::timeout,
};

use super::{
    AcceptError, AcceptErrorKind, PendingUpgrade,
    admission::{Admission, check},
    header_case,
    pending_upgrade::check_upgradable,
};
use crate::{
    config::{Config, ConfigValues},
    handshake::{HandshakeError, HandshakeKind, HandshakeService, UpgradeRequest, ask},
    http1::{encode_response, read_request},
    trace::RequestTrace,
    websocket::{Negotiated, WebSocket},
};

/// A handshake service with a [`Config`], and no handler: it turns a raw stream, or a request whose
/// IO can be upgraded, into an open WebSocket and the value that the handshake service attached.
///
/// ```
/// use tokio::net::TcpListener;
/// use tower_websocket::{AcceptAll, Acceptor};
///
/// # async fn run() -> std::io::Result<()> {
/// let acceptor = Acceptor::new(AcceptAll);
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
    /// The lock is held for a clone only: it lets services be used here that are not `Sync`.
    handshake: Arc<Mutex<H>>,
    config: Arc<ConfigValues>,
}

impl<H> Acceptor<H> {
    /// Asks `handshake` about each valid request.
    pub fn new(handshake: H) -> Self
    where
        H: HandshakeService,
    {
        Self { handshake: Arc::new(Mutex::new(handshake)), config: Arc::default() }
    }

    /// Replaces the default [`Config`].
    pub fn with_config(mut self, config: Config) -> Self {
        self.config = config.into_values();
        if self.config.canonical_header_case {
            // Should a later hyper not tell the spelling, this panics here and not at a request.
            header_case::extensions();
        }
        self
    }
}

impl<H: HandshakeService> Acceptor<H> {
    /// Reads an HTTP/1.1 request from a raw stream, answers it, and opens the WebSocket. No HTTP
    /// server is involved, and no HTTP/2.
    ///
    /// Frames that came together with the request are not lost.
    ///
    /// # Errors
    ///
    /// Returns an [`AcceptError`], which has the reason and `io`, so that the client can be
    /// answered: with the [proper response](AcceptError::respond) or with any bytes of the
    /// caller's.
    ///
    /// # Cancel safety
    ///
    /// Not cancel safe: `io` is dropped with the future.
    pub async fn accept<IO>(&self, mut io: IO) -> Result<(WebSocket<IO>, H::Extra), AcceptError<IO>>
    where
        IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let limit = self.config.request_head_timeout;
        let (unread, request) = read_request(&mut io, limit).await;
        let (request, answer) = match request {
            Err(error) => (None, Err(AcceptErrorKind::of_head(error, limit))),
            Ok(request) => {
                let (parts, ()) = request.clone().into_parts();
                let checked = HandshakeKind::of(&request)
                    .ok_or_else(|| HandshakeError::not_websocket(&request))
                    .and_then(|kind| check(&parts, kind, &self.config));
                let answer = match checked {
                    Ok((upgrade, admission)) => self.ask(parts, upgrade, admission).await,
                    Err(error) => Err(reject(&parts, error)),
                };
                (Some(request), answer.map_err(AcceptErrorKind::Handshake))
            }
        };
        let (response, negotiated, extra) = match answer {
            Ok(accepted) => accepted,
            Err(kind) => return Err(AcceptError::new(kind, request, io, unread)),
        };
        let head = encode_response(&response, self.config.canonical_header_case);
        let written = timeout(limit, async {
            io.write_all(&head).await?;
            io.flush().await
        });
        let kind = match written.await {
            Ok(Ok(())) => {
                negotiated.set_tcp_options(&io);
                return Ok((WebSocket::new(io, &unread, negotiated), extra));
            }
            Ok(Err(error)) => AcceptErrorKind::Io(error),
            Err(_) => AcceptErrorKind::Stalled(limit),
        };
        Err(AcceptError::new(kind, request, io, unread))
    }

    /// Answers a request whose IO can be upgraded, as a hyper service gets it, over HTTP/1.1 or
    /// HTTP/2; or as any server gives it with a [`PendingIo`](crate::io::PendingIo).
    ///
    /// The response has to be sent; then [`PendingUpgrade`] becomes the open WebSocket, on a task
    /// of its own:
    ///
    /// ```
    /// use std::convert::Infallible;
    /// use http::{Request, Response};
    /// use hyper::body::Incoming;
    /// use tower_websocket::{AcceptAll, Acceptor, handshake::RejectionBody};
    ///
    /// async fn service(request: Request<Incoming>) -> Result<Response<RejectionBody>, Infallible> {
    ///     match Acceptor::new(AcceptAll).accept_request(request).await {
    ///         Ok((response, upgrading)) => {
    ///             tokio::spawn(async move {
    ///                 let Ok((mut socket, ())) = upgrading.await else { return };
    ///                 let _ = socket.send("hello").await;
    ///             });
    ///             Ok(response.map(|()| RejectionBody::default()))
    ///         }
    ///         Err(rejected) => Ok(rejected.into_response()),
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// Returns a [`HandshakeError`] if the handshake is rejected;
    /// [`into_response`](HandshakeError::into_response) is the response for the client.
    pub async fn accept_request<B>(
        &self,
        request: Request<B>,
    ) -> Result<(Response<()>, PendingUpgrade<H::Extra>), HandshakeError> {
        let Some(kind) = HandshakeKind::of(&request) else {
            let error = HandshakeError::not_websocket(&request);
            return Err(reject(&request.into_parts().0, error));
        };
        self.accept_opening(request.into_parts().0, kind).await
    }

    /// [`accept_request`](Self::accept_request) for a request that asks for a WebSocket in the way
    /// of `kind`.
    pub(crate) async fn accept_opening(
        &self,
        mut parts: Parts,
        kind: HandshakeKind,
    ) -> Result<(Response<()>, PendingUpgrade<H::Extra>), HandshakeError> {
        let checked = check_upgradable(&mut parts, kind, &self.config);
        let (upgrade, admission, source) = checked.map_err(|error| reject(&parts, error))?;
        let (response, agreement, extra) = self.ask(parts, upgrade, admission).await?;
        Ok((response, PendingUpgrade::new(source, agreement, extra)))
    }

    /// Asks the handshake service: the response, and what follows once it is sent.
    async fn ask(
        &self,
        parts: Parts,
        upgrade: UpgradeRequest,
        admission: Admission,
    ) -> Result<(Response<()>, Negotiated, H::Extra), HandshakeError> {
        let trace = RequestTrace::new(&parts);
        let timeout = self.config.handshake_timeout;
        // A clone that panicked has not changed the service.
        let handshake = self.handshake.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match ask(handshake, parts, upgrade, &admission.extensions, timeout).await {
            Ok(accepted) => Ok(admission.agree(accepted, Arc::clone(&self.config), trace)),
            Err(error) => {
                trace.rejected(error.status(), &error);
                Err(error)
            }
        }
    }
}

/// Records that the request with the head `parts` is rejected for `error`.
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
