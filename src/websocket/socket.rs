//! An open WebSocket.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures_core::Stream;
use futures_sink::Sink;
use tokio::io::{AsyncRead, AsyncWrite};
use tungstenite::{Error, Message, protocol::Role};

use super::{
    background::share,
    bytes::ByteStream,
    connection::{Attached, Compress},
    driver::Driver,
    failure_report::FailureReport,
    handle::Handle,
    negotiated::Negotiated,
    receiver::Receiver,
    sender::Sender,
    sending::Sending,
    shared::Shared,
    sink::SinkState,
    try_send_error::TrySendError,
};
use crate::close::{CloseCode, CloseInfo, CloseReason};
use crate::io::UpgradedIo;
use crate::metrics::id::WebSocketId;

/// An open WebSocket: a [`Stream`] and a [`Sink`] of [`Message`]s.
///
/// ```
/// use tower_websocket::{Error, WebSocket};
///
/// async fn echo(mut socket: WebSocket) -> Result<(), Error> {
///     while let Some(message) = socket.recv_data().await {
///         socket.send(message?).await?;
///     }
///     Ok(())
/// }
/// ```
///
/// Idle peers are pinged. A protocol violation or an oversized message closes the connection with
/// code 1002, 1007 or 1009; receiving then returns the error once, and `None` afterwards.
/// [`Message::Ping`], [`Pong`](Message::Pong) and [`Close`](Message::Close) are shown for
/// information and are answered automatically. Pongs that answer the connection's own pings are not
/// shown.
///
/// Dropping the socket closes it with 1000, or 1011 when a panic drops it; the closing handshake is
/// finished in the background.
///
/// # What happens while the handler does not receive
///
/// In a handler, and wherever a [`Driver`] is polled, messages are received ahead of the handler:
/// at most 64 KiB of them, each counted with 64 bytes more than its payload, and the one message
/// that goes over that. Within that limit, whatever the handler does (it sends only, it waits for
/// something else, or it blocks its thread in a runtime with several):
///
/// - Pings are answered, and pongs count.
/// - The peer's Close is answered at once, behind everything that was sent before it arrived. There
///   is one exception: a handler that receives messages has time to answer those before the Close.
///   It can send until it asks for a message that the peer did not send, for at most 100 ms after
///   the Close arrived or after it took the last message.
/// - An end of stream or a reset ends the connection at once; after an end of stream, what was
///   accepted for sending still goes out.
/// - From then on, sending fails, and [`closed`](Self::closed) resolves. Messages that were
///   received ahead can still be received.
///
/// If more than that is unread, the rest stays in the system's buffers, and the peer's sends wait.
/// A Close that stands behind it is seen once the handler has received enough.
///
/// Without a driver, the same is done while any of the socket's methods is awaited; between them
/// nobody looks at the connection.
///
/// # Errors of receiving and sending
///
/// [`Error`] is tungstenite's. Of its variants, these occur:
///
/// | [`recv`](Self::recv) returns | when | Close sent to the peer |
/// | --- | --- | --- |
/// | [`Error::Protocol`] | the peer broke a rule of the protocol | 1002 |
/// | [`Error::Utf8`] | a text or a close reason is not UTF-8 | 1007 |
/// | [`Error::Io`] of kind [`InvalidData`](std::io::ErrorKind::InvalidData) | a compressed message cannot be inflated | 1007 |
/// | [`Error::Capacity`] | a message or frame is larger than [`max_message_size`](crate::Config::max_message_size) or [`max_frame_size`](crate::Config::max_frame_size) | 1009 |
/// | [`Error::Io`] of kind [`TimedOut`](std::io::ErrorKind::TimedOut) | the peer did not answer a ping within [`keepalive_timeout`](crate::Config::keepalive_timeout) | 1011 |
/// | [`Error::Protocol`] with [`ResetWithoutClosingHandshake`] | the stream ended without a Close | none |
/// | [`Error::Io`] of any other kind | reading failed | none |
///
/// [`close_code_of`](crate::close::close_code_of) returns the code of the last column. The peer's
/// Close is not an error: it is received as a message, and `None` follows.
///
/// | [`send`](Self::send) and [`flush`](Self::flush) return | when | the connection |
/// | --- | --- | --- |
/// | [`Error::Protocol`] with [`SendAfterClosing`] | the closing handshake has begun, from either side | is closing |
/// | [`Error::AlreadyClosed`] | the connection is over, or writing has failed before | is over |
/// | [`Error::Io`] | writing failed, or the peer did not answer a ping; returned once | is over |
/// | [`Error::Capacity`] | a raw [`Message::Frame`] is larger than [`max_write_buffer_size`](crate::Config::max_write_buffer_size) | stays open |
/// | [`Error::Protocol`] with [`ControlFrameTooBig`] or [`InvalidCloseSequence`] | a ping or pong has more than 125 bytes; a [`Message::Close`] has a code that must not be sent | stays open |
///
/// [`ControlFrameTooBig`]: tungstenite::error::ProtocolError::ControlFrameTooBig
/// [`InvalidCloseSequence`]: tungstenite::error::ProtocolError::InvalidCloseSequence
/// [`ResetWithoutClosingHandshake`]: tungstenite::error::ProtocolError::ResetWithoutClosingHandshake
/// [`SendAfterClosing`]: tungstenite::error::ProtocolError::SendAfterClosing
///
/// # As a `Sink`
///
/// `poll_flush`, and so `SinkExt::send`, writes what was sent before and waits until the system has
/// taken it: it is never delayed, see [`Config::cork`](crate::Config::cork). `poll_close` sends
/// Close 1000 and is ready once that is written; it does not wait for the peer and discards
/// nothing, so the stream can be read until the peer's Close. [`close`](Self::close) waits for the
/// whole closing handshake.
///
/// # IO
///
/// `IO` is anything that is `AsyncRead + AsyncWrite`; [`UpgradedIo`] is what an HTTP server hands
/// over. A socket must be used within a tokio runtime whose timers are enabled.
pub struct WebSocket<IO = UpgradedIo> {
    handle: Handle<IO>,
    sink: SinkState,
}

