//! A server on a port.

use std::{
    fmt,
    future::{Future, IntoFuture, poll_fn},
    io,
    pin::{Pin, pin},
    time::Duration,
};

use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};
use tower::{BoxError, Service, ServiceExt};

use super::{Listener, PeerAddr, connection};
use crate::{Shutdown, shutdown::Stage, trace::accept_failed};

/// Serves `service` over HTTP/1.1 to all who connect to `listener`.
///
/// `service` is any tower service of HTTP requests: a layer's
/// [`into_service`](crate::WebSocketUpgradeLayer::into_service), an axum `Router`, or a stack of your own. Requests
/// carry a [`PeerAddr`] and a [`Shutdown`] in their extensions.
///
/// ```no_run
/// use tokio::net::TcpListener;
/// use tower_websocket::{AcceptAll, WebSocketUpgradeLayer, serve};
///
/// # async fn run() -> std::io::Result<()> {
/// let service = WebSocketUpgradeLayer::new(AcceptAll::new(), async |mut socket, ()| {
///     let _ = socket.send("hello").await;
/// })
/// .into_service();
/// serve(TcpListener::bind("127.0.0.1:8080").await?, service)
///     .with_graceful_shutdown(async { drop(tokio::signal::ctrl_c().await) })
///     .await
/// # }
/// ```
pub fn serve<L, S>(listener: L, service: S) -> Serve<L, S> {
    Serve {
        listener,
        service,
        shutdown: Shutdown::new(),
        signal: Box::pin(std::future::pending()),
        drain_timeout: Duration::from_secs(30),
        header_read_timeout: Duration::from_secs(30),
    }
}

/// A server that [`serve`] sets up and `.await` runs.
///
/// It never fails by itself: an error on accepting, as being out of file descriptors, costs a pause at most, and an
/// error on a connection costs that connection.
#[must_use = "a server does nothing unless awaited"]
pub struct Serve<L, S> {
    listener: L,
    service: S,
    shutdown: Shutdown,
    signal: Pin<Box<dyn Future<Output = ()> + Send>>,
    drain_timeout: Duration,
    header_read_timeout: Duration,
}

impl<L, S> Serve<L, S> {
    /// Once `signal` is ready: stops accepting, lets requests in progress finish, has every socket say 1001, waits
    /// for them all, but at most for [`drain_timeout`](Self::drain_timeout), and drops what is left.
    ///
    /// The sockets are those of its own handle. A layer whose [`Config::shutdown`](crate::Config::shutdown) names
    /// another one needs that to be given to [`with_shutdown`](Self::with_shutdown).
    pub fn with_graceful_shutdown(mut self, signal: impl Future<Output = ()> + Send + 'static) -> Self {
        self.signal = Box::pin(signal);
        self
    }

    /// How long a graceful shutdown waits. Default: 30 s.
    pub fn drain_timeout(mut self, timeout: Duration) -> Self {
        self.drain_timeout = timeout;
        self
    }

    /// How long a client may take to send a request's head. Default: 30 s.
    ///
    /// # Panics
    ///
    /// Panics when `timeout` is zero.
    pub fn header_read_timeout(mut self, timeout: Duration) -> Self {
        assert!(!timeout.is_zero(), "header_read_timeout must not be zero");
        // hyper adds it to the present without looking.
        self.header_read_timeout = timeout.min(Duration::from_secs(365 * 24 * 60 * 60));
        self
    }

    /// Counts and ends the sockets with `shutdown` instead of a handle of the server's own. When it is
    /// [started](Shutdown::start) elsewhere, that ends the sockets, but not the server.
    pub fn with_shutdown(mut self, shutdown: &Shutdown) -> Self {
        self.shutdown = shutdown.clone();
        self
    }

    /// The handle that counts the server's sockets.
    pub fn shutdown(&self) -> &Shutdown {
        &self.shutdown
    }
}

impl<L, S, B> IntoFuture for Serve<L, S>
where
    L: Listener,
    S: Service<Request<Incoming>, Response = Response<B>, Error: Into<BoxError>, Future: Send>
        + Clone
        + Send
        + 'static,
    B: Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
{
    type Output = io::Result<()>;
    type IntoFuture = Pin<Box<dyn Future<Output = io::Result<()>> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

impl<L, S, B> Serve<L, S>
where
    L: Listener,
    S: Service<Request<Incoming>, Response = Response<B>, Error: Into<BoxError>, Future: Send>
        + Clone
        + Send
        + 'static,
    B: Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
{
    async fn run(self) -> io::Result<()> {
        let Self { mut listener, service, shutdown, mut signal, .. } = self;
        let (stage, connections) = watch::channel(Stage::Running);
        loop {
            let (io, addr) = tokio::select! {
                biased;
                () = &mut signal => break,
                accepted = accept(&mut listener) => accepted,
            };
            let shutdown = shutdown.clone();
            let service = service.clone().map_request(move |mut request: Request<Incoming>| {
                request.extensions_mut().insert(PeerAddr(addr.clone()));
                request.extensions_mut().insert(shutdown.clone());
                request
            });
            let stage = connections.clone();
            tokio::spawn(connection::serve(io, service, self.header_read_timeout, stage));
        }
        drop((listener, connections));
        stage.send_replace(Stage::Draining);
        let sockets = shutdown.drain(self.drain_timeout);
        // A request in progress may still become a socket, so the connections go first.
        let http = timeout(self.drain_timeout, stage.closed());
        let (_, http) = tokio::join!(sockets, http);
        if http.is_err() {
            stage.send_replace(Stage::Dropping);
        }
        Ok(())
    }
}

/// Accepts the next connection, whatever it takes.
async fn accept<L: Listener>(listener: &mut L) -> (L::Io, L::Addr) {
    loop {
        let error = match poll_fn(|cx| listener.poll_accept(cx)).await {
            Ok(accepted) => return accepted,
            Err(error) => error,
        };
        if !is_of_one_connection(&error) {
            accept_failed(&error);
            // Out of file descriptors or memory: trying again at once would only burn the CPU.
            pin!(sleep(ACCEPT_PAUSE)).await;
        }
    }
}

/// How long accepting pauses after an error that the next connection would meet too.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Whether the connection that was about to be accepted went away, which says nothing about the next.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::InvalidInput
            | io::ErrorKind::NotConnected
    )
}

impl<L, S> fmt::Debug for Serve<L, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Serve")
            .field("shutdown", &self.shutdown)
            .field("drain_timeout", &self.drain_timeout)
            .field("header_read_timeout", &self.header_read_timeout)
            .finish_non_exhaustive()
    }
}
