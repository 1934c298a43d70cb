//! Frames from a client to a server (RFC 6455, section 5.2).

use super::compress;

/// What a frame is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Opcode {
    Text = 1,
    Binary = 2,
    Close = 8,
}

/// The bit of the first byte that marks a compressed message.
pub(crate) const RSV1: u8 = 0x40;

/// One whole message as one masked frame.
pub(crate) fn frame(opcode: Opcode, payload: &[u8], mask: [u8; 4]) -> Vec<u8> {
    masked(0x80 | opcode as u8, payload, mask)
}

/// Likewise, and compressed.
pub(crate) fn compressed_frame(opcode: Opcode, payload: &[u8], mask: [u8; 4]) -> Vec<u8> {
    masked(0x80 | RSV1 | opcode as u8, &compress(payload), mask)
}

fn masked(first: u8, payload: &[u8], mask: [u8; 4]) -> Vec<u8> {
    let mut frame = vec![first];
    match payload.len() {
        length @ 0..=125 => frame.push(0x80 | length as u8),
        length @ 126..=0xffff => {
            frame.push(0x80 | 126);
            frame.extend_from_slice(&(length as u16).to_be_bytes());
        }
        length => {
            frame.push(0x80 | 127);
            frame.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    frame.extend_from_slice(&mask);
    frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}
