//! How messages are compressed.

/// How messages are compressed with clients that offer permessage-deflate (RFC 7692).
///
/// ```
/// use tower_websocket::{Config, Deflate};
///
/// let config = Config::new().deflate(Deflate::new().level(6).threshold(1024));
/// ```
///
/// - **Memory.** By default each message is compressed by itself: compressors (about 330 KiB each) and inflaters
///   (about 45 KiB) are shared by all connections of a thread, and a connection that waits holds neither. With
///   [`context_takeover`](Self::context_takeover) messages that resemble each other become much smaller, but each
///   connection keeps a compressor and an inflater of its own from their first use on.
/// - **Secrets.** Compression shows in the length of a message how much of it repeats. Who can have text of their own
///   sent beside a secret, and sees the lengths on the wire, guesses the secret bit by bit, TLS or not (the attacks
///   CRIME and BREACH). With context takeover it is enough that both are in the same connection. Send what is secret with
///   [`send_uncompressed`](crate::WebSocket::send_uncompressed), and so what is compressed already: images, sound,
///   archives.
/// - **Limits.** [`Config::max_message_size`](crate::Config::max_message_size) counts what comes out of the inflater,
///   and it is inflated in small pieces: a bomb costs no more memory than any message.
///   [`Config::max_frame_size`](crate::Config::max_frame_size) counts what a frame has on the wire.
/// - **What goes plain.** Messages below the [`threshold`](Self::threshold), those that would not become smaller, so
///   always empty ones, pings and the like, and all messages when the client did not offer the extension.
/// - **Time.** A message is compressed all at once, where it is sent, and meanwhile its thread does nothing else: for each
///   MiB of JSON 4 ms at level 1, 7 ms at level 2, 21 ms at level 6 and 42 ms at level 9. What comes in is inflated with
///   pauses for others, of 256 KiB at a time.
/// - **Bad data.** What cannot be inflated ends the connection with Close code 1007. A message that stops in the middle of
///   a deflate block is not known as such, as its stream may be good so far: what was inflated is received, and bytes
///   that never were part of it may follow. Browsers and most other implementations, which use zlib too, do the same.
#[derive(Clone, Debug)]
pub struct Deflate {
    pub(super) level: u8,
    pub(super) threshold: usize,
    pub(super) server_context_takeover: bool,
    pub(super) client_context_takeover: bool,
    pub(super) server_max_window_bits: u8,
    pub(super) client_max_window_bits: u8,
}

impl Deflate {
    /// The defaults, as each setter states them.
    pub fn new() -> Self {
        Self::default()
    }

    /// How hard to compress, from 1, the fastest, to 9, the smallest. Default: 2.
    ///
    /// What is left of a message, and in brackets the thousands of instructions that it takes, beside the clearing of
    /// 128 KiB of tables:
    ///
    /// | each by itself | level 1 | level 2 | level 3 | level 6 | level 9 |
    /// | --- | --- | --- | --- | --- | --- |
    /// | 1 KiB of JSON | 38 % (80) | 29 % (200) | 28 % (220) | 28 % (230) | 28 % (250) |
    /// | 1 KiB of prose | 80 % (120) | 59 % (250) | 59 % (280) | 59 % (300) | 59 % (310) |
    /// | 16 KiB of JSON | 24 % (320) | 17 % (590) | 17 % (890) | 15 % (1,060) | 16 % (1,590) |
    ///
    /// Level 1 has no codes fitted to the message, which tells most where little repeats itself. Level 2 gets nearly all
    /// there is to get. With context takeover level 4 is worth it: 1 KiB of prose is 27 % on level 2 and 18 % on level 4,
    /// for the same time.
    ///
    /// # Panics
    ///
    /// Panics when `level` is not from 1 to 9.
    pub fn level(mut self, level: u8) -> Self {
        assert!((1..=9).contains(&level), "the level must be from 1 to 9");
        self.level = level;
        self
    }

    /// Below how many bytes a message goes plain. Default: 128.
    pub fn threshold(mut self, bytes: usize) -> Self {
        self.threshold = bytes;
        self
    }

    /// Whether messages are compressed with what went before in view, in both directions. Default: `false`.
    ///
    /// The client may refuse either direction.
    pub fn context_takeover(self, takeover: bool) -> Self {
        self.server_context_takeover(takeover).client_context_takeover(takeover)
    }

    /// Whether what the server sends is compressed with what it sent before in view: about 330 KiB for each
    /// connection that sends. Default: `false`.
    pub fn server_context_takeover(mut self, takeover: bool) -> Self {
        self.server_context_takeover = takeover;
        self
    }

    /// Whether what the client sends may be compressed with what it sent before in view: about 45 KiB for each
    /// connection that receives. Default: `false`.
    pub fn client_context_takeover(mut self, takeover: bool) -> Self {
        self.client_context_takeover = takeover;
        self
    }

    /// How far back the server looks for repetitions, as the base-2 logarithm of a number of bytes; a client may ask
    /// for less. Default: 15, which is 32 KiB.
    ///
    /// A client that asks for 8, which zlib cannot serve, is not accepted for that offer.
    ///
    /// # Panics
    ///
    /// Panics when `bits` is not from 9 to 15.
    pub fn server_max_window_bits(mut self, bits: u8) -> Self {
        assert!((9..=15).contains(&bits), "server_max_window_bits must be from 9 to 15");
        self.server_max_window_bits = bits;
        self
    }

    /// How far back the client may look for repetitions, likewise. It is told to clients that say they can be told, and
    /// spares them memory. It spares the server none: its inflaters have the largest window in any case, and so
    /// understand a client that does not keep to what it was told. Default: 15, which is 32 KiB.
    ///
    /// # Panics
    ///
    /// Panics when `bits` is not from 9 to 15.
    pub fn client_max_window_bits(mut self, bits: u8) -> Self {
        assert!((9..=15).contains(&bits), "client_max_window_bits must be from 9 to 15");
        self.client_max_window_bits = bits;
        self
    }
}

impl Default for Deflate {
    fn default() -> Self {
        Self {
            level: 2,
            threshold: 128,
            server_context_takeover: false,
            client_context_takeover: false,
            server_max_window_bits: 15,
            client_max_window_bits: 15,
        }
    }
}

/// What a configuration says: nothing, by default.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings(pub(crate) Option<Deflate>);
