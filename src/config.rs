//! The settings of WebSockets: limits, buffers, timeouts, and the policies for origins and hosts.

use std::{fmt, sync::Arc, time::Duration};

use tokio::sync::Semaphore;

use crate::{
    deflate,
    handshake::{AllowHost, AllowOrigin},
    io::TcpOptions,
    metrics::Summary,
    shutdown::Shutdown,
};

/// The settings of a layer, an acceptor, an extractor or a connector: limits, buffers, timeouts,
/// and the policies for origins and hosts.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use tower_websocket::{AllowOrigin, Config, WebSocketUpgradeLayer};
///
/// # fn main() -> Result<(), tower_websocket::handshake::InvalidEntry> {
/// let config = Config::new()
///     .allow_origin(AllowOrigin::list(["https://example.com"])?)
///     .max_connections(10_000)
///     .max_message_size(64 * 1024)
///     .keepalive_interval(Duration::from_secs(30));
/// let layer = WebSocketUpgradeLayer::accept_all(async |_| ()).with_config(config);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "a configuration does nothing unless it is given to a layer, an acceptor or a connector"]
pub struct Config(Arc<ConfigValues>);

/// The values of a [`Config`], shared by its clones and by the connections that use it.
#[derive(Clone, Debug)]
pub(crate) struct ConfigValues {
    pub(crate) max_message_size: usize,
    pub(crate) max_frame_size: usize,
    pub(crate) receive_in_chunks: bool,
    pub(crate) max_outgoing_frame_size: Option<usize>,
    pub(crate) max_write_buffer_size: usize,
    pub(crate) handshake_timeout: Duration,
    pub(crate) request_head_timeout: Duration,
    pub(crate) keepalive_interval: Option<Duration>,
    pub(crate) keepalive_timeout: Option<Duration>,
    pub(crate) close_timeout: Duration,
    pub(crate) cork: bool,
    pub(crate) tcp: TcpOptions,
    pub(crate) deflate: deflate::Settings,
    /// The number of further sockets that may open. Clones share it.
    pub(crate) permits: Option<Arc<Semaphore>>,
    pub(crate) shutdown: Option<Shutdown>,
    pub(crate) allow_origin: AllowOrigin,
    pub(crate) allow_host: AllowHost,
    pub(crate) canonical_header_case: bool,
    pub(crate) on_end: Option<OnEnd>,
}

impl Config {
    /// Creates a configuration with the default values, which each method documents.
    ///
    /// See the [example](Self#examples) of the type.
    pub fn new() -> Self {
        Self::default()
    }

    #[cfg(any(test, feature = "axum"))]
    pub(crate) fn values(&self) -> &ConfigValues {
        &self.0
    }

    pub(crate) fn into_values(self) -> Arc<ConfigValues> {
        self.0
    }

    fn set(mut self, f: impl FnOnce(&mut ConfigValues)) -> Self {
        f(Arc::make_mut(&mut self.0));
        self
    }

    /// Sets the largest message that is received, in bytes of payload over all its frames. Default:
    /// 1 MiB.
    ///
    /// A frame that would exceed this size is rejected with Close 1009 as soon as its header has
    /// arrived, before memory for its payload is allocated. An unfinished message never uses more
    /// memory than this size.
    ///
    /// With compression, the limit applies to the inflated data. On the wire, deflate's own
    /// overhead is allowed in addition.
    ///
    /// # Panics
    ///
    /// Panics if `bytes` is 0.
    ///
    /// # Examples
    ///
    /// ```
    /// use tower_websocket::Config;
    ///
    /// let config = Config::new().max_message_size(64 * 1024).max_frame_size(16 * 1024);
    /// ```
    pub fn max_message_size(self, bytes: usize) -> Self {
        assert!(bytes > 0, "max_message_size must be at least 1 byte");
        self.set(|config| config.max_message_size = bytes)
    }

    /// Sets the largest frame that is received, in bytes of payload. Default: 1 MiB.
    ///
    /// A larger frame is rejected with Close 1009 as soon as its header has arrived. Memory is
    /// allocated as the payload arrives, not when the header announces it.
    ///
    /// With compression, the limit applies to the inflated data. On the wire, deflate's own
    /// overhead is allowed in addition.
    ///
    /// See the [example](Self::max_message_size) of `max_message_size`.
    ///
    /// # Panics
    ///
    /// Panics if `bytes` is 0.
    pub fn max_frame_size(self, bytes: usize) -> Self {
        assert!(bytes > 0, "max_frame_size must be at least 1 byte");
        self.set(|config| config.max_frame_size = bytes)
    }

