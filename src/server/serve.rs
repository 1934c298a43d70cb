//! Sets a server up.

use std::{
    fmt,
    future::{Future, IntoFuture},
    io,
    pin::Pin,
    time::Duration,
};

use super::{HttpService, Listener, port::Port, run::Server, tls::TlsConfig};
use crate::shutdown::Shutdown;

/// What hyper adds to the present without looking.
const MAX_TIMEOUT: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Serves `service` to all clients that connect to `listener`.
///
/// `service` is any tower service of HTTP requests: a layer's
/// [`into_service`](crate::WebSocketUpgradeLayer::into_service), an axum `Router`, or a stack of
/// your own. Requests carry a [`PeerAddr`](crate::server::PeerAddr) and a [`Shutdown`] in their
/// extensions, with TLS a `TlsInfo`, and with the feature `axum` a `ConnectInfo`, so that handlers
/// and middleware written for `axum::serve` find the client's address.
///
/// A client may speak HTTP/1.1 and, with the feature `http2`, HTTP/2: over TLS as ALPN agrees,
/// without TLS with prior knowledge. WebSockets open over either (RFC 6455, RFC 8441).
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
///
/// # Slow and hostile clients
///
/// Clients that make no progress are disconnected after the timeouts that [`Serve`]'s methods set:
/// for the TLS handshake, for the first request, for each further one, for taking a response, for
/// an idle HTTP/2 connection. They do not apply to open WebSockets, which have [timeouts of their
/// own](crate::Config).
///
/// Over HTTP/2 these limits hold against known attacks:
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
/// A graceful shutdown closes the listeners before it waits, so that another process can listen on
/// the same port while this one still drains; `TcpListener::bind` sets `SO_REUSEADDR` for that on
/// Unix. Where no connection may be refused in between, both bind with `SO_REUSEPORT`, with
/// `tokio::net::TcpSocket`, or a supervisor hands the socket over.
pub fn serve<L, S>(listener: L, service: S) -> Serve<L, S> {
    Serve { listener, tls: None, server: Server::new(service) }
}

/// Serves `service` over TLS to all clients that connect to `listener`; otherwise as [`serve`]
/// does.
///
/// `tls` is a [`TlsConfig`] or a `rustls::ServerConfig`. Further listeners, with TLS and without,
/// are added by [`listen_tls`](Serve::listen_tls) and [`listen`](Serve::listen).
///
/// A client that does not speak TLS gets an alert, and the end of the stream. A client that speaks
/// TLS to a listener without it gets a `400 Bad Request`, which it cannot read as TLS, and the end
/// of the stream.
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
pub fn serve_tls<L, S>(listener: L, tls: impl Into<TlsConfig>, service: S) -> Serve<L, S> {
    Serve { listener, tls: Some(tls.into()), server: Server::new(service) }
}

/// A server that [`serve`] or `serve_tls` sets up and `.await` runs.
///
/// The future never returns an error. If accepting fails, for example because no file descriptors
/// are left, the server retries after a short pause. An error on a connection ends that connection
/// only.
#[must_use = "a server does nothing unless awaited"]
pub struct Serve<L, S> {
    listener: L,
    tls: Option<TlsConfig>,
    server: Server<S>,
}

impl<L, S> Serve<L, S> {
    /// Serves clients that connect to `listener` as well, which may be of another kind.
    pub fn listen<M: Listener>(mut self, listener: M) -> Self
    where
        S: HttpService,
    {
        self.server.listen(Port::new(listener, None));
        self
    }

    /// Serves clients that connect to `listener` as well, over TLS.
    #[cfg(feature = "tls")]
    pub fn listen_tls<M: Listener>(mut self, listener: M, tls: impl Into<TlsConfig>) -> Self
    where
        S: HttpService,
    {
        self.server.listen(Port::new(listener, Some(tls.into())));
        self
    }

    /// Shuts the server down gracefully once `signal` is ready: stops accepting, lets requests in
    /// progress finish, sends Close 1001 on every socket, waits up to
    /// [`drain_timeout`](Self::drain_timeout) for all of them, and drops the remaining ones.
    ///
    /// Idle connections end at once. HTTP/2 clients are sent GOAWAY first (RFC 9113 §6.8), and have
    /// 5 s to leave.
    ///
    /// The sockets are those of its own handle. A layer whose
    /// [`Config::with_shutdown`](crate::Config::with_shutdown) names another one needs that to be
    /// given to [`with_shutdown`](Self::with_shutdown).
    pub fn with_graceful_shutdown(mut self, signal: impl Future<Output = ()> + Send + 'static) -> Self {
        self.server.signal = Box::pin(signal);
        self
    }

    /// Sets how long a graceful shutdown waits. Default: 30 s.
    pub fn drain_timeout(mut self, timeout: Duration) -> Self {
        self.server.drain_timeout = timeout;
        self
    }

    /// Sets over how long a graceful shutdown spreads the Closes of the sockets, so that not all
    /// clients come back to the other servers at once; see [`Shutdown::start_spread`]. Default:
    /// zero, all at once.
    ///
    /// It has to be shorter than [`drain_timeout`](Self::drain_timeout), at which the remaining
    /// sockets are dropped without a Close. [`Shutdown::start`] on [the server's
    /// handle](Self::shutdown) sends the remaining Closes now.
    pub fn drain_spread(mut self, spread: Duration) -> Self {
        self.server.drain_spread = spread;
        self
    }

