//! The extractor for axum's handlers.

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

/// Extracts a request for a WebSocket. A drop-in replacement for
/// `axum::extract::ws::WebSocketUpgrade`.
///
/// The extractor checks the complete opening handshake (RFC 6455 §4.2.1, RFC 8441 §5), the host,
/// the [origin](crate::AllowOrigin), `max_connections` and a [`Shutdown`](crate::Shutdown). If a
/// check fails, the request is rejected with the response of a [`HandshakeError`]. The handler
/// accepts the request with [`on_upgrade`](Self::on_upgrade), or returns any other response to
/// reject it.
///
/// - The [`Config`] is taken from the request's extensions, where `Extension(config)` puts it.
///   Without one, the default is used.
/// - [`ConfigFromState`](super::ConfigFromState) takes the `Config` from the router's state.
/// - `Result<WebSocketUpgrade, HandshakeError>` passes a rejection to the handler.
/// - `Option<WebSocketUpgrade>` is `None` if the request does not ask for a WebSocket, so that one
///   handler can serve both a page and its socket. An invalid handshake is still rejected.
/// - A request can be extracted only once. A second extractor fails with
///   [`HandshakeError::NotUpgradable`].
/// - The socket counts for `max_connections` and for a `Shutdown` from its extraction until the
///   closing handshake ends.
/// - [`Config::handshake_timeout`] does not apply, because the handler determines the time.
/// - Over HTTP/2, every 2xx status opens the WebSocket for the client. A handler that rejects a
///   request must not respond with a 2xx.
///
/// # Examples
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
#[must_use = "a WebSocket opens only when `on_upgrade` is called and its response returned"]
pub struct WebSocketUpgrade {
    request: CheckedRequest,
    requested: Vec<HeaderValue>,
    selected: Option<HeaderValue>,
    /// Never locked. The mutex only makes the type `Sync`.
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

    /// Replaces the [`Config`], including limits that were set before.
    ///
    /// The extractor has already checked the request with the `Config` of the request's extensions
    /// or of the state. This method checks it again with the new one. If the origin is not allowed
    /// or `max_connections` is reached, [`on_upgrade`](Self::on_upgrade) returns the response that
    /// rejects the request.
    ///
    /// A request that the first check rejected never reaches the handler. To allow more origins
    /// than the default, set [`allow_origin`](Config::allow_origin) in the `Config` of the router.
    ///
    /// # Examples
    ///
    /// ```
    /// use axum::response::Response;
    /// use tower_websocket::{Config, axum::WebSocketUpgrade};
    ///
    /// async fn upload(ws: WebSocketUpgrade) -> Response {
    ///     ws.with_config(Config::new().receive_in_chunks(true)).on_upgrade(async |_| ())
    /// }
    /// ```
    pub fn with_config(mut self, config: Config) -> Self {
        self.request = self.request.with_config(config);
        self
    }

    /// Sets the largest message that is received, in bytes; see [`Config::max_message_size`].
    /// Default: 1 MiB, or the value of the `Config`.
    ///
    /// Most messages arrive in one frame, so [`max_frame_size`](Self::max_frame_size) limits them
    /// as well.
    ///
    /// # Panics
    ///
    /// Panics if `bytes` is 0.
    ///
    /// # Examples
    ///
    /// ```
    /// use axum::response::Response;
    /// use tower_websocket::axum::WebSocketUpgrade;
    ///
    /// async fn chat(ws: WebSocketUpgrade) -> Response {
    ///     ws.max_message_size(64 * 1024)
    ///         .max_frame_size(64 * 1024)
    ///         .max_write_buffer_size(256 * 1024)
    ///         .on_upgrade(async |mut socket| drop(socket.send("hello").await))
    /// }
    /// ```
    pub fn max_message_size(mut self, bytes: usize) -> Self {
        self.request = self.request.map_limits(|config| config.max_message_size(bytes));
        self
    }

