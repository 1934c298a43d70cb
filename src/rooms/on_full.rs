//! What becomes of a message that a socket has no space for.

use std::time::Duration;

/// What becomes of a message to a room for which a socket has no space: as much as
/// [`Config::max_write_buffer_size`](crate::Config::max_write_buffer_size) waits to be written to
/// it, and its peer takes nothing now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnFull {
    /// The socket does not get the message. This is the default.
    #[default]
    Skip,
    /// The socket does not get the message, and is closed with 1013 and "reading too slowly" if its
    /// peer has taken nothing [for so long](crate::Sender::stalled). [`Duration::ZERO`] closes at
    /// the first message that is missed, so that no socket has a gap.
    ///
    /// The time is looked at when a message is sent to the room, and not in between:
    /// [`Config::keepalive_timeout`](crate::Config::keepalive_timeout) ends sockets that nothing is
    /// sent to.
    CloseAfter(Duration),
    /// The message is kept for the socket, in the place of an earlier one to the same room that is
    /// still kept, and is sent once there is space.
    ///
    /// This suits rooms whose last message says all there is to know, as a price or a position. A
    /// socket in several rooms has a kept message for each. A kept message is dropped when its
    /// socket leaves the room or closes. Where there is no tokio runtime to wait in, the message is
    /// skipped.
    KeepLatest,
}
