//! A server on one or more listeners.

use std::{
    fmt,
    future::{Future, IntoFuture, pending, poll_fn},
    io,
    pin::Pin,
    sync::Arc,
    task::{self, Poll},
    time::Duration,
};

use tokio::{
    sync::{Semaphore, watch},
    task::unconstrained,
    time::timeout,
};

use super::{
    HttpService, Listener,
    connection::Context,
    port::{Accept, Port},
    settings::Settings,
};
use crate::{
    io::Place,
    shutdown::{Shutdown, Stage},
};

/// What hyper adds to the present without looking.
const MAX_TIMEOUT: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// How many connections that are waiting to be accepted are still taken when a server stops accepting.
const MAX_LAST: usize = 1024;

/// Serves `service` to all who connect to `listener`.
///
/// `service` is any tower service of HTTP requests: a layer's
/// [`into_service`](crate::WebSocketUpgradeLayer::into_service), an axum `Router`, or a stack of your own. Requests
/// carry a [`PeerAddr`](crate::PeerAddr) and a [`Shutdown`] in their extensions, and with TLS a `TlsInfo`.
///
/// A client may speak HTTP/1.1 and, with the feature `http2`, HTTP/2: over TLS as ALPN agrees, without TLS with prior
/// knowledge. WebSockets open over either (RFC 6455, RFC 8441).
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
///
/// # Slow and hostile clients
///
/// A client that does not get on is dropped, at the deadlines that [`Serve`]'s methods set: for the TLS handshake, for
/// the first request, for each further one, for taking a response, for an HTTP/2 connection on which nothing goes on. None of them bears on
/// a connection with an open WebSocket, which has [those of its own](crate::Config).
///
/// Over HTTP/2 these limits hold against what is known to have been tried:
///
/// | attack | what ends it |
/// | --- | --- |
/// | many streams at once | [`http2_max_streams`](Serve::http2_max_streams); over it a stream is refused |
/// | rapid reset (CVE-2023-44487): streams opened and reset at once | h2: more than 20 that are reset before they were looked at end the connection with `ENHANCE_YOUR_CALM` |
/// | streams that the server has to reset (CVE-2025-8671) | h2: more than 1,024 end the connection with `ENHANCE_YOUR_CALM` |
/// | CONTINUATION flood (CVE-2024-27316), large and many headers | [`max_header_size`](Serve::max_header_size), from which h2 has the number of frames too |
/// | floods of PING and SETTINGS | h2 reads the next frame only after it wrote the answer to the last: no answers queue up |
/// | a window that never opens | what is sent to a stream waits; hyper takes at most 400 KiB for a stream that does not go out, and [`http2_idle_timeout`](Serve::http2_idle_timeout) ends a connection with nothing else on it |
///
/// # Restarting
///
/// A graceful shutdown closes the listeners before it waits, so that another process can listen on the same port while
/// this one still drains; `TcpListener::bind` sets `SO_REUSEADDR` for that on Unix. Where no connection may be refused
/// in between, both bind with `SO_REUSEPORT`, with `tokio::net::TcpSocket`, or a supervisor hands the socket over.
pub fn serve<L, S>(listener: L, service: S) -> Serve<L, S> {
    Serve {
        listener,
        #[cfg(feature = "tls")]
        tls: None,
        more: Vec::new(),
        service,
        shutdown: Shutdown::new(),
        signal: Box::pin(pending()),
        drain_timeout: Duration::from_secs(30),
        max_connections: None,
        settings: Settings::default(),
    }
}

/// A server that [`serve`] sets up and `.await` runs.
///
/// It never fails by itself: an error on accepting, as being out of file descriptors, costs a pause at most, and an
/// error on a connection costs that connection.
#[must_use = "a server does nothing unless awaited"]
pub struct Serve<L, S> {
    listener: L,
    #[cfg(feature = "tls")]
    tls: Option<super::Tls>,
    more: Vec<Box<dyn Accept<S>>>,
    service: S,
    shutdown: Shutdown,
    signal: Pin<Box<dyn Future<Output = ()> + Send>>,
    drain_timeout: Duration,
    max_connections: Option<usize>,
    settings: Settings,
}

impl<L, S> Serve<L, S> {
    /// Serves those who connect to `listener` too, which may be of another kind.
    pub fn listen<M: Listener>(mut self, listener: M) -> Self
    where
        S: HttpService,
    {
        let port = Port::new(
            listener,
            #[cfg(feature = "tls")]
            None,
        );
        self.more.push(Box::new(port));
        self
    }

    /// Speaks TLS on the first listener, the one that [`serve`] was given: `tls` is a
    /// [`Tls`](super::Tls) or a `rustls::ServerConfig`.
    ///
    /// A client that speaks no TLS there gets an alert, and the end of the stream. A client that speaks TLS to a
    /// listener without it gets a `400 Bad Request`, which to it is no TLS, and the end of the stream.
    #[cfg(feature = "tls")]
    pub fn tls(mut self, tls: impl Into<super::Tls>) -> Self {
        self.tls = Some(tls.into());
        self
    }

