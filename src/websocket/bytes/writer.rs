//! The half of a byte stream that writes.

use std::{
    fmt,
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncWrite};

use super::io_error::into_io_error;
use crate::{
    io::UpgradedIo,
    websocket::{handle::code_of_drop, shared::Shared, sink::SinkState},
};

/// The half of a [`ByteStream`](super::ByteStream) that writes.
///
/// Dropping it closes the connection with 1000, or with 1011 if a panic drops it, after everything
/// that was written. The other half can still read until the peer's Close.
///
/// See the [example](super::ByteStream::into_split) of `ByteStream::into_split`.
pub struct ByteWriter<IO = UpgradedIo> {
    shared: Arc<Shared<IO>>,
    sink: SinkState,
}

impl<IO> ByteWriter<IO> {
    pub(super) fn new(shared: Arc<Shared<IO>>) -> Self {
        shared.with(|connection, _| connection.add_sender());
        Self { shared, sink: SinkState::default() }
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> AsyncWrite for ByteWriter<IO> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let Self { shared, sink } = &mut *self;
        sink.poll_write(shared, cx, slices).map_err(into_io_error)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { shared, sink } = &mut *self;
        sink.poll_flush(shared, cx).map_err(into_io_error)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { shared, sink } = &mut *self;
        sink.poll_close(shared, cx).map_err(into_io_error)
    }
}

impl<IO> Drop for ByteWriter<IO> {
    fn drop(&mut self) {
        self.sink.remove_waiters(&self.shared);
        self.shared.with(|connection, deferred| connection.remove_sender(code_of_drop(), deferred));
    }
}

impl<IO> fmt::Debug for ByteWriter<IO> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByteWriter").finish_non_exhaustive()
    }
}
