//! Conversion of a socket to tokio-tungstenite's stream.

use std::{error::Error as StdError, fmt};

use futures_util::FutureExt;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::WebSocketStream;
use tungstenite::protocol::WebSocketConfig;

use super::{connection::Attached, socket::WebSocket};

impl<IO: AsyncRead + AsyncWrite + Unpin> WebSocket<IO> {
    /// Consumes the socket and returns tokio-tungstenite's [`WebSocketStream`] over the same IO.
    ///
    /// Data that was received and not yet taken is passed on to the stream. Waits until everything
    /// that was sent is written.
    ///
    /// The stream has the size limits of the [`Config`](crate::Config). Keepalive, timeouts and the
    /// closing handshake become the caller's responsibility. For a handler that only needs such a
    /// stream, use [`stream_handler`](crate::upgrade::stream_handler).
    ///
    /// # Errors
    ///
    /// Returns an [`IntoInnerError`], which contains the socket, in these cases:
    ///
    /// - The connection is closing.
    /// - Part of a message has arrived. Receive that message first.
    /// - Compression was negotiated, which `WebSocketStream` does not support.
    ///
    /// # Cancel safety
    ///
    /// This method is not cancel safe. If the future is dropped, it drops the socket, which closes
    /// it.
    ///
    /// # Examples
    ///
    /// ```
    /// use futures_util::{SinkExt, StreamExt};
    /// use tower::BoxError;
    /// use tower_websocket::{WebSocket, websocket::IntoInnerError};
    ///
    /// async fn handler(socket: WebSocket) -> Result<(), BoxError> {
    ///     let mut stream = match socket.into_inner().await {
    ///         Ok(stream) => stream,
    ///         Err(error) => {
    ///             println!("not possible: {error}");
    ///             let mut socket: WebSocket = error.into_socket();
    ///             return Ok(socket.send("hello").await?);
    ///         }
    ///     };
    ///     while let Some(message) = stream.next().await {
    ///         stream.send(message?).await?;
    ///     }
    ///     Ok(())
    /// }
    /// ```
    pub async fn into_inner(self) -> Result<WebSocketStream<IO>, IntoInnerError<IO>> {
        let (io, front) = match self.detach().await {
            Ok(parts) => parts,
            Err(attached) => return Err(IntoInnerError { socket: self, attached }),
        };
        let (role, (max_message_size, max_frame_size)) = (self.role(), self.limits());
        let config = WebSocketConfig::default()
            .max_message_size(Some(max_message_size))
            .max_frame_size(Some(max_frame_size));
        let stream = WebSocketStream::from_partially_read(io, front, role, Some(config));
        Ok(stream.now_or_never().expect("there is no handshake to wait for"))
    }
}

/// The error of [`WebSocket::into_inner`]. It contains the socket.
///
/// See the [example](WebSocket::into_inner) of `WebSocket::into_inner`.
pub struct IntoInnerError<IO> {
    socket: WebSocket<IO>,
    attached: Attached,
}

impl<IO> IntoInnerError<IO> {
    /// Returns the unchanged socket.
    ///
    /// See the [example](WebSocket::into_inner) of `WebSocket::into_inner`.
    pub fn into_socket(self) -> WebSocket<IO> {
        self.socket
    }
}

impl<IO> fmt::Debug for IntoInnerError<IO> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("IntoInnerError").field(&self.attached).finish()
    }
}

impl<IO> fmt::Display for IntoInnerError<IO> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.attached {
            Attached::Closing => "the connection is closing or closed",
            Attached::Compressed => "compression was negotiated",
            Attached::InsideMessage => "part of a message has arrived",
        })
    }
}

impl<IO> StdError for IntoInnerError<IO> {}
