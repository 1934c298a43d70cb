//! The IO as tungstenite sees it.

use std::{
    io, mem,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tungstenite::Message;

use super::{frames::Frames, message, read_buffer, unread::Unread, write_buffer};
use crate::deflate::{Halt, Inbound};

/// How many reads are thrown away at a time.
const MAX_DRAINED: usize = 16;

/// How many bytes are kept for an application that does not read.
const MAX_PEEKED: usize = 64 * 1024;

/// How many bytes of frames wait here to be written.
const MAX_OUTGOING: usize = 64 * 1024;

/// The IO as tungstenite sees it: a connection that waits holds no read buffer, and frames are followed as they pass.
///
/// It is reached through [`WebSocket::with_stream`](crate::WebSocket::with_stream).
#[derive(Debug)]
pub struct Transport<IO> {
    io: IO,
    /// What was read and tungstenite has not taken yet.
    unread: Unread,
    frames: Frames,
    /// The largest read since [`take_largest_read`](Self::take_largest_read), in bytes.
    largest_read: usize,
    /// Whether someone else than tungstenite met the end of the stream, and the error that it ended with.
    has_ended: bool,
    error: Option<io::Error>,
    /// Frames that are written before what tungstenite writes, of which so many bytes are done.
    outgoing: Vec<u8>,
    done: usize,
    /// How many bytes the IO has taken.
    written: u64,
    /// Whether tungstenite has read or written since [`watch`](Self::watch).
    is_used: bool,
    /// Whether someone else has used tungstenite: it may have sent or received a Close, and all goes through it.
    is_strange: bool,
}

impl<IO> Transport<IO> {
    /// `unread` goes before what `io` will still give.
    pub(crate) fn new(io: IO, unread: &[u8], max_frame_size: usize, inbound: Inbound) -> Self {
        Self {
            io,
            // A copy: it may be a part of a server's much larger read buffer.
            unread: Unread::copy(unread),
            frames: Frames::new(max_frame_size, inbound),
            largest_read: 0,
            has_ended: false,
            error: None,
            outgoing: Vec::new(),
            done: 0,
            written: 0,
            is_used: false,
            is_strange: false,
        }
    }

    /// The IO.
    pub fn get_ref(&self) -> &IO {
        &self.io
    }

    /// The IO. What is read from it or written to it here is missing from the stream of frames. Where compression was
    /// agreed on, frames that are read from it may be compressed.
    pub fn get_mut(&mut self) -> &mut IO {
        &mut self.io
    }

    /// The largest read since this was last asked, in bytes; 0 when the peer was silent.
    pub(crate) fn take_largest_read(&mut self) -> usize {
        mem::take(&mut self.largest_read)
    }

    /// Someone else is about to be given tungstenite.
    pub(crate) fn watch(&mut self) {
        self.is_used = false;
    }

    /// Tungstenite is back.
    pub(crate) fn unwatch(&mut self) {
        self.is_strange |= self.is_used;
    }

    /// Takes a message to be written before what tungstenite has not written yet; whether it is one to be taken here.
    pub(crate) fn put(&mut self, message: &Message) -> bool {
        if self.is_strange {
            return false;
        }
        if self.outgoing.capacity() == 0 {
            self.outgoing = write_buffer::take();
        }
        message::put(&mut self.outgoing, message, MAX_OUTGOING)
    }

    /// Takes a message of any kind to be written when tungstenite, which has nothing left, takes none any more.
    pub(crate) fn put_past(&mut self, message: Message) -> tungstenite::Result<()> {
        message::frame(message).format(&mut self.outgoing)
    }

    /// How many bytes the IO has taken so far.
    pub(crate) fn written(&self) -> u64 {
        self.written
    }

    /// Whether all that was read has been taken, and ended with a whole message.
    pub(crate) fn at_rest(&self) -> bool {
        self.unread.is_empty() && self.is_between_messages()
    }

    /// Whether tungstenite holds no part of a message, nor anything else that must not be passed by.
    fn is_between_messages(&self) -> bool {
        self.frames.at_rest() && !self.is_strange
    }

    /// The IO, and what was read from it but not used yet.
    ///
    /// What tungstenite has already taken from here is not among it, nor is a header of which a part is missing, nor
    /// what is being inflated. What was sent and not flushed is lost.
    pub fn into_parts(self) -> (IO, Bytes) {
        (self.io, self.unread.into_bytes())
    }
}

impl<IO: AsyncRead + Unpin> Transport<IO> {
    /// The next message, if what comes next is one whole frame, plain or compressed, with at most `max` bytes in it.
    ///
    /// `None`: something else comes, and tungstenite is to read it.
    pub(crate) fn poll_message(&mut self, cx: &mut Context<'_>, max: usize) -> Poll<Option<Message>> {
        if !self.is_between_messages() || self.has_ended {
            return Poll::Ready(None);
        }
        if !self.unread.is_empty() {
            let (message, taken) = take(&mut self.frames, self.unread.as_mut_slice(), max);
            self.unread.advance(taken);
            return Poll::Ready(message);
        }
        let mut buffer = read_buffer::take();
        let mut read = ReadBuf::new(&mut buffer);
        let polled = Pin::new(&mut self.io).poll_read(cx, &mut read);
        let read = read.filled().len();
        if read == 0 {
            read_buffer::give(buffer);
            self.error = ready!(polled).err();
            self.has_ended = true;
            return Poll::Ready(None);
        }
        self.largest_read = self.largest_read.max(read);
        let (message, taken) = take(&mut self.frames, &mut buffer[..read], max);
        self.unread = Unread::keep(buffer, taken, read);
        Poll::Ready(message)
    }

    /// Reads and throws away until the peer's end of stream, or an error.
    pub(crate) fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.unread = Unread::default();
        for _ in 0..MAX_DRAINED {
            let read = read_buffer::with(|buffer| {
                let mut buffer = ReadBuf::new(buffer);
                Pin::new(&mut self.io).poll_read(cx, &mut buffer).map_ok(|()| buffer.filled().len())
            });
            match ready!(read) {
                Ok(0) | Err(_) => return Poll::Ready(()),
                Ok(_) => {}
            }
        }
        // A flood must not keep the others waiting.
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Looks whether the peer has sent anything since the last look, and keeps it for later. Ready also when the
    /// stream has ended, once, or when too much is kept to look for more.
    ///
    /// Whoever waits to read must be woken afterwards: its waker is no longer the one that the IO knows.
    pub(crate) fn poll_peek(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.unread.as_slice().len() >= MAX_PEEKED {
            return Poll::Ready(());
        }
        if self.has_ended {
            return Poll::Pending;
        }
        let unread = &mut self.unread;
        let read = read_buffer::with(|buffer| {
            let mut buffer = ReadBuf::new(buffer);
            Pin::new(&mut self.io).poll_read(cx, &mut buffer).map_ok(|()| {
                *unread = Unread::copy(&[unread.as_slice(), buffer.filled()].concat());
                buffer.filled().len()
            })
        });
        match ready!(read) {
            Ok(read) => {
                self.has_ended = read == 0;
                self.largest_read = self.largest_read.max(read);
            }
            Err(error) => {
                self.has_ended = true;
                self.error = Some(error);
            }
        }
        Poll::Ready(())
    }
}

/// Takes the message at the start of `input`, if it is a whole one, and says how many bytes are done with.
fn take(frames: &mut Frames, input: &mut [u8], max: usize) -> (Option<Message>, usize) {
    if let Some((message, len)) = message::take(input, max) {
        return (Some(message), len);
    }
    let mut rest = &*input;
    let message = frames.take_compressed(&mut rest, max);
    (message, input.len() - rest.len())
}

impl<IO: AsyncRead + Unpin> AsyncRead for Transport<IO> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.is_used = true;
        if buf.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        let filled = buf.filled().len();
        let mut input = this.unread.as_slice();
        if !input.is_empty() || this.frames.is_leaving() {
            let before = input.len();
            this.frames.pass(&mut input, buf);
            let passed = before - input.len();
            this.unread.advance(passed);
        }
        while buf.filled().len() == filled {
            match this.frames.halt() {
                None => {}
                Some(Halt::Pause) => {
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Some(Halt::Failed(error)) => return Poll::Ready(Err(error)),
            }
            if this.has_ended {
                return Poll::Ready(this.error.take().map_or(Ok(()), Err));
            }
            let mut buffer = read_buffer::take();
            let mut read = ReadBuf::new(&mut buffer);
            let polled = Pin::new(&mut this.io).poll_read(cx, &mut read);
            let read = read.filled().len();
            if read == 0 {
                read_buffer::give(buffer);
                return polled;
            }
            let mut input = &buffer[..read];
            this.frames.pass(&mut input, buf);
            let passed = read - input.len();
            this.unread = Unread::keep(buffer, passed, read);
            this.largest_read = this.largest_read.max(read);
        }
        Poll::Ready(Ok(()))
    }
}

impl<IO: AsyncWrite + Unpin> Transport<IO> {
    /// Writes out what was [`put`](Self::put) here.
    fn poll_outgoing(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.done < self.outgoing.len() {
            let written = ready!(Pin::new(&mut self.io).poll_write(cx, &self.outgoing[self.done..]))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.done += written;
            self.written += written as u64;
        }
        write_buffer::give(&mut self.outgoing);
        self.done = 0;
        Poll::Ready(Ok(()))
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Transport<IO> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.is_used = true;
        ready!(self.poll_outgoing(cx))?;
        let written = ready!(Pin::new(&mut self.io).poll_write(cx, buf))?;
        self.written += written as u64;
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_outgoing(cx))?;
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
