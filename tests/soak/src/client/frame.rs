//! Frames (RFC 6455 §5).
//!
//! They are written separately from the frames of `tests/raw_client`, so that an error in one is
//! found by the other.

use bytes::{Buf, Bytes, BytesMut};

pub(crate) const CONTINUATION: u8 = 0;
pub(crate) const TEXT: u8 = 1;
pub(crate) const BINARY: u8 = 2;
pub(crate) const CLOSE: u8 = 8;
pub(crate) const PING: u8 = 9;
pub(crate) const PONG: u8 = 10;
pub(crate) const FIN: u8 = 0x80;
pub(crate) const RSV1: u8 = 0x40;

/// The largest frame that the server makes, in bytes.
const MAX: usize = 1 << 20;

/// A frame of the server.
#[derive(Debug)]
pub(crate) struct Frame {
    /// The first byte: the final bit, the reserved bits, and the opcode.
    pub(crate) first: u8,
    pub(crate) payload: Bytes,
}

/// Appends a masked frame.
pub(crate) fn put(output: &mut BytesMut, first: u8, payload: &[u8], mask: u32) {
    output.extend_from_slice(&[first]);
    match payload.len() {
        len @ 0..=125 => output.extend_from_slice(&[0x80 | len as u8]),
        len @ 126..=0xffff => {
            output.extend_from_slice(&[0x80 | 126]);
            output.extend_from_slice(&(len as u16).to_be_bytes());
        }
        len => {
            output.extend_from_slice(&[0x80 | 127]);
            output.extend_from_slice(&(len as u64).to_be_bytes());
        }
    }
    let mask = mask.to_be_bytes();
    output.extend_from_slice(&mask);
    let start = output.len();
    output.extend_from_slice(payload);
    for four in output[start..].chunks_mut(4) {
        four.iter_mut().zip(mask).for_each(|(byte, mask)| *byte ^= mask);
    }
}

/// Takes a whole frame from the beginning of `input`. Returns `None` if it is incomplete.
pub(crate) fn take(input: &mut BytesMut) -> Result<Option<Frame>, String> {
    let [first, second, ..] = input[..] else { return Ok(None) };
    if second & 0x80 > 0 {
        return Err("a masked frame".to_owned());
    }
    let number = |len: usize| {
        input.get(2..2 + len).map(|bytes| bytes.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)))
    };
    let (head, len) = match second {
        126 => (4, number(2)),
        127 => (10, number(8)),
        len => (2, Some(len.into())),
    };
    let Some(len) = len else { return Ok(None) };
    if len > MAX {
        return Err(format!("a frame of {len} bytes"));
    }
    if input.len() < head + len {
        input.reserve(head + len - input.len());
        return Ok(None);
    }
    input.advance(head);
    Ok(Some(Frame { first, payload: input.split_to(len).freeze() }))
}
