//! The result of sending a message to a room.

/// The result of sending a message to a room: the number of sockets for each outcome.
///
/// See the [example](super::Rooms#examples) of `Rooms`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sent {
    /// The number of sockets whose write buffer has taken the message.
    pub queued: usize,
    /// The number of sockets whose write buffer was full.
    ///
    /// [`OnFull`](super::OnFull) determines what happens to the message there.
    pub full: usize,
    /// The number of sockets that are closing or closed, and whose handlers have not dropped their
    /// [`Membership`](super::Membership) yet.
    ///
    /// If no socket may send the message (such as a ping of more than 125 bytes, RFC 6455 §5.5),
    /// all sockets are counted here.
    pub closed: usize,
}
