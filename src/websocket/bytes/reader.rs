//! The half of a byte stream that reads.

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
/// Dropping it closes the connection with 1000, or with 1011 if a panic drops it, because the
/// peer's data could no longer be read.
///
/// See the [example](super::ByteStream::into_split) of `ByteStream::into_split`.
pub struct ByteReader<IO = UpgradedIo> {
    handle: Handle<IO>,
    /// Data that was received and not yet read.
    unread: Bytes,
    end: Option<StreamEnd>,
}

const TEXT: OpCode = OpCode::Data(Data::Text);

/// How reading ended.
#[derive(Debug)]
enum StreamEnd {
    /// The peer sent a Close.
    Closed,
    /// An error, which the next read returns.
    Due(io::Error),
    /// An error of this kind, which was already returned.
    Failed(io::ErrorKind),
}

impl<IO> ByteReader<IO> {
    pub(super) fn new(handle: Handle<IO>) -> Self {
        Self { handle, unread: Bytes::new(), end: None }
    }

    /// Returns how the connection was closed or is being closed, or `None` while it is open.
    ///
    /// See the [example](super::ByteStream::close_info) of `ByteStream::close_info`.
    pub fn close_info(&self) -> Option<CloseInfo> {
        self.handle.lock().close_info()
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> ByteReader<IO> {
    /// Ready when there is data to read, or the stream has ended.
    fn poll_unread(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.unread.is_empty() {
            match self.end.take() {
                Some(StreamEnd::Closed) => {
                    self.end = Some(StreamEnd::Closed);
                    break;
                }
                Some(StreamEnd::Due(error)) => return Poll::Ready(Err(self.fail(error))),
                Some(StreamEnd::Failed(kind)) => return Poll::Ready(Err(self.fail(kind.into()))),
                None => {}
            }
            match ready!(self.handle.poll_bytes(cx)) {
                Some(Ok(Message::Binary(payload))) => self.unread = payload,
                Some(Ok(Message::Frame(piece))) if piece.header().opcode != TEXT => {
                    self.unread = piece.into_payload();
                }
                Some(Ok(Message::Text(_) | Message::Frame(_))) => {
                    return Poll::Ready(Err(self.refuse_text()));
                }
                Some(Ok(Message::Close(_))) => self.end = Some(StreamEnd::Closed),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Poll::Ready(Err(self.fail(into_io_error(error)))),
                // The Close may have been received before the socket became a byte stream.
                None if self.close_info().is_some_and(|info| info.is_clean()) => {
                    self.end = Some(StreamEnd::Closed)
                }
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
        self.end = Some(StreamEnd::Failed(error.kind()));
        error
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> AsyncRead for ByteReader<IO> {
    /// Reads the available data of as many messages as fit into the buffer.
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
                // Data that was already read is returned first.
                Poll::Ready(Err(error)) if buffer.filled().len() > before => {
                    self.end = Some(StreamEnd::Due(error));
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
    /// Returns the available data of one message without copying it.
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let this = self.get_mut();
        ready!(this.poll_unread(cx))?;
        Poll::Ready(Ok(&this.unread))
    }

    fn consume(mut self: Pin<&mut Self>, len: usize) {
        self.unread.advance(len);
        if self.unread.is_empty() {
            // An empty slice would keep the message allocated.
            self.unread = Bytes::new();
        }
    }
}

impl<IO> fmt::Debug for ByteReader<IO> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByteReader").field("end", &self.end).finish_non_exhaustive()
    }
}
