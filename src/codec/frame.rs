//! Complete frames (RFC 6455 §5.2).

use tungstenite::Message;

use super::{
    header,
    mask::{Key, Mask},
};

/// Appends a frame, masked with `key` if there is one.
// A call would cost almost one percent of the instructions of a message.
#[inline(always)]
pub(super) fn write_frame(output: &mut Vec<u8>, first: u8, payload: &[u8], key: Option<Key>) {
    output.reserve(header::len(payload.len(), key.is_some()) + payload.len());
    header::write(output, first, payload.len(), key);
    let start = output.len();
    output.extend_from_slice(payload);
    if let Some(key) = key {
        Mask::new(key).apply(&mut output[start..]);
    }
}

/// Returns the first byte and the payload of a text or binary message that is sent in one frame.
pub(super) fn single_frame(message: &Message) -> Option<(u8, &[u8])> {
    match message {
        Message::Text(text) => Some((0x81, text.as_bytes())),
        Message::Binary(payload) => Some((0x82, payload)),
        _ => None,
    }
}
