//! The handle of a shutdown.

use std::{
    fmt,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use super::{open_socket::OpenSocket, spread::Spread, stage::Stage, state::State};

/// Tracks open WebSockets and closes them on shutdown.
///
/// HTTP servers cannot do this. They stop tracking an HTTP/1.1 connection once it is upgraded, and
/// they wait for an HTTP/2 connection as long as any socket is open on it.
///
/// - [`start`](Self::start) rejects new upgrades with 503 and sends Close 1001 on every open
///   socket, after the data that was sent before. Handlers can still receive until the peer's Close
///   arrives.
/// - [`start_spread`](Self::start_spread) sends the Close frames one after another, so that not all
///   clients reconnect at the same time.
/// - [`drain`](Self::drain) waits for the sockets to close, up to a timeout, then drops the
///   remaining ones.
///
/// All clones share one state. A socket that opens after the shutdown has begun is closed as well.
///
/// This crate's [`serve`](crate::serve()) does all this by itself. With other servers, pass the
/// handle to a layer or acceptor with [`Config::with_shutdown`](crate::Config::with_shutdown).
///
/// # Examples
///
/// ```no_run
/// use std::{future::IntoFuture, time::Duration};
/// use axum::Router;
/// use tokio::time::timeout;
/// use tower_websocket::{Config, Shutdown, WebSocketUpgradeLayer};
///
/// # async fn run() -> std::io::Result<()> {
/// let shutdown = Shutdown::new();
/// let layer = WebSocketUpgradeLayer::accept_all(async |mut socket| {
///     while let Some(Ok(_)) = socket.recv().await {}
/// });
/// let app = Router::new().layer(layer.with_config(Config::new().with_shutdown(&shutdown)));
///
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
/// let stop = shutdown.clone();
/// let signal = async move { stop.started().await };
/// let server = axum::serve(listener, app).with_graceful_shutdown(signal);
/// let server = tokio::spawn(server.into_future());
/// tokio::signal::ctrl_c().await?;
/// println!("closing {} sockets", shutdown.connections());
/// shutdown.start();
/// // A client that sends only half of a request would hold up the server.
/// let _ = timeout(Duration::from_secs(10), server).await;
/// let dropped = shutdown.drain(Duration::from_secs(10)).await;
/// println!("{dropped} sockets did not close in time");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct Shutdown(Arc<State>);

impl Shutdown {
    /// Creates a handle that tracks no sockets yet.
    ///
    /// See the [example](Self#examples) of the type.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the number of open sockets.
    ///
    /// A socket counts from when its request is validated, or from the call of
    /// [`connect`](crate::Connector::connect), until the closing handshake ends.
    ///
    /// See the [example](Self#examples) of the type.
    pub fn connections(&self) -> usize {
        self.0.connections()
    }

    /// Returns `true` if the shutdown has begun.
    ///
    /// # Examples
    ///
    /// A health check that tells a load balancer to use other servers:
    ///
    /// ```
    /// use http::StatusCode;
    /// use tower_websocket::Shutdown;
    ///
    /// fn health(shutdown: &Shutdown) -> StatusCode {
    ///     match shutdown.is_shutting_down() {
    ///         true => StatusCode::SERVICE_UNAVAILABLE,
    ///         false => StatusCode::OK,
    ///     }
    /// }
    ///
    /// let shutdown = Shutdown::new();
    /// assert_eq!(health(&shutdown), StatusCode::OK);
    /// shutdown.start();
    /// assert_eq!(health(&shutdown), StatusCode::SERVICE_UNAVAILABLE);
    /// ```
    pub fn is_shutting_down(&self) -> bool {
        self.0.is_shutting_down()
    }

    /// Waits until the shutdown has begun.
    ///
    /// This is the signal for the graceful shutdown of another server, as in the
    /// [example](Self#examples) of the type.
    ///
    /// # Cancel safety
    ///
    /// This method is cancel safe.
    pub async fn started(&self) {
        let started = self.0.started.notified();
        if !self.is_shutting_down() {
            started.await;
        }
    }

    /// Starts the shutdown without waiting. New upgrades are rejected with 503, and every open
    /// socket sends Close 1001.
    ///
    /// If [`start_spread`](Self::start_spread) was called before, the remaining Close frames are
    /// sent now.
    ///
    /// See the [example](Self#examples) of the type.
    pub fn start(&self) {
        self.0.advance(Stage::Draining);
    }

    /// Starts the shutdown without waiting, and sends the Close frames at even intervals over a
    /// time. New upgrades are rejected with 503 from now on.
    ///
    /// This prevents all clients from reconnecting to the other servers at the same time. With
    /// 1,000 open sockets and 30 s, one socket sends Close 1001 every 30 ms.
    ///
    /// Until its turn, a socket works as before. A socket that opens late, because its upgrade was
    /// accepted before the shutdown, gets a turn as well. If the shutdown has already begun, this
    /// method does nothing.
    ///
    /// [`drain`](Self::drain) then waits for the sockets. When its timeout expires, it drops all
    /// remaining sockets without a Close, including those that still wait for their turn. Choose a
    /// timeout that is longer than `over`.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use tower_websocket::Shutdown;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let shutdown = Shutdown::new();
    /// // Later, on SIGTERM:
    /// shutdown.start_spread(Duration::from_secs(30));
    /// let dropped = shutdown.drain(Duration::from_secs(40)).await;
    /// # assert_eq!(dropped, 0);
    /// # }
    /// ```
    pub fn start_spread(&self, over: Duration) {
        self.0.spread.get_or_init(|| Spread::new(over, self.connections()));
        self.0.advance(Stage::Spreading);
    }

    /// Waits until every socket is closed, up to `timeout`, then drops the remaining sockets with
    /// their handlers. [Starts](Self::start) the shutdown if it has not begun.
    ///
    /// Returns how many sockets did not close properly. These are the sockets that were dropped
    /// now, and those that were dropped since the shutdown began because their closing handshake
    /// [made no progress](crate::Config::close_timeout).
    ///
    /// See the [example](Self#examples) of the type.
    ///
    /// # Cancel safety
    ///
    /// This method is cancel safe. If it is dropped, the shutdown continues, but no socket is
    /// dropped when the timeout expires.
    pub async fn drain(&self, timeout: Duration) -> usize {
        if !self.is_shutting_down() {
            self.start();
        }
        if tokio::time::timeout(timeout, self.idle()).await.is_ok() {
            return self.0.cut.load(Ordering::Acquire);
        }
        let left = self.connections();
        self.0.advance(Stage::Dropping);
        left + self.0.cut.load(Ordering::Acquire)
    }

    /// Waits until no socket is open, whether or not a shutdown has begun.
    ///
    /// # Cancel safety
    ///
    /// This method is cancel safe.
    ///
    /// # Examples
    ///
    /// ```
    /// use tower_websocket::Shutdown;
    ///
    /// async fn close_all(shutdown: &Shutdown) {
    ///     shutdown.start();
    ///     shutdown.idle().await;
    ///     println!("all sockets are closed");
    /// }
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// # runtime.block_on(close_all(&Shutdown::new()));
    /// ```
    pub async fn idle(&self) {
        loop {
            let notified = self.0.idle.notified();
            if self.connections() == 0 {
                return;
            }
            notified.await;
        }
    }

    /// Counts a socket, unless the shutdown has begun.
    pub(crate) fn enter(&self) -> Option<OpenSocket> {
        // Counts before it checks: a task that drains either sees this socket or is seen here.
        let open = OpenSocket::new(&self.0);
        (!self.is_shutting_down()).then_some(open)
    }
}

impl fmt::Debug for Shutdown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests;
