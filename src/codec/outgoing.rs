//! An outgoing data message in fragments (RFC 6455 §5.4).

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

/// The size of the largest packets, with all of their headers: those of a loopback interface, and
/// those that a network card splits.
const PACKET: usize = 64 * 1024;

/// A data message that is sent frame by frame.
#[derive(Debug)]
pub(super) struct Outgoing {
    /// The first byte of the next frame. The bits of `last` are added in the last frame.
    first: u8,
    last: u8,
    rest: Bytes,
    /// The largest payload of a frame.
    max: usize,
    /// Whether it is uncompressed text, which is split only between characters.
    is_text: bool,
}

/// An outgoing frame.
#[derive(Debug)]
pub(super) struct OutgoingFrame {
    pub(super) first: u8,
    pub(super) payload: Bytes,
    /// Whether it is the last frame of its message.
    pub(super) is_last: bool,
}

impl Outgoing {
    /// Creates a message that is sent in frames of at most `max` bytes. A raw frame is sent
    /// unchanged except for its mask. A control message is returned as the error.
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

    /// Creates a compressed message (RFC 7692 §6).
    pub(super) fn compressed(opcode: Data, payload: Bytes, max: usize) -> Self {
        Self::data(opcode, true, payload, max, false)
    }

    fn data(opcode: Data, rsv1: bool, rest: Bytes, max: usize, is_text: bool) -> Self {
        let header =
            FrameHeader { is_final: false, rsv1, opcode: OpCode::Data(opcode), ..FrameHeader::default() };
        Self { first: header::first_byte(&header), last: FIN, rest, max: max.max(1), is_text }
    }

    /// Returns the payload size of the next frame.
    pub(super) fn next_len(&self) -> usize {
        self.cut(&self.rest)
    }

    /// Returns the size of all frames on the wire.
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
        // Taken completely, because a rest would keep a reference to the application's buffer.
        let payload = if is_last { mem::take(&mut self.rest) } else { self.rest.split_to(len) };
        let first = mem::take(&mut self.first) | if is_last { self.last } else { 0 };
        OutgoingFrame { first, payload, is_last }
    }

    /// Returns how many bytes of `rest` go into one frame.
    fn cut(&self, rest: &[u8]) -> usize {
        frame_len(rest, self.max, self.is_text)
    }
}

/// Returns how many bytes of `rest` go into one frame of at most `max` bytes. Text is split between
/// characters; a character that is larger than `max` is still sent in one frame.
///
/// A fragment is 1 KiB smaller for each [`PACKET`], because its header would need another packet,
/// whose few bytes cost almost as much.
pub(crate) fn frame_len(rest: &[u8], max: usize, is_text: bool) -> usize {
    if rest.len() <= max {
        return rest.len();
    }
    let max = max - max / PACKET * 1024;
    if !is_text {
        return max;
    }
    let is_boundary = |at: &usize| rest.get(*at).is_none_or(|byte| byte & 0xc0 != 0x80);
    let before = (1..=max).rev().take(4).find(is_boundary);
    before.or_else(|| (max..=rest.len()).find(is_boundary)).unwrap_or(rest.len())
}

/// Returns the first byte of a raw frame in two parts: all bits except FIN, and FIN.
pub(super) fn raw_first(header: &FrameHeader) -> (u8, u8) {
    let first = header::first_byte(header);
    (first & !FIN, first & FIN)
}
