//! Bytes that were read from the IO and not processed yet.

use std::mem;

use bytes::{Buf, Bytes};

use super::read_buffer;

/// More bytes than this are never copied. They stay in the read buffer until they are processed.
const WORTH_A_BUFFER: usize = 4 * 1024;

/// Bytes that were read from the IO and not processed yet: the end of a buffer, which may be a
/// thread's read buffer.
#[derive(Debug, Default)]
pub(crate) struct Unread {
    buffer: Vec<u8>,
    start: usize,
}

impl Unread {
    pub(crate) fn copy(bytes: &[u8]) -> Self {
        Self { buffer: bytes.into(), start: 0 }
    }

    /// Holds the bytes in a read buffer. The buffer is held until the bytes are processed or
    /// [settled](Self::settle).
    pub(crate) fn hold(buffer: Vec<u8>) -> Self {
        let mut unread = Self { buffer, start: 0 };
        unread.advance(0);
        unread
    }

    /// Copies the remaining bytes and returns the read buffer, if they are few.
    pub(crate) fn settle(&mut self) {
        if self.buffer.capacity() > WORTH_A_BUFFER && self.len() <= WORTH_A_BUFFER {
            let copy = Self::copy(self.as_slice());
            let Self { buffer, .. } = mem::replace(self, copy);
            read_buffer::give(buffer);
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.buffer.len() - self.start
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.start == self.buffer.len()
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        &self.buffer[self.start..]
    }

    pub(crate) fn as_mut_slice(&mut self) -> &mut [u8] {
        &mut self.buffer[self.start..]
    }

    /// Takes the last `len` bytes, and removes all others. They keep their buffer, unless much of
    /// it would be held for nothing.
    pub(crate) fn take_last(&mut self, len: usize) -> Bytes {
        let Self { mut buffer, .. } = mem::take(self);
        let before = buffer.len() - len;
        if before > len / 4 {
            let copy = Bytes::copy_from_slice(&buffer[before..]);
            read_buffer::give(buffer);
            return copy;
        }
        // Most allocators do this in place. `Bytes` needs another allocation for spare capacity.
        buffer.shrink_to_fit();
        let mut bytes = Bytes::from(buffer);
        bytes.advance(before);
        bytes
    }

    /// Removes the first `n` bytes.
    pub(crate) fn advance(&mut self, n: usize) {
        self.start += n;
        if self.is_empty() {
            let Self { buffer, .. } = mem::take(self);
            read_buffer::give(buffer);
        }
    }
}

#[cfg(test)]
mod tests;
