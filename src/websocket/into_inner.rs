//! From a socket back to tokio-tungstenite's stream.

use std::{error::Error as StdError, fmt};

use futures_util::FutureExt;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::WebSocketStream;
use tungstenite::protocol::WebSocketConfig;

use super::{connection::Attached, socket::WebSocket};

impl<IO: AsyncRead + AsyncWrite + Unpin> WebSocket<IO> {
    /// Returns tokio-tungstenite's own stream over the IO, with what was received and not taken yet
    /// in front. Waits until everything that was sent is written.
    ///
    /// The stream has the limits of the [`Config`](crate::Config); keepalive, timeouts and the
    /// closing handshake are up to the caller from now on. A handler that wants nothing else is
    /// made with [`stream_handler`](crate::upgrade::stream_handler).
    ///
    /// # Errors
    ///
    /// Returns the socket when the connection is closing, when a part of a message has arrived
    /// (receive it first), and when compression was agreed on, which that stream does not know.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the socket, which closes it.
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

/// The error of [`WebSocket::into_inner`], which has the socket.
pub struct IntoInnerError<IO> {
    socket: WebSocket<IO>,
    attached: Attached,
}

impl<IO> IntoInnerError<IO> {
    /// Returns the socket, as it was.
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
            Attached::Compressed => "compression was agreed on",
            Attached::InsideMessage => "a part of a message has arrived",
        })
    }
}

impl<IO> StdError for IntoInnerError<IO> {}
