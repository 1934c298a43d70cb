//! JSON on the halves of a socket.

use serde::{Serialize, de::DeserializeOwned};
use tokio::io::{AsyncRead, AsyncWrite};

use super::{
    RecvJsonError, SendJsonError,
    message::{decode, encode},
};
use crate::websocket::{receiver::Receiver, sender::Sender};

/// Methods for JSON.
impl<IO: AsyncRead + AsyncWrite + Unpin> Receiver<IO> {
    /// Receives the next text message as JSON, as
    /// [`WebSocket::recv_json`](crate::WebSocket::recv_json) does.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`WebSocket::recv_json`](crate::WebSocket::recv_json). To close the
    /// connection after an invalid message, use the [`Sender`].
    ///
    /// # Cancel safety
    ///
    /// This method is cancel safe. If it is dropped before it completes, no message is lost.
    ///
    /// # Examples
    ///
    /// ```
    /// use tower_websocket::WebSocket;
    ///
    /// async fn sum(socket: WebSocket) {
    ///     let (sender, mut receiver) = socket.split();
    ///     while let Some(Ok(numbers)) = receiver.recv_json::<Vec<i64>>().await {
    ///         if sender.send_json(&numbers.iter().sum::<i64>()).await.is_err() {
    ///             break;
    ///         }
    ///     }
    /// }
    /// ```
    pub async fn recv_json<T: DeserializeOwned>(&mut self) -> Option<Result<T, RecvJsonError>> {
        loop {
            if let Some(value) = decode(self.recv().await?) {
                return Some(value);
            }
        }
    }
}

/// Methods for JSON.
impl<IO: AsyncRead + AsyncWrite + Unpin> Sender<IO> {
    /// Sends `value` as JSON in a text message, as
    /// [`WebSocket::send_json`](crate::WebSocket::send_json) does.
    ///
    /// To send a value to many sockets, serialize it once: clones of
    /// `Message::text(serde_json::to_string(&value)?)` share one buffer.
    ///
    /// See the [example](Receiver::recv_json) of `Receiver::recv_json`.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`WebSocket::send_json`](crate::WebSocket::send_json).
    ///
    /// # Cancel safety
    ///
    /// The same as that of [`send`](Self::send).
    pub async fn send_json<T: Serialize + ?Sized>(&self, value: &T) -> Result<(), SendJsonError> {
        self.send(encode(value)?).await.map_err(SendJsonError::Socket)
    }
}
