//! One stream of a connection, as IO.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes};
use h2::{Reason, RecvStream, SendStream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// One stream of a connection, as IO. Unread data keeps its window closed.
pub struct Stream {
    send: SendStream<Bytes>,
    recv: RecvStream,
    unread: Bytes,
    frames: usize,
}

impl Stream {
    pub(super) fn new(send: SendStream<Bytes>, recv: RecvStream) -> Self {
        Self { send, recv, unread: Bytes::new(), frames: 0 }
    }

    /// Returns how many non-empty DATA frames have been read.
    pub fn frames(&self) -> usize {
        self.frames
    }

    /// Returns the stream's two ends.
    pub fn into_parts(self) -> (SendStream<Bytes>, RecvStream) {
        (self.send, self.recv)
    }

    /// Ends the stream with RST_STREAM.
    pub fn reset(&mut self, reason: Reason) {
        self.send.send_reset(reason);
    }
}

/// A server may reset a finished stream with NO_ERROR after its END_STREAM (RFC 9113 §8.1).
fn is_end(error: &h2::Error) -> bool {
    error.is_remote() && error.reason() == Some(Reason::NO_ERROR)
}

fn to_io(error: h2::Error) -> io::Error {
    match error.reason() {
        Some(_) => io::Error::other(error),
        None => error.into_io().unwrap_or_else(|| io::ErrorKind::Other.into()),
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        while this.unread.is_empty() {
            match ready!(this.recv.poll_data(cx)) {
                Some(Ok(data)) => {
                    this.frames += usize::from(!data.is_empty());
                    this.unread = data;
                }
                Some(Err(error)) if !is_end(&error) => return Poll::Ready(Err(to_io(error))),
                Some(Err(_)) | None => return Poll::Ready(Ok(())),
            }
        }
        let n = this.unread.len().min(buf.remaining());
        buf.put_slice(&this.unread[..n]);
        this.unread.advance(n);
        // A reset stream has lost its window.
        let _ = this.recv.flow_control().release_capacity(n);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.send.reserve_capacity(buf.len());
        while this.send.capacity() == 0 {
            match ready!(this.send.poll_capacity(cx)) {
                Some(Ok(_)) => {}
                Some(Err(error)) => return Poll::Ready(Err(to_io(error))),
                None => return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
            }
        }
        let n = this.send.capacity().min(buf.len());
        this.send.send_data(Bytes::copy_from_slice(&buf[..n]), false).map_err(to_io)?;
        Poll::Ready(Ok(n))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.get_mut().send.send_data(Bytes::new(), true).map_err(to_io))
    }
}
