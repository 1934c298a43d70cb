//! Sending past the compressor.

use std::{future::poll_fn, task::ready};

use tokio::io::{AsyncRead, AsyncWrite};
use tungstenite::{Error, Message};

use super::{
    halves::{Sender, TrySendError},
    outbox::Outbox,
    socket::WebSocket,
};

impl<IO: AsyncRead + AsyncWrite + Unpin> WebSocket<IO> {
    /// [`send`](Self::send), but the message leaves as it is, whatever was agreed on.
    ///
    /// For what is secret, as the length of a compressed message tells of its content, and for what is compressed
    /// already; [`Deflate`](crate::Deflate) has more on this.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    ///
    /// # Cancel safety
    ///
    /// As [`send`](Self::send).
    #[cfg_attr(docsrs, doc(cfg(feature = "deflate")))]
    pub async fn send_uncompressed(&mut self, message: impl Into<Message>) -> Result<(), Error> {
        let mut message = Some(message.into());
        poll_fn(|cx| {
            let mut connection = self.handle.lock();
            if message.is_some() {
                ready!(connection.poll_ready(cx))?;
            }
            if let Some(message) = message.take() {
                connection.start_send_with(message, Outbox::push_uncompressed)?;
            }
            connection.poll_flush(cx)
        })
        .await
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Sender<IO> {
    /// [`send`](Self::send), but the message leaves as it is, whatever was agreed on.
    ///
    /// For what is secret, as the length of a compressed message tells of its content, and for what is compressed
    /// already; [`Deflate`](crate::Deflate) has more on this.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    ///
    /// # Cancel safety
    ///
    /// As [`send`](Self::send).
    #[cfg_attr(docsrs, doc(cfg(feature = "deflate")))]
    pub async fn send_uncompressed(&self, message: impl Into<Message>) -> Result<(), Error> {
        self.send_with(message.into(), Outbox::push_uncompressed).await
    }

    /// [`try_send`](Self::try_send), but the message leaves as it is, whatever was agreed on.
    ///
    /// # Errors
    ///
    /// As [`try_send`](Self::try_send).
    #[cfg_attr(docsrs, doc(cfg(feature = "deflate")))]
    pub fn try_send_uncompressed(&self, message: impl Into<Message>) -> Result<(), TrySendError> {
        self.try_send_with(message.into(), Outbox::push_uncompressed)
    }
}
