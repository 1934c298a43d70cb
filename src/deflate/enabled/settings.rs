//! The settings of compression.

/// The settings of compression with permessage-deflate (RFC 7692).
///
/// A server compresses messages to clients that offer the extension, and a client compresses
/// messages to servers that accept it.
///
/// # Examples
///
/// ```
/// use tower_websocket::{Config, Deflate};
///
/// let config = Config::new().deflate(Deflate::new().level(6).threshold(1024));
/// ```
///
/// # Negotiation
///
/// By default a server grants every parameter that the client offers, and adds none: the answer to
/// `permessage-deflate` is `permessage-deflate`. Four settings with the names of RFC 7692 add
/// parameters to the answer: [`server_no_context_takeover`](Self::server_no_context_takeover),
/// [`client_no_context_takeover`](Self::client_no_context_takeover),
/// [`server_max_window_bits`](Self::server_max_window_bits) and
/// [`client_max_window_bits`](Self::client_max_window_bits). RFC 7692 allows this, but each of them
/// breaks some clients, which its documentation lists. The other settings control how the server
/// compresses, and are not visible to clients.
///
/// A [`Connector`](crate::Connector) offers `permessage-deflate; client_max_window_bits`, and those
/// of the four settings that differ from their default. The server must respect the two settings of
/// the server, and may limit the client further. For a client, read "client" instead of "server"
/// below, and the reverse: a client compresses each message by itself unless
/// [`context_takeover`](Self::context_takeover) is on.
///
/// # Memory
///
/// By default the server compresses each message by itself. Compressors (about 330 KiB each) and
/// inflaters are shared by all connections of a thread, and a connection holds neither between
/// messages.
///
/// A client may refer to its earlier messages, so each connection keeps the end of the inflated
/// data: at most the client's window (up to 32 KiB), and at most the received data, plus a quarter
/// for growth. It keeps nothing if `client_no_context_takeover` was negotiated. With
/// [`context_takeover`](Self::context_takeover) it keeps an inflater instead, about 40 KiB.
///
/// With [`context_takeover`](Self::context_takeover), similar messages become much smaller, but
/// each connection keeps its own compressor from the first compressed message on.
///
/// # Secrets
///
/// The length of a compressed message reveals how much of it is repeated. An attacker who can
/// inject text next to a secret and observe message lengths can recover the secret step by step,
/// even over TLS (CRIME, BREACH). With context takeover, which by default only the client uses, the
/// text and the secret need only be in the same connection. Send secrets with
/// [`send_uncompressed`](crate::WebSocket::send_uncompressed). Also use it for data that is already
/// compressed, such as images, audio and archives.
///
/// # Limits
///
/// [`Config::max_message_size`](crate::Config::max_message_size) applies to the inflated message.
/// Messages are inflated in small pieces, so a decompression bomb costs no more memory than any
/// other message. [`Config::max_frame_size`](crate::Config::max_frame_size) applies to the size of
/// a frame on the wire. Deflate makes incompressible data larger, so a compressed frame may exceed
/// either limit by that overhead (at most about a seventh) if its inflated data does not exceed it.
///
/// # Uncompressed messages
///
/// These messages are sent uncompressed: messages below the [`threshold`](Self::threshold),
/// messages that would not become smaller, control frames, and all messages if the client did not
/// offer the extension.
///
/// # Fragments
///
/// A compressed message is sent in one frame if it fits into
/// [`Config::max_write_buffer_size`](crate::Config::max_write_buffer_size), because some clients
/// cannot inflate fragmented messages.
///
/// # Time
///
/// The task that sends a message compresses it in one go, outside of the connection's lock.
/// Meanwhile its thread does nothing else. One MiB of JSON takes 4 ms at level 1, 7 ms at level 2,
/// 21 ms at level 6 and 42 ms at level 9. Received messages are inflated in pieces, between which
/// other tasks can run.
///
/// # Invalid data
///
/// Data that cannot be inflated ends the connection with Close code 1007. A message that stops in
/// the middle of a deflate block is not detected, because its stream is valid so far. The
/// application receives the inflated data, possibly followed by bytes that were never part of the
/// message. Browsers and most other implementations, which also use zlib, behave in the same way.
#[derive(Clone, Debug)]
#[must_use = "the settings do nothing unless they are given to `Config::deflate`"]
pub struct Deflate {
    pub(super) level: u8,
    pub(super) threshold: usize,
    pub(super) context_takeover: bool,
    pub(super) server_no_context_takeover: bool,
    pub(super) client_no_context_takeover: bool,
    pub(super) server_max_window_bits: u8,
    pub(super) client_max_window_bits: u8,
}