    /// Sets whether [`recv_chunks`](crate::WebSocket::recv_chunks) can receive messages of any
    /// size, in chunks as they arrive. Default: `false`.
    ///
    /// At most about 128 KiB of received data are held until the application takes them, even of a
    /// compressed message. Neither [`max_message_size`](Self::max_message_size) nor
    /// [`max_frame_size`](Self::max_frame_size) applies to `recv_chunks`.
    ///
    /// Whole messages can still be received, before and after a message in chunks:
    /// [`recv`](crate::WebSocket::recv) assembles them, up to `max_message_size`. A message that is
    /// too large is rejected with Close 1009 when that number of bytes has arrived, not when its
    /// header arrives.
    ///
    /// # Examples
    ///
    /// ```
    /// use tower_websocket::{Config, WebSocket, WebSocketUpgradeLayer};
    ///
    /// async fn upload(mut socket: WebSocket) {
    ///     while let Some(Ok(mut chunks)) = socket.recv_chunks().await {
    ///         let mut bytes = 0;
    ///         while let Some(Ok(chunk)) = chunks.recv().await {
    ///             bytes += chunk.len();
    ///         }
    ///         println!("a message of {bytes} bytes");
    ///     }
    /// }
    ///
    /// let config = Config::new().receive_in_chunks(true);
    /// let layer = WebSocketUpgradeLayer::accept_all(upload).with_config(config);
    /// ```
    pub fn receive_in_chunks(self, receive_in_chunks: bool) -> Self {
        self.set(|config| config.receive_in_chunks = receive_in_chunks)
    }

    /// Sets the largest frame that is sent, in bytes of payload. Default: 64 KiB.
    ///
    /// Larger messages are sent in fragments (RFC 6455 §5.4), and pings and Close frames can be
    /// sent between the fragments. With a limit of 64 KiB or more, fragments are up to a 64th
    /// smaller, which saves packets. Text is split only between characters, so with a limit below 4
    /// bytes a frame can exceed it to contain one whole character. `None` disables fragmentation.
    /// Use it for clients that treat each fragment as a message.
    ///
    /// A compressed message is sent in one frame if it fits into
    /// [`max_write_buffer_size`](Self::max_write_buffer_size), because some clients cannot inflate
    /// fragmented messages. A raw [`Message::Frame`](crate::Message::Frame) is sent unchanged.
    ///
    /// # Panics
    ///
    /// Panics if `bytes` is 0.
    ///
    /// # Examples
    ///
    /// ```
    /// use tower_websocket::Config;
    ///
    /// let config = Config::new().max_outgoing_frame_size(16 * 1024);
    /// let unfragmented = Config::new().max_outgoing_frame_size(None);
    /// ```
    pub fn max_outgoing_frame_size(self, bytes: impl Into<Option<usize>>) -> Self {
        let bytes = bytes.into();
        assert!(bytes != Some(0), "max_outgoing_frame_size must be at least 1 byte");
        self.set(|config| config.max_outgoing_frame_size = bytes)
    }

    /// Sets how many bytes can be queued for writing before sending waits. Default: 1 MiB.
    ///
    /// A message that waits behind 64 KiB of others counts 64 bytes more than it has, about what it
    /// takes in memory.
    ///
    /// A message of any size is accepted while fewer bytes than this are queued, so this is not a
    /// limit for the size of a message. There is one exception: a raw
    /// [`Message::Frame`](crate::Message::Frame) with a larger payload fails with
    /// [`Error::Capacity`](crate::Error::Capacity).
    ///
    /// [`try_send`](crate::Sender::try_send) first writes as much as the IO accepts, and only then
    /// reports that the buffer is full. While another thread is reading from or writing to the
    /// connection, `try_send` cannot write. It then accepts messages until twice this number of
    /// bytes are queued.
    ///
    /// # Panics
    ///
    /// Panics if `bytes` is 0.
    ///
    /// # Examples
    ///
    /// ```
    /// use tower_websocket::Config;
    ///
    /// let config = Config::new().max_write_buffer_size(128 * 1024);
    /// ```
    pub fn max_write_buffer_size(self, bytes: usize) -> Self {
        assert!(bytes > 0, "max_write_buffer_size must be at least 1 byte");
        self.set(|config| config.max_write_buffer_size = bytes)
    }

