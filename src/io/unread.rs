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
mod tests {
    use super::{Unread, read_buffer};

    /// Returns a read buffer that begins with `len` different bytes.
    fn filled(len: usize) -> (Box<[u8]>, Vec<u8>) {
        let mut buffer = read_buffer::take();
        let bytes: Vec<u8> = (0..len).map(|i| i as u8).collect();
        buffer[..len].copy_from_slice(&bytes);
        (buffer, bytes)
    }

    #[test]
    fn bytes_keep_their_order_and_the_buffer_is_returned() {
        // Miri is slow.
        let most = if cfg!(miri) { 6_000 } else { 60_000 };
        for is_settled in [false, true] {
            for len in [0, 1, 4096, 4097, most] {
                let (buffer, expected) = filled(len);
                let address = buffer.as_ptr();
                let mut unread = Unread::hold(buffer, len);
                let mut taken = Vec::new();
                while !unread.is_empty() {
                    if is_settled {
                        unread.settle();
                    }
                    let n = unread.as_slice().len().min(1000);
                    unread.as_mut_slice()[0] ^= 0xff;
                    unread.as_mut_slice()[0] ^= 0xff;
                    taken.extend_from_slice(&unread.as_slice()[..n]);
                    unread.advance(n);
                }
                assert_eq!(taken, expected);
                assert!(unread.buffer.is_empty());
                let back = read_buffer::take();
                assert_eq!(back.as_ptr(), address, "{len}");
                read_buffer::give(back);
            }
        }
    }

    #[test]
    fn few_bytes_do_not_hold_a_read_buffer() {
        for (len, is_copied) in [(1, true), (4096, true), (4097, false)] {
            let (buffer, expected) = filled(len);
            let mut unread = Unread::hold(buffer, len);
            unread.settle();
            assert_eq!(unread.as_slice(), expected);
            assert_eq!(unread.buffer.len() == len, is_copied, "{len}");
            let copy = unread.buffer.as_ptr();
            unread.settle();
            assert_eq!(unread.buffer.as_ptr(), copy, "it is copied once");
        }
    }
}