    /// Sets how many connections may be open at once, over all listeners, including WebSockets.
    /// `None` is no limit. Default: `None`.
    ///
    /// Further connections wait in the system's accept queue until a connection ends, and are
    /// refused by the system when that is full. The limit of open *sockets* is
    /// [`Config::max_connections`](crate::Config::max_connections).
    ///
    /// # Panics
    ///
    /// Panics when `limit` is 0.
    pub fn max_connections(mut self, limit: impl Into<Option<usize>>) -> Self {
        self.server.max_connections = limit.into();
        assert!(self.server.max_connections != Some(0), "max_connections must be at least 1");
        self
    }

    /// Sets how long a client may take for the TLS handshake. Default: 10 s.
    ///
    /// # Panics
    ///
    /// Panics when `timeout` is zero.
    #[cfg(feature = "tls")]
    pub fn tls_handshake_timeout(mut self, timeout: Duration) -> Self {
        self.server.settings.tls_handshake_timeout = checked(timeout, "tls_handshake_timeout");
        self
    }

    /// Sets how long a client may take until the whole head of its first request has arrived,
    /// counted from the connection, or from the end of its TLS handshake, whatever it sends
    /// meanwhile. Default: 10 s.
    ///
    /// # Panics
    ///
    /// Panics when `timeout` is zero.
    pub fn first_request_timeout(mut self, timeout: Duration) -> Self {
        self.server.settings.first_request_timeout = checked(timeout, "first_request_timeout");
        self
    }

    /// Sets how long a client may take, over HTTP/1.1, from the end of one request until the whole
    /// head of the next has arrived: how long a connection is kept alive. Default: 30 s.
    ///
    /// It applies to the first request as well, so the smaller of this and
    /// [`first_request_timeout`](Self::first_request_timeout) counts.
    ///
    /// # Panics
    ///
    /// Panics when `timeout` is zero.
    pub fn header_read_timeout(mut self, timeout: Duration) -> Self {
        self.server.settings.header_read_timeout = checked(timeout, "header_read_timeout");
        self
    }

    /// Sets how long writing an HTTP/1.1 response may make no progress. After that the connection
    /// is dropped. Default: 30 s.
    ///
    /// However little the client takes, the time begins anew. Over HTTP/2,
    /// [`http2_idle_timeout`](Self::http2_idle_timeout) ends such a connection.
    ///
    /// # Panics
    ///
    /// Panics when `timeout` is zero.
    pub fn write_timeout(mut self, timeout: Duration) -> Self {
        self.server.settings.write_timeout = checked(timeout, "write_timeout");
        self
    }

    /// Sets how long an HTTP/2 connection may have no open stream, neither a request nor a
    /// WebSocket, after its first. After that GOAWAY is sent, and the client has 5 s to leave.
    /// Default: 60 s.
    ///
    /// Streams with a response that the client does not take do not count. A response that it
    /// takes, however slowly, keeps the connection open.
    ///
    /// The connection itself is not pinged, but each WebSocket on it
    /// [is](crate::Config::keepalive_interval).
    ///
    /// # Panics
    ///
    /// Panics when `timeout` is zero.
    #[cfg(feature = "http2")]
    pub fn http2_idle_timeout(mut self, timeout: Duration) -> Self {
        self.server.settings.http2.idle_timeout = checked(timeout, "http2_idle_timeout");
        self
    }

    /// Sets how many streams a client may have open at once on an HTTP/2 connection: requests and
    /// WebSockets together. Default: 200.
    ///
    /// Up to 64 KiB of each may be unread, so a connection may cost 64 KiB times this.
    ///
    /// # Panics
    ///
    /// Panics when `limit` is 0.
    #[cfg(feature = "http2")]
    pub fn http2_max_streams(mut self, limit: u32) -> Self {
        assert!(limit > 0, "http2_max_streams must be at least 1");
        self.server.settings.http2.max_streams = limit;
        self
    }

    /// Sets the largest head of a request, in bytes. Above it the client gets a 431. Default: 32
    /// KiB.
    ///
    /// Over HTTP/2 it is the size of all the fields without compression, with 32 bytes more for
    /// each (RFC 9113 §6.5.2).
    ///
    /// # Panics
    ///
    /// Panics when `bytes` is 0.
    pub fn max_header_size(mut self, bytes: usize) -> Self {
        assert!(bytes > 0, "max_header_size must be at least 1 byte");
        self.server.settings.max_header_size = bytes;
        self
    }

    /// Sets how many header fields a request may have over HTTP/1.1. Above it the client gets a
    /// 431. Default: 100.
    ///
    /// Any other value than the default costs an allocation for each request. Over HTTP/2,
    /// [`max_header_size`](Self::max_header_size) bounds the number too.
    ///
    /// # Panics
    ///
    /// Panics when `limit` is 0.
    pub fn max_headers(mut self, limit: usize) -> Self {
        assert!(limit > 0, "max_headers must be at least 1");
        self.server.settings.max_headers = (limit != 100).then_some(limit);
        self
    }

    /// Counts and ends the sockets with `shutdown` instead of a handle of the server's own. When it
    /// is [started](Shutdown::start) elsewhere, that ends the sockets, but not the server.
    pub fn with_shutdown(mut self, shutdown: &Shutdown) -> Self {
        self.server.shutdown = shutdown.clone();
        self
    }

    /// Returns the handle that counts the server's sockets.
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
