//! An open WebSocket.

use std::{
    fmt,
    future::{Future, poll_fn},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures_core::Stream;
use futures_sink::Sink;
use http::HeaderValue;
use tokio::io::{AsyncRead, AsyncWrite};
use tungstenite::{Error, Message};

use super::{
    adopt::share,
    agreement::Agreement,
    closing::{CloseCode, CloseReason},
    driver::Driver,
    ended::Ended,
    halves::{Receiver, Sender},
    inner::Inner,
    shared::Handle,
};
use crate::io::Upgraded;

/// An open WebSocket: a [`Stream`] and a [`Sink`] of [`Message`]s.
///
/// ```
/// use tower_websocket::{Message, WebSocket};
///
/// async fn echo(mut socket: WebSocket) {
///     while let Some(Ok(message)) = socket.recv().await {
///         if message.is_text() || message.is_binary() {
///             if socket.send(message).await.is_err() {
///                 break;
///             }
///         }
///     }
/// }
/// ```
///
/// Silent peers are pinged, and what is too large or breaks the protocol ends the connection with the right close
/// code: 1002, 1007 or 1009 leaves, then the error is returned once, then the stream ends. [`Message::Ping`],
/// [`Pong`](Message::Pong) and [`Close`](Message::Close) are shown but need no answer. All this is seen by reading:
/// who only sends learns of the peer's end when sending fails, or when a ping is not answered.
///
/// Dropping the socket closes it with 1000, or 1011 when a panic drops it; the closing handshake is finished in the
/// background.
///
/// Any `IO: AsyncRead + AsyncWrite` will do; [`Upgraded`] is what an HTTP server hands over. It is used within a
/// tokio runtime whose timers are enabled.
pub struct WebSocket<IO = Upgraded> {
    pub(super) handle: Handle<IO>,
    protocol: Option<HeaderValue>,
}

impl<IO: AsyncRead + AsyncWrite + Send + Unpin + 'static> WebSocket<IO> {
    /// `unread` goes before what `io` will still give.
    pub(crate) fn new(io: IO, unread: &[u8], agreement: Agreement) -> Self {
        let protocol = agreement.protocol.clone();
        Self { handle: Handle::new(share(io, unread, agreement)), protocol }
    }

    /// Splits the socket into a half that sends, which can be cloned, and one that receives.
    ///
    /// Dropping the receiver or the last sender closes the connection.
    ///
    /// # Panics
    ///
    /// A socket that has no driver is given one, on a task of its own: outside of a tokio runtime that panics.
    pub fn split(self) -> (Sender<IO>, Receiver<IO>) {
        let shared = self.handle.shared();
        if !shared.lock().wakers().is_driven() {
            tokio::spawn(Driver::background(Arc::clone(shared)));
        }
        (Sender::new(Arc::clone(shared)), Receiver::new(self.handle, self.protocol))
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> WebSocket<IO> {
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

    /// Sends a message: waits for room in the write buffer, and until the message is on its way.
    ///
    /// In a handler, what is sent is handed to the kernel before the handler's task waits: messages that are sent
    /// one after the other leave in one system call.
    ///
    /// # Errors
    ///
    /// [`Error::Protocol`] or [`Error::AlreadyClosed`] once the connection is closing, [`Error::Io`] when it broke.
    ///
    /// # Cancel safety
    ///
    /// While it waits for room, the message is lost with the future, and nothing of it was sent; later it is sent,
    /// whole, whatever happens to the future.
    pub async fn send(&mut self, message: impl Into<Message>) -> Result<(), Error> {
        let mut message = Some(message.into());
        poll_fn(|cx| {
            let mut connection = self.handle.lock();
            if message.is_some() {
                std::task::ready!(connection.poll_ready(cx))?;
            }
            if let Some(message) = message.take() {
                connection.start_send(message)?;
            }
            connection.poll_flush(cx)
        })
        .await
    }

    /// Closes the connection: sends Close, reads on until the peer's Close and end of stream, at most for
    /// [`Config::close_timeout`](crate::Config::close_timeout). Messages that still come are thrown away.
    ///
    /// # Errors
    ///
    /// What could not be written. A peer that does not answer is no error.
    ///
    /// # Cancel safety
    ///
    /// The Close is sent once this was polled, and when the socket is dropped the rest happens in the background.
    pub async fn close(&mut self, code: CloseCode, reason: impl Into<CloseReason>) -> Result<(), Error> {
        let mut reason = Some(reason.into());
        poll_fn(|cx| {
            let mut connection = self.handle.lock();
            if let Some(reason) = reason.take() {
                connection.begin_close(code, reason);
            }
            connection.poll_close(cx)
        })
        .await
    }

    /// Gives the socket a driver: polled in the place of `handler`'s future, it flushes what the handler sends when
    /// the handler waits, pings while the handler only writes, and finishes the closing handshake when it is done.
    ///
    /// Sockets that a layer hands to its handler have one.
    pub fn drive<F, Fut>(self, handler: F) -> Driver<IO, Fut>
    where
        F: FnOnce(Self) -> Fut,
        Fut: Future,
    {
        let shared = Arc::clone(self.handle.shared());
        Driver::new(shared, || handler(self))
    }

    /// Calls `f` with the tokio-tungstenite stream inside.
    ///
    /// What `f` reads and writes is missing from the socket's own account of the connection, and once there was any,
    /// all messages take the longer way through that stream. The connection is locked while `f` runs, so `f` must not
    /// use its halves. Where compression was agreed on, what `f` reads is inflated, and what it writes leaves as it is.
    pub fn with_stream<R>(&mut self, f: impl FnOnce(&mut Inner<IO>) -> R) -> R {
        self.handle.lock().with_stream(f)
    }

    /// The tokio-tungstenite stream inside; from now on everything is up to the caller.
    ///
    /// Messages that were sent but not flushed may be missing. Where compression was agreed on, what is read is
    /// inflated, and what is written leaves as it is, which the peer takes, too.
    pub fn into_inner(self) -> Inner<IO> {
        self.handle.take().into_stream()
    }
}

impl<IO> WebSocket<IO> {
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

impl<IO: AsyncRead + AsyncWrite + Unpin> Stream for WebSocket<IO> {
    type Item = Result<Message, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.handle.lock().poll_recv(cx)
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Sink<Message> for WebSocket<IO> {
    type Error = Error;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.handle.lock().poll_ready(cx)
    }

    fn start_send(self: Pin<&mut Self>, message: Message) -> Result<(), Error> {
        self.handle.lock().start_send(message)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.handle.lock().poll_flush(cx)
    }

    /// [`close`](WebSocket::close) with 1000.
    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.handle.lock().poll_close(cx)
    }
}

impl<IO> fmt::Debug for WebSocket<IO> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocket").field("protocol", &self.protocol).finish_non_exhaustive()
    }
}
