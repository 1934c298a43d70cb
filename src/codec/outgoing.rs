//! A data message on its way out, in fragments (RFC 6455 §5.4).

use std::mem;

use bytes::Bytes;
use tungstenite::{
    Message,
    protocol::frame::{
        FrameHeader,
        coding::{Data, OpCode},
    },
};

use super::header;

const FIN: u8 = 0x80;

/// A data message of which some frames may have left.
#[derive(Debug)]
pub(super) struct Outgoing {
    /// The first byte of the next frame, unless it is the last, which has `last` set as well.
    first: u8,
    last: u8,
    rest: Bytes,
    /// The largest payload of a frame.
    max: usize,
    /// Whether it is text that goes as it is, and is cut between characters only.
    is_text: bool,
}

/// A frame that leaves.
#[derive(Debug)]
pub(super) struct OutgoingFrame {
    pub(super) first: u8,
    pub(super) payload: Bytes,
    /// The message has no more.
    pub(super) is_last: bool,
}

impl Outgoing {
    /// A message that goes out in frames of at most `max` bytes; a raw frame goes as it is, but for
    /// its mask. A control message comes back.
    pub(super) fn new(message: Message, max: usize) -> Result<Self, Message> {
        Ok(match message {
            Message::Text(text) => Self::data(Data::Text, false, text.into(), max, true),
            Message::Binary(payload) => Self::data(Data::Binary, false, payload, max, false),
            Message::Frame(frame) => {
                let (first, last) = raw_first(frame.header());
                let rest = frame.into_payload();
                Self { first, last, rest, max: usize::MAX, is_text: false }
            }
            message => return Err(message),
        })
    }

    /// A compressed message (RFC 7692 §6).
    pub(super) fn compressed(opcode: Data, payload: Bytes, max: usize) -> Self {
        Self::data(opcode, true, payload, max, false)
    }

    fn data(opcode: Data, rsv1: bool, rest: Bytes, max: usize, is_text: bool) -> Self {
        let header =
            FrameHeader { is_final: false, rsv1, opcode: OpCode::Data(opcode), ..FrameHeader::default() };
        Self { first: header::first_byte(&header), last: FIN, rest, max: max.max(1), is_text }
    }

    /// How many bytes the next frame's payload has.
    pub(super) fn next_len(&self) -> usize {
        self.cut(&self.rest)
    }

    /// How many bytes all of it takes on the wire.
    pub(super) fn wire_len(&self, is_masked: bool) -> usize {
        let (mut rest, mut wire) = (&self.rest[..], 0);
        loop {
            let len = self.cut(rest);
            wire += header::len(len, is_masked) + len;
            rest = &rest[len..];
            if rest.is_empty() {
                return wire;
            }
        }
    }

    /// Takes the next frame.
    pub(super) fn next(&mut self) -> OutgoingFrame {
        let len = self.next_len();
        let is_last = len == self.rest.len();
        // What is left of the last one would still be the application's.
        let payload = if is_last { mem::take(&mut self.rest) } else { self.rest.split_to(len) };
        let first = mem::take(&mut self.first) | if is_last { self.last } else { 0 };
        OutgoingFrame { first, payload, is_last }
    }

    /// How much of `rest` goes into one frame.
    fn cut(&self, rest: &[u8]) -> usize {
        frame_len(rest, self.max, self.is_text)
    }
}

/// How much of `rest` goes into one frame of at most `max` bytes. Text is cut between characters;
/// one that is larger than a frame may be goes all the same.
pub(crate) fn frame_len(rest: &[u8], max: usize, is_text: bool) -> usize {
    if rest.len() <= max {
        return rest.len();
    }
    if !is_text {
        return max;
    }
    let is_boundary = |at: &usize| rest.get(*at).is_none_or(|byte| byte & 0xc0 != 0x80);
    let before = (1..=max).rev().take(4).find(is_boundary);
    before.or_else(|| (max..=rest.len()).find(is_boundary)).unwrap_or(rest.len())
}

/// The first byte of a raw frame, in two parts: all but FIN, and FIN.
pub(super) fn raw_first(header: &FrameHeader) -> (u8, u8) {
    let first = header::first_byte(header);
    (first & !FIN, first & FIN)
}
