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

use super::header::{self, FIN, RSV1};

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
    /// unchanged except for its mask.
    pub(super) fn new(message: Message, max: usize) -> Self {
        match message {
            Message::Text(text) => Self::data(Data::Text, text.into(), max),
            Message::Binary(payload) => Self::data(Data::Binary, payload, max),
            Message::Frame(frame) => {
                let (first, last) = raw_first(frame.header());
                let rest = frame.into_payload();
                Self { first, last, rest, max: usize::MAX, is_text: false }
            }
            Message::Ping(_) | Message::Pong(_) | Message::Close(_) => unreachable!("it is a raw frame"),
        }
    }

    /// Creates a compressed message (RFC 7692 §6).
    pub(super) fn compressed(opcode: Data, payload: Bytes, max: usize) -> Self {
        let plain = Self::data(opcode, payload, max);
        Self { first: plain.first | RSV1, is_text: false, ..plain }
    }

    fn data(opcode: Data, rest: Bytes, max: usize) -> Self {
        let (first, is_text) = (OpCode::Data(opcode).into(), opcode == Data::Text);
        Self { first, last: FIN, rest, max: max.max(1), is_text }
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
