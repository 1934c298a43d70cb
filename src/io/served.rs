//! The IO that this crate's server serves.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::OwnedSemaphorePermit,
};

use super::Rewind;

/// A place under a server's limit of connections.
pub(crate) type Place = OwnedSemaphorePermit;

/// The IO that this crate's server serves: it has what the server had to read to know what to do with it, and holds
/// its place under the limit of connections, for as long as it lives.
#[derive(Debug)]
pub(crate) struct Served<IO> {
    io: Rewind<IO>,
    place: Option<Place>,
}

impl<IO> Served<IO> {
    pub(crate) fn new(io: IO, unread: Bytes, place: Option<Place>) -> Self {
        Self { io: Rewind::new(io, unread), place }
    }

    /// The IO, what comes before what it will still give, and its place.
    pub(super) fn into_parts(self) -> (IO, Bytes, Option<Place>) {
        let (io, unread) = self.io.into_parts();
        (io, unread, self.place)
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for Served<IO> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Served<IO> {
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
