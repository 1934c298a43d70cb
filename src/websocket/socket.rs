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
    background::{Background, share},
    bytes::ByteStream,
    connection::{Attached, Compress},
    driver::Driver,
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
/// Idle peers are pinged. A protocol violation or an oversized message closes the connection with
/// code 1002, 1007 or 1009; receiving then returns the error once, and `None` afterwards.
/// [`Message::Ping`], [`Pong`](Message::Pong) and [`Close`](Message::Close) are delivered for
/// information and are answered automatically. Pongs that answer the connection's own pings are not
/// delivered.
///
/// Dropping the socket closes it with 1000, or with 1011 if a panic drops it. The closing handshake
/// then completes in the background.
///
/// # Examples
///
/// An echo handler:
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
/// A handler that logs its connection:
///
/// ```
/// use tower_websocket::{Message, WebSocket};
///
/// async fn log(mut socket: WebSocket) {
///     println!("{}: opened with subprotocol {:?}", socket.id(), socket.protocol());
///     while let Some(received) = socket.recv().await {
///         match received {
///             Ok(Message::Text(text)) => println!("{}: {text}", socket.id()),
///             Ok(message) => println!("{}: {} bytes", socket.id(), message.len()),
///             Err(error) => println!("{}: {error}", socket.id()),
///         }
///         if socket.is_closed() {
///             println!("{}: can no longer send", socket.id());
///         }
///     }
///     if let Some(info) = socket.close_info() {
///         println!("{}: closed with {} {:?}", socket.id(), info.code(), info.reason());
///     }
/// }
/// ```
///
/// # What happens while the handler does not receive
///
/// While a [`Driver`] is polled, as for every handler, up to 64 KiB of messages are received before
/// the handler asks for them. Each message counts as its payload plus 64 bytes, and the message
/// that reaches the limit is received in full. Until the limit is reached, the following holds even
/// if the handler only sends, waits for something else, or blocks inside
/// `tokio::task::block_in_place`:
///
/// - Pings are answered, and pongs are noticed.
/// - The peer's Close is answered at once, after everything that was sent before the Close arrived.
///   There is one exception. If the peer sent messages before its Close, and the handler has begun
///   to receive or is being polled for the first time, the reply to the Close is delayed until the
///   handler asks for a message beyond them, but by at most 100 ms from when the handler took the
///   last of them, or from when the Close arrived.
/// - An end of stream or a reset ends the connection at once. After an end of stream, messages that
///   were accepted for sending are still written.
/// - Once the connection is closing or over, sending fails and [`closed`](Self::closed) completes.
///   Messages that were already received can still be taken with [`recv`](Self::recv).
///
/// Above the limit, further data stays in the system's buffers, and the peer's sends block. A Close
/// behind that data is noticed once the handler has received enough.
///
/// A handler that blocks its thread should do so inside `block_in_place`, or in a function that it
/// passes to `spawn_blocking`. Otherwise tokio may not wake another thread, and a pong or the reply
/// to a Close waits until the handler no longer blocks. If several messages arrived together, and
/// the handler blocks for the first of them, a control frame behind the others is handled when the
/// handler receives again, or when more data arrives.
///
/// Without a driver, all of this happens only while one of the socket's methods is being awaited.
/// A `send` that finds space in the write buffer does not wait, and then does none of it.
///
/// # Errors of receiving and sending
///
/// [`Error`] is tungstenite's. [`recv`](Self::recv) returns these variants:
///
/// | error | cause | Close sent |
/// | --- | --- | --- |
/// | [`Protocol`] | the peer violated the protocol | 1002 |
/// | [`Utf8`] | a text or a close reason is not UTF-8 | 1007 |
/// | [`Io`] | a compressed message cannot be inflated | 1007 |
/// | [`Capacity`] | a message or a frame is too large | 1009 |
/// | [`Io`] | the peer did not answer a ping | 1011 |
/// | [`Protocol`] | the stream ended without a Close | none |
/// | [`Io`] | reading failed | none |
///
/// - The kind of the [`Io`] error is [`InvalidData`] for data that cannot be inflated, and
///   [`TimedOut`] if no answer to a ping arrived within [`keepalive_timeout`].
/// - The limits are [`max_message_size`] and [`max_frame_size`].
/// - If the stream ended without a Close, the error contains
///   [`ProtocolError::ResetWithoutClosingHandshake`][reset].
/// - The peer's Close is not an error: it is received as a message, followed by `None`.
///
/// [`close_code_of`](crate::close::close_code_of) returns the code in the last column.
///
/// [`send`](Self::send) and [`flush`](Self::flush) return these variants:
///
/// | error | cause | connection |
/// | --- | --- | --- |
/// | [`Protocol`] | either side has begun to close | closing |
/// | [`AlreadyClosed`] | it is over, or a write failed before | over |
/// | [`Io`] | writing failed, or the peer did not answer a ping | over |
/// | [`Capacity`] | a [`Message::Frame`] is too large | open |
/// | [`Protocol`] | a ping or pong exceeds 125 bytes | open |
/// | [`Protocol`] | a Close has a code that must not be sent | open |
///
/// - [`Io`] is returned once by sending and once by receiving, and [`AlreadyClosed`] after that.
/// - The limit of a [`Message::Frame`] is [`max_write_buffer_size`].
/// - The [`Protocol`] errors contain, from top to bottom, [`SendAfterClosing`],
///   [`ControlFrameTooBig`] and [`InvalidCloseSequence`].
///
/// [`AlreadyClosed`]: Error::AlreadyClosed
/// [`Capacity`]: Error::Capacity
/// [`ControlFrameTooBig`]: tungstenite::error::ProtocolError::ControlFrameTooBig
/// [`InvalidCloseSequence`]: tungstenite::error::ProtocolError::InvalidCloseSequence
/// [`InvalidData`]: std::io::ErrorKind::InvalidData
/// [`Io`]: Error::Io
/// [`Protocol`]: Error::Protocol
/// [`SendAfterClosing`]: tungstenite::error::ProtocolError::SendAfterClosing
/// [`TimedOut`]: std::io::ErrorKind::TimedOut
/// [`Utf8`]: Error::Utf8
/// [`keepalive_timeout`]: crate::Config::keepalive_timeout
/// [`max_frame_size`]: crate::Config::max_frame_size
/// [`max_message_size`]: crate::Config::max_message_size
/// [`max_write_buffer_size`]: crate::Config::max_write_buffer_size
/// [reset]: tungstenite::error::ProtocolError::ResetWithoutClosingHandshake
///
/// # As a `Sink`
///
/// `poll_flush`, and therefore `SinkExt::send`, writes everything that was sent before and waits
/// until the system has accepted it. It writes at once, regardless of
/// [`Config::cork`](crate::Config::cork).
///
/// `poll_close` sends Close 1000 and completes once that Close is written. It neither waits for the
/// peer nor discards messages, so the stream can be read until the peer's Close.
/// [`close`](Self::close) waits for the whole closing handshake.
///
/// # IO
///
/// `IO` is any `AsyncRead + AsyncWrite`. The default, [`UpgradedIo`], is the IO that an HTTP server
/// hands over. A socket must be used within a tokio runtime with timers enabled.
pub struct WebSocket<IO = UpgradedIo> {
    handle: Handle<IO>,
    sink: SinkState,
}

