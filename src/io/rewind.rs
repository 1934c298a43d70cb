//! An IO with bytes that were already read from it.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// An IO with bytes that were already read from it. Reading returns these bytes first.
///
/// # Examples
///
/// ```
/// use bytes::Bytes;
/// use tokio::io::AsyncReadExt;
/// use tower_websocket::io::Rewind;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let mut io = Rewind::new(&b" world"[..], Bytes::from_static(b"hello"));
/// let mut text = String::new();
/// io.read_to_string(&mut text).await?;
/// assert_eq!(text, "hello world");
/// assert!(io.get_ref().is_empty());
///
/// let (io, unread) = io.into_parts();
/// assert!(io.is_empty() && unread.is_empty());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Rewind<IO> {
    io: IO,
    unread: Bytes,
}

impl<IO> Rewind<IO> {
    /// Creates an IO that returns the bytes of `unread` before those of `io`.
    ///
    /// See the [example](Self#examples) of the type.
    pub fn new(io: IO, unread: Bytes) -> Self {
        Self { io, unread }
    }

    /// Puts `unread` before the bytes that are already in front of the IO.
    pub(crate) fn push_front(mut self, unread: Bytes) -> Self {
        if self.unread.is_empty() {
            self.unread = unread;
        } else if !unread.is_empty() {
            self.unread = [unread, self.unread].concat().into();
        }
        self
    }

    /// Returns the IO, and the bytes that have not been read again yet.
    ///
    /// See the [example](Self#examples) of the type.
    pub fn into_parts(self) -> (IO, Bytes) {
        (self.io, self.unread)
    }

    /// Returns a reference to the IO. Reading from it skips the bytes in front of it.
    ///
    /// See the [example](Self#examples) of the type.
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
mod tests;