impl Deflate {
    /// Creates settings with the default values.
    ///
    /// See the [example](Self#examples) of the type.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the compression level, from 1 (fastest) to 9 (smallest). Default: 2.
    ///
    /// The table shows the compressed size in percent of the message, and in brackets the cost in
    /// thousands of instructions. In addition, each message costs the clearing of 128 KiB of
    /// tables.
    ///
    /// | level | 1 KiB of JSON | 1 KiB of prose | 16 KiB of JSON |
    /// | --- | --- | --- | --- |
    /// | 1 | 38 % (80) | 80 % (120) | 24 % (320) |
    /// | 2 | 29 % (200) | 59 % (250) | 17 % (590) |
    /// | 3 | 28 % (220) | 59 % (280) | 17 % (890) |
    /// | 6 | 28 % (230) | 59 % (300) | 15 % (1,060) |
    /// | 9 | 28 % (250) | 59 % (310) | 16 % (1,590) |
    ///
    /// Messages in the table are compressed by themselves. Level 1 does not adapt its codes to the
    /// message, which matters most if the message has few repetitions. Level 2 achieves nearly the
    /// best result. With context takeover, level 4 is worthwhile: 1 KiB of prose becomes 18 %
    /// instead of 27 % at level 2, in the same time.
    ///
    /// # Panics
    ///
    /// Panics if `level` is not from 1 to 9.
    ///
    /// # Examples
    ///
    /// See the [example](Self#examples) of the type.
    pub fn level(mut self, level: u8) -> Self {
        assert!((1..=9).contains(&level), "the level must be from 1 to 9");
        self.level = level;
        self
    }

    /// Sets the size in bytes below which messages are sent uncompressed. Default: 128.
    ///
    /// See the [example](Self#examples) of the type.
    pub fn threshold(mut self, bytes: usize) -> Self {
        self.threshold = bytes;
        self
    }

    /// Sets whether the server keeps its compression window between messages.
    ///
    /// This costs up to 370 KiB for each connection that sends. Default: `false`.
    ///
    /// If a client offers `server_no_context_takeover`, the server compresses each message by
    /// itself regardless of this setting.
    ///
    /// On a [`Connector`](crate::Connector), the setting applies to the client's window, unless
    /// `client_no_context_takeover` was negotiated.
    ///
    /// # Panics
    ///
    /// Panics if [`server_no_context_takeover`](Self::server_no_context_takeover) is on, which
    /// declares the opposite.
    ///
    /// # Examples
    ///
    /// ```
    /// use tower_websocket::{Config, Deflate};
    ///
    /// // For few connections with many similar messages.
    /// let config = Config::new().deflate(Deflate::new().context_takeover(true).level(4));
    /// ```
    pub fn context_takeover(mut self, takeover: bool) -> Self {
        self.context_takeover = takeover;
        self.check_context()
    }

    /// Sets whether the server declares that it compresses each message by itself, even if the
    /// client did not request this.
    ///
    /// Default: `false`.
    ///
    /// Without this setting the server compresses each message by itself as well, unless
    /// [`context_takeover`](Self::context_takeover) is on, but does not declare it. The declaration
    /// allows a client to free its inflater between messages.
    ///
    /// Netty before 4.1.66 rejects the handshake if this is on.
    ///
    /// # Panics
    ///
    /// Panics if [`context_takeover`](Self::context_takeover) is on.
    ///
    /// # Examples
    ///
    /// ```
    /// use tower_websocket::Deflate;
    ///
    /// // For clients with little memory, all of which accept these parameters.
    /// let deflate = Deflate::new()
    ///     .server_no_context_takeover(true)
    ///     .client_no_context_takeover(true)
    ///     .server_max_window_bits(11)
    ///     .client_max_window_bits(11);
    /// ```
    pub fn server_no_context_takeover(mut self, declare: bool) -> Self {
        self.server_no_context_takeover = declare;
        self.check_context()
    }

