//! Decoding of messages that have arrived completely, which is the most frequent case.

use tungstenite::{Error, protocol::Role};

use super::{
    assembler::MessageKind,
    decoded::Decoded,
    input,
    limits::Limits,
    mask::{KEY_LEN, Mask},
};

/// The minimum size in bytes of a message that may keep its buffer, which must be replaced then.
const LARGE: usize = 8 * 1024;

/// Returns the message whose complete payload is `payload`, which `rest` follows in the input.
pub(super) fn message(kind: MessageKind, payload: &[u8], rest: &[u8]) -> Result<Decoded, Error> {
    if kind == MessageKind::Binary && payload.len() >= LARGE && rest.is_empty() {
        return Ok(Decoded::Last(payload.len()));
    }
    kind.message(payload).map(Decoded::Message)
}

/// Takes an uncompressed message that has arrived completely in one frame of at most 64 KiB. Any
/// other input, and input that violates a rule, is left for the decoder to handle step by step.
pub(super) fn take(input: &mut &mut [u8], limits: &Limits, role: Role) -> Result<Option<Decoded>, Error> {
    let (first, header, len) = match (role, &**input) {
        (Role::Server, &[first @ (0x81 | 0x82), second @ 0x80..=0xfd, ..]) => {
            (first, 2 + KEY_LEN, usize::from(second & 0x7f))
        }
        (Role::Server, &[first @ (0x81 | 0x82), 0xfe, high, low, ..]) => {
            (first, 4 + KEY_LEN, usize::from(u16::from_be_bytes([high, low])))
        }
        (Role::Client, &[first @ (0x81 | 0x82), second @ ..=125, ..]) => (first, 2, usize::from(second)),
        (Role::Client, &[first @ (0x81 | 0x82), 126, high, low, ..]) => {
            (first, 4, usize::from(u16::from_be_bytes([high, low])))
        }
        _ => return Ok(None),
    };
    let max = limits.max_frame_size.min(limits.max_message_size);
    if len > max || input.len() < header + len {
        return Ok(None);
    }
    let (header, payload) = input::take(input, header + len).split_at_mut(header);
    if role == Role::Server {
        if let Some(key) = header.last_chunk() {
            Mask::new(*key).apply(payload);
        }
    }
    let kind = if first == 0x81 { MessageKind::Text } else { MessageKind::Binary };
    message(kind, payload, input).map(Some)
}
