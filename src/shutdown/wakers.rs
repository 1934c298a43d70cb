//! The wakers of open sockets.

use std::{mem, num::NonZeroU32, task::Waker};

/// The number of slots whose sockets are woken at a time.
pub(super) const CHUNK: usize = 1024;

/// The wakers of sockets, each in a slot. A slot is small, because every socket has one.
#[derive(Default)]
pub(super) struct Wakers {
    slots: Vec<Slot>,
    /// The free slot that was freed last.
    free: Option<NonZeroU32>,
    len: usize,
}

pub(super) enum Slot {
    Used(Waker),
    /// The slot that was freed before this one.
    Free(Option<NonZeroU32>),
}

impl Wakers {
    pub(super) fn add(&mut self, waker: Waker) -> NonZeroU32 {
        self.len += 1;
        if let Some(slot) = self.free {
            if let Slot::Free(next) = mem::replace(&mut self.slots[index(slot)], Slot::Used(waker)) {
                self.free = next;
            }
            return slot;
        }
        self.slots.push(Slot::Used(waker));
        let slot = u32::try_from(self.slots.len()).ok().and_then(NonZeroU32::new);
        slot.expect("a process has fewer than 2^32 sockets")
    }

    /// Returns the waker, which is dropped after the lock is released.
    pub(super) fn remove(&mut self, slot: NonZeroU32) -> Slot {
        self.len -= 1;
        let waker = mem::replace(&mut self.slots[index(slot)], Slot::Free(self.free.replace(slot)));
        if self.len == 0 {
            *self = Self::default();
        }
        waker
    }

    /// Returns the wakers in [`CHUNK`] slots from `start` on, or `None` behind the last slot.
    pub(super) fn chunk(&self, start: usize) -> Option<Vec<Waker>> {
        let waker = |slot: &Slot| match slot {
            Slot::Used(waker) => Some(waker.clone()),
            Slot::Free(_) => None,
        };
        let slots = self.slots.get(start..).filter(|slots| !slots.is_empty())?;
        Some(slots.iter().take(CHUNK).filter_map(waker).collect())
    }
}

fn index(slot: NonZeroU32) -> usize {
    slot.get() as usize - 1
}

#[cfg(test)]
mod tests;
