//! Frames (RFC 6455, section 5.2).

use raw_client::{FIN, RSV1, deflate::compressed, frame_with_mask, opcode::CONTINUE};

/// The kind of a frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Opcode {
    Text = 1,
    Binary = 2,
    Close = 8,
}

/// Returns one message as one masked frame.
pub(crate) fn frame(opcode: Opcode, payload: &[u8], mask: [u8; 4]) -> Vec<u8> {
    frame_with_mask(FIN | opcode as u8, payload, mask)
}

/// Returns one message as a server sends it: one frame without a mask.
pub(crate) fn server_frame(opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![FIN | opcode as u8];
    match payload.len() {
        length @ 0..=125 => frame.push(length as u8),
        length @ 126..=0xffff => {
            frame.push(126);
            frame.extend((length as u16).to_be_bytes());
        }
        length => {
            frame.push(127);
            frame.extend((length as u64).to_be_bytes());
        }
    }
    frame.extend_from_slice(payload);
    frame
}

/// Returns one message as masked frames with at most `size` bytes of payload each.
pub(crate) fn fragments(opcode: Opcode, payload: &[u8], size: usize, mask: [u8; 4]) -> Vec<u8> {
    let last = payload.len().div_ceil(size).saturating_sub(1);
    let frame = |(nth, part)| {
        let first = if nth == 0 { opcode as u8 } else { CONTINUE };
        frame_with_mask(if nth == last { FIN | first } else { first }, part, mask)
    };
    payload.chunks(size).enumerate().flat_map(frame).collect()
}

/// Returns one message as one masked and compressed frame.
pub(crate) fn compressed_frame(opcode: Opcode, payload: &[u8], mask: [u8; 4]) -> Vec<u8> {
    frame_with_mask(FIN | RSV1 | opcode as u8, &compressed(payload, 6), mask)
}