    /// Sets how long the handshake service may take, including the time until it is ready. After
    /// that the client gets a 503. Default: 10 s.
    ///
    /// For a [`Connector`](crate::Connector), this is how long it may take to send the request and
    /// to receive the complete head of the response.
    ///
    /// # Panics
    ///
    /// Panics if `timeout` is zero.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use tower_websocket::Config;
    ///
    /// let config = Config::new().handshake_timeout(Duration::from_secs(2));
    /// ```
    pub fn handshake_timeout(self, timeout: Duration) -> Self {
        assert!(!timeout.is_zero(), "handshake_timeout must not be zero");
        self.set(|config| config.handshake_timeout = timeout)
    }

    /// Sets how long [`Acceptor::accept`](crate::Acceptor::accept) waits for the complete head of
    /// the request, and then for the response to be written. Default: 10 s.
    ///
    /// Ignored behind an HTTP server, which has its own timeout, such as
    /// [`header_read_timeout`](crate::server::Serve::header_read_timeout) of
    /// [`serve`](crate::serve()).
    ///
    /// # Panics
    ///
    /// Panics if `timeout` is zero.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use tower_websocket::{AcceptAll, Acceptor, Config};
    ///
    /// let config = Config::new().request_head_timeout(Duration::from_secs(5));
    /// let acceptor = Acceptor::new(AcceptAll).with_config(config);
    /// ```
    pub fn request_head_timeout(self, timeout: Duration) -> Self {
        assert!(!timeout.is_zero(), "request_head_timeout must not be zero");
        self.set(|config| config.request_head_timeout = timeout)
    }

    /// Sets how long the connection may be idle before the peer is pinged. `None` disables pings.
    /// Default: 20 s.
    ///
    /// The time counts from the last received byte, even if that byte is only part of a frame, and
    /// whether or not the handler receives. It also restarts when the IO accepts bytes after it
    /// accepted none, because that shows that a slow peer reads.
    ///
    /// Keepalive pings have their own payload. A pong that answers one of them is not passed to the
    /// handler; all other pongs are.
    ///
    /// # Panics
    ///
    /// Panics if `interval` is zero.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use tower_websocket::Config;
    ///
    /// let config = Config::new()
    ///     .keepalive_interval(Duration::from_secs(60))
    ///     .keepalive_timeout(Duration::from_secs(10));
    /// let without_pings = Config::new().keepalive_interval(None);
    /// ```
    pub fn keepalive_interval(self, interval: impl Into<Option<Duration>>) -> Self {
        let interval = interval.into();
        assert!(interval != Some(Duration::ZERO), "keepalive_interval must not be zero");
        self.set(|config| config.keepalive_interval = interval)
    }

    /// Sets how long the connection may remain idle after a ping. After that the connection fails.
    /// `None` disables the timeout. Default: 20 s.
    ///
    /// The connection fails with an error of kind [`TimedOut`](std::io::ErrorKind::TimedOut), and
    /// Close 1011 is sent if the IO still accepts it.
    ///
    /// - The time counts from when the ping was written, not from when it was queued. If the peer
    ///   reads slowly, the estimated time that it needs for the data before the ping is added, up
    ///   to 5 minutes.
    /// - The connection does not fail while the peer makes progress: while bytes arrive, or while
    ///   the IO accepts bytes after it accepted none.
    /// - The connection does not fail while the pong may be among received data that the handler
    ///   has not read yet. If the IO accepts no bytes either, unread data does not count.
    /// - Messages that were [received
    ///   ahead](crate::WebSocket#what-happens-while-the-handler-does-not-receive) are returned
    ///   before the error. Data that is queued for writing is lost.
    ///
    /// See the [example](Self::keepalive_interval) of `keepalive_interval`.
    ///
    /// # Panics
    ///
    /// Panics if `timeout` is zero.
    pub fn keepalive_timeout(self, timeout: impl Into<Option<Duration>>) -> Self {
        let timeout = timeout.into();
        assert!(timeout != Some(Duration::ZERO), "keepalive_timeout must not be zero");
        self.set(|config| config.keepalive_timeout = timeout)
    }

