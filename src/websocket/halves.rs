//! A socket in two halves.

use std::{
    error::Error as StdError,
    fmt,
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use futures_core::Stream;
use futures_sink::Sink;
use http::HeaderValue;
use tokio::io::{AsyncRead, AsyncWrite};
use tungstenite::{Error, Message};

use super::{
    closing::{CloseCode, CloseReason},
    ended::Ended,
    inner::Inner,
    outbox::Outbox,
    shared::{Handle, Locked, Shared, code_of_drop},
};
use crate::io::Upgraded;

/// The sending half of a [`WebSocket`](crate::WebSocket). Clones are further senders.
///
/// Messages wait in one buffer, bounded by [`Config::max_write_buffer_size`](crate::Config::max_write_buffer_size),
/// and all that wait leave in one system call. When the last sender is dropped, the connection closes with 1000;
/// the receiver receives until the peer's Close.
pub struct Sender<IO = Upgraded> {
    pub(super) shared: Arc<Shared<IO>>,
    /// [`leave`], as a pointer: `Drop` has no bounds.
    leave: fn(&Shared<IO>),
}

/// How an outbox takes a message.
type Push<IO> = fn(&mut Outbox, &mut Inner<IO>, Message) -> Result<(), Error>;

impl<IO: AsyncRead + AsyncWrite + Unpin> Sender<IO> {
    pub(super) fn new(shared: Arc<Shared<IO>>) -> Self {
        shared.lock().add_sender();
        Self { shared, leave }
    }

    /// Sends a message: waits for room in the buffer, not for the message to leave.
    ///
    /// # Errors
    ///
    /// [`Error::Protocol`] or [`Error::AlreadyClosed`] once the connection is closing, [`Error::Io`] when it broke.
    ///
    /// # Cancel safety
    ///
    /// While it waits for room, the message is lost with the future, and nothing of it was sent.
    pub async fn send(&self, message: impl Into<Message>) -> Result<(), Error> {
        self.send_with(message.into(), Outbox::push).await
    }

    /// Sends a message if there is room for it now.
    ///
    /// # Errors
    ///
    /// [`TrySendError::Full`] when there is no room and [`TrySendError::Closed`] once the connection is closing give
    /// the message back; [`TrySendError::Failed`] has none.
    pub fn try_send(&self, message: impl Into<Message>) -> Result<(), TrySendError> {
        self.try_send_with(message.into(), Outbox::push)
    }

    /// Waits until all that was sent before is handed to the kernel.
    ///
    /// In the handler's own task it does not wait: there, all that was sent leaves when the handler next waits.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn flush(&self) -> Result<(), Error> {
        poll_fn(|cx| self.shared.lock().poll_flush(cx)).await
    }

    /// Begins the closing handshake, after all that was sent before; nothing more is sent. The receiver receives
    /// until the peer's Close.
    pub fn close(&self, code: CloseCode, reason: impl Into<CloseReason>) {
        let mut connection = self.shared.lock();
        connection.begin_close(code, reason.into());
        connection.wakers().wake_driver();
    }

    /// Whether a message could still be sent.
    pub fn is_closed(&self) -> bool {
        !self.shared.lock().is_open()
    }

    /// [`send`](Self::send), with the outbox's way to take the message.
    pub(super) async fn send_with(&self, message: Message, push: Push<IO>) -> Result<(), Error> {
        let mut message = Some(message);
        poll_fn(|cx| {
            let mut connection = self.shared.lock();
            ready!(connection.poll_ready(cx))?;
            let message = message.take().expect("send is polled after it was ready");
            Poll::Ready(self.put(connection, message, push))
        })
        .await
    }

    /// [`try_send`](Self::try_send), with the outbox's way to take the message.
    pub(super) fn try_send_with(&self, message: Message, push: Push<IO>) -> Result<(), TrySendError> {
        let connection = self.shared.lock();
        if !connection.is_open() {
            return Err(TrySendError::Closed(message));
        }
        if !connection.has_room() {
            return Err(TrySendError::Full(message));
        }
        self.put(connection, message, push).map_err(TrySendError::Failed)
    }

    /// Gives the message to the outbox, and has it written soon.
    fn put(&self, mut connection: Locked<'_, IO>, message: Message, push: Push<IO>) -> Result<(), Error> {
        connection.start_send_with(message, push)?;
        let delivery = connection.wakers().begin_delivery();
        drop(connection);
        if let Some(home) = delivery {
            self.shared.deliver(home);
        }
        Ok(())
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Clone for Sender<IO> {
    fn clone(&self) -> Self {
        Self::new(Arc::clone(&self.shared))
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Sink<Message> for Sender<IO> {
    type Error = Error;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.shared.lock().poll_ready(cx)
    }

    fn start_send(self: Pin<&mut Self>, message: Message) -> Result<(), Error> {
        self.put(self.shared.lock(), message, Outbox::push)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.shared.lock().poll_flush(cx)
    }

    /// Flushes. The connection stays open for other senders.
    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.shared.lock().poll_flush(cx)
    }
}

impl<IO> Drop for Sender<IO> {
    fn drop(&mut self) {
        (self.leave)(&self.shared);
    }
}

impl<IO> fmt::Debug for Sender<IO> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").finish_non_exhaustive()
    }
}

