//! The half of a socket that receives.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures_core::Stream;
use tokio::io::{AsyncRead, AsyncWrite};
use tungstenite::{Error, Message};

use super::{handle::Handle, shared::Shared};
use crate::close::CloseInfo;
use crate::io::UpgradedIo;
use crate::metrics::id::WebSocketId;

/// The half of a [`WebSocket`](crate::WebSocket) that receives.
///
/// Up to 64 KiB of messages are [received before the application asks for
/// them](crate::WebSocket#what-happens-while-the-handler-does-not-receive).
///
/// Dropping the receiver closes the connection with 1000, or with 1011 if a panic drops it, because
/// the peer's messages could no longer be received.
///
/// # Examples
///
/// ```
/// use tower_websocket::{Message, Receiver, WebSocket};
///
/// async fn handler(socket: WebSocket) {
///     let (sender, receiver) = socket.split();
///     let log = tokio::spawn(log(receiver));
///     let _ = sender.send("everything you send is logged").await;
///     let _ = log.await;
/// }
///
/// async fn log(mut receiver: Receiver) {
///     let id = receiver.id();
///     println!("{id}: subprotocol {:?}", receiver.protocol());
///     while let Some(Ok(message)) = receiver.recv().await {
///         match message {
///             Message::Ping(_) | Message::Pong(_) => println!("{id}: is alive"),
///             message => println!("{id}: {message}"),
///         }
///     }
///     println!("{id}: {:?}", receiver.close_info());
/// }
/// ```
pub struct Receiver<IO = UpgradedIo> {
    handle: Handle<IO>,
}

impl<IO> Receiver<IO> {
    pub(super) fn new(handle: Handle<IO>) -> Self {
        Self { handle }
    }

    pub(super) fn shared(&self) -> &Arc<Shared<IO>> {
        self.handle.shared()
    }

    /// Returns how the connection was closed or is being closed, or `None` while it is open.
    ///
    /// The value is final once [`recv`](Self::recv) has returned `None`.
    ///
    /// See the [example](Self#examples) of the type.
    pub fn close_info(&self) -> Option<CloseInfo> {
        self.handle.lock().close_info()
    }

    /// Returns the id of the socket, which no other socket of the process has.
    ///
    /// See the [example](Self#examples) of the type.
    pub fn id(&self) -> WebSocketId {
        self.handle.id()
    }

    /// Returns the subprotocol that the opening handshake selected.
    ///
    /// See the [example](Self#examples) of the type.
    pub fn protocol(&self) -> Option<&str> {
        self.handle.protocol()
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Receiver<IO> {
    /// Receives the next message, or returns `None` once the connection is over.
    ///
    /// Pings, pongs and the peer's Close are returned as messages; [`recv_data`](Self::recv_data)
    /// skips them.
    ///
    /// # Errors
    ///
    /// Returns an error once, after all messages that arrived before it. `None` follows. The
    /// [table](crate::WebSocket#errors-of-receiving-and-sending) lists the errors.
    ///
    /// # Cancel safety
    ///
    /// This method is cancel safe. If it is dropped before it completes, no message is lost.
    ///
    /// # Examples
    ///
    /// See the [example](Self#examples) of the type.
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
    /// See the [example](crate::Sender#examples) of the sender.
    pub async fn recv_data(&mut self) -> Option<Result<Message, Error>> {
        self.handle.shared().recv_data().await
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Stream for Receiver<IO> {
    type Item = Result<Message, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.handle.poll_recv(cx)
    }
}

impl<IO> fmt::Debug for Receiver<IO> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").field("protocol", &self.protocol()).finish_non_exhaustive()
    }
}