    /// Sets the largest frame that is received, in bytes; see [`Config::max_frame_size`]. Default:
    /// 1 MiB, or the value of the `Config`.
    ///
    /// See the [example](Self::max_message_size) of `max_message_size`.
    ///
    /// # Panics
    ///
    /// Panics if `bytes` is 0.
    pub fn max_frame_size(mut self, bytes: usize) -> Self {
        self.request = self.request.map_limits(|config| config.max_frame_size(bytes));
        self
    }

    /// Sets how many bytes can be queued for writing before sending waits; see
    /// [`Config::max_write_buffer_size`]. Default: 1 MiB, or the value of the `Config`.
    ///
    /// See the [example](Self::max_message_size) of `max_message_size`.
    ///
    /// # Panics
    ///
    /// Panics if `bytes` is 0.
    pub fn max_write_buffer_size(mut self, bytes: usize) -> Self {
        self.request = self.request.map_limits(|config| config.max_write_buffer_size(bytes));
        self
    }

    /// Selects the first of the `preferred` subprotocols that the client offers, or none if the
    /// client offers none of them (RFC 6455 §1.9).
    ///
    /// See the [example](Self#examples) of the type.
    pub fn protocols<P: AsRef<str>>(mut self, preferred: impl IntoIterator<Item = P>) -> Self {
        self.selected = self.request.offered().select(preferred);
        self
    }

    /// Returns the subprotocols that the client offers, in the client's order of preference.
    ///
    /// # Examples
    ///
    /// ```
    /// use axum::response::{IntoResponse, Response};
    /// use http::{HeaderValue, StatusCode};
    /// use tower_websocket::axum::WebSocketUpgrade;
    ///
    /// async fn chat(mut ws: WebSocketUpgrade) -> Response {
    ///     let is_chat = |name: &&HeaderValue| name.as_bytes().starts_with(b"chat-");
    ///     let Some(protocol) = ws.requested_protocols().find(is_chat).cloned() else {
    ///         return StatusCode::BAD_REQUEST.into_response();
    ///     };
    ///     ws.set_selected_protocol(protocol);
    ///     println!("selected {:?}", ws.selected_protocol());
    ///     ws.on_upgrade(async |mut socket| drop(socket.send("hello").await))
    /// }
    /// ```
    pub fn requested_protocols(&self) -> impl Iterator<Item = &HeaderValue> {
        self.requested.iter()
    }

    /// Returns the selected subprotocol.
    ///
    /// See the [example](Self::requested_protocols) of `requested_protocols`.
    pub fn selected_protocol(&self) -> Option<&HeaderValue> {
        self.selected.as_ref()
    }

    /// Selects a subprotocol. If the client does not offer it, it is not sent, because the client
    /// would have to fail the connection (RFC 6455 §4.1).
    ///
    /// See the [example](Self::requested_protocols) of `requested_protocols`.
    pub fn set_selected_protocol(&mut self, protocol: HeaderValue) {
        self.selected = Some(protocol);
    }

    /// Calls `callback` if the request was accepted but the WebSocket does not open, because the
    /// client disconnected or the server does not support upgrades.
    ///
    /// By default, the failure is only logged, with the feature `tracing`.
    ///
    /// # Examples
    ///
    /// ```
    /// use axum::response::Response;
    /// use tower_websocket::axum::WebSocketUpgrade;
    ///
    /// async fn greet(ws: WebSocketUpgrade) -> Response {
    ///     ws.on_failed_upgrade(|error| eprintln!("no WebSocket: {error}"))
    ///         .on_upgrade(async |mut socket| drop(socket.send("hello").await))
    /// }
    /// ```
    pub fn on_failed_upgrade(mut self, callback: impl FnOnce(UpgradeError) + Send + 'static) -> Self {
        self.on_failed = Mutex::new(Some(Box::new(callback)));
        self
    }

    /// Accepts the request. Returns the response for the client, and runs `handler` on its own task
    /// when the response has been sent.
    ///
    /// The handler returns `()`, or a `Result` whose error closes the connection with 1011; see
    /// [`HandlerOutput`]. When it returns, or panics, the closing handshake is completed in the
    /// background.
    ///
    /// Headers can be added to the response, but its status must not be changed.
    ///
    /// See the [example](Self#examples) of the type.
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