    /// Serves those who connect to `listener` too, over TLS.
    #[cfg(feature = "tls")]
    pub fn listen_tls<M: Listener>(mut self, listener: M, tls: impl Into<super::Tls>) -> Self
    where
        S: HttpService,
    {
        self.more.push(Box::new(Port::new(listener, Some(tls.into()))));
        self
    }

    /// Once `signal` is ready: stops accepting, lets requests in progress finish, has every socket say 1001, waits
    /// for them all, but at most for [`drain_timeout`](Self::drain_timeout), and drops what is left.
    ///
    /// Idle connections end at once. HTTP/2 clients are told to go away first (RFC 9113 §6.8), and have 5 s to do so.
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

    /// How many connections may be open at once, over all listeners and with the WebSockets among them; `None` for no
    /// limit. Default: `None`.
    ///
    /// Over it nothing is accepted until a connection ends: clients wait in the system's queue, and are refused by it
    /// when that is full. The limit of open *sockets* is [`Config::max_connections`](crate::Config::max_connections).
    ///
    /// # Panics
    ///
    /// Panics when `limit` is 0.
    pub fn max_connections(mut self, limit: impl Into<Option<usize>>) -> Self {
        self.max_connections = limit.into().map(|limit| limit.min(Semaphore::MAX_PERMITS));
        assert!(self.max_connections != Some(0), "max_connections must be at least 1");
        self
    }

    /// How long a client may take for the TLS handshake. Default: 10 s.
    ///
    /// # Panics
    ///
    /// Panics when `timeout` is zero.
    #[cfg(feature = "tls")]
    pub fn tls_handshake_timeout(mut self, timeout: Duration) -> Self {
        self.settings.tls_handshake_timeout = checked(timeout, "tls_handshake_timeout");
        self
    }

    /// How long a client may take until the whole head of its first request is there, from the connection on, or from
    /// the end of its TLS handshake; whatever it sends meanwhile. Default: 10 s.
    ///
    /// # Panics
    ///
    /// Panics when `timeout` is zero.
    pub fn first_request_timeout(mut self, timeout: Duration) -> Self {
        self.settings.first_request_timeout = checked(timeout, "first_request_timeout");
        self
    }

    /// How long a client may take, over HTTP/1.1, from the end of one request until the whole head of the next is
    /// there: for how long a connection is kept alive. Default: 30 s.
    ///
    /// It holds for the first request as well, so that the smaller of this and
    /// [`first_request_timeout`](Self::first_request_timeout) counts.
    ///
    /// # Panics
    ///
    /// Panics when `timeout` is zero.
    pub fn header_read_timeout(mut self, timeout: Duration) -> Self {
        self.settings.header_read_timeout = checked(timeout, "header_read_timeout");
        self
    }

    /// For how long a client may take nothing of a response, over HTTP/1.1, while there is more of it than the system
    /// holds; then the connection is dropped. Default: 30 s.
    ///
    /// However little it takes meanwhile, this begins anew. Over HTTP/2,
    /// [`http2_idle_timeout`](Self::http2_idle_timeout) ends such a connection.
    ///
    /// # Panics
    ///
    /// Panics when `timeout` is zero.
    pub fn write_timeout(mut self, timeout: Duration) -> Self {
        self.settings.write_timeout = checked(timeout, "write_timeout");
        self
    }

    /// How long an HTTP/2 connection may have no open stream, be it a request or a WebSocket, after its first. Then the
    /// client is told to go away, and has 5 s to do so. Default: 60 s.
    ///
    /// Streams on which there is a response that the client does not take do not count, while a response that it does
    /// take, however slowly, keeps the connection open.
    ///
    /// A connection is not pinged: each WebSocket on it [is](crate::Config::keepalive_interval).
    ///
    /// # Panics
    ///
    /// Panics when `timeout` is zero.
    #[cfg(feature = "http2")]
    pub fn http2_idle_timeout(mut self, timeout: Duration) -> Self {
        self.settings.http2_idle_timeout = checked(timeout, "http2_idle_timeout");
        self
    }

    /// How many streams a client may have open at once on an HTTP/2 connection: requests and WebSockets together.
    /// Default: 200.
    ///
    /// Of each up to 64 KiB may lie unread, so that the connection may cost 64 KiB times this.
    ///
    /// # Panics
    ///
    /// Panics when `limit` is 0.
    #[cfg(feature = "http2")]
    pub fn http2_max_streams(mut self, limit: u32) -> Self {
        assert!(limit > 0, "http2_max_streams must be at least 1");
        self.settings.http2_max_streams = limit;
        self
    }

