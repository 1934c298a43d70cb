//! Frames as a client writes them, and as a server must (RFC 6455 §5.2).
//!
//! They are written separately from the frames of `tests/raw_client`, so that an error in one is
//! found by the other.

pub const FIN: u8 = 0x80;
pub const RSV1: u8 = 0x40;
pub const CONTINUE: u8 = 0;
pub const TEXT: u8 = 1;
pub const BINARY: u8 = 2;
pub const CLOSE: u8 = 8;
pub const PING: u8 = 9;
pub const PONG: u8 = 10;

/// How a length is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    Shortest,
    Two,
    Eight,
}

/// Returns a client's frame. `mask` is `None` for an invalid, unmasked frame.
pub fn client_frame(first: u8, payload: &[u8], mask: Option<[u8; 4]>, width: Width) -> Vec<u8> {
    let mut frame = header(first, payload.len() as u64, mask, width);
    let key = mask.unwrap_or_default();
    frame.extend(payload.iter().enumerate().map(|(i, byte)| byte ^ key[i % 4]));
    frame
}

/// Returns the header of a client's frame.
pub fn header(first: u8, len: u64, mask: Option<[u8; 4]>, width: Width) -> Vec<u8> {
    let mut header = vec![first];
    let bit = if mask.is_some() { 0x80 } else { 0 };
    if len < 126 && width == Width::Shortest {
        header.push(bit | len as u8);
    } else if len < 0x1_0000 && width != Width::Eight {
        header.push(bit | 126);
        header.extend((len as u16).to_be_bytes());
    } else {
        header.push(bit | 127);
        header.extend(len.to_be_bytes());
    }
    header.extend(mask.into_iter().flatten());
    header
}

/// A complete and valid frame of a server.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    pub first: u8,
    pub payload: &'a [u8],
}

impl Frame<'_> {
    pub fn is_final(&self) -> bool {
        self.first & FIN != 0
    }

    pub fn opcode(&self) -> u8 {
        self.first & 0x0f
    }

    pub fn is_control(&self) -> bool {
        self.first & 8 != 0
    }
}

/// Returns the frame at the start of `bytes`, and the bytes after it. Returns `None` if the frame
/// is incomplete.
///
/// # Panics
///
/// Panics if a server must not send these bytes.
pub fn server_frame(bytes: &[u8]) -> Option<(Frame<'_>, &[u8])> {
    let first = *bytes.first()?;
    assert_eq!(first & 0x30, 0, "RSV2 and RSV3 are never set: {first:#x}");
    assert!(matches!(first & 0x0f, CONTINUE | TEXT | BINARY | CLOSE | PING | PONG), "opcode {first:#x}");
    assert!(first & 8 == 0 || first & (FIN | RSV1) == FIN, "control frame {first:#x}");
    let second = *bytes.get(1)?;
    assert_eq!(second & 0x80, 0, "a server masks nothing");
    let (len, header) = match second {
        126 => (u64::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?)), 4),
        127 => (u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?), 10),
        len => (len.into(), 2),
    };
    assert!(header != 4 || len > 125, "the length {len} fits into 7 bits");
    assert!(header != 10 || len > 0xffff, "the length {len} fits into 16 bits");
    assert!(len < 1 << 40, "a length of {len}");
    assert!(first & 8 == 0 || len <= 125, "a control frame of {len} bytes");
    let end = header + len as usize;
    Some((Frame { first, payload: bytes.get(header..end)? }, &bytes[end..]))
}
