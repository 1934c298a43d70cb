//! All rooms, behind their lock.

use std::{
    borrow::Borrow,
    collections::HashMap,
    fmt,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{entry::Entry, list::List, room::Room};

/// All rooms, behind their lock. Under it there is nothing of the application but `Hash` and `Eq`
/// of keys and members.
pub(super) struct Registry<K, M>(Mutex<HashMap<K, Room<M>>>);

/// How many rooms there is always space for.
const MIN_CAPACITY: usize = 64;

impl<K, M> Registry<K, M> {
    /// Returns how many rooms there are.
    pub(super) fn count(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, Room<M>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Eq + Hash, M> Registry<K, M> {
    /// Returns the sockets of a room as they are now.
    pub(super) fn entries<Q>(&self, key: &Q) -> List<Arc<Entry<M>>>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.lock().get(key).map(Room::entries).unwrap_or_default()
    }

    /// Returns how many sockets are in a room.
    pub(super) fn sockets<Q>(&self, key: &Q) -> usize
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.lock().get(key).map_or(0, Room::len)
    }
}

impl<K: Eq + Hash, M: Eq + Hash> Registry<K, M> {
    /// Adds a socket to a room. Returns whether it is the first of its member there.
    pub(super) fn join(&self, key: K, entry: Arc<Entry<M>>) -> bool {
        let mut rooms = self.lock();
        let Some(room) = rooms.get_mut(&key) else {
            // It is there once it has a socket: a panic of the application's code leaves no empty
            // room.
            let mut room = Room::default();
            let is_first = room.add(entry);
            rooms.insert(key, room);
            return is_first;
        };
        let is_first = room.add(entry);
        // The key is the application's, too, and is dropped after this.
        drop(rooms);
        is_first
    }

    /// Removes a socket from its room, and the room with the last. Returns whether it was the last
    /// of its member there.
    pub(super) fn leave(&self, key: &K, entry: &Entry<M>) -> bool {
        let mut rooms = self.lock();
        let Some(room) = rooms.get_mut(key) else { return false };
        let removed = room.remove(entry);
        let mut empty = None;
        if room.len() == 0 {
            empty = rooms.remove_entry(key);
            if rooms.capacity() > MIN_CAPACITY && rooms.len() < rooms.capacity() / 4 {
                let capacity = rooms.len() * 2;
                rooms.shrink_to(capacity.max(MIN_CAPACITY));
            }
        }
        drop(rooms);
        drop(empty);
        removed.is_last
    }

    /// Returns how many sockets a member has in a room.
    pub(super) fn sockets_of(&self, key: &K, member: &M) -> usize {
        self.lock().get(key).map_or(0, |room| room.sockets_of(member))
    }
}

impl<K, M> Default for Registry<K, M> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K, M> fmt::Debug for Registry<K, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry").finish_non_exhaustive()
    }
}
