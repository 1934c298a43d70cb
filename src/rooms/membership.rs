//! A socket's membership in a room.

use std::{fmt, hash::Hash, ptr, sync::Arc};

use tungstenite::Message;

use super::{
    OnFull, Sent,
    entry::{Details, Entry},
    fan_out::fan_out,
    registry::Registry,
};
use crate::websocket::SenderGuard;

/// A socket's membership in a room.
///
/// [`Rooms::join`](super::Rooms::join) returns it. The socket leaves the room when the membership
/// is dropped, even if a panic drops it.
///
/// Like a [`Sender`](crate::Sender), a membership keeps the connection open for sending.
///
/// # Examples
///
/// ```
/// use tower_websocket::{Sender, rooms::Membership};
///
/// /// Warns a user who is about to close the last tab.
/// fn warn(membership: &Membership<String, String>, sender: &Sender) {
///     if membership.is_last() {
///         let (name, room) = (membership.member(), membership.room());
///         let _ = sender.try_send(format!("{name}, {room} forgets you when you leave"));
///     }
/// }
/// ```
///
/// The [module](super) has an example with the other methods.
#[must_use = "the socket leaves the room when its membership is dropped"]
pub struct Membership<K, M = ()> {
    registry: Arc<Registry<K, M>>,
    key: K,
    details: Arc<Details<M>>,
    on_full: OnFull,
    is_first: bool,
    /// Leaves the room, once. A function pointer, because `Drop` cannot have bounds.
    leave: Option<Leave<K, M>>,
    // Dropped after the room is left.
    _guard: SenderGuard,
}

type Leave<K, M> = fn(&Registry<K, M>, &K, &Details<M>) -> bool;

impl<K, M> Membership<K, M> {
    /// Returns the room's key.
    ///
    /// See the [example](Self#examples) of the type.
    pub fn room(&self) -> &K {
        &self.key
    }

    /// Returns the member that the socket belongs to.
    ///
    /// See the [example](Self#examples) of the type.
    pub fn member(&self) -> &M {
        &self.details.member
    }

    /// Returns `true` if no socket of an equal member was in the room when this one joined.
    ///
    /// Then it is time to announce the member to the room.
    ///
    /// See the [example](super) of the module.
    pub fn is_first(&self) -> bool {
        self.is_first
    }

    /// Leaves the room, as dropping the membership does.
    ///
    /// Returns `true` if this was the last socket of an equal member in the room. Then it is time
    /// to tell the room that the member has gone, through this membership or in another way.
    ///
    /// If the socket has already left, this does nothing and returns `false`.
    ///
    /// See the [example](super) of the module.
    pub fn leave(&mut self) -> bool {
        let Some(leave) = self.leave.take() else { return false };
        self.details.latest.leave();
        leave(&self.registry, &self.key, &self.details)
    }
}

impl<K: Eq + Hash, M: Eq + Hash + Send + Sync + 'static> Membership<K, M> {
    /// Adds a socket to a room.
    pub(super) fn new(registry: Arc<Registry<K, M>>, key: K, entry: Entry<M>, on_full: OnFull) -> Self
    where
        K: Clone,
    {
        let guard = SenderGuard::new(entry.recipient.clone());
        let details = Arc::clone(&entry.details);
        let is_first = registry.join(key.clone(), entry);
        Self { registry, key, details, on_full, is_first, leave: Some(Registry::leave), _guard: guard }
    }

    /// Returns `true` if no other socket of an equal member is in the room now.
    ///
    /// If two sockets leave at the same time, each may still see the other. To learn reliably which
    /// one was the last, use [`leave`](Self::leave), which returns `true` for exactly one of them.
    ///
    /// See the [example](Self#examples) of the type.
    pub fn is_last(&self) -> bool {
        let own = usize::from(self.leave.is_some());
        self.registry.sockets_of(&self.key, &self.details.member) <= own
    }

    /// Sends a message to all sockets in the room, including this one.
    ///
    /// Otherwise it works as [`Rooms::send`](super::Rooms::send).
    ///
    /// See the [example](super) of the module.
    pub fn send(&self, message: impl Into<Message>) -> Sent {
        fan_out(&self.registry.entries(&self.key), message.into(), |_| true, self.on_full)
    }

    /// Sends a message to all other sockets in the room, including those of an equal member.
    ///
    /// Otherwise it works as [`Rooms::send`](super::Rooms::send).
    ///
    /// See the [example](super) of the module.
    pub fn send_others(&self, message: impl Into<Message>) -> Sent {
        let is_other = |other: &Details<M>| !ptr::eq(other, &*self.details);
        fan_out(&self.registry.entries(&self.key), message.into(), is_other, self.on_full)
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
            .field("member", &self.details.member)
            .finish_non_exhaustive()
    }
}
