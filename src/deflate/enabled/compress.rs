//! Compression of the messages of one connection.

use flate2::{Compress, FlushCompress};

use super::pool::{self, PoolKey, TAIL};

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
    key: PoolKey,
    inner: Option<Compress>,
}

impl Compressor {
    pub(super) fn new(takeover: bool, level: u8, window_bits: u8) -> Self {
        Self { takeover, key: PoolKey { level, window_bits }, inner: None }
    }

    /// Returns the key of the thread's compressor, if each message is compressed by itself.
    pub(super) fn standalone(&self) -> Option<PoolKey> {
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
        Some(fitted(output))
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
pub(super) fn compress_alone(key: PoolKey, message: &[u8]) -> Option<Vec<u8>> {
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
    (rest.is_empty() && len < message.len()).then(|| fitted(output))
}

/// Returns compressed data without much spare capacity: it may wait in a write buffer, whose limit
/// counts only the data. The data is copied, because shrinking in place leaves gaps in the heap.
fn fitted(output: Vec<u8>) -> Vec<u8> {
    if output.capacity() / 2 > output.len() { output.as_slice().into() } else { output }
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
mod tests;
