//! All rooms, behind their lock.

use std::{
    borrow::Borrow,
    collections::HashMap,
    fmt,
    hash::Hash,
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::{
    entry::{Details, Entry},
    list::List,
    room::Room,
};

/// All rooms, behind their lock. The only code of the application that runs under the lock is
/// `Hash` and `Eq` of keys and members.
pub(super) struct Registry<K, M>(Mutex<HashMap<K, Room<M>>>);

/// The number of rooms for which memory is never given back.
const MIN_CAPACITY: usize = 64;

impl<K, M> Registry<K, M> {
    /// Returns the number of rooms.
    pub(super) fn count(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, Room<M>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Eq + Hash, M> Registry<K, M> {
    /// Returns the sockets that are currently in a room.
    pub(super) fn entries<Q>(&self, key: &Q) -> List<Entry<M>>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.lock().get(key).map(Room::entries).unwrap_or_default()
    }

    /// Returns the number of sockets in a room.
    pub(super) fn sockets<Q>(&self, key: &Q) -> usize
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.lock().get(key).map_or(0, Room::len)
    }
}

impl<K: Eq + Hash, M: Eq + Hash> Registry<K, M> {
    /// Adds a socket to a room. Returns `true` if it is the first of its member there.
    pub(super) fn join(&self, key: K, entry: Entry<M>) -> bool {
        let mut rooms = self.lock();
        let Some(room) = rooms.get_mut(&key) else {
            // The room is inserted once it has a socket, so that a panic of the application's code
            // leaves no empty room.
            let mut room = Room::default();
            let is_first = room.add(entry);
            rooms.insert(key, room);
            return is_first;
        };
        let is_first = room.add(entry);
        // Dropping the key runs the application's code, so the lock is released before.
        drop(rooms);
        is_first
    }

    /// Removes a socket from its room, and removes the room if it is empty. Returns `true` if the
    /// socket was the last of its member there.
    pub(super) fn leave(&self, key: &K, entry: &Details<M>) -> bool {
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

    /// Returns the number of sockets that a member has in a room.
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
