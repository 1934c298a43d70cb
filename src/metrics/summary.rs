//! The measurements of a socket that has ended.

use std::time::Duration;

use super::id::WebSocketId;
use crate::close::CloseInfo;

/// Measurements of a WebSocket that has ended: its close code, traffic and duration.
///
/// [`Config::on_end`](crate::Config::on_end) passes it to a function.
///
/// # Examples
///
/// ```
/// use tower_websocket::{Config, metrics::Summary};
///
/// fn log(summary: &Summary) {
///     let Summary { id, close_info, received, sent, duration, .. } = summary;
///     println!(
///         "socket {id} ended with {} after {duration:?}: {} messages received, {} sent, \
///          {} bytes on the wire",
///         close_info.code(),
///         received.messages,
///         sent.messages,
///         received.wire_bytes + sent.wire_bytes,
///     );
/// }
///
/// let config = Config::new().on_end(log);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Summary {
    /// The id of the socket.
    pub id: WebSocketId,
    /// How the socket ended.
    pub close_info: CloseInfo,
    /// The traffic from the peer.
    pub received: Traffic,
    /// The traffic to the peer, including messages that were queued but not written.
    pub sent: Traffic,
    /// The time since the handshake was accepted.
    pub duration: Duration,
}

/// The traffic of a WebSocket in one direction.
///
/// See the [example](Summary#examples) of `Summary`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Traffic {
    /// The number of text and binary messages.
    pub messages: u64,
    /// The payload of these messages in bytes, without headers and without compression.
    pub bytes: u64,
    /// The bytes on the connection: all frames with their headers, compressed if compression was
    /// negotiated.
    pub wire_bytes: u64,
}
