//! The close code for an error (RFC 6455 §7.1.7).

use tungstenite::{Error, error::ProtocolError};

use super::{CloseCode, pong_timeout::is_pong_timeout};
use crate::deflate::is_bad_data;

/// Returns the close code that is sent to the peer when receiving fails with `error`.
///
/// Returns `None` if no Close is sent, because the connection is broken or already closed. The
/// function is for errors of [`recv`](crate::WebSocket::recv). See the
/// [table](crate::WebSocket#errors-of-receiving-and-sending) of possible errors.
///
/// # Examples
///
/// ```
/// use tower_websocket::{CloseCode, WebSocket, close::close_code_of};
///
/// async fn handler(mut socket: WebSocket) {
///     while let Some(received) = socket.recv().await {
///         match received {
///             Ok(message) => println!("{message}"),
///             Err(error) => match close_code_of(&error) {
///                 Some(CloseCode::MESSAGE_TOO_BIG) => println!("too large: {error}"),
///                 Some(code) => println!("closed with {code}: {error}"),
///                 None => println!("broken: {error}"),
///             },
///         }
///     }
/// }
/// ```
pub fn close_code_of(error: &Error) -> Option<CloseCode> {
    match error {
        Error::Protocol(
            ProtocolError::ResetWithoutClosingHandshake
            | ProtocolError::ReceivedAfterClosing
            | ProtocolError::SendAfterClosing,
        ) => None,
        Error::Protocol(_) | Error::AttackAttempt => Some(CloseCode::PROTOCOL_ERROR),
        Error::Utf8(_) => Some(CloseCode::INVALID_PAYLOAD),
        Error::Io(error) if is_bad_data(error) => Some(CloseCode::INVALID_PAYLOAD),
        Error::Io(error) if is_pong_timeout(error) => Some(CloseCode::INTERNAL_ERROR),
        Error::Capacity(_) => Some(CloseCode::MESSAGE_TOO_BIG),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
