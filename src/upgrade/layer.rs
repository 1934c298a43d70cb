//! The layer.

use std::{fmt, future::Future, sync::Arc};

use http::request::Parts;
use tower::Layer;

use super::{
    HandlerOutput, UpgradeRequired,
    service::{Predicate, UpgradeParts, WebSocketUpgrade},
};
use crate::{
    accept::Acceptor,
    config::Config,
    handshake::{AcceptAll, HandshakeService},
    websocket::WebSocket,
};

/// Opens WebSockets anywhere in a hyper, tower or axum stack.
///
/// - Requests that do not ask for a WebSocket are passed to the inner service unchanged.
/// - WebSocket requests are checked against RFC 6455 and the [origin policy](Config::allow_origin).
///   Then the [handshake service](HandshakeService) is called. The layer itself responds to a
///   rejected request.
/// - After the response is sent, `handler(socket, extra)` runs on its own task, with the value that
///   the handshake service attached. When it returns, or panics, the closing handshake is completed
///   in the background. If it returns an [error](HandlerOutput), the socket is closed with 1011.
///
/// # Servers
///
/// The server must support upgrades. `axum::serve` and this crate's [`serve`](crate::serve()) do.
/// hyper's `http1::Builder` needs `with_upgrades()`, and hyper-util's `auto::Builder` needs
/// `serve_connection_with_upgrades()`. Without them, the client gets a 101 followed by the end of
/// the stream, and with the feature `tracing`, a warning names the missing call. A server other
/// than hyper hands over its IO with a [`PendingIo`](crate::io::PendingIo).
///
/// Layers outside of this one must not change the status of an accepting response, because hyper
/// hands over the connection even if another status was sent. To reject requests, wrap the
/// handshake service instead.
///
/// # HTTP/2
///
/// With the feature `http2`, the layer also accepts WebSockets over HTTP/2 (RFC 8441): an extended
/// `CONNECT` with the `:protocol` `websocket`. Any other `CONNECT` is passed to the inner service.
/// [`Handshake`](crate::Handshake#http2) lists the differences for the handshake service. The
/// handler is the same.
///
/// The server, not the layer, has to announce that it supports extended `CONNECT`. Otherwise
/// clients open an HTTP/1.1 connection instead.
///
/// - This crate's [`serve`](crate::serve()) announces it.
/// - `axum::serve` announces it with axum's feature `http2`.
/// - hyper's `http2::Builder` needs `enable_connect_protocol()`.
/// - hyper-util's `auto::Builder` needs `http2().enable_connect_protocol()`.
///
/// In an axum router, use `route_service` or `any_service` instead of `get_service`, so that the
/// service receives `CONNECT` requests.
///
/// # Examples
///
/// ```
/// use axum::{Router, routing::get};
/// use tower_websocket::WebSocketUpgradeLayer;
///
/// let layer = WebSocketUpgradeLayer::accept_all(async |mut socket| {
///     let _ = socket.send("hello").await;
/// });
/// let app: Router = Router::new().route("/", get("open a WebSocket here")).layer(layer);
/// ```
#[must_use = "a layer does nothing unless it is applied to a service"]
pub struct WebSocketUpgradeLayer<H, F> {
    acceptor: Acceptor<H>,
    handler: Arc<F>,
    predicate: Option<Arc<Predicate>>,
}

impl WebSocketUpgradeLayer<AcceptAll, ()> {
    /// Creates a layer that accepts every valid handshake and runs `handler` for each WebSocket.
    ///
    /// It is the same as [`new`](Self::new) with [`AcceptAll`], for a handler without a value from
    /// the handshake.
    ///
    /// An async closure passed to this function cannot capture variables: rustc reports "async
    /// closure does not implement `Fn`", or that a variable "does not live long enough". Clone them
    /// in a closure that returns an `async move` block, as in the example of [`new`](Self::new).
    ///
    /// # Examples
    ///
    /// ```
    /// use tower_websocket::{WebSocket, WebSocketUpgradeLayer};
    ///
    /// async fn greet(mut socket: WebSocket) {
    ///     let _ = socket.send("hello").await;
    /// }
    ///
    /// let layer = WebSocketUpgradeLayer::accept_all(greet);
    /// ```
    pub fn accept_all<F, Fut>(
        handler: F,
    ) -> WebSocketUpgradeLayer<AcceptAll, impl Fn(WebSocket, ()) -> Fut + Send + Sync + 'static>
    where
        F: Fn(WebSocket) -> Fut + Send + Sync + 'static,
        Fut: Future<Output: HandlerOutput> + Send + 'static,
    {
        WebSocketUpgradeLayer::new(AcceptAll, move |socket, ()| handler(socket))
    }
}

