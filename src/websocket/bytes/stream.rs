//! A socket as a byte stream.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use tokio::io::{AsyncBufRead, AsyncRead, AsyncWrite, ReadBuf};

use super::{reader::ByteReader, writer::ByteWriter};
use crate::{close::CloseInfo, io::UpgradedIo, websocket::handle::Handle};

/// A WebSocket as a byte stream: [`AsyncRead`], [`AsyncBufRead`] and [`AsyncWrite`] of the payloads
/// of binary messages.
///
/// [`WebSocket::into_byte_stream`](crate::WebSocket::into_byte_stream) returns it.
///
/// Message boundaries have no meaning. Pings are answered and not delivered.
///
/// # Examples
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
/// # Reading
///
/// | received | result of reading |
/// | --- | --- |
/// | a binary message of any size | its bytes as they arrive; an empty message is skipped |
/// | a Close with any code | end of file; [`close_info`](Self::close_info) returns the code |
/// | end of stream without a Close | error [`UnexpectedEof`]: the data may be incomplete |
/// | a text message | error [`InvalidData`]; the peer gets Close 1003 |
/// | a protocol violation | error [`InvalidData`] with its source; the peer gets [its code] |
/// | no answer to a ping | error [`TimedOut`], as for any socket |
///
/// After an error, each further read returns an error of the same kind.
///
/// [`InvalidData`]: io::ErrorKind::InvalidData
/// [`TimedOut`]: io::ErrorKind::TimedOut
/// [`UnexpectedEof`]: io::ErrorKind::UnexpectedEof
/// [its code]: crate::WebSocket#errors-of-receiving-and-sending
///
/// # Writing
///
/// Written data is sent in binary messages of one frame each. A frame has at most
/// [`Config::max_outgoing_frame_size`](crate::Config::max_outgoing_frame_size) bytes, and at most
/// 64 KiB. Consecutive writes share a frame until the handler's task yields or the IO has accepted
/// everything that was written before, so copying in small writes still produces large frames.
///
/// Data is sent without a flush; flushing waits until the system has accepted everything. Writing
/// waits while the buffer of
/// [`Config::max_write_buffer_size`](crate::Config::max_write_buffer_size) bytes is full.
///
/// Data is sent uncompressed, even if compression was negotiated, because the data of a tunnel is
/// usually encrypted or compressed already.
///
/// - [`shutdown`](tokio::io::AsyncWriteExt::shutdown) sends Close 1000 after everything that was
///   written, and completes once that Close is written. Reading continues until the peer's Close.
/// - Writing after either side's Close, or once the connection is over, returns an error of kind
///   [`BrokenPipe`](io::ErrorKind::BrokenPipe).
/// - Dropping the stream closes it with 1000, or with 1011 if a panic drops it. Data that was
///   written before is still delivered in the background.
///
/// # No half-close
///
/// A Close ends both directions (RFC 6455 §5.5.1): most peers answer it at once and discard
/// everything that they had still to send. If one side of a protocol ends its direction and
/// continues to read, the protocol needs an end marker within the bytes. See the guide's page on
/// [bytes and chunks](crate::guide::bytes_and_chunks).
///
/// # Cancel safety
///
/// A single read or write that is dropped before it completes has transferred no data. tokio
/// documents which of its combinators are cancel safe.
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

    /// Splits the stream into a half that reads and a half that writes, for use by two tasks.
    ///
    /// Dropping either half closes the connection.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io;
    /// use tokio::io::{AsyncBufReadExt, AsyncWriteExt};
    /// use tower_websocket::WebSocket;
    ///
    /// async fn handler(socket: WebSocket) -> io::Result<()> {
    ///     let (reader, mut writer) = socket.into_byte_stream().into_split();
    ///     let printing = tokio::spawn(async move {
    ///         let mut lines = reader.lines();
    ///         while let Some(line) = lines.next_line().await? {
    ///             println!("{line}");
    ///         }
    ///         io::Result::Ok(())
    ///     });
    ///     writer.write_all(b"send lines\n").await?;
    ///     printing.await?
    /// }
    /// ```
    pub fn into_split(self) -> (ByteReader<IO>, ByteWriter<IO>) {
        (self.reader, self.writer)
    }

    /// Returns how the connection was closed or is being closed, or `None` while it is open.
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio::io::AsyncReadExt;
    /// use tower_websocket::WebSocket;
    ///
    /// async fn read_all(socket: WebSocket) -> std::io::Result<Vec<u8>> {
    ///     let mut stream = socket.into_byte_stream();
    ///     let mut bytes = Vec::new();
    ///     stream.read_to_end(&mut bytes).await?;
    ///     if let Some(info) = stream.close_info() {
    ///         println!("closed with {}", info.code());
    ///     }
    ///     Ok(bytes)
    /// }
    /// ```
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
