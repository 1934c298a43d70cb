//! A message that is sent in chunks.

use std::{
    future::{Future, poll_fn},
    io,
    pin::{Pin, pin},
    sync::Arc,
    task::Poll,
};

use bytes::Bytes;
use futures_core::Stream;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    task::yield_now,
};
use tungstenite::{
    Error, Message, Utf8Bytes,
    protocol::frame::{
        Frame,
        coding::{Data, OpCode},
    },
};

use super::{sending::Sending, shared::Shared, socket::WebSocket};
use crate::{
    close::{CloseCode, CloseReason},
    codec::frame_len,
    deflate::Deflater,
};

impl<IO: AsyncRead + AsyncWrite + Unpin> WebSocket<IO> {
    /// Sends one binary message in chunks, as a stream produces them, without holding the whole
    /// message in memory.
    ///
    /// An empty stream sends an empty message.
    ///
    /// Each chunk is sent in frames of its own (RFC 6455 §5.4), and an empty frame ends the
    /// message. A frame has at most
    /// [`Config::max_outgoing_frame_size`](crate::Config::max_outgoing_frame_size) bytes, or 64 KiB
    /// if that is not set. Sending waits while the write buffer is full. If compression was
    /// negotiated, each chunk is compressed with the preceding ones as context.
    ///
    /// Pings, pongs and a Close may be sent between the frames. While the stream produces nothing,
    /// the connection is kept alive; the peer's Close or a shutdown ends the wait with an error.
    ///
    /// # Abandoned messages
    ///
    /// Once its first chunk is queued, a message cannot be taken back, and no other message can be
    /// sent before it ends. If the stream then returns an error, or this future is dropped before
    /// it completes, the connection is closed with 1011 after the chunks that were sent, so the
    /// peer cannot mistake them for the whole message. Before the first chunk is queued, the
    /// connection stays open.
    ///
    /// # Errors
    ///
    /// Returns the same errors as [`send`](Self::send), and an error of the stream as
    /// [`Error::Io`].
    ///
    /// # Cancel safety
    ///
    /// This method is not cancel safe, as described above.
    ///
    /// # Examples
    ///
    /// ```
    /// use futures_util::{StreamExt, stream};
    /// use tower_websocket::{Error, WebSocket};
    ///
    /// async fn count(mut socket: WebSocket) -> Result<(), Error> {
    ///     let lines = stream::iter(0..1_000_000).map(|n| Ok(format!("{n}\n")));
    ///     socket.send_chunks(lines).await
    /// }
    /// ```
    pub async fn send_chunks<C: Into<Bytes>>(
        &mut self,
        chunks: impl Stream<Item = io::Result<C>>,
    ) -> Result<(), Error> {
        Unfinished::new(self.shared(), Data::Binary).send_all(pin!(chunks), C::into).await
    }

    /// Sends one text message in chunks. Otherwise it works as [`send_chunks`](Self::send_chunks).
    ///
    /// # Errors
    ///
    /// Returns the same errors as [`send_chunks`](Self::send_chunks).
    ///
    /// # Cancel safety
    ///
    /// This method is not cancel safe, for the same reason as [`send_chunks`](Self::send_chunks).
    ///
    /// # Examples
    ///
    /// See the [example](Self::send_chunks) of `send_chunks`, which sends a binary message in the
    /// same way.
    pub async fn send_text_chunks<C: Into<Utf8Bytes>>(
        &mut self,
        chunks: impl Stream<Item = io::Result<C>>,
    ) -> Result<(), Error> {
        Unfinished::new(self.shared(), Data::Text).send_all(pin!(chunks), |chunk| chunk.into().into()).await
    }
}

/// A message that is sent in several frames. Dropping it after it was begun and before it has ended
/// closes the connection.
struct Unfinished<'a, IO> {
    shared: &'a Arc<Shared<IO>>,
    kind: Data,
    /// The position before the first frame, and the position before the last frame once that is
    /// known.
    before: u64,
    before_last: Option<u64>,
    compressor: Option<Deflater>,
    max_frame_size: usize,
    /// How much was sent since the task last yielded.
    worked: usize,
}

/// How many bytes are sent before the task yields.
const MAX_WORK: usize = 256 * 1024;

/// The cost of a chunk in addition to its bytes.
const CHUNK: usize = 64;

