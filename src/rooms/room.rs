//! One room: its sockets and their members.

use std::{
    collections::{HashMap, hash_map},
    hash::Hash,
    sync::Arc,
};

use super::{
    entry::{Details, Entry},
    list::List,
};

/// One room: its sockets, and the number of sockets of each member.
#[derive(Debug)]
pub(super) struct Room<M> {
    entries: List<Entry<M>>,
    counts: HashMap<Arc<M>, usize>,
}

/// The values of a socket that was removed from a room. They belong to the application, and must be
/// dropped outside of the lock.
#[derive(Debug)]
pub(super) struct Removed<M> {
    /// Set if it was the last socket of its member there.
    pub(super) is_last: bool,
    _entry: Entry<M>,
    _member: Option<Arc<M>>,
}

impl<M> Room<M> {
    /// Returns the current sockets, at the cost of a pointer.
    pub(super) fn entries(&self) -> List<Entry<M>> {
        self.entries.clone()
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }
}

impl<M: Eq + Hash> Room<M> {
    /// Adds a socket. Returns `true` if it is the first of its member.
    pub(super) fn add(&mut self, entry: Entry<M>) -> bool {
        // This calls the application's code, so it comes first: if that panics, nothing has
        // changed.
        let count = self.counts.entry(Arc::clone(&entry.details.member)).or_default();
        *count += 1;
        let is_first = *count == 1;
        entry.details.set_index(self.entries.len());
        self.entries.push(entry);
        is_first
    }

    /// Removes a socket, which must be in the room.
    pub(super) fn remove(&mut self, entry: &Details<M>) -> Removed<M> {
        let index = entry.index();
        let removed = self.entries.swap_remove(index);
        if let Some(moved) = self.entries.get(index) {
            moved.details.set_index(index);
        }
        let mut removed = Removed { is_last: false, _entry: removed, _member: None };
        if let hash_map::Entry::Occupied(mut count) = self.counts.entry(Arc::clone(&entry.member)) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                removed.is_last = true;
                removed._member = Some(count.remove_entry().0);
            }
        }
        removed
    }

    /// Returns the number of sockets that a member has here.
    pub(super) fn sockets_of(&self, member: &M) -> usize {
        self.counts.get(member).copied().unwrap_or_default()
    }
}

impl<M> Default for Room<M> {
    fn default() -> Self {
        Self { entries: List::default(), counts: HashMap::new() }
    }
}
