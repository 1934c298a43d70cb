//! The layer.

use std::{fmt, future::Future, sync::Arc};

use http::request::Parts;
use tower::Layer;

use super::{
    HandlerOutput, UpgradeRequired,
    service::{Predicate, Shared, WebSocketUpgrade},
};
use crate::{
    accept::Acceptor,
    config::Config,
    handshake::{AcceptAll, HandshakeService},
    websocket::WebSocket,
};

/// Opens WebSockets anywhere in a hyper, tower or axum stack.
///
/// - Requests that do not ask for a WebSocket go to the inner service, untouched.
/// - Those that do are checked against RFC 6455 and the [origin policy](Config::allow_origin), then
///   the [handshake service](HandshakeService) is asked. A rejection is answered here.
/// - Once the response is sent, `handler(socket, extra)` runs on a task of its own, with what the
///   handshake service attached. However it ends, the closing handshake is finished; an
///   [error](HandlerOutput) that it returns closes the socket with 1011.
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
///
/// The server must upgrade connections: `axum::serve` and this crate's [`serve`](crate::serve())
/// do; hyper's `http1::Builder` needs `with_upgrades()`, hyper-util's `auto::Builder`
/// `serve_connection_with_upgrades()`. Under a hyper server without them the client gets a 101 and
/// then the end of the stream, and with the feature `tracing` a warning names the missing call. A
/// server that is not hyper's hands its IO over with a [`PendingIo`](crate::io::PendingIo).
///
/// Layers outside of this one must leave an accepting response's status alone: hyper hands the
/// connection over whatever was sent in place of the 101. To reject, wrap the handshake service
/// instead.
///
/// # HTTP/2
///
/// With the feature `http2` the layer takes WebSockets over HTTP/2 (RFC 8441) too: an extended
/// `CONNECT` for the `:protocol` `websocket`. Any other `CONNECT` goes to the inner service.
/// [`Handshake`](crate::Handshake) says what differs for the handshake service; the handler is the
/// same.
///
/// A layer cannot tell clients that an extended `CONNECT` is welcome, its server must: this crate's
/// [`serve`](crate::serve()) by itself, hyper's `http2::Builder` with
/// `enable_connect_protocol()`, hyper-util's `auto::Builder` with
/// `http2().enable_connect_protocol()`, `axum::serve` by axum's feature `http2`. Clients that are
/// not told so open an HTTP/1.1 connection instead. Below an axum router, the place must be one
/// that a `CONNECT` reaches: `route_service` or `any_service`, not `get_service`.
#[must_use = "a layer does nothing unless it is applied to a service"]
pub struct WebSocketUpgradeLayer<H, F> {
    acceptor: Acceptor<H>,
    handler: Arc<F>,
    predicate: Option<Arc<Predicate>>,
}

impl WebSocketUpgradeLayer<AcceptAll, ()> {
    /// Accepts every valid handshake, and runs `handler` on each WebSocket that opens:
    /// [`new`](Self::new) with [`AcceptAll`], for a handler without a value from the handshake.
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
    /// Asks `handshake` about each valid request, and runs `handler` on each WebSocket that opens.
    ///
    /// The handler returns `()`, or a `Result<(), E>` whose error closes the connection with 1011:
    /// see [`HandlerOutput`].
    ///
    /// It is called once for each WebSocket, so a closure that captures something clones it for
    /// each call:
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
    pub fn with_config(mut self, config: Config) -> Self {
        self.acceptor = self.acceptor.with_config(config);
        self
    }

    /// Takes only the WebSocket requests for which `predicate` is true; the others go to the inner
    /// service, where another WebSocket handler may live.
    pub fn filter(mut self, predicate: impl Fn(&Parts) -> bool + Send + Sync + 'static) -> Self {
        self.predicate = Some(Arc::new(predicate));
        self
    }

    /// Returns a service of its own, which answers requests that are not WebSocket upgrades with
    /// 426 (over HTTP/2 with 405, or 501).
    pub fn into_service(self) -> WebSocketUpgrade<UpgradeRequired, H, F> {
        let Self { acceptor, handler, predicate } = self;
        WebSocketUpgrade::new(UpgradeRequired, Shared { acceptor, handler, predicate })
    }
}

impl<S, H, F> Layer<S> for WebSocketUpgradeLayer<H, F> {
    type Service = WebSocketUpgrade<S, H, F>;

    fn layer(&self, inner: S) -> Self::Service {
        let Self { acceptor, handler, predicate } = self.clone();
        WebSocketUpgrade::new(inner, Shared { acceptor, handler, predicate })
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
