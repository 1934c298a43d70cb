//! Why no value was received, or sent.

use std::{error::Error as StdError, fmt};

use bytes::Bytes;
use tungstenite::{Error, Utf8Bytes};

use crate::close::{CloseCode, CloseReason};

/// Why [`recv_json`](crate::WebSocket::recv_json) has no value.
///
/// [`Invalid`](Self::Invalid) and [`Binary`](Self::Binary) are about one message: the connection
/// lives on, and the next message may well be good. Whether such a peer is answered, ignored or
/// closed on is up to the caller:
///
/// ```
/// use tower_websocket::{WebSocket, json::RecvJsonError};
///
/// async fn sum(mut socket: WebSocket) {
///     let mut sum = 0;
///     while let Some(number) = socket.recv_json::<u32>().await {
///         match number {
///             Ok(number) => sum += u64::from(number),
///             Err(error) => match error.close_code() {
///                 // Close 1007, and "invalid type: string \"one\", expected u32 at line 1 column 5".
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
    /// A text message is not JSON, or not of the type that was asked for.
    Invalid {
        /// The message.
        text: Utf8Bytes,
        /// What is wrong with it, and where: [`line`](serde_json::Error::line),
        /// [`column`](serde_json::Error::column), [`classify`](serde_json::Error::classify).
        source: serde_json::Error,
    },
    /// A binary message: JSON comes in text messages. `serde_json::from_slice` reads it where a
    /// client sends JSON so.
    Binary(Bytes),
    /// The connection failed; `None` follows. See [`recv`](crate::WebSocket::recv).
    Socket(Error),
}

impl RecvJsonError {
    /// Returns the close code that tells the peer what was wrong with its message: 1007 for
    /// [`Invalid`](Self::Invalid), 1003 for [`Binary`](Self::Binary) (RFC 6455 §7.4.1). `None` if
    /// the connection has failed, as it is closed already.
    pub fn close_code(&self) -> Option<CloseCode> {
        match self {
            Self::Invalid { .. } => Some(CloseCode::INVALID_PAYLOAD),
            Self::Binary(_) => Some(CloseCode::UNSUPPORTED_DATA),
            Self::Socket(_) => None,
        }
    }

    /// Returns the reason that goes with [`close_code`](Self::close_code): what is wrong and where,
    /// cut to 123 bytes. It may quote a value of the message, to the peer that sent it.
    pub fn close_reason(&self) -> CloseReason {
        match self {
            Self::Invalid { source, .. } => CloseReason::truncated(&source.to_string()),
            Self::Binary(_) => CloseReason::truncated("JSON comes in text messages"),
            Self::Socket(_) => CloseReason::default(),
        }
    }
}

impl fmt::Display for RecvJsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid { source, .. } => write!(
                f,
                "the message is not the JSON that was expected, line {} column {}",
                source.line(),
                source.column()
            ),
            Self::Binary(_) => f.write_str("a binary message where JSON text was expected"),
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

/// Why [`send_json`](crate::WebSocket::send_json) did not send.
#[derive(Debug)]
#[non_exhaustive]
pub enum SendJsonError {
    /// The value has no JSON, as a map whose keys are no strings, or its
    /// [`Serialize`](serde::Serialize) fails. Nothing was sent, and the connection lives on.
    Unserializable(serde_json::Error),
    /// See [`send`](crate::WebSocket::send).
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
