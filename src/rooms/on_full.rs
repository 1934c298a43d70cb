//! The policy for messages to a socket whose write buffer is full.

use std::time::Duration;

/// The policy for messages to a socket whose write buffer is full:
/// [`Config::max_write_buffer_size`](crate::Config::max_write_buffer_size) bytes are waiting to be
/// written, and the IO accepts no more data.
///
/// No policy applies to a Close, which needs no space.
///
/// See the [example](super::Rooms::on_full) of `Rooms::on_full`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnFull {
    /// Skips the socket. This is the default.
    #[default]
    Skip,
    /// Skips the socket, and closes it with 1013 and "reading too slowly" if its IO has accepted no
    /// data [for this long](crate::Sender::stalled). [`Duration::ZERO`] closes the socket at the
    /// first message that it misses, so that no socket has a gap.
    ///
    /// The time is checked only when a message is sent to the room. Sockets to which nothing is
    /// sent are ended by [`Config::keepalive_timeout`](crate::Config::keepalive_timeout).
    CloseAfter(Duration),
    /// Keeps the message for the socket, and sends it once there is space. It replaces an earlier
    /// message to the same room that is still kept.
    ///
    /// Messages to other rooms, with other policies, or from a [`Sender`](crate::Sender) may
    /// overtake a kept message.
    ///
    /// This suits rooms whose last message contains the whole state, such as a price or a position.
    /// A socket in several rooms may have a kept message for each room. A kept message is dropped
    /// when its socket leaves the room or closes.
    ///
    /// A task waits for space. It runs in the tokio runtime in which the socket's handler or
    /// [`Driver`](crate::websocket::Driver) is polled. A socket without them, whose halves the
    /// application polls itself, has no such runtime: then the task runs in the runtime in which
    /// the message is sent, and without one, the socket is skipped. If that runtime is not polled,
    /// the socket gets neither the message nor later ones to the room. If that runtime is dropped,
    /// the kept message is dropped, and the next one is sent again.
    KeepLatest,
}