    /// Sets how long the closing handshake may make no progress after this side's Close was
    /// written. After that the connection is dropped. Default: 5 s.
    ///
    /// - Progress means that bytes arrive, or that the IO accepts bytes after it accepted none.
    ///   Progress restarts the timeout, but the handshake ends at most twelve timeouts after the
    ///   Close was written. It may take as long if the application has not taken received data yet,
    ///   because the peer's Close may follow it.
    /// - While data and the Close wait to be written, the connection is dropped only if the IO
    ///   accepts no bytes for the sum of [`keepalive_interval`](Self::keepalive_interval) and
    ///   [`keepalive_timeout`](Self::keepalive_timeout), or for 40 s if either is `None`, or for
    ///   this timeout if it is longer. A slow peer that reads can take as long as it needs, above
    ///   the rate in [`limits`](crate::guide::limits).
    /// - If 64 KiB or more were written within that sum before the Close, or if the peer is known
    ///   to be slow, data may still be in buffers on the way to it. The timeout is then the sum,
    ///   plus the estimated time that a slow peer needs, up to 5 minutes.
    /// - After a protocol violation, this timeout applies to writing the earlier data and the
    ///   Close.
    ///
    /// If the connection is dropped, [`close`](crate::WebSocket::close) fails with an error of kind
    /// [`TimedOut`](std::io::ErrorKind::TimedOut),
    /// [`CloseInfo::error`](crate::close::CloseInfo::error) returns the error, and
    /// [`Shutdown::drain`](crate::Shutdown::drain) counts the socket.
    ///
    /// # Panics
    ///
    /// Panics if `timeout` is zero.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use tower_websocket::Config;
    ///
    /// let config = Config::new().close_timeout(Duration::from_secs(2));
    /// ```
    pub fn close_timeout(self, timeout: Duration) -> Self {
        assert!(!timeout.is_zero(), "close_timeout must not be zero");
        self.set(|config| config.close_timeout = timeout)
    }

    /// Sets whether messages that the handler's own task sends are collected and written together.
    /// Default: `true`.
    ///
    /// Collected messages are written
    ///
    /// - when the handler's task yields, that is, when its future returns `Pending` or completes;
    /// - on an explicit [`flush`](crate::WebSocket::flush) of the socket or of a
    ///   [`Sender`](crate::Sender), and when the socket is flushed as a `Sink`;
    /// - together with the next message that is sent about 1 ms or more after the first of them was
    ///   collected, or after data was read before that.
    ///
    /// A handler that computes without using the socket delays them until it yields. Call `flush`
    /// before long computations. Messages that other tasks send are not collected, nor are messages
    /// that a handler sends while it blocks its thread (`block_in_place`).
    ///
    /// With `false`, each [`send`](crate::WebSocket::send) of the socket waits until its message is
    /// written. So does a `send` that another task than the handler's polls.
    ///
    /// # Examples
    ///
    /// ```
    /// use tower_websocket::Config;
    ///
    /// let config = Config::new().cork(false);
    /// ```
    pub fn cork(self, cork: bool) -> Self {
        self.set(|config| config.cork = cork)
    }

    /// Sets whether `TCP_NODELAY` is set on the TCP socket when the WebSocket opens. With `false`,
    /// the option is reset. Default: `true`.
    ///
    /// Without the option, the second of two small messages waits until the client has acknowledged
    /// the first, which takes 40 ms on most systems.
    ///
    /// The option is set if the IO is a `TcpStream`:
    ///
    /// - a `TcpStream` that was passed to [`Acceptor::accept`](crate::Acceptor::accept) or
    ///   [`Connector::connect`](crate::Connector::connect), also inside a
    ///   [`Rewind`](crate::io::Rewind), or one in a [`PendingIo`](crate::io::PendingIo);
    /// - over HTTP/1.1, a `TokioIo<TcpStream>` of the HTTP server. This includes `axum::serve`, the
    ///   builders of hyper and hyper-util, and this crate's [`serve`](crate::serve()).
    ///
    /// With any other IO, such as a TLS stream, a boxed stream or an HTTP/2 stream, the TCP socket
    /// cannot be reached. Set the option when the connection is accepted, as this crate's
    /// [`serve`](crate::serve()) does:
    ///
    /// - with tokio: `stream.set_nodelay(true)`;
    /// - with `axum::serve`: `listener.tap_io(|stream| drop(stream.set_nodelay(true)))`, using
    ///   `axum::serve::ListenerExt`.
    ///
    /// # Examples
    ///
    /// ```
    /// use tower_websocket::Config;
    ///
    /// let config = Config::new().tcp_nodelay(false);
    /// ```
    pub fn tcp_nodelay(self, nodelay: bool) -> Self {
        self.set(|config| config.tcp.nodelay = nodelay)
    }

