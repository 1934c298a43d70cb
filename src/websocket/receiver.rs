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
/// While nobody receives, up to 64 KiB of messages are
/// [received ahead](crate::WebSocket#what-happens-while-the-handler-does-not-receive).
///
/// Dropping it closes the connection with 1000, or 1011 when a panic drops it: nobody would receive
/// the peer's messages.
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

    /// Returns how the connection was closed, or is being closed; `None` while it is open.
    ///
    /// It is complete once [`recv`](Self::recv) has returned `None`.
    pub fn close_info(&self) -> Option<CloseInfo> {
        self.handle.lock().close_info()
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

impl<IO: AsyncRead + AsyncWrite + Unpin> Receiver<IO> {
    /// Receives the next message; returns `None` once the connection is over.
    ///
    /// # Errors
    ///
    /// An error is returned once, after all messages that came before it, and is followed by
    /// `None`. The [table](crate::WebSocket#errors-of-receiving-and-sending) shows which there are.
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
