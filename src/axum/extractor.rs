//! The extractor.

use std::{
    fmt,
    future::Future,
    sync::{Mutex, PoisonError},
};

use axum::{
    body::Body,
    extract::{FromRequestParts, OptionalFromRequestParts},
    response::{IntoResponse, Response},
};
use http::{HeaderValue, request::Parts};

use crate::{
    accept::{CheckedRequest, UpgradeError},
    config::Config,
    handshake::HandshakeError,
    upgrade::{HandlerOutput, UpgradeTask},
    websocket::WebSocket,
};

/// Extracts a request for a WebSocket: a drop-in for `axum::extract::ws::WebSocketUpgrade`.
///
/// Extracting it checks the whole opening handshake (RFC 6455 §4.2.1, RFC 8441 §5), the host, the
/// [origin](crate::AllowOrigin), `max_connections` and a [`Shutdown`](crate::Shutdown); a request
/// that does not pass is rejected with the response of a [`HandshakeError`]. Then the handler may
/// still answer with any other response, and [`on_upgrade`](Self::on_upgrade) accepts.
///
/// The [`Config`] is the one in the request's extensions, where `Extension(config)` puts it,
/// otherwise the default:
///
/// ```
/// use axum::{Extension, Router, response::Response, routing::any};
/// use tower_websocket::{AllowOrigin, Config, axum::WebSocketUpgrade};
///
/// async fn greet(ws: WebSocketUpgrade) -> Response {
///     ws.protocols(["chat"]).on_upgrade(async |mut socket| drop(socket.send("hello").await))
/// }
///
/// # fn main() -> Result<(), tower_websocket::handshake::InvalidEntry> {
/// let config = Config::new()
///     .allow_origin(AllowOrigin::list(["https://example.com"])?)
///     .max_connections(10_000);
/// let app: Router = Router::new().route("/ws", any(greet)).layer(Extension(config));
/// # Ok(())
/// # }
/// ```
///
/// Other ways to extract it:
///
/// - [`ConfigFromState`](super::ConfigFromState) takes the `Config` from the router's state.
/// - `Result<WebSocketUpgrade, HandshakeError>` leaves the rejection to the handler.
/// - `Option<WebSocketUpgrade>` is `None` for a request that does not ask for a WebSocket, so that
///   one handler serves a page and its socket. A bad handshake is rejected.
///
/// A request can be extracted once: a second extractor is rejected with
/// [`HandshakeError::NotUpgradable`].
///
/// From when it is extracted until the end of the closing handshake, the socket counts against
/// `max_connections` and for a `Shutdown`. [`Config::handshake_timeout`] does not apply, as the
/// time is that of the handler.
///
/// Over HTTP/2 any 2xx opens the WebSocket for the client: a handler that refuses must not answer
/// with one.
#[must_use = "a WebSocket opens only when `on_upgrade` is called and its response returned"]
pub struct WebSocketUpgrade {
    request: CheckedRequest,
    requested: Vec<HeaderValue>,
    selected: Option<HeaderValue>,
    /// Never locked: the lock makes it `Sync`.
    on_failed: Mutex<Option<OnFailed>>,
}

type OnFailed = Box<dyn FnOnce(UpgradeError) + Send>;

impl WebSocketUpgrade {
    pub(super) fn take(parts: &mut Parts, config: Config) -> Result<Self, HandshakeError> {
        let request = CheckedRequest::take(parts, config)?;
        let requested =
            request.offered().iter().filter_map(|name| HeaderValue::from_str(name).ok()).collect();
        Ok(Self { request, requested, selected: None, on_failed: Mutex::default() })
    }

    /// Replaces the [`Config`], limits that were set before included.
    ///
    /// The request was checked under the `Config` of the request's extensions or of the state, and
    /// is checked again under this one: if its origin is not allowed now, or `max_connections` is
    /// reached, [`on_upgrade`](Self::on_upgrade) returns the response that rejects it. What was
    /// rejected before cannot be allowed any more: an [`allow_origin`](Config::allow_origin) that
    /// allows more than the default belongs to the router.
    pub fn with_config(mut self, config: Config) -> Self {
        self.request = self.request.with_config(config);
        self
    }

