//! JSON on a whole socket.

use serde::{Serialize, de::DeserializeOwned};
use tokio::io::{AsyncRead, AsyncWrite};

use super::{
    RecvJsonError, SendJsonError,
    message::{decode, encode},
};
use crate::websocket::WebSocket;

/// Methods for JSON.
impl<IO: AsyncRead + AsyncWrite + Unpin> WebSocket<IO> {
    /// Receives the next text message as JSON. Returns `None` when the connection has ended. Pings,
    /// pongs and the peer's Close are skipped.
    ///
    /// See the [example](RecvJsonError#examples) of `RecvJsonError`.
    ///
    /// # Errors
    ///
    /// - [`RecvJsonError::Invalid`] if the text is not JSON of a `T`.
    /// - [`RecvJsonError::Binary`] if the message is binary.
    /// - [`RecvJsonError::Socket`] if the connection failed, as [`recv`](Self::recv) describes.
    ///
    /// After the first two, the connection stays open and the peer gets no reply. To close it, use
    /// [`close_code`](RecvJsonError::close_code).
    ///
    /// # Cancel safety
    ///
    /// This method is cancel safe. If it is dropped before it completes, no message is lost.
    pub async fn recv_json<T: DeserializeOwned>(&mut self) -> Option<Result<T, RecvJsonError>> {
        loop {
            if let Some(value) = decode(self.recv().await?) {
                return Some(value);
            }
        }
    }

    /// Sends `value` as JSON in a text message.
    ///
    /// See the [example](RecvJsonError#examples) of `RecvJsonError`.
    ///
    /// # Errors
    ///
    /// - [`SendJsonError::Unserializable`] if the value cannot be written as JSON. The connection
    ///   stays open.
    /// - [`SendJsonError::Socket`] if sending failed, as [`send`](Self::send) describes.
    ///
    /// # Cancel safety
    ///
    /// The same as that of [`send`](Self::send).
    pub async fn send_json<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), SendJsonError> {
        self.send(encode(value)?).await.map_err(SendJsonError::Socket)
    }
}
