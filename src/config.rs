//! Limits, buffers, timings, and the policies for origins and hosts.

use std::time::Duration;

use tokio::sync::Semaphore;

use crate::{
    deflate,
    handshake::{AllowHost, AllowOrigin},
    io::TcpOptions,
    shutdown::Shutdown,
};

/// Limits, buffers, timings, and the policies for origins and hosts of a layer or an acceptor.
///
/// ```
/// use std::time::Duration;
/// use tower_websocket::{AllowOrigin, Config};
///
/// # fn main() -> Result<(), tower_websocket::InvalidEntry> {
/// let config = Config::new()
///     .max_message_size(64 * 1024)
///     .allow_origin(AllowOrigin::list(["https://example.com"])?)
///     .handshake_timeout(Duration::from_secs(2));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Config {
    pub(crate) max_message_size: usize,
    pub(crate) max_frame_size: usize,
    pub(crate) max_write_buffer_size: usize,
    pub(crate) handshake_timeout: Duration,
    pub(crate) header_read_timeout: Duration,
    pub(crate) keepalive_interval: Option<Duration>,
    pub(crate) keepalive_timeout: Option<Duration>,
    pub(crate) close_timeout: Duration,
    pub(crate) cork: bool,
    pub(crate) tcp: TcpOptions,
    pub(crate) deflate: deflate::Settings,
    pub(crate) max_connections: Option<usize>,
    pub(crate) shutdown: Option<Shutdown>,
    pub(crate) allow_origin: AllowOrigin,
    pub(crate) allow_host: AllowHost,
    pub(crate) canonical_header_case: bool,
}

impl Config {
    /// The defaults, as each setter states them.
    pub fn new() -> Self {
        Self::default()
    }

    /// The largest message that is received, in bytes of payload over all its frames. Default: 1 MiB.
    ///
    /// # Panics
    ///
    /// Panics when `bytes` is 0.
    pub fn max_message_size(mut self, bytes: usize) -> Self {
        assert!(bytes > 0, "max_message_size must be at least 1 byte");
        self.max_message_size = bytes;
        self
    }

    /// The largest frame that is received, in bytes of payload. Default: 1 MiB.
    ///
    /// Up to 1 MiB is allocated when a frame's header announces it, more only as it arrives.
    ///
    /// # Panics
    ///
    /// Panics when `bytes` is 0.
    pub fn max_frame_size(mut self, bytes: usize) -> Self {
        assert!(bytes > 0, "max_frame_size must be at least 1 byte");
        self.max_frame_size = bytes;
        self
    }

    /// How much may wait to be written, in bytes; over it, sending waits. Default: 1 MiB.
    ///
    /// One message of each sender may go over it, so this is no limit to the size of what can be sent.
    ///
    /// # Panics
    ///
    /// Panics when `bytes` is 0.
    pub fn max_write_buffer_size(mut self, bytes: usize) -> Self {
        assert!(bytes > 0, "max_write_buffer_size must be at least 1 byte");
        self.max_write_buffer_size = bytes;
        self
    }

    /// How long the handshake service may take, its readiness included; then the client gets a 503.
    /// Default: 10 s.
    ///
    /// # Panics
    ///
    /// Panics when `timeout` is zero.
    pub fn handshake_timeout(mut self, timeout: Duration) -> Self {
        assert!(!timeout.is_zero(), "handshake_timeout must not be zero");
        self.handshake_timeout = timeout;
        self
    }

    /// How long [`Acceptor::accept`](crate::Acceptor::accept) waits for a whole request head, and then for the
    /// client to take the response. Default: 10 s.
    ///
    /// Behind an HTTP server this is that server's business.
    ///
    /// # Panics
    ///
    /// Panics when `timeout` is zero.
    pub fn header_read_timeout(mut self, timeout: Duration) -> Self {
        assert!(!timeout.is_zero(), "header_read_timeout must not be zero");
        self.header_read_timeout = timeout;
        self
    }

    /// After how much silence the peer is pinged; `None` never pings. Default: 20 s.
    ///
    /// Anything that the peer sends is a sound, be it only a part of a frame.
    ///
    /// # Panics
    ///
    /// Panics when `interval` is zero.
    pub fn keepalive_interval(mut self, interval: impl Into<Option<Duration>>) -> Self {
        self.keepalive_interval = interval.into();
        assert!(self.keepalive_interval != Some(Duration::ZERO), "keepalive_interval must not be zero");
        self
    }

