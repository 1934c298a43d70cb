//! The compressible part of a message.

use tungstenite::{Message, protocol::frame::coding::Data};

/// Returns the opcode and the payload of a data message.
pub(super) fn payload_of(message: &Message) -> Option<(Data, &[u8])> {
    match message {
        Message::Text(text) => Some((Data::Text, text.as_bytes())),
        Message::Binary(payload) => Some((Data::Binary, payload)),
        _ => None,
    }
}
