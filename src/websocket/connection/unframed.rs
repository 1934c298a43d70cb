//! Bytes of a stream that are not part of a message yet.

use std::mem;

/// The maximum number of bytes of a stream in one message.
const MAX: usize = 64 * 1024;

/// The last bytes that were written to a stream. They become a message when they are written or the
/// maximum is reached, so that writes during a busy IO share a message.
#[derive(Debug)]
pub(super) struct Unframed {
    bytes: Vec<u8>,
    max: usize,
}

impl Unframed {
    /// Creates an empty value. If frames are limited, each message fits into one frame.
    pub(super) fn new(max_frame_size: Option<usize>) -> Self {
        Self { bytes: Vec::new(), max: max_frame_size.map_or(MAX, |max| max.min(MAX)) }
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Returns `true` if no more bytes fit.
    pub(super) fn is_full(&self) -> bool {
        self.bytes.len() == self.max
    }

    /// Takes as many bytes as fit, and returns the rest.
    pub(super) fn push<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let room = self.max - self.bytes.len();
        let (now, later) = bytes.split_at(bytes.len().min(room));
        if now.len() > self.bytes.capacity() - self.bytes.len() {
            // There may be only one write; after a second one, more are likely.
            let is_first = self.bytes.is_empty();
            self.bytes.reserve_exact(if is_first { now.len() } else { room });
        }
        self.bytes.extend_from_slice(now);
        later
    }

    pub(super) fn take(&mut self) -> Vec<u8> {
        mem::take(&mut self.bytes)
    }
}

#[cfg(test)]
mod tests;
