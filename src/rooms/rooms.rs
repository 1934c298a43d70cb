//! Rooms, each under a key.

use std::{borrow::Borrow, collections::HashSet, fmt, hash::Hash, sync::Arc};

use tokio::io::{AsyncRead, AsyncWrite};
use tungstenite::Message;

use super::{Membership, OnFull, Sent, entry::Entry, fan_out::fan_out, registry::Registry};
use crate::websocket::sender::Sender;

/// Rooms of sockets, each under a key; each socket in a room stands for a member. Clones are the
/// same rooms.
///
/// The [module](super) has an example, and what to know about it.
pub struct Rooms<K, M = ()> {
    registry: Arc<Registry<K, M>>,
    on_full: OnFull,
}

impl<K, M> Rooms<K, M> {
    /// Creates rooms, of which there are none until somebody joins.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets what becomes of a message for which a socket has no space. Default: [`OnFull::Skip`].
    ///
    /// This counts for what is sent through this value, its later clones, and the memberships that
    /// it gives. So the same rooms may have messages that must not be missed, and others that may:
    ///
    /// ```
    /// use std::time::Duration;
    /// use tower_websocket::rooms::{OnFull, Rooms};
    ///
    /// let said = Rooms::<String>::new().on_full(OnFull::CloseAfter(Duration::ZERO));
    /// let typing = said.clone().on_full(OnFull::Skip);
    /// ```
    pub fn on_full(mut self, policy: OnFull) -> Self {
        self.on_full = policy;
        self
    }

    /// Returns how many rooms there are: those with at least one socket.
    pub fn count(&self) -> usize {
        self.registry.count()
    }
}

impl<K: Eq + Hash, M: Eq + Hash + Send + Sync + 'static> Rooms<K, M> {
    /// Adds the socket of `sender` to a room, until the membership is dropped. `member` is who the
    /// socket is there, and `()` is enough where nobody asks.
    ///
    /// The sockets of a room may have different IO. A socket may be in several rooms, and in one
    /// room several times, and gets a message for each.
    pub fn join<IO>(&self, room: K, sender: &Sender<IO>, member: M) -> Membership<K, M>
    where
        IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
        K: Clone,
    {
        let entry = Entry::new(sender.recipient(), member);
        Membership::new(Arc::clone(&self.registry), room, entry, self.on_full)
    }

    /// Sends a message to all sockets in a room, without waiting for any. If there is no such room,
    /// this does nothing.
    ///
    /// This is [`Sender::try_send`] for each of those that are in the room when this begins: clones
    /// of the message share its bytes, and it is compressed once for all that have agreed on the
    /// same parameters and whose messages are compressed each by itself. No lock is held while
    /// messages are sent.
    pub fn send<Q>(&self, room: &Q, message: impl Into<Message>) -> Sent
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        fan_out(&self.registry.entries(room), message.into(), None, self.on_full)
    }

    /// Returns the members in a room, each once, however many sockets it has there. They have no
    /// order. This takes time in proportion to the number of sockets, during which no lock is held.
    pub fn members<Q>(&self, room: &Q) -> Vec<Arc<M>>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let mut members = HashSet::new();
        self.registry.entries(room).for_each(|entry| {
            if !members.contains(&entry.member) {
                members.insert(Arc::clone(&entry.member));
            }
        });
        members.into_iter().collect()
    }

    /// Returns how many sockets are in a room.
    pub fn sockets<Q>(&self, room: &Q) -> usize
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.registry.sockets(room)
    }
}

impl<K, M> Clone for Rooms<K, M> {
    fn clone(&self) -> Self {
        Self { registry: Arc::clone(&self.registry), on_full: self.on_full }
    }
}

impl<K, M> Default for Rooms<K, M> {
    fn default() -> Self {
        Self { registry: Arc::default(), on_full: OnFull::default() }
    }
}

impl<K, M> fmt::Debug for Rooms<K, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rooms")
            .field("count", &self.count())
            .field("on_full", &self.on_full)
            .finish_non_exhaustive()
    }
}
