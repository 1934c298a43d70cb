//! Compression of the messages of one connection.

use flate2::{Compress, FlushCompress};

use super::pool::{self, Key, TAIL};

/// The maximum initial capacity of the output in bytes. It grows as needed.
const FIRST: usize = 8 * 1024;

/// Additional capacity in bytes for a piece, so that the output need not grow twice.
const SPARE: usize = 64;

/// Compresses the messages of one connection, one after the other (RFC 7692 §7.2.1).
///
/// With context takeover, it owns a compressor from the first message on. Otherwise it uses the
/// compressor of the thread.
#[derive(Debug)]
pub(super) struct Compressor {
    takeover: bool,
    key: Key,
    inner: Option<Compress>,
}

impl Compressor {
    pub(super) fn new(takeover: bool, level: u8, window_bits: u8) -> Self {
        Self { takeover, key: Key { level, window_bits }, inner: None }
    }

    /// Returns the key of the thread's compressor, if each message is compressed by itself.
    pub(super) fn standalone(&self) -> Option<Key> {
        (!self.takeover).then_some(self.key)
    }

    /// Compresses a message. Returns `None` if it would not become smaller.
    pub(super) fn compress(&mut self, message: &[u8]) -> Option<Vec<u8>> {
        if !self.takeover {
            return compress_alone(self.key, message);
        }
        let compressor = self.inner.get_or_insert_with(|| self.key.compressor());
        let compressed = compress(compressor, message);
        if compressed.is_none() {
            // The peer's inflater will not see this message, so later messages must not refer to
            // it. They could still refer to earlier messages, but zlib cannot forget only the last
            // message.
            compressor.reset();
        }
        compressed
    }

    /// Begins a message that is compressed in pieces.
    pub(super) fn begin_pieces(&mut self) {
        if !self.takeover {
            self.forget();
        }
    }

    /// Compresses a piece of a message, and flushes up to a byte boundary.
    pub(super) fn piece(&mut self, piece: &[u8]) -> Option<Vec<u8>> {
        let compressor = self.inner.get_or_insert_with(|| self.key.compressor());
        let mut output = Vec::new();
        let mut rest = piece;
        // If the output is full, the flush may be incomplete.
        while !rest.is_empty() || output.len() == output.capacity() {
            output.reserve(FIRST.min(rest.len() + SPARE));
            let consumed = compressor.total_in();
            compressor.compress_vec(rest, &mut output, FlushCompress::Sync).ok()?;
            rest = &rest[(compressor.total_in() - consumed) as usize..];
        }
        Some(output)
    }

    /// Ends a message that was compressed in pieces.
    pub(super) fn end_pieces(&mut self) {
        if !self.takeover {
            self.forget();
        }
    }

    /// Forgets all messages.
    pub(super) fn forget(&mut self) {
        self.inner = None;
    }
}

/// Compresses a message by itself with the thread's compressor. Returns `None` if it would not
/// become smaller.
pub(super) fn compress_alone(key: Key, message: &[u8]) -> Option<Vec<u8>> {
    pool::with_compressor(key, |compressor| compress(compressor, message))
}

/// Compresses a message up to a byte boundary. Returns `None` if the result is not smaller.
fn compress(compressor: &mut Compress, message: &[u8]) -> Option<Vec<u8>> {
    // With spare capacity for the end of the flush, because zlib repeats the flush if the output is
    // full.
    let limit = message.len() + TAIL.len();
    let mut output = Vec::with_capacity(limit.min(FIRST));
    let mut rest = message;
    loop {
        let consumed = compressor.total_in();
        compressor.compress_vec(rest, &mut output, FlushCompress::Sync).ok()?;
        rest = &rest[(compressor.total_in() - consumed) as usize..];
        if output.len() < output.capacity() {
            break;
        }
        if output.len() >= limit {
            drain(compressor);
            return None;
        }
        output.reserve_exact(output.len().min(limit - output.len()));
    }
    let len = output.strip_suffix(&TAIL)?.len();
    output.truncate(len);
    (rest.is_empty() && len < message.len()).then_some(output)
}

