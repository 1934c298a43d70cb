//! A socket in a room.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

use super::latest::Latest;
use crate::websocket::Recipient;

/// A socket in a room. The recipient is not behind another pointer, which would be a cache miss.
#[derive(Debug)]
pub(super) struct Entry<M> {
    pub(super) recipient: Recipient,
    pub(super) details: Arc<Details<M>>,
}

/// The part of an entry that sending rarely needs.
#[derive(Debug)]
pub(super) struct Details<M> {
    pub(super) member: Arc<M>,
    pub(super) latest: Latest,
    /// The socket's position in the room's list. It changes only under the lock of the rooms.
    index: AtomicUsize,
}

impl<M> Entry<M> {
    pub(super) fn new(recipient: Recipient, member: M) -> Self {
        let index = AtomicUsize::new(usize::MAX);
        let details = Details { member: Arc::new(member), latest: Latest::default(), index };
        Self { recipient, details: Arc::new(details) }
    }
}

impl<M> Details<M> {
    pub(super) fn index(&self) -> usize {
        self.index.load(Relaxed)
    }

    pub(super) fn set_index(&self, index: usize) {
        self.index.store(index, Relaxed);
    }
}

impl<M> Clone for Entry<M> {
    fn clone(&self) -> Self {
        Self { recipient: self.recipient.clone(), details: Arc::clone(&self.details) }
    }
}
