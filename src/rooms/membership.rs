//! A socket's membership in a room.

use std::{fmt, hash::Hash, sync::Arc};

use tungstenite::Message;

use super::{OnFull, Sent, entry::Entry, fan_out::fan_out, registry::Registry};
use crate::websocket::SenderSeat;

/// A socket's membership in a room, from [`Rooms::join`](super::Rooms::join). The socket leaves the
/// room when this is dropped, also by a panic.
///
/// Like a [`Sender`](crate::Sender), it keeps the connection open for sending.
#[must_use = "the socket leaves the room when its membership is dropped"]
pub struct Membership<K, M = ()> {
    registry: Arc<Registry<K, M>>,
    key: K,
    entry: Arc<Entry<M>>,
    on_full: OnFull,
    is_first: bool,
    /// Leaves the room, once. As a pointer: `Drop` has no bounds.
    leave: Option<Leave<K, M>>,
    // It is dropped after the room is left.
    _seat: SenderSeat,
}

type Leave<K, M> = fn(&Registry<K, M>, &K, &Entry<M>) -> bool;

impl<K, M> Membership<K, M> {
    /// Returns the room's key.
    pub fn room(&self) -> &K {
        &self.key
    }

    /// Returns who the socket is in the room.
    pub fn member(&self) -> &M {
        &self.entry.member
    }

    /// Returns whether no socket of an equal member was in the room when this one joined: the time
    /// to tell the others that somebody came.
    pub fn is_first(&self) -> bool {
        self.is_first
    }

    /// Leaves the room, as dropping does. Returns whether this was the last socket of an equal
    /// member in the room: the time to tell the others that somebody has gone, through this
    /// membership or another way. Does nothing, and returns `false`, if the socket has left
    /// already.
    pub fn leave(&mut self) -> bool {
        let Some(leave) = self.leave.take() else { return false };
        self.entry.latest.leave();
        leave(&self.registry, &self.key, &self.entry)
    }
}

impl<K: Eq + Hash, M: Eq + Hash + Send + Sync + 'static> Membership<K, M> {
    /// Adds a socket to a room.
    pub(super) fn new(registry: Arc<Registry<K, M>>, key: K, entry: Entry<M>, on_full: OnFull) -> Self
    where
        K: Clone,
    {
        let entry = Arc::new(entry);
        let seat = SenderSeat::new(entry.recipient.clone());
        let is_first = registry.join(key.clone(), Arc::clone(&entry));
        Self { registry, key, entry, on_full, is_first, leave: Some(Registry::leave), _seat: seat }
    }

    /// Returns whether no other socket of an equal member is in the room now.
    ///
    /// Of two that leave at the same time each may still see the other. [`leave`](Self::leave)
    /// tells exactly one of them that it was the last.
    pub fn is_last(&self) -> bool {
        let own = usize::from(self.leave.is_some());
        self.registry.sockets_of(&self.key, &self.entry.member) <= own
    }

    /// Sends a message to all sockets in the room, this one too; otherwise as
    /// [`Rooms::send`](super::Rooms::send).
    pub fn send(&self, message: impl Into<Message>) -> Sent {
        fan_out(&self.registry.entries(&self.key), message.into(), None, self.on_full)
    }

    /// Sends a message to all other sockets in the room, those of an equal member too; otherwise as
    /// [`Rooms::send`](super::Rooms::send).
    pub fn send_others(&self, message: impl Into<Message>) -> Sent {
        fan_out(&self.registry.entries(&self.key), message.into(), Some(&self.entry), self.on_full)
    }
}

impl<K, M> Drop for Membership<K, M> {
    fn drop(&mut self) {
        self.leave();
    }
}

impl<K: fmt::Debug, M: fmt::Debug> fmt::Debug for Membership<K, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Membership")
            .field("room", &self.key)
            .field("member", &self.entry.member)
            .finish_non_exhaustive()
    }
}
