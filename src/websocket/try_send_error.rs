//! Why a message was not sent at once.

use std::{error::Error as StdError, fmt};

use tungstenite::{Error, Message};

/// The error of [`Sender::try_send`](crate::Sender::try_send) and
/// [`WebSocket::try_send`](crate::WebSocket::try_send).
#[derive(Debug)]
#[non_exhaustive]
pub enum TrySendError {
    /// The write buffer is full, and the IO takes nothing now. The peer reads more slowly than
    /// messages come, or the messages came in a burst: [`Sender::stalled`](crate::Sender::stalled)
    /// returns for how long it has taken nothing.
    Full(Message),
    /// The connection is closing or closed.
    Closed(Message),
    /// Writing failed.
    Failed(Error),
}

impl fmt::Display for TrySendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(_) => "the write buffer is full",
            Self::Closed(_) => "the connection is closed",
            Self::Failed(_) => "writing failed",
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
