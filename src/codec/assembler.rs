//! The message under assembly.

use std::mem;

use bytes::{BufMut, Bytes, buf::Limit};
use tungstenite::{Error, Message};

use super::{
    mask::Mask,
    utf8::{self, BadUtf8, Text},
};

/// How much is allocated for a message of which little has arrived, in bytes.
const FIRST: usize = 16 * 1024;

/// What kind of data a message has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Binary,
}

impl Kind {
    /// Returns the message that `payload` is, all of it.
    pub(super) fn message(self, payload: &[u8]) -> Result<Message, Error> {
        Ok(match self {
            Self::Text => Message::Text(utf8::check(payload).map_err(|at| BadUtf8 { at })?.into()),
            Self::Binary => Message::Binary(Bytes::copy_from_slice(payload)),
        })
    }
}

/// The part of a message that has arrived.
#[derive(Debug)]
pub(super) struct Assembler(Payload);

#[derive(Debug)]
enum Payload {
    Text(Text),
    Binary {
        bytes: Vec<u8>,
        /// How many of them are unmasked.
        done: usize,
    },
}

/// How large a message may still become.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outlook {
    /// How many bytes its frames announce so far.
    pub(super) announced: usize,
    /// How many bytes it can have at most, which is as much once the last frame is announced.
    pub(super) max: usize,
}

impl Outlook {
    /// That of a piece, which is `len` bytes of a message.
    pub(super) fn of_piece(len: usize) -> Self {
        Self { announced: len, max: len }
    }
}

impl Assembler {
    pub(super) fn new(kind: Kind) -> Self {
        Self(match kind {
            Kind::Text => Payload::Text(Text::default()),
            Kind::Binary => Payload::Binary { bytes: Vec::new(), done: 0 },
        })
    }

    /// How many bytes have arrived.
    pub(super) fn len(&self) -> usize {
        match &self.0 {
            Payload::Text(text) => text.len(),
            Payload::Binary { bytes, .. } => bytes.len(),
        }
    }

    /// Appends what has arrived.
    pub(super) fn push(&mut self, piece: &[u8], outlook: Outlook) -> Result<(), Error> {
        let needed = self.len() + piece.len();
        match &mut self.0 {
            Payload::Text(text) => {
                text.grow_to(grown(text.capacity(), needed, outlook));
                text.push(piece)?;
            }
            Payload::Binary { bytes, done } => {
                grow_to(bytes, grown(bytes.capacity(), needed, outlook));
                bytes.extend_from_slice(piece);
                *done = bytes.len();
            }
        }
        Ok(())
    }

    /// Returns where `missing` bytes of a binary message may be read to, or some of them.
    pub(super) fn direct(&mut self, missing: usize, outlook: Outlook) -> Option<Limit<&mut Vec<u8>>> {
        let Payload::Binary { bytes, .. } = &mut self.0 else { return None };
        if bytes.len() == bytes.capacity() {
            grow_to(bytes, grown(bytes.capacity(), bytes.len() + 1, outlook));
        }
        let room = (bytes.capacity() - bytes.len()).min(missing);
        Some(bytes.limit(room))
    }

    /// Unmasks what was read straight into the message, and returns how many bytes that is.
    pub(super) fn unmask(&mut self, mask: &mut Mask) -> usize {
        let Payload::Binary { bytes, done } = &mut self.0 else { return 0 };
        let arrived = &mut bytes[*done..];
        mask.apply(arrived);
        *done += arrived.len();
        arrived.len()
    }

    /// Takes what has arrived, but a character that is cut.
    pub(super) fn take(&mut self) -> Bytes {
        match &mut self.0 {
            Payload::Text(text) => text.take().into(),
            Payload::Binary { bytes, done } => {
                *done = 0;
                mem::take(bytes).into()
            }
        }
    }

    /// Returns the message, which is all there.
    pub(super) fn finish(self) -> Result<Message, Error> {
        Ok(match self.0 {
            Payload::Text(text) => {
                let mut text = text.finish()?;
                if is_wasteful(text.len(), text.capacity()) {
                    text.shrink_to_fit();
                }
                Message::Text(text.into())
            }
            Payload::Binary { mut bytes, .. } => {
                if is_wasteful(bytes.len(), bytes.capacity()) {
                    bytes.shrink_to_fit();
                }
                Message::Binary(bytes.into())
            }
        })
    }

    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        match &self.0 {
            Payload::Text(text) => text.capacity(),
            Payload::Binary { bytes, .. } => bytes.capacity(),
        }
    }
}

fn grow_to(bytes: &mut Vec<u8>, capacity: usize) {
    bytes.reserve_exact(capacity.saturating_sub(bytes.len()));
}

/// The capacity for `needed` bytes: twice as much as before, so that all the copying is linear, but
/// never more than the message can have.
fn grown(capacity: usize, needed: usize, Outlook { announced, max }: Outlook) -> usize {
    if needed <= capacity {
        return capacity;
    }
    needed.max(capacity.saturating_mul(2)).max(FIRST.min(announced)).min(max).max(needed)
}

/// Whether more than a quarter of what the application would hold is not used.
fn is_wasteful(len: usize, capacity: usize) -> bool {
    capacity - len > capacity / 4
}

#[cfg(test)]
mod tests {
    use super::{Assembler, FIRST, Kind, Outlook, grown};

    #[test]
    fn capacity_grows_with_what_arrives() {
        let last = |announced| Outlook { announced, max: announced };
        let fragment = |announced| Outlook { announced, max: 1 << 20 };
        for (capacity, needed, outlook, expected) in [
            // Little has arrived of much.
            (0, 1, last(1 << 20), FIRST),
            (0, 100, last(200), 200),
            (0, 60_000, last(1 << 20), 60_000),
            // Twice as much, and in the end what was announced.
            (60_000, 60_001, last(1 << 20), 120_000),
            (600_000, 600_001, last(1_000_000), 1_000_000),
            // Fragments tell nothing about the message.
            (0, 1, fragment(1), 1),
            (1000, 1001, fragment(1001), 2000),
            (600_000, 600_001, fragment(600_001), 1 << 20),
            // There is room.
            (1000, 1000, fragment(1000), 1000),
        ] {
            assert_eq!(grown(capacity, needed, outlook), expected, "{needed} in {capacity}, {outlook:?}");
        }
    }

    #[test]
    fn one_byte_fragments_cost_linear_time() {
        for kind in [Kind::Text, Kind::Binary] {
            let mut assembler = Assembler::new(kind);
            let (mut copied, mut capacity) = (0, 0);
            let len = if cfg!(miri) { 1000 } else { 100_000 };
            for announced in 1..=len {
                assembler.push(b"x", Outlook { announced, max: 1 << 20 }).unwrap();
                if assembler.capacity() != capacity {
                    capacity = assembler.capacity();
                    copied += assembler.len();
                }
            }
            assert!(copied <= 2 * len && capacity <= 2 * len);
            assert_eq!(assembler.finish().unwrap().len(), len);
        }
    }
}
