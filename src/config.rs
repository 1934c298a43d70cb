//! Limits, buffers, timings, and the policies for origins and hosts.

use std::{fmt, sync::Arc, time::Duration};

use tokio::sync::Semaphore;

use crate::{
    deflate,
    handshake::{AllowHost, AllowOrigin},
    io::TcpOptions,
    metrics::Summary,
    shutdown::Shutdown,
};

/// Limits, buffers, timings, and the policies for origins and hosts of a layer, an acceptor, an
/// extractor or a connector.
///
/// ```
/// use std::time::Duration;
/// use tower_websocket::{AllowOrigin, Config};
///
/// # fn main() -> Result<(), tower_websocket::handshake::InvalidEntry> {
/// let config = Config::new()
///     .max_message_size(64 * 1024)
///     .allow_origin(AllowOrigin::list(["https://example.com"])?)
///     .handshake_timeout(Duration::from_secs(2));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "a configuration does nothing unless it is given to a layer, an acceptor or a connector"]
pub struct Config(Arc<ConfigValues>);

/// What a [`Config`] says: shared by its clones, and by the connections that it is of.
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
    /// The places that are left for sockets; clones share them.
    pub(crate) places: Option<Arc<Semaphore>>,
    pub(crate) shutdown: Option<Shutdown>,
    pub(crate) allow_origin: AllowOrigin,
    pub(crate) allow_host: AllowHost,
    pub(crate) canonical_header_case: bool,
    pub(crate) on_end: Option<OnEnd>,
}

impl Config {
    /// Creates a configuration with the defaults, which each setter states.
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
    /// A frame that would make its message larger is refused by its header, with Close 1009:
    /// nothing of it is awaited or allocated. An unfinished message never holds more memory than
    /// this. Where compression was agreed on, the limit is for what comes out of the inflater; on
    /// the wire, deflate's own overhead is allowed on top.
    ///
    /// # Panics
    ///
    /// Panics when `bytes` is 0.
    pub fn max_message_size(self, bytes: usize) -> Self {
        assert!(bytes > 0, "max_message_size must be at least 1 byte");
        self.set(|config| config.max_message_size = bytes)
    }

    /// Sets the largest frame that is received, in bytes of payload. Default: 1 MiB.
    ///
    /// A larger frame is refused by its header, with Close 1009. Memory is allocated as the payload
    /// arrives, not when the header announces it. A compressed frame may be larger by deflate's own
    /// overhead, as long as what comes out of it is not.
    ///
    /// # Panics
    ///
    /// Panics when `bytes` is 0.
    pub fn max_frame_size(self, bytes: usize) -> Self {
        assert!(bytes > 0, "max_frame_size must be at least 1 byte");
        self.set(|config| config.max_frame_size = bytes)
    }

    /// Sets whether messages are taken from the IO in chunks as they arrive, for
    /// [`recv_chunks`](crate::WebSocket::recv_chunks), so that they may be of any size. Default:
    /// `false`.
    ///
    /// No more than about 128 KiB are held of what was received and not taken, also of a compressed
    /// message. Neither [`max_message_size`](Self::max_message_size) nor
    /// [`max_frame_size`](Self::max_frame_size) applies to `recv_chunks`.
    ///
    /// Messages can still be received whole, before and after one that is received in chunks: they
    /// are put together by [`recv`](crate::WebSocket::recv), within `max_message_size`. One that is
    /// too large is refused with Close 1009 once so much of it has arrived, not by its header.
    pub fn receive_in_chunks(self, receive_in_chunks: bool) -> Self {
        self.set(|config| config.receive_in_chunks = receive_in_chunks)
    }

    /// Sets the largest frame that is sent, in bytes of payload. Larger messages leave in fragments
    /// (RFC 6455 §5.4), between which pings and Close frames can pass; text is cut between
    /// characters only, so that a frame of less than 4 bytes may have one whole character. `None`
    /// never fragments. Default: 64 KiB.
    ///
    /// Some clients take each fragment for a message: for those, `None`. A compressed message
    /// leaves in one frame whenever that fits into
    /// [`max_write_buffer_size`](Self::max_write_buffer_size), as some clients do not inflate
    /// fragments. A raw [`Message::Frame`](crate::Message::Frame) leaves as it is.
    ///
    /// # Panics
    ///
    /// Panics when `bytes` is 0.
    pub fn max_outgoing_frame_size(self, bytes: impl Into<Option<usize>>) -> Self {
        let bytes = bytes.into();
        assert!(bytes != Some(0), "max_outgoing_frame_size must be at least 1 byte");
        self.set(|config| config.max_outgoing_frame_size = bytes)
    }

