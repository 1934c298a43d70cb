//! What was read and not taken yet.

use std::mem;

use super::read_buffer;

/// More bytes than this are not copied: they stay in the read buffer that they came in, until they are taken.
const WORTH_A_BUFFER: usize = 4 * 1024;

/// What was read and not taken yet: a part of a buffer, which may be a thread's whole read buffer.
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

    /// Keeps `start..end` of a read buffer, and gives the buffer back if it can.
    pub(crate) fn keep(buffer: Box<[u8]>, start: usize, end: usize) -> Self {
        if end - start > WORTH_A_BUFFER {
            return Self { buffer, start, end };
        }
        let unread = Self::copy(&buffer[start..end]);
        read_buffer::give(buffer);
        unread
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

    /// Takes the first `n` bytes away.
    pub(crate) fn advance(&mut self, n: usize) {
        self.start += n;
        if self.is_empty() {
            let Self { buffer, .. } = mem::take(self);
            read_buffer::give(buffer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Unread, read_buffer};

    #[test]
    fn what_is_kept_is_taken_in_order_and_the_buffer_comes_back() {
        // Miri is slow.
        let read = if cfg!(miri) { 6_000 } else { 60_000 };
        for len in [0, 1, 4096, 4097, read] {
            let mut buffer = read_buffer::take();
            buffer[..read].copy_from_slice(&(0..read).map(|i| i as u8).collect::<Vec<_>>());
            let expected = buffer[read - len..read].to_vec();
            let mut unread = Unread::keep(buffer, read - len, read);
            let mut taken = Vec::new();
            while !unread.is_empty() {
                let n = unread.as_slice().len().min(1000);
                unread.as_mut_slice()[0] ^= 0xff;
                unread.as_mut_slice()[0] ^= 0xff;
                taken.extend_from_slice(&unread.as_slice()[..n]);
                unread.advance(n);
            }
            assert_eq!(taken, expected);
            assert!(unread.buffer.is_empty());
        }
    }
}