    /// How much more silence after a ping ends the connection with an error of kind
    /// [`TimedOut`](std::io::ErrorKind::TimedOut); `None` never does. Default: 20 s.
    ///
    /// What a handler has not read yet is no silence: a peer is not given up while its answer may be lying there. Once it
    /// is given up, messages that it had sent and nobody has received yet are lost.
    ///
    /// # Panics
    ///
    /// Panics when `timeout` is zero.
    pub fn keepalive_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.keepalive_timeout = timeout.into();
        assert!(self.keepalive_timeout != Some(Duration::ZERO), "keepalive_timeout must not be zero");
        self
    }

    /// How long the closing handshake may take, from the first Close frame to the peer's end of stream; then the
    /// connection is dropped. Default: 5 s.
    ///
    /// # Panics
    ///
    /// Panics when `timeout` is zero.
    pub fn close_timeout(mut self, timeout: Duration) -> Self {
        assert!(!timeout.is_zero(), "close_timeout must not be zero");
        self.close_timeout = timeout;
        self
    }

    /// Whether what the handler's own task sends may leave together, when that task next waits. Default: `true`.
    ///
    /// Everything sent is handed to the kernel before the handler's task waits, so nothing is ever late; `false`
    /// writes each flushed message by itself.
    pub fn cork(mut self, cork: bool) -> Self {
        self.cork = cork;
        self
    }

    /// Sets `TCP_NODELAY` on the socket when the WebSocket opens, or with `false` resets it. Default: `true`.
    ///
    /// Without the option, the second of two small messages waits until the client has acknowledged the first, for which
    /// most systems take 40 ms.
    ///
    /// It is set wherever the IO is a `TcpStream`: given to [`Acceptor::accept`](crate::Acceptor::accept), also in a
    /// [`Rewind`](crate::Rewind); or behind a server over HTTP/1.1 that served a `TokioIo<TcpStream>`, as `axum::serve`,
    /// hyper's and hyper-util's builders, and this crate's [`serve`](crate::serve()) do; or in a
    /// [`PendingIo`](crate::PendingIo). In anything else, such as a
    /// TLS stream, a boxed stream or a stream of HTTP/2, the socket cannot be reached, and has to be prepared where it is
    /// accepted, as [`serve`](crate::serve()) does by itself:
    ///
    /// - with tokio: `stream.set_nodelay(true)`,
    /// - with `axum::serve`: `listener.tap_io(|stream| drop(stream.set_nodelay(true)))`, by `axum::serve::ListenerExt`.
    pub fn tcp_nodelay(mut self, nodelay: bool) -> Self {
        self.tcp.nodelay = nodelay;
        self
    }

    /// Sets `TCP_NOTSENT_LOWAT` on the socket when the WebSocket opens: how much the system takes that it cannot send
    /// yet, in bytes; `None` is the system's default. Default: 128 KiB. On Linux and Android.
    ///
    /// Without it the system takes megabytes, and a ping or a Close has to wait until a slow peer has received those.
    ///
    /// It is set where [`tcp_nodelay`](Self::tcp_nodelay) is.
    ///
    /// # Panics
    ///
    /// Panics when `bytes` is 0.
    pub fn tcp_notsent_lowat(mut self, bytes: impl Into<Option<u32>>) -> Self {
        let bytes = bytes.into();
        assert!(bytes != Some(0), "tcp_notsent_lowat must be at least 1 byte");
        // 0 is the system's default.
        self.tcp.notsent_lowat = bytes.unwrap_or(0);
        self
    }

    /// Compresses messages with clients that offer it (permessage-deflate, RFC 7692). Default: off.
    ///
    /// What compression does to secrets and to memory is told at [`Deflate`](crate::Deflate).
    #[cfg(feature = "deflate")]
    #[cfg_attr(docsrs, doc(cfg(feature = "deflate")))]
    pub fn deflate(mut self, deflate: deflate::Deflate) -> Self {
        self.deflate = deflate::Settings(Some(deflate));
        self
    }

    /// How many sockets may be open at once, over one layer or acceptor and all its clones; `None` for no limit.
    /// Over it, a client gets a 503. Default: `None`.
    ///
    /// A socket holds its place from the check of the request to the end of the closing handshake.
    pub fn max_connections(mut self, limit: impl Into<Option<usize>>) -> Self {
        self.max_connections = limit.into().map(|limit| limit.min(Semaphore::MAX_PERMITS));
        self
    }

    /// Has sockets counted and ended by `shutdown`. Default: none, or that of this crate's
    /// [`serve`](crate::serve()).
    pub fn shutdown(mut self, shutdown: &Shutdown) -> Self {
        self.shutdown = Some(shutdown.clone());
        self
    }

    /// Which origins may open a WebSocket. Default: [`AllowOrigin::same_origin`].
    pub fn allow_origin(mut self, policy: AllowOrigin) -> Self {
        self.allow_origin = policy;
        self
    }

    /// The hosts under which the server may be asked for a WebSocket; asked under another, it answers with 421.
    /// Default: [`AllowHost::any`].
    ///
    /// A server on a loopback address or in a private network needs this against DNS rebinding; see [`AllowHost`].
    pub fn allow_host(mut self, policy: AllowHost) -> Self {
        self.allow_host = policy;
        self
    }

    /// Whether an accepting HTTP/1.1 response spells its header names as RFC 6455 does (`Sec-WebSocket-Accept`), and not
    /// in lower case. Default: `false`.
    ///
    /// Header names are the same in any case (RFC 9110 §5.1), but some clients on small devices compare the letters.
    /// [`Acceptor::accept`](crate::Acceptor::accept) spells all names so; behind a hyper server, as
    /// [`serve`](crate::serve()) and `axum::serve` are, `Connection`, `Upgrade`, `Date` and those of WebSockets.
    pub fn canonical_header_case(mut self, is_canonical: bool) -> Self {
        self.canonical_header_case = is_canonical;
        self
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            max_message_size: 1024 * 1024,
            max_frame_size: 1024 * 1024,
            max_write_buffer_size: 1024 * 1024,
            handshake_timeout: Duration::from_secs(10),
            header_read_timeout: Duration::from_secs(10),
            keepalive_interval: Some(Duration::from_secs(20)),
            keepalive_timeout: Some(Duration::from_secs(20)),
            close_timeout: Duration::from_secs(5),
            cork: true,
            tcp: TcpOptions::default(),
            deflate: deflate::Settings::default(),
            max_connections: None,
            shutdown: None,
            allow_origin: AllowOrigin::same_origin(),
            allow_host: AllowHost::any(),
            canonical_header_case: false,
        }
    }
}
