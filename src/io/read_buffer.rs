//! One large read buffer for each thread.

use std::{
    cell::Cell,
    future::Future,
    io,
    pin::{Pin, pin},
    task::{Context, Poll, ready},
};

use bytes::BufMut;
use tokio::io::{AsyncRead, AsyncReadExt, ReadBuf};

/// The size of a read buffer, in bytes. A message of 64 KiB fits with its header.
const SIZE: usize = 65 * 1024;

/// The number of uses after which the rest of a buffer is initialized. Before, it is not worth its
/// cost, because a large message may take the buffer away.
const MANY: u8 = 16;

thread_local! {
    static BUFFER: Cell<ReadBuffer> = const { Cell::new(ReadBuffer::EMPTY) };
    /// How often a buffer was returned since one was created.
    static USES: Cell<u8> = const { Cell::new(0) };
}

/// A buffer with the bytes that were read.
#[derive(Debug)]
pub(crate) struct ReadBuffer {
    /// The bytes that were read. In a buffer that was used often, [`SIZE`] initialized bytes that
    /// begin with them, because some readers otherwise clear the free part before each read.
    bytes: Vec<u8>,
    len: u32,
    /// The number of processed bytes. It is here to keep [`Unread`](super::Unread) small.
    pub(super) start: u32,
}

impl ReadBuffer {
    const EMPTY: Self = Self { bytes: Vec::new(), len: 0, start: 0 };

    /// Takes this thread's buffer, or creates another one if it is in use.
    ///
    /// A connection that waits for data holds no buffer, but each read can return much data.
    pub(crate) fn take() -> Self {
        let mut buffer = BUFFER.try_with(Cell::take).unwrap_or_default();
        if buffer.is_large() {
            buffer.clear();
            return buffer;
        }
        let _ = USES.try_with(|uses| uses.set(0));
        Self { bytes: Vec::with_capacity(SIZE), ..Self::EMPTY }
    }

    /// Returns a copy of `bytes` in a buffer of that size.
    pub(crate) fn copy(bytes: &[u8]) -> Self {
        Self { bytes: bytes.into(), len: bytes.len() as u32, start: 0 }
    }

    /// Returns the buffer to this thread. A copy is freed.
    pub(crate) fn give(mut self) {
        if self.is_large() {
            let uses = USES.try_with(|uses| uses.replace(uses.get().saturating_add(1)));
            if uses == Ok(MANY - 1) {
                self.bytes.resize(SIZE, 0);
            }
            let _ = BUFFER.try_with(|kept| kept.set(self));
        }
    }

    /// Reads once. Returns the number of bytes, zero at the end of the stream. The buffer must not
    /// be [full](Self::is_full).
    pub(crate) fn poll_read<IO>(&mut self, io: &mut IO, cx: &mut Context<'_>) -> Poll<io::Result<usize>>
    where
        IO: AsyncRead + Unpin,
    {
        let read = if self.bytes.len() == SIZE {
            let mut free = ReadBuf::new(&mut self.bytes[self.len as usize..]);
            ready!(Pin::new(io).poll_read(cx, &mut free))?;
            free.filled().len()
        } else {
            let room = SIZE - self.len();
            let mut free = (&mut self.bytes).limit(room);
            ready!(pin!(io.read_buf(&mut free)).poll(cx))?
        };
        self.len += read as u32;
        Poll::Ready(Ok(read))
    }

    pub(crate) fn clear(&mut self) {
        (self.len, self.start) = (0, 0);
        if self.bytes.len() < SIZE {
            self.bytes.clear();
        }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.len() == SIZE
    }

    /// Returns `true` unless this is a copy.
    pub(crate) fn is_large(&self) -> bool {
        self.bytes.capacity() == SIZE
    }

    pub(crate) fn len(&self) -> usize {
        self.len as usize
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.len as usize]
    }

    pub(crate) fn as_mut_slice(&mut self) -> &mut [u8] {
        &mut self.bytes[..self.len as usize]
    }

    /// Returns the bytes that were read, without spare capacity. Most allocators free it in place.
    pub(crate) fn into_bytes(mut self) -> Vec<u8> {
        self.bytes.truncate(self.len as usize);
        self.bytes.shrink_to_fit();
        self.bytes
    }

    /// Returns `true` if this thread's buffer is not in use.
    #[cfg(test)]
    pub(in crate::io) fn is_kept() -> bool {
        let kept = BUFFER.take();
        let is_kept = kept.is_large();
        BUFFER.set(kept);
        is_kept
    }
}

impl Default for ReadBuffer {
    fn default() -> Self {
        Self::EMPTY
    }
}

#[cfg(test)]
mod tests;