    /// Sets `TCP_NOTSENT_LOWAT` on the TCP socket when the WebSocket opens: how many bytes the
    /// system accepts that it cannot send yet. `None` selects the system's default. Default: 128
    /// KiB. Linux and Android only.
    ///
    /// Without the option, the system accepts several megabytes, and a ping or a Close waits until
    /// a slow peer has received all of them.
    ///
    /// The option is set on the same sockets as [`tcp_nodelay`](Self::tcp_nodelay).
    ///
    /// # Panics
    ///
    /// Panics if `bytes` is 0.
    ///
    /// # Examples
    ///
    /// ```
    /// use tower_websocket::Config;
    ///
    /// let config = Config::new().tcp_notsent_lowat(32 * 1024);
    /// let system_default = Config::new().tcp_notsent_lowat(None);
    /// ```
    pub fn tcp_notsent_lowat(self, bytes: impl Into<Option<u32>>) -> Self {
        let bytes = bytes.into();
        assert!(bytes != Some(0), "tcp_notsent_lowat must be at least 1 byte");
        // 0 is the system's default.
        self.set(|config| config.tcp.notsent_lowat = bytes.unwrap_or(0))
    }

    /// Enables compression (permessage-deflate, RFC 7692). Default: off.
    ///
    /// A server compresses messages to clients that offer it. A [`Connector`](crate::Connector)
    /// offers it to servers. [`Deflate`](crate::Deflate) documents what compression costs in
    /// memory, and what it reveals about secrets.
    ///
    /// # Examples
    ///
    /// ```
    /// use tower_websocket::{Config, Deflate};
    ///
    /// let config = Config::new().deflate(Deflate::new());
    /// ```
    #[cfg(feature = "deflate")]
    pub fn deflate(self, deflate: deflate::Deflate) -> Self {
        self.set(|config| config.deflate = deflate::Settings(Some(deflate)))
    }

    /// Sets how many sockets may be open at once. `None` means no limit. Default: `None`.
    ///
    /// Above the limit, a client gets a 503, and a [`Connector`](crate::Connector) fails. Clones of
    /// one `Config` share the limit, so it applies to the sockets of all layers, acceptors and
    /// connectors that use it. Calling this method again starts a new count.
    ///
    /// A socket counts from when its request is validated until the closing handshake ends. The
    /// peer's Close, end of stream or reset starts the closing handshake immediately, regardless of
    /// the handler; see
    /// [`WebSocket`](crate::WebSocket#what-happens-while-the-handler-does-not-receive) for how much
    /// unread data may precede it. A client that leaves during the handshake counts until the
    /// handshake service responds, if it has sent data after its request.
    ///
    /// # Examples
    ///
    /// Two layers that share one limit:
    ///
    /// ```
    /// use tower_websocket::{Config, WebSocketUpgradeLayer};
    ///
    /// let config = Config::new().max_connections(10_000);
    /// let chat = WebSocketUpgradeLayer::accept_all(async |_| ()).with_config(config.clone());
    /// let news = WebSocketUpgradeLayer::accept_all(async |_| ()).with_config(config);
    /// ```
    pub fn max_connections(self, limit: impl Into<Option<usize>>) -> Self {
        let permits = |limit: usize| Arc::new(Semaphore::new(limit.min(Semaphore::MAX_PERMITS)));
        self.set(|config| config.permits = limit.into().map(permits))
    }

    /// Registers sockets with `shutdown`, which counts and closes them. Default: the handle of this
    /// crate's [`serve`](crate::serve()), or none with other servers.
    ///
    /// # Examples
    ///
    /// ```
    /// use tower_websocket::{Config, Shutdown};
    ///
    /// let shutdown = Shutdown::new();
    /// let config = Config::new().with_shutdown(&shutdown);
    /// ```
    pub fn with_shutdown(self, shutdown: &Shutdown) -> Self {
        self.set(|config| config.shutdown = Some(shutdown.clone()))
    }

