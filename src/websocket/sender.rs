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

/// The half of a [`WebSocket`](crate::WebSocket) that sends. Clones are further senders.
///
/// Messages are queued in one buffer, bounded by
/// [`Config::max_write_buffer_size`](crate::Config::max_write_buffer_size), and written together.
/// What is sent from other tasks than the handler's is written soon, without waking the handler.
/// When the last sender is dropped, the connection closes with 1000; the receiver receives until
/// the peer's Close.
///
/// As a `Sink`, its `poll_close` closes this sender, and waits until what it has sent is written.
/// When the last sender is closed so or dropped, the connection closes with 1000, and `poll_close`
/// waits until that Close is written as well. Generic code, such as `StreamExt::forward`, closes
/// what it has filled.
pub struct Sender<IO = UpgradedIo> {
    pub(super) shared: Arc<Shared<IO>>,
    sink: SinkState,
    /// Whether it was closed as a `Sink`, and does not count any more.
    is_done: bool,
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Sender<IO> {
    pub(super) fn new(shared: Arc<Shared<IO>>) -> Self {
        shared.with(|connection, _| connection.add_sender());
        Self { shared, sink: SinkState::default(), is_done: false }
    }

    /// Returns a sender of a socket that has one already and is open.
    pub(super) fn of_open(shared: Arc<Shared<IO>>) -> Option<Self> {
        let is_open = shared.with(|connection, _| connection.add_sender_if_open());
        is_open.then(|| Self { shared, sink: SinkState::default(), is_done: false })
    }

    /// Sends a message: waits for space in the write buffer, not until the message is written.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Protocol`] or [`Error::AlreadyClosed`] once the connection is closing, and
    /// [`Error::Io`] if it broke. The [table](crate::WebSocket#errors-of-receiving-and-sending)
    /// shows all of them.
    ///
    /// # Cancel safety
    ///
    /// If dropped while waiting for space, the message is not sent.
    pub async fn send(&self, message: impl Into<Message>) -> Result<(), Error> {
        self.send_with(message.into(), Compress::Negotiated).await
    }

    /// Sends a message if there is space for it now. If the write buffer is full, this first writes
    /// what the IO takes without waiting.
    ///
    /// # Errors
    ///
    /// [`TrySendError::Full`] when the IO takes nothing more and [`TrySendError::Closed`] once the
    /// connection is closing return the message; [`TrySendError::Failed`] does not.
    pub fn try_send(&self, message: impl Into<Message>) -> Result<(), TrySendError> {
        self.try_send_with(message.into(), Compress::Negotiated)
    }

    /// Writes everything that was sent before, now, and waits until the system has taken it. What
    /// other senders send meanwhile is not waited for.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    ///
    /// # Cancel safety
    ///
    /// This method is cancel safe.
    pub async fn flush(&self) -> Result<(), Error> {
        self.shared.flush().await
    }

    /// Begins the closing handshake without waiting for it: queues a Close behind everything that
    /// was sent before. `None` sends a Close without a code, and no reason. A reason longer than
    /// [`CloseReason::MAX`], 123 bytes, is cut. Sending fails from now on; the receiver receives
    /// until the peer's Close.
    pub fn close(&self, code: impl Into<Option<CloseCode>>, reason: impl AsRef<str>) {
        let (code, reason) = (code.into(), CloseReason::truncated(reason.as_ref()));
        self.shared.begin_close(code, reason);
    }

    /// Waits until messages can no longer be sent: one side has begun to close, or the connection
    /// has failed.
    ///
    /// A task that waits for something other than messages waits for this as well;
    /// [`WebSocket::closed`](crate::WebSocket::closed) has an example.
    ///
    /// # Cancel safety
    ///
    /// This method is cancel safe.
    pub async fn closed(&self) {
        self.shared.closed().await;
    }

    /// Returns `true` if no more messages can be sent.
    pub fn is_closed(&self) -> bool {
        self.is_done || !self.shared.lock().is_open()
    }

    /// Returns what tells the socket from all others.
    pub fn id(&self) -> WebSocketId {
        self.shared.id()
    }

    /// Returns `true` if both send to the same socket.
    pub fn same_connection(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }

    /// Returns for how long the IO has taken nothing although something is waiting to be written,
    /// or `None` if the IO takes what is sent.
    ///
    /// This tells a slow peer, which takes something now and then, from one that takes nothing;
    /// see [`TrySendError::Full`] for what to do with either.
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

    async fn send_with(&self, message: Message, compress: Compress) -> Result<(), Error> {
        self.check_done()?;
        let mut sending = Sending::new(&self.shared, message, compress);
        let queued = poll_fn(|cx| sending.poll_queued(cx)).await?;
        if queued.urgency != Urgency::Corked {
            self.shared.write_soon();
        }
        Ok(())
    }
}

impl<IO: AsyncRead + AsyncWrite + Send + Unpin + 'static> Sender<IO> {
    /// Returns its socket, to which messages are sent that go to others as well.
    pub(crate) fn recipient(&self) -> Recipient {
        Recipient::new(Arc::clone(&self.shared))
    }
}

/// Sending past the compressor.
#[cfg(feature = "deflate")]
impl<IO: AsyncRead + AsyncWrite + Unpin> Sender<IO> {
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
    pub async fn send_uncompressed(&self, message: impl Into<Message>) -> Result<(), Error> {
        self.send_with(message.into(), Compress::Never).await
    }

    /// Sends a message without compressing it, whatever was agreed on; otherwise as
    /// [`try_send`](Self::try_send).
    ///
    /// # Errors
    ///
    /// As [`try_send`](Self::try_send).
    pub fn try_send_uncompressed(&self, message: impl Into<Message>) -> Result<(), TrySendError> {
        self.try_send_with(message.into(), Compress::Never)
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Clone for Sender<IO> {
    /// Returns one more sender of the socket. A clone of a sender that was closed as a `Sink` is
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

    fn start_send(self: Pin<&mut Self>, message: Message) -> Result<(), Error> {
        self.check_done()?;
        self.shared.start_send(message)?;
        self.shared.write_soon();
        Ok(())
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let Self { shared, sink, .. } = &mut *self;
        sink.poll_flush(shared, cx)
    }

    /// Closes this sender, and flushes. After the last one, waits until the Close is written.
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
        self.sink.leave(&self.shared);
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
