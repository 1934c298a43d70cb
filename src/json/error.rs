//! The errors of receiving and sending JSON.

use std::{error::Error as StdError, fmt};

use bytes::Bytes;
use tungstenite::{Error, Utf8Bytes};

use crate::close::{CloseCode, CloseReason};
/// The error of [`recv_json`](crate::WebSocket::recv_json).
///
/// [`Invalid`](Self::Invalid) and [`Binary`](Self::Binary) concern one message. The connection
/// stays open, and the next message may be valid. The caller decides whether to reply, to ignore
/// the message, or to close the connection.
///
/// # Examples
///
/// ```
/// use tower_websocket::{WebSocket, json::RecvJsonError};
///
/// async fn sum(mut socket: WebSocket) {
///     let mut sum = 0;
///     while let Some(number) = socket.recv_json::<u32>().await {
///         match number {
///             Ok(number) => sum += u64::from(number),
///             Err(RecvJsonError::Binary(_)) => continue,
///             Err(error) => match error.close_code() {
///                 // 1007, and "invalid type: string \"1\", expected u32 at line 1 column 3".
///                 Some(code) => return drop(socket.close(code, error.close_reason()).await),
///                 // The connection itself failed.
///                 None => return,
///             },
///         }
///         let _ = socket.send_json(&sum).await;
///     }
/// }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum RecvJsonError {
    /// A text message is not JSON, or not JSON of the requested type.
    Invalid {
        /// The message.
        text: Utf8Bytes,
        /// The error of serde_json, with its position and category:
        /// [`line`](serde_json::Error::line), [`column`](serde_json::Error::column),
        /// [`classify`](serde_json::Error::classify).
        source: serde_json::Error,
    },
    /// A binary message, although JSON is sent in text messages. If a client sends JSON in binary
    /// messages, parse it with `serde_json::from_slice`.
    Binary(Bytes),
    /// The connection failed. The next call returns `None`. See [`recv`](crate::WebSocket::recv).
    Socket(Error),
}

impl RecvJsonError {
    /// Returns the close code for this error: 1007 for [`Invalid`](Self::Invalid), 1003 for
    /// [`Binary`](Self::Binary) (RFC 6455 §7.4.1).
    ///
    /// Returns `None` if the connection has failed, because it is already closed.
    ///
    /// See the [example](Self#examples) of the type.
    pub fn close_code(&self) -> Option<CloseCode> {
        match self {
            Self::Invalid { .. } => Some(CloseCode::INVALID_PAYLOAD),
            Self::Binary(_) => Some(CloseCode::UNSUPPORTED_DATA),
            Self::Socket(_) => None,
        }
    }

    /// Returns the close reason for this error: a description with the position, truncated to 123
    /// bytes. It may quote a value of the message to the peer that sent it.
    ///
    /// See the [example](Self#examples) of the type.
    pub fn close_reason(&self) -> CloseReason {
        match self {
            Self::Invalid { source, .. } => CloseReason::truncated(&source.to_string()),
            Self::Binary(_) => CloseReason::truncated("JSON must be sent in text messages"),
            Self::Socket(_) => CloseReason::default(),
        }
    }
}

impl fmt::Display for RecvJsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid { source, .. } => write!(
                f,
                "the message is not the expected JSON, line {} column {}",
                source.line(),
                source.column()
            ),
            Self::Binary(_) => f.write_str("the message is binary, JSON must be sent in text messages"),
            Self::Socket(_) => f.write_str("receiving failed"),
        }
    }
}

impl StdError for RecvJsonError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Invalid { source, .. } => Some(source),
            Self::Socket(error) => Some(error),
            Self::Binary(_) => None,
        }
    }
}

/// The error of [`send_json`](crate::WebSocket::send_json).
///
/// # Examples
///
/// ```
/// use std::collections::HashMap;
/// use tower_websocket::{WebSocket, json::SendJsonError};
///
/// async fn report(mut socket: WebSocket, visits: HashMap<String, u64>) {
///     match socket.send_json(&visits).await {
///         Ok(()) => {}
///         Err(SendJsonError::Unserializable(error)) => eprintln!("a bug: {error}"),
///         Err(error) => eprintln!("the client is gone: {error}"),
///     }
/// }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum SendJsonError {
    /// The value cannot be written as JSON, or its [`Serialize`](serde::Serialize) failed. A map
    /// whose keys are not strings, for example, has no JSON form. Nothing was sent, and the
    /// connection stays open.
    Unserializable(serde_json::Error),
    /// Sending failed. See [`send`](crate::WebSocket::send).
    Socket(Error),
}

impl fmt::Display for SendJsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unserializable(_) => "the value cannot be written as JSON",
            Self::Socket(_) => "sending failed",
        })
    }
}

impl StdError for SendJsonError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Unserializable(error) => Some(error),
            Self::Socket(error) => Some(error),
        }
    }
}
