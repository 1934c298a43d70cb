//! Frames from a client to a server (RFC 6455, section 5.2).

use raw_client::{FIN, RSV1, deflate::compressed, frame_with_mask};

/// What a frame is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Opcode {
    Text = 1,
    Binary = 2,
    Close = 8,
}

/// One whole message as one masked frame.
pub(crate) fn frame(opcode: Opcode, payload: &[u8], mask: [u8; 4]) -> Vec<u8> {
    frame_with_mask(FIN | opcode as u8, payload, mask)
}

/// Likewise, and compressed.
pub(crate) fn compressed_frame(opcode: Opcode, payload: &[u8], mask: [u8; 4]) -> Vec<u8> {
    frame_with_mask(FIN | RSV1 | opcode as u8, &compressed(payload, 6), mask)
}