impl<IO: AsyncRead + AsyncWrite + Send + Unpin + 'static> WebSocket<IO> {
    /// `unread` goes before what `io` will still give.
    pub(crate) fn new(io: IO, unread: &[u8], negotiated: Negotiated) -> Self {
        Self { handle: Handle::new(share(io, unread, negotiated)), sink: SinkState::default() }
    }

    /// Splits the socket into a half that sends, which can be cloned, and one that receives.
    ///
    /// Dropping the receiver or the last sender closes the connection.
    ///
    /// # Panics
    ///
    /// Panics outside a tokio runtime if the socket has no driver, because a driver task has to be
    /// spawned.
    pub fn split(self) -> (Sender<IO>, Receiver<IO>) {
        let handle = self.into_driven();
        (Sender::new(Arc::clone(handle.shared())), Receiver::new(handle))
    }

    /// Makes the socket a stream of bytes, those of its binary messages, for code that reads and
    /// writes one: a copy to and from TCP, TLS or another protocol inside of the WebSocket.
    ///
    /// # Panics
    ///
    /// Panics outside a tokio runtime if the socket has no driver, because a driver task has to be
    /// spawned.
    pub fn into_byte_stream(self) -> ByteStream<IO> {
        ByteStream::new(self.into_driven())
    }

    /// Returns what is left of the socket when several tasks may use it: a driver looks after it.
    fn into_driven(mut self) -> Handle<IO> {
        self.sink.leave(&self.handle);
        let shared = self.handle.shared();
        if !shared.lock().is_driven() {
            tokio::spawn(Driver::background(Arc::clone(shared)));
        }
        self.handle
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> WebSocket<IO> {
    /// Receives the next message; returns `None` once the connection is over.
    ///
    /// Pings, pongs and the peer's Close are messages too; [`recv_data`](Self::recv_data) skips
    /// them.
    ///
    /// # Errors
    ///
    /// An error is returned once, after all messages that came before it, and is followed by
    /// `None`. The [table](Self#errors-of-receiving-and-sending) shows which there are.
    ///
    /// # Cancel safety
    ///
    /// This method is cancel safe. If it is dropped before it completes, no message is lost.
    pub fn recv(&mut self) -> impl Future<Output = Option<Result<Message, Error>>> {
        self.handle.shared().recv()
    }

    /// Receives the next text or binary message; returns `None` once the connection is over. Pings,
    /// pongs and the peer's Close, which are answered in any case, are skipped.
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv).
    ///
    /// # Cancel safety
    ///
    /// This method is cancel safe. If it is dropped before it completes, no text or binary message
    /// is lost.
    pub async fn recv_data(&mut self) -> Option<Result<Message, Error>> {
        self.handle.shared().recv_data().await
    }

    /// Sends a message: waits for space in the write buffer, then writes the message.
    ///
    /// In a handler, messages that are sent one after the other leave in one system call, when the
    /// handler's task next yields; see [`Config::cork`](crate::Config::cork), and
    /// [`flush`](Self::flush) to write them now.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Protocol`] or [`Error::AlreadyClosed`] once the connection is closing, and
    /// [`Error::Io`] if it broke. The [table](Self#errors-of-receiving-and-sending) shows all of
    /// them.
    ///
    /// # Cancel safety
    ///
    /// If dropped while waiting for space, the message is not sent. Once queued, it is sent in full
    /// even if the future is dropped.
    pub fn send(&mut self, message: impl Into<Message>) -> impl Future<Output = Result<(), Error>> {
        Sending::new(&self.handle, message.into(), Compress::Negotiated)
    }

    /// Sends a message if there is space for it now. If the write buffer is full, this first writes
    /// what the IO takes without waiting.
    ///
    /// # Errors
    ///
    /// [`TrySendError::Full`] when the IO takes nothing more and [`TrySendError::Closed`] once the
    /// connection is closing return the message; [`TrySendError::Failed`] does not.
    pub fn try_send(&mut self, message: impl Into<Message>) -> Result<(), TrySendError> {
        self.handle.shared().try_send(message.into(), Compress::Negotiated)
    }

    /// Writes everything that was sent before, now, and waits until the system has taken it. What
    /// others send meanwhile is not waited for.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    ///
    /// # Cancel safety
    ///
    /// This method is cancel safe.
    pub async fn flush(&mut self) -> Result<(), Error> {
        self.handle.flush().await
    }

    /// Closes the connection: sends a Close behind everything that was sent before, then waits
    /// until the peer's Close and end of stream. Messages received meanwhile are discarded. `None`
    /// sends a Close without a code, and no reason.
    ///
    /// A reason longer than [`CloseReason::MAX`], 123 bytes, is cut between two characters.
    ///
    /// # Errors
    ///
    /// Returns an error if writing fails, and [`Error::Io`] of kind
    /// [`TimedOut`](std::io::ErrorKind::TimedOut) if the connection was cut because nothing moved
    /// for as long as [`Config::close_timeout`](crate::Config::close_timeout) says.
    ///
    /// # Cancel safety
    ///
    /// The Close is sent once this was polled, and when the socket is dropped the rest happens in
    /// the background.
    pub async fn close(
        &mut self,
        code: impl Into<Option<CloseCode>>,
        reason: impl AsRef<str>,
    ) -> Result<(), Error> {
        self.handle.close(code.into(), CloseReason::truncated(reason.as_ref())).await
    }

    /// Waits until messages can no longer be sent: one side has begun to close, or the connection
    /// has failed.
    ///
    /// A handler that waits for something other than messages waits for this as well, and learns of
    /// the peer's end at once:
    ///
    /// ```
    /// use tokio::sync::mpsc;
    /// use tower_websocket::WebSocket;
    ///
    /// async fn notify(mut socket: WebSocket, mut events: mpsc::Receiver<String>) {
    ///     loop {
    ///         tokio::select! {
    ///             event = events.recv() => match event {
    ///                 Some(event) => if socket.send(event).await.is_err() { break },
    ///                 None => break,
    ///             },
    ///             () = socket.closed() => break,
    ///         }
    ///     }
    /// }
    /// ```
    ///
    /// # Cancel safety
    ///
    /// This method is cancel safe.
    pub async fn closed(&self) {
        self.handle.closed().await;
    }

    /// Calls `f` with the IO, once no other task is working with it; returns `None` once the
    /// connection is over. For addresses and socket options, not for reading and writing.
    ///
    /// # Cancel safety
    ///
    /// This method is cancel safe.
    pub async fn with_io<R>(&mut self, f: impl FnOnce(&IO) -> R) -> Option<R> {
        self.handle.with_io(f).await
    }

    pub(super) fn shared(&self) -> &Arc<Shared<IO>> {
        self.handle.shared()
    }

    pub(super) async fn detach(&self) -> Result<(IO, Vec<u8>), Attached> {
        self.handle.detach().await
    }

    /// Ends the connection at once, without a Close.
    #[cfg(feature = "testing")]
    pub(crate) fn abort(self) {
        self.handle.shared().with(|connection, deferred| connection.abort(deferred));
    }

    pub(super) fn role(&self) -> Role {
        self.handle.lock().role()
    }

    pub(super) fn limits(&self) -> (usize, usize) {
        self.handle.lock().limits()
    }

    /// Runs `handler` with a driver. Poll the returned [`Driver`] instead of the handler's future:
    /// it writes what the handler sends when the handler yields, pings while the handler does
    /// something else, answers the peer's pings and Close, and finishes the closing handshake when
    /// the handler is done.
    ///
    /// Sockets that a layer passes to its handler have one.
    pub fn drive<F, Fut>(self, handler: F) -> Driver<IO, Fut>
    where
        F: FnOnce(Self) -> Fut,
        Fut: Future,
    {
        let shared = Arc::clone(self.handle.shared());
        Driver::new(shared, || handler(self))
    }

    /// Sends a message without compressing it, whatever was agreed on; otherwise as
    /// [`send`](Self::send).
    ///
    /// For secrets, as the length of a compressed message tells something about its content, and
    /// for data that is compressed already; see [`Deflate`](crate::Deflate).
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    ///
    /// # Cancel safety
    ///
    /// As [`send`](Self::send).
    #[cfg(feature = "deflate")]
    pub fn send_uncompressed(
        &mut self,
        message: impl Into<Message>,
    ) -> impl Future<Output = Result<(), Error>> {
        Sending::new(&self.handle, message.into(), Compress::Never)
    }
}