fn leave<IO: AsyncRead + AsyncWrite + Unpin>(shared: &Shared<IO>) {
    if let Some(mut connection) = shared.try_lock() {
        connection.remove_sender(code_of_drop());
    }
}

/// The receiving half of a [`WebSocket`](crate::WebSocket).
///
/// Dropping it closes the connection with 1000, or 1011 when a panic drops it: nobody would read the peer's messages.
pub struct Receiver<IO = Upgraded> {
    handle: Handle<IO>,
    protocol: Option<HeaderValue>,
}

impl<IO> Receiver<IO> {
    pub(super) fn new(handle: Handle<IO>, protocol: Option<HeaderValue>) -> Self {
        Self { handle, protocol }
    }

    /// How the connection ended, or is ending; `None` while messages go both ways.
    ///
    /// It is complete once [`recv`](Self::recv) has returned `None`.
    pub fn ended(&self) -> Option<Ended> {
        self.handle.lock().ended()
    }

    /// The subprotocol that the opening handshake agreed on.
    pub fn protocol(&self) -> Option<&str> {
        self.protocol.as_ref()?.to_str().ok()
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Receiver<IO> {
    /// Receives the next message; `None` once the connection is over.
    ///
    /// # Errors
    ///
    /// An error is returned once, after all messages that came before it, and is followed by `None`. Only
    /// [`keepalive_timeout`](crate::Config::keepalive_timeout) comes before messages that were not received yet.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: a message is either returned or still to come.
    pub async fn recv(&mut self) -> Option<Result<Message, Error>> {
        poll_fn(|cx| self.handle.lock().poll_recv(cx)).await
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Stream for Receiver<IO> {
    type Item = Result<Message, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.handle.lock().poll_recv(cx)
    }
}

impl<IO> fmt::Debug for Receiver<IO> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").field("protocol", &self.protocol).finish_non_exhaustive()
    }
}

/// Why [`Sender::try_send`] did not send.
#[derive(Debug)]
#[non_exhaustive]
pub enum TrySendError {
    /// The buffer is full: the peer reads more slowly than messages come.
    Full(Message),
    /// The connection is closing or closed.
    Closed(Message),
    /// Writing failed.
    Failed(Error),
}

impl fmt::Display for TrySendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(_) => "the write buffer is full",
            Self::Closed(_) => "the connection is closed",
            Self::Failed(_) => "writing failed",
        })
    }
}

impl StdError for TrySendError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Failed(error) => Some(error),
            Self::Full(_) | Self::Closed(_) => None,
        }
    }
}