impl<IO: AsyncRead + AsyncWrite + Send + Unpin + 'static> WebSocket<IO> {
    /// `unread` are bytes that were already read from `io`.
    pub(crate) fn new(io: IO, unread: &[u8], negotiated: Negotiated) -> Self {
        Self { handle: Handle::new(share(io, unread, negotiated)), sink: SinkState::default() }
    }

    /// Splits the socket into a half that sends, which can be cloned, and a half that receives.
    ///
    /// Dropping the receiver or the last sender closes the connection.
    ///
    /// # Panics
    ///
    /// Panics outside a tokio runtime if the socket has no driver, because a driver task has to be
    /// spawned.
    ///
    /// # Examples
    ///
    /// See the [example](Sender#examples) of the sender.
    pub fn split(self) -> (Sender<IO>, Receiver<IO>) {
        let handle = self.into_driven();
        (Sender::new(Arc::clone(handle.shared())), Receiver::new(handle))
    }

    /// Turns the socket into a stream of bytes: the payloads of its binary messages.
    ///
    /// This suits code that expects `AsyncRead + AsyncWrite`, such as a proxy to TCP, TLS, or
    /// another protocol inside the WebSocket.
    ///
    /// # Panics
    ///
    /// Panics outside a tokio runtime if the socket has no driver, because a driver task has to be
    /// spawned.
    ///
    /// # Examples
    ///
    /// See the [example](ByteStream#examples) of the stream.
    pub fn into_byte_stream(self) -> ByteStream<IO> {
        ByteStream::new(self.into_driven())
    }

    /// Returns the socket's handle once the socket has a driver, so that several tasks may use it.
    fn into_driven(mut self) -> Handle<IO> {
        self.sink.remove_waiters(&self.handle);
        let shared = self.handle.shared();
        if !shared.lock().is_driven() {
            tokio::spawn(Background::new(Arc::clone(shared)));
        }
        self.handle
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> WebSocket<IO> {
    /// Receives the next message, or returns `None` once the connection is over.
    ///
    /// Pings, pongs and the peer's Close are returned as messages; [`recv_data`](Self::recv_data)
    /// skips them.
    ///
    /// # Errors
    ///
    /// Returns an error once, after all messages that arrived before it. `None` follows. The
    /// [table](Self#errors-of-receiving-and-sending) lists the errors.
    ///
    /// # Cancel safety
    ///
    /// This method is cancel safe. If it is dropped before it completes, no message is lost.
    ///
    /// # Examples
    ///
    /// See the [examples](Self#examples) of the type.
    pub fn recv(&mut self) -> impl Future<Output = Option<Result<Message, Error>>> {
        self.handle.shared().recv()
    }

    /// Receives the next text or binary message, or returns `None` once the connection is over.
    ///
    /// Skips pings, pongs and the peer's Close, which are still answered automatically.
    ///
    /// # Errors
    ///
    /// Returns the same errors as [`recv`](Self::recv).
    ///
    /// # Cancel safety
    ///
    /// This method is cancel safe. If it is dropped before it completes, no text or binary message
    /// is lost.
    ///
    /// # Examples
    ///
    /// See the [examples](Self#examples) of the type.
    pub async fn recv_data(&mut self) -> Option<Result<Message, Error>> {
        self.handle.shared().recv_data().await
    }

    /// Sends a message: waits for space in the write buffer, then writes the message.
    ///
    /// In a handler, consecutive messages are written in one system call when the handler's task
    /// next yields, see [`Config::cork`](crate::Config::cork). [`flush`](Self::flush) writes them
    /// at once.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Protocol`] or [`Error::AlreadyClosed`] once the connection is closing, and
    /// [`Error::Io`] if it failed. The [table](Self#errors-of-receiving-and-sending) lists all
    /// errors.
    ///
    /// # Cancel safety
    ///
    /// If this method is dropped while it waits for space, the message is not sent. Once queued,
    /// the message is sent in full even if the future is dropped.
    ///
    /// # Examples
    ///
    /// See the [examples](Self#examples) of the type.
    pub fn send(&mut self, message: impl Into<Message>) -> impl Future<Output = Result<(), Error>> {
        Sending::new(&self.handle, message.into())
    }

    /// Sends a message if there is space in the write buffer.
    ///
    /// If the buffer is full, this method first writes as much as the IO accepts without waiting.
    ///
    /// # Errors
    ///
    /// - [`TrySendError::Full`] if the IO accepts nothing more. It contains the message.
    /// - [`TrySendError::Closed`] once the connection is closing. It contains the message.
    /// - [`TrySendError::Failed`] if the message is invalid, such as a ping of more than 125 bytes,
    ///   or if the connection fails during the call. The message is dropped.
    ///
    /// # Examples
    ///
    /// ```
    /// use tower_websocket::{WebSocket, websocket::TrySendError};
    ///
    /// /// Sends a position, or skips it if the peer is slow: the next one is more recent.
    /// fn show(socket: &mut WebSocket, position: &str) -> Result<(), TrySendError> {
    ///     match socket.try_send(position) {
    ///         Err(TrySendError::Full(_)) => Ok(()),
    ///         sent => sent,
    ///     }
    /// }
    /// ```
    pub fn try_send(&mut self, message: impl Into<Message>) -> Result<(), TrySendError> {
        self.handle.shared().try_send(message.into(), Compress::Negotiated)
    }

    /// Writes everything that was sent before, and waits until the system has accepted it.
    ///
    /// Does not wait for messages that other tasks send meanwhile.
    ///
    /// # Errors
    ///
    /// Returns the same errors as [`send`](Self::send).
    ///
    /// # Cancel safety
    ///
    /// This method is cancel safe.
    ///
    /// # Examples
    ///
    /// ```
    /// use tower_websocket::{Error, WebSocket};
    ///
    /// async fn progress(socket: &mut WebSocket) -> Result<(), Error> {
    ///     socket.send("started").await?;
    ///     // The peer must not wait for this line until the work is done.
    ///     socket.flush().await?;
    ///     let sum: u64 = (0..1_000_000).sum();
    ///     socket.send(sum.to_string()).await
    /// }
    /// ```
    pub async fn flush(&mut self) -> Result<(), Error> {
        self.handle.flush().await
    }

    /// Closes the connection: sends a Close after everything that was sent before, then waits for
    /// the peer's Close and the end of the stream.
    ///
    /// Messages that arrive meanwhile are discarded.
    ///
    /// If `code` is `None`, the Close has neither a code nor a reason. A reason longer than
    /// [`CloseReason::MAX`] (123 bytes) is truncated at a character boundary.
    ///
    /// # Errors
    ///
    /// Returns an error if writing fails, and [`Error::Io`] of kind
    /// [`TimedOut`](std::io::ErrorKind::TimedOut) if the connection was cut because no data moved
    /// for [`Config::close_timeout`](crate::Config::close_timeout).
    ///
    /// # Cancel safety
    ///
    /// The Close is sent once this method was polled. If the future is dropped, the socket can
    /// receive again; if the socket is dropped as well, the closing handshake completes in the
    /// background.
    ///
    /// # Examples
    ///
    /// ```
    /// use tower_websocket::{CloseCode, Error, WebSocket};
    ///
    /// async fn greet(mut socket: WebSocket) -> Result<(), Error> {
    ///     socket.send("hello").await?;
    ///     socket.close(CloseCode::NORMAL, "no further greetings").await
    /// }
    /// ```
    pub async fn close(
        &mut self,
        code: impl Into<Option<CloseCode>>,
        reason: impl AsRef<str>,
    ) -> Result<(), Error> {
        self.handle.close(code.into(), CloseReason::truncated(reason.as_ref())).await
    }

    /// Waits until no more messages can be sent: either side has begun to close, or the connection
    /// has failed.
    ///
    /// A handler that waits for something other than messages should wait for this as well, to stop
    /// as soon as the peer leaves.
    ///
    /// # Cancel safety
    ///
    /// This method is cancel safe.
    ///
    /// # Examples
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
    pub async fn closed(&self) {
        self.handle.closed().await;
    }

    /// Calls `f` with the IO, once no other task is using it.
    ///
    /// Returns `None` once the connection is over.
    ///
    /// This is for addresses and socket options, not for reading and writing.
    ///
    /// # Cancel safety
    ///
    /// This method is cancel safe.
    ///
    /// # Examples
    ///
    /// ```
    /// use tower_websocket::WebSocket;
    ///
    /// async fn handler(mut socket: WebSocket) {
    ///     let nodelay = socket.with_io(|io| io.as_tcp().map(|tcp| tcp.nodelay())).await;
    ///     println!("TCP_NODELAY: {nodelay:?}");
    /// }
    /// ```
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

    /// Runs `handler` with a driver.
    ///
    /// Poll the returned [`Driver`] instead of the handler's future: it writes sent messages when
    /// the handler yields, sends pings while the handler does something else, answers the peer's
    /// pings and Close, and completes the closing handshake when the handler returns.
    ///
    /// A layer runs its handlers this way. Call this method for a socket from an
    /// [`Acceptor`](crate::Acceptor) or a [`Connector`](crate::Connector).
    ///
    /// # Examples
    ///
    /// See the [example](Driver#examples) of the driver.
    pub fn drive<F, Fut>(self, handler: F) -> Driver<IO, Fut>
    where
        F: FnOnce(Self) -> Fut,
        Fut: Future,
    {
        let shared = Arc::clone(self.handle.shared());
        Driver::new(shared, || handler(self))
    }

    /// Sends a message uncompressed, even if compression was negotiated.
    ///
    /// Otherwise it works as [`send`](Self::send).
    ///
    /// This is for secrets, because the length of a compressed message reveals something about its
    /// content, and for data that is already compressed. See [`Deflate`](crate::Deflate).
    ///
    /// # Errors
    ///
    /// Returns the same errors as [`send`](Self::send).
    ///
    /// # Cancel safety
    ///
    /// As for [`send`](Self::send), a message is sent if it was queued before the future is
    /// dropped.
    ///
    /// # Examples
    ///
    /// ```
    /// use tower_websocket::{Error, WebSocket};
    ///
    /// async fn log_in(socket: &mut WebSocket, token: &str) -> Result<(), Error> {
    ///     socket.send_uncompressed(token).await
    /// }
    /// ```
    #[cfg(feature = "deflate")]
    pub fn send_uncompressed(
        &mut self,
        message: impl Into<Message>,
    ) -> impl Future<Output = Result<(), Error>> {
        Sending::uncompressed(&self.handle, message.into())
    }
}

impl<IO> WebSocket<IO> {
    /// Returns how the connection was closed or is being closed, or `None` while it is open.
    ///
    /// The value is final once [`recv`](Self::recv) has returned `None`.
    ///
    /// # Examples
    ///
    /// See the [examples](Self#examples) of the type.
    pub fn close_info(&self) -> Option<CloseInfo> {
        self.handle.lock().close_info()
    }

    /// Returns `true` if no more messages can be sent.
    ///
    /// See the [examples](Self#examples) of the type.
    pub fn is_closed(&self) -> bool {
        !self.handle.lock().is_open()
    }

    /// Returns the id of this socket, which no other socket of the process has.
    ///
    /// See the [examples](Self#examples) of the type.
    pub fn id(&self) -> WebSocketId {
        self.handle.id()
    }

    /// Returns the subprotocol that the opening handshake selected.
    ///
    /// See the [examples](Self#examples) of the type.
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

    fn start_send(mut self: Pin<&mut Self>, message: Message) -> Result<(), Error> {
        self.sink.message_sent();
        self.handle.start_send(message)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let Self { handle, sink, .. } = &mut *self;
        sink.poll_flush(handle, cx)
    }

    /// Sends Close 1000 and waits until it is written. Discards nothing: the stream can be read
    /// until the peer's Close.
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