    /// Sets the origins that may open a WebSocket. Default: [`AllowOrigin::same_origin`].
    ///
    /// See the [example](Self#examples) of the type.
    pub fn allow_origin(self, policy: AllowOrigin) -> Self {
        self.set(|config| config.allow_origin = policy)
    }

    /// Sets the host names that a request may be addressed to. Requests for other hosts are
    /// rejected with 421. Default: [`AllowHost::any`].
    ///
    /// A server on a loopback address or in a private network needs this against DNS rebinding; see
    /// [`AllowHost`].
    ///
    /// # Examples
    ///
    /// ```
    /// use tower_websocket::{AllowHost, Config};
    ///
    /// # fn main() -> Result<(), tower_websocket::handshake::InvalidEntry> {
    /// let config = Config::new().allow_host(AllowHost::list(["localhost", "127.0.0.1"])?);
    /// # Ok(())
    /// # }
    /// ```
    pub fn allow_host(self, policy: AllowHost) -> Self {
        self.set(|config| config.allow_host = policy)
    }

    /// Sets whether header names are written as in RFC 6455 (`Sec-WebSocket-Accept`) instead of in
    /// lower case. Default: `false`.
    ///
    /// This applies to an HTTP/1.1 response that accepts a handshake, and to the request of a
    /// [`Connector`](crate::Connector). Header names are case-insensitive (RFC 9110 §5.1), but some
    /// clients on small devices compare them exactly.
    ///
    /// [`Acceptor::accept`](crate::Acceptor::accept) writes all names in this way. Behind a hyper
    /// server, which includes [`serve`](crate::serve()) and `axum::serve`, this applies to
    /// `Connection`, `Upgrade`, `Date` and the WebSocket headers.
    ///
    /// # Examples
    ///
    /// ```
    /// use tower_websocket::Config;
    ///
    /// let config = Config::new().canonical_header_case(true);
    /// ```
    pub fn canonical_header_case(self, is_canonical: bool) -> Self {
        self.set(|config| config.canonical_header_case = is_canonical)
    }

    /// Calls `f` once for each socket when it has ended, with its close code, traffic and duration.
    /// Default: nothing is called.
    ///
    /// Use this for metrics; the example `metrics` exports counters to Prometheus.
    ///
    /// `f` is called on the task that detects the end of the socket, and must not block. A panic in
    /// `f` is caught. If the IO is taken out with [`into_inner`](crate::WebSocket::into_inner), the
    /// socket ends at that moment, with code 1006.
    ///
    /// # Examples
    ///
    /// ```
    /// use tower_websocket::{Config, metrics::Summary};
    ///
    /// let config = Config::new().on_end(|summary: &Summary| {
    ///     println!("{} after {:?}", summary.close_info.code(), summary.duration);
    /// });
    /// ```
    pub fn on_end(self, f: impl Fn(&Summary) + Send + Sync + 'static) -> Self {
        self.set(|config| config.on_end = Some(OnEnd(Arc::new(f))))
    }
}

/// The function that is called when a socket has ended.
#[derive(Clone)]
pub(crate) struct OnEnd(Arc<dyn Fn(&Summary) + Send + Sync>);

impl OnEnd {
    pub(crate) fn call(&self, summary: &Summary) {
        self.0(summary);
    }
}

impl fmt::Debug for OnEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OnEnd(..)")
    }
}

impl Default for ConfigValues {
    fn default() -> Self {
        Self {
            max_message_size: 1024 * 1024,
            max_frame_size: 1024 * 1024,
            receive_in_chunks: false,
            max_outgoing_frame_size: Some(64 * 1024),
            max_write_buffer_size: 1024 * 1024,
            handshake_timeout: Duration::from_secs(10),
            request_head_timeout: Duration::from_secs(10),
            keepalive_interval: Some(Duration::from_secs(20)),
            keepalive_timeout: Some(Duration::from_secs(20)),
            close_timeout: Duration::from_secs(5),
            cork: true,
            tcp: TcpOptions::default(),
            deflate: deflate::Settings::default(),
            permits: None,
            shutdown: None,
            allow_origin: AllowOrigin::same_origin(),
            allow_host: AllowHost::any(),
            canonical_header_case: false,
            on_end: None,
        }
    }
}
