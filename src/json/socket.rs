//! JSON on a whole socket.

use serde::{Serialize, de::DeserializeOwned};
use tokio::io::{AsyncRead, AsyncWrite};

use super::{
    RecvJsonError, SendJsonError,
    message::{decode, encode},
};
use crate::websocket::WebSocket;

/// JSON, with the feature `json`.
impl<IO: AsyncRead + AsyncWrite + Unpin> WebSocket<IO> {
    /// Receives the next text message as JSON; `None` once the connection is over. Pings, pongs and
    /// the peer's Close are passed over.
    ///
    /// # Errors
    ///
    /// [`RecvJsonError::Invalid`] for text that is not the JSON of a `T`, and
    /// [`RecvJsonError::Binary`] for a binary message; the connection lives on after either, and
    /// the peer is told nothing. [`close_code`](RecvJsonError::close_code) is for those who do not
    /// want that. [`RecvJsonError::Socket`] as [`recv`](Self::recv).
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: a message is either returned or still to come.
    pub async fn recv_json<T: DeserializeOwned>(&mut self) -> Option<Result<T, RecvJsonError>> {
        loop {
            if let Some(value) = decode(self.recv().await?) {
                return Some(value);
            }
        }
    }

    /// Sends `value` as JSON, in a text message.
    ///
    /// # Errors
    ///
    /// [`SendJsonError::Unserializable`], after which the connection lives on, and
    /// [`SendJsonError::Socket`] as [`send`](Self::send).
    ///
    /// # Cancel safety
    ///
    /// As [`send`](Self::send).
    pub async fn send_json<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), SendJsonError> {
        self.send(encode(value)?).await.map_err(SendJsonError::Socket)
    }
}
