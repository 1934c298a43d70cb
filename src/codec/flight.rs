//! Bytes that are being written.

use std::{io::IoSlice, mem};

use bytes::{Buf, Bytes};

use super::{mask::Mask, write_buffer};

/// How many bytes of a masked payload are copied at a time.
const PIECE: usize = 64 * 1024;

/// A stretch of bytes to write, before anything else is: whole frames, and perhaps one large
/// frame's header and payload.
///
/// It owns what applications gave, so a destructor of theirs may run when it is dropped.
#[derive(Debug)]
pub(crate) struct Flight {
    head: Vec<u8>,
    /// How many bytes of it are written.
    done: usize,
    position: u64,
    /// Boxed, as most flights are of small messages, which were copied and dropped.
    given: Option<Box<Given>>,
}

/// What applications gave, and this side has not copied yet or not dropped.
#[derive(Debug)]
struct Given {
    payload: Bytes,
    /// The payload is the application's, so it is masked in copies of its pieces, which go to the
    /// flight's head.
    mask: Option<Mask>,
    /// What was copied to the flight's head.
    #[expect(dead_code, reason = "it is kept to be dropped with the flight")]
    spent: Vec<Bytes>,
}

impl Flight {
    pub(super) fn new(
        head: Vec<u8>,
        payload: Bytes,
        mask: Option<Mask>,
        position: u64,
        spent: Vec<Bytes>,
    ) -> Self {
        let has_given = !payload.is_empty() || !spent.is_empty();
        Self { head, done: 0, position, given: has_given.then(|| Box::new(Given { payload, mask, spent })) }
    }

    /// Returns what is to be written next: all there is, or of a masked payload the next piece.
    pub(crate) fn slices(&mut self) -> [IoSlice<'_>; 2] {
        let is_masked = self.mask_piece();
        let payload = if is_masked { &[][..] } else { self.payload() };
        [IoSlice::new(&self.head[self.done..]), IoSlice::new(payload)]
    }

    /// Copies the next piece of a payload that is to be masked. Returns whether there is such a
    /// payload.
    fn mask_piece(&mut self) -> bool {
        let Some(given) = &mut self.given else { return false };
        let Some(mask) = &mut given.mask else { return false };
        // With so much room that a byte is moved about once.
        let left = self.head.len() - self.done;
        if !given.payload.is_empty() && left <= PIECE / 2 {
            self.head.drain(..mem::take(&mut self.done));
            let piece = &given.payload[..given.payload.len().min(PIECE - left)];
            self.head.extend_from_slice(piece);
            mask.apply(&mut self.head[left..]);
            given.payload.advance(self.head.len() - left);
        }
        true
    }

    /// Returns how many bytes are to be written.
    pub(crate) fn remaining(&self) -> usize {
        self.head.len() - self.done + self.payload().len()
    }

    /// The first `len` bytes are written. Once all are, the buffer goes back to the thread.
    pub(crate) fn advance(&mut self, len: usize) {
        let of_head = len.min(self.head.len() - self.done);
        self.done += of_head;
        if let Some(given) = &mut self.given {
            given.payload.advance(len - of_head);
        }
        if self.remaining() == 0 {
            self.done = 0;
            write_buffer::give(mem::take(&mut self.head));
        }
    }

    fn payload(&self) -> &[u8] {
        self.given.as_ref().map_or(&[], |given| &given.payload)
    }

    /// Returns how many data messages are wholly in this flight or in those before it.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }
}
