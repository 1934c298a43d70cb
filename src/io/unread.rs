//! What was read and not taken yet.

use bytes::Bytes;

use super::read_buffer;

/// More bytes than this are not copied: they stay in the read buffer that they came in, until they are taken.
const WORTH_A_BUFFER: usize = 4 * 1024;

/// What was read and not taken yet.
#[derive(Debug)]
pub(super) enum Unread {
    Copied(Bytes),
    /// A thread's whole read buffer, of which `start..end` is unread.
    Kept {
        buffer: Box<[u8]>,
        start: usize,
        end: usize,
    },
}

impl Unread {
    pub(super) fn copy(bytes: &[u8]) -> Self {
        Self::Copied(Bytes::copy_from_slice(bytes))
    }

    /// Keeps the last `len` bytes of the first `end` of a read buffer, and gives the buffer back if it can.
    pub(super) fn keep(buffer: Box<[u8]>, len: usize, end: usize) -> Self {
        let start = end - len;
        if len > WORTH_A_BUFFER {
            return Self::Kept { buffer, start, end };
        }
        let unread = Self::copy(&buffer[start..end]);
        read_buffer::give(buffer);
        unread
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        match self {
            Self::Copied(bytes) => bytes,
            Self::Kept { buffer, start, end } => &buffer[*start..*end],
        }
    }

    /// Takes the first `n` bytes away.
    pub(super) fn advance(&mut self, n: usize) {
        match self {
            Self::Copied(bytes) if n == bytes.len() => *bytes = Bytes::new(),
            Self::Copied(bytes) => bytes::Buf::advance(bytes, n),
            Self::Kept { start, end, .. } if n < *end - *start => *start += n,
            Self::Kept { buffer, .. } => {
                read_buffer::give(std::mem::take(buffer));
                *self = Self::Copied(Bytes::new());
            }
        }
    }

    pub(super) fn into_bytes(self) -> Bytes {
        match self {
            Self::Copied(bytes) => bytes,
            Self::Kept { buffer, start, end } => Bytes::from(buffer).slice(start..end),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Unread, read_buffer};

    #[test]
    fn what_is_kept_is_taken_in_order_and_the_buffer_comes_back() {
        for len in [0, 1, 4096, 4097, 60_000] {
            let mut buffer = read_buffer::take();
            buffer[..60_000].copy_from_slice(&(0..60_000u32).map(|i| i as u8).collect::<Vec<_>>());
            let expected = buffer[60_000 - len..60_000].to_vec();
            let mut unread = Unread::keep(buffer, len, 60_000);
            let mut taken = Vec::new();
            while !unread.as_slice().is_empty() {
                let n = unread.as_slice().len().min(1000);
                taken.extend_from_slice(&unread.as_slice()[..n]);
                unread.advance(n);
            }
            assert_eq!(taken, expected);
            assert!(matches!(unread, Unread::Copied(_)));
            assert!(unread.into_bytes().is_empty());
        }
    }
}
