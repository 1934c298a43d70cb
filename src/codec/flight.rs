//! Bytes that are being written.

use std::{io::IoSlice, mem};

use bytes::{Buf, Bytes};

use super::write_buffer;

/// A stretch of bytes to write, before anything else is: whole frames, and perhaps one large frame's header and payload.
///
/// It owns what applications gave, so a destructor of theirs may run when it is dropped.
#[derive(Debug)]
pub(crate) struct Flight {
    head: Vec<u8>,
    /// How many bytes of it are written.
    done: usize,
    payload: Bytes,
    position: u64,
    /// What was copied to `head`.
    #[expect(dead_code, reason = "it is kept to be dropped with the flight")]
    spent: Vec<Bytes>,
}

impl Flight {
    pub(super) fn new(head: Vec<u8>, payload: Bytes, position: u64, spent: Vec<Bytes>) -> Self {
        Self { head, done: 0, payload, position, spent }
    }

    /// Returns what is to be written.
    pub(crate) fn slices(&self) -> [IoSlice<'_>; 2] {
        [IoSlice::new(&self.head[self.done..]), IoSlice::new(&self.payload)]
    }

    /// Returns how many bytes are to be written.
    pub(crate) fn remaining(&self) -> usize {
        self.head.len() - self.done + self.payload.len()
    }

    /// The first `len` bytes are written. Once all are, the buffer goes back to the thread.
    pub(crate) fn advance(&mut self, len: usize) {
        let of_head = len.min(self.head.len() - self.done);
        self.done += of_head;
        self.payload.advance(len - of_head);
        if self.remaining() == 0 {
            self.done = 0;
            write_buffer::give(mem::take(&mut self.head));
        }
    }

    /// Returns how many data messages are wholly in this flight or in those before it.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }
}