impl<H, F> WebSocketUpgradeLayer<H, F> {
    /// Creates a layer that calls `handshake` for each valid request and runs `handler` for each
    /// WebSocket that opens.
    ///
    /// The handler returns `()`, or a `Result<(), E>` whose error closes the connection with 1011;
    /// see [`HandlerOutput`]. It is called once for each WebSocket, so a closure has to clone the
    /// values that it captures for each call.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use tower_websocket::{AcceptAll, WebSocketUpgradeLayer};
    ///
    /// let name = Arc::new("Ada".to_owned());
    /// let layer = WebSocketUpgradeLayer::new(AcceptAll, move |mut socket, ()| {
    ///     let name = Arc::clone(&name);
    ///     async move {
    ///         let _ = socket.send(format!("hello, {name}")).await;
    ///     }
    /// });
    /// ```
    pub fn new<Fut>(handshake: H, handler: F) -> Self
    where
        H: HandshakeService,
        F: Fn(WebSocket, H::Extra) -> Fut + Send + Sync + 'static,
        Fut: Future<Output: HandlerOutput> + Send + 'static,
    {
        Self { acceptor: Acceptor::new(handshake), handler: Arc::new(handler), predicate: None }
    }

    /// Replaces the default [`Config`].
    ///
    /// # Examples
    ///
    /// ```
    /// use tower_websocket::{Config, WebSocketUpgradeLayer};
    ///
    /// let config = Config::new().max_message_size(64 * 1024);
    /// let layer = WebSocketUpgradeLayer::accept_all(async |_| ()).with_config(config);
    /// ```
    pub fn with_config(mut self, config: Config) -> Self {
        self.acceptor = self.acceptor.with_config(config);
        self
    }

    /// Restricts the layer to WebSocket requests for which `predicate` returns `true`. Other
    /// requests are passed to the inner service, which may contain another layer. If `predicate`
    /// panics, the request is answered with 500.
    ///
    /// # Examples
    ///
    /// ```
    /// use axum::Router;
    /// use tower_websocket::WebSocketUpgradeLayer;
    ///
    /// let chat = WebSocketUpgradeLayer::accept_all(async |_| ())
    ///     .filter(|request| request.uri.path() == "/chat");
    /// let news = WebSocketUpgradeLayer::accept_all(async |_| ())
    ///     .filter(|request| request.uri.path() == "/news");
    /// let app: Router = Router::new().layer(chat).layer(news);
    /// ```
    pub fn filter(mut self, predicate: impl Fn(&Parts) -> bool + Send + Sync + 'static) -> Self {
        self.predicate = Some(Arc::new(predicate));
        self
    }

    /// Returns a service without an inner service. It responds to requests that are not WebSocket
    /// requests with 426 (over HTTP/2 with 405 or 501).
    ///
    /// # Examples
    ///
    /// ```
    /// use axum::Router;
    /// use tower_websocket::WebSocketUpgradeLayer;
    ///
    /// let chat = WebSocketUpgradeLayer::accept_all(async |_| ()).into_service();
    /// let app: Router = Router::new().route_service("/chat", chat);
    /// ```
    pub fn into_service(self) -> WebSocketUpgrade<UpgradeRequired, H, F> {
        let Self { acceptor, handler, predicate } = self;
        WebSocketUpgrade::new(UpgradeRequired, UpgradeParts { acceptor, handler, predicate })
    }
}

impl<S, H, F> Layer<S> for WebSocketUpgradeLayer<H, F> {
    type Service = WebSocketUpgrade<S, H, F>;

    fn layer(&self, inner: S) -> Self::Service {
        let Self { acceptor, handler, predicate } = self.clone();
        WebSocketUpgrade::new(inner, UpgradeParts { acceptor, handler, predicate })
    }
}

impl<H, F> Clone for WebSocketUpgradeLayer<H, F> {
    fn clone(&self) -> Self {
        Self {
            acceptor: self.acceptor.clone(),
            handler: Arc::clone(&self.handler),
            predicate: self.predicate.clone(),
        }
    }
}

impl<H, F> fmt::Debug for WebSocketUpgradeLayer<H, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocketUpgradeLayer")
            .field("acceptor", &self.acceptor)
            .field("filter", &self.predicate.is_some())
            .finish_non_exhaustive()
    }
}
