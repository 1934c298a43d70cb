//! An IO with bytes that were read ahead put back in front.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// An IO with bytes that were read ahead put back in front: reading gives those first, then the
/// IO's own.
#[derive(Debug)]
pub struct Rewind<IO> {
    io: IO,
    unread: Bytes,
}

impl<IO> Rewind<IO> {
    /// Puts `unread` in front of what `io` will still give.
    pub fn new(io: IO, unread: Bytes) -> Self {
        Self { io, unread }
    }

    /// Puts `unread` in front of the bytes that were put back already.
    pub(crate) fn push_front(mut self, unread: Bytes) -> Self {
        if self.unread.is_empty() {
            self.unread = unread;
        } else if !unread.is_empty() {
            self.unread = [unread, self.unread].concat().into();
        }
        self
    }

    /// Returns the IO, and the bytes that come before what it will still give.
    pub fn into_parts(self) -> (IO, Bytes) {
        (self.io, self.unread)
    }

    /// Returns the IO. Reading from it skips the bytes that were put back.
    pub fn get_ref(&self) -> &IO {
        &self.io
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for Rewind<IO> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.unread.is_empty() {
            return Pin::new(&mut self.io).poll_read(cx, buf);
        }
        let n = self.unread.len().min(buf.remaining());
        buf.put_slice(&self.unread[..n]);
        self.unread.advance(n);
        Poll::Ready(Ok(()))
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Rewind<IO> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use tokio::io::AsyncReadExt;

    use super::Rewind;

    #[tokio::test]
    async fn what_was_put_back_last_is_read_first() {
        for (first, second) in [("", ""), ("b", ""), ("", "a"), ("b", "a")] {
            let io = Rewind::new(&b"c"[..], Bytes::from_static(first.as_bytes()));
            let mut read = String::new();
            io.push_front(Bytes::from_static(second.as_bytes())).read_to_string(&mut read).await.unwrap();
            assert_eq!(read, format!("{second}{first}c"));
        }
    }
}