    /// Sets how many bytes may wait to be written before sending waits. Default: 1 MiB.
    ///
    /// A message is accepted while less than this is waiting, whatever its own size: this does not
    /// limit how large a message can be. Only a raw [`Message::Frame`](crate::Message::Frame) with
    /// a larger payload is an error to its sender, [`Error::Capacity`](crate::Error::Capacity).
    /// [`try_send`](crate::Sender::try_send) writes what the IO takes before it reports that the
    /// buffer is full. While another thread is just reading or writing, it cannot do that, and
    /// accepts messages until twice this is waiting.
    ///
    /// # Panics
    ///
    /// Panics when `bytes` is 0.
    pub fn max_write_buffer_size(self, bytes: usize) -> Self {
        assert!(bytes > 0, "max_write_buffer_size must be at least 1 byte");
        self.set(|config| config.max_write_buffer_size = bytes)
    }

    /// Sets how long the handshake service may take, its readiness included. After that the client
    /// gets a 503. Default: 10 s.
    ///
    /// For a [`Connector`](crate::Connector), how long the server may take to receive the request
    /// and to answer with a whole head of a response.
    ///
    /// # Panics
    ///
    /// Panics when `timeout` is zero.
    pub fn handshake_timeout(self, timeout: Duration) -> Self {
        assert!(!timeout.is_zero(), "handshake_timeout must not be zero");
        self.set(|config| config.handshake_timeout = timeout)
    }

    /// Sets how long [`Acceptor::accept`](crate::Acceptor::accept) waits for a whole request head,
    /// and then for the client to take the response. Default: 10 s.
    ///
    /// Ignored behind an HTTP server, which has its own timeout, such as
    /// [`serve`](crate::serve())'s
    /// [`header_read_timeout`](crate::server::Serve::header_read_timeout).
    ///
    /// # Panics
    ///
    /// Panics when `timeout` is zero.
    pub fn request_head_timeout(self, timeout: Duration) -> Self {
        assert!(!timeout.is_zero(), "request_head_timeout must not be zero");
        self.set(|config| config.request_head_timeout = timeout)
    }

    /// Sets how long the connection may be idle before the peer is pinged. `None` never pings.
    /// Default: 20 s.
    ///
    /// The time counts from the last byte received, even if it is only part of a frame, whether or
    /// not the handler receives. If the IO takes bytes again after it took none, that counts as
    /// well: the peer reads, although slowly.
    ///
    /// The pings have a payload of their own. A pong that answers one of them is not shown to the
    /// handler; all other pongs are.
    ///
    /// # Panics
    ///
    /// Panics when `interval` is zero.
    pub fn keepalive_interval(self, interval: impl Into<Option<Duration>>) -> Self {
        let interval = interval.into();
        assert!(interval != Some(Duration::ZERO), "keepalive_interval must not be zero");
        self.set(|config| config.keepalive_interval = interval)
    }

    /// Sets how long after a ping the connection may stay idle. After that the peer is given up:
    /// the connection ends with an error of kind [`TimedOut`](std::io::ErrorKind::TimedOut), and
    /// with Close 1011 if the IO still takes it. `None` never gives a peer up. Default: 20 s.
    ///
    /// - The time counts from when the ping has left, not from when it was queued. For a peer that
    ///   reads slowly it is longer by the time that the peer takes for what was sent to it before
    ///   the ping, at the speed that was seen, at most by 5 minutes.
    /// - A peer is not given up while it makes progress: while bytes arrive, or while the IO takes
    ///   bytes after it took none.
    /// - Nor is it given up while so much of what it sent is unread that its answer may stand
    ///   behind that. If the IO takes nothing either, unread data does not count.
    /// - Messages that were [received
    ///   ahead](crate::WebSocket#what-happens-while-the-handler-does-not-receive) come before the
    ///   error. What waits to be written is lost.
    ///
    /// # Panics
    ///
    /// Panics when `timeout` is zero.
    pub fn keepalive_timeout(self, timeout: impl Into<Option<Duration>>) -> Self {
        let timeout = timeout.into();
        assert!(timeout != Some(Duration::ZERO), "keepalive_timeout must not be zero");
        self.set(|config| config.keepalive_timeout = timeout)
    }