/// Completes the compressor's unfinished block, and discards the output. A reset of zlib-rs (as of
/// 0.6.8) does not clear that block: the next message would begin without a block header, or would
/// not fit.
fn drain(compressor: &mut Compress) {
    let mut output = [0; 4096];
    loop {
        let before = compressor.total_out();
        let drained = compressor.compress(&[], &mut output, FlushCompress::Sync);
        if drained.is_err() || compressor.total_out() - before < output.len() as u64 {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use flate2::{Decompress, FlushDecompress};

    use super::{Compressor, TAIL};

    /// The inflater of a peer, which keeps its window between messages.
    struct Peer(Decompress);

    impl Peer {
        fn new(window_bits: u8) -> Self {
            Self(Decompress::new_with_window_bits(false, window_bits))
        }

        fn inflate(&mut self, compressed: &[u8]) -> Vec<u8> {
            let input = [compressed, &TAIL].concat();
            let mut output = Vec::with_capacity(1 << 20);
            let before = self.0.total_in();
            self.0.decompress_vec(&input, &mut output, FlushDecompress::Sync).unwrap();
            assert_eq!(self.0.total_in() - before, input.len() as u64);
            output
        }
    }

    /// Returns bytes without repetitions.
    fn noise(len: usize, mut seed: u64) -> Vec<u8> {
        let mut next = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 56) as u8
        };
        (0..len).map(|_| next()).collect()
    }

    fn text(len: usize) -> Vec<u8> {
        (0..)
            .flat_map(|i| format!("{{\"id\": {i}, \"name\": \"item {}\"}},", i * 7919).into_bytes())
            .take(len)
            .collect()
    }

    #[test]
    fn messages_of_any_size_are_inflated_again() {
        for takeover in [false, true] {
            for level in [1, 2, 6, 9] {
                let mut compressor = Compressor::new(takeover, level, 15);
                let mut peer = Peer::new(15);
                for len in (100..300).chain([1000, 8186, 8192, 16_384, 65_536, 65_537, 500_000]) {
                    let message = text(len);
                    let compressed = compressor.compress(&message).unwrap();
                    assert!(compressed.len() < len);
                    if !takeover {
                        peer = Peer::new(15);
                    }
                    assert!(peer.inflate(&compressed) == message, "{len} bytes, level {level}");
                }
            }
        }
    }

    #[test]
    fn smaller_window_is_respected() {
        for window_bits in 9..=15 {
            for takeover in [false, true] {
                let mut compressor = Compressor::new(takeover, 6, window_bits);
                let mut peer = Peer::new(window_bits);
                for _ in 0..3 {
                    let message = text(100_000);
                    let compressed = compressor.compress(&message).unwrap();
                    assert!(peer.inflate(&compressed) == message, "{window_bits} bits");
                }
            }
        }
    }

    #[test]
    fn incompressible_message_is_not_compressed() {
        for takeover in [false, true] {
            let mut compressor = Compressor::new(takeover, 1, 15);
            for len in [0, 1, 2, 5, 100, 8192, 70_000, 200_000, 70_000] {
                assert_eq!(compressor.compress(&noise(len, 1)), None, "{len} bytes");
            }
            let mut peer = Peer::new(15);
            let message = text(200_000);
            assert!(peer.inflate(&compressor.compress(&message).unwrap()) == message);
        }
    }

    #[test]
    fn later_messages_do_not_refer_to_an_uncompressed_message() {
        let mut compressor = Compressor::new(true, 6, 15);
        let mut peer = Peer::new(15);
        let (known, plain) = (text(2000), noise(2000, 2));
        assert!(peer.inflate(&compressor.compress(&known).unwrap()) == known);
        assert_eq!(compressor.compress(&plain), None);
        for message in [[&plain[..], &plain[..]].concat(), known.clone(), [&known[..], &plain[..]].concat()] {
            assert!(peer.inflate(&compressor.compress(&message).unwrap()) == message);
        }
    }

    #[test]
    fn takeover_shrinks_repeated_messages_and_without_it_each_is_compressed_alone() {
        let message = text(2000);
        let mut compressor = Compressor::new(true, 1, 15);
        let first = compressor.compress(&message).unwrap().len();
        assert!(compressor.compress(&message).unwrap().len() < first / 4);
        let mut compressor = Compressor::new(false, 1, 15);
        let first = compressor.compress(&message).unwrap();
        assert_eq!(compressor.compress(&message).unwrap(), first);
    }

    /// zlib-rs keeps its unfinished output when it is reset, and continues with it in the next
    /// message.
    #[test]
    fn compressor_is_reusable_after_aborted_message() {
        for takeover in [false, true] {
            for level in [1, 2, 3, 6] {
                let mut compressor = Compressor::new(takeover, level, 15);
                for len in [200, 30_000, 300_000, 4 << 20] {
                    assert_eq!(compressor.compress(&noise(len, len as u64)), None);
                    let message = text(300_000);
                    let compressed = compressor.compress(&message).unwrap();
                    assert!(Peer::new(15).inflate(&compressed) == message, "after {len}, level {level}");
                    compressor = Compressor::new(takeover, level, 15);
                }
            }
        }
    }
}
