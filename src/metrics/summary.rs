//! What a socket was, once it is over.

use std::time::Duration;

use super::id::WebSocketId;
use crate::close::CloseInfo;

/// What a WebSocket was, once it is over: how it ended, and what went over it. See
/// [`Config::on_end`](crate::Config::on_end).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Summary {
    /// What tells the socket from all others.
    pub id: WebSocketId,
    /// How the socket ended.
    pub close_info: CloseInfo,
    /// What the peer sent.
    pub received: Traffic,
    /// What was sent to the peer, or accepted for that.
    pub sent: Traffic,
    /// The time since the handshake was accepted.
    pub duration: Duration,
}

/// What went over a WebSocket in one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Traffic {
    /// How many text and binary messages.
    pub messages: u64,
    /// How many bytes these had, as the application has them: without headers, and not compressed.
    pub bytes: u64,
    /// How many bytes went over the connection: of all frames with their headers, compressed where
    /// that was agreed on.
    pub wire_bytes: u64,
}