    /// Sets how long the closing handshake may make no progress once this side's Close has left.
    /// After that the connection is cut. Default: 5 s.
    ///
    /// - Bytes that arrive are progress, and so are bytes that the IO takes after it took none.
    ///   They extend the time, to at most twelve times as much after the Close has left.
    /// - While data and the Close are still waiting to be written, the peer is given up when the IO
    ///   takes nothing for [`keepalive_interval`](Self::keepalive_interval) and
    ///   [`keepalive_timeout`](Self::keepalive_timeout) together, 40 s where either is off. It then
    ///   takes as long as a slow peer needs to read all of it.
    /// - When much (64 KiB) was sent shortly before the Close, that may still be in buffers on the
    ///   way: the answer may take the same time, and as long again as a slow peer needs for it at
    ///   the speed that was seen, at most 5 minutes.
    /// - After a protocol violation, what was sent before and the Close have this timeout to be
    ///   written.
    ///
    /// A connection that is cut reports it: [`close`](crate::WebSocket::close) fails with an error
    /// of kind [`TimedOut`](std::io::ErrorKind::TimedOut),
    /// [`CloseInfo::error`](crate::close::CloseInfo::error) says so, and
    /// [`Shutdown::drain`](crate::Shutdown::drain) counts it.
    ///
    /// # Panics
    ///
    /// Panics when `timeout` is zero.
    pub fn close_timeout(self, timeout: Duration) -> Self {
        assert!(!timeout.is_zero(), "close_timeout must not be zero");
        self.set(|config| config.close_timeout = timeout)
    }

    /// Sets whether messages that the handler's own task sends are collected and written together.
    /// Default: `true`.
    ///
    /// Collected messages leave
    ///
    /// - when the handler's task yields, that is, when its future returns `Pending` or ends;
    /// - at an explicit [`flush`](crate::WebSocket::flush), of the socket or of a
    ///   [`Sender`](crate::Sender), and at the flush of a `Sink`;
    /// - with the next message that is sent about 1 ms or more after the first of them began to
    ///   wait.
    ///
    /// A handler that computes without touching the socket keeps them until it yields: call `flush`
    /// before long computations. What other tasks send, and what a handler sends while it blocks
    /// its thread (`block_in_place`), is not collected.
    ///
    /// With `false`, each [`send`](crate::WebSocket::send) of the socket writes its message before
    /// it returns.
    pub fn cork(self, cork: bool) -> Self {
        self.set(|config| config.cork = cork)
    }

    /// Sets `TCP_NODELAY` on the socket when the WebSocket opens, or with `false` resets it.
    /// Default: `true`.
    ///
    /// Without the option, the second of two small messages waits until the client has acknowledged
    /// the first, for which most systems take 40 ms.
    ///
    /// It is set wherever the IO is a `TcpStream`: given to
    /// [`Acceptor::accept`](crate::Acceptor::accept) or
    /// [`Connector::connect`](crate::Connector::connect), also in a [`Rewind`](crate::io::Rewind);
    /// or behind a server over HTTP/1.1 that served a `TokioIo<TcpStream>`, as `axum::serve`,
    /// hyper's and hyper-util's builders, and this crate's [`serve`](crate::serve()) do; or in a
    /// [`PendingIo`](crate::io::PendingIo). In anything else, such as a
    /// TLS stream, a boxed stream or a stream of HTTP/2, the socket cannot be reached, and has to
    /// be prepared where it is accepted, as [`serve`](crate::serve()) does by itself:
    ///
    /// - with tokio: `stream.set_nodelay(true)`,
    /// - with `axum::serve`: `listener.tap_io(|stream| drop(stream.set_nodelay(true)))`, by
    ///   `axum::serve::ListenerExt`.
    pub fn tcp_nodelay(self, nodelay: bool) -> Self {
        self.set(|config| config.tcp.nodelay = nodelay)
    }

