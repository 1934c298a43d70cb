//! How messages are compressed.

/// How messages are compressed: by a server with clients that offer permessage-deflate (RFC 7692),
/// and by a client with servers that accept it.
///
/// ```
/// use tower_websocket::{Config, Deflate};
///
/// let config = Config::new().deflate(Deflate::new().level(6).threshold(1024));
/// ```
///
/// - **What is agreed on.** By default nothing that the client did not offer: the answer to a bare
///   `permessage-deflate` is `permessage-deflate`, and what a client asks for is granted. The four
///   settings with the names of RFC 7692,
///   [`server_no_context_takeover`](Self::server_no_context_takeover),
///   [`client_no_context_takeover`](Self::client_no_context_takeover),
///   [`server_max_window_bits`](Self::server_max_window_bits) and
///   [`client_max_window_bits`](Self::client_max_window_bits), put more into the answer. RFC 7692
///   allows that, but each breaks some clients; the settings name them. The other settings say how
///   the server compresses, and no client notices them.
/// - **What a client offers.** A [`Connector`](crate::Connector) offers `permessage-deflate;
///   client_max_window_bits`, and of the four settings those that differ from their default. Its
///   server has to keep to the two of the server's, and may hold the client to less than it offers.
///   What is said below of the server is then true of the client and the other way round: it is the
///   client that compresses each message by itself unless
///   [`context_takeover`](Self::context_takeover) is on.
/// - **Memory.** By default the server compresses each message by itself. Compressors (about 330
///   KiB each) and inflaters are shared by all connections of a thread, and a connection that waits
///   between messages holds neither. A client, however, may refer to its earlier messages, so each
///   connection keeps the last of what was inflated: never more than the client's window, which is
///   at most 32 KiB, and never more than was received (and a quarter of that for growing). It keeps
///   nothing where the client offers `client_no_context_takeover`, or the setting demands it. With
///   [`context_takeover`](Self::context_takeover) messages that resemble each other become much
///   smaller, but each connection keeps a compressor of its own from its first use on.
/// - **Secrets.** Compression shows in the length of a message how much of it repeats. An attacker
///   who can inject text next to a secret and observe message lengths can recover the secret step
///   by step, even over TLS (CRIME, BREACH). With context takeover, which by default only the
///   client has, it is enough that both are in the same connection. Send secrets with
///   [`send_uncompressed`](crate::WebSocket::send_uncompressed), and also data that is compressed
///   already: images, sound, archives.
/// - **Limits.** [`Config::max_message_size`](crate::Config::max_message_size) counts what comes
///   out of the inflater, and it is inflated in small pieces: a bomb costs no more memory than any
///   other message. [`Config::max_frame_size`](crate::Config::max_frame_size) counts what a frame
///   has on the wire. Deflate makes data that cannot be compressed larger, so a compressed frame
///   may exceed either limit by that overhead (about a seventh at most), as long as what comes out
///   of it does not.
/// - **What is sent plain.** Messages below the [`threshold`](Self::threshold), messages that would
///   not become smaller, control frames, and all messages when the client did not offer the
///   extension.
/// - **Fragments.** A compressed message leaves in one frame if it fits into
///   [`Config::max_write_buffer_size`](crate::Config::max_write_buffer_size), as some clients do
///   not inflate fragments.
/// - **Time.** A message is compressed all at once, by the task that sends it, outside of the
///   connection's lock; meanwhile that thread does nothing else. Each MiB of JSON takes 4 ms at
///   level 1, 7 ms at level 2, 21 ms at level 6 and 42 ms at level 9. What is received is inflated
///   in pieces, with turns for other tasks in between.
/// - **Bad data.** Data that cannot be inflated ends the connection with Close code 1007. A message
///   that stops in the middle of a deflate block is not recognised as such, as its stream may be
///   good so far: what was inflated is received, and bytes that never were part of it may follow.
///   Browsers and most other implementations, which use zlib too, do the same.
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
    /// Creates settings with the defaults, which each setter states.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets how hard to compress, from 1, the fastest, to 9, the smallest. Default: 2.
    ///
    /// What is left of a message, and in brackets the thousands of instructions that it takes,
    /// beside the clearing of 128 KiB of tables:
    ///
    /// | each by itself | level 1 | level 2 | level 3 | level 6 | level 9 |
    /// | --- | --- | --- | --- | --- | --- |
    /// | 1 KiB of JSON | 38 % (80) | 29 % (200) | 28 % (220) | 28 % (230) | 28 % (250) |
    /// | 1 KiB of prose | 80 % (120) | 59 % (250) | 59 % (280) | 59 % (300) | 59 % (310) |
    /// | 16 KiB of JSON | 24 % (320) | 17 % (590) | 17 % (890) | 15 % (1,060) | 16 % (1,590) |
    ///
    /// Level 1 has no codes fitted to the message, which tells most where little repeats itself.
    /// Level 2 gets nearly all there is to get. With context takeover level 4 is worth it: 1 KiB of
    /// prose is 27 % on level 2 and 18 % on level 4, for the same time.
    ///
    /// # Panics
    ///
    /// Panics when `level` is not from 1 to 9.
    pub fn level(mut self, level: u8) -> Self {
        assert!((1..=9).contains(&level), "the level must be from 1 to 9");
        self.level = level;
        self
    }

    /// Sets below how many bytes a message is sent plain. Default: 128.
    pub fn threshold(mut self, bytes: usize) -> Self {
        self.threshold = bytes;
        self
    }

    /// Sets whether the server keeps its compression window between messages, which costs about 330
    /// KiB for each connection that sends. Default: `false`.
    ///
    /// A client's `context_takeover` counts unless the server demands `client_no_context_takeover`,
    /// or the client offers it itself.
    ///
    /// A client may offer `server_no_context_takeover`; then the server compresses each message by
    /// itself in any case.
    ///
    /// # Panics
    ///
    /// Panics when [`server_no_context_takeover`](Self::server_no_context_takeover), which promises
    /// the opposite, is on.
    pub fn context_takeover(mut self, takeover: bool) -> Self {
        self.context_takeover = takeover;
        self.check_context()
    }

    /// Sets whether the server declares that it compresses each message by itself, although the
    /// client did not ask for it. Default: `false`.
    ///
    /// Without this setting the server does so as well, unless
    /// [`context_takeover`](Self::context_takeover) is on, but does not say so. A client that is
    /// told may free its inflater between messages.
    ///
    /// Netty before 4.1.66 refuses the handshake.
    ///
    /// # Panics
    ///
    /// Panics when [`context_takeover`](Self::context_takeover) is on.
    pub fn server_no_context_takeover(mut self, declare: bool) -> Self {
        self.server_no_context_takeover = declare;
        self.check_context()
    }

    /// Sets whether the server demands that the client compresses each message by itself, although
    /// the client did not offer to. Default: `false`.
    ///
    /// It spares the server what it keeps of earlier messages, at most 32 KiB. RFC 7692 §7.1.1.2
    /// lets a server demand it, but not all clients comply:
    ///
    /// - Tornado and Mojolicious do not read the parameter, and their second compressed message
    ///   ends the connection with Close code 1007.
    /// - Netty refuses the handshake, unless it is told to offer the parameter.
    ///
    /// Browsers, Node's `ws` and Python's `websockets` comply.
    pub fn client_no_context_takeover(mut self, demand: bool) -> Self {
        self.client_no_context_takeover = demand;
        self
    }

    /// Sets how far back the server looks for repetitions, as the base-2 logarithm of a number of
    /// bytes. Default: 15, which is 32 KiB.
    ///
    /// A smaller value is declared to every client, which may then take a smaller inflater. A
    /// client may ask for less; for 8, which zlib cannot serve, that offer is declined.
    ///
    /// Netty before 4.1.66 refuses the handshake when the server declares less than 15.
    ///
    /// # Panics
    ///
    /// Panics when `bits` is not from 9 to 15.
    pub fn server_max_window_bits(mut self, bits: u8) -> Self {
        assert!((9..=15).contains(&bits), "server_max_window_bits must be from 9 to 15");
        self.server_max_window_bits = bits;
        self
    }

    /// Sets how far back the client may look for repetitions, likewise. It is demanded only of
    /// clients that offer `client_max_window_bits`; others keep 32 KiB. A client that offers a
    /// smaller value is held to that. Default: 15, which demands nothing.
    ///
    /// A smaller window makes the client's messages larger. Sizes of streams of messages, level 6
    /// and takeover, in percent of the plain text:
    ///
    /// | window, bits | 9 | 10 | 11 | 12 | 13 | 14 | 15 |
    /// | --- | --- | --- | --- | --- | --- | --- | --- |
    /// | events, 160 bytes of JSON | 54 | 49 | 45 | 43 | 41 | 40 | 40 |
    /// | chat, 100 bytes of JSON | 48 | 40 | 36 | 34 | 32 | 31 | 31 |
    /// | lists, 9.6 KB of JSON | 35 | 33 | 31 | 30 | 30 | 29 | 28 |
    ///
    /// 12, which is 4 KiB, costs a twelfth more bytes than 15. It is not the default because Netty
    /// before May 2025 offers `client_max_window_bits`, but then fails with a
    /// `NoClassDefFoundError` when it is held to less than 15 and the optional library JZlib is not
    /// on the class path.
    ///
    /// # Panics
    ///
    /// Panics when `bits` is not from 9 to 15.
    pub fn client_max_window_bits(mut self, bits: u8) -> Self {
        assert!((9..=15).contains(&bits), "client_max_window_bits must be from 9 to 15");
        self.client_max_window_bits = bits;
        self
    }

    /// Fails at whichever of the two settings comes last.
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

/// What a configuration says: nothing, by default.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings(pub(crate) Option<Deflate>);
