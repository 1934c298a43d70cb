//! Messages that are sent over and over.

use super::{Echo, Target};
use crate::wire::fragments;

/// Messages back to back, in frames. They are of one length unless they are compressed.
pub(super) struct Frames {
    bytes: Vec<u8>,
    lengths: Vec<usize>,
}

impl Frames {
    pub(super) fn new(echo: &Echo, target: &Target) -> Self {
        let frame = |nth: u32| {
            let mask = (0x9e37_79b9_u32.wrapping_mul(nth + 1) | 0x0101_0101).to_ne_bytes();
            let payload = echo.payload.bytes(echo.size, nth);
            match echo.fragment {
                Some(size) => fragments(echo.payload.opcode(), &payload, size, mask),
                None => target.frame(echo.payload.opcode(), &payload, mask),
            }
        };
        let count = ((512 << 10) / frame(0).len()).clamp(1, 64);
        let frames: Vec<_> = (0..count as u32).map(frame).collect();
        Self { lengths: frames.iter().map(Vec::len).collect(), bytes: frames.concat() }
    }

    /// Returns one message in one frame.
    pub(super) fn of(frame: Vec<u8>) -> Self {
        Self { lengths: vec![frame.len()], bytes: frame }
    }

    pub(super) fn first(&self) -> &[u8] {
        &self.bytes[..self.lengths[0]]
    }
}

/// A sender's place in [`Frames`]. Small messages that follow each other are one piece, so a burst
/// of them is one write.
#[derive(Clone, Default, Debug)]
pub(super) struct Cursor {
    /// Where the next byte to send is.
    next: usize,
    /// Which message is the next that may be sent.
    due: usize,
    /// Bytes that may be sent and are not sent yet.
    owed: usize,
}

impl Cursor {
    /// Lets this number of messages be sent.
    pub(super) fn owe(&mut self, messages: usize, frames: &Frames) {
        for _ in 0..messages {
            self.owed += frames.lengths[self.due];
            self.due = (self.due + 1) % frames.lengths.len();
        }
    }

    /// Returns the bytes that may be sent next, up to the end of the frames.
    pub(super) fn pending<'a>(&self, frames: &'a Frames) -> &'a [u8] {
        &frames.bytes[self.next..frames.bytes.len().min(self.next + self.owed)]
    }

    pub(super) fn advance(&mut self, sent: usize, frames: &Frames) {
        self.next = (self.next + sent) % frames.bytes.len();
        self.owed -= sent;
    }

    pub(super) fn is_done(&self) -> bool {
        self.owed == 0
    }
}
