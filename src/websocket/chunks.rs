//! A message that is received in chunks.

use std::{
    fmt,
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures_core::Stream;
use tokio::io::{AsyncRead, AsyncWrite};
use tungstenite::{
    Error,
    protocol::frame::{
        Frame,
        coding::{Data, OpCode},
    },
};

use super::{operations::Receiving, receiver::Receiver, socket::WebSocket};
use crate::io::UpgradedIo;

/// A text or binary message that is received in chunks: a [`Stream`] of [`Bytes`].
///
/// [`WebSocket::recv_chunks`] and [`Receiver::recv_chunks`] return it.
///
/// Dropping it before its end skips the rest of the message.
///
/// # Examples
///
/// ```
/// use tower_websocket::{Error, WebSocket};
///
/// /// Prints the size of each message.
/// async fn measure(mut socket: WebSocket) -> Result<(), Error> {
///     while let Some(message) = socket.recv_chunks().await {
///         let mut message = message?;
///         let kind = if message.is_text() { "text" } else { "binary" };
///         let mut len = 0;
///         while let Some(chunk) = message.recv().await {
///             len += chunk?.len();
///         }
///         println!("a {kind} message of {len} bytes");
///     }
///     Ok(())
/// }
/// ```
pub struct Chunks<'a, IO = UpgradedIo> {
    receiving: Receiving<'a, IO>,
    is_text: bool,
    /// The first chunk, until it is taken.
    first: Bytes,
    /// Set once the last piece has arrived, or none will.
    is_over: bool,
}

impl<'a, IO> Chunks<'a, IO> {
    fn new(receiving: Receiving<'a, IO>, first: Frame) -> Self {
        let (is_text, is_over) = (first.header().opcode == OpCode::Data(Data::Text), first.header().is_final);
        Self { receiving, is_text, first: first.into_payload(), is_over }
    }

    /// Returns `true` if the message is text.
    ///
    /// Each of its chunks is UTF-8, because no character is split.
    ///
    /// See the [example](Self#examples) of the type.
    pub fn is_text(&self) -> bool {
        self.is_text
    }

    /// Returns `true` if the message is binary.
    ///
    /// See the [example](Self#examples) of the type, which calls [`is_text`](Self::is_text).
    pub fn is_binary(&self) -> bool {
        !self.is_text
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Chunks<'_, IO> {
    /// Receives the next chunk, or returns `None` at the end of the message. No chunk is empty.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`WebSocket::recv`], which a
    /// [table](WebSocket#errors-of-receiving-and-sending) lists, and [`Error::Io`] of kind
    /// [`UnexpectedEof`](std::io::ErrorKind::UnexpectedEof) if the peer's Close arrives before the
    /// end of the message. After an error, the message is incomplete, and `None` follows.
    ///
    /// # Cancel safety
    ///
    /// This method is cancel safe. If it is dropped before it completes, no chunk is lost.
    ///
    /// # Examples
    ///
    /// See the [example](Self#examples) of the type.
    pub async fn recv(&mut self) -> Option<Result<Bytes, Error>> {
        poll_fn(|cx| self.poll_chunk(cx)).await
    }

    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Error>>> {
        if !self.first.is_empty() {
            return Poll::Ready(Some(Ok(std::mem::take(&mut self.first))));
        }
        while !self.is_over {
            let next = ready!(
                self.receiving.poll_with(cx, |connection, deferred| connection.poll_next_piece(deferred))
            );
            self.is_over = next.as_ref().map_or(true, |piece| piece.header().is_final);
            let chunk = next.map(Frame::into_payload);
            if chunk.as_ref().map_or(true, |chunk| !chunk.is_empty()) {
                return Poll::Ready(Some(chunk));
            }
        }
        Poll::Ready(None)
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Stream for Chunks<'_, IO> {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_chunk(cx)
    }
}

impl<IO> Drop for Chunks<'_, IO> {
    fn drop(&mut self) {
        if !self.is_over {
            self.receiving.shared().with(|connection, _| connection.skip_message());
        }
    }
}

impl<IO> fmt::Debug for Chunks<'_, IO> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chunks").field("is_text", &self.is_text).finish_non_exhaustive()
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> WebSocket<IO> {
    /// Receives the next text or binary message in chunks as they arrive, or returns `None` once
    /// the connection is over.
    ///
    /// Skips pings, pongs and the peer's Close, which are still answered automatically.
    ///
    /// With [`Config::receive_in_chunks`](crate::Config::receive_in_chunks), a message may have any
    /// size. At most about 128 KiB of it are held in memory, even if it is compressed. Without that
    /// setting, a message is received whole, within the size limits, as one chunk.
    ///
    /// # Errors
    ///
    /// Returns the same errors as [`recv`](Self::recv).
    ///
    /// # Cancel safety
    ///
    /// This method is cancel safe. If it is dropped before it completes, no part of a text or
    /// binary message is lost.
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio::{fs::File, io::AsyncWriteExt};
    /// use tower::BoxError;
    /// use tower_websocket::{Config, WebSocket, WebSocketUpgradeLayer};
    ///
    /// async fn upload(mut socket: WebSocket) -> Result<(), BoxError> {
    ///     while let Some(message) = socket.recv_chunks().await {
    ///         let mut message = message?;
    ///         let mut file = File::create("upload").await?;
    ///         while let Some(chunk) = message.recv().await {
    ///             file.write_all(&chunk?).await?;
    ///         }
    ///         file.sync_all().await?;
    ///     }
    ///     Ok(())
    /// }
    ///
    /// let layer = WebSocketUpgradeLayer::accept_all(upload)
    ///     .with_config(Config::new().receive_in_chunks(true));
    /// ```
    pub async fn recv_chunks(&mut self) -> Option<Result<Chunks<'_, IO>, Error>> {
        first_chunk(self.shared().recv()).await
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Receiver<IO> {
    /// Receives the next text or binary message in chunks, in the same way as
    /// [`WebSocket::recv_chunks`].
    ///
    /// # Errors
    ///
    /// Returns the same errors as [`recv`](Self::recv).
    ///
    /// # Cancel safety
    ///
    /// This method is cancel safe. If it is dropped before it completes, no part of a text or
    /// binary message is lost.
    ///
    /// # Examples
    ///
    /// See the [example](WebSocket::recv_chunks) of `WebSocket::recv_chunks`.
    pub async fn recv_chunks(&mut self) -> Option<Result<Chunks<'_, IO>, Error>> {
        first_chunk(self.shared().recv()).await
    }
}

async fn first_chunk<IO>(mut receiving: Receiving<'_, IO>) -> Option<Result<Chunks<'_, IO>, Error>>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    let first =
        poll_fn(|cx| receiving.poll_with(cx, |connection, deferred| connection.poll_first_piece(deferred)));
    let first = first.await?;
    Some(first.map(|first| Chunks::new(receiving, first)))
}
