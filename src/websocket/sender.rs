//! The half of a socket that sends.

use std::{
    fmt,
    future::poll_fn,
    mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures_sink::Sink;
use tokio::io::{AsyncRead, AsyncWrite};
use tungstenite::{Error, Message, error::ProtocolError};

use super::{
    connection::{Compress, Urgency},
    handle::code_of_drop,
    recipient::Recipient,
    sending::Sending,
    shared::Shared,
    sink::SinkState,
    try_send_error::TrySendError,
};
use crate::close::{CloseCode, CloseReason};
use crate::io::UpgradedIo;
use crate::metrics::id::WebSocketId;

/// The half of a [`WebSocket`](crate::WebSocket) that sends. Clones send to the same socket.
///
/// Messages are queued in one buffer, bounded by
/// [`Config::max_write_buffer_size`](crate::Config::max_write_buffer_size), and written together.
/// Messages from a task other than the handler's are written soon, without waking the handler. When
/// the last sender is dropped, the connection closes with 1000, or with 1011 if a panic drops it;
/// the receiver still receives until the peer's Close.
///
/// As a `Sink`, `poll_close` closes this sender and waits until its messages are written. When the
/// last sender is closed this way or dropped, the connection closes with 1000, and `poll_close`
/// also waits until that Close is written. Generic code such as `StreamExt::forward` calls
/// `poll_close` at its end.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use tower_websocket::{Error, WebSocket};
///
/// async fn handler(socket: WebSocket) -> Result<(), Error> {
///     let (sender, mut receiver) = socket.split();
///
///     // A task that sends every second until the connection closes.
///     let ticks = sender.clone();
///     assert!(ticks.same_connection(&sender));
///     tokio::spawn(async move {
///         while !ticks.is_closed() {
///             tokio::time::sleep(Duration::from_secs(1)).await;
///             let _ = ticks.send("tick").await;
///         }
///         println!("{} is closed", ticks.id());
///     });
///
///     while let Some(message) = receiver.recv_data().await {
///         sender.send(message?).await?;
///     }
///     Ok(())
/// }
/// ```
pub struct Sender<IO = UpgradedIo> {
    pub(super) shared: Arc<Shared<IO>>,
    sink: SinkState,
    /// Set once it was closed as a `Sink`: it no longer counts as a sender.
    is_done: bool,
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Sender<IO> {
    pub(super) fn new(shared: Arc<Shared<IO>>) -> Self {
        shared.with(|connection, _| connection.add_sender());
        Self { shared, sink: SinkState::default(), is_done: false }
    }

    /// Returns a sender if the socket still has one and is open.
    pub(super) fn of_open(shared: Arc<Shared<IO>>) -> Option<Self> {
        let is_open = shared.with(|connection, _| connection.add_sender_if_open());
        is_open.then(|| Self { shared, sink: SinkState::default(), is_done: false })
    }

    /// Sends a message: waits for space in the write buffer, but not until the message is written.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Protocol`] or [`Error::AlreadyClosed`] once the connection is closing, and
    /// [`Error::Io`] if it failed. The [table](crate::WebSocket#errors-of-receiving-and-sending)
    /// lists all errors.
    ///
    /// # Cancel safety
    ///
    /// If this method is dropped while it waits for space, the message is not sent.
    ///
    /// # Examples
    ///
    /// See the [example](Self#examples) of the type.
    pub async fn send(&self, message: impl Into<Message>) -> Result<(), Error> {
        self.send_with(Sending::new(&self.shared, message.into())).await
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
    /// See the [example](crate::websocket) of the module.
    pub fn try_send(&self, message: impl Into<Message>) -> Result<(), TrySendError> {
        self.try_send_with(message.into(), Compress::Negotiated)
    }

    /// Writes everything that was sent before, and waits until the system has accepted it.
    ///
    /// Does not wait for messages that other senders send meanwhile.
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
    /// use tower_websocket::{Error, Sender};
    ///
    /// /// Returns once the system has accepted the message.
    /// async fn send_and_flush(sender: &Sender, message: &str) -> Result<(), Error> {
    ///     sender.send(message).await?;
    ///     sender.flush().await
    /// }
    /// ```
    pub async fn flush(&self) -> Result<(), Error> {
        self.shared.flush().await
    }

    /// Begins the closing handshake without waiting for it: queues a Close after everything that
    /// was sent before.
    ///
    /// From then on, sending fails; the receiver still receives until the peer's Close.
    ///
    /// If `code` is `None`, the Close has neither a code nor a reason. A reason longer than
    /// [`CloseReason::MAX`] (123 bytes) is truncated at a character boundary.
    ///
    /// # Examples
    ///
    /// ```
    /// use tower_websocket::{CloseCode, Sender};
    ///
    /// /// Removes a user who is connected several times.
    /// fn kick(senders: &[Sender]) {
    ///     for sender in senders {
    ///         sender.close(CloseCode::POLICY_VIOLATION, "kicked");
    ///     }
    /// }
    /// ```
    pub fn close(&self, code: impl Into<Option<CloseCode>>, reason: impl AsRef<str>) {
        let (code, reason) = (code.into(), CloseReason::truncated(reason.as_ref()));
        self.shared.begin_close(code, reason);
    }

    /// Waits until no more messages can be sent: either side has begun to close, or the connection
    /// has failed.
    ///
    /// A task that waits for something other than messages should wait for this as well; see the
    /// [example](crate::WebSocket::closed) of `WebSocket::closed`.
    ///
    /// # Cancel safety
    ///
    /// This method is cancel safe.
    pub async fn closed(&self) {
        self.shared.closed().await;
    }

    /// Returns `true` if no more messages can be sent.
    ///
    /// See the [example](Self#examples) of the type.
    pub fn is_closed(&self) -> bool {
        self.is_done || !self.shared.lock().is_open()
    }

    /// Returns the id of the socket, which no other socket of the process has.
    ///
    /// See the [example](Self#examples) of the type.
    pub fn id(&self) -> WebSocketId {
        self.shared.id()
    }

    /// Returns `true` if both senders send to the same socket.
    ///
    /// See the [example](Self#examples) of the type.
    pub fn same_connection(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }

    /// Returns for how long the IO has accepted no data although some is waiting to be written, or
    /// `None` if the IO is accepting data.
    ///
    /// This distinguishes a slow peer, which accepts data now and then, from one that accepts none.
    ///
    /// See the [example](crate::websocket) of the module.
    pub fn stalled(&self) -> Option<Duration> {
        self.shared.stalled()
    }

    fn try_send_with(&self, message: Message, compress: Compress) -> Result<(), TrySendError> {
        if self.is_done {
            return Err(TrySendError::Closed(message));
        }
        self.shared.try_send(message, compress)
    }

    fn check_done(&self) -> Result<(), Error> {
        if self.is_done { Err(ProtocolError::SendAfterClosing.into()) } else { Ok(()) }
    }

    async fn send_with<const COMPRESS: bool>(
        &self,
        mut sending: Sending<'_, IO, COMPRESS>,
    ) -> Result<(), Error> {
        self.check_done()?;
        let queued = poll_fn(|cx| sending.poll_queued(cx)).await?;
        if queued.urgency != Urgency::Corked {
            self.shared.write_soon();
        }
        Ok(())
    }
}

impl<IO: AsyncRead + AsyncWrite + Send + Unpin + 'static> Sender<IO> {
    /// Returns a recipient for messages that are sent to several sockets.
    pub(crate) fn recipient(&self) -> Recipient {
        Recipient::new(Arc::clone(&self.shared))
    }
}

/// Sending without compression.
#[cfg(feature = "deflate")]
impl<IO: AsyncRead + AsyncWrite + Unpin> Sender<IO> {
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
    /// If this method is dropped while it waits for space, the message is not sent.
    ///
    /// # Examples
    ///
    /// See the [example](crate::WebSocket::send_uncompressed) of `WebSocket::send_uncompressed`.
    pub async fn send_uncompressed(&self, message: impl Into<Message>) -> Result<(), Error> {
        self.send_with(Sending::uncompressed(&self.shared, message.into())).await
    }

    /// Sends a message uncompressed, even if compression was negotiated.
    ///
    /// Otherwise it works as [`try_send`](Self::try_send).
    ///
    /// # Errors
    ///
    /// Returns the same errors as [`try_send`](Self::try_send).
    ///
    /// # Examples
    ///
    /// ```
    /// use tower_websocket::{Sender, websocket::TrySendError};
    ///
    /// /// Sends a picture, which is already compressed.
    /// fn show(sender: &Sender, jpeg: Vec<u8>) -> Result<(), TrySendError> {
    ///     sender.try_send_uncompressed(jpeg)
    /// }
    /// ```
    pub fn try_send_uncompressed(&self, message: impl Into<Message>) -> Result<(), TrySendError> {
        self.try_send_with(message.into(), Compress::Never)
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Clone for Sender<IO> {
    /// Returns another sender of the socket. The clone of a sender that was closed as a `Sink` is
    /// closed.
    fn clone(&self) -> Self {
        let shared = Arc::clone(&self.shared);
        if self.is_done {
            return Self { shared, sink: SinkState::default(), is_done: true };
        }
        Self::new(shared)
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Sink<Message> for Sender<IO> {
    type Error = Error;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.check_done()?;
        let Self { shared, sink, .. } = &mut *self;
        sink.poll_ready(shared, cx)
    }

    fn start_send(mut self: Pin<&mut Self>, message: Message) -> Result<(), Error> {
        self.check_done()?;
        self.sink.message_sent();
        self.shared.start_send(message)?;
        self.shared.write_soon();
        Ok(())
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let Self { shared, sink, .. } = &mut *self;
        sink.poll_flush(shared, cx)
    }

    /// Closes this sender, then flushes. For the last sender, also waits until the Close is
    /// written.
    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let Self { shared, sink, is_done } = &mut *self;
        if !mem::replace(is_done, true) {
            shared.with(|connection, deferred| connection.remove_sender(CloseCode::NORMAL, deferred));
        }
        let is_open = shared.lock().is_open();
        if is_open { sink.poll_flush(shared, cx) } else { sink.poll_close(shared, cx) }
    }
}

impl<IO> Drop for Sender<IO> {
    fn drop(&mut self) {
        self.sink.remove_waiters(&self.shared);
        if !self.is_done {
            self.shared.with(|connection, deferred| connection.remove_sender(code_of_drop(), deferred));
        }
    }
}

impl<IO> fmt::Debug for Sender<IO> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").finish_non_exhaustive()
    }
}
