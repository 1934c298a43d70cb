//! What became of a message to a room.

/// What became of a message to a room: how many sockets it was for, by what came of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sent {
    /// The message is in the write buffer of so many sockets.
    pub delivered: usize,
    /// So many sockets had no space for it in their write buffer; [`OnFull`](super::OnFull) says
    /// what became of it there.
    pub full: usize,
    /// So many sockets are closing or closed, and their handlers have not dropped their
    /// [`Membership`](super::Membership) yet. A message that no socket may send (a ping of more
    /// than 125 bytes, RFC 6455 §5.5) is counted here for each.
    pub closed: usize,
}