    /// Sets whether the server requires that the client compresses each message by itself, even if
    /// the client did not offer this.
    ///
    /// Default: `false`.
    ///
    /// This saves the server up to 32 KiB per connection for earlier messages. RFC 7692 §7.1.1.2
    /// allows a server to require it, but not all clients comply:
    ///
    /// - Tornado and Mojolicious ignore the parameter. Their second compressed message ends the
    ///   connection with Close code 1007.
    /// - Netty rejects the handshake, unless it is configured to offer the parameter.
    ///
    /// Browsers, Node's `ws` and Python's `websockets` comply.
    ///
    /// # Examples
    ///
    /// See the [example](Self::server_no_context_takeover) of `server_no_context_takeover`.
    pub fn client_no_context_takeover(mut self, demand: bool) -> Self {
        self.client_no_context_takeover = demand;
        self
    }

    /// Sets the size of the window in which the server looks for repetitions, as the base-2
    /// logarithm of a number of bytes.
    ///
    /// Default: 15, which is 32 KiB.
    ///
    /// A smaller value is declared to every client, which may then use a smaller inflater. If a
    /// client requests a smaller window, the server uses that. It declines an offer of 8, with
    /// which zlib cannot compress.
    ///
    /// Netty before 4.1.66 rejects the handshake if the server declares less than 15.
    ///
    /// # Panics
    ///
    /// Panics if `bits` is not from 9 to 15.
    ///
    /// # Examples
    ///
    /// See the [example](Self::server_no_context_takeover) of `server_no_context_takeover`.
    pub fn server_max_window_bits(mut self, bits: u8) -> Self {
        assert!((9..=15).contains(&bits), "server_max_window_bits must be from 9 to 15");
        self.server_max_window_bits = bits;
        self
    }

    /// Sets the size of the window in which the client may look for repetitions, as the base-2
    /// logarithm of a number of bytes.
    ///
    /// Default: 15, which requires nothing.
    ///
    /// It applies only to clients that offer `client_max_window_bits`; other clients use 32 KiB. If
    /// a client offers a smaller value, that value applies.
    ///
    /// A smaller window makes the client's messages larger. The table shows the compressed size in
    /// percent, for streams of messages at level 6 with context takeover:
    ///
    /// | bits | events, 160 bytes of JSON | chat, 100 bytes of JSON | lists, 9.6 KB of JSON |
    /// | --- | --- | --- | --- |
    /// | 9 | 54 | 48 | 35 |
    /// | 10 | 49 | 40 | 33 |
    /// | 11 | 45 | 36 | 31 |
    /// | 12 | 43 | 34 | 30 |
    /// | 13 | 41 | 32 | 30 |
    /// | 14 | 40 | 31 | 29 |
    /// | 15 | 40 | 31 | 28 |
    ///
    /// A window of 12 bits (4 KiB) costs a twelfth more bytes than 15. It is not the default
    /// because of Netty before May 2025: it offers `client_max_window_bits`, but fails with a
    /// `NoClassDefFoundError` if it is limited to less than 15 and the optional library JZlib is
    /// not on the class path.
    ///
    /// # Panics
    ///
    /// Panics if `bits` is not from 9 to 15.
    ///
    /// # Examples
    ///
    /// See the [example](Self::server_no_context_takeover) of `server_no_context_takeover`.
    pub fn client_max_window_bits(mut self, bits: u8) -> Self {
        assert!((9..=15).contains(&bits), "client_max_window_bits must be from 9 to 15");
        self.client_max_window_bits = bits;
        self
    }

    /// Panics if both settings are on.
    fn check_context(self) -> Self {
        assert!(
            !(self.context_takeover && self.server_no_context_takeover),
            "context_takeover and server_no_context_takeover exclude each other"
        );
        self
    }
}

impl Default for Deflate {
    fn default() -> Self {
        Self {
            level: 2,
            threshold: 128,
            context_takeover: false,
            server_no_context_takeover: false,
            client_no_context_takeover: false,
            server_max_window_bits: 15,
            client_max_window_bits: 15,
        }
    }
}

/// The configured compression. `None`, the default, turns it off.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings(pub(crate) Option<Deflate>);
