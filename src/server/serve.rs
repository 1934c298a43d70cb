//! The functions that set up a server, and its settings.

use std::{
    fmt,
    future::{Future, IntoFuture},
    io,
    pin::Pin,
    time::Duration,
};

use super::{HttpService, Listener, port::Port, run::Server, tls::TlsConfig};
use crate::shutdown::Shutdown;

/// The largest number of header fields: `HeaderMap` cannot reserve space for more, and panics.
const MAX_HEADERS: usize = 24_576;

/// The longest timeout: hyper adds timeouts to the current time without checking for an overflow.
const MAX_TIMEOUT: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Serves `service` to all clients that connect to `listener`.
///
/// `service` is any tower service of HTTP requests: a layer's
/// [`into_service`](crate::WebSocketUpgradeLayer::into_service), an axum `Router`, or your own
/// stack.
///
/// A client may use HTTP/1.1 and, with the feature `http2`, HTTP/2. Over TLS, ALPN selects the
/// version. Without TLS, HTTP/2 needs prior knowledge. WebSockets open over either version (RFC
/// 6455, RFC 8441).
///
/// The server adds these extensions to each request:
///
/// - a [`PeerAddr`](crate::server::PeerAddr) and, with a `TcpListener`, a `SocketAddr`;
/// - a [`Shutdown`], which counts and closes the server's sockets;
/// - over TLS, a `TlsInfo`;
/// - with the feature `axum`, a `ConnectInfo`, so that handlers and middleware written for
///   `axum::serve` find the client's address.
///
/// # Slow and hostile clients
///
/// Clients that make no progress are disconnected. [`Serve`] has a timeout for each step: the TLS
/// handshake, the first request, each further request, writing a response, and an idle HTTP/2
/// connection. They do not apply to open WebSockets, which have [their own](crate::Config), nor to
/// the body of a request: a service that reads it needs a timeout such as tower-http's
/// `RequestBodyTimeoutLayer`.
///
/// A client makes progress on a response when the system accepts more of it. When a socket's send
/// buffer is full, the system does this in steps: Linux waits until a third of the buffer is free,
/// which is up to 1.4 MB with the default `net.ipv4.tcp_wmem`. A client has to read that much
/// within [`write_timeout`](Serve::write_timeout), or over HTTP/2 within
/// [`http2_idle_timeout`](Serve::http2_idle_timeout): 50 KB/s are always enough for the defaults.
/// Set longer timeouts if slower clients read large responses.
///
/// Over HTTP/2, these limits stop known attacks:
///
/// - **Many concurrent streams**: a stream above [`http2_max_streams`](Serve::http2_max_streams) is
///   refused.
/// - **Rapid reset** (CVE-2023-44487), streams that are opened and reset at once: more than 20
///   streams that are reset before the server has accepted them end the connection with
///   `ENHANCE_YOUR_CALM`. The crate `h2` enforces this.
/// - **Streams that the server has to reset** (CVE-2025-8671): more than 1,024 of them end the
///   connection with `ENHANCE_YOUR_CALM`. The crate `h2` enforces this.
/// - **CONTINUATION flood** (CVE-2024-27316), and large or many headers: limited by
///   [`max_header_size`](Serve::max_header_size), from which `h2` also derives the largest number
///   of frames.
/// - **Floods of PING and SETTINGS**: `h2` reads the next frame only after it has written the reply
///   to the previous one, so replies do not queue up.
/// - **A window that never opens**: the response waits, and hyper buffers at most 16 KiB and one
///   more frame of the body for each such stream, or 80 KiB for a WebSocket. If nothing else
///   happens on the connection, [`http2_idle_timeout`](Serve::http2_idle_timeout) ends it.
///
/// # Restarting
///
/// A graceful shutdown closes the listeners before it waits for open connections. Another process
/// can then listen on the same port while this one drains. `TcpListener::bind` sets `SO_REUSEADDR`
/// for this on Unix.
///
/// If no connection may be refused in between, both processes bind with `SO_REUSEPORT` (see
/// `tokio::net::TcpSocket`), or a supervisor passes the listening socket on.
///
/// # Examples
///
/// ```no_run
/// use tokio::net::TcpListener;
/// use tower_websocket::{WebSocketUpgradeLayer, serve};
///
/// # async fn run() -> std::io::Result<()> {
/// let service = WebSocketUpgradeLayer::accept_all(async |mut socket| {
///     let _ = socket.send("hello").await;
/// })
/// .into_service();
/// serve(TcpListener::bind("127.0.0.1:8080").await?, service)
///     .with_graceful_shutdown(async { drop(tokio::signal::ctrl_c().await) })
///     .await
/// # }
/// ```
pub fn serve<L: Listener, S: HttpService>(listener: L, service: S) -> Serve<L, S> {
    Serve { listener, tls: None, server: Server::new(service) }
}

