//! A message that is being assembled.

use std::mem;

use bytes::{BufMut, Bytes, buf::Limit};
use tungstenite::{Error, Message};

use super::{
    mask::Mask,
    utf8::{self, BadUtf8, Text},
};

/// The initial capacity in bytes for a message that has just begun.
const FIRST: usize = 16 * 1024;

/// The data type of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MessageKind {
    Text,
    Binary,
}

impl MessageKind {
    /// Returns the message whose complete payload is `payload`.
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
        /// The number of unmasked bytes.
        done: usize,
    },
}

/// The size that a message may still reach.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outlook {
    /// The number of bytes that its frames have announced so far.
    pub(super) announced: usize,
    /// The maximum number of bytes. It equals `announced` once the last frame is announced.
    pub(super) max: usize,
}

impl Outlook {
    /// Returns the outlook of a piece of `len` bytes of a message.
    pub(super) fn of_piece(len: usize) -> Self {
        Self { announced: len, max: len }
    }
}

impl Assembler {
    pub(super) fn new(kind: MessageKind) -> Self {
        Self(match kind {
            MessageKind::Text => Payload::Text(Text::default()),
            MessageKind::Binary => Payload::Binary { bytes: Vec::new(), done: 0 },
        })
    }

    /// Returns the number of bytes that have arrived.
    pub(super) fn len(&self) -> usize {
        match &self.0 {
            Payload::Text(text) => text.len(),
            Payload::Binary { bytes, .. } => bytes.len(),
        }
    }

    /// Appends a piece of the payload.
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

    /// Returns a buffer into which up to `missing` bytes of a binary message may be read.
    pub(super) fn direct(&mut self, missing: usize, outlook: Outlook) -> Option<Limit<&mut Vec<u8>>> {
        let Payload::Binary { bytes, .. } = &mut self.0 else { return None };
        if bytes.len() == bytes.capacity() {
            grow_to(bytes, grown(bytes.capacity(), bytes.len() + 1, outlook));
        }
        let room = (bytes.capacity() - bytes.len()).min(missing);
        Some(bytes.limit(room))
    }

    /// Unmasks the bytes that were read directly into the message, and returns their number.
    pub(super) fn unmask(&mut self, mask: &mut Mask) -> usize {
        let Payload::Binary { bytes, done } = &mut self.0 else { return 0 };
        let arrived = &mut bytes[*done..];
        mask.apply(arrived);
        *done += arrived.len();
        arrived.len()
    }

    /// Takes the data that has arrived, except an incomplete character.
    pub(super) fn take(&mut self) -> Bytes {
        match &mut self.0 {
            Payload::Text(text) => text.take().into(),
            Payload::Binary { bytes, done } => {
                *done = 0;
                mem::take(bytes).into()
            }
        }
    }

    /// Returns the complete message.
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

/// Returns the capacity for `needed` bytes: at least twice the previous capacity, so that the total
/// cost of copying is linear, and up to four times that capacity for bytes that are announced, but
/// at most the maximum size of the message.
fn grown(capacity: usize, needed: usize, Outlook { announced, max }: Outlook) -> usize {
    if needed <= capacity {
        return capacity;
    }
    let ahead = capacity.saturating_mul(4).max(FIRST).min(announced);
    needed.max(capacity.saturating_mul(2)).max(ahead).min(max).max(needed)
}

/// Returns `true` if more than a quarter of the memory would be unused.
fn is_wasteful(len: usize, capacity: usize) -> bool {
    capacity - len > capacity / 4
}

#[cfg(test)]
mod tests;
