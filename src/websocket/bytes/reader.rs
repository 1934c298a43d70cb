//! The half of a stream of bytes that reads.

use std::{
    fmt, io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncBufRead, AsyncRead, AsyncWrite, ReadBuf};
use tungstenite::{
    Message,
    protocol::frame::coding::{Data, OpCode},
};

use super::io_error::into_io_error;
use crate::{
    close::{CloseCode, CloseInfo, CloseReason},
    io::UpgradedIo,
    websocket::handle::Handle,
};

/// The half of a [`ByteStream`](super::ByteStream) that reads.
///
/// Dropping it closes the connection with 1000, or 1011 when a panic drops it: nobody would read
/// what the peer sends.
pub struct ByteReader<IO = UpgradedIo> {
    handle: Handle<IO>,
    /// What was received and is not read yet.
    unread: Bytes,
    end: Option<End>,
}

const TEXT: OpCode = OpCode::Data(Data::Text);

/// How reading ended.
#[derive(Debug)]
enum End {
    /// With the peer's Close.
    Closed,
    /// With an error, which is returned by the next read.
    Due(io::Error),
    /// With an error of this kind, which was returned.
    Failed(io::ErrorKind),
}

impl<IO> ByteReader<IO> {
    pub(super) fn new(handle: Handle<IO>) -> Self {
        Self { handle, unread: Bytes::new(), end: None }
    }

    /// Returns how the connection was closed, or is being closed; `None` while it is open.
    pub fn close_info(&self) -> Option<CloseInfo> {
        self.handle.lock().close_info()
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> ByteReader<IO> {
    /// Ready when there is something to read, or the end.
    fn poll_unread(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.unread.is_empty() {
            match self.end.take() {
                Some(End::Closed) => {
                    self.end = Some(End::Closed);
                    break;
                }
                Some(End::Due(error)) => return Poll::Ready(Err(self.fail(error))),
                Some(End::Failed(kind)) => return Poll::Ready(Err(self.fail(kind.into()))),
                None => {}
            }
            match ready!(self.handle.poll_received(cx)) {
                Some(Ok(Message::Binary(payload))) => self.unread = payload,
                Some(Ok(Message::Frame(piece))) if piece.header().opcode != TEXT => {
                    self.unread = piece.into_payload();
                }
                Some(Ok(Message::Text(_) | Message::Frame(_))) => {
                    return Poll::Ready(Err(self.refuse_text()));
                }
                Some(Ok(Message::Close(_))) => self.end = Some(End::Closed),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Poll::Ready(Err(self.fail(into_io_error(error)))),
                // The Close may have been received before the socket became a stream.
                None if self.close_info().is_some_and(|info| info.is_clean()) => self.end = Some(End::Closed),
                None => return Poll::Ready(Err(self.fail(io::ErrorKind::UnexpectedEof.into()))),
            }
        }
        Poll::Ready(Ok(()))
    }

    fn refuse_text(&mut self) -> io::Error {
        let reason = CloseReason::truncated("binary messages only");
        self.handle.shared().begin_close(Some(CloseCode::UNSUPPORTED_DATA), reason);
        self.fail(io::Error::new(io::ErrorKind::InvalidData, "the peer sent a text message"))
    }

    fn fail(&mut self, error: io::Error) -> io::Error {
        self.end = Some(End::Failed(error.kind()));
        error
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> AsyncRead for ByteReader<IO> {
    /// Reads what is there of as many messages as fit.
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        while buffer.remaining() > 0 {
            match self.poll_unread(cx) {
                Poll::Ready(Ok(())) if self.unread.is_empty() => break,
                Poll::Ready(Ok(())) => {
                    let len = self.unread.len().min(buffer.remaining());
                    buffer.put_slice(&self.unread[..len]);
                    self.as_mut().consume(len);
                }
                // What was read goes first.
                Poll::Ready(Err(error)) if buffer.filled().len() > before => {
                    self.end = Some(End::Due(error));
                    break;
                }
                Poll::Pending if buffer.filled().len() > before => break,
                not_ready => return not_ready,
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> AsyncBufRead for ByteReader<IO> {
    /// Returns what is there of one message: nothing is copied.
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let this = self.get_mut();
        ready!(this.poll_unread(cx))?;
        Poll::Ready(Ok(&this.unread))
    }

    fn consume(mut self: Pin<&mut Self>, len: usize) {
        self.unread.advance(len);
        if self.unread.is_empty() {
            // An empty slice would still hold the message.
            self.unread = Bytes::new();
        }
    }
}

impl<IO> fmt::Debug for ByteReader<IO> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByteReader").field("end", &self.end).finish_non_exhaustive()
    }
}