/// Serves `service` over TLS to all clients that connect to `listener`.
///
/// `tls` is a [`TlsConfig`] or a `rustls::ServerConfig`. Otherwise the server is that of [`serve`].
/// [`listen_tls`](Serve::listen_tls) and [`listen`](Serve::listen) add listeners with and without
/// TLS.
///
/// A client that does not use TLS gets a TLS alert, then the end of the stream. A client that uses
/// TLS on a listener without it gets a `400 Bad Request`, which it cannot parse as TLS, then the
/// end of the stream.
///
/// # Examples
///
/// ```no_run
/// use tokio::net::TcpListener;
/// use tower_websocket::{WebSocketUpgradeLayer, serve_tls, server::TlsConfig};
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let service = WebSocketUpgradeLayer::accept_all(async |mut socket| {
///     let _ = socket.send("hello").await;
/// })
/// .into_service();
/// let tls = TlsConfig::from_pem_files("chain.pem", "key.pem")?;
/// serve_tls(TcpListener::bind("0.0.0.0:443").await?, tls, service).await?;
/// # Ok(())
/// # }
/// ```
#[cfg(feature = "tls")]
pub fn serve_tls<L: Listener, S: HttpService>(
    listener: L,
    tls: impl Into<TlsConfig>,
    service: S,
) -> Serve<L, S> {
    Serve { listener, tls: Some(tls.into()), server: Server::new(service) }
}

/// A server that [`serve`] or `serve_tls` sets up. Awaiting it runs the server.
///
/// The future never returns an error. If accepting fails, for example because no file descriptors
/// are left, the server retries after a short pause. An error on a connection ends that connection
/// only.
///
/// # Examples
///
/// ```no_run
/// use std::time::Duration;
/// use tokio::net::TcpListener;
/// use tower_websocket::{WebSocketUpgradeLayer, serve};
///
/// # async fn run() -> std::io::Result<()> {
/// let service = WebSocketUpgradeLayer::accept_all(async |mut socket| {
///     let _ = socket.send("hello").await;
/// })
/// .into_service();
/// serve(TcpListener::bind("0.0.0.0:8080").await?, service)
///     .max_connections(10_000)
///     .first_request_timeout(Duration::from_secs(5))
///     .header_read_timeout(Duration::from_secs(60))
///     .write_timeout(Duration::from_secs(10))
///     .max_header_size(16 * 1024)
///     .max_headers(50)
///     .with_graceful_shutdown(async { drop(tokio::signal::ctrl_c().await) })
///     .drain_spread(Duration::from_secs(10))
///     .drain_timeout(Duration::from_secs(20))
///     .await
/// # }
/// ```
#[must_use = "a server does nothing unless awaited"]
pub struct Serve<L, S> {
    listener: L,
    tls: Option<TlsConfig>,
    server: Server<S>,
}

impl<L, S> Serve<L, S> {
    /// Adds another listener, which may be of a different type.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use tokio::net::TcpListener;
    /// use tower_websocket::{WebSocketUpgradeLayer, serve};
    ///
    /// # async fn run() -> std::io::Result<()> {
    /// let service = WebSocketUpgradeLayer::accept_all(async |_| ()).into_service();
    /// serve(TcpListener::bind("127.0.0.1:8080").await?, service)
    ///     .listen(TcpListener::bind("[::1]:8080").await?)
    ///     .await
    /// # }
    /// ```
    pub fn listen<M: Listener>(mut self, listener: M) -> Self
    where
        S: HttpService,
    {
        self.server.listen(Port::new(listener, None));
        self
    }

    /// Adds another listener, with TLS.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use tokio::net::TcpListener;
    /// use tower_websocket::{WebSocketUpgradeLayer, serve, server::TlsConfig};
    ///
    /// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
    /// let service = WebSocketUpgradeLayer::accept_all(async |_| ()).into_service();
    /// let tls = TlsConfig::from_pem_files("chain.pem", "key.pem")?;
    /// serve(TcpListener::bind("0.0.0.0:80").await?, service)
    ///     .listen_tls(TcpListener::bind("0.0.0.0:443").await?, tls)
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "tls")]
    pub fn listen_tls<M: Listener>(mut self, listener: M, tls: impl Into<TlsConfig>) -> Self
    where
        S: HttpService,
    {
        self.server.listen(Port::new(listener, Some(tls.into())));
        self
    }

    /// Shuts the server down gracefully when `signal` completes.
    ///
    /// The server stops accepting connections, lets requests in progress finish, and sends Close
    /// 1001 on every socket. It waits up to [`drain_timeout`](Self::drain_timeout) for all of them,
    /// then drops the remaining connections.
    ///
    /// Idle connections are closed at once. An HTTP/2 client is sent GOAWAY first (RFC 9113 §6.8).
    /// Once its streams have ended and their data is written, it has 5 s to close the connection.
    /// Until then the [`http2_idle_timeout`](Self::http2_idle_timeout) applies, or 5 s if it is
    /// shorter.
    ///
    /// The server closes the sockets that are registered with its own [`Shutdown`]. If a layer
    /// registers sockets with another one, by
    /// [`Config::with_shutdown`](crate::Config::with_shutdown), pass that one to
    /// [`with_shutdown`](Self::with_shutdown).
    ///
    /// See the [example](Self#examples) of the type.
    pub fn with_graceful_shutdown(mut self, signal: impl Future<Output = ()> + Send + 'static) -> Self {
        self.server.signal = Box::pin(signal);
        self
    }

    /// Sets how long a graceful shutdown waits. Default: 30 s.
    ///
    /// See the [example](Self#examples) of the type.
    ///
    /// # Panics
    ///
    /// Awaiting the server panics if this time is not longer than a
    /// [`drain_spread`](Self::drain_spread).
    pub fn drain_timeout(mut self, timeout: Duration) -> Self {
        self.server.drain_timeout = timeout;
        self
    }

    /// Sets the time over which a graceful shutdown spreads the Close frames of the sockets.
    /// Default: zero, so all are sent at once.
    ///
    /// Spreading prevents all clients from reconnecting to other servers at the same time; see
    /// [`Shutdown::start_spread`]. [`Shutdown::start`] on [the server's handle](Self::shutdown)
    /// sends the remaining Close frames immediately.
    ///
    /// See the [example](Self#examples) of the type.
    ///
    /// # Panics
    ///
    /// Awaiting the server panics if `spread` is not shorter than
    /// [`drain_timeout`](Self::drain_timeout), because sockets would be dropped without a Close.
    pub fn drain_spread(mut self, spread: Duration) -> Self {
        self.server.drain_spread = spread;
        self
    }

    /// Sets how many connections may be open at once, over all listeners, including WebSockets.
    /// `None` means no limit. Default: `None`.
    ///
    /// Further connections wait in the system's accept queue until a connection ends. The system
    /// refuses them when that queue is full.
    /// [`Config::max_connections`](crate::Config::max_connections) limits the number of open
    /// *sockets*.
    ///
    /// See the [example](Self#examples) of the type.
    ///
    /// # Panics
    ///
    /// Panics if `limit` is 0.
    pub fn max_connections(mut self, limit: impl Into<Option<usize>>) -> Self {
        self.server.max_connections = limit.into();
        assert!(self.server.max_connections != Some(0), "max_connections must be at least 1");
        self
    }

    /// Sets how long the TLS handshake may take. Default: 10 s.
    ///
    /// # Panics
    ///
    /// Panics if `timeout` is zero.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use std::time::Duration;
    /// use tokio::net::TcpListener;
    /// use tower_websocket::{WebSocketUpgradeLayer, serve_tls, server::TlsConfig};
    ///
    /// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
    /// let service = WebSocketUpgradeLayer::accept_all(async |_| ()).into_service();
    /// let tls = TlsConfig::from_pem_files("chain.pem", "key.pem")?;
    /// serve_tls(TcpListener::bind("0.0.0.0:443").await?, tls, service)
    ///     .tls_handshake_timeout(Duration::from_secs(5))
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "tls")]
    pub fn tls_handshake_timeout(mut self, timeout: Duration) -> Self {
        self.server.settings.tls_handshake_timeout = checked(timeout, "tls_handshake_timeout");
        self
    }

    /// Sets how long it may take until the complete head of a client's first request has arrived.
    /// Default: 10 s.
    ///
    /// The time counts from when the connection is accepted, or from the end of its TLS handshake.
    /// Bytes that arrive do not extend it.
    ///
    /// See the [example](Self#examples) of the type.
    ///
    /// # Panics
    ///
    /// Panics if `timeout` is zero.
    pub fn first_request_timeout(mut self, timeout: Duration) -> Self {
        self.server.settings.first_request_timeout = checked(timeout, "first_request_timeout");
        self
    }

    /// Sets how long it may take, over HTTP/1.1, from the end of one request until the complete
    /// head of the next has arrived. Default: 30 s.
    ///
    /// This is how long an idle connection is kept alive. It also applies to the first request, so
    /// the smaller of this and [`first_request_timeout`](Self::first_request_timeout) counts.
    ///
    /// See the [example](Self#examples) of the type.
    ///
    /// # Panics
    ///
    /// Panics if `timeout` is zero.
    pub fn header_read_timeout(mut self, timeout: Duration) -> Self {
        self.server.settings.header_read_timeout = checked(timeout, "header_read_timeout");
        self
    }

    /// Sets how long writing an HTTP/1.1 response may make no progress. After that the connection
    /// is dropped. Default: 30 s.
    ///
    /// Each time the system accepts more data for the client, the time starts anew. A slow client
    /// may have to read [more than a megabyte](crate::serve()#slow-and-hostile-clients) for this.
    /// Over HTTP/2, [`http2_idle_timeout`](Self::http2_idle_timeout) ends such a connection.
    ///
    /// See the [example](Self#examples) of the type.
    ///
    /// # Panics
    ///
    /// Panics if `timeout` is zero.
    pub fn write_timeout(mut self, timeout: Duration) -> Self {
        self.server.settings.write_timeout = checked(timeout, "write_timeout");
        self
    }

    /// Sets how long an HTTP/2 connection may have no open stream, after its first one. Default: 60
    /// s.
    ///
    /// A stream is a request or a WebSocket. After this time the server sends GOAWAY, and the
    /// client has 5 s to close the connection.
    ///
    /// A stream does not count as open while the client does not read its response. Each time the
    /// system accepts more data for the client, the time starts anew. A slow client may have to
    /// read [more than a megabyte](crate::serve()#slow-and-hostile-clients) for this.
    ///
    /// The connection itself is not pinged, but each WebSocket on it
    /// [is](crate::Config::keepalive_interval).
    ///
    /// # Panics
    ///
    /// Panics if `timeout` is zero.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use std::time::Duration;
    /// use tokio::net::TcpListener;
    /// use tower_websocket::{WebSocketUpgradeLayer, serve};
    ///
    /// # async fn run() -> std::io::Result<()> {
    /// let service = WebSocketUpgradeLayer::accept_all(async |_| ()).into_service();
    /// serve(TcpListener::bind("127.0.0.1:8080").await?, service)
    ///     .http2_idle_timeout(Duration::from_secs(300))
    ///     .await
    /// # }
    /// ```
    #[cfg(feature = "http2")]
    pub fn http2_idle_timeout(mut self, timeout: Duration) -> Self {
        self.server.settings.http2.idle_timeout = checked(timeout, "http2_idle_timeout");
        self
    }

    /// Sets how many streams a client may have open at once on an HTTP/2 connection: requests and
    /// WebSockets together. Default: 200.
    ///
    /// Up to 64 KiB of each stream may be unread, so a connection may use 64 KiB times this number.
    ///
    /// # Panics
    ///
    /// Panics if `limit` is 0.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use tokio::net::TcpListener;
    /// use tower_websocket::{WebSocketUpgradeLayer, serve};
    ///
    /// # async fn run() -> std::io::Result<()> {
    /// let service = WebSocketUpgradeLayer::accept_all(async |_| ()).into_service();
    /// serve(TcpListener::bind("127.0.0.1:8080").await?, service).http2_max_streams(50).await
    /// # }
    /// ```
    #[cfg(feature = "http2")]
    pub fn http2_max_streams(mut self, limit: u32) -> Self {
        assert!(limit > 0, "http2_max_streams must be at least 1");
        self.server.settings.http2.max_streams = limit;
        self
    }

    /// Sets the largest head of a request, in bytes. A client that exceeds it gets a 431. Default:
    /// 32 KiB.
    ///
    /// Over HTTP/2, this is the size of all header fields before compression, plus 32 bytes for
    /// each field (RFC 9113 §6.5.2).
    ///
    /// See the [example](Self#examples) of the type.
    ///
    /// # Panics
    ///
    /// Panics if `bytes` is 0.
    pub fn max_header_size(mut self, bytes: usize) -> Self {
        assert!(bytes > 0, "max_header_size must be at least 1 byte");
        self.server.settings.max_header_size = bytes;
        self
    }

    /// Sets how many header fields a request may have over HTTP/1.1. A client that exceeds it gets
    /// a 431. Default: 100.
    ///
    /// A limit above 24,576 is reduced to that. Any value other than the default costs an
    /// allocation for each request, with space for that number of fields. Over HTTP/2,
    /// [`max_header_size`](Self::max_header_size) also limits the number of fields.
    ///
    /// See the [example](Self#examples) of the type.
    ///
    /// # Panics
    ///
    /// Panics if `limit` is 0.
    pub fn max_headers(mut self, limit: usize) -> Self {
        assert!(limit > 0, "max_headers must be at least 1");
        self.server.settings.max_headers = (limit != 100).then_some(limit.min(MAX_HEADERS));
        self
    }

    /// Counts and closes the sockets with `shutdown` instead of the server's own handle.
    ///
    /// [Starting](Shutdown::start) `shutdown` elsewhere closes the sockets but does not stop the
    /// server.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use tokio::net::TcpListener;
    /// use tower_websocket::{Config, Shutdown, WebSocketUpgradeLayer, serve};
    ///
    /// # async fn run() -> std::io::Result<()> {
    /// let shutdown = Shutdown::new();
    /// let config = Config::new().with_shutdown(&shutdown);
    /// let layer = WebSocketUpgradeLayer::accept_all(async |_| ()).with_config(config);
    /// serve(TcpListener::bind("127.0.0.1:8080").await?, layer.into_service())
    ///     .with_shutdown(&shutdown)
    ///     .with_graceful_shutdown(async { drop(tokio::signal::ctrl_c().await) })
    ///     .await
    /// # }
    /// ```
    pub fn with_shutdown(mut self, shutdown: &Shutdown) -> Self {
        self.server.shutdown = shutdown.clone();
        self
    }

    /// Returns the handle that counts the server's sockets.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use std::time::Duration;
    /// use tokio::{net::TcpListener, time::sleep};
    /// use tower_websocket::{WebSocketUpgradeLayer, serve};
    ///
    /// # async fn run() -> std::io::Result<()> {
    /// let service = WebSocketUpgradeLayer::accept_all(async |_| ()).into_service();
    /// let server = serve(TcpListener::bind("127.0.0.1:8080").await?, service);
    /// let shutdown = server.shutdown().clone();
    /// tokio::spawn(async move {
    ///     loop {
    ///         println!("{} open sockets", shutdown.connections());
    ///         sleep(Duration::from_secs(60)).await;
    ///     }
    /// });
    /// server.await
    /// # }
    /// ```
    pub fn shutdown(&self) -> &Shutdown {
        &self.server.shutdown
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
        let Self { listener, tls, mut server } = self;
        let (spread, limit) = (server.drain_spread, server.drain_timeout);
        assert!(
            spread.is_zero() || spread < limit,
            "drain_spread ({spread:?}) must be shorter than drain_timeout ({limit:?})"
        );
        server.listen(Port::new(listener, tls));
        Box::pin(server.run())
    }
}

impl<L, S> fmt::Debug for Serve<L, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Serve")
            .field("shutdown", &self.server.shutdown)
            .field("drain_timeout", &self.server.drain_timeout)
            .field("drain_spread", &self.server.drain_spread)
            .field("max_connections", &self.server.max_connections)
            .field("settings", &self.server.settings)
            .finish_non_exhaustive()
    }
}
