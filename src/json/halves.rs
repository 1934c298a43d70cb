//! JSON on the halves of a socket.

use serde::{Serialize, de::DeserializeOwned};
use tokio::io::{AsyncRead, AsyncWrite};

use super::{
    RecvJsonError, SendJsonError,
    message::{decode, encode},
};
use crate::websocket::{receiver::Receiver, sender::Sender};

/// JSON, with the feature `json`.
impl<IO: AsyncRead + AsyncWrite + Unpin> Receiver<IO> {
    /// Receives a value, as [`WebSocket::recv_json`](crate::WebSocket::recv_json) does.
    ///
    /// # Errors
    ///
    /// As there. To close on a bad message takes the [`Sender`].
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
}

/// JSON, with the feature `json`.
impl<IO: AsyncRead + AsyncWrite + Unpin> Sender<IO> {
    /// Sends a value, as [`WebSocket::send_json`](crate::WebSocket::send_json) does.
    ///
    /// What goes to many is better serialized once:
    /// `Message::text(serde_json::to_string(&value)?)`, whose clones share one buffer.
    ///
    /// # Errors
    ///
    /// As there.
    ///
    /// # Cancel safety
    ///
    /// As [`send`](Self::send).
    pub async fn send_json<T: Serialize + ?Sized>(&self, value: &T) -> Result<(), SendJsonError> {
        self.send(encode(value)?).await.map_err(SendJsonError::Socket)
    }
}
