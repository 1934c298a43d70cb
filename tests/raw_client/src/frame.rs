//! Frames from a client to a server (RFC 6455 §5.2).
//!
//! `first` is a frame's first byte: an [opcode](crate::opcode), combined with [`FIN`] and [`RSV1`]
//! as needed, or one of [`whole`](crate::whole). The length has its shortest form.

/// The bit of the last frame of a message.
pub const FIN: u8 = 0x80;

/// The bit of the first frame of a compressed message (RFC 7692 §6).
pub const RSV1: u8 = 0x40;

/// The default mask.
pub const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// Returns a masked frame.
pub fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    frame_with_mask(first, payload, MASK)
}

/// Returns a frame with this mask. A mask of zeros leaves the payload unchanged.
pub fn frame_with_mask(first: u8, payload: &[u8], mask: [u8; 4]) -> Vec<u8> {
    let mut frame = header_with_mask(first, payload.len() as u64, mask);
    frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

/// Returns the header of a masked frame whose payload has `len` bytes.
pub fn header(first: u8, len: u64) -> Vec<u8> {
    header_with_mask(first, len, MASK)
}

/// Returns the header of a frame with this mask whose payload has `len` bytes.
pub fn header_with_mask(first: u8, len: u64, mask: [u8; 4]) -> Vec<u8> {
    const MASKED: u8 = 0x80;
    let mut header = vec![first];
    match len {
        0..=125 => header.push(MASKED | len as u8),
        126..=0xffff => {
            header.push(MASKED | 126);
            header.extend((len as u16).to_be_bytes());
        }
        _ => {
            header.push(MASKED | 127);
            header.extend(len.to_be_bytes());
        }
    }
    header.extend(mask);
    header
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{opcode, whole};

    /// The examples of RFC 6455 §5.7, the fragments with a mask of zeros.
    #[test]
    fn frames_equal_those_of_the_rfc() {
        assert_eq!(frame(whole::TEXT, b"Hello"), b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");
        assert_eq!(frame(whole::PONG, b"Hello"), b"\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");
        let fragments =
            [frame_with_mask(opcode::TEXT, b"Hel", [0; 4]), frame_with_mask(FIN, b"lo", [0; 4])].concat();
        assert_eq!(fragments, b"\x01\x83\0\0\0\0Hel\x80\x82\0\0\0\0lo");
    }

    #[test]
    fn lengths_have_their_shortest_form() {
        for (len, expected) in [
            (0, &[0x80][..]),
            (125, &[0x80 | 125]),
            (126, &[0x80 | 126, 0, 126]),
            (0xffff, &[0x80 | 126, 0xff, 0xff]),
            (0x1_0000, &[0x80 | 127, 0, 0, 0, 0, 0, 1, 0, 0]),
            (u64::MAX >> 1, &[0x80 | 127, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
        ] {
            assert_eq!(header(whole::BINARY, len), [&[whole::BINARY], expected, &MASK].concat());
        }
    }
}
