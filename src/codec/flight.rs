//! Bytes that are being written.

use std::{io::IoSlice, mem};

use bytes::{Buf, Bytes};

use super::{framed::Framed, mask::Mask, write_buffer};

/// The number of bytes of a masked payload that are copied at a time.
const PIECE: usize = 64 * 1024;

/// Bytes to write before any others: complete frames, optionally followed by the header and the
/// payload of a large frame.
///
/// It owns values of the application, so a destructor of the application may run when it is
/// dropped.
#[derive(Debug)]
pub(crate) struct Flight {
    head: Framed,
    /// The number of written bytes of the head.
    done: usize,
    /// Boxed, because most flights contain only small messages, which were copied and dropped.
    given: Option<Box<Given>>,
}

/// Values of the application that are not copied yet, or not dropped yet.
#[derive(Debug)]
struct Given {
    payload: Bytes,
    /// The payload belongs to the application, so its pieces are copied to the flight's head and
    /// masked there.
    mask: Option<Mask>,
    /// Payloads that were copied to the flight's head.
    #[expect(dead_code, reason = "it is kept to be dropped with the flight")]
    spent: Vec<Bytes>,
}

impl Flight {
    pub(super) fn new(head: Framed, payload: Bytes, mask: Option<Mask>, spent: Vec<Bytes>) -> Self {
        let has_given = !payload.is_empty() || !spent.is_empty();
        Self { head, done: 0, given: has_given.then(|| Box::new(Given { payload, mask, spent })) }
    }

    /// Returns the bytes to write next: all of them, or the next piece of a masked payload.
    pub(crate) fn slices(&mut self) -> [IoSlice<'_>; 2] {
        let is_masked = self.mask_piece();
        let payload = if is_masked { &[][..] } else { self.payload() };
        [IoSlice::new(&self.head[self.done..]), IoSlice::new(payload)]
    }

    /// Copies the next piece of a payload that has to be masked. Returns `true` if there is such a
    /// payload.
    fn mask_piece(&mut self) -> bool {
        let Some(given) = &mut self.given else { return false };
        let Some(mask) = &mut given.mask else { return false };
        // With enough space that each byte is moved about once.
        let left = self.head.len() - self.done;
        if !given.payload.is_empty() && left <= PIECE / 2 {
            let head = self.head.open();
            head.drain(..mem::take(&mut self.done));
            let piece = &given.payload[..given.payload.len().min(PIECE - left)];
            head.extend_from_slice(piece);
            mask.apply(&mut head[left..]);
            given.payload.advance(head.len() - left);
        }
        true
    }

    /// Returns the number of bytes to write.
    pub(crate) fn remaining(&self) -> usize {
        self.head.len() - self.done + self.payload().len()
    }

    /// Notes that the first `len` bytes are written. Once all are, the buffer is given back to the
    /// thread.
    pub(crate) fn advance(&mut self, len: usize) {
        let of_head = len.min(self.head.len() - self.done);
        self.done += of_head;
        if let Some(given) = &mut self.given {
            given.payload.advance(len - of_head);
        }
        if self.remaining() == 0 {
            self.done = 0;
            if let Framed::Own(head) = mem::take(&mut self.head) {
                write_buffer::give(head);
            }
        }
    }

    fn payload(&self) -> &[u8] {
        self.given.as_ref().map_or(&[], |given| &given.payload)
    }
}