    /// Sets the largest message that is received, in bytes; see [`Config::max_message_size`].
    /// Default: 1 MiB, or that of the `Config`.
    ///
    /// Messages that come in one frame, as most do, are limited by
    /// [`max_frame_size`](Self::max_frame_size) as well.
    ///
    /// # Panics
    ///
    /// Panics when `bytes` is 0.
    pub fn max_message_size(mut self, bytes: usize) -> Self {
        self.request = self.request.map_limits(|config| config.max_message_size(bytes));
        self
    }

    /// Sets the largest frame that is received, in bytes; see [`Config::max_frame_size`]. Default:
    /// 1 MiB, or that of the `Config`.
    ///
    /// # Panics
    ///
    /// Panics when `bytes` is 0.
    pub fn max_frame_size(mut self, bytes: usize) -> Self {
        self.request = self.request.map_limits(|config| config.max_frame_size(bytes));
        self
    }

    /// Sets how many bytes may wait to be written before sending waits; see
    /// [`Config::max_write_buffer_size`]. Default: 1 MiB, or that of the `Config`.
    ///
    /// # Panics
    ///
    /// Panics when `bytes` is 0.
    pub fn max_write_buffer_size(mut self, bytes: usize) -> Self {
        self.request = self.request.map_limits(|config| config.max_write_buffer_size(bytes));
        self
    }

    /// Selects the first of `preferred` that the client offers, or no subprotocol if it offers none
    /// of them (RFC 6455 §1.9).
    pub fn protocols<P: AsRef<str>>(mut self, preferred: impl IntoIterator<Item = P>) -> Self {
        self.selected = self.request.offered().select(preferred);
        self
    }

    /// Returns the subprotocols that the client offers, in its order of preference.
    pub fn requested_protocols(&self) -> impl Iterator<Item = &HeaderValue> {
        self.requested.iter()
    }

    /// Returns the subprotocol that was selected.
    pub fn selected_protocol(&self) -> Option<&HeaderValue> {
        self.selected.as_ref()
    }

    /// Selects a subprotocol. One that the client does not offer is not sent: the client would have
    /// to fail the connection (RFC 6455 §4.1).
    pub fn set_selected_protocol(&mut self, protocol: HeaderValue) {
        self.selected = Some(protocol);
    }

    /// Calls `callback` if the WebSocket does not open although it was accepted: the client went
    /// away, or the server does not upgrade connections.
    ///
    /// By default, the failure is only logged, with the feature `tracing`.
    pub fn on_failed_upgrade(mut self, callback: impl FnOnce(UpgradeError) + Send + 'static) -> Self {
        self.on_failed = Mutex::new(Some(Box::new(callback)));
        self
    }

    /// Accepts the request: returns the response for the client, and runs `handler` on a task of
    /// its own once that response is sent.
    ///
    /// The handler returns `()`, or a `Result` whose error closes with 1011; see [`HandlerOutput`].
    /// However it ends, the closing handshake is finished. The response may be given more headers,
    /// but must be returned with its status.
    ///
    /// # Panics
    ///
    /// Panics outside of a tokio runtime.
    #[must_use = "the WebSocket opens only when this response is returned"]
    pub fn on_upgrade<F, Fut>(self, handler: F) -> Response
    where
        F: FnOnce(WebSocket) -> Fut + Send + 'static,
        Fut: Future<Output: HandlerOutput> + Send + 'static,
    {
        let Self { request, selected, on_failed, .. } = self;
        match request.accept(selected) {
            Ok((response, upgrading)) => {
                let on_failed = on_failed.into_inner().unwrap_or_else(PoisonError::into_inner);
                let on_failed = |error| {
                    if let Some(callback) = on_failed {
                        callback(error);
                    }
                };
                tokio::spawn(UpgradeTask::new(upgrading, |socket, ()| handler(socket), on_failed));
                response.map(|()| Body::empty())
            }
            Err(error) => IntoResponse::into_response(error),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for WebSocketUpgrade {
    type Rejection = HandshakeError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, HandshakeError> {
        let config = parts.extensions.get().cloned().unwrap_or_default();
        Self::take(parts, config)
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for WebSocketUpgrade {
    type Rejection = HandshakeError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Option<Self>, HandshakeError> {
        if !CheckedRequest::asks(parts) {
            return Ok(None);
        }
        <Self as FromRequestParts<S>>::from_request_parts(parts, state).await.map(Some)
    }
}

impl fmt::Debug for WebSocketUpgrade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocketUpgrade")
            .field("config", self.request.config())
            .field("requested_protocols", &self.requested)
            .field("selected_protocol", &self.selected)
            .finish_non_exhaustive()
    }
}
