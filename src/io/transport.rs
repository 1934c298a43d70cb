//! The IO as tungstenite sees it.

use std::{
    io, mem,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{frames::Frames, read_buffer};

/// The IO as tungstenite sees it: a connection that waits holds no read buffer, and frames are followed as they pass.
///
/// It is reached through [`WebSocket::with_stream`](crate::WebSocket::with_stream).
#[derive(Debug)]
pub struct Transport<IO> {
    io: IO,
    /// What was read and tungstenite has not taken yet.
    unread: Bytes,
    frames: Frames,
    /// The largest read since [`take_largest_read`](Self::take_largest_read), in bytes.
    largest_read: usize,
    /// An error that [`poll_peek`](Self::poll_peek) met.
    error: Option<io::Error>,
    /// How many bytes the IO has taken.
    written: u64,
}

impl<IO> Transport<IO> {
    /// `unread` goes before what `io` will still give.
    pub(crate) fn new(io: IO, unread: &[u8], max_frame_size: usize) -> Self {
        Self {
            io,
            // A copy: it may be a part of a server's much larger read buffer.
            unread: Bytes::copy_from_slice(unread),
            frames: Frames::new(max_frame_size),
            largest_read: 0,
            error: None,
            written: 0,
        }
    }

    /// The IO.
    pub fn get_ref(&self) -> &IO {
        &self.io
    }

    /// The IO. What is read from it or written to it here is missing from the stream of frames.
    pub fn get_mut(&mut self) -> &mut IO {
        &mut self.io
    }

    /// The largest read since this was last asked, in bytes; 0 when the peer was silent.
    pub(crate) fn take_largest_read(&mut self) -> usize {
        mem::take(&mut self.largest_read)
    }

    /// How many bytes the IO has taken so far.
    pub(crate) fn written(&self) -> u64 {
        self.written
    }

    /// Whether all that was read has been taken, and ended with a whole message.
    pub(crate) fn at_rest(&self) -> bool {
        self.unread.is_empty() && self.frames.at_rest()
    }

    /// The IO, and what was read from it but not used yet.
    ///
    /// What tungstenite has already taken from here is not among it.
    pub fn into_parts(self) -> (IO, Bytes) {
        (self.io, self.unread)
    }
}

impl<IO: AsyncRead + Unpin> Transport<IO> {
    /// Reads and throws away until the peer's end of stream, or an error.
    pub(crate) fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.unread = Bytes::new();
        loop {
            let read = read_buffer::with(|buffer| {
                let mut buffer = ReadBuf::new(buffer);
                Pin::new(&mut self.io).poll_read(cx, &mut buffer).map_ok(|()| buffer.filled().len())
            });
            match ready!(read) {
                Ok(0) | Err(_) => return Poll::Ready(()),
                Ok(_) => {}
            }
        }
    }

    /// Looks whether the peer has sent anything that is not taken yet, without taking it.
    ///
    /// Whoever waits to read must be woken afterwards: its waker is no longer the one that the IO knows.
    pub(crate) fn poll_peek(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.unread.is_empty() {
            return Poll::Ready(());
        }
        let read = read_buffer::with(|buffer| {
            let mut buffer = ReadBuf::new(buffer);
            Pin::new(&mut self.io)
                .poll_read(cx, &mut buffer)
                .map_ok(|()| Bytes::copy_from_slice(buffer.filled()))
        });
        match ready!(read) {
            Ok(unread) => {
                self.largest_read = self.largest_read.max(unread.len());
                self.unread = unread;
            }
            Err(error) => self.error = Some(error),
        }
        Poll::Ready(())
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for Transport<IO> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if buf.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        let filled = buf.filled().len();
        if !this.unread.is_empty() {
            let mut input = &this.unread[..];
            this.frames.pass(&mut input, buf);
            let passed = this.unread.len() - input.len();
            this.unread.advance(passed);
            if this.unread.is_empty() {
                this.unread = Bytes::new();
            }
        }
        while buf.filled().len() == filled {
            if let Some(error) = this.error.take() {
                return Poll::Ready(Err(error));
            }
            let read = read_buffer::with(|buffer| {
                let mut buffer = ReadBuf::new(buffer);
                ready!(Pin::new(&mut this.io).poll_read(cx, &mut buffer))?;
                let mut input = buffer.filled();
                let read = input.len();
                this.frames.pass(&mut input, buf);
                this.unread = Bytes::copy_from_slice(input);
                Poll::Ready(io::Result::Ok(read))
            });
            let read = ready!(read)?;
            if read == 0 {
                break;
            }
            this.largest_read = this.largest_read.max(read);
        }
        Poll::Ready(Ok(()))
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Transport<IO> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.io).poll_write(cx, buf))?;
        self.written += written as u64;
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
