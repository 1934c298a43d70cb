//! Bytes that were read from the IO and not processed yet.

use std::mem;

use bytes::{Buf, Bytes};

use super::read_buffer::ReadBuffer;

/// A thread's read buffer is held only by more bytes than this. Fewer are copied.
const WORTH_A_BUFFER: usize = 4 * 1024;

/// The maximum number of bytes before a large message that stays in its buffer: those of a header.
const MAX_BEFORE: usize = 14;

/// Bytes that were read from the IO and not processed yet: the last ones in a buffer, which may be
/// a thread's read buffer.
#[derive(Debug, Default)]
pub(crate) struct Unread {
    buffer: ReadBuffer,
}

impl Unread {
    pub(crate) fn copy(bytes: &[u8]) -> Self {
        Self { buffer: ReadBuffer::copy(bytes) }
    }

    /// Holds the bytes in a read buffer. The buffer is held until the bytes are processed or
    /// [settled](Self::settle).
    pub(crate) fn hold(buffer: ReadBuffer) -> Self {
        let mut unread = Self { buffer };
        unread.advance(0);
        unread
    }

    /// Copies the remaining bytes and returns the read buffer, if they are few.
    pub(crate) fn settle(&mut self) {
        if self.buffer.is_large() && self.len() <= WORTH_A_BUFFER {
            let copy = Self::copy(self.as_slice());
            mem::replace(self, copy).buffer.give();
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.buffer.len() - self.start()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        &self.buffer.as_slice()[self.start()..]
    }

    pub(crate) fn as_mut_slice(&mut self) -> &mut [u8] {
        let start = self.start();
        &mut self.buffer.as_mut_slice()[start..]
    }

    fn start(&self) -> usize {
        self.buffer.start as usize
    }

    /// Takes the last `len` bytes, which keep their buffer if little precedes them. Removes all
    /// bytes.
    pub(crate) fn take_last(&mut self, len: usize) -> Bytes {
        let Self { buffer } = mem::take(self);
        let before = buffer.len() - len;
        if before > MAX_BEFORE {
            let copy = Bytes::copy_from_slice(&buffer.as_slice()[before..]);
            buffer.give();
            return copy;
        }
        let mut bytes = Bytes::from(buffer.into_bytes());
        bytes.advance(before);
        bytes
    }

    /// Removes the first `n` bytes.
    pub(crate) fn advance(&mut self, n: usize) {
        self.buffer.start += n as u32;
        if self.is_empty() {
            mem::take(self).buffer.give();
        }
    }
}

#[cfg(test)]
mod tests;
