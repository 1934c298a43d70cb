//! A socket as a stream of bytes.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use tokio::io::{AsyncBufRead, AsyncRead, AsyncWrite, ReadBuf};

use super::{reader::ByteReader, writer::ByteWriter};
use crate::{close::CloseInfo, io::UpgradedIo, websocket::handle::Handle};

/// A WebSocket as a stream of bytes: [`AsyncRead`], [`AsyncBufRead`] and [`AsyncWrite`] of the
/// payloads of binary messages. Returned by
/// [`WebSocket::into_byte_stream`](crate::WebSocket::into_byte_stream).
///
/// ```
/// use tokio::{io::copy_bidirectional, net::TcpStream};
/// use tower_websocket::{WebSocket, WebSocketUpgradeLayer};
///
/// /// Connects a WebSocket to a TCP server.
/// async fn tunnel(socket: WebSocket) -> std::io::Result<()> {
///     let mut tcp = TcpStream::connect("127.0.0.1:1883").await?;
///     copy_bidirectional(&mut socket.into_byte_stream(), &mut tcp).await?;
///     Ok(())
/// }
///
/// let layer = WebSocketUpgradeLayer::accept_all(tunnel);
/// ```
///
/// Where messages begin and end means nothing. Pings are answered, and not seen.
///
/// # Reading
///
/// | what arrives | what is read |
/// | --- | --- |
/// | a binary message, of any size | its bytes as they arrive, in any pieces; an empty one is skipped |
/// | a Close, with any code | the end of the stream; [`close_info`](Self::close_info) returns the code |
/// | the end of the stream without a Close | an error of kind [`UnexpectedEof`](io::ErrorKind::UnexpectedEof): what was read may not be all |
/// | a text message | an error of kind [`InvalidData`](io::ErrorKind::InvalidData); the peer is sent Close 1003 |
/// | what breaks a rule | an error of kind [`InvalidData`](io::ErrorKind::InvalidData), with the socket's error as its source; the peer is sent [its code](crate::WebSocket#errors-of-receiving-and-sending) |
/// | nothing, not even a pong | an error of kind [`TimedOut`](io::ErrorKind::TimedOut), as for any socket |
///
/// After an error, reading returns further errors of its kind.
///
/// # Writing
///
/// What is written leaves in binary messages of one frame each, of at most
/// [`Config::max_outgoing_frame_size`](crate::Config::max_outgoing_frame_size) and 64 KiB. Several
/// writes leave in one frame until the handler's task yields or the IO has taken what was written
/// before, so that a copy of much in small writes leaves in large frames. Nothing has to be flushed
/// to leave; flushing waits until the system has taken everything. Writing waits while
/// [`Config::max_write_buffer_size`](crate::Config::max_write_buffer_size) is full.
///
/// Bytes are sent uncompressed, whatever was agreed on: those of a tunnel are usually encrypted or
/// compressed already.
///
/// - [`shutdown`](tokio::io::AsyncWriteExt::shutdown) sends Close 1000 behind everything that was
///   written, and is ready once that is written. Reading goes on until the peer's Close.
/// - Writing after either side's Close, or once the connection is over, is an error of kind
///   [`BrokenPipe`](io::ErrorKind::BrokenPipe).
/// - Dropping the stream closes it with 1000, or 1011 when a panic drops it; what was written
///   before is still delivered, in the background.
///
/// # There is no half-close
///
/// A Close ends both directions (RFC 6455 §5.5.1): most peers answer it at once, and whatever they
/// would still have sent is lost. A protocol in which one side ends its direction and goes on
/// reading needs an end of its own within the bytes; the guide's page on [bytes and
/// chunks](crate::guide::bytes_and_chunks) has more.
///
/// # Cancel safety
///
/// Reads and writes that are dropped before they complete have read and written nothing. tokio's
/// combinators say which of them are cancel safe.
#[derive(Debug)]
pub struct ByteStream<IO = UpgradedIo> {
    reader: ByteReader<IO>,
    writer: ByteWriter<IO>,
}

impl<IO> ByteStream<IO> {
    pub(in crate::websocket) fn new(handle: Handle<IO>) -> Self {
        handle.shared().with(|connection, _| connection.receive_in_pieces());
        let writer = ByteWriter::new(Arc::clone(handle.shared()));
        Self { reader: ByteReader::new(handle), writer }
    }

    /// Splits the stream into a half that reads and one that writes, for two tasks.
    ///
    /// Dropping either closes the connection.
    pub fn into_split(self) -> (ByteReader<IO>, ByteWriter<IO>) {
        (self.reader, self.writer)
    }

    /// Returns how the connection was closed, or is being closed; `None` while it is open.
    pub fn close_info(&self) -> Option<CloseInfo> {
        self.reader.close_info()
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> AsyncRead for ByteStream<IO> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.reader).poll_read(cx, buffer)
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> AsyncBufRead for ByteStream<IO> {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        Pin::new(&mut self.get_mut().reader).poll_fill_buf(cx)
    }

    fn consume(mut self: Pin<&mut Self>, len: usize) {
        Pin::new(&mut self.reader).consume(len);
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> AsyncWrite for ByteStream<IO> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.writer).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.writer).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.writer.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.writer).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.writer).poll_shutdown(cx)
    }
}
