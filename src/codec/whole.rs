//! Messages that are all there: most are.

use tungstenite::{Error, Message};

use super::{assembler::Kind, input, limits::Limits, mask::Mask};

/// Takes a plain message that is all there in one frame with a short header. What is anything else, or breaks a rule, is left as
/// it is, for the decoder to go through step by step.
pub(super) fn take(input: &mut &mut [u8], limits: &Limits) -> Result<Option<Message>, Error> {
    let (first, header, len) = match **input {
        [first @ (0x81 | 0x82), second @ 0x80..=0xfd, ..] => (first, 6, usize::from(second & 0x7f)),
        [first @ (0x81 | 0x82), 0xfe, high, low, ..] => {
            (first, 8, usize::from(u16::from_be_bytes([high, low])))
        }
        _ => return Ok(None),
    };
    let max = limits.max_frame_size.min(limits.max_message_size);
    if len > max || input.len() < header + len {
        return Ok(None);
    }
    let (header, payload) = input::take(input, header + len).split_at_mut(header);
    if let Some(key) = header.last_chunk() {
        Mask::new(*key).apply(payload);
    }
    let kind = if first == 0x81 { Kind::Text } else { Kind::Binary };
    kind.message(payload).map(Some)
}