impl<'a, IO: AsyncRead + AsyncWrite + Unpin> Unfinished<'a, IO> {
    fn new(shared: &'a Arc<Shared<IO>>, kind: Data) -> Self {
        let connection = shared.lock();
        let (before, max_frame_size) = (connection.accepted(), connection.max_chunk());
        drop(connection);
        Self { shared, kind, before, before_last: None, compressor: None, max_frame_size, worked: 0 }
    }

    async fn send_all<C>(
        mut self,
        mut chunks: Pin<&mut impl Stream<Item = io::Result<C>>>,
        into_bytes: fn(C) -> Bytes,
    ) -> Result<(), Error> {
        let shared = self.shared;
        let mut closed = pin!(shared.closed());
        loop {
            let next = poll_fn(|cx| match chunks.as_mut().poll_next(cx) {
                Poll::Ready(next) => Poll::Ready(Some(next)),
                Poll::Pending => closed.as_mut().poll(cx).map(|()| None),
            });
            match next.await {
                Some(Some(chunk)) => self.send(into_bytes(chunk?)).await?,
                Some(None) => return self.finish().await,
                None => {
                    return shared
                        .with(|connection, _| connection.check_open())
                        .and(Err(Error::AlreadyClosed));
                }
            }
        }
    }

    async fn send(&mut self, mut chunk: Bytes) -> Result<(), Error> {
        if chunk.is_empty() {
            return Ok(());
        }
        let is_first = !self.is_begun();
        if is_first {
            self.compressor = self.shared.with(|connection, _| connection.begin_pieces());
        }
        self.shared.with(|connection, _| connection.count_chunk(is_first, chunk.len()));
        while !chunk.is_empty() {
            let is_text = self.kind == Data::Text && self.compressor.is_none();
            let piece = chunk.split_to(frame_len(&chunk, self.max_frame_size, is_text));
            self.worked += piece.len() + CHUNK;
            self.send_piece(piece).await?;
            // If the chunks compress well, sending may never wait, so the task has to yield here.
            if self.worked > MAX_WORK {
                self.worked = 0;
                yield_now().await;
            }
        }
        Ok(())
    }

    async fn send_piece(&mut self, piece: Bytes) -> Result<(), Error> {
        let Some(compressor) = &mut self.compressor else { return self.send_frame(piece, false).await };
        // Incompressible data grows.
        let mut compressed = compressor.compress_piece(&piece)?;
        while !compressed.is_empty() {
            let payload = compressed.split_to(frame_len(&compressed, self.max_frame_size, false));
            self.send_frame(payload, false).await?;
        }
        Ok(())
    }

    async fn finish(mut self) -> Result<(), Error> {
        if !self.is_begun() {
            self.shared.with(|connection, _| connection.count_chunk(true, 0));
        }
        let payload = self.compressor.as_mut().map_or(&[][..], |compressor| compressor.end_pieces());
        self.before_last = Some(self.shared.lock().accepted());
        self.send_frame(Bytes::from_static(payload), true).await
    }

    async fn send_frame(&self, payload: Bytes, is_final: bool) -> Result<(), Error> {
        let opcode = if self.is_begun() { Data::Continue } else { self.kind };
        let mut frame = Frame::message(payload, OpCode::Data(opcode), is_final);
        frame.header_mut().rsv1 = opcode != Data::Continue && self.compressor.is_some();
        Sending::uncompressed(self.shared, Message::Frame(frame)).await
    }
}

impl<IO> Unfinished<'_, IO> {
    /// Returns `true` once a frame was queued. No other task sends messages meanwhile, because the
    /// socket is borrowed.
    fn is_begun(&self) -> bool {
        self.shared.lock().accepted() > self.before
    }
}

impl<IO> Drop for Unfinished<'_, IO> {
    fn drop(&mut self) {
        let compressor = self.compressor.take();
        self.shared.with(|connection, deferred| {
            let accepted = connection.accepted();
            let (is_begun, is_over) =
                (accepted > self.before, self.before_last.is_some_and(|before| accepted > before));
            if is_begun && !is_over {
                let reason = CloseReason::truncated("a message was abandoned");
                connection.begin_close(Some(CloseCode::INTERNAL_ERROR), reason, deferred);
                connection.wake_driver(deferred);
            }
            if let Some(mut compressor) = compressor {
                if !is_begun {
                    // Its window contains data that the peer will not receive.
                    compressor.forget();
                }
                connection.put_compressor(compressor, deferred);
            }
        });
    }
}