impl WebSocket {
    pub(crate) fn failure_report(&self) -> FailureReport {
        FailureReport::new(Arc::clone(self.handle.shared()))
    }
}

impl<IO> WebSocket<IO> {
    /// Returns how the connection was closed, or is being closed; `None` while it is open.
    ///
    /// It is complete once [`recv`](Self::recv) has returned `None`.
    pub fn close_info(&self) -> Option<CloseInfo> {
        self.handle.lock().close_info()
    }

    /// Returns `true` if no more messages can be sent.
    pub fn is_closed(&self) -> bool {
        !self.handle.lock().is_open()
    }

    /// Returns what tells the socket from all others.
    pub fn id(&self) -> WebSocketId {
        self.handle.id()
    }

    /// Returns the subprotocol that the opening handshake agreed on.
    pub fn protocol(&self) -> Option<&str> {
        self.handle.protocol()
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Stream for WebSocket<IO> {
    type Item = Result<Message, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.handle.poll_recv(cx)
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Sink<Message> for WebSocket<IO> {
    type Error = Error;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let Self { handle, sink, .. } = &mut *self;
        sink.poll_ready(handle, cx)
    }

    fn start_send(self: Pin<&mut Self>, message: Message) -> Result<(), Error> {
        self.handle.start_send(message)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let Self { handle, sink, .. } = &mut *self;
        sink.poll_flush(handle, cx)
    }

    /// Sends Close 1000 and waits until it is written. The stream goes on until the peer's Close:
    /// nothing that still comes is thrown away.
    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let Self { handle, sink, .. } = &mut *self;
        sink.poll_close(handle, cx)
    }
}

impl<IO> fmt::Debug for WebSocket<IO> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocket").field("protocol", &self.protocol()).finish_non_exhaustive()
    }
}
