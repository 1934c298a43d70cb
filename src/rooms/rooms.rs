//! Rooms of sockets, each with a key.

use std::{borrow::Borrow, collections::HashSet, fmt, hash::Hash, sync::Arc};

use tokio::io::{AsyncRead, AsyncWrite};
use tungstenite::Message;

use super::{
    Membership, OnFull, Sent,
    entry::{Details, Entry},
    fan_out::fan_out,
    registry::Registry,
};
use crate::websocket::sender::Sender;

/// Rooms of sockets, each with a key of type `K`.
///
/// Each socket in a room belongs to a member of type `M`. Clones share the same rooms.
///
/// The [module](super) documents order, cost and compression, and has an example of a chat.
///
/// # Examples
///
/// ```
/// use tower_websocket::{Sender, rooms::{Membership, Rooms}};
///
/// /// The sockets of each user, who may have several.
/// #[derive(Clone)]
/// struct Users(Rooms<u64>);
///
/// impl Users {
///     fn new() -> Self {
///         Self(Rooms::new())
///     }
///
///     fn connect(&self, user: u64, sender: &Sender) -> Membership<u64> {
///         self.0.join(user, sender, ())
///     }
///
///     /// Returns the number of sockets that get the text.
///     fn notify(&self, user: u64, text: &str) -> usize {
///         self.0.send(&user, text).queued
///     }
///
///     fn status(&self, user: u64) -> String {
///         format!("{} users, {} sockets of user {user}", self.0.count(), self.0.sockets(&user))
///     }
/// }
/// ```
pub struct Rooms<K, M = ()> {
    registry: Arc<Registry<K, M>>,
    on_full: OnFull,
}

impl<K, M> Rooms<K, M> {
    /// Creates a value without any rooms. A room is created when a socket joins it.
    ///
    /// See the [example](Self#examples) of the type.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the policy for messages to a socket whose write buffer is full.
    ///
    /// Default: [`OnFull::Skip`].
    ///
    /// The policy applies to messages that are sent through this value, through clones of it that
    /// are made later, and through memberships that it returns. The same rooms can thus have
    /// messages that must not be missed, and others that may be.
    ///
    /// # Examples
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

    /// Returns the number of rooms. Each of them has at least one socket.
    ///
    /// See the [example](Self#examples) of the type.
    pub fn count(&self) -> usize {
        self.registry.count()
    }
}

impl<K: Eq + Hash, M: Eq + Hash + Send + Sync + 'static> Rooms<K, M> {
    /// Adds the socket of `sender` to a room, until the returned membership is dropped.
    ///
    /// `member` identifies the user behind the socket; use `()` if this is not needed.
    ///
    /// The sockets of a room may have different IO types. A socket may be in several rooms, or
    /// several times in one room, and then receives each message several times.
    ///
    /// See the [example](Self#examples) of the type.
    pub fn join<IO>(&self, room: K, sender: &Sender<IO>, member: M) -> Membership<K, M>
    where
        IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
        K: Clone,
    {
        let entry = Entry::new(sender.recipient(), member);
        Membership::new(Arc::clone(&self.registry), room, entry, self.on_full)
    }

    /// Sends a message to all sockets in a room, without waiting for any of them.
    ///
    /// Does nothing if there is no such room.
    ///
    /// This is like [`Sender::try_send`] for each socket that is in the room when the call begins,
    /// except that a Close is queued even if the socket's write buffer is full.
    /// The clones of the message share its bytes. The message is compressed once for all sockets
    /// that negotiated the same parameters and compress each message by itself. No lock is held
    /// while messages are sent.
    ///
    /// See the [example](Self#examples) of the type.
    pub fn send<Q>(&self, room: &Q, message: impl Into<Message>) -> Sent
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        fan_out(&self.registry.entries(room), message.into(), |_| true, self.on_full)
    }

    /// Sends a message to all sockets of a member in a room.
    ///
    /// Otherwise it works as [`send`](Self::send). The time is proportional to the number of
    /// sockets in the room.
    ///
    /// See the [example](Self::members) of `members`.
    pub fn send_to_member<Q, N>(&self, room: &Q, member: &N, message: impl Into<Message>) -> Sent
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
        M: Borrow<N>,
        N: Eq + ?Sized,
    {
        let is_meant = |details: &Details<M>| (*details.member).borrow() == member;
        fan_out(&self.registry.entries(room), message.into(), is_meant, self.on_full)
    }

    /// Returns the members in a room in no particular order.
    ///
    /// A member with several sockets is returned once.
    ///
    /// The time is proportional to the number of sockets. No lock is held meanwhile.
    ///
    /// # Examples
    ///
    /// ```
    /// use tower_websocket::{Message, rooms::Rooms};
    ///
    /// fn names(rooms: &Rooms<String, String>, room: &str) -> Vec<String> {
    ///     rooms.members(room).iter().map(|name| name.to_string()).collect()
    /// }
    ///
    /// fn close(rooms: &Rooms<String, String>, room: &str, name: &str) {
    ///     rooms.send_to_member(room, name, Message::Close(None));
    /// }
    /// ```
    pub fn members<Q>(&self, room: &Q) -> Vec<Arc<M>>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let mut members = HashSet::new();
        self.registry.entries(room).for_each(|entry| {
            let member = &entry.details.member;
            if !members.contains(member) {
                members.insert(Arc::clone(member));
            }
        });
        members.into_iter().collect()
    }

    /// Returns the number of sockets in a room.
    ///
    /// See the [example](Self#examples) of the type.
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