    /// The largest head of a request, in bytes; over it the client gets a 431. Default: 32 KiB.
    ///
    /// Over HTTP/2 it is the size of all the fields without compression, with 32 bytes more for each (RFC 9113
    /// §6.5.2).
    ///
    /// # Panics
    ///
    /// Panics when `bytes` is 0.
    pub fn max_header_size(mut self, bytes: usize) -> Self {
        assert!(bytes > 0, "max_header_size must be at least 1 byte");
        self.settings.max_header_size = bytes;
        self
    }

    /// How many header fields a request may have over HTTP/1.1; over it the client gets a 431. Default: 100.
    ///
    /// Any other value than the default costs an allocation for each request. Over HTTP/2,
    /// [`max_header_size`](Self::max_header_size) bounds the number too.
    ///
    /// # Panics
    ///
    /// Panics when `limit` is 0.
    pub fn max_headers(mut self, limit: usize) -> Self {
        assert!(limit > 0, "max_headers must be at least 1");
        self.settings.max_headers = (limit != 100).then_some(limit);
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

fn checked(timeout: Duration, name: &str) -> Duration {
    assert!(!timeout.is_zero(), "{name} must not be zero");
    timeout.min(MAX_TIMEOUT)
}

impl<L: Listener, S: HttpService> IntoFuture for Serve<L, S> {
    type Output = io::Result<()>;
    type IntoFuture = Pin<Box<dyn Future<Output = io::Result<()>> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

impl<L: Listener, S: HttpService> Serve<L, S> {
    async fn run(self) -> io::Result<()> {
        let Self { shutdown, mut signal, drain_timeout, .. } = self;
        let (stage, running) = watch::channel(Stage::Running);
        let first = Port::new(
            self.listener,
            #[cfg(feature = "tls")]
            self.tls,
        );
        let mut ports = Ports { ports: self.more, next: 0 };
        ports.ports.push(Box::new(first));
        let mut context = Context {
            service: self.service,
            shutdown: shutdown.clone(),
            http1: self.settings.http1(),
            settings: Arc::new(self.settings),
            stage: running,
        };

        let limit = self.max_connections.map(|limit| Arc::new(Semaphore::new(limit)));
        loop {
            let accepting = async {
                let mut place = acquire(limit.as_ref()).await;
                poll_fn(|cx| ports.poll_accept(cx, &mut context, &mut place)).await;
            };
            tokio::select! {
                biased;
                () = &mut signal => break,
                () = accepting => {}
            }
        }
        // Without the budget that tokio gives a task for each turn.
        unconstrained(poll_fn(|cx| ports.poll_last(cx, &mut context, limit.as_ref()))).await;
        // From now on others may listen there, and nothing keeps the stage but connections.
        drop((ports, context));
        stage.send_replace(Stage::Draining);
        let sockets = shutdown.drain(drain_timeout);
        // A request in progress may still become a socket, so the connections go first.
        let http = timeout(drain_timeout, stage.closed());
        let (_, http) = tokio::join!(sockets, http);
        if http.is_err() {
            stage.send_replace(Stage::Dropping);
        }
        Ok(())
    }
}

/// A place for one more connection, once there is one.
async fn acquire(limit: Option<&Arc<Semaphore>>) -> Option<Place> {
    // The semaphore is never closed.
    Arc::clone(limit?).acquire_owned().await.ok()
}

/// All the listeners of a server.
struct Ports<S> {
    ports: Vec<Box<dyn Accept<S>>>,
    /// Which is asked first.
    next: usize,
}

impl<S> Ports<S> {
    /// Accepts from all of them in turn, so that none is kept waiting by another's rush.
    fn poll_accept(
        &mut self,
        cx: &mut task::Context<'_>,
        context: &mut Context<S>,
        place: &mut Option<Place>,
    ) -> Poll<()> {
        for _ in 0..self.ports.len() {
            let port = self.next;
            self.next = (port + 1) % self.ports.len();
            if self.ports[port].poll_accept(cx, context, place).is_ready() {
                return Poll::Ready(());
            }
        }
        Poll::Pending
    }

    /// Accepts those that already wait: the system would reset them when the listener is closed.
    fn poll_last(
        &mut self,
        cx: &mut task::Context<'_>,
        context: &mut Context<S>,
        limit: Option<&Arc<Semaphore>>,
    ) -> Poll<()> {
        for _ in 0..MAX_LAST {
            let mut place = match limit.map(|limit| Arc::clone(limit).try_acquire_owned()) {
                Some(Err(_)) => break,
                Some(Ok(place)) => Some(place),
                None => None,
            };
            if self.poll_accept(cx, context, &mut place).is_pending() {
                break;
            }
        }
        Poll::Ready(())
    }
}

impl<L, S> fmt::Debug for Serve<L, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Serve")
            .field("shutdown", &self.shutdown)
            .field("drain_timeout", &self.drain_timeout)
            .field("max_connections", &self.max_connections)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
