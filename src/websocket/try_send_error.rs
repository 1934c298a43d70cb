//! The error of sending without waiting.

use std::{error::Error as StdError, fmt};

use tungstenite::{Error, Message};

/// The error of [`Sender::try_send`](crate::Sender::try_send) and
/// [`WebSocket::try_send`](crate::WebSocket::try_send).
///
/// See the [example](crate::websocket) of the module.
#[derive(Debug)]
#[non_exhaustive]
pub enum TrySendError {
    /// The write buffer is full and the IO accepts no more data, because the peer is slow or
    /// because there was a burst of messages. [`Sender::stalled`](crate::Sender::stalled) returns
    /// for how long the IO has accepted nothing.
    Full(Message),
    /// The connection is closing or closed.
    Closed(Message),
    /// The message is invalid, such as a ping of more than 125 bytes, or the connection failed
    /// during the call. The message is dropped.
    Failed(Error),
}

impl fmt::Display for TrySendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(_) => "the write buffer is full",
            Self::Closed(_) => "the connection is closed",
            Self::Failed(_) => "the message could not be sent",
        })
    }
}

impl StdError for TrySendError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Failed(error) => Some(error),
            Self::Full(_) | Self::Closed(_) => None,
        }
    }
}