    /// Sets `TCP_NOTSENT_LOWAT` on the socket when the WebSocket opens: how many bytes the system
    /// takes that it cannot send yet. `None` is the system's default. Default: 128 KiB. Linux and
    /// Android only.
    ///
    /// Without it the system takes megabytes, and a ping or a Close waits until a slow peer has
    /// received those.
    ///
    /// It is set where [`tcp_nodelay`](Self::tcp_nodelay) is.
    ///
    /// # Panics
    ///
    /// Panics when `bytes` is 0.
    pub fn tcp_notsent_lowat(self, bytes: impl Into<Option<u32>>) -> Self {
        let bytes = bytes.into();
        assert!(bytes != Some(0), "tcp_notsent_lowat must be at least 1 byte");
        // 0 is the system's default.
        self.set(|config| config.tcp.notsent_lowat = bytes.unwrap_or(0))
    }

    /// Compresses messages with clients that offer it (permessage-deflate, RFC 7692). A
    /// [`Connector`](crate::Connector) offers it to servers. Default: off.
    ///
    /// [`Deflate`](crate::Deflate) describes what compression does to secrets and to memory.
    #[cfg(feature = "deflate")]
    pub fn deflate(self, deflate: deflate::Deflate) -> Self {
        self.set(|config| config.deflate = deflate::Settings(Some(deflate)))
    }

    /// Sets how many sockets may be open at once, over everything that has this `Config` or a clone
    /// of it. Above the limit, a client gets a 503, and a [`Connector`](crate::Connector) fails.
    /// `None` is no limit. Default: `None`.
    ///
    /// Two layers with clones of one `Config` share the limit. Calling this again begins a new
    /// count.
    ///
    /// A socket counts from the check of its request until the end of the closing handshake. The
    /// peer's Close, end of stream or reset begins that at once, whatever the handler is doing; see
    /// [`WebSocket`](crate::WebSocket#what-happens-while-the-handler-does-not-receive) for how much
    /// unread data may stand before it.
    pub fn max_connections(self, limit: impl Into<Option<usize>>) -> Self {
        let places = |limit: usize| Arc::new(Semaphore::new(limit.min(Semaphore::MAX_PERMITS)));
        self.set(|config| config.places = limit.into().map(places))
    }

    /// Registers sockets with `shutdown`, which counts and closes them. Default: none, or that of
    /// this crate's [`serve`](crate::serve()).
    pub fn with_shutdown(self, shutdown: &Shutdown) -> Self {
        self.set(|config| config.shutdown = Some(shutdown.clone()))
    }

    /// Sets which origins may open a WebSocket. Default: [`AllowOrigin::same_origin`].
    pub fn allow_origin(self, policy: AllowOrigin) -> Self {
        self.set(|config| config.allow_origin = policy)
    }

    /// Sets the hosts under which the server may be asked for a WebSocket. Asked under another, it
    /// answers with 421. Default: [`AllowHost::any`].
    ///
    /// A server on a loopback address or in a private network needs this against DNS rebinding; see
    /// [`AllowHost`].
    pub fn allow_host(self, policy: AllowHost) -> Self {
        self.set(|config| config.allow_host = policy)
    }

    /// Sets whether an accepting HTTP/1.1 response, or a [`Connector`](crate::Connector)'s request,
    /// spells its header names as RFC 6455 does (`Sec-WebSocket-Accept`) instead of in lower case.
    /// Default: `false`.
    ///
    /// Header names are the same in any case (RFC 9110 §5.1), but some clients on small devices
    /// compare the letters. [`Acceptor::accept`](crate::Acceptor::accept) spells all names so;
    /// behind a hyper server, as [`serve`](crate::serve()) and `axum::serve` are, `Connection`,
    /// `Upgrade`, `Date` and those of WebSockets.
    pub fn canonical_header_case(self, is_canonical: bool) -> Self {
        self.set(|config| config.canonical_header_case = is_canonical)
    }

    /// Calls `f` once for each socket, when it is over, with how it ended and what went over it.
    /// For metrics: the example `metrics` counts for Prometheus. Default: nothing is called.
    ///
    /// It is called on whichever task finds that the socket is over, and must not block. A socket
    /// whose IO is taken out with [`into_inner`](crate::WebSocket::into_inner) is over then, with
    /// the code 1006. If `f` panics, the panic is caught.
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

/// What is called when a socket is over.
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
            places: None,
            shutdown: None,
            allow_origin: AllowOrigin::same_origin(),
            allow_host: AllowHost::any(),
            canonical_header_case: false,
            on_end: None,
        }
    }
}
