//! Bytes that were read from the IO and not processed yet.

use std::mem;

use super::read_buffer;

/// More bytes than this are never copied. They stay in the read buffer until they are processed.
const WORTH_A_BUFFER: usize = 4 * 1024;

/// Bytes that were read from the IO and not processed yet: a part of a buffer, which may be a
/// thread's complete read buffer.
#[derive(Debug, Default)]
pub(crate) struct Unread {
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
}

impl Unread {
    pub(crate) fn copy(bytes: &[u8]) -> Self {
        Self { buffer: bytes.into(), start: 0, end: bytes.len() }
    }

    /// Holds the first `len` bytes of a read buffer. The buffer is held until the bytes are
    /// processed or [settled](Self::settle).
    pub(crate) fn hold(buffer: Box<[u8]>, len: usize) -> Self {
        let mut unread = Self { buffer, start: 0, end: len };
        unread.advance(0);
        unread
    }

    /// Copies the remaining bytes and returns the read buffer, if they are few.
    pub(crate) fn settle(&mut self) {
        if self.buffer.len() > WORTH_A_BUFFER && self.len() <= WORTH_A_BUFFER {
            let copy = Self::copy(self.as_slice());
            let Self { buffer, .. } = mem::replace(self, copy);
            read_buffer::give(buffer);
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.end - self.start
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.start == self.end
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    pub(crate) fn as_mut_slice(&mut self) -> &mut [u8] {
        &mut self.buffer[self.start..self.end]
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
